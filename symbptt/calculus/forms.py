r"""The gradient as a double sum over products of Jacobians.

A recursion ``δ_t = a_t + J_{t+1}ᵀ δ_{t+1}`` unrolls to ``δ_k = Σ_{t≥k} J_{k+1}ᵀ ⋯ J_tᵀ a_t``, where
``a_t`` is what the loss of step t says of the carrier at t, and ``J_j = ∂r_j/∂r_{j-1}``.  Put into
``∂L/∂W = Σ_k G_k δ_k`` this is ``Σ_t Σ_{k≤t} G_k J_{k+1}ᵀ ⋯ J_tᵀ a_t``.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardProduct,
    Identity,
    MatAdd,
    MatMul,
    MatrixExpr,
)

from symbptt.calculus import algebra as al
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
    j, k = _letters(taken)
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
    """The matrix M of an expression that is ``M hole``, for a column ``hole``.

    >>> from sympy import MatrixSymbol
    >>> a, g = MatrixSymbol("a", 3, 1), MatrixSymbol("g", 3, 1)
    >>> linear_map(al.odot(g, a), g)
    DiagMatrix(a)
    """
    if expression == hole:
        return Identity(hole.shape[0])
    many, rest = al.coefficient(expression)
    if many != 1:
        return al.times(many, linear_map(rest, hole))
    if isinstance(expression, MatAdd):
        return al.plus(*(linear_map(term, hole) for term in expression.args))
    if isinstance(expression, MatMul) and expression.args[-1].has(hole):
        return al.times(*expression.args[:-1], linear_map(expression.args[-1], hole))
    if isinstance(expression, HadamardProduct):
        others = [f for f in expression.args if not f.has(hole)]
        (inside,) = (f for f in expression.args if f.has(hole))
        return al.times(DiagMatrix(al.odot(*others)), linear_map(inside, hole))
    if isinstance(expression, nd.Scale):
        if expression.scalar.has(hole):
            return al.times(expression.operand, linear_map(expression.scalar, hole))
        return al.scale(expression.scalar, linear_map(expression.operand, hole))
    raise DerivationError("a Jacobian of this model can't be written as one matrix")


def _letters(taken: frozenset[str]) -> tuple[sp.Symbol, sp.Symbol]:
    """Two letters for steps that mean nothing else in the model."""
    free = [c for c in ("j", "k", "s", "r", "i", "l", "q", "u", "v") if c not in taken]
    return sp.Symbol(free[0], integer=True), sp.Symbol(free[1], integer=True)
