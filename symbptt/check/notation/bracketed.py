"""Names that have their step in brackets: ``h(t)``, ``h_i(t-1)``, ``E(t)``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from symbptt.check.notation.scripts import is_step, is_time
from symbptt.check.notation.symbols import ACTIVATION_NAMES
from symbptt.formula.lexicon import FUNCTIONS
from symbptt.formula.tree import (
    Call,
    Group,
    Node,
    Power,
    Product,
    Relation,
    Span,
    Symbol,
    Transpose,
)


def in_brackets(trees: Iterable[Node]) -> frozenset[str]:
    """The names that stand with their step in brackets, ``h(t-1)`` and ``h_i(t)``, and never
    otherwise: somewhere with t alone, or on a left side with t in a sum."""
    within: set[str] = set()
    below: set[str] = set()
    for tree in trees:
        left = tree.sides[0] if isinstance(tree, Relation) else None
        for n in tree.walk():
            if isinstance(n, Symbol) and any(p == Symbol("t") for p in n.subscripts):
                below.add(n.base)
            within |= {
                name.base for name, at in _beside_brackets(n)
                if at == Symbol("t") or (n is left and is_step(at) and is_time(at))
            }  # fmt: skip
    return frozenset(within - below - ACTIVATION_NAMES)


def _beside_brackets(node: Node) -> Iterator[tuple[Symbol, Node]]:
    """The names in a product that stand before brackets, and what is in those."""
    match node:
        case Call(Symbol(base) as name, (at,)) if base not in FUNCTIONS:
            yield name, at
        case Product(factors):
            for a, b in pairwise(factors):
                if isinstance(a, Symbol):
                    yield from ((a, at) for at in _bracketed(b))


def _bracketed(node: Node) -> Iterator[Node]:
    """What stands alone in the brackets that a factor begins with."""
    match node:
        case Group("(" | "[", (inner,)):
            yield inner
        case Power(inner) | Transpose(inner):
            yield from _bracketed(inner)


def at_step(node: Node, names: frozenset[str]) -> Node:
    """``h_i(t)`` as one name with its step."""
    match node:
        case Call(Symbol(base) as name, (at,)) if base in names and is_step(at):
            return replace(name, indices=(*name.indices, at), span=node.span)
        case Product(factors) if names:
            return _with_steps(node, factors, names)
    return node


def _with_steps(node: Product, factors: Sequence[Node], names: frozenset[str]) -> Node:
    kept: list[Node] = []
    signs: list[str] = []
    for sign, f in zip(("", *node.operators), factors, strict=True):
        last = kept[-1] if kept else None
        ats = list(_bracketed(f))
        if (
            sign == "" and isinstance(last, Symbol) and last.base in names
            and ats and is_step(ats[0]) and not last.indices
        ):  # fmt: skip
            name = replace(last, indices=(ats[0],), span=Span(last.span.start, f.span.end))
            kept[-1] = _instead(f, name)
            continue
        kept.append(f)
        signs.append(sign)
    if len(kept) == 1:
        return replace(kept[0], span=node.span)
    return replace(node, factors=tuple(kept), operators=tuple(signs[1:]))


def _instead(node: Node, name: Symbol) -> Node:
    """``(t)^2`` behind h as ``h(t)^2``."""
    match node:
        case Power(inner):
            return replace(node, base=_instead(inner, name), span=name.span)
        case Transpose(inner):
            return replace(node, operand=_instead(inner, name), span=name.span)
    return name
