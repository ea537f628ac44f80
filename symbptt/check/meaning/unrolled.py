"""The unrolled graph at a random point: every value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, reduce
from operator import add

from symbptt.check.notation.quantities import MissingError, Place, Span
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.forward import Trace, changes, evaluate, free_values, run, size_of
from symbptt.evidence.residues import ResidueArithmetic, Residues, Size
from symbptt.model import terms as tm
from symbptt.model.model import Model, outside

#: What gives the value of a symbol at a step; a parameter has no step.
Read = Callable[[str, int | None], Dual]
#: What gives what a part of the loss, by its place in the model, adds at a step.
Shares = Callable[[int, int], Dual]


@dataclass(frozen=True)
class Unrolled:
    """A model unrolled for T steps, with all that it is given drawn at random modulo p."""

    model: Model
    T: int
    sizes: Mapping[str, int]
    seed: object = 0

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
            first = 0 if place.span is Span.UP_TO else 1
            last = self.T + 1 if place.span is Span.FROM else self.T
            return place.step is None or first <= place.step <= last
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
        return found if place.entry is None else Residues(found.array[only(place)])

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

    def _read(self, trace: Trace, place: Place) -> Dual:
        if not self.is_loss(place):
            found: Dual = trace.read(place.name, place.step)
            return found
        if place.step is None:
            whole: Dual = trace.loss + trace.penalty
            return whole
        return self._loss_of(place, trace.share)

    def _loss_of(self, place: Place, share: Shares) -> Dual:
        """The loss of a step, or of several, with the shares that a function gives."""
        t = place.step or 0
        steps = {None: (t,), Span.FROM: range(t, self.T + 1), Span.UP_TO: range(1, t + 1)}
        values = (self._step_loss(s, share) for s in steps[place.span])
        return reduce(add, values, self.duals.constant(Fraction(0), (1, 1)))

    def _step_loss(self, t: int, share: Shares) -> Dual:
        """What a step adds to the loss."""
        parts = enumerate(part.steps for part in self.model.loss)
        values = (share(i, t) for i, steps in parts if not steps.once and steps.include(t, self.T))
        return reduce(add, values, self.duals.constant(Fraction(0), (1, 1)))

    def _share(self, part: int, read: Read, t: int) -> Dual:
        """What a part of the loss adds at a step, with the values that a function gives."""
        return self._evaluated(self.model.loss[part].term, read, t)

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


def only(place: Place) -> tuple[slice, slice]:
    """The rows and columns of an entry; all of them where the place is a whole quantity."""
    if place.entry is None:
        return slice(None), slice(None)
    i, j = place.entry
    return slice(i, i + 1), slice(j, j + 1)
