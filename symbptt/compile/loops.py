"""Changes as loops over rows and entries, in a language that compiles them.

What is entrywise is one loop, however long the expression; a product of matrices is a call that
adds it to an array.  What stands inside an expression and is neither gets an array of its own,
``work``, which the next change may use again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy as sp
from sympy.matrices.expressions import (
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.chain import split
from symbptt.compile.changes import LOSS, Change
from symbptt.compile.entries import Entries, Entry, Row, flat
from symbptt.compile.hoist import key_of
from symbptt.compile.languages import For, If, Language, Node, View
from symbptt.compile.numpy_code import is_matrix
from symbptt.compile.ranges import Range, source
from symbptt.compile.stores import Store


@dataclass(frozen=True)
class Operand:
    """A factor of a product of matrices: its numbers in memory, from ``array`` on; how far apart
    its rows lie, its columns, and what belongs to one sample and the next."""

    array: str
    row: str
    column: str
    each: str


@dataclass
class Workspace:
    """The arrays that a function needs for itself: each with how many numbers it has."""

    arrays: dict[str, str] = field(default_factory=dict)
    scratch: dict[tuple[str, str, int], str] = field(default_factory=dict)
    taken: list[tuple[str, str]] = field(default_factory=list)

    def work(self, rows: str, entries: str, new: Callable[[str], str]) -> str:
        """An array for a while, of so many rows and entries in each."""
        key = rows, entries, self.taken.count((rows, entries))
        self.taken.append((rows, entries))
        if key not in self.scratch:
            number = len(self.scratch) + 1
            self.scratch[key] = name = new("work" if number == 1 else f"work_{number}")
            self.arrays[name] = count(rows, entries)
        return self.scratch[key]


def count(*factors: str) -> str:
    """A product of whole numbers as source.

    >>> count("T + 1", "B", "1"), count("1", "n")
    ('(T + 1) * B', 'n')
    """
    shown = [f"({f})" if {"+", "-"} & {*f.split()} else f for f in factors if f != "1"]
    return " * ".join(shown) or "1"


@dataclass
class Loops:
    """Writes changes.  ``arrays`` maps the key of each value, parameter and gradient to its array,
    ``stores`` those with steps to where these lie, ``shapes`` gradients to what they are of;
    ``transposed`` gives the array of a parameter's transpose."""

    language: Language
    arrays: Mapping[str, str]
    stores: Mapping[str, Store]
    widths: Mapping[str, sp.Expr]
    size: Callable[[sp.Expr], str]
    new: Callable[[str], str]
    transposed: Callable[[str], str]
    workspace: Workspace = field(default_factory=Workspace)
    entries: Entries = field(init=False)
    over: Range | None = None
    local: dict[str, Row] = field(default_factory=dict)
    views: dict[tuple[str, str], View] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    body: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entries = Entries(self.language, self.place, self.size)

    # -- changes ------------------------------------------------------------------------------

    def change(self, c: Change, shape: tuple[sp.Expr, sp.Expr]) -> tuple[Node, ...]:
        """What a change of an array of this shape does."""
        self.over, self.local, self.views, self.names, self.body = c.over, {}, {}, set(), []
        self.workspace.taken.clear()
        if c.total:
            self.total(c, shape)
        else:
            each = c.over is not None
            width = nd.entries(nd.At("", nd.t, *shape))
            key, step = c.target, c.over[0] if c.over else None
            if step is not None and step.has(nd.t):
                step = nd.t
            target = Row(self.view(key, step, written=True), width, each=each)
            self.into(c.expression, target, c.sign, shape)
        nodes = (*self.views.values(), *self.body)
        return (If(c.when, nodes),) if c.when else nodes

    @property
    def rows(self) -> str:
        """Source for how many rows are computed at once."""
        if self.over is None:
            return "1"
        first, last = self.over
        if first == last:
            return "B"
        return count(source(last - first + 1), "B")

    # -- where things lie ---------------------------------------------------------------------

    def view(self, key: str, index: sp.Expr | None, *, written: bool = False) -> str:
        """A name for the rows of a value from a step on, or from the first of a range on."""
        name, store = self.arrays[key], self.stores.get(key)
        if store is None or index is None or self.over is None:
            return name
        step = index
        if index.has(nd.t) and self.over[0] != nd.t:
            step = self.over[0] + (index - nd.t)
        entries = self.size(self.widths[key])
        offset = count(source(sp.expand(step - store.first)), "B", entries)
        if step == store.first:
            return name
        known = self.views.get((name, offset))
        if known is None:
            wanted = f"{name}_{_suffix(index)}"
            while wanted in self.names:
                wanted += "_"
            self.names.add(wanted)
            known = View(wanted, self.language.offset(name, offset), written)
        elif written and not known.written:
            known = View(known.name, known.of, True)
        self.views[name, offset] = known
        return known.name

    def place(self, e: MatrixExpr) -> Row:
        """Where the entries of a leaf lie."""
        if isinstance(e, nd.At):
            key = key_of(e)
            return Row(self.view(key, e.index), nd.entries(e))
        name = str(e.name) if isinstance(e, MatrixSymbol) else ""
        if name in self.local:
            return self.local[name]
        return Row(self.arrays.get(name, ""), nd.entries(e), each=False)

    def is_each(self, e: MatrixExpr) -> bool:
        """Whether an expression has a value for each sample."""
        return any(
            isinstance(a, nd.At) or (str(a.name) in self.local and self.local[str(a.name)].each)
            for a in al.find(e, (nd.At, MatrixSymbol))
        )

    def scratch(self, e: MatrixExpr, *, each: bool | None = None) -> tuple[MatrixSymbol, Row]:
        """A name and an array for an expression that is computed before it is used."""
        each = self.is_each(e) if each is None else each
        rows = ("B" if self.over and self.over[0] == self.over[1] else "T * B") if each else "1"
        name = self.workspace.work(rows, self.size(nd.entries(e)), self.new)
        symbol = MatrixSymbol(f"{name} {len(self.local)}", *e.shape)
        self.local[str(symbol.name)] = row = Row(name, nd.entries(e), each=each)
        return symbol, row

    # -- entrywise ----------------------------------------------------------------------------

    def into(self, e: MatrixExpr, target: Row, sign: str, shape: tuple[sp.Expr, sp.Expr]) -> None:
        """``target sign e``, entry by entry, products of matrices added at the end."""
        if isinstance(e, nd.Stack) and not is_matrix(e):
            self._stack(e, target, sign)
            return
        many, rest = al.coefficient(e)
        if isinstance(rest, nd.VectorMap) and many == 1 and sign == "=":
            self._vector_map(rest, target)
            return
        terms = list(e.args) if isinstance(e, MatAdd) else [e]
        products = [] if sign == "*=" else [a for a in terms if self._is_product(a)]
        others = [a for a in terms if a not in products]
        if others or sign == "=":
            entrywise = self.entrywise(al.plus(*others) if others else al.zeros(shape))
            self.each_entry(entrywise, target, sign, shape)
        for product in products:
            self.product(product, target)

    def each_entry(
        self, e: MatrixExpr, target: Row, sign: str, shape: tuple[sp.Expr, sp.Expr]
    ) -> None:
        """A loop over the entries of what is ready."""
        constant = al.constant(e)
        if constant == 0 and sign == "+=":
            return
        if not flat(e):
            at, loops = Entry(), (("i", shape[0]), ("j", shape[1]))
            symbol = MatrixSymbol("target", *shape)
            self.local["target"] = target
            left = self.entries.text(symbol, at)
            line = f"{left} {sign} {self.entries.text(e, at)}"
            self.body += self._over_rows(_nested(line, loops, self.size), target.each)
            return
        vector = nd.At("target", nd.t, nd.entries(e) if shape != (1, 1) else 1, 1)
        e = self._as_vector(e)
        if self._is_even(e, target, vector):
            at = Entry(sample=None)
            line = f"{target.array}[i] {sign} {self.entries.text(e, at)}"
            self.body.append(For("i", "0", count(self.rows, self.size(target.width)), (line,)))
            return
        at = Entry(row="i" if not al.is_scalar(vector) else "0")
        self.local["target"] = target
        left = self.entries.text(MatrixSymbol("target", *vector.shape), at)
        line = f"{left} {sign} {self.entries.text(e, at)}"
        inner = _nested(line, (("i", vector.shape[0]),), self.size)
        self.body += self._over_rows(inner, target.each)

    def _as_vector(self, e: MatrixExpr) -> MatrixExpr:
        """An expression of matrices as one of the vectors of their entries."""
        if isinstance(e, nd.At | MatrixSymbol):
            if not is_matrix(e):
                return e
            if isinstance(e, nd.At):
                return type(e)(e.name, e.index, nd.entries(e), 1)
            name = f"{e.name} entries"
            self.local[name] = self.place(e)
            return MatrixSymbol(name, nd.entries(e), 1)
        if al.constant(e) is not None:
            return al.times(al.constant(e), al.ones((nd.entries(e), 1)))
        return e.func(*(self._as_vector(a) if isinstance(a, MatrixExpr) else a for a in e.args))

    def _is_even(self, e: MatrixExpr, target: Row, shape: MatrixExpr) -> bool:
        """Whether one loop over all entries of all rows will do."""
        if not target.each or target.start != 0 or target.width != nd.entries(shape):
            return False
        for node in al.find(e, (nd.Block, nd.Scale)):
            if isinstance(node, nd.Block) or self.is_each(node.scalar):
                return False
        for leaf in al.find(e, (nd.At, MatrixSymbol)):
            row = self.place(leaf)
            if row.each and (row.start != 0 or row.width != target.width):
                return False
            if not row.each and row.width != 1:
                return False
        return True

    def _over_rows(self, inner: tuple[Node, ...], each: bool) -> tuple[Node, ...]:
        return (For("r", "0", self.rows, inner),) if each else inner

    def _stack(self, e: nd.Stack, target: Row, sign: str) -> None:
        start = target.start
        for part in e.parts:
            if sign != "+=" or al.constant(part) != 0:
                self.into(part, Row(target.array, target.width, start, target.each), sign,
                          part.shape)  # fmt: skip
            start += al.length(part)

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
                self.each_entry(al.zeros(e.shape), row, "=", e.shape)
                self.product(e, row)
                return symbol
            case nd.Total():
                operand = self.entrywise(e.operand)
                symbol, row = self.scratch(e)
                self.each_entry(al.zeros(e.shape), row, "=", e.shape)
                left = self.entries.text(symbol, Entry())
                line = f"{left} += {self._entry(operand)}"
                self.body += self._over_rows(self._all_entries(line, operand), row.each)
                return symbol
            case nd.VectorMap() | nd.Stack():
                symbol, row = self.scratch(e)
                self.into(e, row, "=", e.shape)
                return symbol
            case nd.Scale():
                scalar = self.entrywise(e.scalar)
                if not isinstance(scalar, al.LEAVES):
                    symbol, row = self.scratch(scalar)
                    self.each_entry(scalar, row, "=", scalar.shape)
                    scalar = symbol
                return nd.Scale(scalar, self.entrywise(e.operand))
            case nd.Block() if not isinstance(e.operand, nd.At | MatrixSymbol | nd.Block):
                return nd.Block(self.entrywise(e.operand), e.start, e.size)
        return e.func(*(self.entrywise(a) if isinstance(a, MatrixExpr) else a for a in e.args))

    def _entry(self, e: MatrixExpr) -> str:
        if flat(e):
            return self.entries.text(self._as_vector(e), Entry(row="0" if al.is_scalar(e) else "i"))
        return self.entries.text(e, Entry())

    def _all_entries(self, line: str, e: MatrixExpr) -> tuple[Node, ...]:
        if not flat(e):
            return _nested(line, (("i", e.shape[0]), ("j", e.shape[1])), self.size)
        return _nested(line, (("i", nd.entries(e)),), self.size)

    def _vector_map(self, e: nd.VectorMap, target: Row) -> None:
        operand = self.leaf(self.entrywise(e.operand))
        row = self.place(operand)
        self.entries.called.append(e.function)
        ends = (self._from(row), self._from(target))
        line = f"{e.function}_({self.size(nd.entries(e))}, {', '.join(ends)})"
        self.body += self._over_rows((line,), target.each)

    def _from(self, row: Row) -> str:
        """The entries of a row, in the loop over rows."""
        terms = [count("r", self.size(row.width))] if row.each else []
        terms += [] if row.start == 0 else [self.size(row.start)]
        return self.language.offset(row.array, " + ".join(terms) or "0")

    def leaf(self, e: MatrixExpr) -> MatrixExpr:
        """An expression that is ready as a leaf: computed, if it is none."""
        if isinstance(e, nd.At | MatrixSymbol):
            return e
        symbol, row = self.scratch(e)
        self.each_entry(e, row, "=", e.shape)
        return symbol

    # -- products of matrices -----------------------------------------------------------------

    def _is_product(self, e: MatrixExpr) -> bool:
        rest = al.coefficient(e)[1]
        if not isinstance(rest, MatMul):
            return False
        left, right = split(rest)
        return not (al.is_scalar(left) or al.is_scalar(right))

    def product(self, e: MatrixExpr, target: Row) -> None:
        """``target += e`` for a product of two factors."""
        many, rest = al.coefficient(e)
        left, right = (self.factor(f) for f in split(rest))
        (p, q), (_, s) = (f.shape for f in split(rest))
        out = Operand(self._start(target), self.size(s), "1", self.size(target.width))
        if s == 1 and self.is_each(right) and not self.is_each(left):
            self._project(many, left, right, (p, q), out)
        elif p == 1 and self.is_each(left) and not self.is_each(right):
            self._project(many, al.transpose(right), left, (s, q), out)
        else:
            self._multiply(many, left, right, (p, q, s), out, target)

    def _start(self, row: Row) -> str:
        return self.language.offset(row.array, "0" if row.start == 0 else self.size(row.start))

    def factor(self, e: MatrixExpr) -> MatrixExpr:
        """A factor as what lies in memory: a leaf, a part of one, or the transpose of one."""
        if isinstance(e, Transpose):
            return al.transpose(self.factor(e.arg))
        if isinstance(e, nd.Block) and isinstance(e.operand, nd.At | MatrixSymbol):
            return e
        return self.leaf(self.entrywise(e))

    def operand(self, e: MatrixExpr) -> Operand:
        if isinstance(e, Transpose):
            of = self.operand(e.arg)
            return Operand(of.array, of.column, of.row, of.each)
        start = sp.Integer(0)
        whole = e
        if isinstance(e, nd.Block):
            start, whole = e.start, e.operand
        row = self.place(whole)
        array = self._start(Row(row.array, row.width, row.start + start))
        each = self.size(row.width) if row.each else "0"
        if is_matrix(e):
            return Operand(array, self.size(e.shape[1]), "1", each)
        return Operand(array, "1", "1", each)

    def _project(
        self,
        many: sp.Rational,
        matrix: MatrixExpr,
        vector: MatrixExpr,
        shape: tuple[sp.Expr, sp.Expr],
        out: Operand,
    ) -> None:
        """``out += M v`` for the vectors of all rows at once."""
        v = self.operand(_upright(vector))
        M = self.operand(matrix)
        if M.row != "1" and is_matrix(matrix):
            array = self.turned(matrix)
            M = Operand(array, "1", self.size(shape[0]), "0")
        self._call(many, self.rows, shape[0], shape[1], (v.array, v.each, "1"),
                   (M.array, M.column), (out.array, out.each))  # fmt: skip

    def turned(self, matrix: MatrixExpr) -> str:
        """The array of the transpose of a matrix that all samples share."""
        if isinstance(matrix, MatrixSymbol) and str(matrix.name) not in self.local:
            return self.transposed(str(matrix.name))
        _, row = self.scratch(al.transpose(matrix), each=False)
        self.each_entry(al.transpose(matrix), row, "=", al.transpose(matrix).shape)
        return row.array

    def _multiply(
        self,
        many: sp.Rational,
        left: MatrixExpr,
        right: MatrixExpr,
        sizes: tuple[sp.Expr, sp.Expr, sp.Expr],
        out: Operand,
        target: Row,
    ) -> None:
        """``out += A B`` for each sample alone."""
        p, q, s = sizes
        a, b = self.operand(left), self.operand(right)
        if b.column != "1" and is_matrix(right):
            right = self._copied(right)
            b = self.operand(right)
        row = b.row if q != 1 else "0"
        each = [
            self.language.offset(x.array, count("r", x.each) if x.each != "0" else "0")
            for x in (a, b)
        ]
        column = a.column if is_matrix(left) or p == 1 else "0"
        call = self._text(many, self.size(p), s, q, (each[0], a.row, column), (each[1], row),
                          (self._within(target), out.row))  # fmt: skip
        self.body += self._over_rows((call,), target.each)

    def _within(self, target: Row) -> str:
        return self._from(target)

    def _copied(self, e: MatrixExpr) -> MatrixExpr:
        symbol, row = self.scratch(e)
        self.each_entry(e, row, "=", e.shape)
        return symbol

    def _call(
        self,
        many: sp.Rational,
        rows: str,
        columns: sp.Expr,
        inner: sp.Expr,
        a: tuple[str, str, str],
        b: tuple[str, str],
        c: tuple[str, str],
    ) -> None:
        self.body.append(self._text(many, rows, columns, inner, a, b, c))

    def _text(
        self,
        many: sp.Rational,
        rows: str,
        columns: sp.Expr,
        inner: sp.Expr | str,
        a: tuple[str, str, str],
        b: tuple[str, str],
        c: tuple[str, str],
    ) -> str:
        """``c += many a b``: rows, columns, the size that is summed over, then the arrays."""
        sizes = rows, self.size(columns), inner if isinstance(inner, str) else self.size(inner)
        numbers = self.language.number(sp.Rational(many)).text
        return f"add_product({', '.join((*sizes, numbers, *a, *b, *c))})"

    # -- sums over steps and samples ----------------------------------------------------------

    def total(self, c: Change, shape: tuple[sp.Expr, sp.Expr]) -> None:
        """``target += Σ e`` over all rows."""
        e = c.expression
        for term in e.args if isinstance(e, MatAdd) else (e,):
            many, rest = al.coefficient(term)
            if al.is_scalar(term):
                self._sum(many, rest, c.target)
            elif (isinstance(rest, nd.Stack) and not is_matrix(rest)) or not self._outer_sum(
                many, rest, c.target
            ):
                self._total_entries(term, c.target, shape)

    def _outer_sum(self, many: sp.Rational, e: MatrixExpr, target: str) -> bool:
        """``Σ u vᵀ`` as one product of matrices; whether it is one."""
        if isinstance(e, nd.Scale) and isinstance(e.operand, MatMul):
            left, right = split(e.operand)
            e, scale = e.operand, e.scalar
        else:
            scale = None
        if not self._is_product(e):
            return False
        left, right = split(e)
        if left.shape[1] != 1 or not (self.is_each(left) and self.is_each(right)):
            return False
        left = left if scale is None else al.scale(scale, left)
        u, v = (self.operand(_upright(self.factor(f))) for f in (left, right))
        self._call(many, self.size(e.shape[0]), e.shape[1], self.rows, (u.array, "1", u.each),
                   (v.array, v.each), (self.arrays[target], self.size(e.shape[1])))  # fmt: skip
        return True

    def _total_entries(self, e: MatrixExpr, target: str, shape: tuple[sp.Expr, sp.Expr]) -> None:
        e = self.entrywise(e)
        row = Row(self.arrays[target], nd.entries(e), each=False)
        each = self.is_each(e)
        if not each and self.over is not None:
            e = al.times(1, e)
        self.local["target"] = row
        at = Entry()
        if flat(e):
            e = self._as_vector(e)
            shape = e.shape
        text = self.entries.text(e, at)
        if not each and self.over is not None:
            code = self.entries.code(e, at)
            text = f"{self.language.count(self.rows)} * {code.within(3, 4)}"
        left = self.entries.text(MatrixSymbol("target", *shape), at)
        loops = (("i", shape[0]), ("j", shape[1])) if is_matrix(e) else (("i", nd.entries(e)),)
        self.body += self._over_rows(_nested(f"{left} += {text}", loops, self.size), each)

    def _sum(self, many: sp.Rational, e: MatrixExpr, target: str) -> None:
        """A scalar, summed over all rows: of a sum over entries, in the same loop."""
        inside = e
        if isinstance(e, nd.Total):
            inside = e.operand
        elif isinstance(e, MatMul):
            left, right = split(e)
            if not al.is_scalar(left) and not al.is_scalar(right) and e.shape == (1, 1):
                inside = al.odot(al.transpose(left), right)
        inside = al.times(many, self.entrywise(inside))
        each = self.is_each(inside)
        text = self._entry(inside)
        if not each and self.over is not None:
            text = f"{self.language.count(self.rows)} * ({text})"
        left = "loss" if target == LOSS else f"{self.arrays[target]}[0]"
        line = f"{left} += {text}"
        self.body += self._over_rows(self._all_entries(line, inside), each)


def _upright(e: MatrixExpr) -> MatrixExpr:
    """A row as the column of its entries: both lie alike."""
    return e.arg if isinstance(e, Transpose) and not is_matrix(e) else e


def _nested(
    line: str, loops: tuple[tuple[str, sp.Expr], ...], size: Callable[[sp.Expr], str]
) -> tuple[Node, ...]:
    """A line in loops over entries, but not over one alone."""
    node: Node = line
    for variable, stop in reversed(loops):
        if stop != 1:
            node = For(variable, "0", size(stop), (node,))
    return (node,)


def _suffix(index: sp.Expr) -> str:
    """How a step is called in a name: ``t``, ``before``, ``after``."""
    if not index.has(nd.t):
        return "at"
    lag = int(index - nd.t)
    return {0: "t", -1: "before", 1: "after"}.get(
        lag, f"{abs(lag)}_{'after' if lag > 0 else 'before'}"
    )
