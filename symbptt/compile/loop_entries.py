"""Loops over the entries of what is ready: every part of it has a value for each entry."""

from __future__ import annotations

from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.code import Code
from symbptt.compile.entries import Entry, Row, flat
from symbptt.compile.languages import For, Line, Node
from symbptt.compile.loop_places import Places, count
from symbptt.compile.numpy_code import is_matrix

#: What a change writes to, as a symbol: no variable is called so.
TARGET = "the target"


class EntryLoops(Places):
    """Writes loops over entries."""

    def each_entry(self, e: MatrixExpr, target: Row, sign: str) -> None:
        """``target sign e``, entry by entry."""
        if al.constant(e) == 0 and sign == "+=":
            return
        line = self.line(target, e, sign, e)
        nodes = self.over_rows(self.over_entries(line, e), target.each)
        if flat(e) and self._is_even(vector := self.as_vector(e), target):
            self.entries.touched.clear()
            left, whole = self.language.entry(target.array, "i"), (target.array, "i")
            text = f"{left} {sign} {self.entries.text(vector, Entry(sample=None))}"
            line = Line(text, whole, frozenset({whole, *self.entries.touched}))
            stop, (rows,) = count(self.rows, self.size(target.width)), nodes
            by_rows = rows if isinstance(rows, For) else None
            nodes = (For("i", "0", stop, (line,), by_rows=by_rows),)
        self.body += nodes

    def line(self, target: Row, left: MatrixExpr, sign: str, e: MatrixExpr) -> Line:
        """``target sign e`` of one entry; ``left`` has the shape that the target is indexed by."""
        self.entries.touched.clear()
        text = f"{self.left(target, left)} {sign} "
        changed = self.entries.touched[-1]
        text += self.entry(e).text
        return Line(text, changed, frozenset(self.entries.touched))

    def leaf(self, e: MatrixExpr) -> MatrixExpr:
        """What is ready as a leaf: computed, if it is none."""
        if isinstance(e, nd.At | MatrixSymbol):
            return e
        symbol, row = self.scratch(e)
        self.each_entry(e, row, "=")
        return symbol

    def entry(self, e: MatrixExpr) -> Code:
        """Source for an entry, in loops over rows and entries."""
        if flat(e):
            return self.entries.code(self.as_vector(e), Entry(row="0" if al.is_scalar(e) else "i"))
        return self.entries.code(e, Entry())

    def left(self, target: Row, e: MatrixExpr) -> str:
        """Source for the entry of a target in which an entry of ``e`` belongs."""
        self.local[TARGET] = target
        shape = (nd.entries(e), 1) if flat(e) else e.shape
        at = Entry(row="0" if al.is_scalar(e) else "i")
        return self.entries.text(MatrixSymbol(TARGET, *shape), at)

    def over_entries(self, line: Node, e: MatrixExpr) -> tuple[Node, ...]:
        """A line for each entry of an expression."""
        ranges = (("i", nd.entries(e)),) if flat(e) else (("i", e.shape[0]), ("j", e.shape[1]))
        node: Node = line
        for variable, stop in reversed(ranges):
            if stop != 1:
                node = For(variable, "0", self.size(stop), (node,))
        return (node,)

    def over_rows(self, inner: tuple[Node, ...], each: bool) -> tuple[Node, ...]:
        """What is done for each row, or once."""
        return (For("r", "0", self.rows, inner),) if each else inner

    def as_vector(self, e: MatrixExpr) -> MatrixExpr:
        """An expression of matrices as one of the vectors of their entries."""
        if isinstance(e, nd.At | MatrixSymbol):
            if not is_matrix(e):
                return e
            if isinstance(e, nd.At):
                return type(e)(e.name, e.index, nd.entries(e), 1)
            name = f"{e.name} entries"
            self.local[name] = self.place(e)
            return MatrixSymbol(name, nd.entries(e), 1)
        if (constant := al.constant(e)) is not None:
            return al.times(constant, al.ones((nd.entries(e), 1)))
        return e.func(*(self.as_vector(a) if isinstance(a, MatrixExpr) else a for a in e.args))

    def _is_even(self, e: MatrixExpr, target: Row) -> bool:
        """Whether one loop over all entries of all rows will do."""
        if not target.each or target.start != 0 or target.width != nd.entries(e):
            return False
        for node in al.find(e, (nd.Block, nd.Scale)):
            if isinstance(node, nd.Block) or self.is_each(node.scalar):
                return False
        for leaf in al.find(e, (nd.At, MatrixSymbol)):
            row = self.place(leaf)
            if row.width != (target.width if row.each else 1) or row.start != 0:
                return False
        return True
