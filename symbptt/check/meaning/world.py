"""The unrolled graph at a random point: every value, and every derivative of one by another.

Claims are compared with this.  Derivatives are carried forward with dual numbers modulo p; the
pullback rules that derivations are made with have no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import wraps
from typing import Any

import numpy as np

from symbptt.check.meaning.unrolled import Read, Unrolled, only
from symbptt.check.notation.quantities import Place
from symbptt.evidence.duals import Dual
from symbptt.evidence.forward import Trace, run
from symbptt.evidence.residues import Array, Size
from symbptt.model.model import Model, outside

#: What documents don't name: arguments of activations, parts of equations.
_UNNAMED = re.compile(r"pre_|part\d+$")


def _kept(
    derivative: Callable[[World, Place, Place], Array],
) -> Callable[[World, Place, Place], Array]:
    """A derivative that is worked out once."""

    @wraps(derivative)
    def kept(self: World, of: Place, by: Place) -> Array:
        key = derivative.__name__, of, by
        if key not in self._carried:
            self._carried[key] = derivative(self, of, by)
        found: Array = self._carried[key]
        return found

    return kept


@dataclass(frozen=True)
class World(Unrolled):
    """A model unrolled at a random point, with every derivative of one quantity by another."""

    _carried: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    @_kept
    def total(self, of: Place, by: Place) -> Array:
        """``d of / d by`` along every path, indexed by (rows, columns) of both."""
        self._require(of)
        self._require(by)
        return self._columns(self._read(self._moved(by.whole), of.whole), of, by)

    @_kept
    def immediate(self, of: Place, by: Place) -> Array:
        """``∂⁺ of / ∂ by``: within the step of ``of``, with all that other steps computed held."""
        self._require(of)
        self._require(by)
        if self.is_parameter(by.name) and by.step is not None:
            if of.step != by.step:
                return np.zeros((*self._extent(of), *self._extent(by)), dtype=object)
            by = replace(by, step=None)
        key = "immediate", of.step, by.whole
        if key not in self._carried:
            self._carried[key] = self._within(of.step, by.whole)
        return self._columns(self._carried[key](of.whole), of, by)

    @_kept
    def direct(self, of: Place, by: Place) -> Array:
        """The derivative of ``of`` by what its own equation names, all else in it held fixed."""
        self._require(of)
        self._require(by)
        if of.name not in self.model.order or of.step is None or not 1 <= of.step <= self.T:
            return self.immediate(of, by)

        def read(name: str, step: int | None) -> Dual:
            if _UNNAMED.match(name) and step is not None and (name, step) != (by.name, by.step):
                return value(name, step)
            return self._perturbed(name, step, Dual(self._plain.read(name, step).value), by.whole)

        def value(name: str, t: int) -> Dual:
            return self._evaluated(self.model.equation(name).rhs, read, t)

        return self._columns(value(of.name, of.step), of, by)

    # -- how they are carried -------------------------------------------------------------------

    def _loosened(self, by: Place) -> Model:
        """The model in which an initial value can be moved, even one that a parameter gives."""
        at = None if by.step is None else outside(by.step, self.T)
        if at is None or (by.name, at) not in self._free.initial:
            return self._free
        initial = {k: s for k, s in self._free.initial.items() if k != (by.name, at)}
        return replace(self._free, initial=initial)

    def _moved(self, by: Place) -> Trace:
        """The forward pass with a unit change in each entry of one quantity."""
        if by not in self._carried:
            if self.is_parameter(by.name) and by.step is not None:
                self._carried[by] = self._copied(by, lambda t: t == by.step)
            elif by.later:
                self._carried[by] = self._copied(by, lambda t: t > (by.step or 0))
            else:
                self._carried[by] = run(
                    self._loosened(by),
                    self.T,
                    self._given(by),
                    self.duals,
                    lambda name, step, x: self._perturbed(name, step, x, by),
                    known=self._plain,
                )
        found: Trace = self._carried[by]
        return found

    def _copied(self, by: Place, sees: Callable[[int], bool]) -> Trace:
        """The forward pass with a unit change in what some steps see: the copy of a parameter
        that one step uses, or a state as later steps see it."""
        at = None if self.is_parameter(by.name) else by.step
        fixed = self._plain.read(by.name, at)
        moved = self._perturbed(by.name, at, fixed, Place(by.name, at))
        values: dict[tuple[str, int | None], Dual] = {}

        def read_in(t: int) -> Read:
            def read(name: str, step: int | None) -> Dual:
                if (name, step) == (by.name, at):
                    return moved if sees(t) else fixed
                if (name, step) in values:
                    return values[name, step]
                plain: Dual = self._plain.read(name, step)
                return plain

            return read

        for name, t in self.model.forward_pass(self.T):
            values[name, t] = self._evaluated(self.model.equation(name).rhs, read_in(t), t, name)
        nothing = self.duals.constant(Fraction(0), (1, 1))

        def share(part: int, t: int) -> Dual:
            once = self.model.loss[part].steps.once  # of no step's copy
            return nothing if once else self._share(part, read_in(t), t)

        first = next((t for t in range(1, self.T + 1) if sees(t)), 0)
        return Trace(self.model, self.T, read_in(first), share, nothing)

    def _extent(self, place: Place) -> Size:
        return (1, 1) if place.entry is not None else self.size(place)

    def _within(self, t: int | None, by: Place) -> Callable[[Place], Dual]:
        """The quantities of step t, computed anew from values of other steps that don't move."""
        local: dict[str, Dual] = {}

        def read(name: str, step: int | None) -> Dual:
            if step == t and name in local:
                return local[name]
            plain: Dual = self._plain.read(name, step)
            return self._perturbed(name, step, Dual(plain.value), by)

        if t is not None and 1 <= t <= self.T:
            for name in self.model.order:
                x = self._evaluated(self.model.equation(name).rhs, read, t, name)
                local[name] = self._perturbed(name, t, Dual(x.value, x.tangent), by)

        def of(place: Place) -> Dual:
            if not self.is_loss(place):
                return read(place.name, place.step)
            if place.step is None:  # the loss names quantities of every step
                return self._read(self._moved(by), place)
            return self._loss_of(place, lambda part, step: self._share(part, read, step))

        return of

    def _columns(self, x: Dual, of: Place, by: Place) -> Array:
        if x.tangent is None:
            return np.zeros((*self._extent(of), *self._extent(by)), dtype=object)
        above, below = self.size(of.whole), self.size(by.whole)
        changes = np.broadcast_to(x.tangent.array, (below[0] * below[1], *above))
        found = np.moveaxis(changes.reshape(*below, *above), (0, 1), (2, 3))
        return found[(*only(of), *only(by))]
