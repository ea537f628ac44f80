"""The expressions of a derivation: SymPy's matrix expressions and the few nodes it lacks.

Sums, products, transposes and Hadamard products are SymPy's own.  What is added: a symbol at
a point in time, its adjoint, a function applied entry by entry, a vector function, a function
known by name alone, a scalar times a matrix, sums and products over time.

Build expressions with the functions of this module.  SymPy sorts the arguments of sums and
Hadamard products as soon as it evaluates them; these constructors simplify what a person
would (zeros, ones, nested sums and products, signs) and keep the order in which things were said.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)

from symbptt.model.terms import Dim, Index

t = sp.Symbol("t", integer=True)
T = sp.Symbol("T", integer=True, positive=True)
ONE = sp.Integer(1)


def dimension(dim: Dim) -> sp.Expr:
    """A dimension as SymPy writes it."""
    return sp.Integer(dim) if isinstance(dim, int) else sp.Symbol(dim, integer=True, positive=True)


def step(index: Index) -> sp.Expr:
    """A point in time as SymPy writes it."""
    return {"t": t, "T": T, "": sp.Integer(0)}[index.anchor] + index.offset


def number(value: Any) -> sp.Expr:
    """A Python number, or an expression, as an expression."""
    return value if isinstance(value, sp.Basic) else sp.Rational(value)


def _script(index: sp.Expr) -> str:
    """An index as a script: ``t``, ``{t-1}``."""
    text = str(index).replace(" ", "")
    return text if text.isalnum() else f"{{{text}}}"


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
        return str(self.args[0])

    @property
    def index(self) -> sp.Expr:
        return self.args[1]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.args[2], self.args[3]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}_{_script(self.index)}"


class Adjoint(At):
    """``δ^v_t = ∂L/∂v_t``, the total derivative of the loss by a computed quantity."""

    def _sympystr(self, printer: Any) -> str:
        return f"δ^{self.name}_{_script(self.index)}"


class Map(Node):
    """``f(z)`` entry by entry; of order 1, ``f'(z)``."""

    def __new__(cls, function: str | Str, order: Any, operand: MatrixExpr) -> Map:
        function = function if isinstance(function, Str) else Str(function)
        return sp.Basic.__new__(cls, function, sp.Integer(order), operand)

    @property
    def function(self) -> str:
        return str(self.args[0])

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


class VectorMap(Node):
    """``softmax(z)`` or ``log_softmax(z)``: a function of a vector as a whole."""

    def __new__(cls, function: str | Str, operand: MatrixExpr) -> VectorMap:
        function = function if isinstance(function, Str) else Str(function)
        return sp.Basic.__new__(cls, function, operand)

    @property
    def function(self) -> str:
        return str(self.args[0])

    @property
    def operand(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.operand.shape

    def _sympystr(self, printer: Any) -> str:
        return f"{self.function}({printer._print(self.operand)})"


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


class Abstract(Node):
    """A function known by name alone: ``L_t(y_t, target_t)``, ``f(x_t, h_{t-1}, w)``."""

    def __new__(cls, function: str | Str, rows: Any, cols: Any, *arguments: MatrixExpr) -> Abstract:
        function = function if isinstance(function, Str) else Str(function)
        return sp.Basic.__new__(cls, function, number(rows), number(cols), *arguments)

    @property
    def function(self) -> str:
        return str(self.args[0])

    @property
    def arguments(self) -> tuple[MatrixExpr, ...]:
        return self.args[3:]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.args[1], self.args[2]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.function}({', '.join(map(printer._print, self.arguments))})"


class Partial(Node):
    """The immediate derivative of an abstract function by one of its arguments.

    Of a scalar function the gradient, in the shape of the argument; of a vector function the
    Jacobian, with the function's rows and one column per entry of the argument.
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
        rows, cols = self.by.shape
        return self.value.shape[0], rows * cols

    def _sympystr(self, printer: Any) -> str:
        return f"∂{self.value.function}/∂{printer._print(self.by)}"


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

    sign = "Σ"

    def _sympystr(self, printer: Any) -> str:
        body = printer._print(self.body)
        if isinstance(self.steps, sp.Range):
            first, last = self.steps.start, self.steps.stop - 1
            return f"{self.sign}_{{{self.index}={first}}}^{_script(last)} {body}"
        return f"{self.sign}_{{{self.index} ∈ {self.steps}}} {body}"


class TimeProduct(TimeSum):
    """``Π_{index=first}^{last} body``, the factor of ``first`` leftmost; empty, the identity."""

    sign = "Π"


# -- constructors that keep the order ---------------------------------------------------------


def is_zero(a: MatrixExpr) -> bool:
    """Whether an expression is the zero matrix."""
    return isinstance(a, ZeroMatrix)


def is_ones(a: MatrixExpr) -> bool:
    """Whether an expression is the matrix of ones."""
    return isinstance(a, OneMatrix)


def is_scalar(a: MatrixExpr) -> bool:
    """Whether an expression is 1×1."""
    return bool(a.shape == (ONE, ONE))


def coefficient(a: MatrixExpr) -> tuple[sp.Expr, MatrixExpr]:
    """A number and what it multiplies: ``-2 A`` is (-2, A)."""
    if isinstance(a, MatMul) and not isinstance(a.args[0], MatrixExpr):
        rest = a.args[1:]
        return a.args[0], rest[0] if len(rest) == 1 else MatMul(*rest)
    return ONE, a


def plus(*terms: MatrixExpr) -> MatrixExpr:
    """``a + b + …`` in this order, zeros dropped, like terms gathered, nested sums opened."""
    flat: list[MatrixExpr] = []
    for term in terms:
        flat += term.args if isinstance(term, MatAdd) else [term]
    gathered: dict[MatrixExpr, sp.Expr] = {}
    for term in flat:
        if not is_zero(term):
            many, rest = coefficient(term)
            gathered[rest] = gathered.get(rest, 0) + many
    kept = [times(many, rest) for rest, many in gathered.items() if many != 0]
    if not kept:
        return ZeroMatrix(*terms[0].shape)
    return kept[0] if len(kept) == 1 else MatAdd(*kept)


def times(*factors: Any) -> MatrixExpr:
    """A matrix product in this order; numbers go in front, 1×1 factors become scalings."""
    many: sp.Expr = ONE
    flat: list[MatrixExpr] = []
    for factor in factors:
        if not isinstance(factor, MatrixExpr):
            many *= number(factor)
            continue
        inner, rest = coefficient(factor)
        many *= inner
        flat += rest.args if isinstance(rest, MatMul) else [rest]
    shape = flat[0].shape[0], flat[-1].shape[1]
    if many == 0 or any(is_zero(f) for f in flat):
        return ZeroMatrix(*shape)
    scalars = [f for f in flat if is_scalar(f)]
    if scalars and len(flat) > 1:
        rest = [f for f in flat if not is_scalar(f)]
        product = times(many, *rest) if rest else times(many, scalars.pop())
        for scalar in scalars:
            product = scale(scalar, product)
        return product
    flat = [f for f in flat if not isinstance(f, sp.Identity)] or flat[:1]
    if len(flat) == 1:
        return flat[0] if many == 1 else MatMul(many, flat[0])
    return MatMul(*flat) if many == 1 else MatMul(many, *flat)


def scale(scalar: MatrixExpr, operand: MatrixExpr) -> MatrixExpr:
    """A 1×1 expression times a matrix; numbers are pulled to the front."""
    a, scalar = coefficient(scalar)
    b, operand = coefficient(operand)
    if is_zero(scalar) or is_zero(operand):
        return ZeroMatrix(*operand.shape)
    if is_ones(scalar):
        return times(a * b, operand)
    if is_ones(operand) and is_scalar(operand):
        return times(a * b, scalar)
    return times(a * b, Scale(scalar, operand))


def odot(*factors: MatrixExpr) -> MatrixExpr:
    """``a ⊙ b ⊙ …`` in this order; ones dropped, numbers in front, nested products opened."""
    many: sp.Expr = ONE
    flat: list[MatrixExpr] = []
    for factor in factors:
        inner, rest = coefficient(factor)
        many *= inner
        flat += rest.args if isinstance(rest, HadamardProduct) else [rest]
    if any(is_zero(f) for f in flat):
        return ZeroMatrix(*flat[0].shape)
    kept = [f for f in flat if not is_ones(f)] or flat[:1]
    return times(many, kept[0] if len(kept) == 1 else HadamardProduct(*kept))


def transpose(a: MatrixExpr) -> MatrixExpr:
    """``aᵀ``, taken inside products and sums as far as it goes."""
    many, a = coefficient(a)
    if many != 1:
        return times(many, transpose(a))
    if isinstance(a, Transpose):
        return a.arg
    if isinstance(a, MatMul):
        return times(*(transpose(f) for f in reversed(a.args)))
    if isinstance(a, MatAdd):
        return plus(*(transpose(term) for term in a.args))
    if isinstance(a, HadamardProduct):
        return odot(*(transpose(f) for f in a.args))
    if isinstance(a, OneMatrix | ZeroMatrix):
        return type(a)(*reversed(a.shape))
    return a if is_scalar(a) or isinstance(a, DiagMatrix | sp.Identity) else Transpose(a)


def raised(a: MatrixExpr, exponent: Any) -> MatrixExpr:
    """``a`` to a power, entry by entry."""
    exponent = number(exponent)
    if exponent == 1:
        return a
    if exponent == 0 or is_ones(a):
        return OneMatrix(*a.shape)
    if isinstance(a, HadamardPower):
        return raised(a.base, a.exp * exponent)
    return HadamardPower(a, exponent)


def total(a: MatrixExpr) -> MatrixExpr:
    """The sum of all entries."""
    many, a = coefficient(a)
    if is_scalar(a):
        return times(many, a)
    if isinstance(a, MatAdd):
        return plus(*(times(many, total(term)) for term in a.args))
    if isinstance(a, Scale):
        return times(many, scale(a.scalar, total(a.operand)))
    return times(many, ZeroMatrix(1, 1) if is_zero(a) else Total(a))


def inner(a: MatrixExpr, b: MatrixExpr) -> MatrixExpr:
    """The sum of the entries of ``a ⊙ b``: ``aᵀ b`` for columns."""
    if is_scalar(a):
        return scale(a, b)
    if is_ones(a):
        return total(b)
    if a.shape[1] == ONE:
        return times(transpose(a), b)
    if a.shape[0] == ONE:
        return times(a, transpose(b))
    return total(odot(a, b))


def ones(shape: tuple[Any, Any]) -> MatrixExpr:
    """The matrix of ones."""
    return OneMatrix(*shape)


def zeros(shape: tuple[Any, Any]) -> MatrixExpr:
    """The zero matrix."""
    return ZeroMatrix(*shape)


LEAVES = (At, MatrixSymbol, OneMatrix, ZeroMatrix)


def gather(terms: list[MatrixExpr], shape: tuple[Any, Any]) -> MatrixExpr:
    """``a ⊙ c + b ⊙ c`` as ``(a + b) ⊙ c``: a sum with what all its terms share taken out."""
    if len(terms) < 2:
        return terms[0] if terms else ZeroMatrix(*shape)
    split = [coefficient(term) for term in terms]
    factors = [list(e.args) if isinstance(e, HadamardProduct) else [e] for _, e in split]
    shared = [f for f in factors[0] if all(f in others for others in factors[1:])]
    if not shared or is_scalar(terms[0]):
        return plus(*terms)
    rests: list[MatrixExpr] = []
    for (many, _), own in zip(split, factors, strict=True):
        rest = [f for f in own if f not in shared]
        rests.append(times(many, odot(*rest) if rest else ones(shape)))
    return odot(plus(*rests), *shared)


#: How to build each composite node again from changed parts.
_BUILD: dict[type, Any] = {
    MatAdd: plus,
    MatMul: times,
    HadamardProduct: odot,
    HadamardPower: raised,
    Transpose: transpose,
    Scale: scale,
    Total: total,
}


def rebuild(expression: MatrixExpr, change: Any) -> MatrixExpr:
    """The expression with ``change`` applied to each direct part, put together in order."""
    if isinstance(expression, LEAVES) or not expression.args:
        return expression
    if isinstance(expression, TimeSum):
        return expression.func(change(expression.body), *expression.args[1:])
    parts = [change(a) if isinstance(a, MatrixExpr) else a for a in expression.args]
    if all(new is old for new, old in zip(parts, expression.args, strict=True)):
        return expression
    return _BUILD.get(type(expression), type(expression))(*parts)


def substitute(expression: MatrixExpr, values: dict[MatrixExpr, MatrixExpr]) -> MatrixExpr:
    """Replace nodes, simplifying what the replacement makes trivial."""
    if expression in values:
        return values[expression]
    return rebuild(expression, lambda part: substitute(part, values))


def at(expression: sp.Basic, when: Any) -> Any:
    """The expression with the current step set to ``when``."""
    return expression.xreplace({t: number(when)})


def find(expression: sp.Basic, kind: type) -> list[Any]:
    """The nodes of a kind, each once, in reading order."""
    return list(dict.fromkeys(e for e in sp.preorder_traversal(expression) if isinstance(e, kind)))
