"""Numbers by the letters of what they are made of: ``vᵀ h_T`` beside ``W h_{t-1}``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbptt.check.networks.statements import name_of, right_of
from symbptt.formula.tree import Call, Group, Node, Product, Sum, Symbol, Transpose
from symbptt.model.functions import VECTOR_FUNCTIONS, canonical
from symbptt.model.names import Naming
from symbptt.model.outline import Statement


def inner_products(chosen: Sequence[Statement], loss: Statement) -> frozenset[str]:
    """What is ``vᵀ h_T + c`` by a small v, where all other weights are capitals, and what is made
    of it and compared with it: numbers."""
    weights = {w for s in chosen for n in right_of(s).walk() for w in _weights(n)}
    if not any(w[0].isupper() for w in weights) or sum(w[0].islower() for w in weights) != 1:
        return frozenset()
    found = {name_of(s) for s in chosen if any(map(_is_inner, _terms(right_of(s))))}
    for s in chosen:  # ŷ = σ(s)
        if _timed(right_of(s)) <= found and _timed(right_of(s)):
            found.add(name_of(s))
    if any(
        _timed(n) & found for s in (*chosen, loss) for n in right_of(s).walk() if _is_softmax(n)
    ):
        return frozenset()  # of one number alone it would be 1
    compared = _timed(right_of(loss))
    if compared & found:
        found |= compared - {name_of(s) for s in chosen}
    return frozenset(found)


def _is_softmax(node: Node) -> bool:
    return isinstance(node, Call) and canonical(node.function.base) in VECTOR_FUNCTIONS


def _timed(node: Node) -> set[str]:
    """The names of what has a step in a formula."""
    symbols = (n for n in node.walk() if isinstance(n, Symbol))
    return {next(iter(steps))[0] for n in symbols if (steps := Naming().steps(n))}


def _weights(node: Node) -> Iterator[str]:
    """The names of what stands in front of a quantity that has a step."""
    if isinstance(node, Product):
        for a, b in zip(node.factors, node.factors[1:], strict=False):
            weight = a.operand if isinstance(a, Transpose) else a
            if isinstance(weight, Symbol) and not _has_step(weight) and _has_step(b):
                yield Naming().read(weight)[0]


def _is_inner(node: Node) -> bool:
    match node:
        case Product((Transpose(Symbol(base) as v), x), ("" | "·",)):
            return v == Symbol(base) and len(base) == 1 and base.islower() and _has_step(x)
    return False


def _has_step(node: Node) -> bool:
    return isinstance(node, Symbol) and bool(Naming().steps(node))


def _terms(node: Node) -> Iterator[Node]:
    """What is added up in a formula, also in that which a function is applied to."""
    match node:
        case Call(_, (inner,)) | Group("(" | "[", (inner,)):
            yield from _terms(inner)
        case Sum(terms):
            for term in terms:
                yield from _terms(term)
        case _:
            yield node
