r"""The exact witness: every line of a derivation against forward-mode derivatives modulo p.

For a given T and sizes, a random point is drawn: residues for all parameters, inputs and
initial values, and for the values and slopes of all functions.  Forward mode gives
``∂L/∂v_t`` there for every computed v and step t (a change is added to ``v_t`` in the forward
pass), every parameter, initial value and input.  With these true adjoints on its right side,
each recursion must give the true adjoint on its left; so by induction from t = T the backward
pass computes true adjoints, and each gradient formula must give the true gradient.  No
recursion may read an adjoint that the backward pass computes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any

import sympy as sp
from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import AnyDerivation, Derivation, Line, Step, Why
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.forms import double_sum
from symbptt.calculus.recursion import Gradient, Recursion
from symbptt.calculus.windows import Where
from symbptt.errors import DerivationError
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import (
    Claim,
    Decided,
    Landmarks,
    Setting,
    decide,
    landmarks,
)
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.expressions import AbsentAdjointError, Scene, backward_order, matrix_size
from symbptt.evidence.forward import Place, free_values, run, size_of
from symbptt.evidence.residues import Size
from symbptt.model.model import Model, initial_key
from symbptt.model.steps import Steps


@dataclass(frozen=True)
class Truth:
    """A forward pass and the derivative of its loss by each place."""

    read: Any
    slopes: Mapping[Place, X]


def forward_mode(
    model: Model,
    T: int,
    sizes: Mapping[str, int],
    A: Arithmetic,
    places: Sequence[Place],
    held: Callable[[str, int], bool] = lambda name, step: False,
) -> Truth:
    """The derivative of the loss by every entry at ``places``, all directions in one pass.

    What is ``held`` at a step does not change.
    """
    size = {p: size_of(model.variables[p[0]].shape, sizes) for p in places}
    offset: dict[Place, int] = {}
    count = 0
    for p in places:
        offset[p] = count
        count += size[p][0] * size[p][1]
    values = free_values(A, model, sizes)

    def given(name: str, step: int | None) -> Dual:
        return changed(name, step, Dual(values(name, step)))

    def changed(name: str, step: int | None, x: Dual) -> Dual:
        p = name, step
        if p not in offset:
            return x
        return x + Dual(A.constant(0, x.size), A.units(offset[p], count, size[p]))

    trace = run(model, T, given, DualArithmetic(A, sizes), changed, held)
    change = (trace.loss + trace.penalty).tangent
    slopes = {
        p: A.constant(0, size[p]) if change is None else A.gradient(change, offset[p], size[p])
        for p in places
    }
    return Truth(lambda name, step: trace.read(name, step).value, slopes)


def places_of(model: Model, T: int, *, inputs: bool) -> list[Place]:
    """All that the loss can be differentiated by."""
    steps = range(1, T + 1)
    found: list[Place] = [(v.name, None) for v in model.parameters]
    found += [(v.name, s.at(0, T)) for v, s in model.initial_values]
    found += list(model.forward_pass(T))
    if inputs:
        found += [(v.name, s) for s in steps for v in model.given]
    return found


@dataclass(frozen=True)
class Point:
    """A derivation at a random point: what it says, next to what is true."""

    d: Derivation
    T: int
    sizes: Mapping[str, int]
    A: Arithmetic
    truth: Truth

    def slope(self, name: str, step: int | None) -> X:
        return self.truth.slopes[name, step]

    def size(self, name: str) -> Size:
        return size_of(self.d.model.variables[name].shape, self.sizes)

    def scene(
        self, recursions: Mapping[str, Recursion], before: tuple[str, int] | None = None
    ) -> Scene:
        """Where the formula of an adjoint (``before``), or of a gradient, is evaluated."""
        known = backward_order(self.d.model, recursions, self.T, before, self.slope)
        return Scene(self.d.model, self.A, self.sizes, self.T, self.truth.read, known)


def contributed(r: Recursion | Gradient, scene: Scene, t: int, size: Size) -> X:
    """The sum of what contributes at step t."""
    total = scene.A.constant(0, size)
    for c in r.contributions:
        if c.is_there(t, scene.T):
            try:
                total = total + scene.value(c.expression, t)
            except AbsentAdjointError:
                named = c.steps.numbered(t, scene.T) or c.steps.from_the_end(t, scene.T)
                if c.starts is None and not named:
                    raise
    return total


def claims(
    d: Derivation, T: int, sizes: Mapping[str, int], A: Arithmetic, known: Landmarks
) -> Iterator[Claim]:
    """All that a derivation claims for this T: recursions, gradients, printed lines."""
    truth = forward_mode(d.model, T, sizes, A, places_of(d.model, T, inputs=d.inputs))
    point = Point(d, T, sizes, A, truth)
    for place, parts in (("recursion", d.sweep), ("condensed", d.condensed)):
        names = [n for n in d.model.order if place == "recursion" or n in parts.recursions]
        yield from _adjoint_claims(point, place, parts.recursions, names)
        whole = point.scene(parts.recursions)
        for name, g in parts.gradients.items():
            yield _gradient_claim(point, place, name, g, whole)
        for (name, s), e in parts.initial.items():
            yield Claim(
                f"∂L/∂{initial_key(name, s)}",
                place,
                partial(initial_value, e, whole, parts.recursions),
                partial(point.slope, name, s.at(0, T)),
            )
        if d.inputs:
            yield from _input_claims(point, place, parts.inputs, whole)
    if known.apart <= T:
        yield from line_claims(point, distribution=False)
    if T == d.T or (d.T is None and known.reached(T)):
        yield from _written_claims(point)


def _adjoint_claims(
    point: Point, place: str, recursions: Mapping[str, Recursion], names: Iterable[str]
) -> Iterator[Claim]:
    for t in range(point.T, 0, -1):
        for name in names:
            scene = point.scene(recursions, (name, t))
            value = partial(_at, point, recursions.get(name), scene, name, t)
            yield Claim(f"δ^{name}_{t}", place, value, partial(point.slope, name, t))


def _at(point: Point, r: Recursion | None, scene: Scene, name: str, t: int) -> X:
    """What a recursion says at step t; without one, or outside its support, zero."""
    if r is None or t not in r.support.at(point.T):
        return point.A.constant(0, point.size(name))
    return contributed(r, scene, t, point.size(name))


def _gradient_claim(point: Point, place: str, name: str, g: Gradient, scene: Scene) -> Claim:
    def value() -> X:
        zero = point.A.constant(0, point.size(name))
        at = (contributed(g, scene, t, point.size(name)) for t in range(1, point.T + 1))
        return reduce(add, at, zero)

    return Claim(f"∂L/∂{name}", place, value, partial(point.slope, name, None))


def _input_claims(
    point: Point, place: str, recursions: Mapping[str, Recursion], scene: Scene
) -> Iterator[Claim]:
    for v in point.d.model.given:
        for t in range(1, point.T + 1):
            value = partial(_at, point, recursions.get(v.name), scene, v.name, t)
            yield Claim(f"∂L/∂{v.name}_{t}", place, value, partial(point.slope, v.name, t))


def initial_value(e: MatrixExpr, scene: Scene, recursions: Mapping[str, Recursion]) -> X:
    """The gradient by an initial value.  A sequence shorter than the longest lag ends before
    some of its terms come to be, and an adjoint outside its support is zero."""

    def exists(term: MatrixExpr) -> bool:
        return all(scene.has(a) for a in al.find(term, nd.At)) and all(
            recursions[a.name].support.include(int(a.index), scene.T)
            for a in al.find(term, nd.Adjoint)
            if a.name in recursions
        )

    e = e.xreplace({nd.T: sp.Integer(scene.T)})
    terms = e.args if isinstance(e, MatAdd) else (e,)
    zero = scene.A.constant(0, matrix_size(e, scene))
    return reduce(add, map(scene.value, filter(exists, terms)), zero)


def line_claims(point: Point, *, distribution: bool) -> Iterator[Claim]:
    """The lines as printed, each at every step of its cases; the first case that fits holds.

    ``distribution`` asks for the lines that hold where a target's entries sum to 1.
    """
    for step in point.d.steps:
        if step.of is not None or (step.reason.kind is Why.DISTRIBUTION) is not distribution:
            continue
        name = step.left.name
        for t in range(1, point.T + 1):
            line = line_at(step, t, point.T)
            scene = point.scene(point.d.sweep.recursions, (name, t))
            yield Claim(
                f"δ^{name}_{t}",
                f"line, {step.reason.kind}",
                partial(_line_value, point, line, name, t, scene),
                partial(point.slope, name, t),
            )


def _line_value(point: Point, line: Line | None, name: str, t: int, scene: Scene) -> X:
    if line is None:
        return point.A.constant(0, point.size(name))
    return scene.value(line.expression, t)


def line_at(step: Step, t: int, T: int) -> Line | None:
    """The line that holds at step t: the first that fits; None where the adjoint is zero."""
    when = step.left.index.xreplace({nd.T: sp.Integer(T), nd.t: sp.Integer(t)})  # δ^y_T: at T alone
    if int(when) != t:
        return None
    return next((x for x in step.lines if x.steps is None or _holds(x.steps, t, T)), None)


def _holds(steps: Steps | Where, t: int, T: int) -> bool:
    return isinstance(steps, Steps) and t in steps.at(T)


def _written_claims(point: Point) -> Iterator[Claim]:
    """The gradients as printed: with their sums over time, or written out for a given T."""
    recursions = point.d.condensed.recursions
    scene = point.scene(recursions)
    model = point.d.model
    places: dict[str, Place] = {v.name: (v.name, None) for v in model.parameters}
    places |= {initial_key(v.name, s): (v.name, s.at(0, point.T)) for v, s in model.initial_values}
    for key, place in places.items():
        e = point.d.gradients[key]
        value = (
            partial(initial_value, e, scene, recursions)
            if place[1] is not None
            else partial(scene.value, e)
        )
        yield Claim(f"∂L/∂{key}", "line, gradient", value, partial(point.slope, *place))
    for name, expression in _doubled(point.d).items():
        value = partial(scene.value, expression)
        yield Claim(f"∂L/∂{name}", "line, double sum", value, partial(point.slope, name, None))
    for symbol, expression in point.d.unrolled.items() if point.d.T is not None else ():
        name, t = symbol.name, int(symbol.index)
        value = partial(point.scene(recursions, (name, t)).value, expression)
        yield Claim(f"δ^{name}_{t}", "line, written out", value, partial(point.slope, name, t))


def _doubled(d: Derivation) -> Mapping[str, MatrixExpr]:
    """The gradients as double sums over products of Jacobians, for the models that have them."""
    try:
        return double_sum(d.condensed).gradients
    except DerivationError:
        return {}


def distributions(d: AnyDerivation) -> frozenset[str]:
    """The targets that some printed line takes to sum to 1."""
    kinds = (step.reason for step in d.steps if step.reason.kind is Why.DISTRIBUTION)
    return frozenset(name for reason in kinds for name in reason.about)


def exact_witness(
    d: Derivation, Ts: Iterable[int], assignments: Iterable[Mapping[str, int]], seed: int
) -> Iterator[Decided]:
    """Decide all claims for each T and each assignment of sizes to dimensions."""
    known = landmarks(d)
    for sizes in assignments:
        for T in Ts:

            def everything(A: Arithmetic, T: int = T, sizes: Any = sizes) -> Iterator[Claim]:
                return claims(d, T, sizes, A, known)

            yield decide(everything, Setting("exact", T, sizes, seed))

            def assumed(A: Arithmetic, T: int = T, sizes: Any = sizes) -> Iterator[Claim]:
                truth = forward_mode(d.model, T, sizes, A, places_of(d.model, T, inputs=False))
                return line_claims(Point(d, T, sizes, A, truth), distribution=True)

            if distributions(d) and known.apart <= T:
                yield decide(assumed, Setting("exact", T, sizes, seed, distributions(d)))
