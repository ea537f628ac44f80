"""The expressions of a derivation: SymPy's matrix expressions and the few nodes it lacks.

Sums, products, transposes and Hadamard products are SymPy's own.  What is added: a symbol at
a point in time, its adjoint, a function applied entry by entry, a vector function, a function
known by name alone, a scalar times a matrix, sums and products over time.  Build expressions
with the functions of :mod:`symbptt.calculus.algebra`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions import (
    MatrixExpr,
)

from symbptt.model.terms import Dim, DimSum, Index, as_sum

t = sp.Symbol("t", integer=True)
T = sp.Symbol("T", integer=True, positive=True)
ONE = sp.Integer(1)


def dimension(dim: Dim) -> sp.Expr:
    """A dimension as SymPy writes it."""
    whole = as_sum(dim)
    names = ((sp.Symbol(name, integer=True, positive=True), k) for name, k in whole.terms)
    return sp.Add(whole.number, *(k * name for name, k in names))


def dimension_sum(dim: sp.Expr, order: Sequence[str] = ()) -> DimSum:
    """A dimension as a sum again, the names of ``order`` in that order.

    >>> str(dimension_sum(2 * dimension("m") + dimension("n") + 1, ["n", "m"]))
    'n+2m+1'
    """
    many = dim.as_coefficients_dict()
    terms = [(str(name), int(k)) for name, k in many.items() if name != 1]
    terms.sort(key=lambda term: order.index(term[0]) if term[0] in order else len(order))
    return DimSum(tuple(terms), int(many.get(ONE, 0)))


def step(index: Index) -> sp.Expr:
    """A point in time as SymPy writes it."""
    return {"t": t, "T": T, "": sp.Integer(0)}[index.anchor] + index.offset


def number(value: Any) -> sp.Expr:
    """A Python number, or an expression, as an expression."""
    return value if isinstance(value, sp.Basic) else sp.Rational(value)


def entries(e: MatrixExpr) -> sp.Expr:
    """The number of entries of a matrix."""
    rows, cols = e.shape
    return rows * cols


def ends(steps: sp.Range) -> tuple[sp.Expr, sp.Expr]:
    """The first and the last step of a range, which may run down."""
    return steps.start, steps.stop - steps.step


def _script(index: sp.Expr) -> str:
    """An index as a script: ``t``, ``{t-1}``."""
    text = str(index).replace(" ", "")
    return text if text.isalnum() else f"{{{text}}}"


def _name_in_latex(name: str, printer: Any) -> str:
    return f"{{{printer._print(sp.Symbol(name))}}}"


class Node(MatrixExpr):
    """A matrix expression that SymPy doesn't have.  ``node.func(*node.args) == node``."""

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        raise AssertionError  # every node below says its own

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> sp.Expr:
        return sp.Function(type(self).__name__)(*self.args, i, j)

    def doit(self, **hints: Any) -> MatrixExpr:
        return self


class At(Node):
    """A time-indexed symbol at a step: ``h_{t-1}``."""

    def __new__(cls, name: str | Str, index: Any, rows: Any, cols: Any) -> At:
        name = name if isinstance(name, Str) else Str(name)
        return sp.Basic.__new__(cls, name, number(index), number(rows), number(cols))

    @property
    def name(self) -> str:
        return self.args[0].name

    @property
    def index(self) -> sp.Expr:
        return self.args[1]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.args[2], self.args[3]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}_{_script(self.index)}"

    def _latex(self, printer: Any) -> str:
        return f"{_name_in_latex(self.name, printer)}_{{{self.index}}}"


class Adjoint(At):
    """``δ^v_t = ∂L/∂v_t``, the total derivative of the loss by a computed quantity."""

    def _sympystr(self, printer: Any) -> str:
        return f"δ^{self.name}_{_script(self.index)}"

    def _latex(self, printer: Any) -> str:
        return rf"\delta^{{{_name_in_latex(self.name, printer)}}}_{{{self.index}}}"


class WindowAdjoint(Adjoint):
    """``δ^{v,(e)}_t``: the derivative of the losses of the window that ends at step e alone."""

    def __new__(cls, name: str | Str, index: Any, rows: Any, cols: Any, end: Any) -> WindowAdjoint:
        name = name if isinstance(name, Str) else Str(name)
        places = map(number, (index, rows, cols, end))
        return sp.Basic.__new__(cls, name, *places)

    @property
    def end(self) -> sp.Expr:
        return self.args[4]

    def _sympystr(self, printer: Any) -> str:
        return f"δ^{{{self.name},({self.end})}}_{_script(self.index)}"

    def _latex(self, printer: Any) -> str:
        above = f"{_name_in_latex(self.name, printer)},({self.end})"
        return rf"\delta^{{{above}}}_{{{self.index}}}"


class Map(Node):
    """``f(z)`` entry by entry; of order 1, ``f'(z)``."""

    def __new__(cls, function: str | Str, order: Any, operand: MatrixExpr) -> Map:
        function = function if isinstance(function, Str) else Str(function)
        return sp.Basic.__new__(cls, function, sp.Integer(order), operand)

    @property
    def function(self) -> str:
        return self.args[0].name

    @property
    def order(self) -> int:
        return int(self.args[1])

    @property
    def operand(self) -> MatrixExpr:
        return self.args[2]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.operand.shape

    def _sympystr(self, printer: Any) -> str:
        primes = "'" * self.order
        return f"{self.function}{primes}({printer._print(self.operand)})"

    def _latex(self, printer: Any) -> str:
        primes = "'" * self.order
        return rf"\operatorname{{{self.function}}}{primes}({printer._print(self.operand)})"


class VectorMap(Node):
    """``softmax(z)`` or ``log_softmax(z)``: a function of a vector as a whole."""

    def __new__(cls, function: str | Str, operand: MatrixExpr) -> VectorMap:
        function = function if isinstance(function, Str) else Str(function)
        return sp.Basic.__new__(cls, function, operand)

    @property
    def function(self) -> str:
        return self.args[0].name

    @property
    def operand(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.operand.shape

    def _sympystr(self, printer: Any) -> str:
        return f"{self.function}({printer._print(self.operand)})"

    def _latex(self, printer: Any) -> str:
        return rf"\operatorname{{{self.function}}}({printer._print(self.operand)})"


class Total(Node):
    """``1ᵀ A 1``: the sum of all entries, 1×1."""

    def __new__(cls, operand: MatrixExpr) -> Total:
        return sp.Basic.__new__(cls, operand)

    @property
    def operand(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return ONE, ONE

    def _sympystr(self, printer: Any) -> str:
        return f"sum({printer._print(self.operand)})"

    def _latex(self, printer: Any) -> str:
        return rf"\mathbf{{1}}^T ({printer._print(self.operand)}) \mathbf{{1}}"


class Count(Node):
    """A whole number as a 1×1 matrix: the number of steps, or the size of a dimension."""

    def __new__(cls, value: Any) -> Count:
        return sp.Basic.__new__(cls, number(value))

    @property
    def value(self) -> sp.Expr:
        return self.args[0]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return ONE, ONE

    def _sympystr(self, printer: Any) -> str:
        return str(self.value)

    def _latex(self, printer: Any) -> str:
        return str(self.value)


class Scale(Node):
    """A scalar expression (1×1) times a matrix of any shape."""

    def __new__(cls, scalar: MatrixExpr, operand: MatrixExpr) -> Scale:
        return sp.Basic.__new__(cls, scalar, operand)

    @property
    def scalar(self) -> MatrixExpr:
        return self.args[0]

    @property
    def operand(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.operand.shape

    def _sympystr(self, printer: Any) -> str:
        return f"({printer._print(self.scalar)})*({printer._print(self.operand)})"

    def _latex(self, printer: Any) -> str:
        return rf"({printer._print(self.scalar)}) ({printer._print(self.operand)})"


class Stack(Node):
    """``[a; b]``: columns on top of one another or, of shape 1×n, rows side by side."""

    def __new__(cls, rows: Any, cols: Any, *parts: MatrixExpr) -> Stack:
        return sp.Basic.__new__(cls, number(rows), number(cols), *parts)

    @property
    def parts(self) -> tuple[MatrixExpr, ...]:
        return self.args[2:]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.args[0], self.args[1]

    def _sympystr(self, printer: Any) -> str:
        return f"[{'; '.join(map(printer._print, self.parts))}]"

    def _latex(self, printer: Any) -> str:
        between = r" \\ " if self.shape[1] == ONE else " & "
        inside = between.join(map(printer._print, self.parts))
        return rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}"


class Block(Node):
    """``a_{start+1:start+size}``: consecutive entries of a vector."""

    def __new__(cls, operand: MatrixExpr, start: Any, size: Any) -> Block:
        return sp.Basic.__new__(cls, operand, number(start), number(size))

    @property
    def operand(self) -> MatrixExpr:
        return self.args[0]

    @property
    def start(self) -> sp.Expr:
        return self.args[1]

    @property
    def size(self) -> sp.Expr:
        return self.args[2]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return (self.size, ONE) if self.operand.shape[1] == ONE else (ONE, self.size)

    def _sympystr(self, printer: Any) -> str:
        return f"{printer._print(self.operand)}[{self.start + 1}:{self.start + self.size}]"

    def _latex(self, printer: Any) -> str:
        script = f"{self.start + 1}:{self.start + self.size}"
        return rf"\left({printer._print(self.operand)}\right)_{{{script}}}"


class Abstract(Node):
    """A function known by name alone: ``L_t(y_t, target_t)``, ``f(x_t, h_{t-1}, w)``."""

    def __new__(cls, function: str | Str, rows: Any, cols: Any, *arguments: MatrixExpr) -> Abstract:
        function = function if isinstance(function, Str) else Str(function)
        return sp.Basic.__new__(cls, function, number(rows), number(cols), *arguments)

    @property
    def function(self) -> str:
        return self.args[0].name

    @property
    def arguments(self) -> tuple[MatrixExpr, ...]:
        return self.args[3:]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.args[1], self.args[2]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.function}({', '.join(map(printer._print, self.arguments))})"

    def _latex(self, printer: Any) -> str:
        inside = ", ".join(map(printer._print, self.arguments))
        return rf"{_name_in_latex(self.function, printer)}({inside})"


class Partial(Node):
    """The immediate derivative of an abstract function by one of its arguments.

    Of a scalar function the gradient, in the shape of the argument; of a vector function the
    Jacobian, with one row per entry of the function and one column per entry of the argument.
    """

    def __new__(cls, value: Abstract, which: Any) -> Partial:
        return sp.Basic.__new__(cls, value, sp.Integer(which))

    @property
    def value(self) -> Abstract:
        return self.args[0]

    @property
    def which(self) -> int:
        return int(self.args[1])

    @property
    def by(self) -> MatrixExpr:
        return self.value.arguments[self.which]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        if self.value.shape == (ONE, ONE):
            return self.by.shape
        return sp.Mul(*self.value.shape), sp.Mul(*self.by.shape)

    def _sympystr(self, printer: Any) -> str:
        return f"∂{self.value.function}/∂{printer._print(self.by)}"

    def _latex(self, printer: Any) -> str:
        above = _name_in_latex(self.value.function, printer)
        return rf"\frac{{\partial {above}}}{{\partial {printer._print(self.by)}}}"


class TimeSum(Node):
    """``Σ_{index ∈ steps} body``; ``steps`` is a SymPy ``Range`` or ``FiniteSet``."""

    def __new__(cls, body: MatrixExpr, index: sp.Symbol, steps: sp.Set) -> TimeSum:
        return sp.Basic.__new__(cls, body, index, steps)

    @property
    def body(self) -> MatrixExpr:
        return self.args[0]

    @property
    def index(self) -> sp.Symbol:
        return self.args[1]

    @property
    def steps(self) -> sp.Set:
        return self.args[2]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.body.shape

    def _xreplace(self, rule: Any) -> tuple[Any, bool]:
        # The index is bound: replacing t outside must not touch it.
        free = {old: new for old, new in rule.items() if old != self.index}
        body, in_body = self.body._xreplace(free)
        steps, in_steps = self.steps._xreplace(free)
        changed = in_body or in_steps
        return (self.func(body, self.index, steps) if changed else self), changed

    sign, command = "Σ", r"\sum"

    def _sympystr(self, printer: Any) -> str:
        body = printer._print(self.body)
        if isinstance(self.steps, sp.Range):
            first, last = ends(self.steps)
            return f"{self.sign}_{{{self.index}={first}}}^{_script(last)} {body}"
        return f"{self.sign}_{{{self.index} ∈ {self.steps}}} {body}"

    def _latex(self, printer: Any) -> str:
        body = printer._print(self.body)
        if isinstance(self.steps, sp.Range):
            first, last = ends(self.steps)
            return rf"{self.command}_{{{self.index}={first}}}^{{{last}}} {body}"
        return rf"{self.command}_{{{self.index} \in {printer._print(self.steps)}}} {body}"


class TimeProduct(TimeSum):
    """``Π_{index=first}^{last} body``, the factor of ``first`` leftmost; empty, the identity.

    The steps may run down: ``J_t ⋯ J_{k+1}`` runs from t to k + 1.
    """

    sign, command = "Π", r"\prod"
