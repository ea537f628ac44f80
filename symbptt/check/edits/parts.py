"""What the rows of edits share: hints, and what a factor is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbptt.check.edits.hand import Hand
from symbptt.check.edits.places import (
    grouped,
)
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Primed,
    Quotient,
    Sum,
    Symbol,
    Transpose,
)

#: The product signs that multiply entry by entry; ``*`` does where the author multiplies so.
ELEMENTWISE = frozenset({"⊙", "∘"})
PRODUCTS = frozenset({"dot", "matmul", "outer"})
_TRANSPOSED = Symbol("transpose")


@dataclass(frozen=True)
class Hints:
    """What the rows know beside the formula: its hand, and pieces that may be missing in it.

    ``letters``: the names that count steps in it; ``entries``: those that count entries.
    ``leading``: the terms that stand first where they come from.  ``steps``: those in the
    formula; ``left``: the names on its left side.
    """

    hand: Hand
    letters: tuple[Symbol, ...]
    factors: tuple[Node, ...] = ()
    terms: tuple[Node, ...] = ()
    quantities: tuple[Node, ...] = ()
    siblings: tuple[Node, ...] = ()
    numbered: frozenset[str] = frozenset()
    entries: frozenset[Node] = frozenset()
    leading: frozenset[Node] = frozenset()
    steps: tuple[Node, ...] = ()
    left: frozenset[Symbol] = frozenset()

    def is_elementwise(self, operator: str) -> bool:
        return operator in ELEMENTWISE or operator == self.hand.elementwise

    def is_stepped(self, node: Node) -> bool:
        """Whether a factor belongs to a step: no parameter, and no transpose of one."""
        return any(n in self.letters or isinstance(n, Number) for n in node.walk())


Edited = Iterator[Node]


def transposed(node: Node, hand: Hand) -> Node:
    """A transpose as the author writes it."""
    if hand.transpose == "call":
        return Call(_TRANSPOSED, (node,))
    if hand.transpose == "'":
        if isinstance(node, Symbol):
            return replace(node, primes=node.primes + 1)
        return Primed(grouped(node))
    return Transpose(grouped(node))


def untransposed(node: Node, hand: Hand) -> Node | None:
    """What a transpose is of; None for anything else."""
    match node:
        case Transpose(operand=inner):
            return inner
        case Call(function=function, arguments=(inner,)) if function == _TRANSPOSED:
            return grouped(inner)
        case Symbol(primes=1) if hand.transpose == "'":
            return replace(node, primes=0)
        case Primed(operand=Group() as inner, count=1) if hand.transpose == "'":
            return inner
    return None


def is_matrix(node: Node) -> bool:
    """Whether a factor could be transposed: no number, no ``diag``, no ``1 - h^2``."""
    match node:
        case Symbol(base=base):
            return base != "..."
        case Group(opening="(" | "[", items=(Sum(terms=terms),)):
            return not any(isinstance(t, Number) for t in terms)
        case Group(opening="(" | "[", items=(inner,)):
            return not isinstance(inner, Number | BigOperator)
        case Quotient(numerator=a, denominator=b):
            return not isinstance(a, Number) and not isinstance(b, Number | Symbol)
    return False


def toggled(node: Node, hand: Hand) -> Node:
    inner = untransposed(node, hand)
    if inner is not None:
        return inner
    return transposed(node, hand) if is_matrix(node) else node


def runs(ops: Sequence[str], wanted: object) -> Iterator[tuple[int, int]]:
    """First and last factor of each stretch whose operators are all wanted."""
    assert callable(wanted)
    start = 0
    for i, op in enumerate((*ops, None)):
        if op is None or not wanted(op):
            if i > start:
                yield start, i
            start = i + 1


def is_scale(node: Node) -> bool:
    r"""``2``, ``\frac{1}{2}``, ``\frac{1}{T}``."""
    match node:
        case Number():
            return True
        case Quotient(numerator=Number(), denominator=Number() | Symbol()):
            return True
    return False
