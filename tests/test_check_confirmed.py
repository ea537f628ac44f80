"""A claim that no edit mends is wrong only by equations that are read as the document means them."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document
from symbptt.check.reports import Options, written

MODEL = (
    r"$$h_t = \tanh(U x_t + W h_{t-1}), \quad o_t = V h_t$$ $$L = \sum_t \|o_t - d_t\|^2$$" + "\n"
)
WRONG = r"$$\frac{\partial L}{\partial h_t} = h_t + h_t \odot h_t - W^T h_{t-1}$$" + "\n"
MENDED = (
    r"$$\frac{\partial L}{\partial V} = \sum_t \frac{\partial L}{\partial o_t} h_{t-1}^T$$" + "\n"
)
OF_STATE = r"$$\frac{\partial h_t}{\partial x_t} = W \, diag(h_{t-1}) \, U U$$" + "\n"
OPEN = r"$$\frac{\partial Q}{\partial q_t} = 3 \frac{\partial Q}{\partial h_t}$$" + "\n"
SHARES = r"$$\frac{\partial L}{\partial V} = \sum_t \frac{\partial L_t}{\partial V}$$" + "\n"
GRADIENT = (
    r"$$\frac{\partial L}{\partial V} = \sum_t \frac{\partial L}{\partial o_t} h_t^T$$" + "\n"
)
ALIKE = r"$$\frac{\partial L}{\partial x_t} = U^T \left((1 - h_t^2) \odot \frac{\partial L}{\partial h_t}\right)$$"
JACOBIAN = r"$$\frac{\partial h_t}{\partial h_{t-1}} = diag(1 - h_t^2) W$$" + "\n"
OF_INPUT = r"$$\frac{\partial h_t}{\partial x_t} = diag(1 - h_t^2) U$$" + "\n"


def last(text: str) -> str | None:
    verdict = check_document(Document(text, None, "markdown")).findings[-1].verdict
    assert verdict is not None
    return verdict.verdict


@pytest.mark.parametrize(
    ("others", "claim", "expected"),
    [
        ("", WRONG, "wrong"),  # all of the document is understood
        (OPEN, WRONG, "inconclusive"),
        (OPEN + SHARES, WRONG, "inconclusive"),  # which holds of any network
        (OPEN + JACOBIAN, WRONG, "inconclusive"),  # which says nothing of the loss
        (OPEN + GRADIENT, WRONG, "inconclusive"),  # nor of that state
        (OPEN + ALIKE, WRONG, "inconclusive"),  # which is no edit away from what is right
        (ALIKE, WRONG, "wrong"),
        (OPEN, OF_STATE, "inconclusive"),
        (OPEN + OF_INPUT, OF_STATE, "inconclusive"),
        (OF_INPUT, OF_STATE, "wrong"),
        ("", MENDED, "wrong"),
        (OPEN, MENDED, "inconclusive"),
        (OPEN + JACOBIAN, MENDED, "inconclusive"),
        (OPEN + GRADIENT, MENDED, "wrong"),
        (OPEN + GRADIENT.replace(r"= \sum", r"= -\sum"), MENDED, "wrong"),  # another slip
        (OPEN + MENDED.replace("h_{t-1}", "h_{t+1}"), MENDED, "inconclusive"),  # of the same kind
    ],
)
def test_a_fault_needs_a_formula_that_confirms_the_equations(others, claim, expected):
    assert last(MODEL + others + claim) == expected


#: A gate's gradient as it is written, and as that by the argument; a weight's by each.
LSTM = r"""
$$g_t = \tanh(U x_t + W h_{t-1}), \quad o_t = \sigma(Q x_t + R h_{t-1})$$
$$c_t = c_{t-1} + g_t, \quad h_t = o_t \odot \tanh(c_t)$$
"""
OF_GATE = (
    r"$$\frac{\partial L}{\partial o_t} = \frac{\partial L}{\partial h_t} \odot \tanh(c_t)$$" + "\n"
)
OF_ARGUMENT = OF_GATE.replace(r"\tanh(c_t)", r"\tanh(c_t) \odot o_t \odot (1 - o_t)")
OF_WEIGHT = r"$$\frac{\partial L}{\partial Q} = \frac{\partial L}{\partial o_t} x_t^T$$" + "\n"


@pytest.mark.parametrize(
    ("first", "claim", "expected"),
    [
        (OF_GATE, OF_WEIGHT, "wrong"),
        (OF_ARGUMENT, OF_WEIGHT, "inconclusive"),  # of the argument, both of them
        (OF_WEIGHT, OF_ARGUMENT, "inconclusive"),
        ("", OF_ARGUMENT, "wrong"),
        (OF_ARGUMENT.replace(r"o_t \odot (1 - o_t)", r"\sigma'(o_t)"), OF_WEIGHT, "inconclusive"),
        (OF_WEIGHT, OF_WEIGHT.replace("Q", "R").replace("x_t", "h_{t-1}"), "wrong"),
    ],
)
def test_two_faults_may_be_of_the_argument_of_an_activation(first, claim, expected):
    assert last(LSTM + first + claim) == expected


#: The slope is in what a gradient is said to be, of which not all is read.
GIVEN = r"$$dg_t = (z_t + c_t) \odot (1 - g_t^2)$$" + "\n"
SHARE = r"$$\frac{\partial L}{\partial U} = \frac{\partial L}{\partial g_t} x_t^T$$"


@pytest.mark.parametrize(
    ("given", "has_slope"),
    [
        (GIVEN, True),
        (GIVEN.replace("g_t^2", "c_t^2"), False),  # another one's
        (GIVEN.replace(r"+ c_t) \odot", r"+ c_t \odot").replace("2)$", "2))$"), False),  # of a term
    ],
)
def test_the_slope_may_be_in_what_the_gradient_is_said_to_be(given, has_slope):
    named = r"$$dg_t = \frac{\partial L}{\partial g_t}$$" + "\n"
    assert last(LSTM + named + SHARE) == "wrong"
    findings = check_document(Document(LSTM + named + given + SHARE, None, "markdown")).findings
    verdict = findings[-1].verdict
    assert verdict is not None
    assert verdict.verdict == "inconclusive"
    assert ("by the argument of an activation" in verdict.reason) is has_slope


#: Of rows, by the products on the right; and the gradient by another matrix, of columns.
OF_ROWS = r"$$\frac{\partial L}{\partial U} = x_t^T \left((1 - h_t^2) \odot \frac{\partial L}{\partial h_t}\right)$$"


@pytest.mark.parametrize(
    ("others", "expected"),
    [("", "shape-error"), (OPEN + ALIKE + "\n", "inconclusive"), (OPEN + ALIKE + "\n" + GRADIENT, "shape-error")],
)  # fmt: skip
def test_a_product_in_the_other_order_may_be_of_rows(others, expected):
    assert last(MODEL + others + OF_ROWS) == expected


def test_a_slope_is_a_factor_too_many() -> None:
    candidate = OF_GATE.replace("o_t", "g_t").replace(r"\partial h_t", r"\partial c_t")
    text = LSTM + candidate.replace(r"\tanh(c_t)", "(1 - g_t^2)")
    verdict = check_document(Document(text, None, "markdown")).findings[-1].verdict
    assert verdict is not None
    assert verdict.correction is not None
    assert verdict.correction.mistake == "factor too many"


def test_a_slope_is_missing_behind_the_gradient_by_a_gate():
    verdict = (
        check_document(Document(LSTM + OF_GATE + OF_WEIGHT, None, "markdown")).findings[-1].verdict
    )
    assert verdict is not None
    assert verdict.correction is not None
    assert verdict.correction.mistake == "activation's derivative missing"
    assert r"\odot o_t \odot (1 - o_t)) x_t^T" in verdict.correction.text


def test_a_formula_that_is_not_read_leaves_doubt_too():
    assert last(MODEL + "$$a = * = b$$\n" + WRONG) == "inconclusive"


def test_what_is_not_explained_keeps_its_counterexample():
    claim = r"$$\frac{\partial L}{\partial V} = \sum_t h_t \otimes h_t V$$"
    report = check_document(Document(MODEL + OPEN + claim, "a.md"))
    verdict = report.findings[-1].verdict
    assert verdict is not None
    assert verdict.verdict == "inconclusive"
    assert verdict.counterexample is not None
    assert verdict.correction is not None
    assert verdict.correction.origin == "engine"
    text = written([report], "text", Options())
    (shown,) = (line for line in text.splitlines() if "derivation has" in line)
    assert shown.strip().startswith("what is derived: ")


@pytest.mark.parametrize(("others", "expected"), [("", "wrong"), (OPEN, "inconclusive")])
def test_a_chain_rule_in_its_place_tells_no_mistake(others, expected):
    left = r"$$\frac{\partial L_t}{\partial h_{t-1}} ="
    loss = r"$$L_t = \|o_t - d_t\|^2$$" + "\n"
    handed = r" \frac{\partial L_t}{\partial h_t}$$" + "\n"
    chain = left + r" \left(\frac{\partial h_t}{\partial h_{t-1}}\right)^T" + handed
    assert last(MODEL + loss + others + chain) == "right"
    assert last(MODEL + loss + others + chain + left + r" W^T W W" + handed) == expected


@pytest.mark.parametrize(
    ("of_output", "of_weight", "expected"),
    [
        ("h_t e_t^T", "h_{t-1} s_t^T", "inconclusive"),
        ("e_t h_t^T", "h_{t-1} s_t^T", "wrong"),
        ("h_t e_t^T", "h_{t} s_t^T", "wrong"),
    ],
)
def test_gradients_by_matrices_may_all_be_transposed(of_output, of_weight, expected):
    names = (
        r"Let $e_t = 2 (o_t - d_t)$ and $s_t = (1 - h_t^2) \odot \frac{\partial L}{\partial h_t}$."
    )
    gradient = r"$$\frac{{\partial L}}{{\partial {}}} = \sum_t {}$$"
    found = check_document(
        Document(MODEL + names + gradient.format("V", of_output) + gradient.format("W", of_weight))
    ).findings
    verdict = found[-1].verdict
    assert verdict is not None
    assert verdict.verdict == expected


RECURSION = (
    r"$$\frac{\partial E_t}{\partial h_t} = \frac{\partial E_t}{\partial o_t} \frac{\partial o_t}{\partial h_t}"
    r" + \frac{\partial E_{t+1}}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}$$"
)
CELL = r"$$h_t = \tanh(U x_t + W h_{t-1}), \quad o_t = V h_t$$" + "\n"


@pytest.mark.parametrize(
    ("said", "claim", "expected"),
    [
        ("", RECURSION, "inconclusive"),  # E_t may be the loss from step t on
        (r"$$E = \sum_t E_t$$" + "\n", RECURSION, "wrong"),
        (r"$$\frac{\partial E}{\partial V} = \sum_t \frac{\partial E_t}{\partial V}$$" + "\n", RECURSION, "wrong"),
        ("", RECURSION.replace("+", "-", 1), "wrong"),
    ],
)  # fmt: skip
def test_the_loss_of_a_step_may_be_that_of_all_from_there_on(said, claim, expected):
    assert last(CELL + said + claim) == expected
