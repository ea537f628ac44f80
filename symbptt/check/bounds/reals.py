"""The unrolled graph in floating point: what bounds, and all that has norms in it, is tried on.

The graph, the derivatives and the reading of formulas are those of the exact world: only the
numbers are others.  A whole number beside a float is a residue there, and stands for the small
fraction that it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from symbptt.check.meaning.norms import NORMS
from symbptt.check.meaning.world import World
from symbptt.evidence.complex_step import EPSILON, FUNCTIONS
from symbptt.evidence.residues import (
    Array,
    ResidueArithmetic,
    Residues,
    Size,
    UnluckyError,
    fraction,
    residue,
)

#: What an open function may be: each has slopes between 0 and 1.
INSTANCES = ("tanh", "sigmoid", "relu", "identity")
#: How far what is drawn reaches: weights, and all else.
SCALES = ((1.0, 1.0), (4.0, 0.05), (0.3, 0.3), (1.5, 0.01), (0.6, 3.0), (12.0, 0.5))


class Real:
    """A float among residues: arithmetic with it is that of floats, and p leaves it alone.

    It is no ``float``, which arrays of objects would not keep as it is.
    """

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value

    def __bool__(self) -> bool:
        return self.value != 0

    def __eq__(self, other: object) -> bool:
        return self.value == real(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __add__(self, other: Any) -> Real:
        return Real(self.value + real(other))

    def __sub__(self, other: Any) -> Real:
        return Real(self.value - real(other))

    def __rsub__(self, other: Any) -> Real:
        return Real(real(other) - self.value)

    def __mul__(self, other: Any) -> Real:
        return Real(self.value * real(other))

    def __neg__(self) -> Real:
        return Real(-self.value)

    def __mod__(self, p: int) -> Real:
        return self

    def __pow__(self, exponent: int, p: int | None = None) -> Real:
        return Real(self.value**exponent)

    def __lt__(self, other: Any) -> bool:
        return self.value < real(other)

    __radd__ = __add__
    __rmul__ = __mul__


def real(x: Any) -> float:
    """The float that a number among residues is."""
    return x.value if isinstance(x, Real) else _of_residue(int(x))


@lru_cache(maxsize=4096)
def _of_residue(v: int) -> float:
    q = fraction(v)
    if q is None:
        raise UnluckyError("a number too large for floats")
    return float(q)


def floats(array: Array) -> npt.NDArray[np.float64]:
    """The entries of a matrix as floats."""
    found = np.array([real(x) for x in array.flat], dtype=float)
    return found.reshape(array.shape)


def _name(key: tuple[object, ...]) -> object:
    """What is drawn by a key: a quantity."""
    what = key[0]
    return what[0] if isinstance(what, tuple) else what


def _reals(a: Any, size: Size) -> Residues:
    entries = [Real(float(x)) for x in np.asarray(a, dtype=float).flat]
    found = np.empty(len(entries), dtype=object)
    found[:] = entries
    return Residues(found.reshape(size))


@dataclass(frozen=True)
class RealArithmetic(ResidueArithmetic):
    """Draws floats, and knows the real functions; an open one is ``instance``.

    ``weights`` are the names of matrices, ``scales`` how far they and all else reach.
    """

    instance: str = INSTANCES[0]
    weights: frozenset[str] = frozenset()
    scales: tuple[float, float] = SCALES[0]

    def _draw(self, key: tuple[object, ...], size: Size) -> Residues:
        count = size[0] * size[1]
        uniform = np.array([residue(self.seed, key, i) % 2001 / 1000 - 1 for i in range(count)])
        if key[0] in self.normalised:
            one = np.zeros(count)
            one[residue(self.seed, key) % count] = 1
            return _reals(one, size)
        return _reals(np.round(uniform * self.scales[key[0] not in self.weights], 3), size)

    def _function(self, name: str) -> Any:
        if name.startswith("root "):
            return lambda z: z ** (1 / int(name[5:]))
        return FUNCTIONS.get(name) or FUNCTIONS[self.instance]

    def atom(self, name: str, z: Residues) -> Residues:
        """The value of a function in each entry, or of its derivative: ``f'``."""
        x = floats(z.array)
        with np.errstate(all="ignore"):
            f = self._function(name.rstrip("'"))
            found = np.imag(f(x + 1j * EPSILON)) / EPSILON if name.endswith("'") else f(x)
        return _reals(found, (z.array.shape[-2], z.array.shape[-1]))

    def whole_atom(self, name: str, z: Residues) -> Residues:
        """A number that depends on a matrix as a whole: a norm, ``log Σ e^z``."""
        x = floats(z.array)
        with np.errstate(all="ignore"):
            found = float(np.log(np.exp(x).sum())) if name == "log sum exp" else NORMS[name](x)
        return _reals([found], (1, 1))


@dataclass(frozen=True)
class RealWorld(World):
    """A world of floats; ``drawn`` is what is not left to chance in it."""

    instance: str = INSTANCES[0]
    scales: tuple[float, float] = SCALES[0]
    drawn: Mapping[tuple[object, ...], Residues] = field(default_factory=dict)

    @cached_property
    def A(self) -> RealArithmetic:
        variables = self.model.variables.items()
        weights = frozenset(name for name, v in variables if v.timeless and 1 not in v.shape)
        return RealArithmetic(
            ("real", self.seed, self.T, *self.sizes.values()), self._distributions,
            dict(self.drawn), {}, self.instance, weights, self.scales,
        )  # fmt: skip

    def moved(self, step: int) -> RealWorld:
        """The same world with one of its matrices a little elsewhere."""
        drawn = {**self.A.drawn}
        movable = [k for k in drawn if _name(k) not in self._distributions]
        key = movable[residue("which", self.seed, step) % len(movable)]
        old = floats(drawn[key].array)
        reach = max(float(np.abs(old).max()), 0.1)
        way = [residue("way", self.seed, step, i) % 2001 / 1000 - 1 for i in range(old.size)]
        scaled = old * (1 + 0.5 * way[0]) if step % 2 else old + reach * np.reshape(way, old.shape)
        changed = {**drawn, key: _reals(np.round(scaled, 3), drawn[key].size)}
        return RealWorld(
            self.model, self.T, self.sizes, self.seed, {}, self.instance, self.scales, changed
        )
