"""Edits of activations' derivatives: one form of them for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from symbptt.check.edits.parts import (
    Edited,
    Hints,
)
from symbptt.check.edits.places import (
    Place,
    factors_of,
    is_slope,
    product_of,
)
from symbptt.formula.tree import (
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)

_ONE, _TWO = Number(Fraction(1)), Number(Fraction(2))

# -------------------------------------------------------------------- activations' derivatives


def _square(x: Node) -> tuple[Node, ...]:
    base = Group("(", (x,)) if isinstance(x, Symbol) and x.superscripts else x
    return (Group("(", (Sum((_ONE, Power(base, _TWO)), (1, -1)),)),)


def _logistic(x: Node) -> tuple[Node, ...]:
    return x, Group("(", (Sum((_ONE, x), (1, -1)),))


#: The forms that an activation's derivative takes in terms of its output: what people mix up.
SLOPES: dict[str, Callable[[Node], tuple[Node, ...]]] = {
    "1 - x^2": _square,
    "x (1 - x)": _logistic,
    "1 - x": lambda x: _logistic(x)[1:],
    "x": lambda x: (x,),
}


def other_slope(place: Place, hints: Hints) -> Edited:
    """One form of an activation's derivative for another."""
    yield from _resloped(place, hints, slope_of)


def slope_of_another(place: Place, hints: Hints) -> Edited:
    """The derivative at another place of the document instead of this one."""
    if not is_slope(place.node) and slope_of((place.node,)) is None:
        return
    for new in hints.factors:
        match place.node, new:
            case Sum(), Group(items=(Sum() as inner,)) if isinstance(place.parent, Call):
                yield inner
            case (Call(function=f), Call(function=g)) if f == g and f.base.lower() == "diag":
                yield new
            case (Call() | Group() | Power(), Group(items=(Sum(),))) if isinstance(
                place.parent, Product
            ):
                yield new


def slope_for_output(place: Place, hints: Hints) -> Edited:
    """The derivative for the output itself: ``1 - h^2`` for ``h``."""

    def output(factors: tuple[Node, ...]) -> Node | None:
        match factors:
            case (Symbol() | Call() as x,) if hints.is_stepped(x):
                return x
        return None

    if isinstance(place.node, Product) and any(map(hints.is_elementwise, place.node.operators)):
        yield from _resloped(place, hints, output)


def slope_behind_gradient(place: Place, hints: Hints) -> Edited:
    """``(∂L/∂o ⊙ o ⊙ (1 - o))``, the gradient by the argument of an activation, for ``∂L/∂o``."""
    op = hints.hand.elementwise
    match place.node, place.parent:
        case (Quotient(Differential(), Differential(operand=Symbol() as x)), Product()) if (
            hints.is_stepped(x)
        ):
            for build in (_logistic, _square):
                new = build(x)
                yield Group("(", (Product((place.node, *new), (op,) * len(new)),))


def _resloped(
    place: Place, hints: Hints, output: Callable[[tuple[Node, ...]], Node | None]
) -> Edited:
    """Each stretch that is a form of a derivative in another form."""
    op = hints.hand.elementwise
    match place.node:
        case Product(factors=f, operators=ops):
            for start in range(len(f)):
                for stop in range(start + 1, min(start + 3, len(f) + 1)):
                    x = output(f[start:stop])
                    if x is None or not all(map(hints.is_elementwise, ops[start : stop - 1])):
                        continue
                    beside = (*ops[:start][-1:], *ops[stop - 1 :][:1])
                    for new in _forms(x, f[start:stop], hints):
                        inner = new if len(new) == 1 else _one(new, op, beside, hints)
                        signs = (op,) * (len(inner) - 1)
                        factors = (*f[:start], *inner, *f[stop:])
                        whole = product_of(factors, (*ops[:start], *signs, *ops[stop - 1 :]))
                        match whole:
                            case Group(items=(inside,)) if isinstance(place.parent, Call):
                                yield inside
                            case _:
                                yield whole
        case Sum() | Group() as node if not isinstance(place.parent, Product | Group):
            x = output((node,))
            for new in () if x is None else _forms(x, (node,), hints):
                whole = product_of(new, (op,) * (len(new) - 1))
                match whole:
                    case Group(items=(inside,)) if isinstance(node, Sum):
                        yield inside
                    case _:
                        yield whole


def _one(new: tuple[Node, ...], op: str, beside: tuple[str, ...], hints: Hints) -> tuple[Node, ...]:
    """Several factors as they stand, or as one where other products are beside them."""
    if all(map(hints.is_elementwise, beside)):
        return new
    return (Group("(", (Product(new, (op,) * (len(new) - 1)),)),)


def _forms(x: Node, factors: tuple[Node, ...], hints: Hints) -> Iterator[tuple[Node, ...]]:
    """The forms of the document first; of a sum, without brackets, what stands in them."""
    for hint in hints.factors:
        whole = factors_of(hint)
        known = slope_of(whole)
        if known is not None and known == x and whole != factors:
            yield whole
    for build in SLOPES.values():
        if (new := build(x)) != factors:
            yield new


def slope_of(factors: tuple[Node, ...]) -> Node | None:
    """The output that a derivative is written in: the ``h`` of ``1 - h^2``, of ``h ⊙ (1 - h)``."""
    match factors:
        case (Group(items=(Sum() as inner,)),):
            return slope_of((inner,))
        case (Sum(terms=(Number(value=one), Power(base=x, exponent=two)), signs=(1, -1)),) if (
            one == 1 and two == _TWO
        ):
            return x.items[0] if isinstance(x, Group) and len(x.items) == 1 else x
        case (Sum(terms=(Number(value=one), Symbol() | Call() as x), signs=(1, -1)),) if one == 1:
            return x
        case (Sum(terms=(Number(value=one), Product((x, y), (_,))), signs=(1, -1)),) if (
            one == 1 and x == y
        ):
            return x
        case (Power(base=Group(items=(Sum() as inner,)), exponent=two),) if two == _TWO:
            return slope_of((inner,))
        case (Symbol() | Call() as x, Group() as rest) | (Group() as rest, Symbol() | Call() as x):
            return x if slope_of((rest,)) == x and rest == _logistic(x)[1] else None
    return None
