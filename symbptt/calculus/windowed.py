"""A backward pass within the windows of truncated BPTT: its recursions, and sums over windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NoReturn

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Case, Contribution, Gradient, Recursion
from symbptt.calculus.windows import Edge, Truncation, Where, Window
from symbptt.errors import DerivationError
from symbptt.model.steps import FIRST, Steps


class WindowEnds(sp.Set):
    """``{k1, 2 k1, …, T}``, the steps at which windows end, up to ``limit``."""

    def __new__(cls, k1: Any, T: Any, limit: Any = sp.oo) -> WindowEnds:
        return sp.Basic.__new__(cls, *map(sp.sympify, (k1, T, limit)))

    def __iter__(self) -> Iterator[sp.Integer]:
        k1, T, limit = self.args
        return (sp.Integer(e) for e in (*range(k1, T, k1), T) if e <= limit)

    def _sympystr(self, printer: Any) -> str:
        k1, T, limit = self.args
        return f"{{{k1}, {2 * k1}, …, {T}}}" + ("" if limit is sp.oo else f", ≤ {limit}")


@dataclass(frozen=True)
class Windows:
    """The windows of a sequence whose length is a symbol, each known by its last step e.

    ``letters`` are what e, b and a are called: letters that mean nothing else in the model.
    """

    truncation: Truncation
    letters: tuple[str, str, str]

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

    @property
    def named(self) -> dict[sp.Expr, str]:
        """The steps that have a letter, unless they are the last one."""
        _, b, a = self.letters
        return {step: x for step, x in ((self.first, b), (self.taken, a)) if step != self.last}

    def within(self, e: MatrixExpr) -> MatrixExpr:
        """An expression whose adjoints are those of one window."""
        return e.xreplace(
            {
                a: nd.WindowAdjoint(a.name, a.index, a.shape[0], a.shape[1], self.last)
                for a in al.find(e, nd.Adjoint)
                if not isinstance(a, nd.WindowAdjoint)
            }
        )

    def total(self, body: MatrixExpr, *, uncut: bool = False) -> MatrixExpr:
        """The sum over all windows, or over those that reach back to the first step."""
        if al.is_zero(body):
            return body
        k1, k2 = self.truncation.k1, self.truncation.k2
        if uncut and k2 == 1:
            return self.within(body).xreplace({self.last: nd.ONE})
        if k1 == 1:
            ends: sp.Set = sp.Range(1, (sp.Min(k2, nd.T) if uncut else nd.T) + 1)
        else:
            ends = WindowEnds(k1, nd.T, k2 if uncut else sp.oo)
        return nd.TimeSum(self.within(body), self.last, ends)

    def summed(self, body: MatrixExpr, first: sp.Expr) -> MatrixExpr:
        """The sum over the steps of a window from ``first`` on."""
        if first == self.last:
            return al.at(body, self.last)
        return nd.TimeSum(self.within(body), nd.t, sp.Range(first, self.last + 1))


@dataclass(frozen=True)
class WindowRecursion(Recursion):
    """``δ^{v,(e)}_t`` within a window.

    ``own`` holds the adjoints that there are at steps with a loss of the window only, and at
    which steps of the sequence; all others are there, if perhaps zero, from e back to b.
    """

    windows: Windows
    own: Mapping[str, Steps]

    def edges(self, c: Contribution) -> tuple[Edge, ...]:
        """The conditions on t under which a contribution is there."""
        found = [] if c.loss is None else [Edge("from"), *_among(c.steps, 0)]
        for a in al.find(c.expression, nd.Adjoint):
            reach = int(a.index - nd.t)
            found += [Edge("until", reach)] if reach else []
            if a.name in self.own:
                steps = self.own[a.name].shifted(-reach)
                found += [Edge("from", reach), *_among(steps, reach)]
        return tuple(found)

    def there(self, t: int, w: Window, T: int) -> list[Contribution]:
        """The contributions at step t of a window of a sequence of length T."""
        return [c for c in self.contributions if all(x.holds(t, w, T) for x in self.edges(c))]

    def at(self, t: int, T: int) -> NoReturn:
        raise DerivationError(f"δ^{self.name} is truncated: ask for it within a window")

    @property
    def only(self) -> sp.Expr | None:
        k1, k2 = self.windows.truncation.k1, self.windows.truncation.k2
        one = k2 == 1 or (k1 == 1 and self.name in self.own)
        return self.windows.last if one and not self._numbered else None

    @cached_property
    def _all_edges(self) -> tuple[Edge, ...]:
        return tuple(dict.fromkeys(x for c in self.contributions for x in self.edges(c)))

    @property
    def _numbered(self) -> bool:
        return any(edge.kind == "among" for edge in self._all_edges)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The formulas from the end of a window to its start; of several, the first holds."""
        edges = self._all_edges
        worlds = list(dict.fromkeys(_worlds(edges, self.windows.truncation)))
        value = {w: self._value(dict(zip(edges, w, strict=True))) for w in worlds}
        cases: list[Case] = []
        covered: set[tuple[bool, ...]] = set()
        for world in worlds:
            if world in covered or al.is_zero(value[world]):
                continue
            # Each case says by itself where it holds, unless that takes naming steps.
            rivals = [w for w in worlds if w not in covered] if self._numbered else worlds
            wanted = dict(zip(edges, world, strict=True))
            for edge in sorted(edges, key=lambda x: x.kind != "among" or wanted[x]):
                fewer = {x: v for x, v in wanted.items() if x != edge}
                if all(value[w] == value[world] for w in _matching(rivals, edges, fewer)):
                    wanted = fewer
            covered |= set(_matching(worlds, edges, wanted))
            cases.append(Case(Where(tuple(wanted.items())), self.windows.within(value[world])))
        return tuple(cases) or (Case(Where(()), al.zeros(self.symbol.shape)),)

    def _value(self, holds: Mapping[Edge, bool]) -> MatrixExpr:
        there = [c.expression for c in self.contributions if all(map(holds.get, self.edges(c)))]
        return al.gather(there, self.symbol.shape)

    @property
    def interior(self) -> MatrixExpr:
        """The right side at a step far from the end of its window."""
        return self.cases[-1].expression

    @property
    def cases_from(self) -> int:
        return 1


def _among(steps: Steps, reach: int) -> tuple[Edge, ...]:
    """The condition that t is one of some steps; none if any t ≤ e - reach is."""
    runs = steps.members is None and steps.first == FIRST and bool(steps.last.anchor)
    return () if runs and steps.last.offset >= -reach else (Edge("among", steps=steps),)


def _worlds(edges: tuple[Edge, ...], cut: Truncation) -> Iterator[tuple[bool, ...]]:
    """Every way in which edges can hold together, from the end of a window to its start.

    The window takes r losses, r = 1…k1 (the last one may be short), and t = e - d.  Once r and d
    are larger than any offset by more than one, nothing new happens.
    """
    by = max((edge.by for edge in edges), default=0)
    among = [edge for edge in edges if edge.kind == "among"]
    for named in product((True, False), repeat=len(among)):
        member = dict(zip(among, named, strict=True))
        ends = any(member[edge] and edge.steps.is_last for edge in among)  # T ends a window
        for r in range(min(cut.k1, by + 2), 0, -1):
            for d in range(1 if ends else min(cut.k2, r + by + 2)):
                w = Window(1, d + 1 - (r - 1), d + 1)  # so that t = 1, with a for what it is
                yield tuple(member[x] if x in member else x.holds(1, w, w.last) for x in edges)


def _matching(
    worlds: list[tuple[bool, ...]], edges: tuple[Edge, ...], wanted: Mapping[Edge, bool]
) -> Iterator[tuple[bool, ...]]:
    for w in worlds:
        holds = dict(zip(edges, w, strict=True))
        if all(holds[x] is value for x, value in wanted.items()):
            yield w


@dataclass(frozen=True)
class WindowGradient(Gradient):
    """``∂L/∂p``: what it gets of each loss at once, and what it gets in every window.

    What reaches a parameter through the initial value that it provides is there in windows that
    go back to the first step.
    """

    windows: Windows
    own: Mapping[str, Steps]

    @cached_property
    def expression(self) -> MatrixExpr:
        """The gradient with its sums over windows and over their steps."""
        direct = tuple(c for c in self.contributions if c.loss is not None)
        starts = [at_start(c) for c in self.contributions if through_initial_value(c)]
        by_first: dict[sp.Expr, list[MatrixExpr]] = {}
        for c in self.contributions:
            if c.loss is None and not through_initial_value(c):
                own = all(a.name in self.own for a in al.find(c.expression, nd.Adjoint))
                first = self.windows.taken if own else self.windows.first
                by_first.setdefault(first, []).append(c.expression)
        sums = [self.windows.summed(al.plus(*es), first) for first, es in by_first.items()]
        zero = al.zeros(self.symbol.shape)
        return al.plus(
            Gradient(self.symbol, direct).expression,
            self.windows.total(al.plus(zero, *sums)),
            self.windows.total(al.plus(zero, *starts), uncut=True),
        )


def reach(c: Contribution) -> int:
    """How many steps later the adjoint stands that a contribution names."""
    return max((int(step - nd.t) for step in c.looks), default=0)


def through_initial_value(c: Contribution) -> bool:
    """Whether a parameter gets a share through the initial value of a state: at a lag."""
    return c.lag > 0


def at_start(c: Contribution) -> MatrixExpr:
    """The share that an initial value gets from the one step that uses it."""
    assert c.steps.members is not None
    return al.at(c.expression, nd.step(c.steps.members[0]))


def own_adjoints(recursions: Mapping[str, Recursion]) -> dict[str, Steps]:
    """The adjoints made of losses, and of such adjoints, of their own step alone."""
    own: dict[str, Steps] = {}
    for name, r in recursions.items():
        adjoints = [a for c in r.contributions for a in al.find(c.expression, nd.Adjoint)]
        if all(a.index == nd.t and a.name in own for a in adjoints):
            own[name] = r.support
    return own
