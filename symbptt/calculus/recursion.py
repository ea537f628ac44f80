"""``δ^v_t`` as a sum of contributions, and the cases that their comings and goings make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.rules import Rule
from symbptt.calculus.windows import Where
from symbptt.model.steps import FIRST, LAST, Steps
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Contribution:
    """What one use of a symbol adds to its adjoint (or to a gradient).

    ``user`` is the computed symbol whose equation uses it, None for the loss; ``lag`` how many
    steps later that is; ``expression`` the share, in the step t of the symbol; ``steps`` the
    steps t at which it is there; ``rules`` the rules of the table that produced it.  ``starts``
    names the initial value that it is, of another symbol, if it is used as one; ``loss`` how many
    steps later the loss stands that it is a share of, None where it is one of an adjoint.
    """

    user: str | None
    lag: int
    expression: MatrixExpr
    steps: Steps
    rules: tuple[Rule, ...] = ()
    starts: tuple[str, Index] | None = None
    loss: int | None = None

    @cached_property
    def looks(self) -> tuple[sp.Expr, ...]:
        """The steps of the adjoints that it names."""
        return tuple(a.index for a in al.find(self.expression, nd.Adjoint))

    def is_there(self, t: int, T: int) -> bool:
        """Whether it is there at step ``t`` of ``T``.

        Steps named by number may lie where the adjoint that is looked at lies past the end: a
        loss at step 3 reaches nothing in a sequence of two.  Likewise steps named from the end.
        """
        if not self.steps.include(t, T):
            return False
        at = [
            int(index.xreplace({nd.t: sp.Integer(t), nd.T: sp.Integer(T)})) for index in self.looks
        ]
        late = any(s > T for s in at) and (self.starts or self.steps.numbered(t, T))
        return not late and not (any(s < 1 for s in at) and self.steps.from_the_end(t, T))

    @property
    def looks_outside(self) -> bool:
        """Whether it would name an adjoint before the first or after the last step of a long
        sequence."""
        T = 10_000
        offsets = [int(index - nd.t) for index in self.looks if index.has(nd.t)]
        return any(self.steps.include(T - i, T) for i in range(max(offsets, default=0))) or any(
            self.steps.include(1 + i, T) for i in range(-min(offsets, default=0))
        )


@dataclass(frozen=True)
class Case:
    """An adjoint's formula on part of the time line.

    ``otherwise`` marks the one that holds wherever no case before it does, ``zero_terms`` one
    whose terms are zero where they name an adjoint that is not there.
    """

    steps: Steps | Where
    expression: MatrixExpr
    otherwise: bool = False
    zero_terms: bool = False


@dataclass(frozen=True)
class Recursion:
    """``δ^v_t``: its contributions, and the steps outside which it is zero."""

    symbol: nd.Adjoint
    contributions: tuple[Contribution, ...]
    support: Steps

    @property
    def name(self) -> str:
        return self.symbol.name

    def at(self, t: int, T: int) -> MatrixExpr:
        """The right side for a given step of a sequence of length T."""
        there = [c.expression for c in self.contributions if c.is_there(t, T)]
        return al.at(al.gather(there, self.symbol.shape), t).xreplace({nd.T: sp.Integer(T)})

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The formulas from where the backward pass begins; of several, the first holds."""
        groups: dict[MatrixExpr, list[Segment]] = {}
        # Of a recurrence that runs from T to 1, the adjoint runs from 1 to T.
        looks = (step for c in self.contributions for step in c.looks if step.has(nd.t))
        forth = any((step - nd.t).is_negative for step in looks)
        for segment in self._segments if forth else reversed(self._segments):
            groups.setdefault(segment.expression, []).append(segment)
        gap = groups.pop(al.zeros(self.symbol.shape), None) is not None
        cases: list[Case] = []
        rest: list[Case] = []
        for expression, segments in groups.items():
            if len(segments) == 1:
                cases.append(Case(segments[0].steps, expression))
            elif all(s.first == s.last for s in segments):
                steps = Steps(members=tuple(sorted((s.first for s in segments), key=_time)))
                cases.append(Case(steps, expression))
            elif not gap and any(s.crosses for s in segments):
                last = max((s.last for s in segments), key=_time)
                rest.append(Case(Steps(last=last), expression, otherwise=True))
            else:
                cases += [Case(s.steps, expression) for s in segments]
        return (*cases, *rest) or (Case(self.support, al.zeros(self.symbol.shape)),)

    @cached_property
    def _segments(self) -> tuple[Segment, ...]:
        """The time line of a long sequence, cut wherever a contribution begins or ends."""
        cuts = {FIRST}
        for c in self.contributions:
            points = c.steps.members or (c.steps.first,)
            ends = c.steps.members or (c.steps.last,)
            cuts |= {*points, *(Index(e.anchor, e.offset + 1) for e in ends)}
        end = Index("T", 1)
        inside = (i for i in cuts if (i.offset < 1 if i.anchor else i.offset >= 1))
        starts = sorted(inside, key=_time)
        found: list[Segment] = []
        for first, after in zip(starts, (*starts[1:], end), strict=True):
            last = Index(after.anchor, after.offset - 1)
            there = [c.expression for c in self.contributions if _covers(c.steps, first)]
            expression = al.gather(there, self.symbol.shape)
            if found and found[-1].expression == expression:
                first = found.pop().first
            found.append(Segment(first, last, expression))
        return tuple(found)

    @property
    def interior(self) -> MatrixExpr:
        """The right side at a step far from both ends of the sequence."""
        return next((s.expression for s in self._segments if s.crosses), self.final)

    @property
    def final(self) -> MatrixExpr:
        """The right side at the last step at which the adjoint can differ from zero."""
        return self.cases[0].expression

    @property
    def only(self) -> sp.Expr | None:
        """The one step at which the adjoint can differ from zero, if there is only one."""
        members = self.support.members
        return nd.step(members[0]) if members is not None and len(members) == 1 else None

    @cached_property
    def cases_from(self) -> int:
        """The length from which on the cases hold; shorter sequences let two of them meet."""
        offsets = (abs(i.offset) for s in self._segments for i in (s.first, s.last))
        start = 4 + 2 * max(offsets)
        while start > 1 and self._cases_hold(start - 1):
            start -= 1
        return start

    def _cases_hold(self, T: int) -> bool:
        for t in range(1, T + 1):
            there = ((c, c.steps) for c in self.cases if isinstance(c.steps, Steps))
            case = next((c for c, steps in there if steps.include(t, T)), None)
            stated = al.zeros(self.symbol.shape) if case is None else al.at(case.expression, t)
            if stated.xreplace({nd.T: sp.Integer(T)}) != self.at(t, T):
                return False
        return True


def _time(index: Index) -> tuple[bool, int]:
    """Sorts the points of a long sequence by time."""
    return bool(index.anchor), index.offset


@dataclass(frozen=True)
class Segment:
    """Consecutive steps at which an adjoint has one formula."""

    first: Index
    last: Index
    expression: MatrixExpr

    @property
    def crosses(self) -> bool:
        """Whether it reaches from near the start to near the end: the interior."""
        return not self.first.anchor and bool(self.last.anchor)

    @property
    def steps(self) -> Steps:
        if self.first == self.last:
            return Steps(members=(self.first,))
        return Steps(self.first, self.last)


def _covers(steps: Steps, index: Index) -> bool:
    """Whether steps include a point, in a sequence long enough to keep all points apart."""
    T = 10_000
    return steps.include(index.at(0, T), T)


@dataclass(frozen=True)
class Gradient:
    """``∂L/∂p``: contributions, each summed over its steps t."""

    symbol: MatrixExpr
    contributions: tuple[Contribution, ...]

    @property
    def expression(self) -> MatrixExpr:
        """The gradient with its sums over time."""
        gathered: dict[Steps, list[MatrixExpr]] = {}
        for c in self.contributions:
            gathered.setdefault(c.steps, []).append(c.expression)
        sums = [time_sum(al.plus(*terms), steps) for steps, terms in gathered.items()]
        return al.plus(al.zeros(self.symbol.shape), *sums)


def time_sum(body: MatrixExpr, steps: Steps) -> MatrixExpr:
    """``Σ_{t ∈ steps} body``; for the first or the last step alone the body itself."""
    if steps.members in ((LAST,), (FIRST,)):
        return al.at(body, nd.T if steps.is_last else 1)
    return nd.TimeSum(body, nd.t, sympy_steps(steps))


def sympy_steps(steps: Steps) -> sp.Set:
    """Steps as a SymPy set."""
    if steps.members is not None:
        return sp.FiniteSet(*map(nd.step, steps.members))
    return sp.Range(nd.step(steps.first), nd.step(steps.last) + 1)
