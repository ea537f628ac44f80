"""Letters of losses that a document lets stand for something else, ``J_t = ∂h_t/∂h_{t-1}``, and
other letters that it calls its loss by, ``F = ½ Σ_t ‖h_t - d_t‖²``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symbptt.check.notation.neighbours import UNSEEN
from symbptt.check.notation.symbols import LOSSES, OWN_LOSSES
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
)

#: The letters that may be Jacobians and errors, and what they are then.
OTHERS = {"E": "𝖤", "J": "𝖩"}
_PLAIN = {ord(new[0]): old[0] for old, new in {**OTHERS, **OWN_LOSSES}.items()}


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


def own_loss(trees: Iterable[Node]) -> str | None:
    """The letter that a document calls its loss by, where that is no usual one: it stands without
    a step for what a loss is, is differentiated and never a factor."""
    every = [*trees]
    names = {
        x for tree in every if isinstance(tree, Relation) for x in tree.sides[:1]
        if isinstance(x, Symbol) and x == Symbol(x.base) and any(map(_is_total, tree.sides[1:]))
    }  # fmt: skip
    whole = {Symbol(base) for base in LOSSES}
    operands: set[Node] = set()
    factors = set[str]()
    for n in (n for tree in every for n in tree.walk()):
        match n:
            case Relation((left, *_)) if left in whole:
                return None
            case Quotient(Differential(operand=Node() as of), Differential()):
                operands.add(of)
            case Product((Quotient(Differential(operand=None)), *parts)):
                operands |= {*parts}
            case Relation((Symbol(base), *sides)) if not any(map(_is_total, sides)):
                factors.add(base)  # F_t is a gate
            case Product(parts):
                factors |= {x.base for x in parts if isinstance(x, Symbol)}
    found = {x.base for x in names & operands} & {*OWN_LOSSES} - factors
    return next(iter(found)) if len(found) == 1 and not operands & whole else None


def _is_total(node: Node) -> bool:
    """Whether a side is made as losses are: of squares of differences, of logarithms, or of the
    losses of the steps."""
    match node:
        case BigOperator("sum", Symbol(base)) if base in LOSSES:
            return True
        case Power(Group(_, (Sum(),)), Number(value)):
            return value == 2
        case Call(Symbol("log" | "ln")):
            return True
        case BigOperator("sum", body) | Group(_, (body,)):
            return _is_total(body)
        case Quotient(above):
            return _is_total(above)
        case Product(parts):
            return _is_total(parts[-1])
        case Sum(parts):
            return all(map(_is_total, parts))
    return False


def renamed(node: Node, letters: frozenset[str]) -> Node:
    """A symbol by a letter that is no loss here."""
    if isinstance(node, Symbol) and node.base in letters:
        return replace(node, base=OTHERS[node.base])
    return node


def as_loss(node: Node, letter: str | None) -> Node:
    """The letter that a document calls its loss by, as that of a loss."""
    if letter is not None and isinstance(node, Symbol) and node.base == letter:
        return replace(node, base=OWN_LOSSES[letter])
    return node


def printed(name: str) -> str:
    """A name in the letters that a document has."""
    return name.replace(UNSEEN, "").translate(_PLAIN)


def _letters(nodes: Iterable[Node]) -> set[str]:
    return {x.base for node in nodes for x in node.walk() if isinstance(x, Symbol)}


def _is_matrix(node: Node) -> bool:
    """Whether a side is a derivative, or has a diagonal matrix in it."""
    return any(
        (isinstance(n, Quotient) and isinstance(n.numerator, Differential))
        or (isinstance(n, Call) and n.function.base in ("diag", "Diag"))
        for n in node.walk()
    )
