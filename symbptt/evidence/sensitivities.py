r"""The certificate of forward mode: its lines, and that its gradient is that of reverse mode.

**From the start.**  At a random point modulo p, dual numbers carry the derivative of every value
by every parameter and initial value θ, all directions at once.  With these true sensitivities on
its right side, each line must give the true one on its left; where a line says that a quantity
does not depend on θ, it must be zero.  Then both passes are run, forward from the initial values
and backward from the last step, and the gradients of one must be the gradients of the other.

**For every t and T.**  In a window of one step, the values and the sensitivities of all other steps
are free.  Dual numbers carry them through the equations of the step; each line must give what they
give, and what the derivation takes the step to add to the gradient must be the derivative of the
step's loss.  The equations are the same at each step, and the loss's presence depends on t and T
through the landmarks alone, so the windows stand for all (:mod:`symbptt.evidence.induction`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import Any

from symbptt.calculus import ForwardDerivation
from symbptt.calculus import jacobian_nodes as jn
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import (
    Claim,
    Decided,
    Setting,
    decide,
    landmarks,
)
from symbptt.evidence.directions import Directions, Sensitivities
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.exact import (
    Point,
    contributed,
    distributions,
    forward_mode,
    line_claims,
    places_of,
)
from symbptt.evidence.expressions import Scene, backward_order, vec
from symbptt.evidence.forward import Place, evaluate, free_values
from symbptt.evidence.induction import windows
from symbptt.evidence.passes import line_and_gradient_claims
from symbptt.model import terms as tm
from symbptt.model.steps import Steps


@dataclass(frozen=True)
class Window:
    """One step t of T, with all other steps free: values and sensitivities."""

    on: Directions
    t: int
    T: int
    duals: dict[Place, Dual] = field(default_factory=dict)

    def dual(self, name: str, step: int | None) -> Dual:
        key = name, step
        if key not in self.duals:
            self.duals[key] = self._dual(name, step)
        return self.duals[key]

    def _dual(self, name: str, step: int | None) -> Dual:
        on = self.on
        if step == self.t and on.d.model.variables[name].computed:
            return self.term(on.d.model.equation(name).rhs)
        value = free_values(on.A, on.d.model, on.sizes)(name, step)
        if step is None:
            return Dual(value, on.unit(name) if name in on.indices else None)
        if step != self.t and name in on.d.carried:
            size = on.size(name)
            free = on.A.free(("∂", name, step), (size[0] * size[1], on.count))
            return Dual(value, on.A.directions(free, size))
        return Dual(value)

    def sensitivity(self, name: str, step: int) -> X:
        """The derivative of a value by all θ."""
        return self.on.columns(self.dual(name, step).tangent, name)

    def term(self, term: tm.Term) -> Dual:
        def read(name: str, index: tm.Index | None) -> Dual:
            return self.dual(name, None if index is None else index.at(self.t, self.T))

        A = DualArithmetic(self.on.A, self.on.sizes)
        dual: Dual = evaluate(term, read, A, self.T)
        return dual

    def scene(self) -> Scene:
        def read(name: str, step: int | None) -> X:
            return self.dual(name, step).value

        def adjoint(name: str, step: int) -> X:
            r = self.on.d.outputs.recursions[name]
            return contributed(r, self.scene(), step, self.on.size(name))

        parts = self.on.d.outputs.recursions
        order = backward_order(self.on.d.model, parts, self.T, None, adjoint)
        return Sensitivities(self.on, self.sensitivity).scene(self.T, read, order)

    def added(self) -> X:
        """What the derivation takes step t to add to vec(∂L/∂θ), for all θ."""
        d, scene = self.on.d, self.scene()
        total = self.on.A.constant(0, (self.on.count, 1))

        def there(steps: Steps) -> bool:
            return steps.include(self.t, self.T)

        for of, e, steps in d.contractions:
            if there(steps):
                seen = scene.value(jn.Sensitivity(of, d.theta), self.t)
                total = total + seen.T @ vec(scene.value(e, self.t))
        for v in d.model.parameters:
            for c in d.direct(v.name):
                if there(c.steps):
                    unit = self.on.columns(self.on.unit(v.name), v.name)
                    total = total + unit.T @ vec(scene.value(c.expression, self.t))
        return total

    def slope(self) -> X:
        """The derivative of the loss of step t by all θ."""
        terms = [p.term for p in self.on.d.model.loss if p.steps.include(self.t, self.T)]
        changes = (self.term(term).tangent for term in terms)
        zero = self.on.A.constant(0, (self.on.count, 1))
        columns = (self.on.A.columns(c, self.on.count, (1, 1)).T for c in changes if c is not None)
        return reduce(add, columns, zero)


def window_claims(w: Window) -> Iterator[Claim]:
    """Each line, and what the step adds to the gradient."""
    scene = w.scene()
    for place, lines in (("recursion", w.on.d.carried), ("condensed", w.on.d.condensed)):
        for name, line in lines.items():
            yield Claim(
                f"∂{name}_{w.t}/∂θ",
                place,
                partial(scene.value, line.expression, w.t),
                partial(w.sensitivity, name, w.t),
            )
    yield Claim(f"∂L/∂θ, step {w.t}", "forward", w.added, w.slope)


def forward_witness(
    d: ForwardDerivation, Ts: tuple[int, ...], assignments: tuple[Mapping[str, int], ...], seed: int
) -> Iterator[Decided]:
    """Decide all claims, from the start for each T and in each window, for each choice of sizes."""
    known = landmarks(d.reverse)
    assumed = distributions(d.within_step)
    for sizes in assignments:
        for T in Ts:

            def everything(A: Arithmetic, T: int = T, sizes: Any = sizes) -> Iterator[Claim]:
                return line_and_gradient_claims(d, T, sizes, A, known)

            def under(A: Arithmetic, T: int = T, sizes: Any = sizes) -> Iterator[Claim]:
                truth = forward_mode(d.model, T, sizes, A, places_of(d.model, T, inputs=False))
                return line_claims(Point(d.within_step, T, sizes, A, truth), distribution=True)

            yield decide(everything, Setting("exact", T, sizes, seed))
            if assumed and known.apart <= T:
                yield decide(under, Setting("exact", T, sizes, seed, assumed))
        for t, T in windows(known):

            def step(A: Arithmetic, t: int = t, T: int = T, sizes: Any = sizes) -> Iterator[Claim]:
                return window_claims(Window(Directions(d, sizes, A), t, T))

            yield decide(step, Setting("induction", T, sizes, seed))
