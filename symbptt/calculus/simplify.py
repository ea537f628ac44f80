"""Simplification of entrywise expressions: where softmax meets cross-entropy, ``y - d`` comes out.

An entrywise expression is a scalar formula in each entry.  So it is handed to SymPy as a
scalar rational function of its parts, cancelled there, and written back in the order in which
its parts first stood.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    OneMatrix,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd


def simplify(expression: MatrixExpr) -> MatrixExpr:
    """Cancel what an expression divides by, wherever the division is entrywise.

    Expressions without a division come back unchanged.
    """
    if not divides(expression):
        return expression
    expression = al.rebuild(expression, simplify)
    expression = _products_summed(expression)
    if isinstance(expression, MatAdd | HadamardProduct):
        cancelled = _cancelled(expression, al.odot)
        if _size(cancelled) < _size(expression):
            return cancelled
    if isinstance(expression, MatAdd):  # y - d, and not -d + y
        return al.plus(*sorted(expression.args, key=lambda a: bool(al.coefficient(a)[0] < 0)))
    return expression


def divides(expression: MatrixExpr) -> bool:
    """Whether an expression divides by anything."""
    return any(p.exp.is_negative for p in al.find(expression, HadamardPower))


def _size(expression: MatrixExpr) -> int:
    return sum(1 for _ in sp.preorder_traversal(expression))


def _products_summed(expression: MatrixExpr) -> MatrixExpr:
    """``aᵀ (b ⊙ a⁻¹)`` is ``1ᵀ b``: an inner product is the sum of an entrywise product."""
    number, product = al.coefficient(expression)
    if not (isinstance(product, MatMul) and len(product.args) == 2 and al.is_scalar(product)):
        return expression
    left, right = product.args
    column = left.arg if isinstance(left, Transpose) else al.transpose(left)
    if column.shape != right.shape or not (divides(column) or divides(right)):
        return expression
    together = _cancelled(al.odot(column, right), al.odot)
    if divides(together):
        return expression
    return al.times(number, al.total(together))


def _cancelled(expression: MatrixExpr, join: Callable[..., MatrixExpr]) -> MatrixExpr:
    """The expression as a scalar rational function, cancelled, and written back."""
    atoms: dict[MatrixExpr, sp.Symbol] = {}
    scalars: dict[MatrixExpr, sp.Symbol] = {}
    formula = _scalar(expression, atoms, scalars)
    if formula.has(sp.zoo, sp.nan):  # 1 / (a - a): there is nothing to cancel
        return expression
    formula = sp.expand(sp.cancel(formula))
    shape = expression.shape
    back = {symbol: atom for atom, symbol in atoms.items()}
    factors = {symbol: atom for atom, symbol in scalars.items()}
    order = {symbol: i for i, symbol in enumerate((*factors, *back))}

    def rank(term: sp.Expr) -> tuple[bool, list[int]]:
        places = sorted(order[s] for s in term.free_symbols)
        return bool(term.as_coeff_Mul()[0] < 0), places

    terms = sorted(sp.Add.make_args(formula), key=rank)
    return al.plus(al.zeros(shape), *(_matrix(term, back, factors, shape, join) for term in terms))


def _scalar(
    e: MatrixExpr, atoms: dict[MatrixExpr, sp.Symbol], scalars: dict[MatrixExpr, sp.Symbol]
) -> sp.Expr:
    """What an entry of an expression is, as a formula in the entries of its parts."""
    number, rest = al.coefficient(e)
    if number != 1:
        return number * _scalar(rest, atoms, scalars)
    if isinstance(e, MatAdd):
        return sp.Add(*(_scalar(a, atoms, scalars) for a in e.args))
    if isinstance(e, HadamardProduct):
        return sp.Mul(*(_scalar(a, atoms, scalars) for a in e.args))
    if isinstance(e, HadamardPower) and e.exp.is_Integer:
        return _scalar(e.base, atoms, scalars) ** e.exp
    if isinstance(e, nd.Scale):
        many, scalar = al.coefficient(e.scalar)
        if isinstance(scalar, MatAdd):
            factor = sp.Add(*(_scalar(al.scale(a, e.operand), atoms, scalars) for a in scalar.args))
            return many * factor
        symbol = scalars.setdefault(scalar, sp.Dummy(f"s{len(scalars)}"))
        return many * symbol * _scalar(e.operand, atoms, scalars)
    if isinstance(e, OneMatrix):
        return sp.Integer(1)
    return atoms.setdefault(e, sp.Dummy(f"a{len(atoms)}"))


def _matrix(
    term: sp.Expr,
    atoms: dict[sp.Symbol, MatrixExpr],
    scalars: dict[sp.Symbol, MatrixExpr],
    shape: tuple[sp.Expr, sp.Expr],
    join: Callable[..., MatrixExpr],
) -> MatrixExpr:
    """A monomial (over a denominator, perhaps) as an entrywise product."""
    number, product = term.as_coeff_Mul()
    factors: list[MatrixExpr] = []
    outside: list[MatrixExpr] = []
    for factor in sp.Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        if base in scalars and exponent == 1:
            outside.append(scalars[base])
        elif base in atoms:
            factors.append(al.raised(atoms[base], exponent))
        elif factor != 1:
            inner = al.plus(
                *(_matrix(a, atoms, scalars, shape, join) for a in sp.Add.make_args(base))
            )
            factors.append(al.raised(inner, exponent))
    place = {atom: i for i, atom in enumerate(atoms.values())}
    factors.sort(key=lambda f: place.get(f.base if isinstance(f, HadamardPower) else f, 99))
    result = al.times(number, join(*factors) if factors else al.ones(shape))
    for scalar in outside:
        result = al.scale(scalar, result)
    return result
