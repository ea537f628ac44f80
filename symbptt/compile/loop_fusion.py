"""Loops over the same entries as one: a number that has just been computed is still at hand.

Two loops that follow one another may be one where no iteration needs what another one of them
changes: where each number that either changes is, in both, the number of that iteration alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from symbptt.compile.languages import Block, For, If, Line, Node, View

#: Of a view, by its name: which part of which array it is of, and where it begins.
Views = Mapping[str, tuple[str, str]]


def fused(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes with neighbouring loops, and those of neighbouring blocks, as one where they may be.

    >>> def change(a, b):
    ...     return Line(f"{a}[i] = {b}[i]", (a, "i"), frozenset({(a, "i"), (b, "i")}))
    >>> loops = [For("i", "0", "n", (change(a, b),)) for a, b in ("ab", "ca")]
    >>> [line.text for loop in fused(loops) for line in loop.body]
    ['a[i] = b[i]', 'c[i] = a[i]']
    """
    found: list[Node] = []
    for node in map(_inside, nodes):
        both = _as_one(found[-1], node) if found else None
        if both is None:
            found.append(node)
        else:
            found[-1] = both
    return tuple(found)


def side_by_side(nodes: Iterable[Node], array: str) -> tuple[Node, ...]:
    """Loops that change parts of an array, of which no two have a number in common, as one where
    they may be."""
    return _joined(nodes, {}, array)


def _inside(node: Node) -> Node:
    if isinstance(node, For) and not _is_nest(node):
        return replace(node, body=fused(node.body))
    if isinstance(node, If):
        return replace(node, body=fused(node.body))
    if isinstance(node, Block):
        views = {x.name: (x.part, x.of) for x in node.body if isinstance(x, View)}
        return replace(node, body=_joined(map(_inside, node.body), views))
    return node


def _joined(nodes: Iterable[Node], views: Views, apart: str = "") -> tuple[Node, ...]:
    """The loops of a block as one where they may be; what they change of the array ``apart`` are
    different numbers."""
    found: list[Node] = []
    for node in nodes:
        both = None
        if found and isinstance(node, For) and isinstance(found[-1], For):
            both = _one_loop(found[-1], node, views, apart)
        if both is None:
            found.append(node)
        else:
            found[-1] = both
    return tuple(found)


def _as_one(a: Node, b: Node) -> Node | None:
    """Two neighbours as one, or None if they stay two."""
    if isinstance(a, For) and isinstance(b, For):
        return _one_loop(a, b, {})
    if not (isinstance(a, Block) and isinstance(b, Block)):
        return None
    views: dict[str, View] = {}
    for view in (part for part in (*a.body, *b.body) if isinstance(part, View)):
        known = views.setdefault(view.name, view)
        if known.of != view.of:
            return None
        views[view.name] = replace(view, written=known.written or view.written)
    loops = [part for block in (a, b) for part in block.body if not isinstance(part, View)]
    if len(loops) != 2 or not all(isinstance(part, For) for part in loops):
        return None
    first, second = (part for part in loops if isinstance(part, For))
    whole = _one_loop(first, second, {v.name: (v.part, v.of) for v in views.values()})
    comment = (*a.comment, *(line for line in b.comment if line not in a.comment))
    return None if whole is None else Block(comment, (*views.values(), whole))


def _one_loop(a: For, b: For, views: Views, apart: str = "") -> For | None:
    """Two loops as one: over all entries of all rows, or row by row."""
    rows = _one_nest(a.by_rows or a, b.by_rows or b, views, apart)
    if a.by_rows is not None and b.by_rows is not None:
        whole = _one_nest(a, b, views, apart)
        return rows if whole is None else replace(whole, by_rows=rows)
    return rows


def _one_nest(a: For, b: For, views: Views, apart: str) -> For | None:
    if not (_is_nest(a) and _is_nest(b)):
        return None
    (loops, first), (others, second) = _parts(a), _parts(b)
    if [_head(x) for x in loops] != [_head(x) for x in others]:
        return None
    if not _independent(first, second, [x.variable for x in loops], views, apart):
        return None
    body: tuple[Node, ...] = (*first, *second)
    for loop in reversed(loops):
        body = (replace(loop, body=body, by_rows=None),)
    (whole,) = body
    assert isinstance(whole, For)
    return whole


def _is_nest(node: For) -> bool:
    """Whether loops stand within loops, and within the last of them lines alone."""
    return bool(_parts(node)[1])


def _parts(node: For) -> tuple[list[For], tuple[Line, ...]]:
    """The loops from the outermost on, and what is done in the last; nothing if that is more than
    changes of numbers."""
    loops = [node]
    while len(loops[-1].body) == 1 and isinstance(inner := loops[-1].body[0], For):
        loops.append(inner)
    lines = loops[-1].body
    known = tuple(x for x in lines if isinstance(x, Line))
    return loops, known if len(known) == len(lines) else ()


def _head(loop: For) -> tuple[object, ...]:
    return loop.variable, loop.start, loop.stop, loop.last, loop.down


def _independent(
    first: Sequence[Line],
    second: Sequence[Line],
    variables: Sequence[str],
    views: Views,
    apart: str,
) -> bool:
    """Whether each number that either changes is, in both, that of one iteration alone."""

    def places(lines: Sequence[Line]) -> set[tuple[str, str, str]]:
        return {_resolved(place, views) for line in lines for place in line.touched}

    def changed(lines: Sequence[Line]) -> Iterator[tuple[str, str, str]]:
        return (_resolved(line.changed, views) for line in lines)

    every = places(first) | places(second)
    written = {*changed(first), *changed(second)}
    for array, begins, index in written:
        others = {p for p in every if p[0] == array and p != (array, begins, index)}
        if others and not (array == apart and others <= written):
            return False
        if not {*variables} <= {*index.replace("(", " ").replace(")", " ").split()}:
            return False
    return bool(first) and bool(second)


def _resolved(place: tuple[str, str], views: Views) -> tuple[str, str, str]:
    array, begins = views.get(place[0], (place[0], place[0]))
    return array, begins, place[1]
