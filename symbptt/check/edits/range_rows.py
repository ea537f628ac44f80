"""Edits of the ranges of sums and products."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symbptt.check.edits.indices import shifted
from symbptt.check.edits.parts import Edited, Hints
from symbptt.check.edits.places import Place, changed_in
from symbptt.check.edits.step_rows import LAST
from symbptt.formula.tree import (
    BigOperator,
    Group,
    Node,
    Number,
    Product,
    Sum,
    Symbol,
)

_ONE = Number(Fraction(1))


def bounds(place: Place, hints: Hints) -> Edited:
    """A sum that begins or ends a step too early or too late."""
    match place.node:
        case BigOperator(lower=Node() as lower, upper=upper):
            for name, end in (("lower", lower), ("upper", upper)):
                for by in (1, -1):
                    new = None if end is None else shifted(end, by)
                    if new is not None:
                        yield changed_in(place.node, {name: new})


def other_bounds(place: Place, hints: Hints) -> Edited:
    """A sum over another letter, or from or to another one."""
    match place.node:
        case BigOperator(index=Symbol() as index, lower=lower, upper=upper):
            if lower is not None:
                for new in (_ONE, Number(Fraction(0)), *hints.letters):
                    starts = [new] if isinstance(new, Number) else [new, shifted(new, 1)]
                    for start in starts:
                        if start is not None and new not in (index, LAST):
                            yield replace(place.node, lower=start)
            if upper is not None:
                for new in hints.letters:
                    for stop in (new, shifted(new, -1)):
                        if stop is not None and new != index:
                            yield replace(place.node, upper=stop)
            for new in hints.letters:
                if new not in (index, LAST):
                    yield replace(place.node, index=new)
            if lower is not None and upper is not None:
                yield replace(place.node, lower=upper, upper=lower)


def sum_missing(place: Place, hints: Hints) -> Edited:
    if place.is_side and not isinstance(place.node, BigOperator):
        body = Group("(", (place.node,)) if isinstance(place.node, Sum) else place.node
        for letter in hints.letters:
            if letter != LAST and _uses(place.node, letter):
                yield BigOperator("sum", body, letter, _ONE, LAST)


def _uses(node: Node, letter: Symbol) -> bool:
    return any(n == letter for n in node.walk())


def sum_too_many(place: Place, hints: Hints) -> Edited:
    match place.node:
        case BigOperator(body=Group(items=(inner,))) if place.is_side:
            yield inner
        case BigOperator(body=Product()) if isinstance(place.parent, Product):
            pass
        case BigOperator(body=body):
            yield body
