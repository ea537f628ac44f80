r"""The loss as written, taken apart: which scalar is added at which steps.

``\sum_{t=1}^{T} c(y_t, d_t)`` bears a loss at every step, ``c(y_T, d_T)`` at the last,
``\sum_{t \in \{2, T\}} …`` at a set of them; these may be added and scaled.  A term that names
no step, ``\frac{\lambda}{2} \|W\|^2``, is a penalty: it is added once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.errors import ModelError, Place
from symbptt.formula.bounds import bounded
from symbptt.formula.tree import (
    BigOperator,
    Group,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    Symbol,
)
from symbptt.model.draft import Source
from symbptt.model.names import Naming
from symbptt.model.steps import FIRST, LAST, ONCE, Steps
from symbptt.model.terms import Index


@dataclass(frozen=True)
class LossPart:
    """A formula in the current step t, added at each of ``steps``."""

    steps: Steps
    node: Node


def loss_parts(node: Node, naming: Naming, source: Source) -> tuple[LossPart, ...]:
    """The parts of the right-hand side of ``L = …``; a penalty alone is no loss."""
    parts = tuple(_parts(node, naming, source))
    if all(part.steps.once for part in parts):
        raise ModelError(
            "the loss names no step: sum it over t, or write the last step as y_T; "
            "a penalty on parameters is added to such a sum",
            source.place(node.span),
        )
    return parts


def _parts(node: Node, naming: Naming, source: Source) -> tuple[LossPart, ...]:
    match node:
        case Group("(" | "[" | "{", (inner,)):
            return _parts(inner, naming, source)
        case Sum(terms, signs):
            return tuple(
                _scaled(part, Fraction(sign))
                for term, sign in zip(terms, signs, strict=True)
                for part in _parts(term, naming, source)
            )
        case Product((first, *rest), operators) if (value := _number(first)) is not None:
            inner = rest[0] if len(rest) == 1 else Product(tuple(rest), operators[1:])
            inner = replace(inner, span=node.span) if len(rest) > 1 else inner
            return tuple(_scaled(p, value) for p in _parts(inner, naming, source))
        case Product((*weights, BigOperator("sum") as total), operators):
            # a weight in front of the sum is one of each of its terms
            parts = _parts(total, naming, source)
            return tuple(_weighted(p, weights, operators, node) for p in parts)
        case BigOperator("sum"):
            return (LossPart(_steps(node, naming, source), node.body),)
    return (_one_step(node, naming, source),)


def _number(node: Node) -> Fraction | None:
    match node:
        case Number(value):
            return value
        case Group("(", (inner,)):
            return _number(inner)
        case Quotient(a, b):
            above, below = _number(a), _number(b)
            return above / below if above is not None and below else None
    return None


def _weighted(
    part: LossPart, weights: list[Node], operators: tuple[str, ...], whole: Node
) -> LossPart:
    body = Group("(", (part.node,), span=part.node.span)
    return replace(part, node=Product((*weights, body), operators, span=whole.span))


def _scaled(part: LossPart, factor: Fraction) -> LossPart:
    if factor == 1:
        return part
    body = part.node
    span = body.span
    if isinstance(body, Sum):
        body = Group("(", (body,), span=span)
    if factor == -1:
        return replace(part, node=Sum((body,), (-1,), span=span))
    return replace(part, node=Product((Number(factor, span=span), body), ("",), span=span))


def _steps(node: BigOperator, naming: Naming, source: Source) -> Steps:
    """The steps a sum over time runs over."""
    if not (isinstance(node.index, Symbol) and node.index.base == naming.time):
        raise ModelError(
            f"the loss is a sum over the steps {naming.time}; this one runs over something else",
            source.place(node.span),
        )
    node = bounded(node)
    if node.domain is not None:
        items = node.domain.items if isinstance(node.domain, Group) else (node.domain,)
        return Steps(members=tuple(_bound(item, naming, source) for item in items))
    first = FIRST if node.lower is None else _bound(node.lower, naming, source, lowest=0)
    last = LAST if node.upper is None else _bound(node.upper, naming, source)
    if (first.anchor, first.offset) > (last.anchor, last.offset) and (
        first.anchor == last.anchor or not last.anchor
    ):
        raise ModelError(
            f"the loss runs from step {first} to step {last}: over nothing",
            source.place(node.span),
        )
    if not first.anchor and first.offset < 1:
        raise ModelError(
            f"the loss starts at step {first}, but steps run from 1 to T; write t=1",
            source.place(node.span),
        )
    return Steps(members=(first,)) if first == last else Steps(first, last)


def _bound(node: Node, naming: Naming, source: Source, lowest: int = 1) -> Index:
    index = naming.index(node)
    if index is None or index.anchor == "t":
        raise ModelError("a step is a number, T, or T minus a number", source.place(node.span))
    _check_step(index, lowest, source.place(node.span))
    return index


def _check_step(index: Index, lowest: int, place: Place) -> None:
    """Refuse a step before the first or after the last."""
    if (index.anchor and index.offset > 0) or (not index.anchor and index.offset < lowest):
        raise ModelError(f"there is no step {index}: steps run from 1 to T", place)


def _one_step(node: Node, naming: Naming, source: Source) -> LossPart:
    """A term for a single step, ``c(y_T, d_T)``, rewritten with t in place of T; or for none."""
    steps = {
        index
        for s in node.walk()
        if isinstance(s, Symbol) and (index := naming.read(s)[1]) is not None
    }
    if not steps:
        return LossPart(ONCE, node)
    if len(steps) > 1:
        named = " and ".join(sorted(map(str, steps)))
        raise ModelError(
            f"one term of the loss mixes the steps {named}; each term belongs to one step",
            source.place(node.span),
        )
    (step,) = steps
    if step.anchor == "t":
        raise ModelError(
            r"the loss at step t stands outside a sum; write \sum_{t=1}^{T} in front of it",
            source.place(node.span),
        )
    _check_step(step, 1, source.place(node.span))
    return LossPart(Steps(members=(step,)), _at_t(node, naming))


def _at_t(node: Node, naming: Naming) -> Node:
    """The same formula with every constant time index replaced by t."""
    if isinstance(node, Symbol):
        _, index = naming.read(node)
        if index is None:
            return node
        bare = naming.bare(node)
        return replace(bare, subscripts=(*bare.subscripts, Symbol(naming.time)))
    return node.rebuilt(lambda child: _at_t(child, naming))
