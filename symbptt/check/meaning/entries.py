"""Entries of vectors and matrices: ``W_{ij}``, ``(W h)_i``, and how many of them a letter counts.

Each function takes first the :class:`Meaning` that says how formulas are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from symbptt.check.meaning.tensors import Matrix, ShapeClashError, Value, number
from symbptt.check.notation.meant import Definition, Meant
from symbptt.check.notation.prefixes import with_prefixes
from symbptt.check.notation.quantities import MissingError, Place
from symbptt.check.notation.scripts import Steps, entry_letters, step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.formula.tree import Node, Product, Subscripted, Symbol

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning

#: Entries are looked for up to here.
MOST_ENTRIES = 64


def entry(m: Meaning, operand: Node, part: Node, steps: Steps) -> Value:
    """``(W h)_i``: a number in what a formula is worth."""
    letters = entry_letters(part)
    if not letters:
        raise UnknownError("a value under a condition is not read here", part)
    at = [step_value(e, steps) for e in letters]
    x = m.matrix(operand, steps).array
    if len(at) == 1:
        x, at = x.reshape(-1, 1), [*at, 1]
    row, column = at
    if row is None or column is None:
        raise UnknownError("the entry is not known", part)
    if not (1 <= row <= x.shape[0] and 1 <= column <= x.shape[1]):
        raise MissingError("no such entry")
    return number(x[row - 1, column - 1])


def assembled(m: Meaning, known: Definition, steps: Steps) -> Matrix:
    """The vector or the matrix whose entries a definition gives."""
    if len(set(known.entries)) < len(known.entries):  # D_{ii} = …
        column = assembled(m, replace(known, entries=known.entries[:1]), steps)
        return Matrix(np.diag(column.array.reshape(-1)))
    rows: list[list[int]] = []
    for i in range(1, MOST_ENTRIES):
        columns = range(1, MOST_ENTRIES) if len(known.entries) == 2 else (1,)
        row = list(_row(m, known, i, columns, steps))
        if not row:
            break
        rows.append(row)
    if not rows:
        raise MissingError("no entries")
    return Matrix(np.array(rows, dtype=object))


def _row(
    m: Meaning, known: Definition, i: int, columns: Iterable[int], steps: Steps
) -> Iterator[int]:
    """The entries of a row, up to the first that does not exist."""
    for j in columns:
        indices = dict(zip(known.entries, (i, j), strict=False))
        try:
            x = m.matrix(known.body, {**steps, **indices})
        except MissingError:
            return
        if not x.is_number:
            raise UnknownError("an entry that is no number", known.body)
        yield x.array[0, 0]


def extent(m: Meaning, letter: str, node: Node) -> int | None:
    """How many entries a letter counts in a formula; None if it counts steps."""
    return next(_extents(m, letter, node), None)


def _extents(m: Meaning, letter: str, node: Node) -> Iterator[int]:
    match node:
        case Symbol():
            meant = m.scope.meant(node)
            if meant is None or not meant.entry or meant.kind == "unit":
                return
            yield from _extents_of_entry(m, letter, meant)
            return
        case Subscripted(operand, (part,)):
            indices = entry_letters(part)
            for axis, e in enumerate(indices):
                if _names(e, letter):
                    yield _size_of(m, operand, axis if len(indices) == 2 else None)
    children: Iterable[Node] = node.children()
    if isinstance(node, Product):
        children, _ = with_prefixes(node.factors, node.operators, m.scope)
    for child in children:
        yield from _extents(m, letter, child)


def _extents_of_entry(m: Meaning, letter: str, meant: Meant) -> Iterator[int]:
    for axis, e in enumerate(meant.entry):
        if not _names(e, letter):
            continue
        if meant.kind == "defined":
            known = m.scope.definitions[meant.name]
            if known.is_name:
                yield _size_of(m, known.body, None)
            else:
                yield from _extents(m, known.entries[axis], known.body)
        else:
            size = m.world.size(Place(meant.name, 1))
            yield max(size) if len(meant.entry) == 1 else size[axis]


def _names(node: Node, letter: str) -> bool:
    return any(isinstance(x, Symbol) and x.base == letter for x in node.walk())


def _size_of(m: Meaning, node: Node, axis: int | None) -> int:
    """How many entries (or rows, or columns) a formula has, seen at some step where it has
    a value."""
    letters = {x.base for x in node.walk() if isinstance(x, Symbol) and len(x.base) == 1}
    horizons = dict.fromkeys(m.scope.horizons, m.world.T)
    for at in (2, 1, 3):
        try:
            size = m.matrix(node, {**dict.fromkeys(letters, at), **horizons}).size
        except (MissingError, ShapeClashError):
            continue
        return max(size) if axis is None else size[axis]
    raise UnknownError("how many entries there are is not known", node)
