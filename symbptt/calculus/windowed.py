"""A backward pass within the windows of truncated BPTT: its recursions, and sums over windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NoReturn

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Case, Contribution, Gradient, Recursion
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.window_cases import World, cases_of, worlds
from symbptt.calculus.window_sums import Reaching, Windows
from symbptt.calculus.windows import Edge, Where, Window
from symbptt.errors import DerivationError
from symbptt.model.steps import FIRST, Steps

#: More cases than a reader takes in at once.
MANY = 4


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

    @property
    def _numbered(self) -> bool:
        return any(x.kind == "among" for c in self.contributions for x in self.edges(c))

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The formulas from the end of a window to its start; of several, the first holds.

        Where they would be many, each says less of where it holds: a term that names an adjoint
        is zero where that is zero, so it may stand in every one of them.
        """
        shares = [(c.expression, self.edges(c)) for c in self.contributions]
        found = self._cases(shares)
        if len(found) <= MANY:
            return found
        shares = [(e, () if al.find(e, nd.Adjoint) else edges) for e, edges in shares]
        fewer = tuple(replace(c, zero_terms=True) for c in self._cases(shares))
        return fewer if len(fewer) < len(found) else found

    def _cases(self, shares: Sequence[tuple[MatrixExpr, tuple[Edge, ...]]]) -> tuple[Case, ...]:
        edges = tuple(dict.fromkeys(x for _, conditions in shares for x in conditions))

        def value(world: World) -> MatrixExpr:
            holds = dict(zip(edges, world, strict=True))
            there = [e for e, conditions in shares if all(map(holds.get, conditions))]
            return al.gather(there, self.symbol.shape)

        values = {w: value(w) for w in worlds(edges, self.windows.truncation, self.span)}
        found = cases_of(edges, values, ahead=self.span.way is Way.AHEAD)
        cases = tuple(replace(c, expression=self.windows.within(c.expression)) for c in found)
        return cases or (Case(Where(()), al.zeros(self.symbol.shape)),)

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
