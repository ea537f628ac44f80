"""Sums over the batch, which turn the sum of outer products into one product of matrices."""

from __future__ import annotations

from sympy.matrices.expressions import MatAdd, MatMul, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.chain import split
from symbptt.compile.code import ATOM, MATMUL, POWER, PRODUCT, SUM, Code, multiple
from symbptt.compile.numpy_code import NumPyCode, is_matrix
from symbptt.compile.plain import positive_first


class BatchCode(NumPyCode):
    """Writes expressions, and their sums over the samples of the batch."""

    def batch_sum(self, e: MatrixExpr) -> str:
        """Source for the sum of an expression over all samples."""
        return self._batch_sum(e).text

    def _batch_sum(self, e: MatrixExpr) -> Code:
        many, rest = al.coefficient(e)
        if many != 1 and al.constant(e) is None:
            return multiple(many, self._batch_sum(rest))
        code = self.array(e)
        if not code.batched:
            return Code(f"{self.samples()} * {code.last()}", PRODUCT, False)
        if al.is_scalar(e):
            return self._scalar_batch_sum(e, code)
        if is_matrix(e):
            return self._matrix_batch_sum(e, code)
        return Code(f"np.sum({code.text}, axis=0)", ATOM, False)

    def _terms_batch_sum(self, e: MatAdd) -> Code:
        terms = [self._batch_sum(a).text for a in positive_first(e)]
        return Code(" + ".join(terms).replace("+ -", "- "), SUM, False)

    def _scalar_batch_sum(self, e: MatrixExpr, code: Code) -> Code:
        sums = (MatMul, nd.Total, nd.Scale)
        if isinstance(e, MatAdd) and any(isinstance(a, sums) for a in e.args):
            return self._terms_batch_sum(e)
        if isinstance(e, nd.Scale):
            scalar = self.code(e.scalar)
            if not scalar.batched:
                total = self._batch_sum(e.operand).last()
                return Code(f"{scalar.within(PRODUCT, POWER, ATOM)} * {total}", PRODUCT, False)
        return Code(f"np.sum({self._summed(e, code)})", ATOM, False)

    def _summed(self, e: MatrixExpr, code: Code) -> str:
        """What to sum over all entries and samples, for a scalar that is itself a sum."""
        if e in self.known:
            return code.text
        if isinstance(e, nd.Total):
            return self.array(e.operand).text
        if isinstance(e, MatMul):
            left, right = split(e)
            x, y = self.array(left), self.array(right)
            return f"{x.within(PRODUCT, POWER, ATOM)} * {y.last()}"
        return code.text

    def _matrix_batch_sum(self, e: MatrixExpr, code: Code) -> Code:
        if isinstance(e, MatAdd):
            return self._terms_batch_sum(e)
        if isinstance(e, nd.Scale) and isinstance(e.operand, MatMul):
            left, right = split(e.operand)
            return self._outer_sum(al.scale(e.scalar, left), right, code)
        if isinstance(e, MatMul):
            return self._outer_sum(*split(e), code)
        return Code(f"np.sum({code.text}, axis=0)", ATOM, False)

    def _outer_sum(self, left: MatrixExpr, right: MatrixExpr, code: Code) -> Code:
        """``Σ u vᵀ`` over the samples is ``U.T @ V``."""
        if left.shape[1] == nd.ONE:
            u, v = self.array(left), self.array(right)
            if u.batched and v.batched:
                return Code(f"{u.within(ATOM)}.T @ {v.within(ATOM)}", MATMUL, False)
        return Code(f"np.sum({code.text}, axis=0)", ATOM, False)
