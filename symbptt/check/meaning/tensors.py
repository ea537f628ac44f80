"""Matrices, and derivatives of one quantity by another, modulo p.

A derivative keeps what it is of and by, so that a chain of them contracts what cancels, in
whatever order it is written; only next to an ordinary matrix must it become one, and then the
layout says how.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from symbptt.check.notation.quantities import Place
from symbptt.evidence.residues import Array, P, Size, size_text


class ShapeClashError(ArithmeticError):
    """Operands that don't fit: the sizes are in the message."""


class Layout(Enum):
    """How a derivative is laid out as a matrix.

    ``GRADIENT``: the gradient of a scalar has the shape of what it is taken by, and a Jacobian
    ``∂a/∂b`` has the rows of a; ``NUMERATOR``: the same, but gradients are rows; ``ROWS``: those
    by vectors are rows, and a gradient by a matrix has its shape;
    ``DENOMINATOR``: a Jacobian has the rows of b.
    """

    GRADIENT = "gradient"
    NUMERATOR = "numerator"
    ROWS = "rows"
    DENOMINATOR = "denominator"


class Stacking(Enum):
    """How the entries of a matrix that a derivative is taken by are put in one row."""

    NONE = ""
    COLUMNS = "columns"
    ROWS = "rows"


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix of residues; 1×1 is a number."""

    array: Array

    @property
    def size(self) -> Size:
        return self.array.shape[0], self.array.shape[1]

    @property
    def is_number(self) -> bool:
        return self.size == (1, 1)

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Matrix(self.array.T)


@dataclass(frozen=True, eq=False)
class Derivative:
    """``∂of/∂by``, indexed by the row and the column of both.

    ``of`` is None where several derivatives, or a matrix and one, were put together.
    """

    of: Place | None
    by: Place | None
    array: Array
    transposed: bool = False
    beyond: bool = False  #: of or by what stands beyond the last step: zero

    @property
    def of_size(self) -> Size:
        return self.array.shape[0], self.array.shape[1]

    @property
    def by_size(self) -> Size:
        return self.array.shape[2], self.array.shape[3]

    @property
    def fits_a_matrix(self) -> bool:
        """Whether its entries can be laid out in rows and columns."""
        of, by = self.of_size, self.by_size
        return of == (1, 1) or by == (1, 1) or (1 in of and 1 in by)

    def stacked(self, stacking: Stacking) -> Derivative:
        """The derivative by vec(W), where it is one by a matrix W."""
        rows, columns = self.by_size
        if stacking is Stacking.NONE or 1 in (rows, columns):
            return self
        array = self.array.swapaxes(2, 3) if stacking is Stacking.COLUMNS else self.array
        size = (*self.of_size, rows * columns, 1)
        return Derivative(self.of, None, array.reshape(size), self.transposed, self.beyond)

    def laid_out(self, layout: Layout) -> Matrix:
        """The matrix of a gradient or a Jacobian; :class:`ShapeClashError` for a tensor."""
        of, by = self.of_size, self.by_size
        if of == (1, 1):
            gradient = self.array.reshape(by)
            is_row = layout is Layout.NUMERATOR or (layout is Layout.ROWS and 1 in by)
            found = gradient.T if is_row else gradient
        elif by == (1, 1):
            slope = self.array.reshape(of)
            found = slope.T if layout is Layout.DENOMINATOR else slope
        elif 1 in of and 1 in by:
            jacobian = self.array.reshape(max(of), max(by))
            found = jacobian.T if layout is Layout.DENOMINATOR else jacobian
        else:
            raise ShapeClashError(
                f"the derivative of {size_text(of)} by {size_text(by)} is a tensor, not a matrix"
            )
        return Matrix(found.T if self.transposed else found)

    def diagonal(self) -> Array | None:
        """The diagonal, in the shape of ``of``, of a Jacobian that has nothing beside it."""
        if self.of_size != self.by_size:
            return None
        n = self.of_size[0] * self.of_size[1]
        square = self.array.reshape(n, n)
        entries = np.diagonal(square)
        return entries.reshape(self.of_size) if (square == np.diag(entries)).all() else None


Value = Matrix | Derivative


def number(q: int) -> Matrix:
    """A number, 1×1."""
    return Matrix(np.array([[q % P]], dtype=object))


def laid_out(x: Value, layout: Layout, stacking: Stacking = Stacking.NONE) -> Matrix:
    """Any value as a matrix."""
    return x.stacked(stacking).laid_out(layout) if isinstance(x, Derivative) else x


def scaled(x: Value, by: Matrix) -> Value:
    """A number times a value."""
    return replace(x, array=x.array * by.array[0, 0] % P)


def chained(a: Derivative, b: Derivative) -> Derivative | None:
    """``∂a/∂b ∂b/∂c``, in either order; None if nothing cancels."""
    if a.transposed or b.transposed:
        return None
    if a.by is not None and a.by == b.of:
        left, right = a, b
    elif b.by is not None and b.by == a.of:
        left, right = b, a
    else:
        return None
    product = np.tensordot(left.array, right.array, axes=((2, 3), (0, 1))) % P
    return Derivative(left.of, right.by, product)


def pulled_back(a: Derivative, b: Derivative) -> Derivative | None:
    """``(∂b/∂W)ᵀ ∂L/∂b`` for a tensor, of which a transpose says no more than that."""
    if not a.transposed or a.fits_a_matrix or b.transposed or b.of_size != (1, 1):
        return None
    if a.of is None or b.by != a.of:
        return None
    return Derivative(b.of, a.by, np.tensordot(b.array, a.array, axes=((2, 3), (0, 1))) % P)


def through(a: Matrix, b: Derivative) -> Derivative:
    """``A ∂b/∂c``: a matrix times what the derivative is of."""
    if a.size[1] != b.of_size[0]:
        raise ShapeClashError(f"{size_text(a.size)} times {size_text(b.of_size)}")
    return Derivative(None, b.by, np.tensordot(a.array, b.array, axes=((1,), (0,))) % P)


def rowwise(d: Derivative, v: Matrix) -> Derivative:
    """``v ⊙ ∂a/∂W``: each entry of a has its own factor."""
    if v.size != d.of_size:
        raise ShapeClashError(f"{size_text(v.size)} entry by entry with {size_text(d.of_size)}")
    return Derivative(None, d.by, d.array * v.array[:, :, None, None] % P)


def matmul(a: Matrix, b: Matrix) -> Matrix:
    """The matrix product; a number scales."""
    if a.is_number or b.is_number:
        return Matrix(a.array * b.array % P)
    if a.size[1] != b.size[0]:
        raise ShapeClashError(f"{size_text(a.size)} times {size_text(b.size)}")
    return Matrix(np.matmul(a.array, b.array) % P)


def odot(a: Matrix, b: Matrix) -> Matrix:
    """The product of each entry with its like; a number scales."""
    if not (a.is_number or b.is_number or a.size == b.size):
        raise ShapeClashError(f"{size_text(a.size)} entry by entry with {size_text(b.size)}")
    return Matrix(a.array * b.array % P)


def broadcast(a: Matrix, b: Matrix) -> Matrix:
    """The product of each entry with its like, where rows and columns are repeated that fit."""
    crossed = a.size[0] == 1 and b.size[1] == 1 and 1 not in (a.size[1], b.size[0])
    if crossed or any(p != q and 1 not in (p, q) for p, q in zip(a.size, b.size, strict=True)):
        raise ShapeClashError(f"{size_text(a.size)} entry by entry with {size_text(b.size)}")
    return Matrix(a.array * b.array % P)


def outer(a: Matrix, b: Matrix) -> Matrix:
    """``a bᵀ`` of the entries of two vectors."""
    if 1 not in a.size or 1 not in b.size:
        raise ShapeClashError(f"the outer product of {size_text(a.size)} and {size_text(b.size)}")
    return Matrix(np.outer(a.array.reshape(-1), b.array.reshape(-1)) % P)


def kronecker(a: Matrix, b: Matrix) -> Matrix:
    """The Kronecker product: a block ``a_ij B`` for each entry of A."""
    return Matrix(np.kron(a.array, b.array) % P)


def plus(a: Matrix, b: Matrix, sign: int) -> Matrix:
    """``a ± b``; a number is added to each entry."""
    if not (a.is_number or b.is_number or a.size == b.size):
        raise ShapeClashError(f"{size_text(a.size)} plus {size_text(b.size)}")
    return Matrix((a.array + sign * b.array) % P)


def power(a: Matrix, exponent: int) -> Matrix:
    """``A A … A``: the identity where the exponent is 0."""
    found, square = identity(a.size[0]), a
    while exponent:
        if exponent & 1:
            found = matmul(found, square)
        square, exponent = matmul(square, square), exponent >> 1
    return found


def identity(n: int) -> Matrix:
    """The n×n identity."""
    return Matrix(np.eye(n, dtype=int).astype(object))


def spread(v: Matrix, size: Size) -> Matrix:
    """A vector as the diagonal matrix of its entries, where a matrix is wanted."""
    if v.size[1] == 1 and size == (v.size[0], v.size[0]) and size != (1, 1):
        return Matrix(np.diag(v.array.reshape(-1)))
    return v
