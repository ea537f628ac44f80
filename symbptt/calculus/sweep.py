"""The adjoint sweep over one symbolic step.

``δ^v_t`` collects one contribution from every use of v: at step t itself, at a later step
t + ℓ in an equation that looks ℓ steps back, and in the loss.  A contribution is there only
for the steps at which its user exists and matters; that is what makes t = T a case of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import nodes as nd
from symbptt.calculus.rules import Rule, pullback, rules_used
from symbptt.calculus.translate import Engine, Graph, adjoint
from symbptt.model.model import Model
from symbptt.model.steps import EVERY, FIRST, Steps
from symbptt.model.terms import Index

ONE = nd.ones((1, 1))


@dataclass(frozen=True)
class Contribution:
    """What one use of a symbol adds to its adjoint (or to a gradient).

    ``user`` is the computed symbol whose equation uses it, None for the loss; ``lag`` how many
    steps later that is; ``expression`` the share, in the step t of the symbol; ``steps`` the
    steps t at which it is there; ``rules`` the rules of the table that produced it.
    """

    user: str | None
    lag: int
    expression: MatrixExpr
    steps: Steps
    rules: tuple[Rule, ...] = ()

    @cached_property
    def reach(self) -> int:
        """How many steps later the adjoint stands that it names."""
        return max((int(a.index - nd.t) for a in nd.find(self.expression, nd.Adjoint)), default=0)

    def is_there(self, t: int, T: int) -> bool:
        """Whether it is there at step ``t`` of ``T``."""
        return t + self.reach <= T and self.steps.include(t, T)

    @property
    def looks_past_the_end(self) -> bool:
        """Whether it would name an adjoint after the last step of a long sequence."""
        T = 10_000
        return any(self.steps.include(T - i, T) for i in range(self.reach))


@dataclass(frozen=True)
class Case:
    """An adjoint's formula on part of the time line.

    ``otherwise`` marks the one that holds wherever no case before it does.
    """

    steps: Steps
    expression: MatrixExpr
    otherwise: bool = False


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
        return nd.at(nd.gather(there, self.symbol.shape), t)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The formulas from the end of the sequence to its start; of several, the first holds."""
        groups: dict[MatrixExpr, list[Segment]] = {}
        for segment in reversed(self._segments):
            groups.setdefault(segment.expression, []).append(segment)
        gap = groups.pop(nd.zeros(self.symbol.shape), None) is not None
        cases: list[Case] = []
        rest: list[Case] = []
        for expression, segments in groups.items():
            if len(segments) == 1:
                cases.append(Case(segments[0].steps, expression))
            elif all(s.first == s.last for s in segments):
                steps = Steps(members=tuple(s.first for s in reversed(segments)))
                cases.append(Case(steps, expression))
            elif not gap and any(s.crosses for s in segments):
                rest.append(Case(Steps(last=segments[0].last), expression, otherwise=True))
            else:
                cases += [Case(s.steps, expression) for s in segments]
        return (*cases, *rest)

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
        starts = sorted(inside, key=lambda i: (bool(i.anchor), i.offset))
        found: list[Segment] = []
        for first, after in zip(starts, (*starts[1:], end), strict=True):
            last = Index(after.anchor, after.offset - 1)
            there = [c.expression for c in self.contributions if _covers(c.steps, first)]
            expression = nd.gather(there, self.symbol.shape)
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
            case = next((c for c in self.cases if c.steps.include(t, T)), None)
            stated = nd.zeros(self.symbol.shape) if case is None else nd.at(case.expression, t)
            if stated != self.at(t, T):
                return False
        return True


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
        sums = [time_sum(nd.plus(*terms), steps) for steps, terms in gathered.items()]
        return nd.plus(nd.zeros(self.symbol.shape), *sums)


def time_sum(body: MatrixExpr, steps: Steps) -> MatrixExpr:
    """``Σ_{t ∈ steps} body``; for the last step alone the body itself."""
    if steps.is_last:
        return nd.at(body, nd.step(steps.members[0]))
    return nd.TimeSum(body, nd.t, sympy_steps(steps))


def sympy_steps(steps: Steps) -> sp.Set:
    """Steps as a SymPy set."""
    if steps.members is not None:
        return sp.FiniteSet(*map(nd.step, steps.members))
    return sp.Range(nd.step(steps.first), nd.step(steps.last) + 1)


@dataclass(frozen=True)
class Sweep:
    """All recursions in the order the backward pass computes them, and all gradients."""

    recursions: Mapping[str, Recursion]
    gradients: Mapping[str, Gradient]
    initial: Mapping[tuple[str, int], MatrixExpr]
    inputs: Mapping[str, Recursion]


@dataclass(frozen=True)
class Use:
    """A use of a symbol in an equation or in the loss, with the share of the cotangent."""

    leaf: MatrixExpr
    user: str | None
    share: MatrixExpr
    steps: Steps
    rules: tuple[Rule, ...]


def uses(model: Model, engine: Engine) -> Iterator[Use]:
    """Every use of every symbol: first in the loss, then in the equations, as written."""
    for part, scalar in zip(model.loss, engine.losses, strict=True):
        for leaf, share in pullback(scalar, ONE, scalar):
            yield Use(leaf, None, share, part.steps, rules_used(scalar, leaf))
    for equation in model.equations:
        rhs = engine.right_sides[equation.name]
        value = engine.symbol(equation.name)
        g = adjoint(model.variables[equation.name], nd.t)
        for leaf, share in pullback(rhs, g, value):
            yield Use(leaf, equation.name, share, EVERY, rules_used(rhs, leaf))


def sweep(model: Model) -> Sweep:
    """Differentiate the loss by every symbol, for a symbolic step t of a symbolic T."""
    engine = Engine(model)
    found = list(uses(model, engine))
    support = _supports(model, found)
    shares: dict[MatrixExpr | str, list[Contribution]] = {}
    for use in found:
        if isinstance(use.leaf, MatrixSymbol):
            steps = use.steps if use.user is None else support.get(use.user)
            key: str = use.leaf.name
            lag = 0
        elif isinstance(use.leaf, nd.At):
            lag = int(nd.t - use.leaf.index)
            steps = use.steps if use.user is None else support.get(use.user)
            steps = steps.shifted(-lag) if steps is not None else None
            key = use.leaf.name
        else:
            continue
        if steps is None:
            continue  # its user never reaches the loss
        share = nd.at(use.share, nd.t + lag)
        shares.setdefault(key, []).append(Contribution(use.user, lag, share, steps, use.rules))
    merged = {name: _merged(cs) for name, cs in shares.items()}
    backward = [n for n in reversed(model.order) if n in support]
    return Sweep(
        recursions={
            name: Recursion(adjoint(model.variables[name], nd.t), merged[name], support[name])
            for name in backward
        },
        gradients={
            v.name: Gradient(
                engine.symbol(v.name),
                (*merged.get(v.name, ()), *_learned(model, v.name, merged)),
            )
            for v in model.parameters
        },
        initial={
            (v.name, s): _initial(engine.symbol(v.name), merged.get(v.name, ()), s)
            for v, s in model.initial_values
        },
        inputs={
            v.name: Recursion(adjoint(v, nd.t), merged[v.name], _union(merged[v.name]))
            for v in model.given
            if merged.get(v.name)
        },
    )


def _merged(contributions: list[Contribution]) -> tuple[Contribution, ...]:
    """Contributions of one equation at one lag, as one: ``h ⊙ h`` uses h twice."""
    found: dict[tuple[str | None, int, Steps], Contribution] = {}
    for c in contributions:
        key = (c.user, c.lag, c.steps)
        if key in found:
            both = nd.plus(found[key].expression, c.expression)
            rules = tuple(dict.fromkeys((*found[key].rules, *c.rules)))
            c = Contribution(c.user, c.lag, both, c.steps, rules)
        found[key] = c
    kept = (c for c in found.values() if not nd.is_zero(c.expression))
    return tuple(sorted(kept, key=lambda c: c.lag))  # its own step first, then later ones


def _union(contributions: tuple[Contribution, ...]) -> Steps:
    steps = contributions[0].steps
    for c in contributions[1:]:
        steps = steps | c.steps
    return steps


def _supports(model: Model, found: list[Use]) -> dict[str, Steps]:
    """For each computed symbol that reaches the loss, the steps at which it can."""
    direct: dict[str, list[Steps]] = {}
    flows: dict[str, set[tuple[str, int]]] = {}
    for use in found:
        if isinstance(use.leaf, nd.At) and model.variables[use.leaf.name].computed:
            lag = int(nd.t - use.leaf.index)
            if use.user is None:
                direct.setdefault(use.leaf.name, []).append(use.steps)
            else:
                flows.setdefault(use.user, set()).add((use.leaf.name, lag))
    cyclic = {name for name in flows if name in _reached(name, flows)}
    support: dict[str, Steps] = {}
    queue = [(name, steps) for name, all_steps in direct.items() for steps in all_steps]
    while queue:
        name, steps = queue.pop()
        joined = support[name] | steps if name in support else steps
        if name in cyclic:
            joined = joined.filled()
        if joined == support.get(name):
            continue
        support[name] = joined
        queue += [(used, joined.shifted(-lag)) for used, lag in flows.get(name, ())]
    return support


def _reached(start: str, flows: Mapping[str, set[tuple[str, int]]]) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        for used, _ in flows.get(queue.pop(), ()):
            if used not in seen:
                seen.add(used)
                queue.append(used)
    return seen


def _initial(symbol: MatrixExpr, contributions: tuple[Contribution, ...], s: int) -> MatrixExpr:
    """The gradient by a value from before the first step: only later steps use it."""
    there = [nd.at(c.expression, s) for c in contributions if s + c.lag >= 1]
    return nd.plus(nd.zeros(symbol.shape), *there)


def _learned(
    model: Model, parameter: str, merged: Mapping[str, tuple[Contribution, ...]]
) -> Iterator[Contribution]:
    """What reaches a parameter through the initial values that it provides."""
    for (name, s), source in model.initial.items():
        if source == parameter:
            for c in merged.get(name, ()):
                if s + c.lag >= 1:
                    only = Steps(members=(Index("", s + c.lag),))
                    share = nd.at(c.expression, nd.t - c.lag)
                    yield Contribution(c.user, c.lag, share, only, c.rules)


# -- the same on the unrolled graph -------------------------------------------------------------


Shares = dict[MatrixExpr, list[MatrixExpr]]


def sweep_graph(graph: Graph) -> tuple[Shares, Shares]:
    """Differentiate the unrolled network node by node, from the last back to the first.

    Returns every share of each node's adjoint, and every share of each gradient, with no
    regard to the pattern that makes the steps alike: what the fold check compares with.
    """
    shares: Shares = {}
    for scalar in graph.loss:
        for leaf, share in pullback(scalar, ONE, scalar):
            shares.setdefault(leaf, []).append(share)
    for node, rhs in reversed(graph.nodes.items()):
        if node not in shares:
            continue
        g = adjoint(graph.model.variables[node.name], node.index)
        for leaf, share in pullback(rhs, g, node):
            shares.setdefault(leaf, []).append(share)
    adjoints = {leaf: s for leaf, s in shares.items() if isinstance(leaf, nd.At)}
    gradients = {leaf: s for leaf, s in shares.items() if isinstance(leaf, MatrixSymbol)}
    return adjoints, gradients
