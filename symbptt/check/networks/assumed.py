"""Networks that everybody means by the same letters, for documents that never write them down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symbptt.formula import parse_equations
from symbptt.formula.tree import Node, Relation, Symbol
from symbptt.model.names import Naming


@dataclass(frozen=True)
class Assumed:
    """A network by its usual letters: what it is called, its equations, and the parameters that
    tell it from others."""

    name: str
    equations: tuple[str, ...]
    parameters: frozenset[str]


def _row(name: str, *equations: str) -> Assumed:
    parameters = {
        Naming().read(n)[0]
        for e in equations
        for r in parse_equations(e, lines=False, letters=False)
        for n in r.walk()
        if isinstance(n, Symbol) and n.base[0] in "UVWb" and Naming().read(n)[1] is None
    }
    return Assumed(name, equations, frozenset(parameters))


def _rows() -> tuple[Assumed, ...]:
    loss = r"L = \sum_{t=1}^{T} L_t(\hat{y}_t, y_t)"
    return (
        _row("an Elman network with W_hh, W_xh, W_hy",
             "h_t = f(W_{hh} h_{t-1} + W_{xh} x_t + b_h)", "o_t = W_{hy} h_t + b_y",
             r"\hat{y}_t = g(o_t)", loss),
        _row("an Elman network with U, W, V and states h",
             "a_t = b + W h_{t-1} + U x_t", r"h_t = \tanh(a_t)", "o_t = c + V h_t",
             r"\hat{y}_t = softmax(o_t)", r"L = \sum_{t=1}^{T} cross_entropy(\hat{y}_t, y_t)"),
        _row("an Elman network with U, W, V and states s",
             r"z_t = U x_t + W s_{t-1}", r"s_t = f(z_t)", "o_t = V s_t", r"\hat{y}_t = g(o_t)",
             loss),
        _row("a recurrent network with W_F, W_R, W_o",
             "o_t = f(W_F x_t + W_R o_{t-1} + b)", r"\hat{y}_t = g(W_o o_t)", loss),
    )  # fmt: skip


def assumed(trees: Iterable[Node]) -> Assumed | None:
    """The network whose letters a document uses, if one fits: at least two of its parameters,
    and its state."""
    used: set[str] = set()
    for tree in trees:
        for n in tree.walk():
            if isinstance(n, Symbol):
                name, _ = Naming().read(n)
                used |= {name, n.base}
    fitting = [
        row for row in _rows()
        if len(row.parameters & used) >= 2 and _states(row) <= used
    ]  # fmt: skip
    fitting.sort(key=lambda row: -len(row.parameters & used))
    return fitting[0] if fitting else None


def _states(row: Assumed) -> set[str]:
    """What an equation uses at the step before."""
    found: set[str] = set()
    for e in row.equations:
        for r in parse_equations(e, lines=False, letters=False):
            assert isinstance(r, Relation)
            for n in r.sides[1].walk():
                if isinstance(n, Symbol):
                    name, index = Naming().read(n)
                    if index is not None and index.offset == -1:
                        found.add(name)
    return found
