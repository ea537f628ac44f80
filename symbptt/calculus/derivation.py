"""A derivation: the recursions, the gradients, and every line with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed, condense
from symbptt.calculus.fold import fold_check, reaches_anything
from symbptt.calculus.lines import Step, adjoint_lines, gradient_lines
from symbptt.calculus.recursion import Recursion
from symbptt.calculus.sweep import Sweep, sweep
from symbptt.calculus.translate import Engine, Graph, check_T, unroll
from symbptt.errors import DerivationError
from symbptt.model.model import Model, initial_key


@dataclass(frozen=True, repr=False)
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
    truncation: ClassVar[None] = None  # nothing is cut off; compare TruncatedDerivation

    def __repr__(self) -> str:
        steps = "any T" if self.T is None else f"T = {self.T}"
        return f"<Derivation of {self.model.name} for {steps}: {len(self.steps)} lines>"

    @property
    def general(self) -> Derivation:
        """The same for a symbolic T."""
        return replace(self, T=None)

    @property
    def is_zero(self) -> bool:
        """Whether every gradient is zero, as that of a loss multiplied by zero."""
        # Long enough for a way from the loss to a parameter through every equation.
        lag = max(abs(lag) for v in self.model.variables.values() for lag in v.lags)
        T = representative_T(self.model) + lag * len(self.model.order)
        return not reaches_anything(self.model, self.sweep, T, inputs=self.inputs)

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
            found = self.written_out(found, parts, self.T)
        if self.inputs:
            for v in self.model.given:
                shape = tuple(map(nd.dimension, v.shape))
                recursion = parts.inputs.get(v.name)
                found[v.name] = recursion.interior if recursion else al.zeros(shape)
        return found

    def written(self, parts: Condensed, T: int) -> dict[nd.Adjoint, MatrixExpr]:
        """Each adjoint at each step of T steps, in the order of the backward pass."""
        return written_recursions(self.model, parts.recursions, T)

    def written_out(
        self, gradients: Mapping[str, MatrixExpr], parts: Condensed, T: int
    ) -> dict[str, MatrixExpr]:
        """Gradients with their sums over time written as sums."""
        return {name: written_out(e, T) for name, e in gradients.items()}

    @cached_property
    def unrolled(self) -> dict[nd.Adjoint, MatrixExpr]:
        """For a given T, each condensed adjoint at each step, from the last to the first."""
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
        return (
            *adjoint_lines(self.model, self.sweep, parts),
            *gradient_lines(self.engine, parts, values, inputs=self.inputs),
        )


def written_recursions(
    model: Model, recursions: Mapping[str, Recursion], T: int
) -> dict[nd.Adjoint, MatrixExpr]:
    """Each adjoint at each step of a sequence of length T, in the order of the backward pass."""
    return {
        al.at(recursions[name].symbol, s): recursions[name].at(s, T)
        for name, s in reversed(list(model.forward_pass(T)))
        if name in recursions and recursions[name].support.include(s, T)
    }


def written_out(expression: MatrixExpr, T: int) -> MatrixExpr:
    """An expression with its sums over time written as sums, latest step first."""
    expression = expression.xreplace({nd.T: sp.Integer(T)})
    outside = (
        a for a in al.find(expression, nd.Adjoint) if a.index.is_Integer and not 1 <= a.index <= T
    )
    expression = al.substitute(expression, {a: al.zeros(a.shape) for a in outside})

    def change(e: MatrixExpr) -> MatrixExpr:
        if type(e) is nd.TimeSum:
            steps = sorted((s for s in e.steps if 1 <= s <= T), reverse=True)
            bodies = (change(e.body.xreplace({e.index: s})) for s in steps)
            return al.plus(al.zeros(e.shape), *bodies)
        return al.rebuild(e, change)

    return change(expression)


#: A longer sequence adds only interior steps, which are compared many times over by then.
LONGEST_CHECKED = 64


def representative_T(model: Model) -> int:
    """A length at which every case of every recursion occurs, apart from the others."""
    lag = max((abs(lag) for v in model.variables.values() for lag in v.lags), default=1)
    named = (
        abs(index.offset)
        for part in model.loss
        for index in (*(part.steps.members or ()), part.steps.first, part.steps.last)
    )
    return max(4, 2 * lag + 2, 2 * max(named) + lag + 1)


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
    fold_check(model, found, representative_T(model) if T is None else min(T, LONGEST_CHECKED))
    return Derivation(model, found, T, inputs)
