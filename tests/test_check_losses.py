"""Losses that are said twice, and outputs that bear the target's name."""

from __future__ import annotations

import pytest

import symbptt
from symbptt.check.documents.document import Document
from symbptt.check.findings import FAULTS
from symbptt.check.judging import check_document

CELL = r"""
$$h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h), \qquad z_t = W_{hy} h_t + b_y$$
"""


def verdicts(*lines: str) -> list[str]:
    text = CELL + "\n".join(f"$${line}$$" for line in lines)
    found = check_document(Document(text, "a.md")).findings
    return [f.verdict.verdict for f in found if f.verdict is not None]


@pytest.mark.parametrize(
    "whole",
    [
        r"L = \sum_t L_t = -\sum_t y_t \log(\hat y_t)",
        r"L = -\sum_{t=1}^T y_t \log(\hat y_t) = \sum_t L_t",
    ],
)
def test_the_loss_may_be_said_in_two_ways(whole):
    step = r"L_t = -y_t \log(\hat y_t)"
    assert verdicts(r"\hat y_t = \text{softmax}(z_t)", step, whole) == []
    other = whole.replace(r"-\sum", r"\sum")
    assert verdicts(r"\hat y_t = \text{softmax}(z_t)", step, other) == ["inconclusive"]


def test_a_loss_that_is_said_again_in_shorthand_is_no_fault():
    step = r"L_t = -y_t^T \log \hat y_t"
    whole = (
        r"L(\hat y, y) = \sum_{t=1}^T L_t = -\sum_{t=1}^T y_t \log \left[\text{softmax}(z_t)\right]"
    )
    found = verdicts(r"\hat y_t = \text{softmax}(z_t)", step, whole)
    assert not {"wrong", "shape-error"} & {*found}


@pytest.mark.parametrize("word", ["from output", "output", "from future"])
def test_a_part_of_the_loss_is_not_the_loss(word):
    loss = r"L = \sum_t \frac{1}{2} \|z_t - y_t\|^2"
    part = rf"\nabla_{{h_t}} L_{{\text{{{word}}}}}"
    assert verdicts(loss, rf"\nabla_{{h_t}} L = {part}") == ["inconclusive"]
    both = rf"\nabla_{{h_t}} L = {part} + \nabla_{{h_t}} L_{{\text{{future}}}}"
    assert verdicts(loss, both) == ["inconclusive"]
    assert verdicts(loss, r"\nabla_{h_t} L_{\text{total}} = W_{hy} (z_t - y_t)")[0] in FAULTS


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"\frac{\partial L_t}{\partial z_t} = \hat y_t - y_t", "right-under"),
        (r"\frac{\partial L_t}{\partial z_t} = y_t - \hat y_t", "inconclusive"),
        (r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 + h_t^2) W_{hh}", "wrong"),
    ],
)
def test_the_output_may_bear_the_name_of_the_target(claim, expected):
    found = verdicts(r"y_t = \text{softmax}(z_t)", r"L_t = -y_t \log(\hat y_t)", claim)
    assert found == [expected]


@pytest.mark.parametrize("loss", [r"\ell(z_t, y_t)", r"\text{loss}(y_t, z_t)"])
@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"\text{softmax}(z_t) - y_t", "right-under"),
        (r"p_t - y_t", "right-under"),
        (r"\sigma(z_t) - y_t", "right-under"),
        (r"\text{softmax}(z_t) - 2 y_t", "wrong"),
        (r"y_t - \text{softmax}(z_t)", "wrong"),
        (r"2 (p_t - y_t)", "wrong"),
        (r"y_t - p_t", "wrong"),
        (r"\text{softmax}(2 z_t) - y_t", "wrong"),
    ],
)
def test_a_loss_by_name_may_be_the_cross_entropy_of_a_softmax(loss, claim, expected):
    given = rf"L = \sum_{{t=1}}^T {loss}", r"p_t = \text{softmax}(z_t)"
    of = r"\frac{\partial L}{\partial z_t}"
    assert verdicts(*given, f"{of} = {claim}") == [expected]


UNSAID = """
h_t = tanh(W x_t + U h_{t-1} + b)
y_t = V h_t + c
"""
BY_Y, BY_V, BY_C = (
    "∂L/∂y_t = {}(y_t - d_t)",
    "∂L/∂V = Σ_t {}(y_t - d_t) h_tᵀ",
    "∂L/∂c = Σ_t {}(y_t - d_t)",
)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        (("2",), ["right-under"]),
        (("3",), ["inconclusive"]),
        (("1/T ",), ["inconclusive"]),
        (("-2",), ["wrong"]),
        (("2", "2"), ["right-under", "right-under"]),
        (("2", ""), ["inconclusive", "inconclusive"]),
        (("2", "", "2"), ["right-under", "inconclusive", "right-under"]),
    ],
)
def test_a_loss_that_no_formula_gives_has_one_scale_throughout(factors, expected):
    lines = [x.format(c) for x, c in zip((BY_Y, BY_V, BY_C), factors, strict=False)]
    found = symbptt.check(UNSAID + "\n\n".join(["", *lines])).findings
    assert [f.verdict.verdict for f in found if f.verdict] == expected


def test_what_the_derivation_says_of_an_abstract_loss_corrects_nothing():
    found = symbptt.check(f"{UNSAID}\n\n{BY_Y.format('-')}").findings[-1].verdict
    assert (found.verdict, found.correction) == ("wrong", None)


OF_PREDICTIONS = r"""
$s_t = \tanh(U x_t + W s_{t-1})$, $z_t = V s_t$, $\hat y_t = \mathrm{softmax}(z_t)$,
$E = \sum_t E_t(\hat y_t)$; the loss is the cross-entropy.
"""


@pytest.mark.parametrize(
    ("right", "verdict"),
    [(r"\hat y_t - y_t", "right"), (r"y_t - \hat y_t", "wrong"), (r"2(\hat y_t - y_t)", "wrong")],
)
def test_a_loss_may_be_called_with_the_prediction_alone(right, verdict):
    claim = rf"$$\frac{{\partial E_t}}{{\partial z_t}} = {right}$$"
    assert symbptt.check(OF_PREDICTIONS + claim).findings[-1].verdict.verdict == verdict


@pytest.mark.parametrize("loss", [r"\sum_t -y_t^T \log p_t", r"-\sum_t y_t^T \log p_t"])
@pytest.mark.parametrize(
    ("claim", "expected"),
    [(r"p_t - y_t", "right"), (r"y_t - p_t", "wrong"), (r"p_t - 2 y_t", "wrong")],
)
def test_the_minus_of_a_loss_may_stand_behind_its_sum(loss, claim, expected):
    given = r"p_t = \text{softmax}(z_t)", f"L = {loss}"
    assert verdicts(*given, rf"\frac{{\partial L}}{{\partial z_t}} = {claim}") == [expected]


@pytest.mark.parametrize(
    "whole",
    [
        r"L(y, p) = \sum_t L_t = -\sum_t y_t \log p_t",
        r"L = \sum_t L_t(y_t, p_t) = \sum_{t=1}^T -y_t^T \log p_t",
        r"L = -\sum_t y_t \log p_t = \sum_t L_t",
        r"L = \sum_t E_t = -\sum_t \sum_k y_{t,k} \log p_{t,k}",
        r"L = \frac{1}{T} \sum_t E_t = -\frac{1}{T} \sum_t y_t \log p_t",
    ],
)
def test_a_chain_that_gives_the_loss_gives_that_of_a_step(whole):
    of = "E" if "E_t" in whole else "L"
    given = r"p_t = \text{softmax}(z_t)", whole
    claims = (rf"\frac{{\partial {of}_3}}{{\partial z_3}} = {x}" for x in ("p_3 - y_3", "p_3"))
    assert verdicts(*given, *claims) == ["right", "wrong"]
    other = rf"{of}_t = -2 y_t^T \log p_t"  # the chain then says something of it
    assert verdicts(given[0], other, whole) != []


SQUARED = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$\hat{y}_t = V h_t$$"
BY_OUTPUT = r"\frac{\partial L}{\partial \hat{y}_t}"


@pytest.mark.parametrize(
    ("loss", "claim", "verdict"),
    [
        (r"\frac{1}{2}(\hat{y}_t - y_t)^2", r"\hat{y}_t - y_t", "right"),
        (r"(\hat{y}_t - y_t)^2", r"2 (\hat{y}_t - y_t)", "right"),
        (r"(\hat{y}_t - y_t)^2", r"\hat{y}_t - y_t", "inconclusive"),
        (r"(\hat{y}_t - y_t)^2", r"y_t - \hat{y}_t", "wrong"),
        # No usual loss stands for one that is given and not read.
        (r"(\hat{y}_t - y_t)^4", r"2 (\hat{y}_t - y_t)", "inconclusive"),
        (r"(\hat{y}_t - y_t)^4", r"4 (\hat{y}_t - y_t)^3", "inconclusive"),
        (r"\log \cosh(\hat{y}_t - y_t)", r"\tanh(\hat{y}_t - y_t)", "inconclusive"),
    ],
)
@pytest.mark.parametrize("name", [r"\ell", "L"])
def test_the_arguments_of_a_loss_say_that_it_is_of_a_step(name, loss, claim, verdict):
    of_step = rf"{name}(y_t, \hat{{y}}_t)"
    text = rf"{SQUARED} $${of_step} = {loss}$$ $$L = \sum_{{t=1}}^T {of_step}$$"
    last = symbptt.check(f"{text} $${BY_OUTPUT} = {claim}$$").findings[-1]
    assert last.verdict.verdict == verdict


@pytest.mark.parametrize("verdict", ["inconclusive", "right"])
def test_a_loss_of_other_arguments_is_not_the_one_that_is_given(verdict):
    step = "_t" if verdict == "right" else ""
    given = rf"\ell(y{step}, \hat{{y}}{step}) = \frac12 (\hat{{y}}{step} - y{step})^2"
    text = rf"{SQUARED} $$L = \sum_{{t=1}}^T \ell(y_t, \hat{{y}}_t)$$ $${given}$$"
    last = symbptt.check(rf"{text} $${BY_OUTPUT} = \hat{{y}}_t - y_t$$").findings[-1]
    assert last.verdict.verdict == verdict


@pytest.mark.parametrize(
    ("factor", "verdict"), [("h_{t-1}^T", "inconclusive"), ("h_t^T", "wrong"), ("x_t^T", "wrong")]
)
def test_the_loss_of_a_step_may_be_said_for_its_share(factor, verdict):
    text = (
        r"$$z_t = W h_{t-1} + U x_t$$ $$h_t = \tanh(z_t)$$ $$L = \sum_t L_t$$"
        r" $$L_t = \frac12 \|V h_t - y_t\|^2$$ with $\delta_t = \partial L/\partial z_t$"
    )
    claim = rf"\frac{{\partial L_t}}{{\partial W}} = \delta_t {factor}"
    last = symbptt.check(f"{text} $${claim}$$").findings[-1]
    assert last.verdict.verdict in (verdict, "shape-error" if factor == "x_t^T" else verdict)


CLASSES = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$o_t = V h_t$$ $$p_t = \mathrm{softmax}(o_t)$$"


@pytest.mark.parametrize(
    ("loss", "verdict"),
    [
        # What only compares two things by a logarithm is the cross-entropy that the words name.
        (r"-\sum_{t, k} y_{t,k} \log p_{t,k}", "right"),
        (r"-\sum_{t=1}^T \sum_{k} y_{t,k} \log p_{t,k}", "right"),
        (r"\sum_t \mathrm{CE}(p_t, y_t)", "right"),
        # What has something more may be another.
        (r"-\sum_{t, k} y_{t,k} (1 - p_{t,k})^{\gamma} \log (p_{t,k} + \epsilon)", "inconclusive"),
        (r"-\sum_{t, k} [(1-\epsilon) y_{t,k} + \frac{\epsilon}{K}] \log p_{t,k}", "inconclusive"),
        (r"-3 \sum_{t : x_t \ne 0} \sum_k y_{t,k} \log p_{t,k}", "inconclusive"),
        (r"-\sum_{t, k} y_{t,k} \log p_{t,k} + \sum_{t=2}^T \text{dist}(h_t)", "inconclusive"),
        (r"\sum_{t=1}^T \text{rank}(p_t, y_t) + \sum_{i<j} \text{margin}_{ij}", "inconclusive"),
        (r"\sum_{t=1}^T \max(\epsilon, m_t) \, \|p_t - y_t\|^2", "inconclusive"),
    ],
)
def test_words_name_no_loss_that_a_formula_gives_otherwise(loss, verdict):
    text = rf"{CLASSES} The loss, a cross-entropy, is $$L = {loss}$$"
    claim = r"$$\frac{\partial L}{\partial o_t} = p_t - y_t$$"
    assert symbptt.check(f"{text} {claim}").findings[-1].verdict.verdict == verdict


def test_the_share_of_a_step_in_a_mean_is_no_derivative_by_its_loss():
    text = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$L_t = \frac12 \|V h_t - d_t\|^2$$ "
    text += r"$$\frac{\partial L_t}{\partial h_t} = V^T (V h_t - d_t)$$"
    claim = r"$$\frac{\partial L_t}{\partial h_t} = \frac{1}{T} V^T (V h_t - d_t)$$"
    for whole in (r"\frac{1}{T} \sum_t L_t", r"\sum_t L_t"):
        last = symbptt.check(rf"$$L = {whole}$$ {text} {claim}").findings[-1]
        assert last.verdict.verdict == "wrong"


@pytest.mark.parametrize(
    ("whole", "delta", "expected"),
    [
        (r"\sum_t L_t", r"y_t - d_t", ["right-under", "right"]),
        (r"\frac{1}{T} \sum_t L_t", r"y_t - d_t", ["inconclusive", "right-under"]),
        (r"\frac{1}{T} \sum_t L_t", r"y_t + d_t", ["wrong", "right-under"]),
    ],
)
def test_a_gradient_that_lacks_the_factor_of_a_mean_is_not_used_unseen(whole, delta, expected):
    text = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$y_t = \text{softmax}(V h_t)$$ "
    text += rf"$$L_t = -\sum_k d_{{t,k}} \log y_{{t,k}}$$ $$L = {whole}$$ "
    text += rf"$$\delta_t^{{(y)}} = {delta}$$ "
    text += r"$$\frac{\partial L}{\partial V} = \sum_t \delta_t^{(y)} h_t^T$$"
    found = symbptt.check(text).findings
    assert [f.verdict.verdict for f in found if f.verdict is not None] == expected
