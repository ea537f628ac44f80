"""Letters of losses that a document lets stand for something else: ``J_t = ∂h_t/∂h_{t-1}``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Product,
    Quotient,
    Relation,
    Symbol,
)

#: The letters that may be Jacobians and errors, and what they are then.
OTHERS = {"E": "𝖤", "J": "𝖩"}


def no_losses(trees: Iterable[Node]) -> frozenset[str]:
    """The letters of losses that a document never differentiates, but multiplies by, or says to be
    a derivative or a diagonal matrix."""
    differentiated, others = set[str](), set[str]()
    for n in (n for tree in trees for n in tree.walk()):
        match n:
            case Differential(operand=Node() as of):
                differentiated |= _letters([of])
            case Product((Quotient(Differential(operand=None)), *factors)):
                differentiated |= _letters(factors)
            case Product((Symbol("E"), Group())):  # E[x]
                continue
            case Product(factors):
                others |= {x.base for x in factors if isinstance(x, Symbol)}
            case BigOperator("prod", body=Symbol(base)):
                others.add(base)
            case Relation(sides) if any(map(_is_matrix, sides)):
                others |= {x.base for x in sides if isinstance(x, Symbol)}
    return frozenset((others & {*OTHERS}) - differentiated)


def differentiated_by(trees: Iterable[Node]) -> frozenset[str]:
    """The letters of what derivatives are by: C in ``∂C_t/∂C_{t-1}`` is no loss.

    What bears no step where a derivative is of it may be one: L in ``∂L/∂L_t``.
    """
    of, by = set[str](), set[str]()
    for n in (n for tree in trees for n in tree.walk()):
        match n:
            case Quotient(Differential(operand=Symbol() as a), Differential(operand=Symbol(base))):
                by.add(base)
                of |= {a.base} if a.is_bare else set()
    return frozenset(by - of)


def renamed(node: Node, letters: frozenset[str]) -> Node:
    """A symbol by a letter that is no loss here."""
    if isinstance(node, Symbol) and node.base in letters:
        return replace(node, base=OTHERS[node.base])
    return node


def _letters(nodes: Iterable[Node]) -> set[str]:
    return {x.base for node in nodes for x in node.walk() if isinstance(x, Symbol)}


def _is_matrix(node: Node) -> bool:
    """Whether a side is a derivative, or has a diagonal matrix in it."""
    return any(
        (isinstance(n, Quotient) and isinstance(n.numerator, Differential))
        or (isinstance(n, Call) and n.function.base in ("diag", "Diag"))
        for n in node.walk()
    )
