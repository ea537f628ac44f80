r"""Equations of several quantities at once: ``[i; f; o; g] = [σ; σ; σ; tanh] W [h_{t-1}; x_t]``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.notation.scripts import is_time, scripts
from symbptt.formula.tree import Call, Group, Node, Number, Product, Relation, Symbol
from symbptt.model.functions import canonical

#: What the whole is called; a number follows.
STACK = "stack"


def apart(node: Relation, number: int) -> list[Relation]:
    """An equation of a stack as one of the whole and one of each part; any other as it is.

    >>> from symbptt.formula import parse
    >>> len(apart(parse("[a_t; b_t] = W x_t"), 1)), len(apart(parse("a_t = W x_t"), 1))
    (3, 1)
    """
    match node.sides:
        case (Group("[", items), right) if len(items) > 1 and all(_is_name(x) for x in items):
            functions, inner = _applied(right, len(items))
            whole = Symbol(f"{STACK}{number}", subscripts=(Symbol("t"),), span=node.span)
            rows = [replace(node, sides=(whole, inner))]
            for i, item in enumerate(items):
                value: Node = Call(Symbol("part"), (whole, _number(i + 1), _number(len(items))))
                if functions:
                    value = Call(functions[i], (value,))
                rows.append(replace(node, sides=(_at_t(item), value)))
            return rows
    return [node]


def _is_name(node: Node) -> bool:
    return isinstance(node, Symbol)


def _number(value: int) -> Number:
    return Number(Fraction(value))


def _at_t(item: Node) -> Node:
    """A part at the step at hand, where it bears none."""
    assert isinstance(item, Symbol)
    if any(map(is_time, scripts(item))):
        return item
    return replace(item, subscripts=(*item.subscripts, Symbol("t")))


def _applied(right: Node, many: int) -> tuple[Sequence[Symbol], Node]:
    """The functions of the parts, where a column of them stands in front, and what they are of."""
    match right:
        case Product((Group("[", functions), *rest), (_, *signs)) if len(functions) == many:
            names = [f for f in functions if isinstance(f, Symbol) and canonical(f.base)]
            if len(names) == many:
                inner = Product(tuple(rest), tuple(signs), span=right.span) if signs else rest[0]
                return names, inner
    return (), right
