"""A forward derivation: what is carried from step to step, and the gradients that come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed
from symbptt.calculus.derivation import Derivation
from symbptt.calculus.forward_lines import forward_lines
from symbptt.calculus.lines import Step
from symbptt.calculus.recursion import Contribution, time_sum
from symbptt.calculus.sweep import Sweep
from symbptt.calculus.tangent import Pushforward
from symbptt.errors import DerivationError
from symbptt.model.model import Model, initial_key
from symbptt.model.steps import EVERY, Steps
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Carried:
    """``∂v_t/∂θ`` for any θ: an expression in sensitivities and immediate derivatives by θ.

    ``support`` are the steps at which v can reach the loss, ``rules`` the rows of the table that
    differentiate its equation.
    """

    symbol: nd.At
    expression: MatrixExpr
    support: Steps = EVERY
    rules: tuple[Pushforward, ...] = ()

    @property
    def name(self) -> str:
        return self.symbol.name

    @cached_property
    def sensitivities(self) -> tuple[jn.Sensitivity, ...]:
        """The sensitivities on the right side."""
        found = al.find(self.expression, jn.Sensitivity)
        return tuple(s for s in found if not isinstance(s, jn.Immediate))

    @cached_property
    def immediates(self) -> tuple[jn.Immediate, ...]:
        """The immediate derivatives on the right side."""
        return tuple(al.find(self.expression, jn.Immediate))


@dataclass(frozen=True, repr=False)
class ForwardDerivation:
    """Forward mode for a model: real-time recurrent learning, if it is ``real_time``.

    ``carried`` has the recursion of each quantity that another step depends on, ``condensed`` the
    same without those that one other line alone needs and so takes in (``eliminated``: by which);
    ``immediate`` maps (v, θ) to ``∂⁺v_t/∂θ`` where it isn't zero.  ``within`` is the backward pass
    within one step: its ``inputs`` are the carried quantities.  ``reverse`` is backpropagation
    through time for the same model.
    """

    T: ClassVar[None] = None  # it holds for every T
    truncation: ClassVar[None] = None  # and nothing is cut off

    reverse: Derivation
    theta: MatrixSymbol
    carried: Mapping[str, Carried]
    condensed: Mapping[str, Carried]
    eliminated: Mapping[str, str]
    immediate: Mapping[tuple[str, str], MatrixExpr]
    within: Sweep

    def __repr__(self) -> str:
        return f"<Forward derivation of {self.model.name}: {len(self.condensed)} recursions>"

    @property
    def model(self) -> Model:
        return self.reverse.model

    @cached_property
    def within_step(self) -> Derivation:
        """The backward pass within a step as a derivation of its own, for its lines."""
        return Derivation(self.model, self.within)

    @cached_property
    def outputs(self) -> Condensed:
        """The same with the adjoints put in that nothing else needs."""
        return self.within_step.condensed

    @cached_property
    def places(self) -> dict[str, MatrixExpr]:
        """What there are derivatives by: each parameter and initial value, by its key."""
        symbol = self.reverse.engine.symbol
        starts = {initial_key(v.name, s): symbol(v.name, s) for v, s in self.model.initial_values}
        return {v.name: symbol(v.name) for v in self.model.parameters} | starts

    def start(self, name: str, step: Index) -> str | nd.At | None:
        """What a value from outside 1…T is: one of the θ, by its key, the last value
        of another quantity, or None for zero."""
        if (name, step) not in self.model.initial:
            return initial_key(name, step)
        start = self.model.initial[name, step]
        if start is None:
            return None
        if start.step is not None:
            return self.reverse.engine.symbol(start.name, start.step)
        return start.name if start.name in self.places else None

    def _starts(self, name: str, depends: Mapping[str, Iterable[str]]) -> set[str]:
        """The θ that values of a quantity from outside 1…T depend on."""
        found: set[str] = set()
        for step in self.model.variables[name].initial_steps:
            start = self.start(name, step)
            if isinstance(start, nd.At):
                found |= set(depends[start.name])
            elif start is not None:
                found.add(start)
        return found

    @cached_property
    def depends(self) -> dict[str, tuple[str, ...]]:
        """For each carried quantity the θ that it depends on, from the first step on."""
        found = {v: {key for u, key in self.immediate if u == v} for v in self.carried}
        growing = True
        while growing:
            growing = False
            for name, line in self.carried.items():
                for s in line.sensitivities:
                    lagged = s.of.index != nd.t
                    below = found[s.of.name] | (self._starts(s.of.name, found) if lagged else set())
                    growing |= not below <= found[name]
                    found[name] |= below
        return {name: tuple(k for k in self.places if k in keys) for name, keys in found.items()}

    def carries(self, name: str) -> tuple[str, ...]:
        """The θ for which a sensitivity is kept: where it or an initial value depends on θ."""
        keys = {*self.depends[name], *self._starts(name, self.depends)}
        return tuple(k for k in self.places if k in keys)

    def moves(self, of: nd.At, by: str) -> bool:
        """Whether ``v_t``, or ``v_{t-ℓ}`` at any step t, depends on one θ."""
        return by in (self.depends[of.name] if of.index == nd.t else self.carries(of.name))

    def sensitivity(self, of: str, by: str) -> MatrixExpr:
        """The recursion of ``∂of_t/∂by`` for one θ, without what is zero.

        Raises :class:`DerivationError` where there is none.

        >>> from symbptt.calculus import derive, forward
        >>> from symbptt.model import load
        >>> forward(derive(load("elman"))).sensitivity("h", "b_h")
        DiagMatrix(-HadamardPower(h_t, 2) + 1)*(I + W_hh*∂h_{t-1}/∂b_h)
        """
        for wanted, known in ((of, self.condensed), (by, self.places)):
            if wanted not in known:
                names = ", ".join(known) or "none"
                raise DerivationError(f"no sensitivity ∂{of}/∂{by} is carried; there are: {names}")
        return self.concrete(self.condensed[of].expression, by)

    def concrete(self, expression: MatrixExpr, by: str) -> MatrixExpr:
        """An expression that holds for any θ, for one."""
        place = self.places[by]

        def value(s: jn.Sensitivity) -> MatrixExpr:
            zero = al.zeros((nd.entries(s.of), nd.entries(place)))
            if isinstance(s, jn.Immediate):
                return self.immediate.get((s.of.name, by), zero)
            return jn.Sensitivity(s.of, place) if self.moves(s.of, by) else zero

        whole = al.substitute(
            expression, {s: value(s) for s in al.find(expression, jn.Sensitivity)}
        )
        zero = al.zeros((expression.shape[0], nd.entries(place)))
        return zero if al.is_zero(whole) else whole

    def for_any(self, expression: MatrixExpr) -> MatrixExpr:
        """An expression for one θ with any θ in its place, in its sensitivities."""
        found = al.find(expression, jn.Sensitivity)
        return expression.xreplace({s: s.func(s.of, self.theta) for s in found})

    @cached_property
    def gradients(self) -> dict[str, MatrixExpr]:
        """``vec(∂L/∂θ)`` for each parameter and initial value, with its sums over time."""
        return {key: self._gradient(key) for key in self.places}

    def _gradient(self, by: str) -> MatrixExpr:
        place = self.places[by]
        shares: dict[Steps, list[MatrixExpr]] = {}
        for of, e, steps in self.contractions:
            if self.moves(of, by):
                seen = al.times(al.transpose(jn.Sensitivity(of, place)), al.vec(e))
                shares.setdefault(steps, []).append(seen)
        for c in self.direct(by):
            shares.setdefault(c.steps, []).append(al.vec(c.expression))
        sums = (time_sum(al.plus(*terms), steps) for steps, terms in shares.items())
        return al.plus(al.zeros((nd.entries(place), 1)), *sums)

    @cached_property
    def contractions(self) -> tuple[tuple[nd.At, MatrixExpr, Steps], ...]:
        """Each carried ``v_{t-ℓ}`` that step t's loss depends on, the derivative by it, and the
        steps t."""
        return tuple(
            (nd.At(r.name, nd.t - c.lag, *r.symbol.shape), c.expression, c.steps)
            for r in self.outputs.inputs.values()
            for c in r.contributions
        )

    def pass_of(self, *expressions: MatrixExpr) -> int:
        """The first pass over time that has all that expressions name at step t there."""
        named = [a for e in expressions for a in al.find(e, nd.At) if a.name in self.model.order]

        def there(a: nd.At, i: int) -> bool:
            own, ahead = self.model.stage_of(a.name), int(a.index - nd.t)
            behind = ahead >= 0 if self.model.stages[i].reverse else ahead <= 0
            return own < i or (own == i and behind)

        passes = range(len(self.model.stages))
        ready = (i for i in passes if named and all(there(a, i) for a in named))
        return next(ready, passes[-1])

    @cached_property
    def _by_pass(self) -> tuple[tuple[int, MatrixExpr], ...]:
        """All that is computed at each step, with the number of the pass that computes it."""
        engine, stage_of = self.reverse.engine, self.model.stage_of
        found = [(stage_of(name), e) for name, e in engine.right_sides.items()]
        found += [(self.pass_of(e), e) for e in engine.losses]
        found += [
            (stage_of(name), line.expression)
            for name, line in self.condensed.items()
            if name in self.model.order
        ]
        for name, r in self.outputs.recursions.items():
            found += [(stage_of(name), c.expression) for c in r.contributions]
        for of, e, _ in self.contractions:
            number = self.pass_of(of, e)
            found += [(number, e), (number, jn.Sensitivity(of, self.theta))]
        direct = (c.expression for key in self.places for c in self.direct(key))
        return (*found, *((self.pass_of(e), e) for e in direct))

    def read_later(self, by_pass: Iterable[tuple[int, MatrixExpr]]) -> Iterator[nd.At]:
        """The values that passes read of those before them."""
        for number, e in by_pass:
            for a in al.find(e, nd.At):
                if a.name in self.model.order and self.model.stage_of(a.name) < number:
                    yield a

    @cached_property
    def _handed_back(self) -> frozenset[str]:
        """What a pass from T to 1 hands over of its first step, T."""
        last = (s for s in self.model.initial.values() if s is not None and s.step is not None)
        return frozenset(
            s.name for s in last if self.model.stages[self.model.stage_of(s.name)].reverse
        )

    @cached_property
    def kept_values(self) -> frozenset[str]:
        """The quantities whose values are kept for every step, for a later pass."""
        return self._handed_back | {a.name for a in self.read_later(self._by_pass)}

    @cached_property
    def kept_sensitivities(self) -> frozenset[str]:
        """The quantities whose sensitivities are kept for every step, for a later pass."""
        lines = [
            (number, s.of)
            for number, e in self._by_pass
            for s in al.find(e, jn.Sensitivity)
            if not isinstance(s, jn.Immediate)
        ]
        return self._handed_back | {a.name for a in self.read_later(lines)}

    @property
    def grows(self) -> bool:
        """Whether memory grows with the number of steps."""
        return bool(self.kept_values | self.kept_sensitivities)

    @property
    def real_time(self) -> bool:
        """Whether a sequence can be followed as it comes, in memory that does not grow."""
        return not self.grows and not any(stage.reverse for stage in self.model.stages)

    def direct(self, by: str) -> tuple[Contribution, ...]:
        """What θ adds within a step, with no carried quantity between it and the loss."""
        gradient = self.outputs.gradients.get(by)
        return gradient.contributions if gradient else ()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Each line of the derivation with its reason."""
        return tuple(forward_lines(self))
