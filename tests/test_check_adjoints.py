"""Adjoints: gradients that bear the name of a quantity with a mark."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document

CELL = r"""
$$a_t = U h_{t-1} + W x_t + b$$
$$h_t = \tanh(a_t)$$
$$L = \sum_{t=1}^T \ell_t(h_t)$$
"""
#: Lines that go backward in time.
BACKWARD = (
    r"\bar h_t = \frac{\partial \ell_t}{\partial h_t} + U^\top \bar a_{t+1}",
    r"\bar a_t = \bar h_t \odot (1 - h_t \odot h_t)",
)
LAST = r"\frac{\partial L}{\partial W} = \sum_t \bar a_t x_t^\top"


def verdicts(*claims: str, words: str = "") -> list[str]:
    text = "\n".join(f"$${claim}$$" for claim in claims)
    found = check_document(Document(f"{CELL}\n{words}\n\n{text}\n", "a.md")).findings
    return [f.verdict.verdict for f in found if f.verdict is not None]


@pytest.mark.parametrize("mark", [r"\bar a_t", r"\dot a_t", r"\tilde{a}_t", r"a_t^*"])
def test_a_mark_may_tell_a_gradient(mark):
    assert verdicts(LAST.replace(r"\bar a_t", mark)) == ["right-under"]


def test_lines_of_adjoints_are_claims():
    assert verdicts(*BACKWARD, LAST) == ["right-under", "right-under", "right"]


def test_they_are_no_forward_equations_without_derivatives():
    lines = [line.replace(r"\frac{\partial \ell_t}{\partial h_t}", "q_t") for line in BACKWARD]
    q = r"q_t = \frac{\partial \ell_t}{\partial h_t}"
    assert verdicts(q, *lines, LAST) == ["right-under", "right-under", "right"]


@pytest.mark.parametrize(("old", "new"), [("U^", "W^"), ("t+1", "t-1"), ("1 - h_t", "1 + h_t")])
def test_a_mistake_in_one_is_not_right(old, new):
    found = verdicts(*(line.replace(old, new) for line in BACKWARD), LAST)
    assert "inconclusive" in found
    assert "wrong" not in found


def test_a_document_may_say_what_the_mark_means():
    words = r"Write $\bar v = \frac{\partial L}{\partial v}$ for every quantity $v$."
    wrong = LAST.replace("x_t", "x_{t-1}")
    assert verdicts(*BACKWARD, LAST, wrong, words=words) == ["right", "right", "right", "wrong"]


def test_an_adjoint_may_be_used_before_it_is_defined():
    given = r"\bar a_t = \frac{\partial L}{\partial a_t}"
    assert verdicts(LAST, given) == ["right"]


def test_a_network_that_reads_backward_has_no_adjoints():
    text = r"""
$$h_t = \tanh(U h_{t-1} + W x_t)$$
$$\bar h_t = \tanh(V \bar h_{t-1} + W x_t)$$
$$\frac{\partial \bar h_t}{\partial \bar h_{t-1}} = \operatorname{diag}(1 - \bar h_t^2) V$$
"""
    found = check_document(Document(text, "a.md")).findings
    assert [f.verdict.verdict for f in found if f.verdict is not None] == ["right"]


@pytest.mark.parametrize(
    ("line", "plain", "stated"),
    [
        (r"\bar W = \sum_t \bar a_t x_t^\top", "right-under", "right"),
        (r"\bar U = \sum_t \bar a_t h_t^\top", "inconclusive", "wrong"),
    ],
)
def test_parameters_have_adjoints_too(line, plain, stated):
    words = r"Write $\bar v = \frac{\partial L}{\partial v}$ for every quantity $v$."
    assert verdicts(*BACKWARD, line)[-1] == plain
    assert verdicts(*BACKWARD, line, words=words)[-1] == stated


def test_the_gates_of_a_cell_have_adjoints():
    text = r"""
$$i_t = \sigma(W_i x_t + U_i h_{t-1}), \qquad o_t = \sigma(W_o x_t + U_o h_{t-1})$$
$$\tilde c_t = \tanh(W_c x_t + U_c h_{t-1}), \qquad c_t = c_{t-1} + i_t \odot \tilde c_t$$
$$h_t = o_t \odot \tanh(c_t)$$
$$\bar c_t = \bar h_t \odot o_t \odot (1 - \tanh^2(c_t)) + \bar c_{t+1}$$
$$\bar{\tilde c}_t = \bar c_t \odot i_t$$
$$\bar o_t = \bar h_t \odot \tanh(c_t)$$
$$\bar o_t = \bar h_t \odot c_t$$
"""
    found = check_document(Document(text, "a.md")).findings
    verdicts = [f.verdict.verdict for f in found if f.verdict is not None]
    assert verdicts == ["right-under", "right-under", "right-under", "inconclusive"]


ROWS = r"""
$$s_t = x_t W + h_{t-1} R, \qquad h_t = \tanh(s_t), \qquad p_t = \mathrm{softmax}(h_t V)$$
$$E = \sum_{t=1}^T E_t, \qquad E_t = -\sum_k y_{t,k} \log p_{t,k}$$
"""
MULTIPLIER = r"\lambda_t = (p_t - y_t) V^\top + (\lambda_{t+1} \odot (1 - h_{t+1}^2)) R^\top"
GRADIENT = r"\lambda_t = \nabla_{h_t} E"
WEIGHTS = r"\nabla_W E = \sum_t x_t^\top (\lambda_t \odot (1 - h_t^2))"


def of_rows(*claims: str) -> list[str]:
    text = ROWS + "\n".join(f"$${claim}$$" for claim in claims)
    found = check_document(Document(text, "a.md")).findings
    return [f.verdict.verdict for f in found if f.verdict is not None]


@pytest.mark.parametrize("letter", [r"\lambda", "q", r"\eta"])
def test_what_is_carried_back_is_no_forward_equation(letter):
    lines = [x.replace(r"\lambda", letter) for x in (MULTIPLIER, GRADIENT, WEIGHTS)]
    assert of_rows(*lines) == ["right-under", "right", "right"]
    assert of_rows(lines[1], lines[0], lines[2]) == ["right", "right"]


@pytest.mark.parametrize(("old", "new"), [("R^", "R R^"), ("h_{t+1}", "h_t"), ("- y_t", "+ y_t")])
def test_a_mistake_in_what_is_carried_back(old, new):
    wrong = MULTIPLIER.replace(old, new)
    assert of_rows(wrong)[0] == "inconclusive"
    assert of_rows(GRADIENT, wrong, WEIGHTS) == ["wrong", "right"]
    assert of_rows(GRADIENT, MULTIPLIER, WEIGHTS.replace("x_t", "x_{t-1}")) == ["right", "wrong"]


def test_two_names_may_carry_back_in_turn():
    first = r"\lambda_t = (p_t - y_t) V^\top + \mu_{t+1} R^\top"
    second = r"\mu_t = \lambda_t \odot (1 - h_t^2)"
    assert of_rows(first, second, GRADIENT) == ["right-under", "right-under", "right"]


def test_a_state_that_runs_backward_is_an_equation():
    both = r"""
$$h_t = \tanh(W h_{t-1} + U x_t), \qquad g_t = A g_{t+1} + B h_t, \qquad y_t = V h_t + Q g_t$$
$$L = \sum_{t=1}^T \frac{1}{2} \|y_t - d_t\|^2$$
"""
    by = r"\frac{\partial L}{\partial g_{%s}}"
    claim = rf"$${by % 't'} = Q^\top (y_t - d_t) + A^\top {by % 't-1'}$$"
    for text, verdict in ((claim, "right"), (claim.replace(r"A^\top", "A"), "wrong")):
        last = check_document(Document(both + text, "a.md")).findings[-1].verdict
        assert last is not None
        assert last.verdict == verdict
