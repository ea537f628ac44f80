"""A backward pass within the windows of truncated BPTT: its recursions, and sums over windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import NoReturn

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Case, Contribution, Gradient, Recursion
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.window_sums import Reaching, Windows
from symbptt.calculus.windows import Edge, Truncation, Where, Window
from symbptt.errors import DerivationError
from symbptt.model.steps import FIRST, Steps


@dataclass(frozen=True)
class WindowRecursion(Recursion):
    """``δ^{v,(e)}_t`` within a window.

    ``own`` holds the adjoints that there are at steps with a loss of the window only, and at
    which steps of the sequence; all others are there, if perhaps zero, in their ``spans``.
    """

    windows: Windows
    own: Mapping[str, Steps]
    spans: Mapping[str, Span]

    @property
    def span(self) -> Span:
        return self.spans[self.name]

    def edges(self, c: Contribution) -> tuple[Edge, ...]:
        """The conditions on t under which a contribution is there."""
        way = self.span.way
        further = way in (Way.AHEAD, Way.BOTH)  # on to f, beyond e
        found: list[Edge] = []
        if c.loss is not None:
            found += [] if way is Way.AHEAD else [Edge("from")]
            found += [Edge("until")] if further else []
            found += _among(c.steps, 0)
        for a in al.find(c.expression, nd.Adjoint):
            reach, user = int(a.index - nd.t), self.spans[a.name].way
            if user in (Way.AT, Way.BACK) and (reach or further):
                found.append(Edge("until", reach))
            if user in (Way.AT, Way.AHEAD) and (reach or way is not Way.AHEAD):
                found.append(Edge("from", reach))
            if a.name in self.own:
                found += _among(self.own[a.name].shifted(-reach), reach)
        return tuple(found)

    def there(self, t: int, w: Window, T: int) -> list[Contribution]:
        """The contributions at step t of a window of a sequence of length T."""
        if t not in self.span.around.steps(w, T):
            return []
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
        ahead = self.span.way is Way.AHEAD
        worlds = list(dict.fromkeys(_worlds(edges, self.windows.truncation, self.span.way)))
        value = {w: self._value(dict(zip(edges, w, strict=True))) for w in worlds}
        cases: list[Case] = []
        covered: set[tuple[bool, ...]] = set()
        for world in worlds:
            if world in covered or al.is_zero(value[world]):
                continue
            # Each case says by itself where it holds, unless that takes naming steps.
            rivals = [w for w in worlds if w not in covered] if self._numbered else worlds
            wanted = dict(zip(edges, world, strict=True))
            order = sorted(edges, key=lambda x: x.kind != "among" or wanted[x])
            for edge in sorted(order, key=lambda x: not wanted[x]) if ahead else order:
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


def _worlds(edges: tuple[Edge, ...], cut: Truncation, way: Way) -> Iterator[tuple[bool, ...]]:
    """Every way in which edges can hold together, from the end of a window to its start, or the
    other way round.

    The window takes r losses, r = 1…k1 (the last one may be short), and t = e - d, or t = a + d.
    Once r and d are larger than any offset by more than one, nothing new happens.
    """
    by = max((abs(edge.by) for edge in edges), default=0)
    among = [edge for edge in edges if edge.kind == "among"]
    for named in product((True, False), repeat=len(among)):
        member = dict(zip(among, named, strict=True))
        ends = any(member[edge] and edge.steps.is_last for edge in among)  # T ends a window
        for r in range(min(cut.k1, by + 2), 0, -1):
            far = min(cut.k2, r + by + 2)
            back = range(1 if ends else far)
            if way is Way.AHEAD:
                back = range(r - 1, r - 1 - far, -1)
            elif way is Way.BOTH:
                back = range(r - far, far)
            for d in back:
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
class EndRecursion(WindowRecursion):
    """``δ^{v,(e)}_t`` in a pass that ends where another one starts, from T back to c.

    There its cases are those of the whole sequence.
    """

    @cached_property
    def _whole(self) -> Recursion:
        return Recursion(self.symbol, self.contributions, self.support)

    def there(self, t: int, w: Window, T: int) -> list[Contribution]:
        """The contributions at step t, without those that name an adjoint that isn't there."""

        def stands(a: nd.Adjoint) -> bool:
            at = int(a.index.xreplace({nd.t: sp.Integer(t), nd.T: sp.Integer(T)}))
            return at in self.spans[a.name].steps(w, T)

        if t not in self.span.steps(w, T):
            return []
        return [
            c
            for c in self.contributions
            if c.is_there(t, T) and all(map(stands, al.find(c.expression, nd.Adjoint)))
        ]

    @property
    def only(self) -> sp.Expr | None:
        return nd.T if self.windows.truncation.k2 == 1 else self._whole.only

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The formulas from the last step back to c; of several, the first holds."""
        cases = self._whole.cases
        return tuple(replace(c, expression=self.windows.within(c.expression)) for c in cases)

    @property
    def cases_from(self) -> int:
        return self._whole.cases_from


@dataclass(frozen=True)
class WindowGradient(Gradient):
    """``∂L/∂p``: what it gets of each loss at once, and what it gets in every window.

    What reaches a parameter through the initial value that it provides is there in windows that
    go as far as that.
    """

    windows: Windows
    spans: Mapping[str, Span]

    @cached_property
    def expression(self) -> MatrixExpr:
        """The gradient with its sums over windows and over their steps."""
        direct = tuple(c for c in self.contributions if c.loss is not None)
        starts: dict[Reaching, list[MatrixExpr]] = {}
        by_span: dict[Span, list[MatrixExpr]] = {}
        for c in self.contributions:
            if c.loss is None and through_initial_value(c):
                share = at_start(c)
                starts.setdefault(start_of(share, self.spans, after=c.lag < 0), []).append(share)
            elif c.loss is None:
                by_span.setdefault(span_of(c.expression, self.spans), []).append(c.expression)
        sums: dict[Reaching, list[MatrixExpr]] = {}
        for span, es in by_span.items():
            sums.setdefault(passed(span), []).append(self.windows.summed(al.plus(*es), span))
        zero = al.zeros(self.symbol.shape)
        totals = (
            self.windows.total(al.plus(zero, *es), reaching)
            for found in (sums, starts)
            for reaching, es in found.items()
        )
        return al.plus(zero, Gradient(self.symbol, direct).expression, *totals)


def span_of(e: MatrixExpr, spans: Mapping[str, Span]) -> Span:
    """The steps at which an expression that names an adjoint of step t is there."""
    found = {spans[a.name] for a in al.find(e, nd.Adjoint)}
    return found.pop() if len(found) == 1 else Span(Way.BACK)


def passed(span: Span) -> Reaching:
    """The windows that have a span."""
    return (Reaching.ALL, Reaching.FIRST, Reaching.FURTHER)[span.starts]


def start_of(e: MatrixExpr, spans: Mapping[str, Span], *, after: bool) -> Reaching:
    """The windows that go as far as an initial value, given by what it passes on."""
    if after:
        return Reaching.LAST
    return Reaching.FURTHER if span_of(e, spans).starts else Reaching.FIRST


def reach(c: Contribution) -> int:
    """How many steps later the adjoint stands that a contribution names."""
    return max((int(step - nd.t) for step in c.looks), default=0)


def through_initial_value(c: Contribution) -> bool:
    """Whether a parameter gets a share through the initial value of a state: at a lag."""
    return c.lag != 0


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
