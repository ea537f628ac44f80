"""The loss of a step in a total: what it is called, and what the total takes it by."""

from __future__ import annotations

from dataclasses import dataclass
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
