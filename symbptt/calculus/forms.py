r"""The gradient as a double sum over products of Jacobians.

A recursion ``δ_t = a_t + J_{t+1}ᵀ δ_{t+1}`` unrolls to ``δ_k = Σ_{t≥k} J_{k+1}ᵀ ⋯ J_tᵀ a_t``, where
``a_t`` is what the loss of step t says of the carrier at t, and ``J_j = ∂r_j/∂r_{j-1}``.  Put into
``∂L/∂W = Σ_k G_k δ_k`` this is ``Σ_t Σ_{k≤t} G_k J_{k+1}ᵀ ⋯ J_tᵀ a_t``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed
from symbptt.calculus.recursion import Contribution, Recursion, time_sum
from symbptt.errors import DerivationError


@dataclass(frozen=True)
class DoubleSum:
    """The pieces of the double-sum form for one carrier of the recurrence.

    ``jacobian`` is ``∂r_j/∂r_{j-1}`` as a function of j, in numerator layout; ``direct`` is
    ``a_t``; ``gradients`` maps each parameter that the carrier's adjoint reaches to its sum.
    """

    carrier: str
    j: sp.Symbol
    k: sp.Symbol
    jacobian: MatrixExpr
    direct: MatrixExpr
    gradients: dict[str, MatrixExpr]


def double_sum(parts: Condensed, taken: frozenset[str] = frozenset()) -> DoubleSum:
    """The double-sum form of the gradients.

    Raises :class:`DerivationError` where the recurrence has several carriers or a longer lag:
    the product would then be one of block matrices.
    """
    carrier, carry = _carrier(parts)
    j, k = letters(taken)
    if carrier.symbol.shape[1] != nd.ONE:
        raise DerivationError(f"{carrier.name} is no column, so its Jacobian is no matrix")
    rest = [c for c in carrier.contributions if c is not carry]
    if len({c.steps for c in rest}) != 1:
        raise DerivationError(
            "the double sum over Jacobians is written for a loss that reaches "
            f"{carrier.name} at one set of steps; here there are several"
        )
    direct = al.gather([c.expression for c in rest], carrier.symbol.shape)
    hole = carrier.symbol.xreplace({nd.t: nd.t + 1})
    transposed = linear_map(carry.expression, hole).xreplace({nd.t: j - 1})
    jacobian = al.transpose(transposed)
    product = nd.TimeProduct(transposed, j, sp.Range(k + 1, nd.t + 1))
    reached = al.times(product, direct)
    gradients: dict[str, MatrixExpr] = {}
    for name, g in parts.gradients.items():
        carried = [c for c in g.contributions if not c.steps.once]
        if carried and all(
            _mentions(c, carrier.name) and c.steps == carrier.support for c in carried
        ):
            penalties = (c.expression for c in g.contributions if c.steps.once)
            doubled = (_doubled(c, carrier, reached, rest, k) for c in carried)
            gradients[name] = al.plus(*doubled, *penalties)
    return DoubleSum(carrier.name, j, k, jacobian, direct, gradients)


def _carrier(parts: Condensed) -> tuple[Recursion, Contribution]:
    """The one recursion that refers to itself, and the part of it that does."""
    later = {
        (name, a.name, a.index - nd.t)
        for name, r in parts.recursions.items()
        for c in r.contributions
        for a in al.find(c.expression, nd.Adjoint)
        if a.index != nd.t
    }
    loops = {(user, used) for user, used, _ in later}
    if len(loops) != 1 or any(lag != 1 for *_, lag in later) or len({*next(iter(loops))}) != 1:
        raise DerivationError(
            "the double sum over Jacobians is written for one recurrence of lag 1; "
            "this model has several, or a longer lag"
        )
    ((name, _),) = loops
    carrier = parts.recursions[name]
    carries = [c for c in carrier.contributions if _mentions(c, name)]
    if len(carries) != 1:
        raise DerivationError(f"{name} carries itself on in several ways at once")
    return carrier, carries[0]


def _mentions(c: Contribution, name: str) -> bool:
    return any(a.name == name for a in al.find(c.expression, nd.Adjoint))


def _doubled(
    c: Contribution,
    carrier: Recursion,
    reached: MatrixExpr,
    rest: list[Contribution],
    k: sp.Symbol,
) -> MatrixExpr:
    inner = al.substitute(
        c.expression.xreplace({nd.t: k}), {carrier.symbol.xreplace({nd.t: k}): reached}
    )
    body = nd.TimeSum(inner, k, sp.Range(1, nd.t + 1))
    return time_sum(body, rest[0].steps)


def linear_map(expression: MatrixExpr, hole: MatrixExpr) -> MatrixExpr:
    """The matrix M of an expression that is linear in ``hole``: ``vec(expression) = M vec(hole)``.

    Of a column in a column it is the Jacobian in numerator layout; of matrices it is that of
    their entries, column by column.

    >>> from sympy import MatrixSymbol
    >>> a, g = MatrixSymbol("a", 3, 1), MatrixSymbol("g", 3, 1)
    >>> linear_map(al.odot(g, a), g)
    DiagMatrix(a)
    """
    if expression == hole:
        return al.identity(nd.entries(hole))
    many, rest = al.coefficient(expression)
    if many != 1:
        return al.times(many, linear_map(rest, hole))
    if isinstance(expression, MatAdd):
        return al.plus(*(linear_map(term, hole) for term in expression.args))
    if isinstance(expression, MatMul):  # vec(A X B) = (Bᵀ ⊗ A) vec(X)
        (i,) = (i for i, f in enumerate(expression.args) if f.has(hole))
        X, left, right = expression.args[i], expression.args[:i], expression.args[i + 1 :]
        A = al.times(*left) if left else al.identity(X.shape[0])
        B = al.times(*right) if right else al.identity(X.shape[1])
        return compose(al.kron(al.transpose(B), A), linear_map(X, hole))
    if isinstance(expression, HadamardProduct):  # vec(a ⊙ X) = diag(vec(a)) vec(X)
        others = al.odot(*(f for f in expression.args if not f.has(hole)))
        (inside,) = (f for f in expression.args if f.has(hole))
        factor = others if al.is_scalar(others) else DiagMatrix(al.vec(others))
        return compose(factor, linear_map(inside, hole))
    if isinstance(expression, Transpose):
        return compose(al.commutation(expression.arg.shape), linear_map(expression.arg, hole))
    if isinstance(expression, nd.Total):
        return _total_of_rows(linear_map(expression.operand, hole))
    if isinstance(expression, nd.Scale):
        if expression.scalar.has(hole):
            return compose(al.vec(expression.operand), linear_map(expression.scalar, hole))
        return al.scale(expression.scalar, linear_map(expression.operand, hole))
    if isinstance(expression, nd.Stack):
        size = nd.entries(expression)
        starts = accumulate(map(nd.entries, expression.parts), initial=sp.Integer(0))
        placed = [
            compose(jn.Placing(size, start, nd.entries(a)), linear_map(a, hole))
            for start, a in zip(starts, expression.parts, strict=False)
            if a.has(hole)
        ]
        return al.plus(*placed)
    if isinstance(expression, nd.Block):
        a = expression.operand
        place = jn.Placing(nd.entries(a), expression.start, expression.size)
        return compose(al.transpose(place), linear_map(a, hole))
    raise DerivationError("a Jacobian of this model can't be written as one matrix")


def compose(A: MatrixExpr, B: MatrixExpr) -> MatrixExpr:
    """``A B``, simplified where that is obvious, with the scalars of both in front."""
    many, M = al.coefficient(A)
    if isinstance(M, nd.Scale):
        return al.times(many, al.scale(M.scalar, compose(M.operand, B)))
    many, M = al.coefficient(B)
    if isinstance(M, nd.Scale):
        return al.times(many, al.scale(M.scalar, compose(A, M.operand)))
    first, *others = B.args if isinstance(B, MatMul) else (B,)
    if isinstance(A, DiagMatrix) and first == al.ones(A.args[0].shape):  # diag(a) 1 = a
        return al.times(A.args[0], *others)
    return al.times(A, B)


def _total_of_rows(M: MatrixExpr) -> MatrixExpr:
    """``1ᵀ M``; of a diagonal matrix, its diagonal as a row."""
    many, rest = al.coefficient(M)
    if isinstance(rest, MatAdd):
        return al.times(many, al.plus(*map(_total_of_rows, rest.args)))
    if isinstance(rest, nd.Scale):
        return al.times(many, al.scale(rest.scalar, _total_of_rows(rest.operand)))
    first, *others = rest.args if isinstance(rest, MatMul) else (rest,)
    row = (
        al.transpose(first.args[0])
        if isinstance(first, DiagMatrix)
        else al.times(al.ones((1, first.shape[0])), first)
    )
    return al.times(many, row, *others)


def letters(taken: frozenset[str]) -> tuple[sp.Symbol, sp.Symbol]:
    """Two letters for steps that mean nothing else in the model."""
    free = [c for c in ("j", "k", "s", "r", "i", "l", "q", "u", "v") if c not in taken]
    return sp.Symbol(free[0], integer=True), sp.Symbol(free[1], integer=True)
