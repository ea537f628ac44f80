"""One-edit repairs: every row mends its mistake, and what it writes reads back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula
from symbptt.check.documents.formulas import formulas as formulas_of
from symbptt.check.edits.places import places
from symbptt.check.edits.repairs import Candidate, Edit, Writing, candidates, repairs, writing
from symbptt.check.edits.retimed import retimed, retiming, step_of
from symbptt.check.edits.rows import LEFT, ROWS
from symbptt.check.edits.unexpanded import in_source
from symbptt.formula import parse
from symbptt.formula.tree import (
    NOWHERE,
    BigOperator,
    Differential,
    Group,
    Node,
    Product,
    Relation,
    Sum,
    Symbol,
)


@dataclass(frozen=True)
class Written:
    """A formula as an author writes it, and what the engine would offer for it."""

    text: str
    letters: bool = True
    factors: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()

    @property
    def tree(self) -> Relation:
        node = parse(self.text, letters=self.letters)
        assert isinstance(node, Relation)
        return node

    @property
    def offered(self) -> dict[str, tuple[str, ...]]:
        return {
            "factors": self.factors,
            "terms": self.terms,
            "quantities": self.quantities,
            "siblings": self.siblings,
        }


ELMAN = {
    "factors": (r"(1 - h_t^2)", r"\operatorname{diag}(1 - h_t^2)"),
    "terms": (r"W_{hy}^\top \delta^o_t", r"W_{hh}^\top \delta_{t+1}"),
    "quantities": (r"W_{hh}", r"W_{xh}", r"W_{hy}", r"h_t", r"h_{t-1}", r"x_t", r"b_h"),
}
GOODFELLOW = {
    "factors": (r"\left(1 - (h^{(t)})^2\right)",),
    "terms": (r"V^\top \nabla_{o^{(t)}} L", r"W^\top g^{(t+1)}"),
    "quantities": (r"U", r"V", r"W", r"h^{(t)}", r"h^{(t-1)}", r"x^{(t)}"),
}
LSTM = {
    "factors": (r"(1 - \tanh^2(c_t))", r"(1 - \tilde{c}_t^2)"),
    "terms": (r"\delta^c_{t+1} \odot f_{t+1}",),
    "quantities": (
        r"i_t",
        r"f_t",
        r"o_t",
        r"\tilde{c}_t",
        r"c_t",
        r"c_{t-1}",
        r"h_{t-1}",
        r"W_i",
        r"W_f",
        r"U_i",
    ),
}
PLAIN = {
    "factors": ("(1 - h_t^2)",),
    "terms": ("W_hy^T dy_t", "W_hh^T δ_{t+1}"),
    "quantities": ("W_hh", "W_xh", "W_hy", "h_t", "h_{t-1}", "x_t"),
}
CODE = {
    "factors": ("(1 - h[t]**2)",),
    "terms": ("W_hy.T @ dy[t]",),
    "quantities": ("W_hh", "W_xh", "W_hy", "h[t]", "h[t-1]", "x[t]"),
}

#: Right formulas as people write them.
FORMULAS = [
    *(
        Written(text, **ELMAN)  # type: ignore[arg-type]
        for text in (
            r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \delta_t h_{t-1}^\top",
            r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T} \delta_t\, x_t^{\top}",
            r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^T (y_t - d_t) h_t^T",
            r"\frac{\partial \mathcal{L}}{\partial \mathbf{b}_h} = \sum_{t=1}^{T} \boldsymbol{\delta}_t",
            r"\delta_t = \left(W_{hy}^\top \delta^o_t + W_{hh}^\top \delta_{t+1}\right) \odot (1 - h_t^2)",
            r"\delta_t = (1 - h_t^2) \odot (W_{hh}^\top \delta_{t+1} + W_{hy}^\top \delta^o_t)",
            r"\delta_t = W^\top_{hy} \delta^o_t + W^\top_{hh} \left( \delta_{t+1} \odot (1 - h_{t+1}^2) \right)",
            r"\frac{\partial L}{\partial h_t} = W_{hy}^T (\hat{y}_t - y_t) + W_{hh}^T \operatorname{diag}(1 - h_{t+1}^2) \frac{\partial L}{\partial h_{t+1}}",
            r"\frac{\partial L}{\partial h_t} = W_{hh}^{\mathsf T} \left(\frac{\partial L}{\partial h_{t+1}} \odot f'(z_{t+1})\right) + \frac{\partial L_t}{\partial h_t}",
            r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W_{hh}",
            r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} \operatorname{diag}(f'(z_j)) W_{hh}",
            r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \sum_{k=1}^{t} \frac{\partial L_t}{\partial h_t} \frac{\partial h_t}{\partial h_k} \frac{\partial^+ h_k}{\partial W}",
            r"\delta_T = W_{hy}^\top (y_T - d_T) \odot (1 - h_T^2)",
            r"\delta_2 = (W_{hy}^\top \delta^o_2 + W_{hh}^\top \delta_3) \odot (1 - h_2^2)",
            r"\frac{\partial L}{\partial W_{hh}} = \delta_1 h_0^\top + \delta_2 h_1^\top + \delta_3 h_2^\top",
            r"\mathbf{g}_t = \mathbf{W}_{hh}^\intercal\, \mathbf{g}_{t+1} \circ \sigma'(\mathbf{z}_t)",
            r"\frac{\partial L}{\partial W_{hh}} = \frac{1}{T} \sum_{t=1}^{T} \delta_t h_{t-1}^T",
            r"\frac{\partial L}{\partial b} = \frac{1}{2} \sum_{t=1}^{T} (1 - h_t^2) \odot \delta_t",
            r"\delta_t = W' \delta_{t+1} \odot f'(z_t) + V' e_t",
            r"\delta^{h}_{t} = (\delta^{h}_{t+1})^T W_{hh} \odot (1 - h_{t}^{2})",
            r"\delta_t = -2 V^T (y_t - o_t) + U^T \delta_{t+1}",
            r"dW_{hh} = \sum_{t} dz_t h_{t-1}^T",
        )
    ),
    *(
        Written(text, **GOODFELLOW)  # type: ignore[arg-type]
        for text in (
            r"\nabla_{h^{(t)}} L = W^\top \operatorname{diag}\left(1 - (h^{(t+1)})^2\right) (\nabla_{h^{(t+1)}} L) + V^\top (\nabla_{o^{(t)}} L)",
            r"\nabla_W L = \sum_t \operatorname{diag}\left(1 - (h^{(t)})^2\right) (\nabla_{h^{(t)}} L) h^{(t-1)\top}",
            r"\nabla_U L = \sum_t \operatorname{diag}\left(1 - (h^{(t)})^2\right) (\nabla_{h^{(t)}} L) x^{(t)\top}",
            r"\nabla_V L = \sum_t (\nabla_{o^{(t)}} L) h^{(t) \top}",
            r"\delta^{(t)} = \left(1-(h^{(t)})^2\right) \odot \left(W^\top \delta^{(t+1)} + V^\top g^{(t)}\right)",
            r"\boldsymbol{\delta}^{(t)} = \boldsymbol{W}^\top \boldsymbol{\delta}^{(t+1)} \odot f'(\boldsymbol{z}^{(t)})",
            r"\delta^{t} = W^T \delta^{t+1} \odot (1 - h^t \odot h^t)",
            r"dW = \sum_{t=1}^{T} \delta^{\langle t \rangle} {a^{\langle t-1 \rangle}}^T",
            r"da^{\langle t-1 \rangle} = W_{aa}^T \left(1 - (a^{\langle t \rangle})^2\right) \odot da^{\langle t \rangle}",
            r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \frac{\partial L}{\partial h^{(t)}} \frac{\partial h^{(t)}}{\partial W}",
        )
    ),
    *(
        Written(text, **LSTM)  # type: ignore[arg-type]
        for text in (
            r"\delta^c_t = \delta^h_t \odot o_t \odot (1 - \tanh^2(c_t)) + \delta^c_{t+1} \odot f_{t+1}",
            r"\delta^o_t = \delta^h_t \odot \tanh(c_t) \odot o_t \odot (1 - o_t)",
            r"\delta^f_t = \delta^c_t \odot c_{t-1} \odot f_t \odot (1 - f_t)",
            r"\delta^i_t = \delta^c_t \odot \tilde{c}_t \odot i_t \odot (1 - i_t)",
            r"\delta^{\tilde c}_t = \delta^c_t \odot i_t \odot (1 - \tilde{c}_t^2)",
            r"\delta^h_{t-1} = W_i^T \delta^i_t + W_f^T \delta^f_t + W_o^T \delta^o_t + W_c^T \delta^{\tilde c}_t",
            r"\frac{\partial L}{\partial W_f} = \sum_{t=1}^{T} \delta^f_t h_{t-1}^T",
            r"\frac{\partial L}{\partial U_i} = \sum_{t=1}^{T} \delta^i_t x_t^T",
            r"\frac{\partial L}{\partial c_t} = \frac{\partial L}{\partial h_t} \odot o_t \odot \tanh'(c_t) + \frac{\partial L}{\partial c_{t+1}} \odot f_{t+1}",
            r"\frac{\partial L}{\partial c_{t-1}} = \frac{\partial L}{\partial c_t} \odot f_t",
            r"\delta_t^z = \delta_t^h \odot (h_{t-1} - \tilde{h}_t) \odot z_t \odot (1 - z_t)",
            r"\delta_t^{\tilde h} = \delta_t^h \odot (1 - z_t) \odot (1 - \tilde{h}_t^2)",
            r"\delta_t^r = (U^T \delta_t^{\tilde h}) \odot h_{t-1} \odot r_t \odot (1 - r_t)",
            r"\delta_{t-1}^h = \delta_t^h \odot z_t + U_z^T \delta_t^z + U_r^T \delta_t^r + r_t \odot (U^T \delta_t^{\tilde h})",
            r"\frac{\partial L}{\partial U} = \sum_{t=1}^{T} \delta_t^{\tilde h} (r_t \odot h_{t-1})^T",
        )
    ),
    *(
        Written(text, letters=False, **PLAIN)  # type: ignore[arg-type]
        for text in (
            "dL/dW_hh = sum_{t=1}^T δ_t h_{t-1}^T",
            "∂L/∂W_xh = Σ_{t=1}^T δ_t x_t^T",
            "∂L/∂W_hh = ∑_{t=1}^{T} δ_t h_{t-1}ᵀ",
            "δ_t = (W_hh^T δ_{t+1} + W_hy^T dy_t) ⊙ (1 - h_t²)",
            "δₜ = Wᵀδₜ₊₁ ⊙ f'(zₜ)",
            "δₜ = (Wᵀδₜ₊₁ + Vᵀeₜ) ⊙ (1 − hₜ²)",
            "∂L/∂W = ∑ₜ δₜ hₜ₋₁ᵀ",
            "δ_t = W_hh' δ_{t+1} .* (1 - h_t.^2)",
            "delta_t = (W_hy^T e_t + W_hh^T delta_(t+1)) * (1 - h_t^2)",
            "δ^(t) = W^T δ^(t+1) ⊙ f'(z^(t))",
            "∂h_t/∂h_{t-1} = diag(1 - h_t²) W_hh",
            "delta_2 = W_hh^T delta_3 ∘ (1 - h_2^2)",
            "∂L/∂b = ∑_{t=1}^{T} δ_t",
            "dc_t = dh_t ⊙ o_t ⊙ (1 - tanh(c_t)^2) + dc_{t+1} ⊙ f_{t+1}",
            "df_t = dc_t ⊙ c_{t-1} ⊙ f_t ⊙ (1 - f_t)",
            "dh_{t-1} = W_f^T df_t + W_i^T di_t + W_o^T do_t",
        )
    ),
    *(
        Written(text, letters=False, **CODE)  # type: ignore[arg-type]
        for text in (
            "dz[t] = (W_hh.T @ dz[t+1] + W_hy.T @ dy[t]) * (1 - h[t]**2)",
            "dW_hh = sum(np.outer(dz[t], h[t-1]) for t in range(1, T + 1))",
            "dh[t] = np.dot(W_hh.T, dz[t+1]) + np.dot(W_hy.T, dy[t])",
            "dh[t] = W_hh.T @ (dh[t+1] * (1 - h[t+1]**2))",
            "dW_hh = dz_t @ h_{t-1}.T",
            "dc[t] = dh[t] * o[t] * (1 - tanh(c[t])**2) + dc[t+1] * f[t+1]",
            "dz[t] = transpose(W_hh) @ dz[t + 1] * (1 - h[t] * h[t])",
            "δ_t = W_hh.T @ δ_{t+1} * (1 - h_t**2)",
        )
    ),
]


def canonical(node: Node) -> Node:
    """What a formula means, as far as brackets, signs of products and the order round ⊙ go."""
    node = replace(node.rebuilt(canonical), span=NOWHERE)
    match node:
        case Group(opening="(" | "[", items=(inner,)) if not isinstance(inner, Sum | Product):
            return inner
        case Product(factors=factors, operators=ops):
            parts: list[list[Node]] = [[]]
            for factor, op in zip(factors, ("", *ops), strict=True):
                if op in {"⊙", "∘", "*"}:
                    parts.append([])
                parts[-1].append(factor)
            flat: list[Node] = []
            for part in parts:
                inner = _flat(part)
                if len(parts) > 1 and isinstance(inner, Product) and inner.operators[0] == "⊙":
                    flat += inner.factors
                else:
                    flat.append(inner)
            if len(flat) == 1:
                return flat[0]
            return Product(tuple(sorted(flat, key=repr)), ("⊙",) * (len(flat) - 1))
        case Relation(sides=sides):
            return replace(node, sides=tuple(_bare(side) for side in sides))
        case Sum(terms=terms, signs=signs):
            pairs = sorted(zip(signs, map(_bare, terms), strict=True), key=repr)
            return Sum(tuple(t for _, t in pairs), tuple(s for s, _ in pairs))
        case BigOperator(body=body):
            return replace(node, body=_bare(body))
    return node


def _bare(node: Node) -> Node:
    match node:
        case Group(opening="(", items=(Product() as inner,)):
            return inner
    return node


def _flat(factors: list[Node]) -> Node:
    """Factors of one matrix product."""
    row: list[Node] = []
    for factor in factors:
        match factor:
            case Group(opening="(", items=(Product(operators=("", *_)) as inner,)):
                row += inner.factors
            case Group(opening="(", items=(Product() as inner,)) if len(factors) == 1:
                return inner
            case _:
                row.append(factor)
    return row[0] if len(row) == 1 else Product(tuple(row), ("",) * (len(row) - 1))


def ready(
    w: Written, claim: Relation | None = None, text: str = "", **offered: tuple[str, ...]
) -> Writing:
    found = writing(claim or w.tree, text or w.text, letters=w.letters, **(offered or w.offered))
    assert found is not None, text or w.text
    return found


def edits(w: Written, every: int = 1) -> list[tuple[Candidate, Edit | None]]:
    """Edits of a formula, one of so many, and their text where it reads back."""
    author = ready(w)
    some = islice(candidates(author.claim, author.hints), len(w.text) % every, None, every)
    return [(c, author.edit(c)) for c in some]


def known(w: Written) -> dict[str, tuple[str, ...]]:
    """What a derivation of the right formula would offer: its own factors, terms and names."""
    factors, terms, names = map(dict.fromkeys, (w.factors, w.terms, w.quantities))
    for place in places(w.tree):
        text = w.text[place.node.span.start : place.node.span.end]
        if isinstance(place.parent, Product):
            factors.setdefault(text)
        if isinstance(place.parent, Sum):
            terms.setdefault("-" * (place.parent.signs[place.path[-1][1]] < 0) + text)
        if isinstance(place.node, Symbol):
            names.setdefault(text)
    for node in w.tree.sides[0].walk():
        if isinstance(node, Differential) and (by := node.operand or node.by) is not None:
            names.setdefault(w.text[by.span.start : by.span.end])
    return {"factors": tuple(factors), "terms": tuple(terms), "quantities": tuple(names)}


# -------------------------------------------------------------------- the table

W = ("W_{hh}", "W_{xh}")
#: For each row, a wrong formula, the right one, and what is offered.
CENSUS: dict[str, tuple[str, str, dict[str, tuple[str, ...]]]] = {
    "transpose_missing": (r"a_t = W_{hh} \delta_t + b", r"a_t = W_{hh}^T \delta_t + b", {}),
    "transpose_too_many": (r"a_t = W_{hh}^\top \delta_t", r"a_t = W_{hh} \delta_t", {}),
    "step_of_one": (r"dW = \sum_t \delta_t h_t^T", r"dW = \sum_t \delta_t h_{t-1}^T", {}),
    "step_of_slope": (r"a_t = g_t \odot f'(z_{t+1})", r"a_t = g_t \odot f'(z_t)", {}),
    "term_sign": (r"a_t = y_t + d_t", r"a_t = y_t - d_t", {}),
    "swapped": (r"dW = h_{t-1}^T \delta_t", r"dW = \delta_t h_{t-1}^T", {}),
    "regrouped": (r"a_t = W^T \delta_t \odot f'(z_t)", r"a_t = W^T (\delta_t \odot f'(z_t))", {}),
    "brackets": (
        r"a_t = V e_t + W \delta_t \odot s_t",
        r"a_t = (V e_t + W \delta_t) \odot s_t",
        {},
    ),
    "product_sign": (r"a_t = W \delta_t f'(z_t)", r"a_t = W \delta_t \odot f'(z_t)", {}),
    "difference": (r"a_t = W (d_t - y_t)", r"a_t = W (y_t - d_t)", {}),
    "entries_swapped": (r"a_j = \sum_i W_{ji} b_i", r"a_j = \sum_i W_{ij} b_i", {}),
    "other_entry": (r"A_{ij} = (a)_j (b)_i", r"A_{ij} = (a)_i (b)_j", {}),
    "term_of_sibling": (
        r"a_t = V e_t + W g_{t+1}",
        r"a_t = V e_t + U s_t + W g_{t+1}",
        {"siblings": (r"V e_t + U s_t + W^T g_{t+1}",)},
    ),
    "factor_of_sibling": (
        r"a_t = W g_t \odot s_t",
        r"a_t = W g_t \odot o_t \odot s_t",
        {"siblings": (r"W g_t \odot o_t \odot s_{t-1}",)},
    ),
    "piece_of_sibling": (
        r"a_t = V e_t \odot s_t",
        r"a_t = V e_t \odot o_t \odot (1 - o_t)",
        {"siblings": (r"V e_t \odot o_t \odot (1 - o_t)",)},
    ),
    "neighbouring_term": (
        r"dW = a_3 h_2^T + a_1 h_0^T",
        r"dW = a_3 h_2^T + a_2 h_1^T + a_1 h_0^T",
        {},
    ),
    "slope_of_another": (
        r"a_t = g_t \odot (1 - h_t^2)",
        r"a_t = g_t \odot (1 - \tanh^2(c_t))",
        {"factors": (r"(1 - \tanh^2(c_t))",)},
    ),
    "gate_missing": (
        r"dW = \delta_t h_{t-1}^T",
        r"dW = \delta_t (r_t \odot h_{t-1})^T",
        {"quantities": (r"r_t",)},
    ),
    "matrix_missing": (r"a_t = \delta_t", r"a_t = W_{hh}^T \delta_t", {"quantities": W}),
    "whole_sign": (r"a_t = W \delta_t", r"a_t = -W \delta_t", {}),
    "bounds": (r"dW = \sum_{t=0}^T a_t", r"dW = \sum_{t=1}^T a_t", {}),
    "slope_missing": (
        r"a_t = W g_t",
        r"a_t = W (g_t \odot (1 - h_t^2))",
        {"factors": ("(1 - h_t^2)",)},
    ),
    "other_slope": (r"a_t = g_t \odot (1 - h_t^2)", r"a_t = g_t \odot h_t \odot (1 - h_t)", {}),
    "slope_for_output": (r"a_t = g_t \odot h_t", r"a_t = g_t \odot (1 - h_t^2)", {}),
    "slope_behind_gradient": (
        r"dW = \frac{dL}{do_t} x_t^T",
        r"dW = (\frac{dL}{do_t} \odot o_t \odot (1 - o_t)) x_t^T",
        {},
    ),
    "transposed_wrong_way": (r"dW = \delta_t^T h_t", r"dW = \delta_t h_t^T", {}),
    "term_missing": (
        r"a_t = V e_t",
        r"a_t = V e_t + W \delta_{t+1}",
        {"terms": (r"W \delta_{t+1}",)},
    ),
    "term_too_many": (r"a_t = V e_t + W \delta_t + b", r"a_t = V e_t + W \delta_t", {}),
    "other_symbol": (r"a_t = W_{xh} \delta_t", r"a_t = W_{hh} \delta_t", {"quantities": W}),
    "factor_missing": (r"a_t = \delta_t", r"a_t = W^T \delta_t", {"factors": ("W^T",)}),
    "factor_too_many": (r"a_t = W V \delta_t", r"a_t = W \delta_t", {}),
    "constant_too_many": (r"a_t = \frac{1}{2} W \delta_t", r"a_t = W \delta_t", {}),
    "step_of_run": (
        r"a_t = W g_t \odot o_t \odot s_t",
        r"a_t = W g_t \odot o_{t-1} \odot s_{t-1}",
        {},
    ),
    "step_of_slopes": (
        r"a_t = g_t \odot o_t \odot (1 - o_t) \odot s_t",
        r"a_t = g_t \odot o_{t+1} \odot (1 - o_{t+1}) \odot s_t",
        {},
    ),
    "step_of_term": (r"a_t = h_t V s_t h_t", r"a_t = h_{t+1} V s_t h_{t+1}", {}),
    "sum_missing": (r"dW = a_t h_t^T", r"dW = \sum_{t=1}^{T} a_t h_t^T", {}),
    "sum_too_many": (r"a_t = \sum_{t=1}^T W \delta_t", r"a_t = W \delta_t", {}),
    "moved_to_end": (r"a_t = A B C \delta_t", r"a_t = B C \delta_t A", {}),
    "constant_missing": (r"a_t = W \delta_t", r"a_t = 2 W \delta_t", {}),
    "index_letter": (r"a_k = \prod_{j=1}^k J_k", r"a_k = \prod_{j=1}^k J_j", {}),
    "other_bounds": (r"a_k = \sum_{t=1}^T J_{t,k}", r"a_k = \sum_{t=k}^T J_{t,k}", {}),
    "whole_transpose_missing": (r"a_t = W \delta_t", r"a_t = (W \delta_t)^T", {}),
    "other_differential": (
        r"a_t = \frac{\partial h_t}{\partial z_t} g_t",
        r"a_t = \frac{\partial h_t}{\partial x_t} g_t",
        {"quantities": ("x_t",)},
    ),
    "other_sort": (r"a_t = W g_t", r"a_t = W b", {"quantities": ("b",)}),
    "index_letters": (r"a_k = b_k + W g_t s_t", r"a_k = b_k + W g_k s_k", {}),
    "transposed_left": (r"A_t = W^T g_t", r"A_t^T = W^T g_t", {}),
    "other_left": (
        r"\frac{\partial L}{\partial W_{xh}} = \sum_t \delta_t h_t^T",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_t \delta_t h_t^T",
        {"quantities": W},
    ),
}


def test_every_row_has_an_example():
    assert set(CENSUS) == {row.make.__name__ for row in (*ROWS, *LEFT)}


@pytest.mark.parametrize("name", CENSUS)
def test_a_row_mends_its_mistake(name: str):
    wrong, right, offered = CENSUS[name]
    meant = Written(right).tree
    author = ready(Written(wrong), **{"factors": (), **offered})
    found = [c for c in candidates(author.claim, author.hints) if c.node == meant]
    row = next(r for r in (*ROWS, *LEFT) if r.make.__name__ == name)
    assert [c.row for c in found] == [row]
    (edit,) = repairs(author.claim, wrong, meant.__eq__, letters=True, **offered)  # type: ignore[arg-type]
    assert (edit.mistake, edit.says, edit.node) == (row.mistake, row.says, meant)
    assert Written(edit.text).tree == meant


# -------------------------------------------------------------------- formulas as people write them


EVERY = [pytest.param(1, marks=pytest.mark.slow), 7]


@pytest.mark.parametrize("every", EVERY)
def test_edits_of_real_formulas_read_back(every: int):
    pairs = [pair for w in FORMULAS for pair in edits(w, every)]
    assert len(FORMULAS) >= 60
    assert sum(edit is not None for _, edit in pairs) >= 0.99 * len(pairs)


def test_no_edit_is_the_formula_and_none_comes_twice():
    for w in FORMULAS:
        author = ready(w)
        trees = [c.node for c in candidates(author.claim, author.hints)]
        assert author.claim not in trees
        assert len(set(trees)) == len(trees)


@pytest.mark.parametrize("every", [pytest.param(7, marks=pytest.mark.slow), 83])
def test_the_right_formula_is_among_the_repairs_of_a_wrong_one(every: int):
    """Each edit is a mistake whose repair is found among the first 700."""
    missed: list[str] = []
    tried = 0
    for w in FORMULAS:
        meant, names = (
            canonical(w.tree),
            Counter(n.base for n in w.tree.walk() if type(n) is Symbol),
        )

        def holds(node: Relation, meant: Node = meant, names: Counter[str] = names) -> bool:
            found = Counter(n.base for n in node.walk() if type(n) is Symbol)
            return found == names and canonical(node) == meant

        for _, wrong in edits(w, every):
            if wrong is None or canonical(wrong.node) == meant:
                continue
            tried += 1
            found = repairs(wrong.node, wrong.text, holds, letters=w.letters, limit=700, **known(w))
            edit = next(found, None)
            if edit is None:
                missed.append(f"{wrong.mistake}: {wrong.text}")
            else:
                assert parse(edit.text, letters=w.letters) == edit.node
    assert tried > 70
    assert len(missed) <= 0.05 * tried, "\n".join(missed)


@pytest.mark.parametrize(
    ("wrong", "right", "letters"),
    [
        (
            r"\delta_t = W_{hh} \delta_{t+1} + V^\top e_t",
            r"\delta_t = W_{hh}^\top \delta_{t+1} + V^\top e_t",
            True,
        ),
        (r"\nabla_W L = g^{(t)} h^{(t-1)}", r"\nabla_W L = g^{(t)} h^{(t-1) T}", True),
        (r"dW = g^{t} h^{t-1}", r"dW = g^{t} {h^{t-1}}^T", True),
        (r"a_t = W^T_{hh} h_t + V b_t", r"a_t = W^T_{hh} h_t + V^T b_t", True),
        ("dz[t] = W_hh @ dz[t+1]", "dz[t] = W_hh.T @ dz[t+1]", False),
        ("δₜ = Wδₜ₊₁ ⊙ f'(zₜ)", "δₜ = Wᵀδₜ₊₁ ⊙ f'(zₜ)", False),
        ("a_t = transpose(W) b_t + V c_t", "a_t = transpose(W) b_t + transpose(V) c_t", False),
        ("a_t = W' b_t + V c_t", "a_t = W' b_t + V' c_t", False),
        ("δₜ = Wδₜ₋₁", "δₜ = Wδₜ₊₁", False),
        ("dW = sum_{t=1}^T δ_t h_t^T", "dW = sum_{t=1}^T δ_t h_{t-1}^T", False),
        ("d_(t) = W * d_(t+1) * s_t", "d_(t) = W * d_(t+1) * s_(t-1)", False),
        (
            "dW = sum(np.outer(dz[t], h[t]) for t in range(1, T + 1))",
            "dW = sum(np.outer(dz[t], h[t-1]) for t in range(1, T + 1))",
            False,
        ),
        (
            "dW = sum(dz[t] for t in range(0, T + 1))",
            "dW = sum(dz[t] for t in range(1, T + 1))",
            False,
        ),
    ],
)
def test_a_repair_is_in_the_authors_hand(wrong: str, right: str, letters: bool):
    meant, claim = parse(right, letters=letters), parse(wrong, letters=letters)
    assert isinstance(claim, Relation)
    if "δₜ₋₁" in wrong:  # two steps, no repair
        assert not [*repairs(claim, wrong, meant.__eq__, letters=letters)]
        return
    assert [e.text for e in repairs(claim, wrong, meant.__eq__, letters=letters)] == [right]


@pytest.mark.parametrize(
    ("wrong", "right", "other"),
    [
        (r"a_t = W b_t", r"a_t = W^\top b_t", r"c_t = V^\top d_t"),
        (r"a_t = b_{t+1}", r"a_t = b_t", r"c_t = d_t"),
        (r"a_{t} = b_{t+1}", r"a_{t} = b_{t}", r"c_t = d_t"),
        (r"a_t = \left( W b_t \right) c_t (1 - e_t)", r"a_t = \left( W b_t \right) c_t (1 - e_t^2)",
         r"a = b"),
        ("a_t = W b_t", "a_t = Wᵀ b_t", "c_t = Vᵀ d_t"),
        ("a_t = (b_t − c_t) d_t", "a_t = (b_t − c_t) d_{t-1}", "c_t = d_{t-1}"),
        ("a_t = b_t + c_t", "a_t = b_t − c_t", "c_t = d_t − 2 e_{t-1}"),
        ("a_t = b_t ⊙ (1 − c_t)", "a_t = b_t ⊙ (1 − c_t²)", "c_t = d_t²"),
    ],
)  # fmt: skip
def test_the_hand_is_that_of_the_document(wrong: str, right: str, other: str):
    """What a formula doesn't show, the others do."""
    letters = "\\" in wrong + right or ("{" in wrong and wrong.isascii())
    claim, meant = parse(wrong, letters=letters), parse(right, letters=letters)
    assert isinstance(claim, Relation)
    sample = [(parse(other, letters=letters), other)]
    edits = repairs(claim, wrong, meant.__eq__, letters=letters, sample=sample)
    assert [e.text for e in edits] == [right]


def test_an_edit_says_something():
    """``∂L/∂h = ∂L/∂h`` is right, and no correction."""
    text = r"\frac{\partial L}{\partial h_t} = J \frac{\partial L}{\partial h_t}"
    claim = parse(text, letters=True)
    assert isinstance(claim, Relation)
    for edit in repairs(claim, text, lambda node: True, letters=True):
        assert edit.node.sides[0] != edit.node.sides[1]


PAGE = r"""\documentclass{article}
\newcommand{\tran}[1]{#1^{\top}}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}
\newcommand{\vh}{\mathbf{h}}
\newcommand{\mW}{\mathbf{W}}
\begin{document}
\[ %s \]
\end{document}
"""


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (r"\pd{L}{\vh_t} = \mW \pd{L}{\vh_{t+1}}", r"\pd{L}{\vh_t} = \tran{\mW} \pd{L}{\vh_{t+1}}"),
        (r"\pd{L}{\vh_t} = \tran{\mW} a_t", r"\pd{L}{\vh_t} = \mW a_t"),
        (r"\pd{L}{\mW} = a_t \tran{\vh_t}", r"\pd{L}{\mW} = a_t \tran{\vh_{t-1}}"),
        (r"\pd{L}{\vh_t} = \pd{L}{\vh_t} b_t", r"\pd{L}{\vh_t} = \pd{L}{\vh_{t+1}} b_t"),
        (r"b_t = a_t + \vh_t", r"b_t = a_t - \vh_t"),
    ],
)  # fmt: skip
def test_a_correction_keeps_the_macros(wrong: str, right: str):
    document, meant = Document(PAGE % wrong, "page.tex"), Document(PAGE % right, "page.tex")
    (f,), (other,) = formulas_of(document), formulas_of(meant)
    assert isinstance(f, Formula)
    assert isinstance(other, Formula)
    assert isinstance(f.tree, Relation)
    sample = [(parse(r"c = A^{\top} b", letters=True), r"c = A^{\top} b")]
    edit = next(repairs(f.tree, f.text, other.tree.__eq__, letters=True, sample=sample))
    assert in_source(edit, f.tree.span, f, document.macros, letters=True) == right


@pytest.mark.parametrize(
    ("text", "there", "here", "meant"),
    [
        (r"W^\top (y_T - d_T)", "T", "t", r"W^\top (y_t - d_t)"),
        (r"g_{t+1} \odot h_t", "t", "t-1", r"g_{t} \odot h_{t-1}"),
        ("A_3 h_2", "3", "2", "A_2 h_1"),
        (r"\sum_{t=1}^T a_t", "t", "t-1", r"\sum_{t=1}^T a_t"),
        ("A_1 h_0", "1", "0", None),
    ],
)
def test_a_piece_at_other_steps(text: str, there: str, here: str, meant: str | None):
    node = parse(text, letters=True)
    steps = [step_of(parse(words, letters=True)) for words in (there, here)]
    assert steps[0] is not None
    assert steps[1] is not None
    letters = (Symbol("t"), Symbol("T"))
    words = retimed(node, text, retiming(steps[0], steps[1]), letters)
    assert (
        words is None
        if meant is None
        else parse(words or "", letters=True) == parse(meant, letters=True)
    )


def test_a_claim_inside_a_longer_text():
    text = r"a = b, \quad \delta_t = W h_t = c_t"
    chain = parse(text, letters=True, start=13)
    assert isinstance(chain, Relation)
    meant = parse(r"\delta_t = W^T h_t", letters=True)
    part = replace(chain, sides=chain.sides[:2], operators=("=",))
    (edit,) = repairs(part, text, meant.__eq__, letters=True)
    assert edit.text == r"\delta_t = W^T h_t"


def test_edits_are_quick():
    """300 edits take a small part of a second, reading aside (generous: machines differ)."""
    w = max(FORMULAS, key=lambda w: len(w.text))
    author = ready(w)
    start = time.perf_counter()
    assert sum(1 for _ in islice(candidates(author.claim, author.hints), 300)) > 100
    assert time.perf_counter() - start < 1


# -------------------------------------------------------------------- formulas that nobody wrote


@dataclass(frozen=True)
class Notation:
    letters: bool
    at: str
    transpose: str
    odot: str
    matrix: str
    square: str = "^2"


NOTATIONS = [
    Notation(True, "{}_{{{}}}", r"^\top", r" \odot ", " "),
    Notation(True, "{}^{{({})}}", r"^T", r" \odot ", r"\, "),
    Notation(True, r"\mathbf{{{}}}_{{{}}}", r"^{{\mathsf T}}", r" \circ ", " "),
    Notation(False, "{}_{{{}}}", "^T", " ⊙ ", " "),
    Notation(False, "{}_({})", "^T", " * ", " "),
    Notation(False, "{}[{}]", ".T", " * ", " @ ", "**2"),
]


@st.composite
def formulas(draw: st.DrawFn) -> Written:
    """A gradient formula of sums and products in one of the notations."""
    n = draw(st.sampled_from(NOTATIONS))

    def vector(step: bool = True) -> str:
        return n.at.format(
            draw(st.sampled_from("ghxe")), draw(st.sampled_from(["t", "t-1", "t+1", "T"]))
        )

    def factor(depth: int) -> str:
        kind = draw(st.integers(0, 6 if depth else 4))
        match kind:
            case 0 | 1:
                return vector()
            case 2:
                return draw(st.sampled_from("ABUVW"))
            case 3:
                return draw(st.sampled_from("ABUVW")) + n.transpose.replace("{{", "{").replace(
                    "}}", "}"
                )
            case 4:
                return f"(1 - {draw(st.sampled_from('AV'))})"
            case 5:
                return f"({product(depth - 1)} + {product(depth - 1)})"
            case _:
                return f"({product(depth - 1)})"

    def product(depth: int) -> str:
        words = factor(depth)
        for _ in range(draw(st.integers(0, 3))):
            words += draw(st.sampled_from([n.matrix, n.odot])) + factor(depth)
        return words

    side = product(2)
    for _ in range(draw(st.integers(0, 2))):
        side += draw(st.sampled_from([" + ", " - "])) + product(1)
    return Written(f"{n.at.format('a', 't')} = {side}", n.letters)


@settings(max_examples=40, deadline=None)
@given(formulas(), st.data())
def test_edits_of_any_formula_read_back(w: Written, data: st.DataObject):
    author = ready(w)
    found = list(candidates(author.claim, author.hints))
    assert author.claim not in [c.node for c in found]
    if found:
        some = data.draw(st.lists(st.sampled_from(found), min_size=1, max_size=12, unique=True))
        lost = [c for c in some if author.edit(c) is None]
        for candidate in lost:
            # what has no text is left out; only few have none
            assert candidate.row.mistake in LOST, (
                candidate.row.mistake,
                author.speller.edited(candidate.node),
            )
        for candidate in some:
            edit = author.edit(candidate)
            if edit is not None:
                assert parse(edit.text, letters=w.letters) == edit.node


#: Rows whose edits can't always be written: an index T is a transpose where it stands alone.
LOST = frozenset({"index letter", "time index", "derivative at the wrong step"})
