"""What stands inside an expression and is not entrywise gets an array of its own, and is computed
before it."""

from __future__ import annotations

from sympy.matrices.expressions import MatAdd, MatMul, MatrixExpr, MatrixSymbol, Transpose

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.chain import split
from symbptt.compile.entries import Row
from symbptt.compile.loop_fusion import side_by_side
from symbptt.compile.loop_products import ProductLoops, is_product
from symbptt.compile.numpy_code import is_matrix


class PartLoops(ProductLoops):
    """Writes expressions, after the parts that they need."""

    def into(self, e: MatrixExpr, target: Row, sign: str) -> None:
        """``target sign e``, entry by entry, products of matrices added at the end."""
        if isinstance(e, nd.Stack) and not is_matrix(e):
            self._stack(e, target, sign)
            return
        if isinstance(e, nd.VectorMap) and sign == "=":
            self._vector_map(e, target)
            return
        terms = list(e.args) if isinstance(e, MatAdd) else [e]
        products = [] if sign == "*=" else [a for a in terms if is_product(a)]
        others = [a for a in terms if a not in products]
        if others or sign == "=":
            entrywise = self.entrywise(al.plus(*others) if others else al.zeros(e.shape))
            self.each_entry(entrywise, target, sign)
        for product in products:
            self._product(product, target)

    def entrywise(self, e: MatrixExpr) -> MatrixExpr:
        """An expression with a name for each part that is not entrywise, which is computed."""
        if isinstance(e, al.LEAVES) or al.constant(e) is not None:
            return e
        many, rest = al.coefficient(e)
        if many != 1:
            return al.times(many, self.entrywise(rest))
        match e:
            case MatMul():
                left, right = split(e)
                if al.is_scalar(left) or al.is_scalar(right):
                    one, other = (left, right) if al.is_scalar(left) else (right, left)
                    return self.entrywise(al.scale(one, other))
                symbol, row = self.scratch(e)
                self.each_entry(al.zeros(e.shape), row, "=")
                self._product(e, row)
                return symbol
            case nd.Total():
                operand = self.entrywise(e.operand)
                symbol, row = self.scratch(e)
                self.each_entry(al.zeros(e.shape), row, "=")
                line = self.line(row, e, "+=", operand)
                self.body += self.over_rows(self.over_entries(line, operand), row.each)
                return symbol
            case nd.VectorMap() | nd.Stack():
                symbol, row = self.scratch(e)
                self.into(e, row, "=")
                return symbol
            case nd.Scale():
                scalar = self.entrywise(e.scalar)
                if not isinstance(scalar, al.LEAVES):
                    scalar = self.leaf(scalar)
                return nd.Scale(scalar, self.entrywise(e.operand))
            case nd.Block() if not isinstance(e.operand, nd.At | MatrixSymbol | nd.Block):
                return nd.Block(self.entrywise(e.operand), e.start, e.size)
        return e.func(*(self.entrywise(a) if isinstance(a, MatrixExpr) else a for a in e.args))

    def factor(self, e: MatrixExpr) -> MatrixExpr:
        """A factor of a product as what lies in memory: a leaf, a block of one, or the transpose of
        one."""
        if isinstance(e, Transpose):
            return al.transpose(self.factor(e.arg))
        if isinstance(e, nd.Block) and isinstance(e.operand, nd.At | MatrixSymbol):
            return e
        return self.leaf(self.entrywise(e))

    def _product(self, e: MatrixExpr, target: Row) -> None:
        many, rest = al.coefficient(e)
        left, right = map(self.factor, split(rest))
        self.add_product(many, left, right, target)

    def _stack(self, e: nd.Stack, target: Row, sign: str) -> None:
        start, before = target.start, len(self.body)
        for part in e.parts:
            if sign != "+=" or al.constant(part) != 0:
                self.into(part, Row(target.array, target.width, start, target.each), sign)
            start += al.length(part)
        if self.language.fuses:
            self.body[before:] = side_by_side(self.body[before:], target.array)

    def _vector_map(self, e: nd.VectorMap, target: Row) -> None:
        operand = self.place(self.leaf(self.entrywise(e.operand)))
        self.entries.called.append(e.function)
        ends = self.here(operand), self.here(target)
        line = self.language.done(f"{e.function}_", self.size(nd.entries(e)), *ends)
        self.body += self.over_rows((line,), target.each)
