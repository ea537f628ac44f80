r"""What backpropagation through time and forward mode cost, counted from a model's shapes.

Memory counts the numbers that a pass keeps from one step for another: reverse mode every computed
value of every step, forward mode the last steps' states and their sensitivities, and of what a
later pass reads those of every step.  Time counts
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
from symbptt.model.steps import Steps


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
    """The terms of the highest degree in the sizes, of what each step costs; and of what is done
    once, where that has a higher one.

    >>> n, m = sp.symbols("n m")
    >>> leading(nd.T * (n**2 * m + n**3 + n**2) + n**3)
    T*m*n**2 + T*n**3
    >>> leading(nd.T * n**2 + n**3 + n)
    T*n**2 + n**3
    """
    expanded = sp.expand(polynomial)
    each, once = expanded.coeff(nd.T, 1), expanded.coeff(nd.T, 0)
    highest = _leading(once) if degree(once) > degree(each) else sp.Integer(0)
    return sp.expand(nd.T * _leading(each) + highest)


def _leading(polynomial: sp.Expr) -> sp.Expr:
    terms = sp.Add.make_args(polynomial)
    return sp.Add(*(term for term in terms if degree(term) == degree(polynomial)))


def degree(polynomial: sp.Expr) -> int:
    """The degree in the sizes, all alike."""
    sizes = sorted(polynomial.free_symbols, key=str)
    return int(sp.Poly(polynomial, *sizes).total_degree()) if sizes else 0


def reverse_cost(d: ForwardDerivation) -> Cost:
    """Of backpropagation through time: the forward pass kept, then the backward pass."""
    parts, engine = d.reverse.condensed, d.reverse.engine
    values = sum(nd.entries(engine.symbol(name)) for name in d.model.order)
    work = _work([*_forward_pass(d), *_shares(parts)])
    return Cost(sp.expand(nd.T * values), sp.expand(work))


def forward_cost(d: ForwardDerivation) -> Cost:
    """Of forward mode: the values and sensitivities that a later step, or a later pass, names."""
    size = {key: nd.entries(e) for key, e in d.places.items()}
    kept = sum(nd.T * nd.entries(d.reverse.engine.symbol(name)) for name in d.kept_values)
    for name, line in d.condensed.items():
        if d.model.variables[name].computed:
            last = len(d.model.variables[name].initial_steps)
            many = nd.T if name in d.kept_sensitivities else last
            slopes = many * sum(size[key] for key in d.carries(name))
            values = 0 if name in d.kept_values else last
            kept += nd.entries(line.symbol) * (values + slopes)
    lines = [
        (d.concrete(line.expression, key), Steps())
        for name, line in d.condensed.items()
        for key in d.depends[name]
    ]
    contracted = [
        (al.times(al.transpose(jn.Sensitivity(of, d.places[key])), al.vec(e)), steps)
        for of, e, steps in d.contractions
        for key in d.places
        if d.moves(of, key)
    ]
    work = _work([*_forward_pass(d), *lines, *_shares(d.outputs), *contracted])
    return Cost(sp.expand(kept), sp.expand(work))


def _forward_pass(d: ForwardDerivation) -> list[tuple[MatrixExpr, Steps]]:
    """What a forward pass computes: all values, and what the loss adds up."""
    engine = d.reverse.engine
    values = [(e, Steps()) for e in engine.right_sides.values()]
    return values + [(e, part.steps) for e, part in zip(engine.losses, d.model.loss, strict=True)]


def _shares(parts: Condensed) -> list[tuple[MatrixExpr, Steps]]:
    """What a backward pass computes: all that it adds to adjoints and gradients."""
    found = [c for r in parts.recursions.values() for c in r.contributions]
    found += [c for g in parts.gradients.values() for c in g.contributions]
    return [(c.expression, c.steps) for c in found]


def _work(work: Iterable[tuple[MatrixExpr, Steps]]) -> sp.Expr:
    return sp.Add(*(multiplications(e) * how_often(steps) for e, steps in work))


def how_often(steps: Steps) -> sp.Expr:
    """The number of steps, in a long sequence: all but a few are T of them.

    >>> from symbptt.model.steps import LAST
    >>> how_often(Steps()), how_often(Steps(members=(LAST,)))
    (T, 1)
    """
    if steps.once:
        return sp.Integer(1)
    if steps.members is not None:
        return sp.Integer(len(steps.members))
    if steps.first.anchor or not steps.last.anchor:
        return sp.Integer(abs(steps.last.offset - steps.first.offset) + 1)
    return nd.T


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
    if factor.shape[1] == nd.ONE:  # a column before a row
        return multiplications(factor) + factor.shape[0] * cols
    if isinstance(factor, nd.Scale):
        scaling = multiplications(factor.scalar) + factor.shape[0] * cols
        return scaling + applied(factor.operand, cols)
    if isinstance(factor, MatAdd):
        return sp.Add(*(applied(term, cols) for term in factor.args))
    if isinstance(factor, MatMul):
        return sp.Add(*(applied(f, cols) for f in factor.args if isinstance(f, MatrixExpr)))
    used = behind.size if isinstance(behind, jn.Placing) else factor.shape[1]
    return multiplications(factor) + factor.shape[0] * used * cols
