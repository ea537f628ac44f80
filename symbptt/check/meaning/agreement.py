"""Whether two sides are equal, taken as a convention says."""

from __future__ import annotations

import numpy as np

from symbptt.check.meaning.conventions import Convention
from symbptt.check.meaning.tensors import (
    Derivative,
    Layout,
    Matrix,
    ShapeClashError,
    Value,
    identity,
    laid_out,
)
from symbptt.evidence.residues import Array, size_text


def agree(a: Value, b: Value, convention: Convention) -> bool:
    """Whether two sides are equal; :class:`ShapeClashError` if they can't be."""
    if (
        isinstance(a, Derivative)
        and isinstance(b, Derivative)
        and (a.array.shape, a.transposed) == (b.array.shape, b.transposed)
    ):
        return _same(a.array, b.array)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Derivative):
            square = x.of_size == x.by_size
            if square and convention.diagonals and _is_diagonal_of(x, y, convention.layout):
                return True
            tensor = 1 in x.of_size and 1 not in x.by_size
            if tensor and convention.factors and _is_factor_of(x, y, convention.layout):
                return True
    left, right = (
        x if isinstance(x, Matrix) else laid_out(x, convention.layout, convention.stacking)
        for x in (a, b)
    )
    if right.is_number:
        return _is_multiple_of_identity(left, right)
    if left.is_number:
        return _is_multiple_of_identity(right, left)
    if left.size == right.size:
        return _same(left.array, right.array)
    if left.size == right.size[::-1] and 1 in left.size and convention.turned:
        return _same(left.array, right.array.T)
    sizes = size_text(left.size), size_text(right.size)
    raise ShapeClashError("{} on the left, {} on the right".format(*sizes))


def is_vector_for_diagonal(a: Value, b: Value, convention: Convention) -> bool:
    """Whether one side is a diagonal Jacobian, and the other has as many entries as its diagonal,
    which a convention takes for it."""
    return convention.diagonals and any(
        isinstance(x, Derivative)
        and (diagonal := x.diagonal()) is not None
        and laid_out(y, convention.layout).array.size == diagonal.size
        for x, y in ((a, b), (b, a))
    )


def _same(a: Array, b: Array) -> bool:
    return bool((a == b).all())


def _is_multiple_of_identity(x: Matrix, c: Matrix) -> bool:
    """A number equals another, or the multiple of the identity that it is (or zeros)."""
    if x.is_number:
        return _same(x.array, c.array)
    if c.array[0, 0] == 0:
        return not x.array.any()
    if x.size[0] != x.size[1]:
        raise ShapeClashError("a number equals a matrix")
    return _same(x.array, identity(x.size[0]).array * c.array[0, 0])


def _is_diagonal_of(x: Derivative, y: Value, layout: Layout) -> bool:
    """Whether a Jacobian has nothing but the entries of a vector, on its diagonal."""
    diagonal = x.diagonal()
    if diagonal is None:
        return False
    v = laid_out(y, layout).array
    return v.size == diagonal.size and _same(v.reshape(-1), diagonal.reshape(-1))


def _is_factor_of(x: Derivative, y: Value, layout: Layout) -> bool:
    """Whether ``Σ_i g_i ∂a_i/∂W`` is ``g ⊙`` the rows (or columns) of what stands there."""
    n = max(x.of_size)
    tensor = x.array.reshape(n, *x.by_size)
    v = laid_out(y, layout).array
    for axis in (0, 1):
        if x.by_size[axis] != n:
            continue
        rows = tensor if axis == 0 else tensor.swapaxes(1, 2)  # a_i moves with row i alone
        if any(rows[i, j].any() for i in range(n) for j in range(n) if i != j):
            continue
        own = np.array([rows[i, i] for i in range(n)], dtype=object)
        if any(v.shape == factor.shape and _same(v, factor) for factor in (own, own.T)):
            return True
        if (own == own[0]).all() and v.size == own[0].size and _same(v.reshape(-1), own[0]):
            return True
    return False
