"""Products of matrices as calls that add them to an array: of factors that lie in memory."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.matrices.expressions import MatMul, MatrixExpr, MatrixSymbol, Transpose

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.chain import split
from symbptt.compile.entries import Row
from symbptt.compile.loop_entries import EntryLoops
from symbptt.compile.loop_places import count
from symbptt.compile.numpy_code import is_matrix


@dataclass(frozen=True)
class Operand:
    """A factor of a product of matrices: its numbers in memory, from ``array`` on; how far apart
    its rows lie, its columns, and what belongs to one sample and the next."""

    array: str
    row: str
    column: str
    each: str


class ProductLoops(EntryLoops):
    """Writes products; a factor is a leaf, a block of one, or the transpose of one."""

    def add_product(self, many: sp.Expr, left: MatrixExpr, right: MatrixExpr, target: Row) -> None:
        """``target += many A B``."""
        if right.shape[1] == 1 and self.is_each(right) and not self.is_each(left):
            self._project(many, left, right, target)
        elif left.shape[0] == 1 and self.is_each(left) and not self.is_each(right):
            self._project(many, al.transpose(right), left, target)
        else:
            self._multiply(many, left, right, target)

    def add_outer_sum(self, many: sp.Expr, left: MatrixExpr, right: MatrixExpr, array: str) -> None:
        """``array += many Σ u vᵀ`` over all rows, which is one product of matrices."""
        u, v = (self.operand(_upright(factor)) for factor in (left, right))
        rows, columns = self.size(left.shape[0]), self.size(right.shape[1])
        self.body.append(self._call(many, (rows, columns, self.rows), (u.array, "1", u.each),
                                    (v.array, v.each), (array, columns)))  # fmt: skip

    def operand(self, e: MatrixExpr) -> Operand:
        """Where a factor lies."""
        if isinstance(e, Transpose):
            of = self.operand(e.arg)
            return Operand(of.array, of.column, of.row, of.each)
        start, whole = (e.start, e.operand) if isinstance(e, nd.Block) else (sp.Integer(0), e)
        row = self.place(whole)
        array = self.start(Row(row.array, row.width, row.start + start))
        columns = self.size(e.shape[1]) if is_matrix(e) else "1"
        return Operand(array, columns, "1", self.size(row.width) if row.each else "0")

    def _project(self, many: sp.Expr, matrix: MatrixExpr, vector: MatrixExpr, target: Row) -> None:
        """``target += many M v`` for the vectors of all rows at once."""
        rows, columns = map(self.size, matrix.shape)
        v, M = self.operand(_upright(vector)), self.operand(matrix)
        b = M.array, M.column
        if M.row != "1" and is_matrix(matrix):
            b = self._turned(matrix), rows
        self.body.append(self._call(many, (self.rows, rows, columns), (v.array, v.each, "1"), b,
                                    (self.start(target), self.size(target.width))))  # fmt: skip

    def _turned(self, matrix: MatrixExpr) -> str:
        """The array of the transpose of a matrix that all samples share."""
        if isinstance(matrix, MatrixSymbol) and str(matrix.name) not in self.local:
            return self.transposed(str(matrix.name))
        return self.place(self.leaf(al.transpose(matrix))).array

    def _multiply(self, many: sp.Expr, left: MatrixExpr, right: MatrixExpr, target: Row) -> None:
        """``target += many A B`` for each sample alone."""
        a, b = self.operand(left), self.operand(right)
        if b.column != "1" and is_matrix(right):
            right = self.leaf(right)
            b = self.operand(right)
        (p, q), s = map(self.size, left.shape), self.size(right.shape[1])
        column = a.column if is_matrix(left) or p == "1" else "0"
        call = self._call(many, (p, s, q), (self._of_sample(a), a.row, column),
                          (self._of_sample(b), b.row if q != "1" else "0"),
                          (self.here(target), s))  # fmt: skip
        self.body += self.over_rows((call,), target.each)

    def _of_sample(self, x: Operand) -> str:
        return self.language.offset(x.array, count("r", x.each) if x.each != "0" else "0")

    def _call(
        self,
        many: sp.Expr,
        sizes: tuple[str, str, str],
        a: tuple[str, str, str],
        b: tuple[str, str],
        c: tuple[str, str],
    ) -> str:
        """``c += many a b`` of rows, columns and the size that is summed over; each array with how
        far apart its rows lie, and the columns of a."""
        numbers = self.language.number(sp.Rational(many)).text
        return self.language.done("add_product", *sizes, numbers, *a, *b, *c)


def is_product(e: MatrixExpr) -> bool:
    """Whether an expression is a product of two factors of which none is a scalar."""
    rest = al.coefficient(e)[1]
    return isinstance(rest, MatMul) and not any(map(al.is_scalar, split(rest)))


def _upright(e: MatrixExpr) -> MatrixExpr:
    """A row as the column of its entries: both lie alike."""
    return e.arg if isinstance(e, Transpose) and not is_matrix(e) else e
