"""The range of a big operator that is written as an inequality: ``1 ≤ k < t``."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symbptt.formula.tree import BigOperator, Node, Number, Relation, Sum, Symbol

_TURNED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}
_ONE = Number(Fraction(1))


def bounded(node: BigOperator) -> BigOperator:
    """``Σ_{1 ≤ k < t}`` as ``Σ_{k=1}^{t-1}``; what isn't such a range is left as it is.

    >>> from symbptt.formula import parse
    >>> a, b = parse("∑_{1 ≤ k < t} x_k"), parse("∑_{k=1}^{t-1} x_k")
    >>> bounded(a) == b
    True
    """
    match node:
        case BigOperator(index=Symbol() as k, domain=Relation(sides, signs)):
            if sides.count(k) != 1 or len(sides) > 3:
                return node
        case _:
            return node
    at = sides.index(k)
    compared = [(_TURNED.get(s, s), x) for s, x in zip(signs[:at], sides[:at], strict=True)]
    compared += zip(signs[at:], sides[at + 1 :], strict=True)
    lower = [x if s == "≥" else _moved(x, 1) for s, x in compared if s in "≥>"]
    upper = [x if s == "≤" else _moved(x, -1) for s, x in compared if s in "≤<"]
    if len(lower) > 1 or len(upper) > 1 or len(lower) + len(upper) != len(compared):
        return node
    first, last = (next(iter(x), None) for x in (lower, upper))
    return replace(node, domain=None, lower=first, upper=last)


def _moved(x: Node, by: int) -> Node:
    return Sum((x, _ONE), (1, by), span=x.span)
