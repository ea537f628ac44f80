"""Both modes at a random point: forward from the initial values, backward from the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add

from sympy import Integer

from symbptt.calculus import ForwardDerivation
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import Claim, Landmarks
from symbptt.evidence.directions import Directions, Sensitivities
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.exact import (
    Point,
    contributed,
    forward_mode,
    initial_value,
    line_claims,
    places_of,
)
from symbptt.evidence.expressions import Scene, backward_order, vec
from symbptt.evidence.forward import Place, free_values, run
from symbptt.evidence.residues import BrokenClaimError
from symbptt.model.model import Model, outside


def no_adjoint(name: str, step: int) -> X:
    raise BrokenClaimError(f"reads δ^{name}_{step}, and a forward pass computes none")


@dataclass(frozen=True)
class Passes:
    """One random point, with both passes run on it."""

    on: Directions
    T: int
    values: dict[Place, X] = field(default_factory=dict)
    true: dict[Place, X] = field(default_factory=dict)
    carried: dict[Place, X] = field(default_factory=dict)
    begun: set[Place] = field(default_factory=set)
    adjoints: dict[Place, X] = field(default_factory=dict)

    def __post_init__(self) -> None:
        on, model = self.on, self.on.d.model
        free = free_values(on.A, model, on.sizes)
        keys = {place: key for key, place in on.places(self.T).items()}

        def given(name: str, step: int | None) -> Dual:
            moves = (name, step) in keys
            return Dual(free(name, step), on.unit(keys[name, step]) if moves else None)

        trace = run(model, self.T, given, DualArithmetic(on.A, on.sizes))
        for name, v in model.variables.items():
            starts = [s.at(0, self.T) for s in v.initial_steps]
            steps = [None] if v.timeless else [*starts, *range(1, self.T + 1)]
            for step in steps:
                dual = trace.read(name, step)
                self.values[name, step] = dual.value
                self.true[name, step] = on.columns(dual.tangent, name)

    @property
    def model(self) -> Model:
        return self.on.d.model

    def read(self, name: str, step: int | None) -> X:
        if (name, step) not in self.values:
            raise BrokenClaimError(f"reads {name}_{step}, which there is not")
        return self.values[name, step]

    def truth(self, name: str, step: int) -> X:
        """The true derivative of a value by all θ."""
        if (name, step) not in self.true:
            raise BrokenClaimError(f"reads ∂{name}_{step}/∂θ, which there is not")
        return self.true[name, step]

    def sensitivity(self, name: str, step: int) -> X:
        """As the forward pass computes it, from the initial values on."""
        beyond = outside(step, self.T)
        if beyond is not None:
            self.read(name, step)
            start = self.on.d.start(name, beyond)
            if not isinstance(start, nd.At):
                return self.on.columns(None if start is None else self.on.unit(start), name)
            return self.sensitivity(start.name, int(start.index.xreplace({nd.T: Integer(self.T)})))
        if (name, step) not in self.carried:
            if (name, step) in self.begun:
                raise BrokenClaimError(f"reads ∂{name}_{step}/∂θ before it is computed")
            self.begun.add((name, step))
            line = self.on.d.condensed[name].expression
            scene = Sensitivities(self.on, self.sensitivity).scene(self.T, self.read, no_adjoint)
            self.carried[name, step] = scene.value(line, step)
        return self.carried[name, step]

    def adjoint(self, name: str, step: int) -> X:
        """As the backward pass of reverse mode computes it, from the last step on."""
        recursions = self.on.d.reverse.condensed.recursions
        if (name, step) not in self.adjoints:
            known = backward_order(self.model, recursions, self.T, (name, step), self.adjoint)
            scene = Scene(self.model, self.on.A, self.on.sizes, self.T, self.read, known)
            size = self.on.size(name)
            self.adjoints[name, step] = contributed(recursions[name], scene, step, size)
        return self.adjoints[name, step]

    def reverse(self, key: str) -> X:
        """The gradient by one θ in reverse mode."""
        parts, (name, start) = self.on.d.reverse.condensed, self.on.indices[key]
        known = backward_order(self.model, parts.recursions, self.T, None, self.adjoint)
        scene = Scene(self.model, self.on.A, self.on.sizes, self.T, self.read, known)
        if start is not None:
            return vec(initial_value(parts.initial[name, start], scene, parts.recursions))
        size = self.on.size(name)
        shares = (contributed(parts.gradients[name], scene, t, size) for t in range(1, self.T + 1))
        return vec(reduce(add, shares, self.on.A.constant(0, size)))

    def scene(self) -> Scene:
        """Where the gradients of forward mode are evaluated: on what the pass has carried."""
        parts = self.on.d.outputs.recursions
        known = backward_order(self.model, parts, self.T, None, self.within)
        return Sensitivities(self.on, self.sensitivity).scene(self.T, self.read, known)

    def within(self, name: str, step: int) -> X:
        """An adjoint as the backward pass within a step computes it."""
        return contributed(
            self.on.d.outputs.recursions[name], self.scene(), step, self.on.size(name)
        )

    def forward(self, key: str) -> X:
        """The gradient by one θ in forward mode, step by step."""
        d, scene, place = self.on.d, self.scene(), self.on.d.places[key]
        total = self.on.A.constant(0, (self.on.entries(self.on.indices[key][0]), 1))
        for t in range(1, self.T + 1):
            for of, e, steps in d.contractions:
                if steps.include(t, self.T) and d.moves(of, key):
                    seen = scene.value(jn.Sensitivity(of, place), t)
                    total = total + seen.T @ vec(scene.value(e, t))
            for c in d.direct(key):
                if c.steps.include(t, self.T):
                    total = total + vec(scene.value(c.expression, t))
        return total


def line_and_gradient_claims(
    d: ForwardDerivation, T: int, sizes: Mapping[str, int], A: Arithmetic, known: Landmarks
) -> Iterator[Claim]:
    """All that a forward derivation claims for this T."""
    on = Directions(d, sizes, A)
    p = Passes(on, T)
    truth = forward_mode(d.model, T, sizes, A, places_of(d.model, T, inputs=False))
    seen = Sensitivities(on, p.truth)
    scene = seen.scene(T, p.read, no_adjoint)
    for t in range(1, T + 1):
        for kind, lines in (("recursion", d.carried), ("condensed", d.condensed)):
            for name, line in lines.items():
                yield Claim(
                    f"∂{name}_{t}/∂θ",
                    kind,
                    partial(scene.value, line.expression, t),
                    partial(p.true.__getitem__, (name, t)),
                )
        for name, keys in d.depends.items():
            for key in d.places.keys() - set(keys):
                true = partial(on.only, p.true[name, t], key)
                size = on.entries(name), on.entries(on.indices[key][0])
                yield Claim(f"∂{name}_{t}/∂{key}", "zero", partial(A.constant, 0, size), true)
    for key, place in on.places(T).items():
        true = partial(vec, truth.slopes[place])
        forward = partial(p.forward, key)
        yield Claim(f"∂L/∂{key}", "forward = reverse", forward, partial(p.reverse, key))
        yield Claim(f"∂L/∂{key}", "forward", forward, true)
        if known.reached(T):
            written = partial(p.scene().value, d.gradients[key])
            yield Claim(f"∂L/∂{key}", "line, gradient", written, true)
    if known.apart <= T:
        yield from line_claims(Point(d.within_step, T, sizes, A, truth), distribution=False)
