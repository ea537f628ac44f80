"""Forward-mode derivatives: dual numbers ``a + ȧ ε`` with ``ε² = 0``.

``d(ab) = da b + a db`` carried along with every operation, in all directions at once.  It is
the truth that a backward pass is compared with, and shares nothing with it: no cotangents, no
transposes, no sums over time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbptt.evidence import atoms
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.residues import Size


def _both(a: X | None, b: X | None) -> X | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


@dataclass(frozen=True, eq=False)
class Dual:
    """A value and its change; a change of None is zero."""

    value: X
    tangent: X | None = None

    @property
    def size(self) -> Size:
        size: Size = self.value.size
        return size

    def _linear(self, f: Callable[[X], X]) -> Dual:
        return Dual(f(self.value), None if self.tangent is None else f(self.tangent))

    def _bilinear(self, other: Dual, f: Callable[[X, X], X]) -> Dual:
        left = None if self.tangent is None else f(self.tangent, other.value)
        right = None if other.tangent is None else f(self.value, other.tangent)
        return Dual(f(self.value, other.value), _both(left, right))

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, _both(self.tangent, other.tangent))

    def __mul__(self, other: Dual) -> Dual:
        return self._bilinear(other, lambda a, b: a * b)

    def __matmul__(self, other: Dual) -> Dual:
        return self._bilinear(other, lambda a, b: a @ b)

    def scaled(self, scalar: Dual) -> Dual:
        return self._bilinear(scalar, lambda a, s: a.scaled(s))

    @property
    def T(self) -> Dual:
        return self._linear(lambda a: a.T)

    def total(self) -> Dual:
        return self._linear(lambda a: a.total())


@dataclass(frozen=True)
class DualArithmetic:
    """Functions of dual numbers: ``f(a + ȧ ε) = f(a) + f'(a) ȧ ε``."""

    base: Arithmetic
    sizes: Mapping[str, int]

    def constant(self, q: Fraction, size: Size) -> Dual:
        return Dual(self.base.constant(q, size))

    def placing(self, n: int, start: int, count: int) -> Dual:
        return Dual(self.base.placing(n, start, count))

    def held(self, a: Dual) -> Dual:
        return Dual(a.value)

    def power(self, a: Dual, exponent: Fraction) -> Dual:
        slope = lambda: atoms.power_derivative(self.base, a.value, exponent)  # noqa: E731
        return self._entrywise(a, atoms.power(self.base, a.value, exponent), slope)

    def activation(self, function: str, a: Dual) -> Dual:
        slope = lambda: atoms.derivative(self.base, function, a.value)  # noqa: E731
        return self._entrywise(a, atoms.value(self.base, function, a.value), slope)

    def _entrywise(self, a: Dual, value: X, slope: Callable[[], X]) -> Dual:
        return Dual(value, None if a.tangent is None else a.tangent * slope())

    def vector_function(self, function: str, a: Dual) -> Dual:
        value, change = atoms.VECTOR_FUNCTIONS[function]
        return Dual(
            value(self.base, a.value),
            None if a.tangent is None else change(self.base, a.value, a.tangent),
        )

    def abstract(self, function: str, size: Size, arguments: Sequence[Dual]) -> Dual:
        values = [a.value for a in arguments]
        value, slopes = atoms.polynomial(self.base, function, size, values)
        if all(a.tangent is None for a in arguments):
            return Dual(value)
        changes: list[Any] = [
            (self.base.constant(0, a.size) if a.tangent is None else a.tangent).reshaped(
                (a.size[0] * a.size[1], 1)
            )
            for a in arguments
        ]
        return Dual(value, (slopes @ self.base.stacked(changes)).reshaped(size))
