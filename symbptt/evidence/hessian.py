r"""Hessian-vector products against differences of complex-step gradients, and for symmetry.

``H u = d/dε ∇L(θ + ε u)``: the central difference of order 6 (B. Fornberg, Math. Comp. 51
(1988), table 1) of gradients that are themselves exact to rounding.  And ``uᵀ H v = vᵀ H u``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from symbptt.evidence.claims import Decided
from symbptt.evidence.complex_step import Array, Sample, complex_step, sample
from symbptt.evidence.floating import BATCHES, NEGLIGIBLE, deviates
from symbptt.evidence.report import Check, sizes_tuple
from symbptt.model.model import Model, initial_key

#: How far a product may be off, relative to the largest entry of all.
TOLERANCE = 1e-8

#: The step: rounding errors of a gradient, over it, stay far below the tolerance.
STEP = 1e-4
WEIGHTS = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}

#: How many random points are tried.
ATTEMPTS = 8

Gradients = Mapping[str, Array]


class HasProducts(Protocol):
    """What is compared: loss, gradients and products of a model whose functions are bound."""

    @property
    def model(self) -> Model: ...

    def __call__(
        self, params: Any, inputs: Any, direction: Any
    ) -> tuple[Any, Mapping[str, Any], Mapping[str, Any]]: ...


def hessian_witness(
    place: str, f: HasProducts, T: int, sizes: Mapping[str, int], seed: int
) -> Iterator[Decided]:
    """Compare a function for one T, with and without a batch."""
    for batch in BATCHES if f.model.given or f.model.initial_values else (None,):
        points = (smooth_point(f.model, T, batch, sizes, seed + i) for i in range(ATTEMPTS))
        found = next(filter(None, points), None)
        if found is None:
            why = f"{place}, T = {T}: no random arguments give a loss with a second derivative"
            yield Decided(undecided=(why,))
        else:
            yield Decided(tuple(compared(place, f, *found)))


def smooth_point(
    model: Model, T: int, batch: int | None, sizes: Mapping[str, int], seed: int
) -> tuple[Sample, Gradients, Gradients, Gradients] | None:
    """Random arguments and two directions, and how the gradient changes along the first.

    None where the loss is not finite, or where a kink of a function lies within a step: the
    difference then changes with the length of the step.
    """
    at = sample(model, T, batch, sizes, seed)
    if at is None:
        return None
    rng = np.random.default_rng([seed, T])
    shapes = {name: a.shape for name, a in complex_step(at)[1].items()}
    u, v = ({name: rng.normal(size=shape) for name, shape in shapes.items()} for _ in "uv")
    true, again = (difference(at, u, step) for step in (STEP, STEP / 3))
    off = max(float(np.abs(true[name] - again[name]).max(initial=0)) for name in true)
    return (at, u, v, true) if off <= TOLERANCE / 10 * scale_of(true) else None


def scale_of(gradients: Mapping[str, Array]) -> float:
    """The largest entry of all."""
    return max((float(np.abs(a).max(initial=0)) for a in gradients.values()), default=0.0)


def compared(
    place: str, f: HasProducts, at: Sample, u: Gradients, v: Gradients, true: Gradients
) -> Iterator[Check]:
    """A check for each product, and one for their symmetry."""
    length = {} if at.model.given else {"T": at.T}
    inputs = {**at.inputs, **length, **{d: at.sizes[d] for d in at.model.free_dimensions}}
    Hu, Hv = (f(at.params, inputs, direction)[2] for direction in (u, v))
    scale = max(scale_of(true), NEGLIGIBLE)

    def check(what: str, truth: Array, value: Any, scale: float) -> Check:
        error, off = deviates(truth, value, scale, TOLERANCE)
        sizes = sizes_tuple(at.sizes)
        return Check("complex step", what, place, at.T, sizes, error is None, error, off, at.batch)

    for name, truth in true.items():
        yield check(f"H u, by {name}", truth, Hu.get(name), scale)
    one, other = (sum(float((a[k] * H[k]).sum()) for k in a) for a, H in ((u, Hv), (v, Hu)))
    yield check("u^T H v", np.array(one), np.array(other), max(abs(one), scale))


def difference(at: Sample, direction: Mapping[str, Array], step: float) -> dict[str, Array]:
    """``d/dε ∇L(θ + ε u)``."""
    found: dict[str, Array] = {}
    for steps, weight in WEIGHTS.items():
        for sign in (1, -1):
            gradient = complex_step(moved(at, direction, sign * steps * step))[1]
            for name, slope in gradient.items():
                found[name] = found.get(name, 0) + sign * weight * slope / step
    return found


def moved(at: Sample, direction: Mapping[str, Array], by: float) -> Sample:
    """The arguments, moved along a direction."""
    starts = {initial_key(v.name, s) for v, s in at.model.initial_values}
    return replace(
        at,
        params={n: a + by * direction[n] if n in direction else a for n, a in at.params.items()},
        inputs={n: a + by * direction[n] if n in starts else a for n, a in at.inputs.items()},
    )
