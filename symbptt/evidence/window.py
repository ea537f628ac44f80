"""A stretch of time cut out of a model: what the induction looks at.

Everything before its first step is free, and so is every adjoint; from there on, values follow
from the equations.  Immediate derivatives are taken by forward mode, one equation at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from symbptt.calculus import Derivation
from symbptt.calculus.recursion import Recursion
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import free_values
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.exact import contributed
from symbptt.evidence.expressions import Scene, backward_order
from symbptt.evidence.forward import Place, evaluate, fixed_initial, size_of, with_length
from symbptt.evidence.residues import Size
from symbptt.model import terms as tm


@dataclass(frozen=True)
class Window:
    """The steps from ``start`` on, with everything before them, and every adjoint, free."""

    d: Derivation
    T: int
    start: int
    sizes: Mapping[str, int]
    A: Arithmetic
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
        if step is not None and step < 1 and (name, step) in model.initial:
            arithmetic = DualArithmetic(self.A, self.sizes)
            initial: X = fixed_initial(model, name, step, lambda n, s: Dual(free(n, s)), arithmetic)
            return initial.value
        if step is None or step < self.start or not model.variables[name].computed:
            return free(name, step)
        return self._with(model.equation(name).rhs, step, lambda name, step: False).value

    def _with(self, term: tm.Term, s: int, changes: Callable[[str, int | None], bool]) -> Dual:
        """A term at step s as a dual number, with all that ``changes`` varying at once."""

        def read(name: str, index: tm.Index | None) -> Dual:
            step = None if index is None else index.at(s, self.T)
            value = self.read(name, step)
            if not changes(name, step):
                return Dual(value)
            entries = value.size[0] * value.size[1]
            return Dual(value, self.A.units(0, entries, value.size))

        dual: Dual = evaluate(with_length(term, self.T), read, DualArithmetic(self.A, self.sizes))
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
        known = backward_order(recursions, self.T, before, adjoint)
        return Scene(self.A, self.sizes, self.T, self.read, known)

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
            changes(x.name, None if x.index is None else x.index.at(s, self.T))
            for x in term.walk()
            if isinstance(x, tm.Ref)
        )

    def by_place(self, name: str, t: int, adjoint: Callable[[str, int], X]) -> X:
        """The right side of the chain rule for ``v_t``."""
        lag = max((0, *self.d.model.variables[name].lags))
        steps = range(max(1, t), min(self.T, t + lag) + 1)
        return self.local(self.size(name), lambda n, s: (n, s) == (name, t), steps, adjoint)

    def by_parameter(self, name: str, s: int, adjoint: Callable[[str, int], X]) -> X:
        """The summand of step s in ∂L/∂W, where W may be an initial value too."""
        initial = self.d.model.initial

        def changes(n: str, step: int | None) -> bool:
            if step is None:
                return n == name
            return step < 1 and initial.get((n, step)) == name

        return self.local(self.size(name), changes, (s,), adjoint)
