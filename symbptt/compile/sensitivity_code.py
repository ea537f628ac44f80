"""Jacobians and sensitivities as NumPy source: every one an array ``(B, rows, columns)``.

What is the same for all samples may come without the batch axis; ``@``, ``*`` and ``+``
broadcast.  A diagonal matrix in a product is not built: ``diag(a) S`` is ``a[:, :, None] * S``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    Identity,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.compile.batch_code import BatchCode
from symbptt.compile.code import (
    ATOM,
    MATMUL,
    POWER,
    PRODUCT,
    SUM,
    Code,
    linear,
    multiple,
)
from symbptt.compile.numpy_code import is_matrix
from symbptt.compile.plain import positive_first

#: What makes an expression one of matrices, to be written here.
JACOBIAN = (
    *(jn.Sensitivity, jn.Vec, jn.Commutation, jn.Placing),
    *(DiagMatrix, Identity, KroneckerProduct),
)

#: Functions of a generated module, of the matrices of a batch.
HELPERS: dict[str, str] = {
    "kron": '''
def kron(a, b):
    """The Kronecker product of each sample's matrices."""
    product = a[..., :, None, :, None] * b[..., None, :, None, :]
    (p, q), (r, s) = a.shape[-2:], b.shape[-2:]
    return product.reshape(*product.shape[:-4], p * r, q * s)
''',
    "vec": '''
def vec(a):
    """The entries of each sample's matrix as a column, column by column."""
    return np.swapaxes(a, -1, -2).reshape(*a.shape[:-2], -1, 1)
''',
    "commutation": '''
def commutation(rows, cols):
    """The permutation K with vec(a.T) = K @ vec(a) for every matrix a of this size."""
    order = np.arange(rows * cols).reshape(cols, rows).T.reshape(-1)
    return (order[:, None] == np.arange(rows * cols)).astype(np.float32)
''',
}


@dataclass
class SensitivityCode(BatchCode):
    """Writes matrices of a batch.

    ``sensitivity`` gives the source of a sensitivity, ``identity`` and ``ones`` those of an
    identity matrix and of a column of ones, ``matrices`` that of what has a variable;
    ``matrix_helpers`` collects the functions called.
    """

    sensitivity: Callable[[jn.Sensitivity], str] = str
    identity: Callable[[sp.Expr], str] = str
    ones: Callable[[sp.Expr], str] = str
    matrices: dict[MatrixExpr, Code] = field(default_factory=dict)
    matrix_helpers: list[str] = field(default_factory=list)

    def matrix(self, e: MatrixExpr) -> Code:
        """Source for an expression as a matrix, of each sample or of all."""
        if e in self.matrices:
            return self.matrices[e]
        many, rest = al.coefficient(e)
        if many != 1:
            return multiple(many, self.matrix(rest))
        if isinstance(e, jn.Sensitivity):
            return Code(self.sensitivity(e), ATOM, True)
        return _MATRICES[type(e)](self, e) if self.is_jacobian(e) else self._lifted(e)

    def is_jacobian(self, e: MatrixExpr) -> bool:
        """Whether an expression is one of Jacobians and sensitivities."""
        return bool(e.has(*JACOBIAN, *self.matrices))

    def array(self, e: MatrixExpr) -> Code:
        if al.is_ones(e) and nd.ONE in e.shape and not al.is_scalar(e):
            return Code(self.ones(nd.entries(e)), ATOM, False)
        return super().array(e)

    def layout(self, shape: tuple[Any, Any]) -> list[str]:
        return [self.size(d) for d in shape if d != nd.ONE]

    def _lifted(self, e: MatrixExpr) -> Code:
        """An expression without a Jacobian in it, with both axes of a matrix."""
        code = self.array(e)
        if is_matrix(e) or (al.is_scalar(e) and not code.batched):
            return code
        batch = ":, " if code.batched else ""
        axes = f"[{batch}:, None]" if e.shape[1] == nd.ONE else f"[{batch}None, :]"
        return Code(code.within(ATOM) + axes, ATOM, code.batched)

    def size(self, size: sp.Expr) -> str:
        """Source for a number of entries, a product of dimensions."""
        factors: list[str] = []
        for factor in sp.Mul.make_args(size):
            base, power = factor.as_base_exp()
            text = linear(base, self._size)
            text = f"({text})" if base.is_Add and size != base else text
            factors.append(text if power == 1 else f"{text} ** {power}")
        return " * ".join(factors)

    def _added(self, terms: list[Code]) -> Code:
        text = terms[0].within(PRODUCT, MATMUL, POWER, ATOM)
        for term in terms[1:]:
            shown = term.within(PRODUCT, MATMUL, POWER, ATOM)
            text += f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
        return Code(text, SUM, any(term.batched for term in terms))

    def _product_of_matrices(self, e: MatMul) -> Code:
        *factors, last = e.args
        code = self._last_columns(factors, last) or self.matrix(last)
        while factors:
            factor = factors.pop()
            if is_diagonal(factor):
                left = self.diagonal(factor)
                text = f"{left.within(PRODUCT, POWER, ATOM)} * {code.last()}"
                code = Code(text, PRODUCT, left.batched or code.batched)
            elif isinstance(factor, Transpose) and isinstance(factor.arg, jn.Placing):
                text = f"{code.within(ATOM)}[..., {self._placed(factor.arg)}, :]"
                code = Code(text, ATOM, code.batched)
            else:
                left = self._last_columns(factors, factor) or self.matrix(factor)
                text = f"{left.within(MATMUL, ATOM)} @ {code.within(ATOM)}"
                code = Code(text, MATMUL, left.batched or code.batched)
        return code

    def _last_columns(self, factors: list[MatrixExpr], last: MatrixExpr) -> Code | None:
        """``W E`` as some columns of W, taken from the factors, where a factor is such an E."""
        if not isinstance(last, jn.Placing) or not factors or is_diagonal(factors[-1]):
            return None
        left = self.matrix(factors.pop())
        return Code(f"{left.within(ATOM)}[..., {self._placed(last)}]", ATOM, left.batched)

    def _placed(self, e: jn.Placing) -> str:
        return self.slice(e.start, e.size, e.shape[0])

    def _placing(self, e: jn.Placing) -> Code:
        return Code(f"{self.identity(e.shape[0])}[:, {self._placed(e)}]", ATOM, False)

    def diagonal(self, e: MatrixExpr) -> Code:
        """Source for the diagonal of a diagonal matrix, as a column or as one number for all."""
        many, rest = al.coefficient(e)
        if many != 1:
            return multiple(many, self.diagonal(rest))
        if isinstance(e, DiagMatrix):
            return self.matrix(e.args[0])
        if isinstance(e, Identity):
            return Code("1", ATOM, False)
        if isinstance(e, nd.Scale):
            return self._scaled(e.scalar, self.diagonal(e.operand))
        return self._added([self.diagonal(term) for term in positive_first(e)])

    def _scaled(self, scalar: MatrixExpr, operand: Code) -> Code:
        code = self.matrix(scalar)
        if operand.text == "1":
            return code
        text = f"{code.within(PRODUCT, POWER, ATOM)} * {operand.last()}"
        return Code(text, PRODUCT, code.batched or operand.batched)

    def _diagonal(self, e: DiagMatrix) -> Code:
        entries = self.matrix(e.args[0])
        text = f"{entries.within(PRODUCT, POWER, ATOM)} * {self.identity(e.shape[0])}"
        return Code(text, PRODUCT, entries.batched)

    def _transposed(self, e: Transpose) -> Code:
        code = self.matrix(e.arg)
        return Code(f"np.swapaxes({code.text}, -1, -2)", ATOM, code.batched)

    def _called(self, name: str, *arguments: Code) -> Code:
        self.matrix_helpers.append(name)
        text = f"{name}({', '.join(a.text for a in arguments)})"
        return Code(text, ATOM, any(a.batched for a in arguments))

    def _commutation(self, e: jn.Commutation) -> Code:
        return self._called("commutation", *(Code(self.size(d), ATOM, False) for d in e.args))


def is_diagonal(e: MatrixExpr) -> bool:
    """Whether a matrix is diagonal by what it is made of."""
    rest = al.coefficient(e)[1]
    if isinstance(rest, MatAdd):
        return all(map(is_diagonal, rest.args))
    if isinstance(rest, nd.Scale):
        return is_diagonal(rest.operand)
    return isinstance(rest, DiagMatrix | Identity)


_MATRICES: dict[type, Callable[[SensitivityCode, Any], Code]] = {
    MatAdd: lambda code, e: code._added(list(map(code.matrix, positive_first(e)))),
    MatMul: SensitivityCode._product_of_matrices,
    nd.Scale: lambda code, e: code._scaled(e.scalar, code.matrix(e.operand)),
    Transpose: SensitivityCode._transposed,
    DiagMatrix: SensitivityCode._diagonal,
    Identity: lambda code, e: Code(code.identity(e.shape[0]), ATOM, False),
    KroneckerProduct: lambda code, e: code._called("kron", *map(code.matrix, e.args)),
    jn.Vec: lambda code, e: code._called("vec", code.matrix(e.operand)),
    jn.Commutation: SensitivityCode._commutation,
    jn.Placing: SensitivityCode._placing,
}
