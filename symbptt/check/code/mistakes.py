"""Mistakes with a name: what a gradient is when one is made, to be compared with what came out.

A row says what the mistake is and what the gradients are then.  The gradients of a forward pass
in which something is held constant, or has another slope, are complex-step derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from symbptt.check.code.points import Gradients, Point
from symbptt.evidence.complex_step import FloatArithmetic, Floats, Sample, complex_step
from symbptt.evidence.cuts import of_windows
from symbptt.evidence.forward import Functions
from symbptt.model import Model
from symbptt.model import terms as tm
from symbptt.model.model import Equation

Array = npt.NDArray[np.float64]
Real = npt.NDArray[Any]

#: How far a gradient may be off, relative to its largest entry, and what is small beside 1.
TOLERANCE = 1e-6
NEGLIGIBLE = 1e-4


def agrees(value: Array, true: Array) -> bool:
    """Whether a gradient is the other one, up to rounding."""
    return value.shape == true.shape and distance(value, true) < TOLERANCE


def distance(value: Array, true: Array) -> float:
    """The largest difference relative to the largest entry; infinite where it is no number."""
    scale = max(float(np.abs(true).max(initial=0)), NEGLIGIBLE)
    off = float(np.abs(value - true).max(initial=0)) / scale
    return off if np.isfinite(off) else float("inf")


@dataclass(frozen=True)
class Factor:
    """A number that the whole loss or a gradient may be multiplied by, at a point."""

    says: str
    at: Callable[[Point], float]


def _width(point: Point) -> int:
    """How many entries the targets have at a step."""
    targets = [v for v in point.at.model.given if v.role.value == "target"]
    return int(np.prod([tm.size(d, point.at.sizes) for v in targets[:1] for d in v.shape]))


#: The likeliest first.
FACTORS: tuple[Factor, ...] = (
    Factor("averaged over the steps: 1/T times", lambda p: 1 / p.T),
    Factor("averaged over the batch: 1/B times", lambda p: 1 / p.at.samples),
    Factor("averaged over steps and batch: 1/(TB) times", lambda p: 1 / (p.T * p.at.samples)),
    Factor("twice", lambda p: 2.0),
    Factor("half", lambda p: 0.5),
    Factor("of the opposite sign, -1 times", lambda p: -1.0),
    Factor("averaged over the entries: 1/k times", lambda p: 1 / _width(p)),
    Factor("averaged over steps and entries: 1/(Tk) times", lambda p: 1 / (p.T * _width(p))),
    Factor(
        "averaged over steps, batch and entries: 1/(TBk) times",
        lambda p: 1 / (p.T * p.at.samples * _width(p)),
    ),
    Factor("averaged over entries, without the ½: 2/k times", lambda p: 2 / _width(p)),
    Factor("averaged, without the ½: 2/(Tk) times", lambda p: 2 / (p.T * _width(p))),
    Factor("averaged over the steps, without the ½: 2/T times", lambda p: 2 / p.T),
    Factor(
        "averaged, without the ½: 2/(TBk) times",
        lambda p: 2 / (p.T * p.at.samples * _width(p)),
    ),
)


@dataclass(frozen=True)
class Slope:
    """A derivative of an activation that is a mistake, in its argument z and its value y."""

    function: str
    says: str
    slope: Callable[[Real, Real], Real]


def _sigmoid(z: Real) -> Real:
    y: Real = 1 / (1 + np.exp(-z))
    return y


SLOPES: tuple[Slope, ...] = (
    Slope("tanh", "the derivative of tanh, 1 - tanh², is left out", lambda z, y: np.ones_like(y)),
    Slope("tanh", "the derivative of tanh is 1 - y², not 1 - y", lambda z, y: 1 - y),
    Slope("tanh", "the derivative of tanh is 1 - y², not 1 + y²", lambda z, y: 1 + y**2),
    Slope(
        "tanh",
        "the derivative of tanh is taken at its value, 1 - tanh²(y), not at its argument",
        lambda z, y: 1 - np.tanh(y) ** 2,
    ),
    Slope("tanh", "the derivative of tanh is 1 - y², not 1 - z²", lambda z, y: 1 - z**2),
    Slope("sigmoid", "the derivative of σ, σ(1 - σ), is left out", lambda z, y: np.ones_like(y)),
    Slope("sigmoid", "the derivative of σ is σ(1 - σ), not 1 - σ²", lambda z, y: 1 - y**2),
    Slope("sigmoid", "the derivative of σ is σ(1 - σ), not σ", lambda z, y: y),
    Slope("sigmoid", "the derivative of σ is σ(1 - σ), not 1 - σ", lambda z, y: 1 - y),
    Slope(
        "sigmoid",
        "the derivative of σ is taken at its value, not at its argument",
        lambda z, y: _sigmoid(y) * (1 - _sigmoid(y)),
    ),
    Slope("relu", "the derivative of relu is left out", lambda z, y: np.ones_like(y)),
    Slope("softmax", "the Jacobian of softmax is left out", lambda z, y: np.ones_like(y)),
)

#: A function that stands for its argument as a constant, and one with the n-th slope above.
HELD, WRONG = "held", "wrong:"


@dataclass(frozen=True)
class _Arithmetic(FloatArithmetic):
    """Floating point in which some functions are held, or have a slope that is a mistake."""

    def activation(self, function: str, a: Floats) -> Floats:
        if function == HELD:
            return self.held(a)
        if not function.startswith(WRONG):
            return super().activation(function, a)
        row = SLOPES[int(function.removeprefix(WRONG))]
        z = a.array.real
        y = super().activation(row.function, Floats(z)).array
        return Floats(y + 1j * np.imag(a.array) * row.slope(z, y))


@dataclass(frozen=True)
class _Altered(Sample):
    """A sample that is run in that arithmetic."""

    def losses(
        self,
        arithmetic: Functions | None = None,
        change: Callable[[str, int | None, Array], Array] = lambda n, s, a: a,
        held: Callable[[str, int], bool] = lambda n, s: False,
    ) -> tuple[Array, Array]:
        return super().losses(arithmetic or _Arithmetic(self.sizes), change, held)


@dataclass(frozen=True)
class Mistake:
    """What was done wrong, and the gradients that come of it; None where it can't be told."""

    says: str
    gradients: Callable[[Point], Gradients | None]


def mistakes(model: Model) -> Iterator[Mistake]:
    """The mistakes that can be made with a model, the likeliest first."""
    yield from _everywhere(model)
    yield from _paths(model)
    yield from _in_one_equation(model)
    for k in (1, 2, 3, 4):
        yield Mistake(f"the gradient of truncated BPTT with K = {k}", _truncated(k))
    yield Mistake("the term of t = 1 is missing from the sum", lambda p: _summed(p, 1, p.T))
    yield Mistake("the term of t = T is missing from the sum", lambda p: _summed(p, 0, p.T - 1))
    yield Mistake("the term of t = T alone", lambda p: _summed(p, p.T - 1, p.T))
    yield Mistake("the term of t = 1 alone", lambda p: _summed(p, 0, 1))


def _truncated(k: int) -> Callable[[Point], Gradients | None]:
    return lambda p: of_windows(complex_step, p.at, 1, k)[1]


def _summed(p: Point, after: int, until: int) -> Gradients | None:
    """The parts of the sums over t that gradients are, of after < t ≤ until."""
    if not p.divisible:
        return None
    first, last = p.after(after), p.after(until)
    names = {v.name for v in p.at.model.parameters}
    return {name: g - last[name] for name, g in first.items() if name in names}


def _derived(model: Model) -> Callable[[Point], Gradients | None]:
    """The gradients of an altered model."""

    def gradients(p: Point) -> Gradients:
        own = {f.name: getattr(p.at, f.name) for f in fields(Sample)}
        return complex_step(_Altered(**{**own, "model": model}))[1]

    return gradients


def _changed(
    model: Model, change: Callable[[tm.Term], tm.Term], names: Iterable[str] | None = None
) -> Model:
    """A model with the right-hand sides of some equations changed, from within."""

    def through(term: tm.Term) -> tm.Term:
        return change(term.rebuilt(through))

    def equation(e: Equation) -> Equation:
        return e if names is not None and e.name not in names else replace(e, rhs=through(e.rhs))

    return replace(model, equations=tuple(map(equation, model.equations)))


def _with_slope(i: int) -> Callable[[tm.Term], tm.Term]:
    def change(term: tm.Term) -> tm.Term:
        if isinstance(term, tm.Mapped | tm.VectorMapped) and term.function == SLOPES[i].function:
            return tm.Mapped(f"{WRONG}{i}", term.operand, shape=term.shape)
        return term

    return change


def _uses(model: Model) -> dict[str, list[str]]:
    """The equations that use each function."""
    found: dict[str, list[str]] = {}
    for e in model.equations:
        for function in dict.fromkeys(
            n.function for n in e.rhs.walk() if isinstance(n, tm.Mapped | tm.VectorMapped)
        ):
            found.setdefault(function, []).append(e.name)
    return found


def _everywhere(model: Model) -> Iterator[Mistake]:
    for i, row in enumerate(SLOPES):
        if row.function in _uses(model):
            yield Mistake(row.says, _derived(_changed(model, _with_slope(i))))


def _in_one_equation(model: Model) -> Iterator[Mistake]:
    for i, row in enumerate(SLOPES):
        where = _uses(model).get(row.function, [])
        for name in where if len(where) > 1 else ():
            altered = _changed(model, _with_slope(i), (name,))
            yield Mistake(f"in {name}_t, {row.says}", _derived(altered))


def _paths(model: Model) -> Iterator[Mistake]:
    """Each way from one computed symbol into the equation of another, left out."""
    for e in model.equations:
        for ref in dict.fromkeys(n for n in e.rhs.walk() if isinstance(n, tm.Ref)):
            if ref.index is None or not model.variables[ref.name].computed:
                continue

            def change(term: tm.Term, ref: tm.Ref = ref) -> tm.Term:
                return tm.Mapped(HELD, term, shape=term.shape) if term == ref else term

            step = str(ref.index)
            back = "; nothing comes back from step t+1 through it" if step == "t-1" else ""
            symbol = f"{ref.name}_{{{step}}}" if step != "t" else f"{ref.name}_t"
            says = f"what comes to {symbol} through {e.name}_t is left out{back}"
            yield Mistake(says, _derived(_changed(model, change, (e.name,))))


# -- off by one ---------------------------------------------------------------------------------


def off_by_one(points: Iterable[Point], name: str) -> Iterator[tuple[str, Mapping[Point, Array]]]:
    """What the gradient by a matrix W of a product W v is with v of another step.

    A bias b beside the product has the terms δ_t, and W has δ_t vᵀ: which b and v belong to W is
    found from their numbers.
    """
    usable = [p for p in points if p.divisible and p.at.batch is None]
    if not usable or max(p.T for p in usable) < 2:
        return
    longest = max(usable, key=lambda p: p.T)
    true = longest.truth[1][name]
    if true.ndim != 2:
        return
    found: list[tuple[str, str, int]] = []
    for b, g in longest.truth[1].items():
        if g.ndim == 1 and b in {v.name for v in longest.at.model.parameters}:
            for v in longest.values:
                for lag in (0, 1):
                    product = _products(longest, b, v, lag, true.shape)
                    if product is not None and agrees(product, true):
                        found.append((b, v, lag))
    for b, v, lag in found[:1]:
        written = (f"{v}_t", f"{v}_{{t-1}}")
        says = f"off by one: {written[1 - lag]} where {written[lag]} belongs"
        products = {p: _products(p, b, v, 1 - lag, p.truth[1][name].shape) for p in usable}
        yield says, {p: g for p, g in products.items() if g is not None}


def _products(p: Point, b: str, v: str, lag: int, shape: tuple[int, ...]) -> Array | None:
    """``Σ_t δ_t v_{t-lag}ᵀ``, or its transpose where that has the shape."""
    parts = [p.after(t - 1)[b] - p.after(t)[b] for t in range(1, p.T + 1)]
    product = sum(
        (np.outer(d, p.values[v][t - lag, 0]) for t, d in enumerate(parts, 1)), np.zeros(())
    )
    if product.shape == shape:
        return np.asarray(product)
    return np.asarray(product.T) if product.T.shape == shape else None
