"""One entry of an expression as source, for a loop over entries.

An array of vectors has a row for each step and sample; the entries of a matrix lie row by row.
Products of matrices, sums over entries and functions of vectors are no business of one entry:
they are computed into arrays of their own before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import sympy as sp
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatrixExpr,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.code import ATOM, POWER, PRODUCT, SUM, Code
from symbptt.compile.languages import Language, Place
from symbptt.compile.numpy_code import divides, is_matrix
from symbptt.compile.numpy_functions import function_name, split_log
from symbptt.compile.plain import positive_first

ZERO = sp.Integer(0)


@dataclass(frozen=True)
class Row:
    """Where the entries of a value lie: in ``array``, from ``start`` on, in rows of ``width``; of
    what has one row for all samples, ``each`` is false."""

    array: str
    width: sp.Expr
    start: sp.Expr = ZERO
    each: bool = True


@dataclass(frozen=True)
class Entry:
    """Which entry: ``row``, ``column`` of a matrix, of a vector the first; ``sample`` is the
    variable of the loop over rows, and none in a loop over all entries of all rows."""

    row: str = "i"
    column: str = "j"
    sample: str | None = "r"
    shift: sp.Expr = ZERO

    @property
    def turned(self) -> Entry:
        return replace(self, row=self.column, column=self.row)


@dataclass
class Entries:
    """Writes entries in a language; ``place`` finds a leaf, ``size`` writes a dimension, ``called``
    collects functions, ``touched`` the numbers of arrays."""

    language: Language
    place: Callable[[MatrixExpr], Row]
    size: Callable[[sp.Expr], str]
    called: list[str] = field(default_factory=list)
    touched: list[Place] = field(default_factory=list)

    def text(self, e: MatrixExpr, at: Entry) -> str:
        return self.code(e, at).text

    def code(self, e: MatrixExpr, at: Entry) -> Code:
        """Source for an entry."""
        constant = al.constant(e)
        if constant is not None:
            return self.language.number(constant)
        many, rest = al.coefficient(e)
        if many != 1:
            return self._multiple(many, self.code(rest, at))
        match e:
            case MatAdd():
                return self._sum([self.code(a, at) for a in positive_first(e)])
            case HadamardProduct():
                return self._product(e, at)
            case HadamardPower():
                return self._power(e, at)
            case Transpose():
                return self.code(e.arg, at.turned if is_matrix(e.arg) else at)
            case nd.Map():
                name = function_name(e.function, e.order)
                inside = self.code(e.operand, at)
                return inside if name == "identity" else self.call(name, inside.text)
            case nd.Scale():
                first = replace(at, row="0", column="0", shift=sp.Integer(0))
                return self._times([self.code(e.scalar, first), self.code(e.operand, at)])
            case nd.Count():
                text = "T" if e.value == nd.T else self.size(e.value)
                return Code(self.language.count(text), PRODUCT, False)
            case nd.Block():
                return self.code(e.operand, replace(at, shift=at.shift + e.start))
        return self._leaf(e, at)

    def call(self, name: str, *arguments: str) -> Code:
        self.called.append(name)
        return Code(self.language.call(name, *arguments), ATOM, False)

    def _leaf(self, e: MatrixExpr, at: Entry) -> Code:
        row = self.place(e)
        terms = []
        if row.each and at.sample is not None:
            width = self.size(row.width)
            wide = f"({width})" if " + " in width else width
            terms.append(at.sample if width == "1" else f"{at.sample} * {wide}")
        start = row.start + at.shift
        if start != 0:
            terms.append(self.size(start))
        if is_matrix(e):
            columns = self.size(e.shape[1])
            columns = f"({columns})" if " + " in columns else columns
            terms += [f"{at.row} * {columns}", at.column]
        elif not al.is_scalar(e) or (at.sample is None and row.each):
            terms.append(at.row)
        index = " + ".join(term for term in terms if term != "0") or "0"
        self.touched.append((row.array, index))
        return Code(self.language.entry(row.array, index), ATOM, False)

    def _multiple(self, many: sp.Rational, code: Code) -> Code:
        if many == -1:
            return Code("-" + code.within(PRODUCT, POWER, ATOM), PRODUCT, False)
        if many.q != 1 and many.p in (1, -1):
            sign = "-" if many.p < 0 else ""
            below = self.language.number(sp.Integer(many.q)).text
            return Code(f"{sign}{code.within(PRODUCT, POWER, ATOM)} / {below}", PRODUCT, False)
        return self._times([self.language.number(many), code])

    def _times(self, codes: list[Code]) -> Code:
        first, *rest = codes
        text = first.within(PRODUCT, POWER, ATOM)
        text += "".join(f" * {c.within(POWER, ATOM)}" for c in rest)
        return Code(text, PRODUCT, False)

    def _sum(self, terms: list[Code]) -> Code:
        text = terms[0].within(PRODUCT, POWER, ATOM)
        for term in terms[1:]:
            shown = term.within(PRODUCT, POWER, ATOM)
            text += f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
        return Code(text, SUM, False)

    def _product(self, e: HadamardProduct, at: Entry) -> Code:
        if (parts := split_log(e)) is not None:
            return self.call("times_log", *(self.text(p, at) for p in parts))
        above = [self.code(f, at) for f in e.args if not divides(f)]
        below = [self.code(al.raised(f.base, -f.exp), at) for f in e.args if divides(f)]
        code = self._times(above or [self.language.number(sp.S.One)])
        text = code.text + "".join(f" / {c.within(ATOM)}" for c in below)
        return Code(text, PRODUCT, False)

    def _power(self, e: HadamardPower, at: Entry) -> Code:
        if divides(e):
            below = self.code(al.raised(e.base, -e.exp), at)
            above = self.language.number(sp.S.One).text
            return Code(f"{above} / {below.within(ATOM)}", PRODUCT, False)
        base = self.code(e.base, at)
        if e.exp == sp.Rational(1, 2):
            return self.call("sqrt", base.text)
        if e.exp == 2:
            if base.binds == ATOM and "_(" not in base.text:
                return Code(f"{base.text} * {base.text}", PRODUCT, False)
            return self.call("square", base.text)
        return self.call("power", base.text, self.language.number(e.exp).text)


def flat(e: MatrixExpr) -> bool:
    """Whether the entries of an expression are those of its leaves in the order they lie in."""
    return not any(is_matrix(a.arg) for a in al.find(e, Transpose))
