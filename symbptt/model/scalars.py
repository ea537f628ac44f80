"""Definitions of the function tables, evaluated in whatever arithmetic is at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, reduce
from typing import Any

from symbptt.formula import parse
from symbptt.formula.tree import (
    Call,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.elaborate import Elaborator
from symbptt.model.finish import finish
from symbptt.model.functions import ACTIVATIONS, LOSSES, PRIMITIVES
from symbptt.model.names import Naming
from symbptt.model.shapes import Why


@cache
def definition(text: str) -> Node:
    """The tree of a definition in a table."""
    return parse(text, functions=(*ACTIVATIONS, *PRIMITIVES))


def evaluate(
    text: str,
    values: Mapping[str, Any],
    function: Callable[[str, tuple[Any, ...]], Any],
    number: Callable[[Fraction], Any] = lambda x: x,
) -> Any:
    """A scalar formula evaluated with Python's operators.

    >>> evaluate("z * (1 - z)^2", {"z": 3}, lambda name, args: 0)
    Fraction(12, 1)
    """

    def value(node: Node) -> Any:
        match node:
            case Number(v):
                return number(v)
            case Symbol(base):
                return values[base]
            case Group("(", (inner,)):
                return value(inner)
            case Sum(terms, signs):
                signed = zip(terms, signs, strict=True)
                parts = (value(term) if sign > 0 else -value(term) for term, sign in signed)
                return reduce(lambda a, b: a + b, parts)
            case Product(factors):
                return reduce(lambda a, b: a * b, map(value, factors))
            case Quotient(a, b):
                return value(a) / value(b)
            case Power(base, Number(v)) if v.denominator == 1:
                return value(base) ** int(v)
            case Call(name, arguments):
                return function(name.base, tuple(map(value, arguments)))
        raise AssertionError(f"{text}: {node} has no place in a definition")

    return value(definition(text))


def expand_loss(name: str, arguments: tuple[tm.Term, ...]) -> tm.Term:
    """What a named loss abbreviates, for these arguments."""
    row = LOSSES[name]
    e = Elaborator(Naming())
    template = e.draft(parse(row.definition))
    for argument, formal in zip(arguments, row.arguments, strict=True):
        draft = e.symbols[formal]
        why = Why(draft.place)
        e.dims.unify(draft.rows, e.dims.constant(argument.shape[0]), why)
        e.dims.unify(draft.cols, e.dims.constant(argument.shape[1]), why)
    e.settle()
    term = finish(template, lambda dim: e.dims.value(dim) or 1)
    actual = dict(zip(row.arguments, arguments, strict=True))

    def change(term: tm.Term) -> tm.Term:
        if isinstance(term, tm.Ref):
            return actual[term.name]
        return term.rebuilt(change)

    return change(term)
