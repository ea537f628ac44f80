"""Arithmetic modulo the prime p = 2⁶¹ − 1, on matrices.

A rational identity that holds at a random point modulo p holds everywhere, but for a chance of
(degree of its numerator) / p: J. T. Schwartz, Fast probabilistic algorithms for verification of
polynomial identities, J. ACM 27 (1980), lemma 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

P = 2**61 - 1

Size = tuple[int, int]
Array = npt.NDArray[np.object_]  # of Python integers: exact, and fast enough at these sizes


class UnluckyError(ArithmeticError):
    """A random point at which an identity says nothing, for it divides by zero; draw another."""


class BrokenClaimError(ArithmeticError):
    """A claim that can't even be evaluated: shapes that don't fit, a step that doesn't exist."""


def residue(*key: object) -> int:
    """A pseudo-random residue; the same key gives the same one.

    >>> residue(0, "h") == residue(0, "h"), residue(0, "h") == residue(1, "h")
    (True, False)
    """
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=16).digest(), "big") % P


def rational(q: Fraction) -> int:
    """A rational number modulo p.

    >>> rational(Fraction(1, 2)) * 2 % P
    1
    """
    return q.numerator * pow(q.denominator, -1, P) % P


#: Fractions with a larger denominator are no small numbers.
LARGEST = 10**7


def fraction(v: int) -> Fraction | None:
    """The fraction with a small numerator and denominator that a residue is.

    >>> fraction(rational(Fraction(-3, 4)))
    Fraction(-3, 4)
    """
    bound = isqrt(P // 2)
    r0, r1, t0, t1 = P, v % P, 0, 1
    while r1 > bound:
        q = r0 // r1
        r0, r1, t0, t1 = r1, r0 - q * r1, t1, t0 - q * t1
    if not t1 or abs(t1) > LARGEST or abs(r1) > 100 * LARGEST:
        return None
    found = Fraction(r1, t1)
    return found if (found.numerator - v * found.denominator) % P == 0 else None


def size_text(size: Size) -> str:
    """``3×2``."""
    return f"{size[0]}×{size[1]}"


@dataclass(frozen=True, eq=False)
class Residues:
    """A matrix of residues; leading axes, if any, are directions taken at once.

    ``*`` multiplies entry by entry, ``@`` as matrices.  Nothing broadcasts but numbers and the
    leading axes, so that a shape that is lost is found out.
    """

    array: Array

    @property
    def size(self) -> Size:
        return self.array.shape[-2], self.array.shape[-1]

    def _fits(self, other: Residues, sign: str) -> None:
        if self.size != other.size:
            raise BrokenClaimError(
                f"{size_text(self.size)} {sign} {size_text(other.size)}: shapes differ"
            )

    def __add__(self, other: Residues | int) -> Residues:
        if isinstance(other, int):
            return Residues((self.array + other) % P)
        self._fits(other, "+")
        return Residues((self.array + other.array) % P)

    def __mul__(self, other: Residues | int) -> Residues:
        if isinstance(other, int):
            return Residues(self.array * other % P)
        self._fits(other, "⊙")
        return Residues(self.array * other.array % P)

    def __matmul__(self, other: Residues) -> Residues:
        if self.size[1] != other.size[0]:
            raise BrokenClaimError(
                f"{size_text(self.size)} times {size_text(other.size)}: shapes don't fit"
            )
        return Residues(np.matmul(self.array, other.array) % P)

    def __neg__(self) -> Residues:
        return self * -1

    def __sub__(self, other: Residues | int) -> Residues:
        return self + -other

    def __rsub__(self, other: int) -> Residues:
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__

    @property
    def T(self) -> Residues:
        return Residues(self.array.swapaxes(-1, -2))

    def total(self) -> Residues:
        """The sum of all entries, 1×1."""
        return Residues(self.array.sum(axis=(-1, -2), keepdims=True) % P)

    def scaled(self, scalar: Residues) -> Residues:
        """A 1×1 matrix times this one."""
        if scalar.size != (1, 1):
            raise BrokenClaimError(f"{size_text(scalar.size)} is no scalar")
        return Residues(self.array * scalar.array % P)

    def inverse(self) -> Residues:
        """The inverse of each entry; :class:`UnluckyError` if one is zero."""
        if not self.array.all():
            raise UnluckyError("division by zero")
        return Residues(np.frompyfunc(lambda a: pow(a, -1, P), 1, 1)(self.array))

    def reshaped(self, size: Size) -> Residues:
        """The same entries, row by row, in another shape."""
        return Residues(self.array.reshape(*self.array.shape[:-2], *size))

    def agrees(self, other: Residues) -> bool:
        """Whether shapes and all entries are equal."""
        return self.array.shape == other.array.shape and bool((self.array == other.array).all())


@dataclass(frozen=True)
class ResidueArithmetic:
    """Where matrices of residues come from: the random point that ``seed`` draws.

    ``normalised`` names the given quantities whose entries are to sum to 1.  ``drawn`` and
    ``atoms`` hold what was drawn so far: by key, and by function and argument.
    """

    seed: object
    normalised: frozenset[str] = frozenset()
    drawn: dict[tuple[object, ...], Residues] = field(default_factory=dict)
    atoms: dict[tuple[str, object], int] = field(default_factory=dict)

    def constant(self, q: Fraction | int, size: Size) -> Residues:
        """A number in every entry."""
        return Residues(np.full(size, rational(Fraction(q)), dtype=object))

    def identity(self, n: int) -> Residues:
        return Residues(np.eye(n, dtype=int).astype(object))

    def placing(self, n: int, start: int, count: int) -> Residues:
        """The n×count matrix whose ones stand in the rows from ``start`` on."""
        return Residues(np.eye(n, count, -start, dtype=int).astype(object))

    def free(self, key: tuple[object, ...], size: Size) -> Residues:
        """Free values: a random matrix that the key names."""
        if (key, size) not in self.drawn:
            self.drawn[key, size] = self._draw(key, size)
        return self.drawn[key, size]

    def _draw(self, key: tuple[object, ...], size: Size) -> Residues:
        r, c = size
        entries = [residue(self.seed, key, i) for i in range(r * c)]
        if key[0] in self.normalised:
            entries[-1] = (1 - sum(entries[:-1])) % P
        return Residues(np.array(entries, dtype=object).reshape(r, c))

    def atom(self, name: str, z: Residues) -> Residues:
        """The value of a function in each entry: free, but equal for equal arguments."""
        return Residues(np.frompyfunc(lambda a: self._atom(name, a), 1, 1)(z.array))

    def whole_atom(self, name: str, z: Residues) -> Residues:
        """A free 1×1 value that depends on a vector as a whole."""
        return Residues(np.array([[self._atom(name, tuple(z.array.flat))]], dtype=object))

    def _atom(self, name: str, argument: object) -> int:
        key = name, argument
        if key not in self.atoms:
            self.atoms[key] = residue(self.seed, "atom", name, argument)
        return self.atoms[key]

    def stacked(self, parts: Sequence[Residues]) -> Residues:
        """Columns on top of one another."""
        lead = np.broadcast_shapes(*(x.array.shape[:-2] for x in parts))
        return Residues(
            np.concatenate([np.broadcast_to(x.array, (*lead, *x.size)) for x in parts], axis=-2)
        )

    def diagonal(self, vector: Residues) -> Residues:
        """The diagonal matrix of a vector."""
        return Residues(np.diag(vector.array.reshape(-1)))

    def kron(self, a: Residues, b: Residues) -> Residues:
        """The Kronecker product."""
        return Residues(np.kron(a.array, b.array) % P)

    def commutation(self, rows: int, cols: int) -> Residues:
        """K with ``vec(Aᵀ) = K vec(A)`` for A of this size."""
        order = np.arange(rows * cols).reshape(cols, rows).T.reshape(-1)
        return Residues(np.eye(rows * cols, dtype=int)[order].astype(object))

    def columns(self, tangent: Residues, count: int, size: Size) -> Residues:
        """The changes of a matrix in ``count`` directions, each as a column, entries by column."""
        changes = np.broadcast_to(tangent.array, (count, *size))
        return Residues(changes.swapaxes(-1, -2).reshape(count, -1).T)

    def directions(self, columns: Residues, size: Size) -> Residues:
        """The changes of a matrix of ``size`` that :meth:`columns` makes columns of."""
        rows, cols = size
        return Residues(columns.array.T.reshape(-1, cols, rows).swapaxes(-1, -2))

    def units(self, offset: int, count: int, size: Size) -> Residues:
        """For each of ``count`` directions the change of one matrix: its own entries' turn first
        comes at ``offset``, one entry a direction, row by row."""
        r, c = size
        tangent = np.zeros((count, r * c), dtype=object)
        tangent[np.arange(offset, offset + r * c), np.arange(r * c)] = 1
        return Residues(tangent.reshape(count, r, c))

    def gradient(self, tangent: Residues, offset: int, size: Size) -> Residues:
        """The derivatives of a scalar by the entries that :meth:`units` changed."""
        r, c = size
        flat: Any = np.broadcast_to(tangent.array.reshape(-1), tangent.array.shape[:1])
        return Residues(flat[offset : offset + r * c].reshape(r, c))
