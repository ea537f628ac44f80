"""Expressions as NumPy source, at one step or for a range of steps at once.

A range of steps is a batch of all its steps' samples: what works for ``(B, n)`` works for the
rows ``(T·B, n)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.batch_code import BatchCode
from symbptt.compile.code import ATOM, Code
from symbptt.compile.hoist import key_of
from symbptt.compile.identifiers import Names
from symbptt.compile.numpy_code import is_matrix
from symbptt.compile.ranges import WHOLE, Range, source
from symbptt.compile.stores import Store


@dataclass
class Views:
    """What a loop reads and writes, as a list of arrays by step: quicker to index than an array.

    ``lists`` maps the source of what is listed to the name of the list.
    """

    names: Mapping[str, str]
    stores: Mapping[str, Store]
    free: Names
    lists: dict[str, str] = field(default_factory=dict)

    def of(self, key: str, step: sp.Expr, entries: str = "") -> str:
        """Source for a value at a step, or for some entries of it."""
        name = self.names[key]
        return f"{self._listed(name, entries)}[{step - self.stores[key].first}]"

    def part(self, out: str, entries: str) -> str:
        """Source for some entries of a value, given the source for all of it."""
        listed, bracket, slot = out.partition("[")
        whole = next((text for text, name in self.lists.items() if name == listed), None)
        if whole is None or ":" in whole or not slot:
            return f"{out}[:, {entries}]"
        return f"{self._listed(whole, entries)}{bracket}{slot}"

    def _listed(self, name: str, entries: str) -> str:
        source = f"{name}[:, :, {entries}]" if entries else name
        if source not in self.lists:
            parts = sum(other.startswith(f"{name}[") for other in self.lists)
            number = f"_{parts + 1}" if entries else ""
            self.lists[source] = self.free.new(f"{name.rstrip('_')}_at{number}")
        return self.lists[source]


@dataclass
class RowsCode(BatchCode):
    """Writes expressions at a step t, or over ``over`` a range of steps."""

    stores: Mapping[str, Store] = field(default_factory=dict)
    over: Range | None = None
    views: Views | None = None

    def samples(self) -> str:
        if self.over is None:
            return "B"
        first, last = self.over
        return "N" if self.over == WHOLE else f"({source(sp.expand(last - first + 1))}) * B"

    def _size(self, dim: str) -> str:
        return self.sizes[dim]

    def _leaf(self, e: MatrixExpr) -> Code:
        if not isinstance(e, nd.At):
            return Code(self.names[e.name], ATOM, False)
        key = key_of(e)
        self.used.add(self.names[key])
        if self.over is not None and e.index.has(nd.t):
            return Code(self.rows(key, e.index - nd.t), ATOM, True)
        if self.over is None and self.views is not None:
            return Code(self.views.of(key, e.index), ATOM, True)
        # What is the same for all steps is the business of one step alone.
        assert self.over is None, e
        return Code(f"{self.names[key]}[{e.index - self.stores[key].first}]", ATOM, True)

    def _block(self, e: nd.Block) -> Code:
        a = e.operand
        in_loop = self.over is None and self.views is not None
        if in_loop and isinstance(a, nd.At) and not is_matrix(a):
            assert self.views is not None
            entries = self.slice(e.start, e.size, al.length(a))
            self.used.add(self.names[key_of(a)])
            return Code(self.views.of(key_of(a), a.index, entries), ATOM, True)
        return super()._block(e)

    def rows(self, key: str, lag: sp.Expr) -> str:
        """Source for the rows of a value over the range, so many steps later."""
        assert self.over is not None
        name, store = self.names[key], self.stores[key]
        first, last = (sp.expand(end + lag) for end in self.over)
        if store.rows:
            if (first, last) == WHOLE:
                return name
            return f"{name}[({source(first - 1)}) * B : ({source(last)}) * B]"
        start, stop = first - store.first, last - store.first + 1
        at_end = stop == nd.T + store.beyond - store.first + 1
        ends = [] if at_end else [source(stop)]
        ends = [source(start), *ends] if start != 0 or ends else []
        return f"rows({', '.join([name, *ends])})"
