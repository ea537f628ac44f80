"""Edits of signs and of constants."""

from __future__ import annotations

from fractions import Fraction

from symbptt.check.edits.parts import (
    Edited,
    Hints,
    is_scale,
)
from symbptt.check.edits.places import (
    Place,
    factors_of,
    operators_of,
    sum_of,
)
from symbptt.check.edits.term_rows import without
from symbptt.formula.tree import (
    BigOperator,
    Group,
    Number,
    Product,
    Quotient,
    Sum,
    Symbol,
)


def term_sign(place: Place, hints: Hints) -> Edited:
    if isinstance(place.node, Sum):
        terms, signs = place.node.terms, place.node.signs
        for i in reversed(range(len(terms))):
            new = (*signs[:i], -signs[i], *signs[i + 1 :])
            yield sum_of(terms, new)


def difference(place: Place, hints: Hints) -> Edited:
    """``b - a`` for ``a - b``."""
    match place.node:
        case Sum(terms=(a, b), signs=(1, -1)) if not isinstance(a, Number):
            yield Sum((b, a), (1, -1))


def whole_sign(place: Place, hints: Hints) -> Edited:
    """``-a`` for ``a``; ``b - 1`` for ``1 - b``."""
    match place.node:
        case Sum(terms=(Number() as a, b), signs=(1, -1)):
            yield Sum((b, a), (1, -1))
        case Sum(terms=terms, signs=signs) if len(signs) > 1 and set(signs) == {-1}:
            yield Sum(terms, tuple(-s for s in signs))
    if place.is_side:
        if not isinstance(place.node, Sum):
            yield Sum((place.node,), (-1,))
        elif len(place.node.terms) > 1:
            yield Sum((Group("(", (place.node,)),), (-1,))
    match place.node:
        case Sum(terms=(Group(items=(Sum() as inner,)),), signs=(-1,)) if place.is_side:
            yield inner


def constant_too_many(place: Place, hints: Hints) -> Edited:
    match place.node:
        case Product(factors=f, operators=ops):
            for i in range(len(f)):
                if is_scale(f[i]):
                    yield without(f, ops, i)
        case Quotient(numerator=inner, denominator=Number()) if not isinstance(inner, Number):
            if not isinstance(place.parent, Product) or not isinstance(inner, Product | Sum):
                yield inner


def constant_missing(place: Place, hints: Hints) -> Edited:
    """½, 2 or 1/T in front of a side, a term or the body of a sum."""
    if isinstance(place.node, Sum | Number) or place.is_differential or place.in_slope:
        return
    if not (place.is_side or isinstance(place.parent, Sum | BigOperator)):
        return
    f = factors_of(place.node)
    if is_scale(f[0]):
        return
    style = "frac" if hints.hand.latex else "/"
    one, two = Number(Fraction(1)), Number(Fraction(2))
    op = "*" if hints.hand.code else ""
    for constant in (Quotient(one, two, style), two, Quotient(one, Symbol("T"), style)):
        yield Product((constant, *f), (op, *operators_of(place.node)))
