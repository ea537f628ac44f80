r"""Complex-step derivatives of the plain forward pass, in floating point.

``∂f/∂x = Im f(x + iε) / ε`` for an f that is real on real arguments, with no difference taken
and so no cancellation: W. Squire and G. Trapp, Using complex variables to estimate derivatives
of real functions, SIAM Review 40 (1998), eq. 2.  All entries are differentiated in one pass,
along a leading axis of directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import erf, pi, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from symbptt.evidence.forward import Functions, run, size_of
from symbptt.evidence.residues import Size
from symbptt.model import terms as tm
from symbptt.model.model import Model, Variable, initial_key, outside

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

#: The step: its square is far below the last digit of any value.
EPSILON = 1e-30


@dataclass(frozen=True, eq=False)
class Floats:
    """Matrices, real or complex, behind any leading axes: directions, samples of a batch.

    ``rest`` is what rounding took from the array, where that is known: ``1 - p`` of a p near 1.
    """

    array: Array
    rest: Array | float = 0.0

    def __add__(self, other: Floats) -> Floats:
        return Floats(self.array + other.array + (self.rest + other.rest))

    def __mul__(self, other: Floats) -> Floats:
        return Floats(self.array * other.array)

    def __matmul__(self, other: Floats) -> Floats:
        return Floats(self.array @ other.array)

    def scaled(self, scalar: Floats) -> Floats:
        return Floats(self.array * scalar.array, self.rest * scalar.array)

    @property
    def T(self) -> Floats:
        return Floats(self.array.swapaxes(-1, -2))

    def total(self) -> Floats:
        return Floats(self.array.sum(axis=(-1, -2), keepdims=True))


def _erf(z: Array) -> Array:
    # To first order in a tiny imaginary part: erf x + i y erf'(x).
    real = np.vectorize(erf, otypes=[float])(z.real)
    if not np.iscomplexobj(z):
        return real
    return real + 1j * z.imag * 2 / sqrt(pi) * np.exp(-(z.real**2))


def _rounded(z: Array, p: Array) -> Array:
    """``σ(z) - p`` for p the float near it: by ``1 - σ(z) = σ(-z)``, which is small for z > 0."""
    e = np.exp(-np.where(z.real > 0, z, 0))
    rounded: Array = np.where(z.real > 0, (1 - p) - e / (1 + e), 0)
    return rounded


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.real.max(axis=(-1, -2), keepdims=True))
    return e / e.sum(axis=(-1, -2), keepdims=True)


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def _log(z: Array) -> Array:
    # What is near the smallest float, as a probability may be, has lost its digits.
    return np.log(np.where(abs(z) < sqrt(np.finfo(float).tiny), np.nan, z))


def _log_softmax(z: Array) -> Array:
    z = z - z.real.max(axis=(-1, -2), keepdims=True)
    return z - np.log(np.exp(z).sum(axis=(-1, -2), keepdims=True))


#: Functions from their definitions; comparisons are of real parts, so that a kink stays one.
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda z: np.where(z.real > 0, z, 0 * z),
    "leaky_relu": lambda z: np.where(z.real > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z.real > 0, z, np.exp(z) - 1),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "silu": lambda z: z * _sigmoid(z),
    "gelu": lambda z: z * (1 + _erf(z / sqrt(2))) / 2,
    "hardtanh": lambda z: np.where(abs(z.real) < 1, z, np.sign(z.real) + 0 * z),
    "exp": np.exp,
    "log": _log,
    "sin": np.sin,
    "cos": np.cos,
    "sqrt": np.sqrt,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}


@dataclass(frozen=True)
class FloatArithmetic:
    """The functions a model is made of, in floating point."""

    sizes: Mapping[str, int]

    def constant(self, q: Fraction, size: Size) -> Floats:
        return Floats(np.full(size, float(q)))

    def placing(self, n: int, start: int, count: int) -> Floats:
        return Floats(np.eye(n, count, -start))

    def power(self, a: Floats, exponent: Fraction) -> Floats:
        whole = exponent.denominator == 1
        return Floats(
            a.array ** (exponent.numerator if whole and exponent > 0 else float(exponent))
        )

    def activation(self, function: str, a: Floats) -> Floats:
        value = FUNCTIONS[function](a.array)
        return Floats(value, _rounded(a.array, value) if function == "sigmoid" else 0.0)

    def vector_function(self, function: str, a: Floats) -> Floats:
        return self.activation(function, a)

    def held(self, a: Floats) -> Floats:
        return Floats(a.array.real, np.asarray(a.rest).real)

    def abstract(self, function: str, size: Size, arguments: Any) -> Floats:
        raise AssertionError(f"{function} is not bound")  # functions are compiled from bound models


# -- random arrays, laid out as compiled functions take them ----------------------------------


def layout(variable: Variable, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The axes of one sample's array: those that the model doesn't say are 1."""
    axes = (d for d in variable.shape if d != 1)
    return tuple(tm.size(d, sizes) for d in axes)


@dataclass(frozen=True)
class Sample:
    """Random arguments of a gradient function."""

    model: Model
    T: int
    batch: int | None
    sizes: Mapping[str, int]
    params: dict[str, Array]
    inputs: dict[str, Array]

    @property
    def samples(self) -> int:
        return 1 if self.batch is None else self.batch

    def matrix(self, name: str, step: int | None) -> Array:
        """A given symbol's value: r×c, behind the axis of the batch unless it is a parameter."""
        size = size_of(self.model.variables[name].shape, self.sizes)
        if step is None:
            return self.params[name].reshape(size)
        start = outside(step, self.T)
        if start is None:
            return self.inputs[name][step - 1].reshape(self.samples, *size)
        key = initial_key(name, start)
        zero = np.zeros((self.samples, *size))
        return self.inputs[key].reshape(zero.shape) if key in self.inputs else zero

    def arguments(self, *, inputs: bool) -> dict[str, Array]:
        """What a gradient is taken by: parameters, initial values and, where asked, inputs."""
        lead = () if self.batch is None else (self.batch,)
        found = {v.name: self.params[v.name] for v in self.model.parameters}
        for v, step in self.model.initial_values:
            key = initial_key(v.name, step)
            found[key] = self.inputs.get(key, np.zeros((*lead, *layout(v, self.sizes))))
        return found | ({v.name: self.inputs[v.name] for v in self.model.given} if inputs else {})

    def losses(
        self,
        arithmetic: Functions | None = None,
        change: Callable[[str, int | None, Array], Array] = lambda n, s, a: a,
        held: Callable[[str, int], bool] = lambda n, s: False,
    ) -> tuple[Array, Array]:
        """The loss of each direction and sample, and the penalties, which are no sample's own,
        once ``change`` has been made to the arguments, and not to what is ``held`` at a step."""

        def given(name: str, step: int | None) -> Floats:
            return Floats(change(name, step, self.matrix(name, step)))

        A = arithmetic or FloatArithmetic(self.sizes)
        trace = run(self.model, self.T, given, A, held=held)
        loss, penalty = trace.loss.array, trace.penalty.array
        return loss.reshape(loss.shape[:-2]), penalty.reshape(penalty.shape[:-2])


#: Distributions to draw arguments from, until the forward pass is finite: a logarithm wants
#: positive arguments, a logarithm of logarithms arguments above 1, that of a probability small
#: ones.
DRAWS: tuple[Callable[[np.random.Generator, tuple[int, ...]], Array], ...] = (
    lambda rng, shape: rng.normal(scale=0.5, size=shape),
    lambda rng, shape: rng.uniform(0.1, 0.9, size=shape),
    lambda rng, shape: rng.uniform(1.0, 2.0, size=shape),
    lambda rng, shape: rng.normal(scale=0.02, size=shape),
)


def sample(
    model: Model,
    T: int,
    batch: int | None,
    sizes: Mapping[str, int],
    seed: int,
    *,
    initial: bool = True,
) -> Sample | None:
    """Random arguments at which the loss is finite; None if none were found.

    Without ``initial``, initial values are left out: they are zero then.
    """
    lead = () if batch is None else (batch,)
    starts = model.initial_values if initial else ()
    for i, draw in enumerate(DRAWS):
        rng = np.random.default_rng([seed, T, batch or 0, i])
        params = {v.name: draw(rng, layout(v, sizes)) for v in model.timeless}
        inputs = {v.name: draw(rng, (T, *lead, *layout(v, sizes))) for v in model.given}
        for v, s in starts:
            inputs[initial_key(v.name, s)] = draw(rng, (*lead, *layout(v, sizes)))
        found = Sample(model, T, batch, sizes, params, inputs)
        with np.errstate(all="ignore"):
            if all(np.isfinite(a).all() for a in found.losses()):
                return found
    return None


def complex_step(
    s: Sample, *, inputs: bool = False, held: Callable[[str, int], bool] = lambda n, s: False
) -> tuple[float, dict[str, Array]]:
    """The loss and its gradient by parameters, initial values and, where asked, inputs."""
    arguments = s.arguments(inputs=inputs)
    offsets: dict[str, int] = {}
    count = 0
    for key, a in arguments.items():
        offsets[key] = count
        count += a.size

    def change(name: str, step: int | None, a: Array) -> Array:
        beyond = None if step is None else outside(step, s.T)
        key = name if beyond is None else initial_key(name, beyond)
        if key not in offsets:
            return a
        start = offsets[key] + (a.size * (step - 1) if step is not None and beyond is None else 0)
        stepped = np.broadcast_to(a, (count, *([1] if step is None else []), *a.shape)).astype(
            complex
        )
        flat = stepped.reshape(count, a.size)
        flat[np.arange(start, start + a.size), np.arange(a.size)] += 1j * EPSILON
        return flat.reshape(stepped.shape)

    loss, penalty = s.losses(change=change, held=held)
    many = (count or 1,)
    losses = np.broadcast_to(loss, (*many, s.samples)).sum(axis=1)
    losses = losses + np.broadcast_to(penalty, (*many, 1))[:, 0]
    slopes = losses.imag / EPSILON
    gradient = {
        key: slopes[offsets[key] : offsets[key] + a.size].reshape(a.shape)
        for key, a in arguments.items()
    }
    return float(losses[0].real), gradient
