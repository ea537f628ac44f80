"""What textbooks write of simple networks: classes by number, gradients at one step's copy."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document

FORWARD = r"""
$$h_t = \sigma(W_h h_{t-1} + W_e x_{[t]} + b_1)$$
$$\hat{y}_t = \mathrm{softmax}(U h_t + b_2)$$
$$J^{(t)} = -\sum_j y_{t,j} \log \hat{y}_{t,j}$$
$$J = \sum_{t=1}^T J^{(t)}$$
"""
BY_STATE = r"U^T (\hat{y}_t - y_t) \odot h_t \odot (1 - h_t)"


def verdict(claim: str, forward: str = FORWARD) -> str | None:
    (*_, last) = check_document(Document(f"{forward}\n$${claim}$$\n", "a.md")).findings
    return None if last.verdict is None else last.verdict.verdict


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (rf"\left.\frac{{\partial J^{{(t)}}}}{{\partial W_h}}\right|_{{(t)}} = ({BY_STATE}) h_{{t-1}}^T", "right"),
        (rf"\left.\frac{{\partial J^{{(t)}}}}{{\partial W_h}}\right|_{{(t)}} = ({BY_STATE}) h_t^T", "wrong"),
        (rf"\left.\frac{{\partial J^{{(t)}}}}{{\partial W_e}}\right|_{{(t)}} = ({BY_STATE}) x_{{[t]}}^T", "right"),
        (r"\frac{\partial J^{(t)}}{\partial W_h} = \sum_{i=1}^{t} \left.\frac{\partial J^{(t)}}{\partial W_h}\right|_{(i)}", "right"),
        (r"\frac{\partial J^{(t)}}{\partial W_h} = \sum_{i=2}^{t} \left.\frac{\partial J^{(t)}}{\partial W_h}\right|_{(i)}", "wrong"),
    ],
)  # fmt: skip
def test_a_gradient_by_the_copy_of_a_step(claim, expected):
    assert verdict(claim) == expected


def test_a_correction_keeps_the_bracket_that_opens_nothing():
    claim = (
        rf"\left.\frac{{\partial J^{{(t)}}}}{{\partial W_h}}\right|_{{(t)}} = ({BY_STATE}) h_t^T"
    )
    (*_, last) = check_document(Document(f"{FORWARD}\n$${claim}$$\n", "a.md")).findings
    assert last.source.startswith(r"\left.")
    assert last.verdict.correction.text == claim.replace("h_t^T", "h_{t-1}^T")


CLASSES = r"""
$$a^{(t)} = W h^{(t-1)} + U x^{(t)}, \qquad h^{(t)} = \tanh(a^{(t)})$$
$$o^{(t)} = c + V h^{(t)}, \qquad \hat{y}^{(t)} = \mathrm{softmax}(o^{(t)})$$
$$L = \sum_t L^{(t)}$$
The loss is the negative log-likelihood of the class $y^{(t)}$.
"""


@pytest.mark.parametrize("indicator", [r"\mathbf{1}_{i=y^{(t)}}", r"1_{y^{(t)} = i}"])
@pytest.mark.parametrize(("sign", "expected"), [("-", "right"), ("+", "wrong")])
def test_a_target_may_be_the_number_of_its_class(indicator, sign, expected):
    left = r"(\nabla_{o^{(t)}} L)_i"
    assert verdict(rf"{left} = \hat{{y}}_i^{{(t)}} {sign} {indicator}", CLASSES) == expected


STEPS = r"""
$$z_t = W h_{t-1} + U x_t, \qquad h_t = \tanh(z_t), \qquad y_t = V h_t$$
$$L = \sum_t \frac{1}{2} \|y_t - d_t\|^2$$
$$dh_t = V^T (y_t - d_t) + dh_{next}$$
$$dz_t = dh_t \odot (1 - h_t^2)$$
"""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"dh_{next} = W^T dz_t", "right-under"),
        (r"dh_{next} = W dz_t", "wrong"),
        (r"dh_{next} = W^T dz_{t+1}", "right"),
    ],
)
def test_what_later_steps_hand_back_is_assigned_for_the_step_before(claim, expected):
    assert verdict(claim, STEPS) == expected
