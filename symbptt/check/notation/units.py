r"""What is 1 where two letters are equal, else 0: ``\mathbf{1}(i = j)``, ``\mathbb{1}_{i=j}``."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symbptt.check.notation.factors import with_pairs
from symbptt.check.notation.scripts import ENTRY_LETTERS, scripts
from symbptt.formula.tree import (
    Group,
    Node,
    Number,
    Product,
    Relation,
    Span,
    Subscripted,
    Symbol,
)

#: What a unit by its condition is called.
INDICATOR = "indicator"
_LETTERS = ENTRY_LETTERS | {"m"}


def with_units(node: Node) -> Node:
    """A unit by its condition as a symbol with two entries, or several of them as a product."""
    match node:
        case Subscripted(Number(value), (condition,)) if value == 1:
            return _unit(condition, node.span) or node

    def join(a: Node, b: Node) -> Node | None:
        if a == Number(Fraction(1)) and isinstance(b, Group):
            return _unit(b, Span(a.span.start, b.span.end))
        return None

    return with_pairs(node, join)


def _unit(condition: Node, span: Span) -> Node | None:
    items = condition.items if isinstance(condition, Group) else (condition,)
    found: list[Node] = []
    for item in items:
        match item:
            case Relation((Symbol(a) as i, Symbol(b) as j), ("=",)) if (i, j) == (
                Symbol(a),
                Symbol(b),
            ) and {a, b} <= _LETTERS:
                found.append(Symbol(INDICATOR, subscripts=(i, j), span=span))
            case _:
                return None
    if len(found) > 1:
        return Product(tuple(found), ("",) * (len(found) - 1), span=span)
    return found[0] if found else None


def nests_entries(trees: Iterable[Node]) -> bool:
    """Whether ``y_{t_k}`` is entry k of y at step t: no ``t_k`` stands by itself, and none is the
    time of a step that is counted, ``t_{k-1}``, ``t_0``."""
    inside: list[Symbol] = []
    every = 0
    for tree in trees:
        for n in tree.walk():
            if isinstance(n, Symbol):
                every += n.base == "t" and bool(scripts(n))
                inside += [x for x in n.subscripts if isinstance(x, Symbol) and _entry_of(x)]
    return bool(inside) and every == len(inside)


def unnested(node: Node) -> Node:
    """``y_{t_k}`` as ``y_{t,k}``."""
    if isinstance(node, Symbol) and any(isinstance(x, Symbol) and _entry_of(x)
                                        for x in node.subscripts):  # fmt: skip
        parts: list[Node] = []
        for x in node.subscripts:
            entry = _entry_of(x) if isinstance(x, Symbol) else None
            parts += [x] if entry is None else [Symbol("t", span=x.span), entry]
        return Symbol(node.base, node.accents, tuple(parts), node.superscripts, node.indices,
                      node.primes, span=node.span)  # fmt: skip
    return node


def _entry_of(x: Symbol) -> Node | None:
    match x:
        case Symbol("t", subscripts=(Symbol(letter) as entry,), superscripts=(), indices=()):
            return entry if entry == Symbol(letter) and letter in _LETTERS else None
    return None
