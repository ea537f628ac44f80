"""A derivation: the recursions, the gradients, and every line with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed, condense
from symbptt.calculus.rules import Rule
from symbptt.calculus.sweep import Contribution, Recursion, Sweep, sweep, sweep_graph
from symbptt.calculus.translate import Engine, Graph, check_T, unroll
from symbptt.errors import DerivationError
from symbptt.model.model import Model, Role, initial_key
from symbptt.model.steps import Steps


class Why(StrEnum):
    """The kinds of reason a line of a derivation has."""

    USES = "uses"  # an adjoint collects a share from every use of its symbol
    SUBSTITUTED = "substituted"  # other adjoints were put in, and the result simplified
    DISTRIBUTION = "distribution"  # the target's entries sum to 1
    SHARED = "shared"  # a parameter is used at every step, so its gradient is a sum
    INITIAL = "initial"  # an initial value is used by the first steps only
    INPUT = "input"  # an input is used at its own step
    UNUSED = "unused"  # nothing on the way to the loss uses it


@dataclass(frozen=True)
class Reason:
    """Why a line holds: the kind, the uses that contribute, the rules that apply."""

    kind: Why
    uses: tuple[Contribution, ...] = ()
    rules: tuple[Rule, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One formula on part of the time line (everywhere, if ``steps`` is None)."""

    expression: MatrixExpr
    steps: Steps | None = None
    otherwise: bool = False


@dataclass(frozen=True)
class Step:
    """A line of a derivation: ``left = right``, in cases, with the reason."""

    left: MatrixExpr
    lines: tuple[Line, ...]
    reason: Reason
    of: MatrixExpr | None = None  # for a gradient, what the loss is differentiated by

    @property
    def right(self) -> MatrixExpr:
        """The right side at a step with nothing special about it."""
        return self.lines[-1].expression


@dataclass(frozen=True)
class Derivation:
    """Backpropagation through time for a model.

    ``adjoints`` maps each computed symbol to its δ recursion (``.interior``, ``.final``,
    ``.cases``), ``gradients`` each parameter to a SymPy matrix expression; initial values are
    among the gradients (``"h_0"``), inputs on request.  ``condensed`` is the same with the
    adjoints eliminated that nothing else needs.  With ``T`` given, everything is written out
    for that many steps.
    """

    model: Model
    sweep: Sweep
    T: int | None = None
    inputs: bool = False
    assumptions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.model)

    @cached_property
    def graph(self) -> Graph | None:
        """The unrolled network, for a derivation with a given T."""
        return None if self.T is None else unroll(self.model, self.T)

    @cached_property
    def condensed(self) -> Condensed:
        return condense(self.sweep)

    def without(self, *names: str) -> Condensed:
        """The backward pass with chosen adjoints eliminated."""
        return condense(self.sweep, names)

    @property
    def adjoints(self) -> Mapping[str, Recursion]:
        """The δ recursion of each computed symbol that reaches the loss."""
        return self.sweep.recursions

    @cached_property
    def gradients(self) -> dict[str, MatrixExpr]:
        """The gradient by each parameter and initial value (and input, on request)."""
        return self.gradients_of(self.condensed)

    def gradients_of(self, parts: Condensed) -> dict[str, MatrixExpr]:
        """The same for another choice of adjoints to eliminate."""
        found = {name: g.expression for name, g in parts.gradients.items()}
        found |= {initial_key(*key): e for key, e in parts.initial.items()}
        if self.T is not None:
            found = {name: written_out(e, self.T) for name, e in found.items()}
        if self.inputs:
            for v in self.model.given:
                shape = tuple(map(nd.dimension, v.shape))
                recursion = parts.inputs.get(v.name)
                found[v.name] = recursion.interior if recursion else nd.zeros(shape)
        return found

    @cached_property
    def unrolled(self) -> dict[nd.Adjoint, MatrixExpr]:
        """For a given T, each condensed adjoint at each step, from the last to the first."""
        if self.T is None:
            raise DerivationError("a derivation for symbolic T is not written out; give T")
        return written_recursions(self.condensed.recursions, self.T)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Each line of the derivation with its reason."""
        return self.steps_of(self.condensed)

    def steps_of(self, parts: Condensed) -> tuple[Step, ...]:
        """The same for another choice of adjoints to eliminate."""
        return (*_adjoint_steps(self, parts), *_gradient_steps(self, parts))


def written_recursions(recursions: Mapping[str, Recursion], T: int) -> dict[nd.Adjoint, MatrixExpr]:
    """Each adjoint at each step of a sequence of length T, from the last to the first."""
    return {
        nd.at(r.symbol, s): r.at(s, T)
        for s in range(T, 0, -1)
        for name, r in recursions.items()
        if r.support.include(s, T)
    }


def written_out(expression: MatrixExpr, T: int) -> MatrixExpr:
    """An expression with its sums over time written as sums, latest step first."""
    expression = expression.xreplace({nd.T: sp.Integer(T)})

    def change(e: MatrixExpr) -> MatrixExpr:
        if type(e) is nd.TimeSum:
            steps = sorted((s for s in e.steps if 1 <= s <= T), reverse=True)
            body = nd.rebuild(e.body, change)
            return nd.plus(nd.zeros(e.shape), *(body.xreplace({e.index: s}) for s in steps))
        return nd.rebuild(e, change)

    return change(expression)


def derive(model: Model, T: int | None = None, *, inputs: bool = False) -> Derivation:
    r"""Derive backpropagation through time, for a symbolic T or a given one.

    ``∂L/∂W = Σ_t pullback_W(δ_t)`` with ``δ^v_t := ∂L/∂v_t`` from the adjoint sweep.  The
    general recursion is compared with the unrolled network's before anything is returned.

    Raises :class:`DerivationError` for a T that is no positive whole number.
    Source: P. J. Werbos, Backpropagation through time, Proc. IEEE 78 (1990), eqs. 9–14.
    """
    if T is not None:
        check_T(T)
    found = sweep(model)
    lag = max((lag for v in model.variables.values() for lag in v.lags), default=1)
    fold_check(model, found, T if T is not None else max(4, 2 * lag + 2))
    return Derivation(model, found, T, inputs)


def fold_check(model: Model, found: Sweep, T: int) -> int:
    """Compare the general recursion with the unrolled network's, node by node.

    Returns the number of nodes compared; raises :class:`DerivationError` on a difference.
    """
    adjoints, gradients = sweep_graph(unroll(model, T))
    engine = Engine(model)
    alive = _alive(found, T)
    compared = 0

    def compare(node: MatrixExpr, general: list[MatrixExpr], unrolled: list[MatrixExpr]) -> None:
        nonlocal compared
        compared += 1
        if _terms(node, general, alive) != _terms(node, unrolled, alive):
            raise DerivationError(
                f"the general recursion and the network unrolled for T = {T} differ at {node}; "
                "please report this model"
            )

    for name, recursion in found.recursions.items():
        if any(c.looks_past_the_end for c in recursion.contributions):
            raise DerivationError(f"the recursion for δ^{name} looks past the last step")
        for s in range(1, T + 1):
            there = [c for c in recursion.contributions if c.is_there(s, T)]
            node = engine.symbol(name, s)
            compare(node, [nd.at(c.expression, s) for c in there], adjoints.get(node, []))
    for gradient in found.gradients.values():
        general = [nd.at(c.expression, s) for c in gradient.contributions for s in c.steps.at(T)]
        unrolled = list(gradients.get(gradient.symbol, []))
        for (state, s), source in model.initial.items():
            if source == gradient.symbol.name:
                unrolled += adjoints.get(engine.symbol(state, s), [])
        compare(gradient.symbol, general, unrolled)
    for (name, s), expression in found.initial.items():
        node = engine.symbol(name, s)
        compare(node, [expression], adjoints.get(node, []))
    return compared


Node = tuple[str, int]


def _alive(found: Sweep, T: int) -> set[Node]:
    """The adjoints that a loss of this length reaches; all others are zero."""
    alive: set[Node] = set()
    for s in range(T, 0, -1):
        for name, recursion in found.recursions.items():
            there = (c for c in recursion.contributions if c.is_there(s, T))
            if any(c.user is None or (c.user, s + c.lag) in alive for c in there):
                alive.add((name, s))
    return alive


def _terms(node: MatrixExpr, parts: list[MatrixExpr], alive: set[Node]) -> Counter[MatrixExpr]:
    """The terms of a sum, in any order, without those that an adjoint makes zero."""

    def kept(e: MatrixExpr) -> MatrixExpr:
        dead = {
            a: nd.zeros(a.shape)
            for a in nd.find(e, nd.Adjoint)
            if (a.name, int(a.index)) not in alive
        }
        return nd.substitute(e, dead) if dead else e

    whole = nd.plus(nd.zeros(node.shape), *map(kept, parts))
    return Counter(whole.args if isinstance(whole, sp.MatAdd) else [whole])


# -- the lines ---------------------------------------------------------------------------------


def step_of(recursion: Recursion, reason: Reason) -> Step:
    """``δ^v_t = …``, in cases where the steps differ."""
    cases = recursion.cases
    only = recursion.support.members
    if only is not None and len(only) == 1:
        when = nd.step(only[0])
        return Step(
            nd.at(recursion.symbol, when), (Line(nd.at(cases[0].expression, when)),), reason
        )
    if len(cases) == 1 and recursion.support.is_every:
        return Step(recursion.symbol, (Line(cases[0].expression),), reason)
    lines = tuple(Line(c.expression, c.steps, c.otherwise) for c in cases)
    return Step(recursion.symbol, lines, reason)


def _adjoint_steps(d: Derivation, parts: Condensed) -> list[Step]:
    steps: list[Step] = []
    stated: set[str] = set()
    waiting: dict[str, tuple[str, ...]] = {}  # recursions to rewrite, with what is put in
    for name, recursion in d.sweep.recursions.items():
        rules = tuple(dict.fromkeys(r for c in recursion.contributions for r in c.rules))
        steps.append(step_of(recursion, Reason(Why.USES, recursion.contributions, rules)))
        stated.add(name)
        if name not in parts.eliminated:
            gone = tuple(n for n in parts.eliminated if _occurs(n, recursion, parts.eliminated, d))
            waiting[name] = gone
        for ready in [n for n, gone in waiting.items() if stated.issuperset(gone)]:
            steps += _rewritten(d, parts, ready, waiting.pop(ready))
    return steps


def _rewritten(d: Derivation, parts: Condensed, name: str, gone: tuple[str, ...]) -> Iterator[Step]:
    """A recursion with others put in, and as it reads where a target is a distribution."""
    short = parts.recursions[name]
    if gone:
        yield step_of(short, Reason(Why.SUBSTITUTED, about=gone))
    assumed, about = under_distribution(d.model, short)
    if about:
        yield step_of(assumed, Reason(Why.DISTRIBUTION, about=about))


def _occurs(name: str, recursion: Recursion, gone: tuple[str, ...], d: Derivation) -> bool:
    """Whether an eliminated adjoint stands in a recursion, directly or inside another one."""
    there = {a.name for c in recursion.contributions for a in nd.find(c.expression, nd.Adjoint)}
    inner = [d.sweep.recursions[n] for n in there if n in gone and n != recursion.name]
    return name in there or any(_occurs(name, r, gone, d) for r in inner)


def under_distribution(model: Model, recursion: Recursion) -> tuple[Recursion, tuple[str, ...]]:
    """A recursion as it reads where a target's entries sum to 1, and the targets concerned."""
    used: dict[str, None] = {}

    def change(e: MatrixExpr) -> MatrixExpr:
        entries = e.operand if isinstance(e, nd.Total) else None
        if isinstance(entries, nd.At) and model.variables[entries.name].role is Role.TARGET:
            used[entries.name] = None
            return nd.ones((1, 1))
        return nd.rebuild(e, change)

    contributions = tuple(
        Contribution(c.user, c.lag, change(c.expression), c.steps, c.rules)
        for c in recursion.contributions
    )
    return Recursion(recursion.symbol, contributions, recursion.support), tuple(used)


def _gradient_steps(d: Derivation, parts: Condensed) -> list[Step]:
    values = d.gradients_of(parts)

    def step(key: str, of: MatrixExpr, reason: Reason) -> Step:
        return Step(nd.Adjoint(key, 0, *of.shape), (Line(values[key]),), reason, of=of)

    steps: list[Step] = []
    for name, gradient in parts.gradients.items():
        kind = Why.SHARED if gradient.contributions else Why.UNUSED
        rules = tuple(dict.fromkeys(r for c in gradient.contributions for r in c.rules))
        steps.append(step(name, gradient.symbol, Reason(kind, gradient.contributions, rules)))
    for name, s in parts.initial:
        of = d.engine.symbol(name, s)
        steps.append(step(initial_key(name, s), of, Reason(Why.INITIAL)))
    if d.inputs:
        for v in d.model.given:
            steps.append(step(v.name, d.engine.symbol(v.name), Reason(Why.INPUT)))
    return steps
