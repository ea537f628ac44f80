"""Changes as loops over rows and entries, in a language that compiles them.

What is entrywise is one loop, however long the expression; a product of matrices is a call that
adds it to an array.  What stands inside an expression and is neither gets an array of its own,
``work``, which the next change may use again.
"""

from __future__ import annotations

from sympy.matrices.expressions import MatAdd, MatMul, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.chain import split
from symbptt.compile.changes import LOSS, Change
from symbptt.compile.code import ATOM, POWER, Code
from symbptt.compile.entries import Row
from symbptt.compile.languages import If, Node
from symbptt.compile.loop_parts import PartLoops
from symbptt.compile.loop_products import is_product


class Loops(PartLoops):
    """Writes changes."""

    def change(self, c: Change) -> tuple[Node, ...]:
        """What a change does."""
        self.begin(c.over)
        if c.total:
            self._total(c)
        else:
            step = c.over[0] if c.over else None
            array = self.view(c.target, step, written=True)
            target = Row(array, nd.entries(c.expression), each=c.over is not None)
            self.into(c.expression, target, c.sign)
        nodes = (*self.views.values(), *self.body)
        return (If(c.when, nodes),) if c.when else nodes

    def _total(self, c: Change) -> None:
        """``target += Σ e`` over all rows."""
        e = c.expression
        for term in e.args if isinstance(e, MatAdd) else (e,):
            if al.is_scalar(term):
                self._sum(term, c.target)
            elif not self._outer_sum(term, c.target):
                self._entry_sums(term, c.target)

    def _sum(self, e: MatrixExpr, target: str) -> None:
        """A scalar, summed over all rows: of a sum over entries, in the same loop."""
        many, inside = al.coefficient(e)
        if isinstance(inside, nd.Total):
            inside = inside.operand
        elif isinstance(inside, MatMul) and is_product(inside):
            left, right = split(inside)
            inside = al.odot(al.transpose(left), right)
        inside = al.times(many, self.entrywise(inside))
        array = "loss" if target == LOSS else self.language.entry(self.arrays[target], "0")
        self._add(array, inside, self.entry(inside))

    def _outer_sum(self, e: MatrixExpr, target: str) -> bool:
        """``Σ u vᵀ`` as one product of matrices; whether it is one."""
        many, rest = al.coefficient(e)
        scaled = isinstance(rest, nd.Scale) and is_product(rest.operand)
        product = rest.operand if scaled else rest
        if not is_product(product):
            return False
        left, right = split(product)
        if left.shape[1] != 1 or not (self.is_each(left) and self.is_each(right)):
            return False
        left = al.scale(rest.scalar, left) if scaled else left
        self.add_outer_sum(many, self.factor(left), self.factor(right), self.arrays[target])
        return True

    def _entry_sums(self, e: MatrixExpr, target: str) -> None:
        """Entry by entry."""
        e = self.entrywise(e)
        row = Row(self.arrays[target], nd.entries(e), each=False)
        code = self.entry(e)
        self._add(self.left(row, e), e, code)

    def _add(self, left: str, e: MatrixExpr, code: Code) -> None:
        """``left += e`` for each row; what all rows share, as often as there are rows."""
        each, text = self.is_each(e), code.text
        if not each and self.over is not None:
            text = f"{self.language.count(self.rows)} * {code.within(POWER, ATOM)}"
        self.body += self.over_rows(self.over_entries(f"{left} += {text}", e), each)
