"""Truncated backpropagation through time: a derivation cut into windows.

Within a window the recursion is the model's own, with other edges: the loss enters at the steps
a…e, no adjoint stands after e, and none before b.  The gradient is the sum over the windows.
What is computed before b is held constant, initial values of computed symbols included; inputs
are given at every step, so no window cuts them off.  In a recurrence from T to 1 the adjoints
stand at a…f, and in a pass whose last value starts another one at c…T (:mod:`.spans`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from string import ascii_lowercase
from typing import Any, TypeVar

import sympy as sp
from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed, condense
from symbptt.calculus.derivation import Derivation, written_out
from symbptt.calculus.lines import Step, adjoint_lines, gradient_lines
from symbptt.calculus.recursion import Contribution, Recursion
from symbptt.calculus.spans import Span, Way, fixed, spans
from symbptt.calculus.sweep import Sweep
from symbptt.calculus.translate import Engine, Graph
from symbptt.calculus.window_sums import Reaching, Windows
from symbptt.calculus.windowed import (
    EndRecursion,
    WindowGradient,
    WindowRecursion,
    own_adjoints,
    passed,
    reach,
    span_of,
    start_of,
)
from symbptt.calculus.windows import Truncation, truncation
from symbptt.errors import DerivationError
from symbptt.model.model import Model, initial_key
from symbptt.model.steps import EVERY
from symbptt.model.terms import Index

Parts = TypeVar("Parts", Sweep, Condensed)


@dataclass(frozen=True)
class Dropped:
    """A share of ``adjoint`` that no window has: its user stands ``lag`` steps after it, at b or
    later, and it stands before b.  In a recurrence from T to 1 the user stands before it, at f or
    earlier; in a pass that ends where another one starts, c is in the place of b."""

    adjoint: nd.WindowAdjoint
    share: MatrixExpr
    lag: int
    way: Way = Way.BACK


@dataclass(frozen=True, repr=False)
class TruncatedDerivation:
    """Truncated backpropagation through time for a model.

    It reads as a :class:`Derivation` does, and says nothing of the gradient of the whole loss:
    that is ``whole``.  ``adjoints`` are those within a window, ``gradients`` sums over windows,
    ``dropped`` what they leave out.
    """

    whole: Derivation
    truncation: Truncation

    def __repr__(self) -> str:
        k1, k2 = self.truncation.k1, self.truncation.k2
        steps = "any T" if self.T is None else f"T = {self.T}"
        return f"<Derivation of {self.model.name} for {steps}, truncated to ({k1}, {k2})>"

    @property
    def model(self) -> Model:
        return self.whole.model

    @property
    def T(self) -> int | None:
        return self.whole.T

    @property
    def inputs(self) -> bool:
        return self.whole.inputs

    @property
    def engine(self) -> Engine:
        return self.whole.engine

    @property
    def graph(self) -> Graph | None:
        return self.whole.graph

    @property
    def general(self) -> TruncatedDerivation:
        """The same for a symbolic T."""
        return replace(self, whole=self.whole.general)

    @property
    def is_zero(self) -> bool:
        return self.whole.is_zero

    @cached_property
    def windows(self) -> Windows:
        variables = self.model.variables
        taken = {v.spelled.base for v in variables.values()} | {*variables, "t", "T"}
        taken |= {str(dim) for v in variables.values() for dim in v.shape}
        found: list[str] = []
        for preferred in ("ewq", "bsp", "arv", "fgj", "cku"):
            free = (c for c in preferred + ascii_lowercase if c not in {*taken, *found})
            found.append(next(free))
        e, b, a, f, c = found
        return Windows(self.truncation, (e, b, a, f, c))

    @cached_property
    def spans(self) -> Mapping[str, Span]:
        """The steps of a window at which each adjoint stands."""
        return self.spans_of(self.whole.sweep)

    def spans_of(self, parts: Sweep | Condensed) -> dict[str, Span]:
        """The same for another choice of adjoints to eliminate."""
        return spans(self.model, parts.recursions)

    @cached_property
    def sweep(self) -> Sweep:
        return self._cut(self.whole.sweep)

    @cached_property
    def condensed(self) -> Condensed:
        return self._cut(self.uncut)

    @cached_property
    def uncut(self) -> Condensed:
        """The backward pass of the whole loss that is cut into windows."""
        return self._sound(self.whole.condensed)

    def without(self, *names: str) -> Condensed:
        """The backward pass with chosen adjoints eliminated, if it can be cut then."""
        return self._cut(self._sound(self.whole.without(*names)))

    def _sound(self, parts: Condensed) -> Condensed:
        return parts if self._tells_steps(parts) else condense(self.whole.sweep, ())

    def _tells_steps(self, parts: Condensed) -> bool:
        """Whether each share still tells at which step its user stands, so that it can be cut.

        An adjoint that is a number, or was put in, may have hidden a later step.
        """
        variables = self.model.variables
        recursions = (c for r in parts.recursions.values() for c in r.contributions)
        gradients = (c for g in parts.gradients.values() for c in g.contributions)
        inputs = (c for r in parts.inputs.values() for c in r.contributions)
        starts = (e for (name, _), e in parts.initial.items() if variables[name].computed)
        used = (*(c for g in parts.gradients.values() for c in g.contributions),)
        used += (*(c for r in parts.inputs.values() for c in r.contributions),)
        if any(fixed(index) for c in used for index in c.looks):
            return False
        return (
            all(not c.loss if c.loss is not None else c.looks for c in recursions)
            and not any(reach(c) or c.loss for c in gradients)
            and all(c.lag == (reach(c) if c.loss is None else c.loss) for c in inputs)
            and all(al.find(term, nd.Adjoint) for e in starts for term in terms_of(e))
        )

    def _cut(self, parts: Parts) -> Parts:
        """A backward pass as it is within the windows."""
        windows, own, found = self.windows, own_adjoints(parts.recursions), self.spans_of(parts)
        kinds = {n: EndRecursion if s.way is Way.END else WindowRecursion for n, s in found.items()}
        return replace(
            parts,
            recursions={
                n: kinds.get(n, WindowRecursion)(
                    windows.within(r.symbol), r.contributions, r.support, windows, own, found
                )
                for n, r in parts.recursions.items()
            },
            gradients={
                n: WindowGradient(g.symbol, g.contributions, windows, found)
                for n, g in parts.gradients.items()
            },
            initial={key: self._initial(*key, e, found) for key, e in parts.initial.items()},
            inputs={n: self._input(r, found) for n, r in parts.inputs.items()},
        )

    def _initial(self, name: str, s: Index, e: MatrixExpr, found: Mapping[str, Span]) -> MatrixExpr:
        if self.model.variables[name].computed:
            return self.windows.total(e, start_of(e, found, after=bool(s.anchor)))
        zero = al.zeros(e.shape)
        cut = [term for term in terms_of(e) if al.find(term, nd.Adjoint)]
        direct = [term for term in terms_of(e) if term not in cut]
        return al.plus(zero, *direct, self.windows.total(al.plus(zero, *cut)))

    def _input(self, r: Recursion, found: Mapping[str, Span]) -> Recursion:
        """The gradient by an input, a sum over the windows whose steps use it."""
        cut: dict[Reaching, list[Contribution]] = {}
        for c in r.contributions:
            if c.loss is None:
                cut.setdefault(passed(span_of(c.expression, found)), []).append(c)
        if not cut:
            return r
        totals = [
            replace(
                cs[0],
                expression=self.windows.total(
                    al.gather([c.expression for c in cs], r.symbol.shape), reaching
                ),
                steps=EVERY,
            )
            for reaching, cs in cut.items()
        ]
        direct = (c for c in r.contributions if c.loss is not None)
        return Recursion(r.symbol, (*totals, *direct), EVERY)

    @property
    def adjoints(self) -> Mapping[str, Recursion]:
        """The δ recursion, within a window, of each computed symbol that reaches the loss."""
        return self.sweep.recursions

    @cached_property
    def gradients(self) -> dict[str, MatrixExpr]:
        """The truncated gradient by each parameter and initial value (and input, on request)."""
        return self.gradients_of(self.condensed)

    def gradients_of(self, parts: Condensed) -> dict[str, MatrixExpr]:
        """The same for another choice of adjoints to eliminate."""
        found = {name: g.expression for name, g in parts.gradients.items()}
        found |= {initial_key(*key): e for key, e in parts.initial.items()}
        if self.T is not None:
            found = self.written_out(found, parts, self.T)
        if self.inputs:
            for v in self.model.given:
                shape = tuple(map(nd.dimension, v.shape))
                recursion = parts.inputs.get(v.name)
                found[v.name] = recursion.interior if recursion else al.zeros(shape)
        return found

    def written_out(
        self, gradients: Mapping[str, MatrixExpr], parts: Condensed, T: int
    ) -> dict[str, MatrixExpr]:
        """Gradients with their sums written as sums, and without the adjoints that are zero."""
        there = self.written(parts, T)
        found = {name: written_out(e, T) for name, e in gradients.items()}
        dead = {
            a: al.zeros(a.shape)
            for e in found.values()
            for a in al.find(e, nd.Adjoint)
            if a not in there
        }
        return {name: al.substitute(e, dead) for name, e in found.items()}

    def written(self, parts: Condensed, T: int) -> dict[nd.Adjoint, MatrixExpr]:
        """Each adjoint of each window of T steps that can differ from zero, the last one first."""
        found: dict[nd.Adjoint, MatrixExpr] = {}
        backward = [p for p in reversed([*self.model.forward_pass(T)]) if p[0] in parts.recursions]
        for w in reversed(self.truncation.windows(T)):
            for name, t in backward:
                r = parts.recursions[name]
                assert isinstance(r, WindowRecursion)
                now = {nd.t: t, nd.T: T, self.windows.last: w.last}
                here = {symbol: sp.Integer(step) for symbol, step in now.items()}
                there = [self.windows.within(c.expression) for c in r.there(t, w, T)]
                shares = [e.xreplace(here) for e in there]
                alive = [e for e in shares if all(a in found for a in al.find(e, nd.Adjoint))]
                if alive:
                    found[r.symbol.xreplace(here)] = al.gather(alive, r.symbol.shape)
        return found

    @cached_property
    def unrolled(self) -> dict[nd.Adjoint, MatrixExpr]:
        """For a given T, each condensed adjoint at each step of each window."""
        if self.T is None:
            raise DerivationError("a derivation for symbolic T is not written out; give T")
        return self.written(self.condensed, self.T)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Each line of the derivation with its reason."""
        return self.steps_of(self.condensed)

    def steps_of(self, parts: Condensed) -> tuple[Step, ...]:
        """The same for another choice of adjoints to eliminate."""
        values = self.gradients_of(parts)
        gradients = gradient_lines(self.engine, parts, values, inputs=self.inputs)
        return (
            *adjoint_lines(self.model, self.sweep, parts),
            *(replace(step, left=self.windows.within(step.left)) for step in gradients),
        )

    @cached_property
    def dropped(self) -> tuple[Dropped, ...]:
        """What the cuts leave out."""
        return tuple(
            Dropped(r.symbol, self.windows.within(c.expression), c.lag, self.spans[name].way)
            for name, r in self.sweep.recursions.items()
            for c in r.contributions
            if c.lag
        )


#: What compiles, renders and is verified.
AnyDerivation = Derivation | TruncatedDerivation


def terms_of(e: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """The terms of a sum; zero has none."""
    if al.is_zero(e):
        return ()
    return e.args if isinstance(e, MatAdd) else (e,)


def truncate(derivation: Derivation, cut: Any) -> TruncatedDerivation:
    """Truncate a derivation: ``k``, or ``(k1, k2)``.

    Raises :class:`DerivationError` for numbers that make no windows, and for a model with a
    recurrence whose steps they don't count: see :func:`.spans.spans`.
    """
    found = TruncatedDerivation(derivation, truncation(cut))
    _ = found.spans
    return found
