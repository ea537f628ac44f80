r"""What backpropagation through time and forward mode cost, counted from a model's shapes.

Memory counts the numbers that a pass keeps from one step for another: reverse mode every computed
value of every step, forward mode the last steps' states and their sensitivities.  Time counts
multiplications, of dense matrices, products taken from right to left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed
from symbptt.calculus.forward_derivation import ForwardDerivation


@dataclass(frozen=True)
class Cost:
    """``memory`` in numbers kept, ``time`` in multiplications: polynomials in sizes and T."""

    memory: sp.Expr
    time: sp.Expr

    @property
    def leading(self) -> sp.Expr:
        """The terms of the time that outgrow all others as the sizes grow alike."""
        return leading(self.time)


def leading(polynomial: sp.Expr) -> sp.Expr:
    """The terms of the highest degree in the sizes.

    >>> n, m = sp.symbols("n m")
    >>> leading(nd.T * (n**2 * m + n**3 + n**2))
    T*m*n**2 + T*n**3
    """
    sizes = sorted(polynomial.free_symbols - {nd.T}, key=str)
    terms = sp.Add.make_args(sp.expand(polynomial))
    if not sizes:
        return polynomial
    degree = {term: sp.Poly(term, *sizes).total_degree() for term in terms}
    return sp.Add(*(term for term in terms if degree[term] == max(degree.values())))


def reverse_cost(d: ForwardDerivation) -> Cost:
    """Of backpropagation through time: the forward pass kept, then the backward pass."""
    parts, engine = d.reverse.condensed, d.reverse.engine
    values = sum(nd.entries(engine.symbol(name)) for name in d.model.order)
    shares = _shares(parts)
    step = _work((*engine.right_sides.values(), *engine.losses, *shares))
    return Cost(sp.expand(nd.T * values), sp.expand(nd.T * step))


def forward_cost(d: ForwardDerivation) -> Cost:
    """Of forward mode: the values and sensitivities that a later step names."""
    engine, size = d.reverse.engine, {key: nd.entries(e) for key, e in d.places.items()}
    kept = sum(
        len(d.model.variables[name].initial_steps)
        * nd.entries(line.symbol)
        * (1 + sum(size[key] for key in d.carries(name)))
        for name, line in d.condensed.items()
        if d.model.variables[name].computed
    )
    lines = [
        d.concrete(line.expression, key)
        for name, line in d.condensed.items()
        for key in d.depends[name]
    ]
    shares = _shares(d.outputs)
    contracted = [
        al.times(al.transpose(jn.Sensitivity(of, d.places[key])), al.vec(e))
        for of, e, _ in d.contractions
        for key in d.places
        if d.moves(of, key)
    ]
    step = _work((*engine.right_sides.values(), *engine.losses, *lines, *shares, *contracted))
    return Cost(sp.expand(kept), sp.expand(nd.T * step))


def _shares(parts: Condensed) -> list[MatrixExpr]:
    """What a backward pass computes: all that it adds to adjoints and gradients."""
    to_adjoints = [c.expression for r in parts.recursions.values() for c in r.contributions]
    to_gradients = [c.expression for g in parts.gradients.values() for c in g.contributions]
    return to_adjoints + to_gradients


def _work(expressions: Iterable[MatrixExpr]) -> sp.Expr:
    return sp.Add(*map(multiplications, expressions))


def multiplications(e: MatrixExpr) -> sp.Expr:
    """How many multiplications an expression costs, its symbols known.

    >>> n = nd.dimension("n")
    >>> W, h = sp.MatrixSymbol("W", n, n), nd.At("h", nd.t, n, 1)
    >>> multiplications(al.times(W, W, h)), multiplications(al.times(DiagMatrix(h), W))
    (2*n**2, n**2)
    """
    many, rest = al.coefficient(e)
    if many != 1:
        return multiplications(rest)
    below = sp.Add(*(multiplications(a) for a in e.args if isinstance(a, MatrixExpr)))
    if isinstance(e, MatMul):
        *factors, last = e.args
        return multiplications(last) + sum(
            applied(f, last.shape[1], behind) for f, behind in zip(factors, e.args[1:], strict=True)
        )
    if isinstance(e, HadamardProduct):
        return below + (len(e.args) - 1) * nd.entries(e)
    if isinstance(e, HadamardPower | nd.Scale):
        return below + nd.entries(e)
    if isinstance(e, KroneckerProduct):  # with an identity it only places numbers
        return below + (0 if any(a.is_Identity for a in e.args) else nd.entries(e))
    return sp.Integer(0) if isinstance(e, jn.Sensitivity | nd.Abstract | nd.Partial) else below


def applied(factor: MatrixExpr, cols: sp.Expr, behind: MatrixExpr | None = None) -> sp.Expr:
    """What it costs to multiply a matrix of so many columns from the left.

    A factor that is followed by columns of the identity is needed in these columns only.
    """
    if isinstance(factor, DiagMatrix):
        return multiplications(factor) + factor.shape[0] * cols
    moves = jn.Commutation | jn.Placing | sp.Identity
    if isinstance(factor, moves) or (
        isinstance(factor, Transpose) and isinstance(factor.arg, moves)
    ):
        return sp.Integer(0)
    if isinstance(factor, nd.Scale):
        scaling = multiplications(factor.scalar) + factor.shape[0] * cols
        return scaling + applied(factor.operand, cols)
    if isinstance(factor, MatAdd):
        return sp.Add(*(applied(term, cols) for term in factor.args))
    if isinstance(factor, MatMul):
        return sp.Add(*(applied(f, cols) for f in factor.args if isinstance(f, MatrixExpr)))
    used = behind.size if isinstance(behind, jn.Placing) else factor.shape[1]
    return multiplications(factor) + factor.shape[0] * used * cols
