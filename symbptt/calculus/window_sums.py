"""The windows of truncated BPTT for a symbolic T: their steps, and sums over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.windows import Truncation


class Reaching(StrEnum):
    """Which windows a sum is over: all of them, or those that reach a start."""

    ALL = "all"
    FIRST = "b = 1"  # before the first step of a recurrence from 1 to T
    LAST = "f = T"  # behind the last step of a recurrence from T to 1
    FURTHER = "b = c = 1"  # before the first step of a pass that ends where another one starts


class WindowEnds(sp.Set):
    """``{k1, 2 k1, …, T}``, the steps at which windows end that reach a start (``Reaching``)."""

    def __new__(cls, k1: Any, k2: Any, T: Any, reaching: Any = Reaching.ALL) -> WindowEnds:
        kind = reaching if isinstance(reaching, Str) else Str(str(reaching))
        return sp.Basic.__new__(cls, *map(sp.Integer, (k1, k2)), nd.number(T), kind)

    @property
    def reaching(self) -> Reaching:
        return Reaching(self.args[3].name)

    def __iter__(self) -> Iterator[sp.Integer]:
        k1, k2, T = map(int, self.args[:3])
        for w in Truncation(k1, k2).windows(T):
            reached = {
                Reaching.ALL: True,
                Reaching.FIRST: w.last <= k2,
                Reaching.LAST: w.taken > T - k2,
                Reaching.FURTHER: k2 >= T,
            }
            if reached[self.reaching]:
                yield sp.Integer(w.last)

    def _sympystr(self, printer: Any) -> str:
        k1, k2, T, _ = self.args
        which = {
            Reaching.FIRST: f", ≤ {k2}",
            Reaching.LAST: f", a > {T}-{k2}",
            Reaching.FURTHER: f", {T} ≤ {k2}",
        }
        return f"{{{k1}, {2 * k1}, …, {T}}}" + which.get(self.reaching, "")


@dataclass(frozen=True)
class Windows:
    """The windows of a sequence whose length is a symbol, each known by its last step e.

    ``letters`` are what e, b, a, f and c are called: letters that mean nothing else in the model.
    """

    truncation: Truncation
    letters: tuple[str, str, str, str, str]

    @cached_property
    def last(self) -> sp.Symbol:
        return sp.Symbol(self.letters[0], integer=True, positive=True)

    @cached_property
    def first(self) -> sp.Expr:
        """b, the first step of the window."""
        return sp.Max(1, self.last - self.truncation.k2 + 1)

    @cached_property
    def taken(self) -> sp.Expr:
        """a, the first step whose loss the window takes."""
        k1 = self.truncation.k1
        return k1 * sp.floor((self.last - 1) / k1) + 1

    @cached_property
    def ahead(self) -> sp.Expr:
        """f, the last step of the window in a recurrence from T to 1."""
        k2 = self.truncation.k2
        return self.last if k2 == 1 else sp.Min(nd.T, self.taken + k2 - 1)

    @cached_property
    def tail(self) -> sp.Expr:
        """c, the first step of the window in a pass that ends where another one starts."""
        k2 = self.truncation.k2
        return nd.T if k2 == 1 else sp.Max(1, nd.T - k2 + 1)

    def edges(self, span: Span) -> tuple[sp.Expr, sp.Expr]:
        """The first and the last step of a span."""
        first = {Way.BACK: self.first, Way.BOTH: self.first, Way.END: self.tail}
        last = {Way.AHEAD: self.ahead, Way.BOTH: self.ahead, Way.END: nd.T}
        return first.get(span.way, self.taken), last.get(span.way, self.last)

    @property
    def named(self) -> dict[sp.Expr, str]:
        """The steps that have a letter, unless they are the last one."""
        steps = (self.first, self.taken, self.ahead, self.tail)
        named = zip(steps, self.letters[1:], strict=True)
        return {step: x for step, x in named if step not in (self.last, nd.T)}

    def within(self, e: MatrixExpr) -> MatrixExpr:
        """An expression whose adjoints are those of one window."""
        return e.xreplace(
            {
                a: nd.WindowAdjoint(a.name, a.index, a.shape[0], a.shape[1], self.last)
                for a in al.find(e, nd.Adjoint)
                if not isinstance(a, nd.WindowAdjoint)
            }
        )

    def total(self, body: MatrixExpr, reaching: Reaching = Reaching.ALL) -> MatrixExpr:
        """The sum over all windows, or over those that reach a start."""
        if al.is_zero(body):
            return body
        k1, k2 = self.truncation.k1, self.truncation.k2
        alone = {Reaching.FIRST: nd.ONE, Reaching.LAST: nd.T}
        if k2 == 1 and reaching in alone:
            return self.within(body).xreplace({self.last: alone[reaching]})
        ends: sp.Set = WindowEnds(k1, k2, nd.T, reaching)
        if k1 == 1 and reaching in (Reaching.ALL, Reaching.FIRST):
            last = nd.T if reaching is Reaching.ALL else sp.Min(k2, nd.T)
            ends = sp.Range(1, last + 1)
        return nd.TimeSum(self.within(body), self.last, ends)

    def summed(self, body: MatrixExpr, span: Span) -> MatrixExpr:
        """The sum over the steps of a window that a span has."""
        first, last = self.edges(span)
        if first == last:
            return al.at(body, last)
        return nd.TimeSum(self.within(body), nd.t, sp.Range(first, last + 1))
