"""Expressions as formulas, in any notation and dialect, with no more brackets than are needed.

A matrix product inside an entrywise product, and the other way round, always gets brackets:
``W^T δ ⊙ s`` is read in two ways, and half of the mistakes in print come from that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    Identity,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.window_sums import WindowEnds, Windows
from symbptt.calculus.windows import Where
from symbptt.formula.tree import Node, Number, Sum, Symbol
from symbptt.model.model import Model
from symbptt.model.names import Naming
from symbptt.model.steps import LAST, Steps
from symbptt.model.terms import Index
from symbptt.render.dialect import Dialect
from symbptt.render.notation import Notation
from symbptt.render.windows import window_ends, within

#: How tightly a formula holds together.
SUM, HADAMARD, PRODUCT, ATOM = range(4)


@dataclass(frozen=True)
class Set:
    """A formula as set, and how tightly it holds together."""

    text: str
    level: int


@dataclass(frozen=True)
class Printer:
    """Prints the expressions of one model."""

    model: Model
    notation: Notation
    dialect: Dialect
    windows: Windows | None = None

    def __call__(self, expression: MatrixExpr) -> str:
        """The formula."""
        return self._set(expression).text

    # -- names ------------------------------------------------------------------------------

    def symbol(self, name: str, when: str | None = None) -> str:
        """A symbol of the model, at a step."""
        spelled = self.model.variables[name].spelled if name in self.model.variables else None
        return self.spelled(spelled or Symbol(name), when)

    def spelled(self, symbol: Symbol, when: str | None = None) -> str:
        """A symbol as its author spelled it, with a time index."""
        base = self.dialect.base(symbol.base)
        for accent in symbol.accents:
            base = self.dialect.accent(base, accent)
        below = [self._label(s) for s in (*symbol.subscripts, *symbol.indices)]
        above = [self._above(s) for s in symbol.superscripts]
        primed = base + "'" * symbol.primes
        return self.dialect.scripts(primed, [*below, *([when] if when else [])], above)

    def _above(self, node: Node) -> str:
        """A superscript that is a label; a number in brackets, or it would be a power."""
        label = self._label(node)
        return f"({label})" if label.isdigit() else label

    def _label(self, node: Node) -> str:
        """A subscript as it was written: a word, a number, a name with scripts of its own."""
        match node:
            case Number(value):
                return str(value)
            case Symbol() if node.subscripts or node.superscripts or node.indices or node.accents:
                return self.spelled(node)
            case Symbol(base):
                return self.dialect.base(base) if len(base) == 1 else self._word(base)
            case Sum(terms, signs):
                signed = zip(terms, signs, strict=True)
                text = "".join(("-" if s < 0 else "+") + self._label(x) for x, s in signed)
                return text.removeprefix("+")
        return "".join(map(self._label, node.children())) or Naming().label(node)

    def _word(self, word: str) -> str:
        known = self.dialect.base(word)
        return word if known.startswith(r"\mathrm") else known

    def loss(self) -> str:
        """The name of the loss."""
        return self.dialect.base(self.model.loss_name)

    def spelled_loss(self, when: int) -> str:
        """The loss of one step."""
        return self.dialect.scripts(self.loss(), [str(when)], [])

    def step(self, index: sp.Expr) -> str:
        """A time index: ``t+1``."""
        named = self.windows.named if self.windows else {}
        if index in named:
            return named[index]
        number = index.as_coeff_Add()
        offset, rest = number
        if rest == 0:
            return str(offset)
        if isinstance(rest, sp.Min) and rest not in named:
            parts = ", ".join(map(str, sorted(rest.args, key=str)))
            return self.dialect.function("min", 0) + self.dialect.bracket(parts)
        return named.get(rest, f"{rest}") + (f"{int(offset):+d}" if offset else "")

    def adjoint(self, name: str, index: sp.Expr, end: sp.Expr | None = None) -> str:
        """``δ^v_t``, or ``∂L/∂v_t``; with ``end``, that of one window's losses."""
        window = [] if end is None else [f"({self.step(end)})"]
        if self.notation.adjoint == "partial" or name in self.notation.spelled_out:
            below = self.symbol(name, self.step(index))
            loss = self.dialect.scripts(self.loss(), [], window)
            return self.dialect.fraction(loss, below, self.notation)
        above = self.notation.deltas.get(name)
        mark = self.symbol(name) if above is None else above
        marks = [*([mark] if mark else []), *window]
        return self.dialect.scripts(self.dialect.delta, [self.step(index)], marks)

    def gradient(self, of: MatrixExpr) -> str:
        """``∂L/∂W``; of a truncated derivation, the sum of the windows' ``∂L^{(e)}/∂W``."""
        if self.windows is None:
            return self.dialect.fraction(self.loss(), self(of), self.notation)
        e = self.windows.letters[0]
        loss = self.dialect.scripts(self.loss(), [], [f"({e})"])
        return self.dialect.sum_under(e) + self.dialect.fraction(loss, self(of), self.notation)

    def condition(self, steps: Steps | Where) -> str:
        """The steps a case holds for: ``t = T``, ``t < T``."""
        if isinstance(steps, Where):
            return within(steps, self)
        if steps.members is not None:
            names = [str(m) for m in steps.members]
            return f"t = {names[0]}" if len(names) == 1 else self.dialect.member("t", names)
        first, last = steps.first, steps.last
        if last.anchor and first.offset == 1 and last.offset == -1:
            return "t < T"
        if last == LAST and first == Index("", 2):
            return "t > 1"
        return f"{first}{self.dialect.le}t{self.dialect.le}{last}"

    # -- expressions ------------------------------------------------------------------------

    def _set(self, e: Any) -> Set:
        many, rest = al.coefficient(e)
        if many != 1:
            return self._numbered(many, rest)
        return _PRINT[type(e)](self, e)

    def _in(self, e: MatrixExpr, level: int) -> str:
        """An expression inside another: in brackets unless it holds together at this level."""
        inside = self._set(e)
        loose = inside.level < level
        return self.dialect.bracket(inside.text) if loose else inside.text

    def _numbered(self, many: sp.Expr, rest: MatrixExpr) -> Set:
        sign = "-" if many < 0 else ""
        many = abs(many)
        if isinstance(rest, OneMatrix):
            return Set(sign + self._number(many), SUM if sign else ATOM)
        if isinstance(rest, nd.Scale) and _divides(rest.scalar) and many != 1:
            return Set(sign + self._divided(many, rest), SUM if sign else PRODUCT)
        inside = self._in(rest, HADAMARD if many == 1 else PRODUCT)
        number = "" if many == 1 else self._number(many) + self.dialect.space
        return Set(sign + number + inside, SUM if sign else PRODUCT)

    def _number(self, many: sp.Expr) -> str:
        return self.dialect.number(int(many.p), int(many.q))

    def _at(self, e: nd.At) -> Set:
        return Set(self.symbol(e.name, self.step(e.index)), ATOM)

    def _adjoint(self, e: nd.Adjoint) -> Set:
        return Set(self.adjoint(e.name, e.index), ATOM)

    def _window_adjoint(self, e: nd.WindowAdjoint) -> Set:
        return Set(self.adjoint(e.name, e.index, e.end), ATOM)

    def _parameter(self, e: MatrixSymbol) -> Set:
        return Set(self.symbol(e.name), ATOM)

    def _ones(self, e: OneMatrix) -> Set:
        return Set("1", ATOM)

    def _sum(self, e: MatAdd) -> Set:
        terms = [self._term(term) for term in _positive_first(e.args)]
        text = terms[0]
        for term in terms[1:]:
            text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
        return Set(text, SUM)

    def _term(self, e: MatrixExpr) -> str:
        """A term of a sum; a scalar added to every entry stands by itself, as a number does."""
        many, rest = al.coefficient(e)
        if isinstance(rest, nd.Scale) and isinstance(rest.operand, OneMatrix):
            return self._set(al.times(many, rest.scalar)).text
        return self._set(e).text

    def _product(self, e: MatMul) -> Set:
        factors = [self._factor(f) for f in e.args]
        return Set(self._side_by_side(factors), PRODUCT)

    def _factor(self, e: MatrixExpr) -> str:
        if not isinstance(e, OneMatrix):
            return self._in(e, ATOM)
        ones = self.dialect.ones
        row = e.shape[0] == nd.ONE and not self.model.row_vectors
        return self.dialect.transpose(ones, self.notation) if row else ones

    def _side_by_side(self, factors: list[str]) -> str:
        return (r" " if self.dialect.name == "text" else r"\,").join(factors)

    def _hadamard(self, e: HadamardProduct) -> Set:
        over = [f for f in e.args if not _inverse(f)]
        under = [al.raised(f, -1) for f in e.args if _inverse(f)]
        if al.is_scalar(e):
            return self._scalars(over, under)
        sign = self.dialect.hadamard(self.notation)
        text = sign.join(self._in(f, ATOM) for f in over) if over else "1"
        for f in under:
            text += self.dialect.divide + self._in(f, ATOM)
        return Set(text, HADAMARD)

    def _scalars(self, over: list[MatrixExpr], under: list[MatrixExpr]) -> Set:
        """A product or quotient of numbers, which needs no sign of an entrywise one."""
        text = self._side_by_side([self._in(f, ATOM) for f in over]) if over else "1"
        if len(under) == 1:
            below = self._set(under[0])
            text = self.dialect.quotient(text, below.text, below.level == ATOM)
        elif under:
            factors = self._side_by_side([self._in(f, ATOM) for f in under])
            text = self.dialect.quotient(text, factors, False)
        return Set(text, PRODUCT)

    def _power(self, e: HadamardPower) -> Set:
        if e.exp.is_negative and al.is_scalar(e):
            return self._quotient("1", e)
        if e.exp.is_negative:
            below = self._in(al.raised(e.base, -e.exp), ATOM)
            return Set(f"1{self.dialect.divide}{below}", HADAMARD)
        exponent = self._number(e.exp)
        if isinstance(e.base, nd.Map) and self.dialect.name == "latex":
            name = self.dialect.function(e.base.function, e.base.order)
            head = self.dialect.power(name, exponent)
            return Set(head + self.dialect.bracket(self(e.base.operand)), ATOM)
        return Set(self.dialect.power(self._in(e.base, ATOM), exponent), ATOM)

    def _transpose(self, e: Transpose) -> Set:
        inside = self._in(e.arg, ATOM)
        if r"\frac" in inside and not inside.startswith((r"\left(", r"\begin")):
            inside = self.dialect.bracket(inside)
        return Set(self.dialect.transpose(inside, self.notation), ATOM)

    def _map(self, e: nd.Map) -> Set:
        name = self.dialect.function(e.function, e.order)
        return Set(name + self.dialect.bracket(self(e.operand)), ATOM)

    def _vector_map(self, e: nd.VectorMap) -> Set:
        name = self.dialect.function(e.function, 0)
        return Set(name + self.dialect.bracket(self(e.operand)), ATOM)

    def _count(self, e: nd.Count) -> Set:
        level = SUM if e.value.is_Add else PRODUCT if e.value.is_Mul else ATOM
        return Set(self._dimension(e.value), level)

    def _stack(self, e: nd.Stack) -> Set:
        return Set(self.dialect.stack(list(map(self, e.parts)), e.shape[1] == nd.ONE), ATOM)

    def _block(self, e: nd.Block) -> Set:
        entries = self._entries(e.start, e.size)
        if self.dialect.name == "latex":
            return Set(self.dialect.block(self.dialect.bracket(self(e.operand)), entries), ATOM)
        which, of = e.start / e.size + 1, al.length(e.operand) / e.size
        if which.is_Integer and of.is_Integer:  # as a model has it
            return Set(f"part({self(e.operand)}, {which}, {of})", ATOM)
        return Set(self.dialect.block(self._in(e.operand, ATOM), entries), ATOM)

    def _entries(self, start: sp.Expr, size: sp.Expr) -> str:
        """``n+1:2n``, or the number of the one entry."""
        first = self._dimension(start + 1)
        return first if size == 1 else f"{first}:{self._dimension(start + size)}"

    def _dimension(self, dim: sp.Expr) -> str:
        return str(nd.dimension_sum(dim, self.model.dimensions))

    def _total(self, e: nd.Total) -> Set:
        if isinstance(e.operand, HadamardPower) and e.operand.exp == 2:
            matrix = nd.ONE not in e.operand.shape
            return Set(self.dialect.squared_norm(self(e.operand.base), matrix), ATOM)
        ones = self.dialect.transpose(self.dialect.ones, self.notation)
        factors = [ones, self._in(e.operand, ATOM)]
        if e.operand.shape[1] != 1:
            factors.append(self.dialect.ones)
        return Set(self._side_by_side(factors), PRODUCT)

    def _scale(self, e: nd.Scale) -> Set:
        if al.is_scalar(e) and _inverse(e.operand):
            return self._quotient(self._in(e.scalar, ATOM), e.operand)
        if _is_mean(e):
            inside = self.dialect.bracket(self(e.operand.operand))
            return Set(self.dialect.function("mean", 0) + inside, ATOM)
        if _divides(e.scalar):
            return Set(self._divided(nd.ONE, e), PRODUCT)
        return Set(self._side_by_side([self._in(e.scalar, ATOM), self._scaled(e)]), PRODUCT)

    def _scaled(self, e: nd.Scale) -> str:
        """What a scalar stands before."""
        if isinstance(e.operand, OneMatrix):
            return self.dialect.ones
        return self._in(e.operand, ATOM if isinstance(e.operand, nd.Total) else PRODUCT)

    def _divided(self, many: sp.Rational, e: nd.Scale) -> str:
        """``2/k A``, ``β/(2 T) A``: a number goes into the quotient in front of a matrix."""
        above, inverse = nd.ONE, e.scalar
        if type(inverse) is nd.Scale:
            above, inverse = inverse.scalar, inverse.operand
        over = self._set(al.times(many.p, above)).text if above != nd.ONE else str(many.p)
        return self._side_by_side([self._quotient(over, inverse, many.q).text, self._scaled(e)])

    def _quotient(self, over: str, inverse: HadamardPower, times: int = 1) -> Set:
        under = self._set(al.times(times, al.raised(inverse.base, -inverse.exp)))
        return Set(self.dialect.quotient(over, under.text, under.level == ATOM), PRODUCT)

    def _abstract_name(self, e: nd.Abstract) -> str:
        name = e.function
        if not name.endswith("_t"):
            return self.dialect.function(name, 0)
        when = next((self.step(a.index) for a in al.find(e, nd.At)), "t")
        return self.dialect.scripts(self.dialect.base(name[:-2]), [when], [])

    def _abstract(self, e: nd.Abstract) -> Set:
        inside = ", ".join(map(self, e.arguments))
        return Set(self._abstract_name(e) + self.dialect.bracket(inside), ATOM)

    def _partial(self, e: nd.Partial) -> Set:
        name, by = self._abstract_name(e.value), self._in(e.by, ATOM)
        return Set(self.dialect.fraction(name, by, self.notation), ATOM)

    def _time_sum(self, e: nd.TimeSum) -> Set:
        index = str(e.index)
        if isinstance(e.steps, sp.Range):
            head = self.dialect.sum_over(index, *map(self.step, nd.ends(e.steps)))
        elif isinstance(e.steps, WindowEnds):
            head = self.dialect.sum_under(window_ends(index, e.steps, self))
        else:
            steps = sorted(e.steps.args, key=lambda s: (bool(s.free_symbols), str(s)))
            head = self.dialect.sum_in(index, [self.step(s) for s in steps])
        return Set(head + self._in(e.body, HADAMARD), PRODUCT)

    def _time_product(self, e: nd.TimeProduct) -> Set:
        head = self.dialect.product_over(str(e.index), *map(self.step, nd.ends(e.steps)))
        return Set(self.dialect.bracket(head + self._in(e.body, ATOM)), ATOM)

    def _vec(self, e: jn.Vec) -> Set:
        return Set(self.vec(self(e.operand)), ATOM)

    def vec(self, formula: str) -> str:
        """``vec(A)``."""
        return self.dialect.function("vec", 0) + self.dialect.bracket(formula)

    def letter(self, kind: type) -> str:
        """The letter of a constant matrix: one that means nothing else in the model."""
        taken = {v.spelled.base for v in self.model.variables.values()}
        return next((c for c in _CONSTANTS[kind] if c not in taken), _CONSTANTS[kind][0])

    def _commutation(self, e: jn.Commutation) -> Set:
        sizes = [self._dimension(d) for d in e.args]
        return Set(self.dialect.scripts(self.letter(type(e)), sizes, []), ATOM)

    def _placing(self, e: jn.Placing) -> Set:
        columns = self._entries(e.start, e.size)
        return Set(self.dialect.scripts(self.letter(type(e)), [columns], []), ATOM)

    def _kronecker(self, e: KroneckerProduct) -> Set:
        factors = (self._in(f, ATOM) for f in e.args)
        return Set(self.dialect.kronecker.join(factors), HADAMARD)

    def _sensitivity(self, e: jn.Sensitivity) -> Set:
        above, below = self(e.of), self(e.by)
        if isinstance(e, jn.Immediate):
            return Set(self.dialect.immediate(above, below), ATOM)
        return Set(self.dialect.fraction(above, below, self.notation), ATOM)

    def _diagonal(self, e: DiagMatrix) -> Set:
        return Set(self.dialect.diagonal(self(e.args[0])), ATOM)


def _inverse(e: MatrixExpr) -> bool:
    return isinstance(e, HadamardPower) and bool(e.exp.is_negative)


def _is_mean(e: nd.Scale) -> bool:
    """Whether a scaling is ``1/n`` of the sum of the n entries of a vector."""
    if not isinstance(e.operand, nd.Total):
        return False
    sizes = [d for d in e.operand.operand.shape if d != nd.ONE]
    return len(sizes) == 1 and bool(e.scalar == al.raised(nd.Count(sizes[0]), -1))


def _divides(e: MatrixExpr) -> bool:
    """Whether a number is set as a quotient: ``1/τ``, ``a/τ``."""
    return _inverse(e) or (type(e) is nd.Scale and _inverse(e.operand))


def _positive_first(terms: tuple[MatrixExpr, ...]) -> list[MatrixExpr]:
    """``1 - h²`` and not ``-h² + 1``: a sum begins with a term without a minus."""
    start = next((i for i, term in enumerate(terms) if al.coefficient(term)[0] > 0), 0)
    return [terms[start], *terms[:start], *terms[start + 1 :]]


#: The letters of constant matrices, by preference.
_CONSTANTS: dict[type, str] = {jn.Commutation: "KP", jn.Placing: "EQ"}

_PRINT: dict[type, Callable[[Printer, Any], Set]] = {
    nd.At: Printer._at,
    nd.Adjoint: Printer._adjoint,
    nd.WindowAdjoint: Printer._window_adjoint,
    MatrixSymbol: Printer._parameter,
    OneMatrix: Printer._ones,
    ZeroMatrix: lambda printer, e: Set("0", ATOM),
    Identity: lambda printer, e: Set("I", ATOM),
    MatAdd: Printer._sum,
    MatMul: Printer._product,
    HadamardProduct: Printer._hadamard,
    HadamardPower: Printer._power,
    Transpose: Printer._transpose,
    DiagMatrix: Printer._diagonal,
    nd.Map: Printer._map,
    nd.VectorMap: Printer._vector_map,
    nd.Total: Printer._total,
    nd.Scale: Printer._scale,
    nd.Count: Printer._count,
    nd.Stack: Printer._stack,
    nd.Block: Printer._block,
    nd.Abstract: Printer._abstract,
    nd.Partial: Printer._partial,
    nd.TimeSum: Printer._time_sum,
    nd.TimeProduct: Printer._time_product,
    jn.Vec: Printer._vec,
    jn.Commutation: Printer._commutation,
    jn.Placing: Printer._placing,
    KroneckerProduct: Printer._kronecker,
    jn.Sensitivity: Printer._sensitivity,
    jn.Immediate: Printer._sensitivity,
}
