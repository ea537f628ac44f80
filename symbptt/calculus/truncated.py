"""Truncated backpropagation through time: a derivation cut into windows.

Within a window the recursion is the model's own, with other edges: the loss enters at the steps
a…e, no adjoint stands after e, and none before b.  The gradient is the sum over the windows.
What is computed before b is held constant, initial values of computed symbols included; inputs
are given at every step, so no window cuts them off.
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
from symbptt.calculus.recursion import Recursion
from symbptt.calculus.sweep import Sweep
from symbptt.calculus.translate import Engine, Graph
from symbptt.calculus.windowed import (
    WindowGradient,
    WindowRecursion,
    Windows,
    own_adjoints,
    reach,
)
from symbptt.calculus.windows import Truncation, truncation
from symbptt.errors import DerivationError
from symbptt.model.model import Model, initial_key
from symbptt.model.steps import EVERY

Parts = TypeVar("Parts", Sweep, Condensed)


@dataclass(frozen=True)
class Dropped:
    """A share of ``adjoint`` that no window has: its user stands ``lag`` steps after it, at b or
    later, and it stands before b."""

    adjoint: nd.WindowAdjoint
    share: MatrixExpr
    lag: int


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
        for preferred in ("ewq", "bsp", "arv"):
            free = (c for c in preferred + ascii_lowercase if c not in {*taken, *found})
            found.append(next(free))
        e, b, a = found
        return Windows(self.truncation, (e, b, a))

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
        return (
            not any(c.loss for c in recursions)
            and not any(reach(c) or c.loss for c in gradients)
            and all(c.lag == (reach(c) if c.loss is None else c.loss) for c in inputs)
            and all(al.find(term, nd.Adjoint) for e in starts for term in terms_of(e))
        )

    def _cut(self, parts: Parts) -> Parts:
        """A backward pass as it is within the windows."""
        windows, own = self.windows, own_adjoints(parts.recursions)
        return replace(
            parts,
            recursions={
                n: WindowRecursion(
                    windows.within(r.symbol), r.contributions, r.support, windows, own
                )
                for n, r in parts.recursions.items()
            },
            gradients={
                n: WindowGradient(g.symbol, g.contributions, windows, own)
                for n, g in parts.gradients.items()
            },
            initial={key: self._initial(key[0], e) for key, e in parts.initial.items()},
            inputs={n: self._input(r) for n, r in parts.inputs.items()},
        )

    def _initial(self, name: str, e: MatrixExpr) -> MatrixExpr:
        if self.model.variables[name].computed:
            return self.windows.total(e, uncut=True)
        zero = al.zeros(e.shape)
        cut = [term for term in terms_of(e) if al.find(term, nd.Adjoint)]
        direct = [term for term in terms_of(e) if term not in cut]
        return al.plus(zero, *direct, self.windows.total(al.plus(zero, *cut)))

    def _input(self, r: Recursion) -> Recursion:
        """The gradient by an input, a sum over the windows whose steps use it."""
        cut = [c for c in r.contributions if c.loss is None]
        if not cut:
            return r
        body = al.gather([c.expression for c in cut], r.symbol.shape)
        whole = replace(cut[0], expression=self.windows.total(body), steps=EVERY)
        direct = (c for c in r.contributions if c.loss is not None)
        return Recursion(r.symbol, (whole, *direct), EVERY)

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
        for w in reversed(self.truncation.windows(T)):
            for t in range(w.last, w.first - 1, -1):
                now = {nd.t: t, nd.T: T, self.windows.last: w.last}
                here = {symbol: sp.Integer(step) for symbol, step in now.items()}
                for r in parts.recursions.values():
                    assert isinstance(r, WindowRecursion)
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
        """What the cut before step b leaves out."""
        return tuple(
            Dropped(r.symbol, self.windows.within(c.expression), c.lag)
            for r in self.sweep.recursions.values()
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

    Raises :class:`DerivationError` for numbers that make no windows, and for a model that looks
    ahead.
    """
    _refuse_several_passes(derivation.model)
    return TruncatedDerivation(derivation, truncation(cut))


def _refuse_several_passes(model: Model) -> None:
    """A cut is a point in time, before which a window holds everything constant."""
    for v in model.variables.values():
        if min(v.lags) < 0:
            ahead = f"{v.name}_{{t+{-min(v.lags)}}}"
            raise DerivationError(
                f"{model.name} uses {ahead}; truncation is for models that only look back"
            )
    for (name, _), start in model.initial.items():
        if start is not None and start.step is not None:
            raise DerivationError(
                f"{model.name} starts {name} from the last value of {start.name}; truncation is "
                "for models of one pass over time"
            )
