"""Ranges, losses with arguments, functions known by name alone, and Jacobians as matrices."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document

ELMAN = r"h_t = \tanh(W h_{t-1} + U x_t)", "y_t = V h_t"
PASCANU = (
    r"x_t = W_{rec} \sigma(x_{t-1}) + W_{in} u_t + b",
    r"E = \sum_{1 \le t \le T} E_t",
    r"E_t = \mathcal{L}(x_t)",
)
ABSTRACT = (
    r"h_t = f(x_t, h_{t-1}, w_h)",
    r"o_t = g(h_t, w_o)",
    r"L = \frac{1}{T} \sum_{t=1}^{T} l(y_t, o_t)",
)
MEAN = *ELMAN, r"L_t = \frac{1}{2} \|y_t - d_t\|^2", r"L = \frac{1}{T} \sum_{t=1}^{T} L_t"
LAST = r"h_t = \tanh(W h_{t-1} + U x_t)", "y_T = V h_T"


THETA = r"\theta"
THETA_T = r"\theta_t"
NOW = r"\partial^+"


def D(of: str, by: str, sign: str = r"\partial") -> str:
    """A derivative in TeX."""
    return rf"\frac{{{sign} {of}}}{{\partial {by}}}"


def verdict(equations: tuple[str, ...], claim: str) -> str:
    """The verdict on the last formula of a document."""
    page = "\n\n".join(f"$${e}$$" for e in (*equations, claim))
    found = check_document(Document(page)).findings[-1]
    return found.verdict.verdict if found.verdict is not None else found.kind


F = "f(x_t, h_{t-1}, w_h)"
F_J = "f(x_j, h_{j-1}, w_h)"
F_I = "f(x_i, h_{i-1}, w_h)"
LINK = r"W_{rec} diag(\sigma'(x_{i-1}))"
TRANSPOSED = LINK.replace("rec}", "rec}^T")
RIGHT = [
    (PASCANU, rf"{D('E', THETA)} = \sum_{{1 \le t \le T}} {D('E_t', THETA)}"),
    (
        PASCANU,
        rf"{D('E_t', THETA)} = \sum_{{1 \le k \le t}} {D('E_t', 'x_t')} {D('x_t', 'x_k')}"
        rf" {D('x_k', THETA, NOW)}",
    ),
    (PASCANU, rf"{D('x_t', 'x_k')} = \prod_{{t \ge i > k}} {D('x_i', 'x_{i-1}')}"),
    (PASCANU, rf"{D('x_t', 'x_k')} = \prod_{{t \ge i > k}} {LINK}"),
    (PASCANU, rf"{D('x_t', 'x_k')} = \prod_{{i=t}}^{{k+1}} {LINK}"),
    (PASCANU, rf"{D('E_t', 'W_{rec}')} = \sum_{{k \le t}} {D('E_t', 'x_k')} \sigma(x_{{k-1}})^T"),
    (ABSTRACT, rf"{D('h_t', 'w_h')} = {D(F, 'w_h')} + {D(F, 'h_{t-1}')} {D('h_{t-1}', 'w_h')}"),
    (
        ABSTRACT,
        rf"{D('h_t', 'w_h')} = {D(F, 'w_h')} + \sum_{{i=1}}^{{t-1}} (\prod_{{j=i+1}}^{{t}}"
        rf" {D(F_J, 'h_{j-1}')}) {D(F_I, 'w_h')}",
    ),
    (
        ABSTRACT,
        rf"{D('L', 'w_h')} = \frac{{1}}{{T}} \sum_{{t=1}}^{{T}} {D('l(y_t, o_t)', 'o_t')}"
        rf" {D('g(h_t, w_o)', 'h_t')} {D('h_t', 'w_h')}",
    ),
    (ABSTRACT, rf"{D('L', 'o_t')} = \frac{{\partial l(y_t, o_t)}}{{T \cdot \partial o_t}}"),
    (MEAN, rf"{D('L', 'W')} = \frac{{1}}{{T}} \sum_{{t=1}}^{{T}} {D('L_t', 'W')}"),
    (MEAN, rf"{D('L', 'L_t')} = \frac{{1}}{{T}}"),
    (MEAN, rf"{D('L_t', 'y_t')} = y_t - d_t"),
    ((*LAST, r"L = \frac12 \|y_T - d\|^2"), rf"{D('L', 'V')} = (y_T - d) h_T^T"),
    ((*LAST, r"L = \ell(y_T, d)"), rf"{D('L', 'h_T')} = V^T {D('L', 'y_T')}"),
    (LAST, rf"{D('L', 'V')} = {D('L', 'y_T')} h_T^T"),
    (
        (ELMAN[0], r"\hat y = \mathrm{softmax}(V h_T)"),
        rf"{D('L', 'V')} = (\hat y - y) h_T^T",
    ),
]
HELD = "\\frac{\\partial (W h_{t-1})}{\\partial W}"
SLOPE = r"\tanh'(W h_{t-1} + U x_t)"
KRONECKER = r"h_{t-1}^T \otimes I"
RIGHT += [
    (ELMAN, rf"{D('h_t', 'W')} = {SLOPE} (W {D('h_{t-1}', 'W')} + {HELD})"),
    (ELMAN, rf"{D('h_t', 'W')} = {SLOPE} {D('(W h_{t-1})', 'W')}"),
    (ELMAN, rf"{HELD} = {KRONECKER}"),
    (ELMAN, rf"P_t = diag({SLOPE}) (W P_{{t-1}} + {KRONECKER})"),
    (ELMAN, rf"{D('h_t', 'h_{t-1}')} = (I - diag(h_t \odot h_t)) W"),
    (ELMAN, rf"{D('h_t', 'h_{t-1}')} = diag({SLOPE}) (I_n W)"),
    (ELMAN, rf"{D('h_t', 'h_{t-2}')} = {D('h_t', 'h_{t-1}')} {D('h_{t-1}', 'h_{t-2}')}"),
]
RIGHT += [
    (ABSTRACT, rf"{D('h_t', 'w_h')} = {D('f', 'w_h')} + {D('f', 'h_{t-1}')} {D('h_{t-1}', 'w_h')}"),
    (ABSTRACT, rf"{D('L', 'o_t')} = \frac{{1}}{{T}} {D('l', 'o_t')}"),
    (
        ABSTRACT,
        rf"\sum_t {D('L', 'h_t')} {D('h_t', THETA_T)} = \sum_t {D('L', 'h_t')} {D('h_t', THETA, NOW)}",
    ),
]
WRONG = [
    (ABSTRACT, rf"{D('h_t', 'w_h')} = {D('f', 'h_{t-1}')} {D('h_{t-1}', 'w_h')} - {D('f', 'w_h')}"),
    (ABSTRACT, rf"{D('L', 'o_t')} = {D('l', 'o_t')}"),
    (PASCANU, rf"{D('x_t', 'x_k')} = \prod_{{t \ge i \ge k}} {LINK}"),
    (PASCANU, rf"{D('x_t', 'x_k')} = \prod_{{t \ge i > k}} {TRANSPOSED}"),
    (PASCANU, rf"{D('x_t', 'x_k')} = \prod_{{i=k+1}}^{{t-1}} {LINK}"),
    (PASCANU, rf"{D('E_t', 'W_{rec}')} = \sum_{{k < t}} {D('E_t', 'x_k')} \sigma(x_{{k-1}})^T"),
    (ABSTRACT, rf"{D('h_t', 'w_h')} = {D(F, 'w_h')} + {D(F, 'h_{t-1}')} {D('h_t', 'w_h')}"),
    (
        ABSTRACT,
        rf"{D('h_t', 'w_h')} = {D(F, 'w_h')} + \sum_{{i=1}}^{{t-1}} (\prod_{{j=i}}^{{t}}"
        rf" {D(F_J, 'h_{j-1}')}) {D(F_I, 'w_h')}",
    ),
    (ABSTRACT, rf"{D('L', 'o_t')} = {D('l(y_t, o_t)', 'o_t')}"),
    (MEAN, rf"{D('L', 'W')} = \sum_{{t=1}}^{{T}} {D('L_t', 'W')}"),
    (MEAN, rf"{D('L', 'y_t')} = d_t - y_t"),
    ((*LAST, r"L = \frac12 \|y_T - d\|^2"), rf"{D('L', 'V')} = \sum_t (y_t - d) h_t^T"),
    (LAST, rf"{D('L', 'h_t')} = V^T {D('L', 'y_T')}"),
    (
        (ELMAN[0], r"\hat y = \mathrm{softmax}(V h_T)"),
        rf"{D('L', 'V')} = (\hat y - y) h_{{T-1}}^T",
    ),
]


VEC = r"\operatorname{vec}(W)"
BY_Z = rf"\tanh'(W h_{{t-1}} + U x_t) \odot {D('L', 'h_t')}"
RIGHT += [
    (ELMAN, rf"vec({D('L', 'W')}) = \sum_t (h_{{t-1}} \otimes I) ({BY_Z})"),
    (ELMAN, rf"{D('L', VEC)} = \sum_t h_{{t-1}} \otimes ({BY_Z})"),
    (ELMAN, rf"{D('h_t', VEC)} = diag({SLOPE}) (W {D('h_{t-1}', VEC)} + {KRONECKER}_n)"),
]
WRONG += [
    (ELMAN, rf"{D('L', VEC)} = \sum_t h_t \otimes ({BY_Z})"),
    (ELMAN, rf"{D('h_t', 'W')} = {SLOPE} (W {D('h_t', 'W')} + {HELD})"),
    (ELMAN, rf"{D('h_t', 'W')} = {SLOPE} (W {D('h_{t-1}', 'W')} - {HELD})"),
    (ELMAN, rf"{HELD} = h_t^T \otimes I"),
    (ELMAN, rf"{D('h_t', 'h_{t-1}')} = (I + diag(h_t \odot h_t)) W"),
]


@pytest.mark.parametrize(("equations", "claim"), RIGHT)
def test_right(equations: tuple[str, ...], claim: str) -> None:
    assert verdict(equations, claim) in {"right", "right-under"}


@pytest.mark.parametrize(("equations", "claim"), WRONG)
def test_wrong(equations: tuple[str, ...], claim: str) -> None:
    assert verdict(equations, claim) == "wrong"


def test_an_undefined_name_that_no_meaning_fits_is_not_called_wrong() -> None:
    claim = rf"P_t = diag({SLOPE}) (W^T P_{{t-1}} + {KRONECKER})"
    assert verdict(ELMAN, claim) == "inconclusive"
    assert verdict((*ELMAN, rf"P_t := {D('h_t', 'W')}"), claim) == "wrong"
    claim = rf"{D('h_t', 'h_{t-1}')} = (I_t - diag(h_t \odot h_t)) W"
    assert verdict(ELMAN, claim) == "inconclusive"


def test_a_function_has_no_derivative_by_what_it_is_not_given() -> None:
    claim = rf"{D('h_t', 'w_h')} = {D(F, 'w_h')} + {D(F, 'h_{t-2}')} {D('h_t', 'w_h')}"
    assert verdict(ABSTRACT, claim) == "inconclusive"


def test_a_claim_that_joins_two_networks_is_not_decided() -> None:
    page = r"S_k = f(S_{k-1} W_{rec} + X_k W_x)", r"s_k = s_{k-1} v_{rec} + x_k v_x"
    assert verdict(page, rf"{D('S_k', 'S_{k-1}')} = v_{{rec}}") == "inconclusive"


def test_a_loss_of_quantities_of_several_steps_is_not_taken_for_the_whole() -> None:
    claim = rf"{D('L', 'o_t')} = {D('l(y_{t-1}, o_t)', 'o_t')}"
    assert verdict(ABSTRACT, claim) == "inconclusive"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (r"(\mathbf{1}^T d_t)\,\mathrm{softmax}(y_t) - d_t", "right"),
        (r"(\mathbf{1}^{\mathsf T} d_t)\,\mathrm{softmax}(y_t) + d_t", "wrong"),
        (r"\mathrm{softmax}(y_t) - d_t \mathbf{1}^T", "inconclusive"),
    ],
)
def test_a_row_of_ones_sums_what_is_behind_it(claim, verdict):
    text = r"""
$$h_t = \tanh(W h_{t-1} + U x_t)$$
$$y_t = V h_t$$
$$L = \sum_{t=1}^T \mathrm{softmax\_cross\_entropy}(y_t, d_t)$$
"""
    found = check_document(Document(f"{text}$$\\frac{{\\partial L}}{{\\partial y_t}} = {claim}$$"))
    assert found.findings[-1].verdict.verdict == verdict
