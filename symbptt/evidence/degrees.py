"""Degrees of rational functions: what the error bound of the exact witness is made of.

The same code that computes with residues computes with degrees: each matrix is replaced by a
bound on the degrees of its entries, as polynomials in everything random, over one common
denominator.  The result bounds the degree of the identity that was tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod

from symbptt.evidence.residues import BrokenClaimError, P, Size, size_text


@dataclass(frozen=True)
class Degree:
    """A matrix of rational functions: numerators of degree ≤ ``top``, a common denominator of
    degree ≤ ``bottom``."""

    top: int
    bottom: int
    size: Size

    def _fits(self, other: Degree) -> None:
        if self.size != other.size:
            raise BrokenClaimError(
                f"{size_text(self.size)} and {size_text(other.size)}: shapes differ"
            )

    def __add__(self, other: Degree | int) -> Degree:
        if isinstance(other, int):
            return Degree(max(self.top, self.bottom), self.bottom, self.size)
        self._fits(other)
        top = max(self.top + other.bottom, other.top + self.bottom)
        return Degree(top, self.bottom + other.bottom, self.size)

    def __mul__(self, other: Degree | int) -> Degree:
        if isinstance(other, int):
            return self
        self._fits(other)
        return Degree(self.top + other.top, self.bottom + other.bottom, self.size)

    def __matmul__(self, other: Degree) -> Degree:
        size = self.size[0], other.size[1]
        return Degree(self.top + other.top, self.bottom + other.bottom, size)

    def __neg__(self) -> Degree:
        return self

    def __sub__(self, other: Degree | int) -> Degree:
        return self + other

    __rsub__ = __radd__ = __add__
    __rmul__ = __mul__

    @property
    def T(self) -> Degree:
        return self.reshaped((self.size[1], self.size[0]))

    def total(self) -> Degree:
        return self.reshaped((1, 1))

    def scaled(self, scalar: Degree) -> Degree:
        return Degree(self.top + scalar.top, self.bottom + scalar.bottom, self.size)

    def inverse(self) -> Degree:
        # 1 / (Nᵢ/D) = D ∏_{j≠i} Nⱼ / ∏ⱼ Nⱼ
        entries = prod(self.size)
        return Degree(self.bottom + (entries - 1) * self.top, entries * self.top, self.size)

    def reshaped(self, size: Size) -> Degree:
        return Degree(self.top, self.bottom, size)


def difference(a: Degree, b: Degree) -> Degree:
    """The degree of ``a - b`` in any entry."""
    return Degree(a.top, a.bottom, (1, 1)) - Degree(b.top, b.bottom, (1, 1))


def chance(degree: Degree) -> Fraction:
    """The chance that a random point where no denominator vanishes hides a difference.

    Of all points, at most ``top / p`` hide it, and at least ``1 - bottom / p`` are drawn from.
    """
    return Fraction(degree.top, max(1, P - degree.bottom))


@dataclass
class DegreeArithmetic:
    """Where degrees come from: everything random is a variable, of degree 1.

    ``arguments`` is the largest degree of an argument of a function known by name alone.
    """

    arguments: int = field(default=0)

    def constant(self, q: Fraction | int, size: Size) -> Degree:
        return Degree(0, 0, size)

    def identity(self, n: int) -> Degree:
        return Degree(0, 0, (n, n))

    def placing(self, n: int, start: int, count: int) -> Degree:
        return Degree(0, 0, (n, count))

    def free(self, key: tuple[object, ...], size: Size) -> Degree:
        return Degree(1, 0, size)

    def atom(self, name: str, z: Degree) -> Degree:
        self.arguments = max(self.arguments, difference(z, z).top)
        return Degree(1, 0, z.size)

    def whole_atom(self, name: str, z: Degree) -> Degree:
        return self.atom(name, z).total()

    def stacked(self, parts: Sequence[Degree]) -> Degree:
        rows = sum(x.size[0] for x in parts)
        bottom = sum(x.bottom for x in parts)
        return Degree(
            max(x.top + bottom - x.bottom for x in parts), bottom, (rows, parts[0].size[1])
        )

    def diagonal(self, vector: Degree) -> Degree:
        return vector.reshaped((prod(vector.size), prod(vector.size)))

    def kron(self, a: Degree, b: Degree) -> Degree:
        size = a.size[0] * b.size[0], a.size[1] * b.size[1]
        return Degree(a.top + b.top, a.bottom + b.bottom, size)

    def commutation(self, rows: int, cols: int) -> Degree:
        return Degree(0, 0, (rows * cols, rows * cols))

    def columns(self, tangent: Degree, count: int, size: Size) -> Degree:
        return tangent.reshaped((prod(size), count))

    def directions(self, columns: Degree, size: Size) -> Degree:
        return columns.reshaped(size)

    def units(self, offset: int, count: int, size: Size) -> Degree:
        return Degree(0, 0, size)

    def gradient(self, tangent: Degree, offset: int, size: Size) -> Degree:
        return tangent.reshaped(size)
