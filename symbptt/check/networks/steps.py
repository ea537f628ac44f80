"""Forward equations as equations for step t, whatever letter or shift counts their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.networks.parts import Mention, Part
from symbptt.formula.tree import (
    BigOperator,
    Node,
    Number,
    Relation,
    Sum,
    Symbol,
)
from symbptt.model.names import Naming


def up_to_T(node: Relation, horizons: frozenset[str], stepped: frozenset[str]) -> Relation:
    """An equation whose letter for the number of steps is T: in ``Σ_{t=1}^n``, and in ``h_n``
    where h stands at t elsewhere."""

    def script(p: Node) -> Node:
        is_last = isinstance(p, Symbol) and p.is_bare and p.base in horizons
        return Symbol("T", span=p.span) if is_last else p

    def change(n: Node) -> Node:
        if isinstance(n, Symbol) and n.base in stepped:
            below, above, behind = (
                tuple(map(script, parts)) for parts in (n.subscripts, n.superscripts, n.indices)
            )
            return replace(n, subscripts=below, superscripts=above, indices=behind)
        if isinstance(n, BigOperator) and isinstance(n.upper, Symbol) and n.upper.base in horizons:
            n = replace(n, upper=Symbol("T", span=n.upper.span))
        result: Node = n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


def _letters(symbol: Symbol) -> list[str]:
    """The letters that hang on a symbol."""
    parts = (*symbol.subscripts, *symbol.superscripts, *symbol.indices)
    return [p.base for p in parts if isinstance(p, Symbol) and p == Symbol(p.base)]


def _counts_steps(node: Relation) -> str | None:
    """The letter other than t that an equation counts steps by: k in ``s_k = f(s_{k-1})``."""
    left = node.sides[0]
    if not isinstance(left, Symbol) or any(n == Symbol("t") for n in node.walk()):
        return None
    for letter in _letters(left):
        before = Sum((Symbol(letter), Number(Fraction(1))), (1, -1))
        if letter in ("k", "n", "i", "tau", "s") and before in node.sides[1].walk():
            return letter
    return None


def letters_of_steps(stated: Sequence[list[Part] | Mention]) -> dict[str, str]:
    """What is given at a step that another letter than t counts, and by which letter."""
    found: dict[str, str] = {}
    for links in stated:
        if not isinstance(links, Mention) and links and links[0].first:
            left, letter = links[0].left, _counts_steps(links[0].relation)
            if isinstance(left, Symbol) and letter is not None:
                found[left.base] = letter
    return found


def in_t(node: Relation, steps: Mapping[str, str] = {}) -> Relation:
    """``s_k = f(s_{k-1})`` as an equation in t, and with it ``y_k = V s_k``.

    ``steps``: what is known to be given at steps that other letters count.
    """
    left = node.sides[0]
    if not isinstance(left, Symbol):
        return node
    own = _counts_steps(node)
    earlier = [own] if own is not None else [
        letter for n in node.sides[1].walk() if isinstance(n, Symbol)
        for letter in [steps.get(n.base)]
        if letter in _letters(n) and letter in _letters(left)
        and not any(x == Symbol("t") for x in node.walk())
    ]  # fmt: skip
    if not earlier or earlier[0] is None:
        return node

    def change(n: Node) -> Node:
        if n == Symbol(earlier[0]):
            return Symbol("t", span=n.span)
        result: Node = n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


def unshifted(node: Relation) -> Relation:
    """``h_{t+1} = f(h_t)`` as an equation for h_t."""
    left = node.sides[0]
    if not isinstance(left, Symbol):
        return node
    _, index = Naming().read(left)
    if index is None or index.anchor != "t" or not index.offset:
        return node
    offset = index.offset

    def change(n: Node) -> Node:
        match n:
            case Symbol("t") if n == Symbol("t"):
                return _later(-offset, n)
            case Sum(terms) if any(t == Symbol("t") for t in terms):
                index = Naming().index(n)
                if index is not None and index.anchor == "t":
                    return _later(index.offset - offset, n)
        result: Node = n.rebuilt(change)
        return result

    found = change(node)
    assert isinstance(found, Relation)
    return found


def _later(offset: int, at: Node) -> Node:
    t = Symbol("t", span=at.span)
    if not offset:
        return t
    return Sum((t, Number(Fraction(abs(offset)))), (1, 1 if offset > 0 else -1), span=at.span)
