"""Sums as code writes them: ``sum(a_t for t in range(1, T + 1))``."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Span,
    Sum,
    Symbol,
    Text,
)
from symbptt.formula.unreadable import UnreadableError

#: The kind of a big operator until its ``sum`` or ``prod`` is known.
EACH = "each"

_ONE = Number(Fraction(1))


def each(body: Node, over: Node, span: Span) -> BigOperator:
    """``body for index in range``: what a sum runs over, without the sum."""
    match over:
        case Relation(sides=(Symbol() as index, domain), operators=("∈" | "=",)):
            bounds = _bounds(domain)
            if bounds is None:
                return BigOperator(EACH, body, index, domain=domain, span=span)
            return BigOperator(EACH, body, index, *bounds, span=span)
    raise UnreadableError(
        "a 'for' needs a name and a range, as in 'for t in range(1, T + 1)'",
        over.span.start,
        over.span.end,
    )


def summed(function: Symbol, items: tuple[Node, ...], span: Span) -> BigOperator | None:
    """``sum(a for t in ..)`` as a sum over t."""
    match items:
        case (BigOperator(kind="each") as inner,) if function in (Symbol("sum"), Symbol("prod")):
            return replace(inner, kind=function.base, span=span)
    return None


def unsummed(node: Node) -> BigOperator | None:
    """A ``for`` in a tree that no ``sum`` or ``prod`` has taken."""
    for inner in node.walk():
        if isinstance(inner, BigOperator) and inner.kind == EACH:
            return inner
    return None


def _bounds(domain: Node) -> tuple[Node, Node] | None:
    match domain:
        case Call(function=Symbol(base="range"), arguments=arguments):
            return _range(arguments)
        case Product(factors=(Symbol(base="range"), Group(opening="(", items=items))):
            return _range(items)
        case Product(factors=(Symbol(base="reversed"), Group(opening="(", items=(inner,)))):
            return _bounds(inner)
        case Product(factors=(low, Text(words=":"), high)):
            return low, high
    return None


def _range(arguments: tuple[Node, ...]) -> tuple[Node, Node] | None:
    match arguments:
        case (stop,):
            return Number(Fraction(0), span=stop.span), _shifted(stop, -1)
        case (start, stop):
            return start, _shifted(stop, -1)
        case (start, stop, Sum(terms=(step,), signs=(-1,))) if step == _ONE:
            return _shifted(stop, 1), start
    return None


def _shifted(node: Node, by: int) -> Node:
    """``T + 1`` shifted by -1 is ``T``."""
    match node:
        case Number(value=value):
            return replace(node, value=value + by)
        case Sum(terms=(*terms, Number(value=value)), signs=(*signs, sign)):
            value = sign * value + by
            if value == 0 and len(terms) == 1 and signs == [1]:
                return terms[0]
            last = Number(abs(value))
            return replace(node, terms=(*terms, last), signs=(*signs, 1 if value > 0 else -1))
        case Sum(terms=(Number(value=value),), signs=(-1,)):
            return Number(-value + by, span=node.span)
    return Sum((node, _ONE), (1, 1 if by > 0 else -1), span=node.span)
