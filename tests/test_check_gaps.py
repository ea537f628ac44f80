"""What the forward equations lack is doubted before a claim is: no false verdict comes of it."""

from __future__ import annotations

import pytest

import symbptt

ELMAN = r"""
$$ h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h) $$

$$ o_t = W_{hy} h_t + b_y $$

$$ L = \sum_{t=1}^{T} \frac{1}{2} \| o_t - y_t \|^2 $$
"""
LSTM = r"""
$$ f_t = \sigma(W_f x_t + U_f h_{t-1}) $$

$$ i_t = \sigma(W_i x_t + U_i h_{t-1}) $$

$$ g_t = f_t \odot c_{t-1} + i_t \odot \tanh(W_c x_t + U_c h_{t-1}) $$

$$ o_t = \sigma(W_o x_t + U_o h_{t-1}) $$

$$ h_t = o_t \odot \tanh(g_t) $$
"""


def last(text: str, *claims: str) -> symbptt.check.findings.Verdict:
    given = text + "".join(f"\n$$ {claim} $$\n" for claim in claims)
    (*_, found) = (f.verdict for f in symbptt.check(given).findings if f.verdict)
    return found


def by(of: str, x: str) -> str:
    return rf"\frac{{\partial {of}}}{{\partial {x}}}"


def test_a_quantity_that_nothing_uses_makes_no_claim_wrong() -> None:
    mistyped = r"Let $a_t = W_{hh} h_{t-1} + w_{xh} x_t + b_h$ and"
    delta = rf"\delta_t = {by('L', 'a_t')}"
    claim = rf"{by('L', 'W_{hh}')} = \sum_{{t=1}}^{{T}} \delta_t h_{{t-1}}^T"
    found = last(ELMAN + mistyped, delta, claim)
    assert found.verdict == "inconclusive"
    assert "the loss doesn't depend on a; is w_xh meant to be W_xh?" in found.reason
    right = r"Let $a_t = W_{hh} h_{t-1} + W_{xh} x_t + b_h$ and"
    assert last(ELMAN + right, delta, claim).verdict.startswith("right")
    assert last(ELMAN + right, delta, claim.replace("h_{t-1}^T", "h_t^T")).verdict == "wrong"


@pytest.mark.parametrize(
    "claim",
    [
        r"\delta_g = \delta_h \odot (1 - \tanh^2(g_t)) \odot i_t",
        r"\delta_i = \delta_g \odot (1 - i_t^2)",
        r"\delta_{h_{t-1}} = \delta_{h_t} \odot U_f^T",
    ],
)
def test_an_equation_that_was_not_made_makes_no_claim_wrong(claim: str) -> None:
    found = last(LSTM, claim)  # c is given by nothing: g_t is not what the network has
    assert found.verdict == "inconclusive"
    assert "it depends on g, for which no forward equation is read" in found.reason
    linked = LSTM.replace("g_t", "c_t")
    assert last(linked, claim.replace("g", "c")).verdict in ("wrong", "shape-error")


def test_a_claim_that_an_equation_has_no_part_in_stays_wrong() -> None:
    output = "\n$$ z_t = V h_t $$\n\n$$ L = \\sum_t \\frac{1}{2} \\|z_t - y_t\\|^2 $$\n"
    claim = rf"{by('L', 'V')} = \sum_t (z_t - y_t) h_t^T"
    assert last(LSTM + output, claim).verdict == "right"
    assert last(LSTM + output, claim.replace("- y_t", "+ y_t")).verdict == "wrong"


def test_a_label_tells_activations_apart() -> None:
    text = r"""
$$ h_t = \sigma_h(W_{xh} x_t + W_{hh} h_{t-1} + b_h) $$

$$ \hat y_t = \sigma_y(W_{hy} h_t + b_y) $$

$$ z_y = W_{hy} h_t + b_y $$

$$ L = \sum_t L_t $$
"""
    y = r"\hat y_t"
    chain = by("L_t", y) + by(y, "z_y") + by("z_y", "W_{hy}")
    claim = rf"{by('L_t', 'W_{hy}')} = {chain} = (\hat y_t - y_t) h_t^T"
    found = last(text, claim)
    assert found.verdict == "right-under"
    assert [r.name for r in found.readings] == ["σ_y is softmax, and the loss is the cross-entropy"]
    slope = rf"{by('h_{t+1}', 'h_t')} = \operatorname{{diag}}(1 - h_{{t+1}}^2) W_{{hh}}"
    assert [r.name for r in last(text, slope).readings] == ["σ_h is tanh"]
    assert last(text, claim.replace("h_t^T", "h_{t-1}^T")).verdict in ("wrong", "inconclusive")


def test_what_holds_without_an_equation_that_was_refused_is_not_right() -> None:
    slope = r"\operatorname{diag}(\tanh(g_t) \odot o_t \odot (1 - o_t)) U_o"
    found = last(LSTM, rf"{by('h_t', 'h_{t-1}')} = {slope}")  # the path through g is left out
    assert found.verdict == "inconclusive"
    assert "g, whose forward equation isn't read" in found.reason


def test_equations_that_make_no_network_are_not_said_to_be_missing() -> None:
    powers = "$$\nh_t = \\sum_{s=1}^{t} A^{t-s} x_s\n$$\n\n"
    claim = "$$\n\\frac{\\partial L}{\\partial h_t} = 2 h_t\n$$\n"
    for text, reason in (
        (claim, "the document has no forward equations"),
        ("Words.\n\n" + powers + claim, "none of the forward equations could be read into a "
         "network; that of line 4 was the first that could not"),
    ):  # fmt: skip
        verdict = symbptt.check(text).findings[-1].verdict
        assert verdict is not None
        assert (verdict.verdict, verdict.reason) == ("inconclusive", reason)


def test_a_number_below_a_name_at_a_step_is_a_part_of_it() -> None:
    text = "$$h(t) = \\tanh(W h(t-1) + x(t))$$\n\n$$p_{1}(t) = V^T q_{0}(t)$$\n"
    text += "\n$$\\delta_h(t) = h(t) + e_{0}(t)$$\n"
    verdict = symbptt.check(text).findings[-1].verdict
    assert verdict is not None
    assert verdict.reason == "e_0 is not defined"


GATE = rf"{by('L', 'x_t')} = W_o^T ({by('L', 'h_t')} \odot \tanh(c_t) \odot o_t \odot (1 - o_t))"
OUTPUT_GATE = r"""
$$ o_t = \sigma(W_o x_t + U_o h_{t-1}) $$

$$ h_t = o_t \odot \tanh(c_t) $$
"""


@pytest.mark.parametrize(
    ("cell", "verdict"),
    [
        ("", "inconclusive"),  # c is given by nothing
        (r"$$ c_t = f_t \odot c_{t-1} + i_t \odot g_t $$", "inconclusive"),  # nor are f, i and g
        (r"$$ C_t = f_t \odot C_{t-1} + i_t \odot @ g_t $$", "inconclusive"),  # not a loss
        (r"$$ c_t = c_{t-1} $$", "right"),
        (r"$$ c_t = \tanh(W_c x_t) $$", "wrong"),
    ],
)
def test_what_lacks_an_equation_may_be_of_what_the_gates_beside_it_are(cell, verdict):
    big = "C" in cell
    texts = [x.replace("c_t", "C_t") if big else x for x in (OUTPUT_GATE, GATE)]
    assert last(texts[0] + cell + "\n", texts[1]).verdict == verdict


SOFTMAX = r"""
$$ a_t = b + W h_{t-1} + U x_t $$

$$ h_t = \tanh(a_t) $$

$$ o_t = c + V h_t $$

$$ \hat{y}_t = \operatorname{softmax}(o_t) $$

To see why, suppose
"""


@pytest.mark.parametrize(
    ("right", "verdict"),
    [("W", "right"), (r"\operatorname{diag}(1 - h_t^2) W", "wrong"), ("W^T W", "wrong")],
)
def test_a_network_without_activations_goes_on_from_one_that_has_them(right, verdict):
    """Its state is no gate of its own, and its output is what it was."""
    claim = f"{by('h_t', 'h_{t-1}')} = {right}"
    assert last(SOFTMAX, "h_t = W h_{t-1}", claim).verdict == verdict


GATED = r"""
$$ f_t = \sigma(W_f [h_{t-1}, x_t] + b_f) $$

$$ i_t = \sigma(W_i [h_{t-1}, x_t] + b_i) $$

$$ g_t = \tanh(W_g [h_{t-1}, x_t] + b_g) $$

$$ o_t = \sigma(W_o [h_{t-1}, x_t] + b_o) $$

$$ c_t = f_t \odot c_{t-1} + i_t \odot g_t $$

$$ h_t = o_t \odot \tanh(c_t) $$
"""
PLAIN = r"$$ h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h) $$"


@pytest.mark.parametrize("text", [GATED, f"{PLAIN}\n{GATED}", f"{GATED}\n{PLAIN}"])
def test_another_network_of_the_document_makes_no_term_vanish(text):
    """By the plain one ``∂i_t/∂c_{t-1}`` is zero, and whatever it is multiplied by."""
    slopes = f"{by('f_t', 'c_{t-1}')} \\odot c_{{t-1}} - 2 {by('i_t', 'c_{t-1}')} \\odot g_t"
    claim = f"{by('c_t', 'c_{t-1}')} = \\operatorname{{diag}}(f_t) + {slopes}"
    assert last(text, claim).verdict == "inconclusive"
