"""A claim that fails may be meant of less than it says: it is in doubt then, and no fault."""

from __future__ import annotations

import pytest
from verdicts import of, verdict

NETWORK = r"""
$$h_t = \tanh(U x_t + V h_{t-1} + b)$$

$$z_t = W h_t$$

$$o_t = \sigma(z_t)$$
"""
LSTM = r"""
$$f_t = \sigma(W_f x_t + U_f h_{t-1})$$

$$g_t = \tanh(W_g x_t + U_g h_{t-1})$$

$$c_t = f_t \odot c_{t-1} + g_t, \qquad h_t = \tanh(c_t)$$
"""


GATE = rf"Let $G_t = {of('o_t', 'z_t')}$, which is $$G_t = \operatorname{{diag}}(\sigma'(z_t))$$"
NUMBER = r"$$G_t = \sigma'(z_t)$$"


@pytest.mark.parametrize(
    ("words", "claim", "expected"),
    [
        ("", NUMBER, "shape-error"),
        ("In the scalar case it is", NUMBER, "inconclusive"),
        ("If all are numbers,", NUMBER, "inconclusive"),
        ("스칼라에서는", NUMBER, "inconclusive"),
        ("In the scalar case it is", NUMBER.replace(r"\sigma'", r"2 \sigma'"), "shape-error"),
    ],
)
def test_words_say_that_all_are_numbers(words, claim, expected):
    assert verdict(NETWORK, GATE, words, claim) == expected


HANDED = rf"$${of('L', 'h_t')} = W {of('L', 'z_t')} + V ((1 - h_{{t+1}}^2) {of('L', 'h_{t+1}')})$$"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"wrong", "shape-error"}),
        ("All quantities are scalars.", {"inconclusive"}),
        ("We take one hidden unit, so that all is a single number.", {"inconclusive"}),
        (r"Here $h_t \in \mathbb{R}$ and $W \in \mathbb{R}$.", {"inconclusive"}),
        (r"Here $W, V \in \mathbb{R}^{1 \times 1}$.", {"inconclusive"}),
        ("所有量都是标量。", {"inconclusive"}),
        ("The loss is a scalar.", {"wrong", "shape-error"}),
        (r"Here $h_t \in \mathbb{R}^n$ and $L \in \mathbb{R}$.", {"wrong", "shape-error"}),
        (r"Here $W \in \mathbb{R}^{1 \times n}$.", {"wrong", "shape-error"}),
    ],
)
def test_a_document_says_that_all_are_numbers(words, expected):
    loss = r"$$L = \sum_t \frac12 \|o_t - d_t\|^2$$"
    assert verdict(words, NETWORK, loss, HANDED) in expected
    assert verdict(words, NETWORK, loss, HANDED.replace("= W", "= 2 W")) in {"wrong", "shape-error"}


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (f"{of('f_t', 'c_{t-1}')} = 0", "inconclusive"),
        (f"{of('c_t', 'c_{t-1}')} = f_t + c_{{t-1}} \\odot {of('f_t', 'c_{t-1}')}", "inconclusive"),
        (f"{of('c_t', 'c_{t-1}')} = g_t + c_{{t-1}} \\odot {of('f_t', 'c_{t-1}')}", "wrong"),
        (f"{of('c_t', 'f_t')} = 0", "wrong"),
    ],
)
def test_direct_paths_of_which_there_is_none(claim, expected):
    assert verdict(LSTM, f"$${claim}$$") == expected


ROW = rf"$${of('L_t', 'W')} = \left({of('L_t', 'o_t')} diag(\sigma'(z_t))\right)^T h_t^T$$"
COLUMN = rf"$${of('L_t', 'z_t')} = diag(\sigma'(z_t)) {of('L_t', 'o_t')}$$"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([ROW], "inconclusive"),
        ([COLUMN, ROW], "shape-error"),
        (["Derivatives of a scalar are row vectors.", ROW], "right-under"),
        (["Derivatives of a scalar are row vectors.", ROW.replace("h_t^T", "h_{t-1}^T")], "wrong"),
        ([ROW.replace("h_t^T", "h_{t-1}^T")], "shape-error"),
    ],
)
def test_gradients_that_may_be_rows(texts, expected):
    assert verdict(NETWORK, *texts) == expected


ELMAN = r"""
$$h_t = \tanh(W h_{t-1} + U x_t)$$

$$y_t = V h_t, \qquad L_t = \frac{1}{2}\|y_t - d_t\|^2, \qquad L = \sum_t L_t$$
"""
SHARES = rf"\sum_t {of('L_t', 'h_t')} {of('h_t', 'W')}"
PATHS = rf"\sum_t \sum_{{k=1}}^t {of('L_t', 'h_t')} {of('h_t', 'h_k')} {of('h_k', 'W')}"
IMMEDIATE = r"\sum_t (V^T (y_t - d_t) \odot (1 - h_t^2)) h_{t-1}^T"


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([SHARES, IMMEDIATE], "inconclusive"),  # total in one link, immediate in the other
        ([SHARES, PATHS], "right-under"),
        ([IMMEDIATE], "wrong"),
    ],
)
def test_the_links_of_a_chain_need_one_derivative(sides, expected):
    assert verdict(ELMAN, "$$" + " = ".join([of("L", "W"), *sides]) + "$$") == expected


BACK = rf"W^T (\delta_{{t+1}} \odot (1 - h_{{t+1}}^2)) + {of('L_t', 'h_t')}"


@pytest.mark.parametrize(
    ("of_what", "back", "expected"),
    [
        ("L", BACK, "right"),
        ("L_t", BACK, "inconclusive"),  # the definition, and not this, may be the slip
        ("L_t", BACK.replace("W^T", "W"), "wrong"),
        ("L_t", BACK.replace("+ ", "- "), "wrong"),
    ],
)
def test_a_signal_by_the_loss_of_a_step_may_be_that_by_the_whole(of_what, back, expected):
    given = rf"Let $\delta_t = {of(of_what, 'h_t')}$."
    assert verdict(ELMAN, given, rf"so that $$\delta_t = {back}$$") == expected


ROWS = r"""
$$h_t = \tanh(x_t W + h_{t-1} U)$$

$$y_t = h_t V$$
"""


@pytest.mark.parametrize(
    ("loss", "factor", "expected"),
    [
        (r"\sum_t \|y_t - d_t\|^2", "2", "right"),
        (r"\sum_t \|y_t - d_t\|^2", "3", "wrong"),
        (r"\frac{1}{2T} \sum_t \|y_t - d_t\|^2", r"\frac{1}{T}", "right"),
        (r"\frac{1}{2T} \sum_t \|y_t - d_t\|^2", "", "wrong"),
        (r"\frac{1}{2} \sum_t (y_t - d_t)^2", "", "right"),
    ],
)
def test_the_square_of_a_row_is_read(loss, factor, expected):
    claim = rf"$${of('L', 'V')} = {factor} \sum_t h_t^T (y_t - d_t)$$"
    assert verdict(ROWS, f"$$L = {loss}$$", claim) == expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"\sum_t x_t^T \delta_t", "right"),
        (r"\sum_t \delta_t x_t^T", "shape-error"),
        (r"\sum_t x_t \delta_t", "right-under"),
    ],
)
def test_a_transpose_that_is_written_makes_no_outer_product(claim, expected):
    delta = rf"$$\delta_t = {of('L', 'a_t')}$$"
    model = ROWS.replace(r"\tanh(x_t W + h_{t-1} U)", r"\tanh(a_t), \quad a_t = x_t W + h_{t-1} U")
    loss = r"$$L = \sum_t \|y_t - d_t\|^2$$"
    assert verdict(model, loss, delta, f"$${of('L', 'W')} = {claim}$$") == expected
