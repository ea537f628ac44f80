"""Numbers for formulas: derivatives by complex step, and matrices that never broadcast.

Nothing here, or in ``sources``, imports the checker: a forward pass is written by hand for each
document, its derivatives come from complex steps, and both sides of a formula are NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

STEP = 1e-30
SIZES = {"h": 3, "x": 2, "y": 5}
T = 4


class ShapeError(Exception):
    """The operands don't conform."""


class UndefinedError(Exception):
    """A step that the document doesn't have."""


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(o):
    return np.exp(o) / np.exp(o).sum()


def cross_entropy(y, d):
    """``-dᵀ log y``."""
    return -(d * np.log(y)).sum()


def half_square(e):
    """``½ eᵀ e``."""
    return (e * e).sum() / 2


class Matrix:
    """A matrix whose sums and products ask for shapes that conform; a number goes with any.

    ``@`` is the matrix product, ``*`` the elementwise one, and ``%`` a product whose sign leaves
    open which of the two it is: the reading says.
    """

    product = "matrix"

    def __init__(self, a):
        self.a = np.asarray(a, dtype=float)
        if self.a.ndim != 2:
            raise ShapeError(f"{self.a.ndim} indices")

    @property
    def T(self):
        return Matrix(self.a.T)

    def _with(self, other, f, sign):
        if isinstance(other, Matrix):
            if other.a.shape != self.a.shape and 1 not in (self.a.size, other.a.size):
                raise ShapeError(f"{self.a.shape} {sign} {other.a.shape}")
            return Matrix(f(self.a, other.a))
        if isinstance(other, Tensor):
            raise ShapeError(f"matrix {sign} tensor")
        return Matrix(f(self.a, other))

    def _sum(self, other, f, sign):
        if isinstance(other, Matrix) and other.a.shape != self.a.shape:
            raise ShapeError(f"{self.a.shape} {sign} {other.a.shape}")
        return self._with(other, f, sign)

    def __add__(self, other):
        return self._sum(other, np.add, "+")

    __radd__ = __add__

    def __sub__(self, other):
        return self._sum(other, np.subtract, "-")

    def __rsub__(self, other):
        return Matrix(other - self.a)

    def __neg__(self):
        return Matrix(-self.a)

    def __mul__(self, other):
        return self._with(other, np.multiply, "∘")

    __rmul__ = __mul__

    def __pow__(self, n):
        return Matrix(self.a**n)

    def __matmul__(self, other):
        if isinstance(other, Tensor):
            if self.a.shape[1] != other.a.shape[0]:
                raise ShapeError(f"{self.a.shape} · {other.a.shape}")
            a = np.einsum("ab,bcd->acd", self.a, other.a)
            return Matrix(a[0]) if a.shape[0] == 1 else Tensor(a)
        if self.a.shape[1] != other.a.shape[0]:
            raise ShapeError(f"{self.a.shape} · {other.a.shape}")
        return Matrix(self.a @ other.a)

    def __mod__(self, other):
        same = isinstance(other, Matrix) and other.a.shape == self.a.shape
        if Matrix.product == "elementwise" or (Matrix.product == "fitting" and same):
            return self * other
        return self @ other

    def __getitem__(self, ij):
        return Matrix(self.a[ij].reshape(1, 1))


class Tensor:
    """The derivative of a vector by a matrix: three indices, the vector's first."""

    def __init__(self, a):
        self.a = a

    def __add__(self, other):
        if isinstance(other, Matrix) or (
            isinstance(other, Tensor) and other.a.shape != self.a.shape
        ):
            raise ShapeError("tensor + another shape")
        return Tensor(self.a + (other.a if isinstance(other, Tensor) else other))

    __radd__ = __add__


def _of(f):
    return lambda m: Matrix(f(m.a))


tanh, sig = _of(np.tanh), _of(sigmoid)


def dtanh(z):
    """``tanh'(z)``."""
    return 1 - tanh(z) ** 2


def dsig(z):
    """``σ'(z)``."""
    return sig(z) * (1 - sig(z))


def diag(v):
    """A vector, row or column, as a diagonal matrix."""
    if 1 not in v.a.shape:
        raise ShapeError("diag of a matrix")
    return Matrix(np.diag(v.a.ravel()))


def eye(n):
    return Matrix(np.eye(n))


def outer(a, b):
    """``a ⊗ b = a bᵀ`` of two vectors, whichever way they lie."""
    return Matrix(np.outer(a.a, b.a))


def chain(g, *factors):
    """Derivative factors of a scalar in numerator order: a row times Jacobians.

    The result lies as ``g`` does, unless the last factor was a tensor.
    """
    row = Matrix(g.a.reshape(1, -1))
    for factor in factors:
        row = row @ factor
    return Matrix(row.a.T) if g.a.shape[1] == 1 and row.a.shape[0] == 1 else row


class _Values(dict):
    """The values of a run; what is assigned gets its perturbation, what is held stays."""

    def __init__(self, nudge=None, held=(), base=None):
        super().__init__()
        self.nudge, self.held, self.base = nudge or {}, held, base

    def __setitem__(self, key, value):
        value = np.asarray(value, dtype=complex).reshape(np.shape(value) or (1, 1))
        if key[0] in self.held:
            value = self.base[key]
        super().__setitem__(key, value + self.nudge.get(key, 0))


@dataclass(frozen=True)
class Reading:
    """How what formulas leave open is taken; the defaults are the standard convention.

    ``gradient``: the shape of the gradient of a scalar is that of what it is taken by, or
    transposed: for vectors, for matrices, for both.  ``jacobian``: numerator or denominator
    layout.  ``product``: what ``%`` is; ``fitting``: elementwise where shapes are equal.
    ``partial``: the derivative of a state by a parameter is total or immediate.
    """

    gradient: str = "shape"
    jacobian: str = "numerator"
    product: str = "matrix"
    partial: str = "total"


STANDARD = Reading()
READINGS = [
    Reading(*r)
    for r in product(
        ("shape", "vectors transposed", "matrices transposed", "transposed"),
        ("numerator", "denominator"),
        ("matrix", "elementwise", "fitting"),
        ("total", "immediate"),
    )
]


class World:
    """A forward pass at a random point, with its derivatives, under a reading.

    ``forward(p, v, T)`` fills ``v[name, t]``; ``p(name, t)`` is a parameter as step ``t`` uses it.
    """

    def __init__(self, forward: Callable, shapes: dict, inputs: dict, *, zero=(), seed=0):
        rng = np.random.default_rng(seed)
        self.forward, self.reading = forward, STANDARD
        self.parameters = {n: rng.normal(size=s) * 0.8 for n, s in shapes.items()}
        self.inputs = {}
        for name, (shape, steps, kind) in inputs.items():
            for t in steps:
                a = rng.normal(size=shape)
                a = np.exp(a) / np.exp(a).sum() if kind == "distribution" else a
                self.inputs[name, t] = np.zeros(shape) if name in zero else a
        self.runs: dict = {}
        self.values = self._run()

    def under(self, reading: Reading) -> World:
        other = object.__new__(World)
        other.__dict__ = self.__dict__ | {"reading": reading}
        return other

    def _run(self, nudge=None, parameter=None, held=()):
        def p(name, t):
            a = self.parameters[name].astype(complex)
            if parameter and parameter[0] == name and parameter[1] in (None, t):
                a = a + parameter[2]
            return a

        v = _Values(nudge, held, None if not held else self.values)
        for key, a in self.inputs.items():
            v[key] = a
        self.forward(p, v, T)
        return v

    def _derivatives(self, name, t, held):
        """Of all values by one quantity, entry by entry: ``(index, values)``."""
        key = name, t, held
        if key not in self.runs:
            is_parameter = name in self.parameters
            if not is_parameter and (name, t) not in self.values:
                raise UndefinedError(f"{name} at step {t}")
            shape = (self.parameters[name] if is_parameter else self.values[name, t]).shape
            found = []
            for index in np.ndindex(shape):
                e = np.zeros(shape, complex)
                e[index] = 1j * STEP
                run = (
                    self._run(parameter=(name, t, e), held=held)
                    if is_parameter
                    else self._run({(name, t): e}, held=held)
                )
                found.append((index, {k: a.imag / STEP for k, a in run.items()}))
            self.runs[key] = shape, found
        return self.runs[key]

    def derivative(self, a, s, b, t=None, held=()) -> np.ndarray:
        """``∂a_s/∂b_t``, shaped as ``a`` and then as ``b``."""
        if (a, s) not in self.values:
            raise UndefinedError(f"{a} at step {s}")
        shape, found = self._derivatives(b, t, tuple(held))
        out = np.zeros(self.values[a, s].shape + shape)
        for index, values in found:
            out[(..., *index)] = values[a, s]
        return out

    def v(self, name, t=None) -> Matrix:
        """A value, or a parameter."""
        if name in self.parameters:
            return Matrix(self.parameters[name])
        if (name, t) not in self.values:
            raise UndefinedError(f"{name} at step {t}")
        return Matrix(self.values[name, t].real)

    def g(self, name, t=None, of="L", at=0) -> Matrix:
        """The gradient of a scalar, ``∂L/∂name_t``; 0 after the last step."""
        if t is not None and t == T + 1:
            return Matrix(0 * self.g(name, T, of, at).a)
        a = self.derivative(of, at, name, t)[0, 0]
        kind = "matrices" if t is None and 1 not in a.shape else "vectors"
        flip = self.reading.gradient in (f"{kind} transposed", "transposed")
        return Matrix(a.T if flip else a)

    def J(self, a, s, b, t=None, held=()) -> Matrix | Tensor:
        """The Jacobian ``∂a_s/∂b_t``; by a matrix, a tensor."""
        if b in self.parameters and self.reading.partial == "immediate":
            t = s
        d = self.derivative(a, s, b, t, held)
        d = d.reshape(max(d.shape[:2]), *d.shape[2:])
        if 1 not in d.shape[1:]:
            return Tensor(d)
        d = d.reshape(d.shape[0], -1)
        return Matrix(d.T if self.reading.jacobian == "denominator" else d)

    def __getattr__(self, name):
        """``w.W_hh`` is the parameter, ``w.h(t)`` the value at a step."""
        if name.startswith("__") or "values" not in self.__dict__:
            raise AttributeError(name)
        if name in self.parameters:
            return Matrix(self.parameters[name])
        return lambda t=None: self.v(name, t)


def compared(sides, w: World, t, reading: Reading) -> str:
    """``agree``, ``differ``, ``clash`` (of shapes) or ``undefined``, at one step."""
    Matrix.product = reading.product
    try:
        values = [side(w.under(reading), t) for side in sides]
    except ShapeError:
        return "clash"
    except UndefinedError:
        return "undefined"
    finally:
        Matrix.product = STANDARD.product
    arrays = [np.asarray(getattr(v, "a", v), dtype=float) for v in values]
    first = next((a for a in arrays if a.ndim), arrays[0])
    for v, a in zip(values, arrays, strict=True):
        if isinstance(v, Matrix) and a.shape != first.shape:
            return "clash"
    scale = max(np.abs(a).max() for a in arrays) or 1.0
    gap = max(np.abs(a - first).max() for a in arrays) / scale
    if gap < 1e-8:
        return "agree"
    if gap < 1e-4:
        raise AssertionError(f"neither equal nor clearly different: {gap}")
    return "differ"


def outcome(sides, w: World, steps, reading: Reading) -> str:
    """Over all steps: the sides agree at each, or what went wrong at one."""
    found = {compared(sides, w, t, reading) for t in steps}
    return next(o for o in ("clash", "undefined", "differ", "agree") if o in found)


def readings(**named: str) -> Iterator[Reading]:
    yield replace(STANDARD, **named)
