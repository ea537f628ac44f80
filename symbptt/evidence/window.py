"""A stretch of time cut out of a model: what the induction looks at.

Every adjoint is free.  Where a model is computed in one pass from t = 1 to T, everything before
the window's first step is free and from there on values follow from the equations.  In any other
model values follow from the equations near that step and near both ends of the sequence, and all
others are free.  Immediate derivatives are taken by forward mode, one equation at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from symbptt.calculus import Derivation
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Contribution, Recursion
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.exact import contributed
from symbptt.evidence.expressions import Scene, backward_order
from symbptt.evidence.forward import Place, evaluate, free_values, size_of, starting_value
from symbptt.evidence.residues import Size
from symbptt.model import terms as tm
from symbptt.model.model import Start, outside
from symbptt.model.steps import LAST


@dataclass(frozen=True)
class Window:
    """The steps from ``start`` on (or near it), with all other values, and all adjoints, free."""

    d: Derivation
    T: int
    start: int
    sizes: Mapping[str, int]
    A: Arithmetic
    margin: int = 0
    values: dict[Place, X] = field(default_factory=dict)

    def size(self, name: str) -> Size:
        return size_of(self.d.model.variables[name].shape, self.sizes)

    # -- values -------------------------------------------------------------------------------

    def read(self, name: str, step: int | None) -> X:
        """A symbol's value: by its equation from ``start`` on, free before."""
        key = name, step
        if key not in self.values:
            self.values[key] = self._value(name, step)
        return self.values[key]

    def _value(self, name: str, step: int | None) -> X:
        model = self.d.model
        free = free_values(self.A, model, self.sizes)
        start = None if step is None else outside(step, self.T)
        if start is not None and (name, start) in model.initial:
            arithmetic = DualArithmetic(self.A, self.sizes)

            def read(name: str, step: int | None) -> Dual:
                return Dual(self.read(name, step))

            initial: X = starting_value(model, self.T, name, start, read, arithmetic)
            return initial.value
        given = step is None or start is not None or not model.variables[name].computed
        if step is None or given or not self._follows(step):
            return free(name, step)
        return self._with(model.equation(name).rhs, step, lambda name, step: False).value

    def _follows(self, step: int) -> bool:
        """Whether the values of a step follow from the equations."""
        width = self.margin
        if not width:
            return step >= self.start
        return step <= 1 + width or abs(step - self.start) <= width or step >= self.T - width

    def _with(self, term: tm.Term, s: int, changes: Callable[[str, int | None], bool]) -> Dual:
        """A term at step s as a dual number, with all that ``changes`` varying at once."""

        def read(name: str, index: tm.Index | None) -> Dual:
            step = None if index is None else index.at(s, self.T)
            value = self.read(name, step)
            if not changes(name, step):
                return Dual(value)
            entries = value.size[0] * value.size[1]
            return Dual(value, self.A.units(0, entries, value.size))

        dual: Dual = evaluate(term, read, DualArithmetic(self.A, self.sizes), self.T)
        return dual

    # -- adjoints ---------------------------------------------------------------------------------

    def free_adjoint(self, name: str, step: int) -> X:
        """A free residue, in the steps where the derivation says that there can be one."""
        r = self.d.sweep.recursions.get(name)
        if r is None or step not in r.support.at(self.T):
            return self.A.constant(0, self.size(name))
        return self.A.free(("δ", name, step), self.size(name))

    def eliminated_adjoint(self, name: str, step: int) -> X:
        """An adjoint that the condensed pass has put in for: what its own recursion says."""
        if name in self.d.condensed.recursions or name not in self.d.sweep.recursions:
            return self.free_adjoint(name, step)
        r = self.d.sweep.recursions[name]
        if step not in r.support.at(self.T):
            return self.A.constant(0, self.size(name))
        scene = self.scene(self.d.sweep.recursions, self.eliminated_adjoint, (name, step))
        return contributed(r, scene, step, self.size(name))

    def scene(
        self,
        recursions: Mapping[str, Recursion],
        adjoint: Callable[[str, int], X],
        before: tuple[str, int] | None = None,
    ) -> Scene:
        """Where a recursion is evaluated; it may name only what is computed ``before`` it."""
        known = backward_order(self.d.model, recursions, self.T, before, adjoint)
        return Scene(self.d.model, self.A, self.sizes, self.T, self.read, known)

    # -- the right side of the chain rule --------------------------------------------------

    def local(
        self,
        size: Size,
        changes: Callable[[str, int | None], bool],
        steps: Iterable[int],
        adjoint: Callable[[str, int], X],
    ) -> X:
        """``∂⁺L + Σ (∂⁺u_s)ᵀ δ^u_s`` by all that ``changes``, over the equations of ``steps``."""
        model = self.d.model
        found: list[X] = []
        for s in steps:
            for equation in model.equations:
                if self._names(equation.rhs, s, changes):
                    du = self._with(equation.rhs, s, changes).tangent
                    if du is not None:
                        found.append((adjoint(equation.name, s) * du).total())
            for part in model.loss:
                if s in part.steps.at(self.T) and self._names(part.term, s, changes):
                    dL = self._with(part.term, s, changes).tangent
                    found += [] if dL is None else [dL]
        slopes = (self.A.gradient(dL, 0, size) for dL in found)
        return reduce(add, slopes, self.A.constant(0, size))

    def _names(self, term: tm.Term, s: int, changes: Callable[[str, int | None], bool]) -> bool:
        return any(
            changes(name, None if index is None else index.at(s, self.T))
            for name, index in term.symbols
        )

    def by_place(self, name: str, t: int, adjoint: Callable[[str, int], X]) -> X:
        """The right side of the chain rule for ``v_t``."""
        model = self.d.model
        lags = model.variables[name].lags
        # What starts from the last value of v uses it as if it were its own initial value.
        started = {
            (other, step.at(0, self.T))
            for (other, step), start in model.initial.items()
            if start == Start(name, LAST) and t == self.T
        }
        steps = {t + lag for lag in lags} | {
            s + lag for other, s in started for lag in model.variables[other].lags
        }

        def changes(n: str, s: int | None) -> bool:
            return (n, s) == (name, t) or (n, s) in started

        there = sorted(s for s in steps if 1 <= s <= self.T)
        return self.local(self.size(name), changes, there, adjoint)

    def by_parameter(self, name: str, s: int, adjoint: Callable[[str, int], X]) -> X:
        """The summand of step s in ∂L/∂W, where W may be an initial value too."""
        initial = self.d.model.initial

        def changes(n: str, step: int | None) -> bool:
            if step is None:
                return n == name
            beyond = outside(step, self.T)
            return beyond is not None and initial.get((n, beyond)) == Start(name)

        return self.local(self.size(name), changes, (s,), adjoint)


def margin(d: Derivation) -> int:
    """How many steps away from t the equations lie on which a formula for step t may rest.

    A formula names adjoints some steps away, and where those were put in, what they consist of.
    Zero for a model computed in one pass from t = 1 to T, whose window goes on to the end.
    """
    if len(d.model.stages) == 1 and d.model.is_causal:
        return 0
    gone = set(d.condensed.eliminated)

    def reach(contributions: Iterable[Contribution]) -> int:
        found = [(c.lag, a) for c in contributions for a in al.find(c.expression, nd.Adjoint)]
        inside = [(lag, a.name) for lag, a in found if a.name in gone]
        further = (abs(lag) + reach(d.sweep.recursions[n].contributions) for lag, n in inside)
        return max((*(abs(lag) for lag, _ in found), *further), default=0)

    recursions = (*d.sweep.recursions.values(), *d.sweep.inputs.values())
    return max(1, *(reach(r.contributions) for r in recursions))
