"""What fails as it is read, and holds as it may be meant."""

from __future__ import annotations

import pytest
from verdicts import of, verdict, verdicts

PLAIN = r"""
$$z_t = W h_{t-1} + U x_t$$
$$h_t = \tanh(z_t), \quad o_t = V h_t$$
$$L = \sum_{t=1}^{T} \frac{1}{2} \|o_t - d_t\|^2$$
"""
CELL = r"""
$$f_t = \sigma(A x_t + B h_{t-1}), \quad i_t = \sigma(C x_t + D h_{t-1})$$
$$g_t = \tanh(E x_t + F h_{t-1})$$
$$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = \tanh(c_t)$$
"""
BACK = rf"$${of('L', 'h_t')} = W^T (1 - h_{{t+1}}^2) \odot {of('L', 'h_{t+1}')}$$"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("With a loss at the last step only, it is", "inconclusive"),
        ("Bei einem Verlust im letzten Schritt:", "inconclusive"),
        ("当损失只在最后一步时", "inconclusive"),
        ("It is", "wrong"),
    ],
)
def test_words_may_put_the_loss_at_the_last_step(words: str, expected: str) -> None:
    assert verdict(PLAIN, f"{words}\n{BACK}") == expected


def test_the_last_step_that_is_written_may_be_the_last_one() -> None:
    last = f"$${of('L', 'h_2')} = V^T {of('L', 'o_2')}$$"
    assert verdict(PLAIN, last) == "inconclusive"
    assert (
        verdict(PLAIN, f"The inputs are $x_1, x_2, x_3$ and $z_3 = W h_2 + U x_3$.{last}")
        == "wrong"
    )
    assert verdict(PLAIN, f"$${of('L', 'h_2')} = V {of('L', 'o_2')}$$") != "inconclusive"


@pytest.mark.parametrize(("piece", "expected"), [("total", "right-under"), ("future", "wrong")])
def test_what_comes_from_later_steps_is_not_the_whole(piece: str, expected: str) -> None:
    given = r"$$dc_{\text{total}} = dc_{\text{future}} + dh_t \odot (1 - h_t^2)$$"
    slope = rf"$${of('L', 'f_t')} = dc_{{\text{{{piece}}}}} \odot c_{{t-1}}$$"
    assert verdict(CELL, f"With $dh_t = {of('L', 'h_t')}$,", given, slope) == expected


def test_a_cell_at_the_step_before_is_no_loss() -> None:
    cell = CELL.replace("C x_t", "P x_t").replace("c_t", "C_t").replace("c_{t-1}", "C_{t-1}")
    code = "```python\ndf = dC * C_prev\ndi = dC * g\n```"
    assert not {"wrong", "shape-error"} & {*verdicts(cell, code)}
