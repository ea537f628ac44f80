"""What computing an expression costs: floating-point operations, and numbers read and written.

Counted per sample and step.  A product of an a×b and a b×c matrix is ``2 a b c``, everything
entrywise is one operation per entry, a function of an entry too; softmax is five per entry:
maximum, difference, exponential, sum, quotient.
"""

from __future__ import annotations

import sympy as sp
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.chain import split

#: Operations per entry of a softmax, and of its logarithm.
VECTOR_FUNCTION = 5


def operations(e: MatrixExpr) -> sp.Expr:
    """The floating-point operations of an expression.

    >>> n, m = nd.dimension("n"), nd.dimension("m")
    >>> W, x, b = MatrixSymbol("W", n, m), nd.At("x", nd.t, m, 1), MatrixSymbol("b", n, 1)
    >>> operations(al.plus(al.times(W, x), b))
    2*m*n + n
    """
    many, rest = al.coefficient(e)
    if many != 1:
        return operations(rest) + (0 if abs(many) == 1 else nd.entries(e))
    inside = sp.Add(*map(operations, (a for a in e.args if isinstance(a, MatrixExpr))))
    match e:
        case _ if isinstance(e, al.LEAVES):
            return sp.Integer(0)
        case MatMul():
            a, b = split(e)
            return operations(a) + operations(b) + 2 * a.shape[0] * a.shape[1] * b.shape[1]
        case MatAdd() | HadamardProduct():
            return inside + (len(e.args) - 1) * nd.entries(e)
        case HadamardPower() | nd.Map() | nd.Scale():
            return inside + nd.entries(e)
        case nd.VectorMap():
            return inside + VECTOR_FUNCTION * nd.entries(e)
        case nd.Total():
            return inside + nd.entries(e.operand)
    return inside


def read(e: MatrixExpr) -> tuple[sp.Expr, sp.Expr]:
    """The numbers that an expression reads: of each sample and step, and of parameters."""
    timed = sp.Add(*map(nd.entries, al.find(e, nd.At)))
    return timed, sp.Add(*map(nd.entries, al.find(e, MatrixSymbol)))
