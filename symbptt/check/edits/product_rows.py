"""Edits of products: transposes, the order of factors, ⊙ and brackets."""

from __future__ import annotations

from dataclasses import replace

from symbptt.check.edits.parts import (
    PRODUCTS,
    Edited,
    Hints,
    is_matrix,
    runs,
    toggled,
    transposed,
    untransposed,
)
from symbptt.check.edits.places import (
    Place,
    factors_of,
    operators_of,
    product_of,
)
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Sum,
    Transpose,
)

# -------------------------------------------------------------------- transposes


def _is_factor(place: Place) -> bool:
    match place.parent:
        case Product():
            return True
        case Call(function=function):
            return function.base in PRODUCTS
    return False


def transpose_missing(place: Place, hints: Hints) -> Edited:
    if _is_factor(place) and _lacks_transpose(place.node, hints):
        yield transposed(place.node, hints.hand)


def _lacks_transpose(node: Node, hints: Hints) -> bool:
    return is_matrix(node) and untransposed(node, hints.hand) is None


def whole_transpose_missing(place: Place, hints: Hints) -> Edited:
    """Of a term or a side that is one thing, and of ``a b``: ``(a b)^T``."""
    if _is_factor(place) or place.is_differential or isinstance(place.node, Sum):
        return
    product = isinstance(place.node, Product) and (
        place.is_side or isinstance(place.parent, Sum | BigOperator)
    )
    outside = Power | Call | Transpose | Primed | Quotient
    alone = not isinstance(place.parent, outside) and _lacks_transpose(place.node, hints)
    if product or alone:
        yield transposed(place.node, hints.hand)


def transpose_too_many(place: Place, hints: Hints) -> Edited:
    inner = untransposed(place.node, hints.hand)
    if inner is None or place.is_differential:
        return
    match inner:
        case Group(items=(item,)) if place.is_side or (
            isinstance(place.parent, Sum | BigOperator) and not isinstance(item, Sum)
        ):
            yield item
        case _:
            yield inner


def transposed_wrong_way(place: Place, hints: Hints) -> Edited:
    """``a^T b`` for ``a b^T``; ``b^T a`` for ``a^T b``: the transpose of the product."""
    hand = hints.hand
    match place.node:
        case Product(factors=factors, operators=ops):
            for start, stop in runs(ops, lambda op: not hints.is_elementwise(op)):
                run = factors[start : stop + 1]
                flipped = [toggled(f, hand) for f in run]
                for i in range(len(run) - 1):
                    flat = [untransposed(f, hand) is None for f in run[i : i + 2]]
                    if flat[0] != flat[1]:
                        new = (*run[:i], *flipped[i : i + 2], *run[i + 2 :])
                        yield replace(
                            place.node, factors=(*factors[:start], *new, *factors[stop + 1 :])
                        )
                new = tuple(reversed(flipped))
                yield Product((*factors[:start], *new, *factors[stop + 1 :]), ops)


# -------------------------------------------------------------------- order, product signs


def swapped(place: Place, hints: Hints) -> Edited:
    match place.node:
        case Product(factors=f, operators=ops):
            for i, op in enumerate(ops):
                beside = (op, *ops[:i][-1:], *ops[i + 1 :][:1])
                if not all(map(hints.is_elementwise, beside)):  # a ⊙ b is b ⊙ a
                    new = (*f[:i], f[i + 1], f[i], *f[i + 2 :])
                    yield replace(place.node, factors=new)
        case Call(function=function, arguments=(a, b)) if function.base in PRODUCTS:
            yield replace(place.node, arguments=(b, a))


def moved_to_end(place: Place, hints: Hints) -> Edited:
    """A factor, with its sign, moved to either end; all factors in reverse."""
    if not isinstance(place.node, Product) or all(map(hints.is_elementwise, place.node.operators)):
        return
    f, ops = place.node.factors, place.node.operators
    for i in range(len(f)):
        rest = (*f[:i], *f[i + 1 :])
        if i > 0:
            yield Product((f[i], *rest), (ops[i - 1], *ops[: i - 1], *ops[i:]))
        if i < len(f) - 1:
            op = ops[i - 1] if i > 0 else ops[0]
            left = (*ops[: i - 1], *ops[i:]) if i > 0 else ops[1:]
            yield Product((*rest, f[i]), (*left, op))
    yield Product(f[::-1], ops[::-1])


def regrouped(place: Place, hints: Hints) -> Edited:
    """``A (b ⊙ c)`` and ``(A b) ⊙ c`` for one another and for ``A b ⊙ c``."""
    if not isinstance(place.node, Product):
        return
    flat, ops = _flat(place.node)
    if len({hints.is_elementwise(op) for op in ops}) < 2:
        return
    for start in range(len(flat)):
        for stop in range(start + 1, len(flat)):
            if stop - start + 1 == len(flat):
                continue
            inside = {hints.is_elementwise(op) for op in ops[start:stop]}
            beside = {hints.is_elementwise(op) for op in (*ops[:start][-1:], *ops[stop:][:1])}
            if inside | beside == inside & beside:
                continue
            inner = Group("(", (Product(flat[start : stop + 1], ops[start:stop]),))
            yield Product((*flat[:start], inner, *flat[stop + 1 :]), (*ops[:start], *ops[stop:]))
    if len(flat) > len(place.node.factors):
        yield Product(flat, ops)


def _flat(node: Product) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """The factors with brackets round products opened."""
    flat: list[Node] = []
    ops: list[str] = []
    for factor, op in zip(node.factors, ("", *node.operators), strict=True):
        match factor:
            case Group(opening="(" | "[", items=(Product() as inner,)):
                flat += inner.factors
                ops += [op, *inner.operators]
            case _:
                flat.append(factor)
                ops.append(op)
    return tuple(flat), tuple(ops[1:])


def brackets(place: Place, hints: Hints) -> Edited:
    """``(A b + C d) ⊙ e`` and ``A b + C d ⊙ e``, also with ``e`` in front, for one another."""
    match place.node:
        case Sum(terms=terms, signs=signs) if len(terms) > 1:
            last, ops = factors_of(terms[-1]), operators_of(terms[-1])
            for n in range(1, len(last)):
                inner = Sum((*terms[:-1], product_of(last[:n], ops[: n - 1])), signs)
                yield Product((Group("(", (inner,)), *last[n:]), ops[n - 1 :])
            first, ops = factors_of(terms[0]), operators_of(terms[0])
            for n in range(1, len(first)):
                inner = Sum((product_of(first[n:], ops[n:]), *terms[1:]), signs)
                yield Product((*first[:n], Group("(", (inner,))), ops[:n])
        case Product(factors=(Group(items=(Sum(terms=terms, signs=signs),)), *rest), operators=ops):
            end = factors_of(terms[-1])
            tail = product_of((*end, *rest), (*operators_of(terms[-1]), *ops))
            yield from _opened(place, Sum((*terms[:-1], tail), signs))
        case Product(factors=(*rest, Group(items=(Sum(terms=terms, signs=signs),))), operators=ops):
            end = factors_of(terms[0])
            tail = product_of((*rest, *end), (*ops, *operators_of(terms[0])))
            yield from _opened(place, Sum((tail, *terms[1:]), signs))


def _opened(place: Place, new: Sum) -> Edited:
    if not isinstance(place.parent, Sum | BigOperator) and not isinstance(new.terms[0], Number):
        yield new


def product_sign(place: Place, hints: Hints) -> Edited:
    """A matrix product for ⊙, and ⊙ for a matrix product."""
    if not isinstance(place.node, Product):
        return
    ops = place.node.operators
    for i, op in enumerate(ops):
        other = hints.hand.matrix if hints.is_elementwise(op) else hints.hand.elementwise
        yield replace(place.node, operators=(*ops[:i], other, *ops[i + 1 :]))
