"""Edits that other formulas suggest: what stands there and not here."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from symbptt.check.edits.parts import Edited, Hints
from symbptt.check.edits.places import (
    Place,
    factors_of,
    operators_of,
    pairs_of,
    product_of,
    sum_of,
)
from symbptt.check.edits.step_rows import later, with_steps
from symbptt.formula.tree import BigOperator, Group, Node, Number, Product, Relation, Sum, Symbol

#: The kind of a difference, and what stands here after it is made good.
Borrowed = Iterator[tuple[str, Node]]


def term_of_sibling(place: Place, hints: Hints) -> Edited:
    """A term that another formula for the same thing has."""
    yield from _of_siblings(place, hints, "term")


def factor_of_sibling(place: Place, hints: Hints) -> Edited:
    """A factor that another formula for the same thing has."""
    yield from _of_siblings(place, hints, "factor")


def piece_of_sibling(place: Place, hints: Hints) -> Edited:
    """What another formula for the same thing has instead of something here."""
    yield from _of_siblings(place, hints, "piece")


def _of_siblings(place: Place, hints: Hints, kind: str) -> Edited:
    if place.is_side:
        for sibling in hints.siblings:
            yield from (new for found, new in borrowed(place.node, sibling) if found == kind)


def borrowed(here: Node, there: Node) -> Borrowed:
    """This node with one difference from another one made good."""
    if here == there:
        return
    if isinstance(here, Sum) or isinstance(there, Sum):
        yield from _borrowed_terms(here, there)
    elif isinstance(here, Product) or isinstance(there, Product):
        yield from _borrowed_factors(here, there)
    elif type(here) is type(there) and isinstance(here, Group | BigOperator):
        yield from _inside(here, there)
    elif type(here) is type(there):
        yield "piece", there
        yield from _inside(here, there)


def _inside(here: Node, there: Node) -> Borrowed:
    pairs = [(a, b) for a, b in pairs_of(here, there) or () if a != b]
    if len(pairs) == 1:
        ((old, other),) = pairs
        for kind, new in borrowed(old, other):
            yield kind, here.rebuilt(lambda n, new=new: new if n is old else n)  # type: ignore[misc]


def _borrowed_terms(here: Node, there: Node) -> Borrowed:
    a, signs = _signed(here)
    b, others = _signed(there)
    ours, theirs = list(zip(signs, a, strict=True)), list(zip(others, b, strict=True))
    for tag, i, j, k, n in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag == "insert":
            yield "term", _summed([*ours[:i], *theirs[k:n], *ours[i:]])
        elif tag == "replace" and j - i == n - k:
            for x, y in zip(range(i, j), range(k, n), strict=True):
                if ours[x][0] == theirs[y][0]:
                    for kind, new in borrowed(ours[x][1], theirs[y][1]):
                        yield kind, _summed([*ours[:x], (ours[x][0], new), *ours[x + 1 :]])
        elif tag == "replace":
            yield from _more_terms(ours, theirs, slice(i, j), slice(k, n))


def _more_terms(
    ours: list[tuple[int, Node]], theirs: list[tuple[int, Node]], here: slice, there: slice
) -> Borrowed:
    """One of the terms there beside those here: they differ in more than the term."""
    more = len(theirs[there]) - len(ours[here])
    if more > 0:
        yield "term", _summed([*ours[: here.start], *theirs[there][:more], *ours[here.start :]])
        yield "term", _summed([*ours[: here.stop], *theirs[there][-more:], *ours[here.stop :]])


def _signed(node: Node) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    return (node.terms, node.signs) if isinstance(node, Sum) else ((node,), (1,))


def _summed(pairs: list[tuple[int, Node]]) -> Node:
    return sum_of(tuple(t for _, t in pairs), tuple(s for s, _ in pairs))


def _borrowed_factors(here: Node, there: Node) -> Borrowed:
    f, ops = factors_of(here), operators_of(here)
    g, signs = factors_of(there), operators_of(there)
    for tag, i, j, k, n in SequenceMatcher(None, f, g, autojunk=False).get_opcodes():
        if tag == "insert":
            yield "factor", _inserted((f, ops), (g, signs), i, k, n)
        elif tag == "replace":
            if j - i == n - k:
                for x, y in zip(range(i, j), range(k, n), strict=True):
                    for kind, new in borrowed(f[x], g[y]):
                        yield kind, product_of((*f[:x], new, *f[x + 1 :]), ops)
            if (j - i, n - k) != (len(f), len(g)):
                between = (*ops[: max(i, 0)], *signs[k : n - 1], *ops[j - 1 if j > i else j :])
                if len(between) == len(f) - (j - i) + (n - k) - 1:
                    yield "piece", product_of((*f[:i], *g[k:n], *f[j:]), between)
            if n - k > j - i:  # more there: what is added may be the whole difference
                more = n - k - (j - i)
                for size in dict.fromkeys((more, 1)):
                    for start in range(k, n - size + 1):
                        for at in dict.fromkeys((i if start == k else j, j)):
                            yield "factor", _inserted((f, ops), (g, signs), at, start, start + size)


Run = tuple[tuple[Node, ...], tuple[str, ...]]


def _inserted(here: Run, there: Run, at: int, start: int, stop: int) -> Node:
    """The factors ``start..stop`` of one product in front of the factor ``at`` of another."""
    (f, ops), (g, signs) = here, there
    factors = (*f[:at], *g[start:stop], *f[at:])
    if at == 0:
        after = signs[stop - 1] if stop - 1 < len(signs) else (signs or ("",))[-1]
        return product_of(factors, (*signs[start : stop - 1], after, *ops))
    before = signs[start - 1] if start else (signs or ("",))[0]
    inner = (before, *signs[start : stop - 1])
    return product_of(factors, (*ops[: at - 1], *inner, *ops[at - 1 :]))


# -------------------------------------------------------------------- sums written out


def neighbouring_term(place: Place, hints: Hints) -> Edited:
    """In a sum that is written out, the term of the step before or after one that is there."""
    if not isinstance(place.parent, Relation | Group) or isinstance(place.node, Number):
        return
    terms, signs = _signed(place.node)
    pairs = list(zip(signs, terms, strict=True))
    for i, (sign, term) in enumerate(pairs):
        if isinstance(term, BigOperator) or not _is_numbered(term, hints):
            continue
        for by in (-1, 1):
            move = later(by, (), numbered=hints.numbered)
            new = with_steps(term, lambda s, move=move: s if s in hints.left else move(s))  # type: ignore[misc]
            if new not in terms and new is not term:
                at = i + 1 if by < 0 or i == len(pairs) - 1 else i
                yield _summed([*pairs[:at], (sign, new), *pairs[at:]])


def _is_numbered(node: Node, hints: Hints) -> bool:
    return any(
        isinstance(n, Symbol) and with_steps(n, later(1, (), numbered=hints.numbered)) is not n
        for n in node.walk()
    )
