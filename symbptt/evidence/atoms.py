"""What the exact witness knows of functions: free values, and the identities that tie them.

A function known by name alone has a free value at each argument, and a free derivative there.
Only algebra relates them: ``tanh' = 1 - tanh²``.  This table is the witness's own, written
from calculus textbooks and not from the table that the derivation uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from symbptt.evidence.residues import Size

#: Residues or degrees, and the arithmetic that they belong to.
X = Any
Arithmetic = Any

#: A value that is a formula in others; every other function's value at z is free.
VALUES: dict[str, Callable[[Arithmetic, X], X]] = {
    "identity": lambda A, z: z,
    "silu": lambda A, z: z * value(A, "sigmoid", z),
    "sqrt": lambda A, z: power(A, z, Fraction(1, 2)),
}

#: f'(z) where it is a formula in z, h = f(z) and other functions at z; else it is free.
DERIVATIVES: dict[str, Callable[[Arithmetic, X, X], X]] = {
    "identity": lambda A, z, h: A.constant(1, z.size),
    "tanh": lambda A, z, h: 1 - h * h,
    "sigmoid": lambda A, z, h: h * (1 - h),
    "softplus": lambda A, z, h: value(A, "sigmoid", z),
    "silu": lambda A, z, h: value(A, "sigmoid", z) * (1 + z * (1 - value(A, "sigmoid", z))),
    "exp": lambda A, z, h: h,
    "log": lambda A, z, h: z.inverse(),
    "sin": lambda A, z, h: value(A, "cos", z),
    "cos": lambda A, z, h: -value(A, "sin", z),
    "sqrt": lambda A, z, h: power_derivative(A, z, Fraction(1, 2)),
}


def value(A: Arithmetic, function: str, z: X) -> X:
    """``f(z)``, entry by entry."""
    return VALUES[function](A, z) if function in VALUES else A.atom(function, z)


def derivative(A: Arithmetic, function: str, z: X) -> X:
    """``f'(z)``, entry by entry."""
    if function in DERIVATIVES:
        return DERIVATIVES[function](A, z, value(A, function, z))
    return A.atom(f"{function}'", z)


# -- powers -----------------------------------------------------------------------------------


def power(A: Arithmetic, a: X, exponent: Fraction) -> X:
    """``a^(k/q)``, entry by entry: the k-th power of a free atom r, the q-th root of a.

    What holds for a free r with ``r' = 1 / (q r^(q-1))`` holds for the root.
    """
    root = _root(A, a, exponent.denominator)
    return _whole_power(A, root, exponent.numerator)


def power_derivative(A: Arithmetic, a: X, exponent: Fraction) -> X:
    """``k r^(k-1) · r'``, with ``r' = 1 / (q r^(q-1))``."""
    k, q = exponent.numerator, exponent.denominator
    root = _root(A, a, q)
    slope = _whole_power(A, root, q - 1).inverse() * A.constant(Fraction(1, q), a.size)
    return _whole_power(A, root, k - 1) * slope * k


def _root(A: Arithmetic, a: X, q: int) -> X:
    return a if q == 1 else A.atom(f"root {q}", a)


def _whole_power(A: Arithmetic, a: X, k: int) -> X:
    if k == 0:
        return A.constant(1, a.size)
    square = a if k > 0 else a.inverse()
    result, left = None, abs(k)
    while left:
        if left & 1:
            result = square if result is None else result * square
        left >>= 1
        if left:
            square = square * square
    return result


# -- functions of a vector ----------------------------------------------------------------------


def exponentials(A: Arithmetic, z: X) -> tuple[X, X]:
    """``e^z`` and the inverse of its sum: what softmax is made of."""
    e = value(A, "exp", z)
    return e, e.total().inverse()


def softmax(A: Arithmetic, z: X) -> X:
    """``e^z / Σ e^z``."""
    e, inverse = exponentials(A, z)
    return e.scaled(inverse)


def softmax_change(A: Arithmetic, z: X, dz: X) -> X:
    """The quotient rule: ``d(e/s) = de/s - e ds/s²`` with ``de = e ⊙ dz`` and ``ds = Σ de``."""
    e, inverse = exponentials(A, z)
    de = e * dz
    return de.scaled(inverse) - e.scaled(de.total()).scaled(inverse * inverse)


def log_softmax(A: Arithmetic, z: X) -> X:
    """``z - ℓ`` with ``ℓ = log Σ e^z``, a free atom."""
    return z - A.constant(1, z.size).scaled(A.whole_atom("log sum exp", z))


def log_softmax_change(A: Arithmetic, z: X, dz: X) -> X:
    """``dz - dℓ`` with ``dℓ = Σ e^z dz / Σ e^z``."""
    e, inverse = exponentials(A, z)
    return dz - A.constant(1, z.size).scaled((e * dz).total() * inverse)


#: Functions of a whole vector: the value, and how it changes with the argument.
VECTOR_FUNCTIONS: dict[
    str, tuple[Callable[[Arithmetic, X], X], Callable[[Arithmetic, X, X], X]]
] = {
    "softmax": (softmax, softmax_change),
    "log_softmax": (log_softmax, log_softmax_change),
}


# -- functions of several arguments ---------------------------------------------------------------

#: Products of this many affine forms, and as many products summed as the second number says.
FACTORS, SUMMANDS = 3, 2


def polynomial(A: Arithmetic, function: str, size: Size, arguments: Sequence[X]) -> tuple[X, X]:
    r"""A random polynomial map ``F(u) = Σ_r Π_k (C_rk u + b_rk)`` of all arguments' entries u.

    Returns its value (in shape ``size``) and its Jacobian by u, with one row per entry of the
    value.  Near any one point its value and slopes are free, so what is true of every such map
    there is true of every differentiable function.
    """
    A_, m = A, prod(size)
    u = A_.stacked([a.reshaped((prod(a.size), 1)) for a in arguments])
    n = u.size[0]
    row = A_.constant(1, (1, n))
    values, slopes = [], []
    for r in range(SUMMANDS):
        C = [A_.free((f"{function} slope", r, k, m, n), (m, n)) for k in range(FACTORS)]
        b = [A_.free((f"{function} offset", r, k, m), (m, 1)) for k in range(FACTORS)]
        forms = [c @ u + d for c, d in zip(C, b, strict=True)]
        values.append(_product(forms))
        for k in range(FACTORS):
            others = _product([f for i, f in enumerate(forms) if i != k])
            slopes.append(C[k] * (others @ row))
    return _sum(values).reshaped(size), _sum(slopes)


def _product(parts: list[X]) -> X:
    result = parts[0]
    for part in parts[1:]:
        result = result * part
    return result


def _sum(parts: list[X]) -> X:
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result
