"""Where numbers lie that loops compute with: in arrays by step, and in a workspace of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.entries import Entries, Row
from symbptt.compile.hoist import key_of
from symbptt.compile.languages import Language, Node, View
from symbptt.compile.ranges import Range, source
from symbptt.compile.stores import Store


def count(*factors: str) -> str:
    """A product of whole numbers as source.

    >>> count("T + 1", "B", "1"), count("1", "n")
    ('(T + 1) * B', 'n')
    """
    shown = [f"({f})" if {"+", "-"} & {*f.split()} else f for f in factors if f != "1"]
    return " * ".join(shown) or "1"


def size_source(dim: sp.Expr, names: Mapping[str, str]) -> str:
    """A dimension, or a product of several, as source, given the variable of each name in it.

    >>> n, m = sp.symbols("n m")
    >>> size_source(4 * n * (n + m), {"n": "n", "m": "m_"})
    '4 * m_ * n + 4 * n * n'
    """

    def product(term: sp.Expr) -> str:
        many, rest = term.as_coeff_Mul()
        factors = [] if many == 1 and rest != 1 else [str(many)]
        for factor in sp.Mul.make_args(rest):
            base, power = factor.as_base_exp()
            if base != 1:
                factors += [names[str(base)]] * int(power)
        return " * ".join(factors)

    return " + ".join(map(product, sorted(sp.Add.make_args(sp.expand(dim)), key=str)))


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


@dataclass
class Places:
    """Finds what a change over some steps names.

    ``arrays`` maps the key of each value, parameter and gradient to its array, ``stores`` those
    with steps to where these lie, ``widths`` to how many entries a row has; ``transposed`` gives
    the array of a parameter's transpose.  While a change is written, ``local`` has what is computed
    for it alone, ``views`` the names of rows, and ``body`` what is done.
    """

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

    def begin(self, over: Range | None) -> None:
        """A new change, over some steps."""
        self.over, self.local, self.views, self.names, self.body = over, {}, {}, set(), []
        self.workspace.taken.clear()

    @property
    def rows(self) -> str:
        """Source for how many rows are computed at once."""
        if self.over is None:
            return "1"
        first, last = self.over
        return "B" if first == last else count(source(last - first + 1), "B")

    def view(self, key: str, index: sp.Expr | None, *, written: bool = False) -> str:
        """A name for the rows of a value from a step on, or from the first of a range on."""
        name, store = self.arrays[key], self.stores.get(key)
        if store is None or index is None or self.over is None:
            return name
        step = index
        if index.has(nd.t) and self.over[0] != nd.t:
            step = self.over[0] + (index - nd.t)
        if step == store.first:
            return name
        entries = self.size(self.widths[key])
        offset = count(source(sp.expand(step - store.first)), "B", entries)
        known = self.views.get((name, offset))
        if known is None:
            wanted = f"{name}_{_suffix(index)}"
            while wanted in self.names:
                wanted += "_"
            self.names.add(wanted)
            of = self.language.offset(name, offset)
            one_step = self.over[0] == self.over[1]
            known = View(wanted, of, written, of if one_step else name)
        elif written and not known.written:
            known = replace(known, written=True)
        self.views[name, offset] = known
        return known.name

    def place(self, e: MatrixExpr) -> Row:
        """Where the entries of a leaf lie."""
        if isinstance(e, nd.At):
            return Row(self.view(key_of(e), e.index), nd.entries(e))
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

    def scratch(self, e: MatrixExpr) -> tuple[MatrixSymbol, Row]:
        """A name and an array for an expression that is computed before it is used."""
        each = self.is_each(e)
        rows = ("B" if self.over and self.over[0] == self.over[1] else "T * B") if each else "1"
        name = self.workspace.work(rows, self.size(nd.entries(e)), self.new)
        symbol = MatrixSymbol(f"{name} {len(self.local)}", *e.shape)
        self.local[str(symbol.name)] = row = Row(name, nd.entries(e), each=each)
        return symbol, row

    def start(self, row: Row) -> str:
        """The entries of a row, of the first of all rows."""
        return self.language.offset(row.array, "0" if row.start == 0 else self.size(row.start))

    def here(self, row: Row) -> str:
        """The entries of a row, in a loop over rows."""
        terms = [count("r", self.size(row.width))] if row.each else []
        terms += [] if row.start == 0 else [self.size(row.start)]
        return self.language.offset(row.array, " + ".join(terms) or "0")


def _suffix(index: sp.Expr) -> str:
    """How a step is called in a name: ``t``, ``before``, ``after``."""
    if not index.has(nd.t):
        return "at"
    lag = int(index - nd.t)
    return {0: "t", -1: "before", 1: "after"}.get(
        lag, f"{abs(lag)}_{'after' if lag > 0 else 'before'}"
    )
