"""What is spent on a claim, and what is seen of the derivatives in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symbptt.check.meaning.recall import Recall
from symbptt.check.meaning.tensors import Value
from symbptt.check.notation.scripts import Steps
from symbptt.check.notation.symbols import Scope, UnknownError
from symbptt.formula.tree import (
    BigOperator,
    Differential,
    Node,
    Product,
    Quotient,
)

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning
    from symbptt.check.meaning.world import World

#: How many parts of formulas are evaluated for one claim, whatever it may mean: some seconds.
MOST_WORK = 150_000


@dataclass
class Work:
    """What is left to spend on a claim, and what is known from what was spent."""

    left: int = MOST_WORK
    known: dict[tuple[int, int], tuple[World, Recall]] = field(default_factory=dict)

    def recall(self, world: World, scope: Scope) -> Recall:
        """What is kept of the parts of a claim in a world, by what symbols stand for."""
        key = id(world), id(scope)
        if key not in self.known:
            self.known[key] = world, Recall(scope)
        return self.known[key][1]

    def spend(self, node: Node) -> None:
        """Count one part; raises :class:`UnknownError` when all is spent."""
        self.left -= 1
        if self.left < 0:
            raise UnknownError("too long to be tried", node)


@dataclass
class Seen:
    """The derivatives of a formula: each with where it is zero, or None if it is not zero once.

    ``vanishes``: a product over steps is zero somewhere, as Jacobians are by what comes later.
    """

    zero_at: dict[Node, list[tuple[Meaning, Steps]] | None] = field(default_factory=dict)
    vanishes: bool = False

    def note(self, node: Node, value: Value, m: Meaning, steps: Steps) -> None:
        """Note what a part of the formula is worth."""
        if isinstance(node, BigOperator) and node.kind == "prod" and not value.array.any():
            self.vanishes = True
        if m.depth or not is_derivative(node):
            return
        if value.array.any():
            self.zero_at[node] = None
        elif (where := self.zero_at.setdefault(node, [])) is not None:
            where.append((m, steps))


def in_other_signs(a: Node, b: Node) -> bool:
    """Whether two derivatives are of one thing by another, be it d, ∂ or ∂⁺ that they write."""
    match a, b:
        case (
            Quotient(Differential(operand=Node() as of), Differential(operand=Node() as by)),
            Quotient(Differential(operand=also_of), Differential(operand=also_by)),
        ):
            orders = (x.order for n in (a, b) for x in n.children() if isinstance(x, Differential))
            return (of, by) == (also_of, also_by) and set(orders) == {1}
    return False


def is_derivative(node: Node) -> bool:
    """Whether a part of a formula is a derivative, or a product of them."""
    match node:
        case Quotient(numerator, denominator):
            return any(isinstance(x, Differential) for x in (numerator, denominator))
        case Differential(sign="∇"):
            return True
        case Product(factors):
            return all(map(is_derivative, factors))
    return False
