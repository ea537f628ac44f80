"""Diagonal matrices by their first and last entries: ``[f_1 & & ; & … & ; & & f_n]``."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symbptt.formula.tree import Call, Group, Node, Number, Product, Symbol, Text

#: What the last entry is counted by.
_LAST = frozenset("nmdhkpHDNM")
_SIGNS = ("&", "&", ";", "&", "&", ";", "&", "&")
_BESIDES = (1, 2, 3, 5, 6, 7)


def as_diagonal(node: Node) -> Node:
    """A matrix of zeros and dots with two like entries at the ends of its diagonal as ``diag``."""
    match node:
        case Group("[" | "(", (first, _, _, _, Text(), _, _, _, last) as cells, signs) if (
            signs == _SIGNS
        ):
            one, two = _whole(first, first=True), _whole(last, first=False)
            zero = Number(Fraction(0))
            if one == two and one != first and all(cells[i] == zero for i in _BESIDES):
                return Call(Symbol("diag"), (one,), span=node.span)
    return node


def _whole(node: Node, *, first: bool) -> Node:
    """A formula of the vectors of which it has the first entries, or the last ones."""
    match node:
        case Symbol(base) if (
            base[0].islower() and node.subscripts and _ends(node.subscripts[-1], first=first)
        ):
            return replace(node, subscripts=node.subscripts[:-1])
        case Symbol():
            return node
        case Call():
            inside = tuple(_whole(a, first=first) for a in node.arguments)
            return replace(node, arguments=inside)
        case Product():
            node = node.rebuilt(lambda n: _whole(n, first=first))
            assert isinstance(node, Product)
            return replace(node, operators=tuple(o or "⊙" for o in node.operators))
    return node.rebuilt(lambda n: _whole(n, first=first))


def _ends(part: Node, *, first: bool) -> bool:
    if first:
        return isinstance(part, Number) and part.value == 1
    return isinstance(part, Symbol) and part == Symbol(part.base) and part.base in _LAST
