"""The unrolled graph at a random point: every value, and every derivative of one by another.

Claims are compared with this.  Derivatives are carried forward with dual numbers modulo p; the
pullback rules that derivations are made with have no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, reduce, wraps
from operator import add
from typing import Any

import numpy as np

from symbptt.check.notation.quantities import MissingError, Place
from symbptt.evidence.claims import free_values
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.forward import Trace, changes, evaluate, run, size_of
from symbptt.evidence.residues import Array, ResidueArithmetic, Residues, Size
from symbptt.model import terms as tm
from symbptt.model.model import Model, outside

#: What documents don't name: arguments of activations, parts of equations.
_UNNAMED = re.compile(r"pre_|part\d+$")
#: What gives the value of a symbol at a step; a parameter has no step.
Read = Callable[[str, int | None], Dual]


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
class World:
    """A model unrolled for T steps, with all that it is given drawn at random modulo p."""

    model: Model
    T: int
    sizes: Mapping[str, int]
    seed: object = 0
    _carried: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def A(self) -> ResidueArithmetic:
        return ResidueArithmetic((self.seed, self.T, *self.sizes.values()), self._distributions)

    @cached_property
    def _distributions(self) -> frozenset[str]:
        """The targets of cross-entropies: their entries sum to 1."""
        calls = (x for part in self.model.loss for x in part.term.walk() if isinstance(x, tm.Named))
        found = (c.arguments[1] for c in calls if c.function.endswith("cross_entropy"))
        return frozenset(a.name for a in found if isinstance(a, tm.Ref))

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions of one argument, taken entry by entry, that the model uses."""
        terms = (e.rhs for e in self.model.equations)
        return frozenset(
            x.function for term in terms for x in term.walk() if isinstance(x, tm.Mapped)
        )

    @cached_property
    def duals(self) -> DualArithmetic:
        return DualArithmetic(self.A, self.sizes)

    def is_loss(self, place: Place) -> bool:
        """Whether a place is the loss, or the share that a step has in it."""
        return place.name == self.model.loss_name

    def is_parameter(self, name: str) -> bool:
        """Whether a name is that of a quantity without steps."""
        v = self.model.variables.get(name)
        return v is not None and v.timeless

    def size(self, place: Place) -> Size:
        """The rows and columns of a quantity."""
        if self.is_loss(place):
            return 1, 1
        return size_of(self.model.variables[place.name].shape, self.sizes)

    def exists(self, place: Place) -> bool:
        """Whether there is such a quantity in T steps."""
        if self.is_loss(place):
            return place.step is None or 1 <= place.step <= self.T
        v = self.model.variables.get(place.name)
        if v is None:
            return False
        if place.step is None:
            return v.timeless
        if v.timeless:
            return 1 <= place.step <= self.T
        at = outside(place.step, self.T)
        return at is None or at in v.initial_steps

    def value(self, place: Place) -> Residues:
        """The value of a quantity; :class:`MissingError` if there is none."""
        self._require(place)
        found = self._read(self._plain, place.whole).value
        return found if place.entry is None else Residues(found.array[_only(place)])

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

    def _require(self, place: Place) -> None:
        if not self.exists(place):
            at = "" if place.step is None else f"_{place.step}"
            raise MissingError(f"there is no {place.name}{at} in {self.T} steps")

    @cached_property
    def _plain(self) -> Trace:
        return run(self._free, self.T, self._given(None), self.duals)

    @cached_property
    def _free(self) -> Model:
        """The model with initial values of zero that can still be moved."""
        initial = {k: start for k, start in self.model.initial.items() if start is not None}
        return replace(self.model, initial=initial)

    def _loosened(self, by: Place) -> Model:
        """The model in which an initial value can be moved, even one that a parameter gives."""
        at = None if by.step is None else outside(by.step, self.T)
        if at is None or (by.name, at) not in self._free.initial:
            return self._free
        initial = {k: s for k, s in self._free.initial.items() if k != (by.name, at)}
        return replace(self._free, initial=initial)

    def _is_zero(self, name: str, step: int | None) -> bool:
        at = None if step is None else outside(step, self.T)
        return at is not None and self.model.initial.get((name, at), "free") is None

    def _given(self, by: Place | None) -> Read:
        values = free_values(self.A, self.model, self.sizes)

        def given(name: str, step: int | None) -> Dual:
            if by is not None and by == Place(name, step) and step is not None:
                plain: Dual = self._plain.read(name, step)
                return self._perturbed(name, step, Dual(plain.value), by)
            value = values(name, step)
            if self._is_zero(name, step):
                value = self.A.constant(Fraction(0), value.size)
            return self._perturbed(name, step, Dual(value), by)

        return given

    def _perturbed(self, name: str, step: int | None, x: Dual, by: Place | None) -> Dual:
        """A value, with a unit change in each of its entries if it is what moves."""
        if by is None or by != Place(name, step):
            return x
        count = x.size[0] * x.size[1]
        return x + Dual(self.A.constant(0, x.size), self.A.units(0, count, x.size))

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
        parts = [p for p in self.model.loss if not p.steps.once]
        losses = (self._evaluated(p.term, read_in(t), t) for p in parts for t in p.steps.at(self.T))
        first = next((t for t in range(1, self.T + 1) if sees(t)), 0)
        return Trace(read_in(first), reduce(add, losses, nothing), nothing)

    def _read(self, trace: Trace, place: Place) -> Dual:
        if not self.is_loss(place):
            found: Dual = trace.read(place.name, place.step)
            return found
        if place.step is None:
            whole: Dual = trace.loss + trace.penalty
            return whole
        return self._step_loss(place.step, trace.read)

    def _extent(self, place: Place) -> Size:
        return (1, 1) if place.entry is not None else self.size(place)

    def _step_loss(self, t: int, read: Read) -> Dual:
        """What a step adds to the loss."""
        parts = [p for p in self.model.loss if not p.steps.once and p.steps.include(t, self.T)]
        values = (self._evaluated(p.term, read, t) for p in parts)
        return reduce(add, values, self.duals.constant(Fraction(0), (1, 1)))

    def _evaluated(self, term: tm.Term, read: Read, t: int, of: str | None = None) -> Dual:
        """A term as it stands at step t; ``read`` gives the values of its symbols.

        It may be the right side of the equation ``of`` a quantity, whose value is known.
        """

        def at_step(name: str, index: tm.Index | None) -> Dual:
            return read(name, None if index is None else index.at(t, self.T))

        if of is not None and not changes(term, at_step):
            plain: Dual = self._plain.read(of, t)
            return plain
        found: Dual = evaluate(term, at_step, self.duals, self.T)
        return found

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
            return self._step_loss(place.step, read)

        return of

    def _columns(self, x: Dual, of: Place, by: Place) -> Array:
        if x.tangent is None:
            return np.zeros((*self._extent(of), *self._extent(by)), dtype=object)
        above, below = self.size(of.whole), self.size(by.whole)
        changes = np.broadcast_to(x.tangent.array, (below[0] * below[1], *above))
        found = np.moveaxis(changes.reshape(*below, *above), (0, 1), (2, 3))
        return found[(*_only(of), *_only(by))]


def _only(place: Place) -> tuple[slice, slice]:
    """The rows and columns of an entry; all of them where the place is a whole quantity."""
    if place.entry is None:
        return slice(None), slice(None)
    i, j = place.entry
    return slice(i, i + 1), slice(j, j + 1)
