"""The loss of a step in a total: what it is called, and what the total takes it by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    Symbol,
)
from symbptt.model.names import Naming
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Share:
    """The loss of a step: what it is called, and the factors that it has in the total."""

    base: str
    factors: tuple[Node, ...] = ()

    def weighs(self, total: str) -> bool:
        """Whether the total has another name and another size."""
        return self.base != total and bool(self.factors)

    def times(self, *factors: Node) -> Share:
        return Share(self.base, (*factors, *self.factors))


def share_in(total: Node) -> Share | None:
    """The loss of a step in a total that calls it by a name.

    >>> from symbptt.formula import parse
    >>> share = share_in(parse("1/T ∑_{t=1}^{T} E_t"))
    >>> share.base, len(share.factors)
    ('E', 1)
    """
    match total:
        case Symbol(base) if base in LOSSES and Naming().read(total)[1] is not None:
            return Share(base)
        case Call(Symbol(base)) if base in LOSSES:
            return Share(base)
        case BigOperator("sum", body) | Group(_, (body,)):
            return share_in(body)
        case Quotient(above, below):
            found = share_in(above)
            return found and found.times(Quotient(Number(Fraction(1)), below))
        case Product(parts) | Sum(parts):
            shares = [share_in(x) for x in parts]
            only = [s for s in shares if s is not None]
            if len(only) != 1:
                return None
            at = shares.index(only[0])
            if isinstance(total, Product):
                return only[0].times(*parts[:at], *parts[at + 1 :])
            sign = total.signs[at]
            return only[0] if sign > 0 else only[0].times(Number(Fraction(-1)))
    return None


def share_given(total: Node, same: Node) -> tuple[Symbol, Node] | None:
    """The loss of a step, and what it is where two sides are the total.

    >>> from symbptt.formula import parse
    >>> share, body = share_given(parse("1/T ∑_t E_t"), parse("-1/T ∑_t z_t"))
    >>> share.base, type(body).__name__
    ('E', 'Sum')
    """
    match _summed(total), _summed(same):
        case (1, factors, _, whole), (sign, others, more, other) if others[
            : len(factors)
        ] == factors and _run_alike(whole, other):
            name = whole.body.function if isinstance(whole.body, Call) else whole.body
            if not isinstance(name, Symbol) or _called_by_loss(other.body):
                return None
            if name.base not in LOSSES or Naming().read(name)[1] != Index("t"):
                return None
            rest, joined = others[len(factors) :], more[len(factors) :]
            return name, _signed(sign, _times(rest, joined, other.body))
    return None


def _called_by_loss(node: Node) -> bool:
    return any(isinstance(n, Symbol) and n.base in LOSSES for n in node.walk())


def _summed(node: Node) -> tuple[int, tuple[Node, ...], tuple[str, ...], BigOperator] | None:
    """The sign of a sum over the steps, what it is multiplied by, the signs behind that, and it."""
    match node:
        case BigOperator("sum", index=Symbol("t")):
            return 1, (), (), node
        case Group("(" | "[" | "{", (inner,)):
            return _summed(inner)
        case Sum((inner,), (sign,)):
            found = _summed(inner)
            return found and (sign * found[0], *found[1:])
        case Product((*front, BigOperator("sum", index=Symbol("t")) as whole), signs):
            if not any(n == Symbol("t") for x in front for n in x.walk()):
                return 1, tuple(front), signs, whole
    return None


def _run_alike(one: BigOperator, other: BigOperator) -> bool:
    """Whether two sums are over the same steps; one that says nothing is over all."""
    ends = [(x.lower, x.upper, x.domain) for x in (one, other)]
    if ends[0] == ends[1]:
        return True
    said = [e for e in ends if any(x is not None for x in e)]
    match said:
        case [(Number(first), Node(), None)]:
            return first in (0, 1)
    return False


def _times(front: tuple[Node, ...], signs: tuple[str, ...], body: Node) -> Node:
    if not front:
        return body
    if isinstance(body, Product):
        return replace(body, factors=(*front, *body.factors), operators=(*signs, *body.operators))
    return Product((*front, body), signs, span=body.span)


def _signed(sign: int, body: Node) -> Node:
    return body if sign > 0 else Sum((body,), (-1,), span=body.span)
