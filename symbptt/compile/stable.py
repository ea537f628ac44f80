"""Logarithms of what may underflow, rewritten: log softmax and log sigmoid in one piece.

``log(softmax(o))`` is infinite as soon as a probability is too small for a float;
``log_softmax(o)`` is not.  The value is the same, so the proofs of the derivation stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd


def stable(expression: MatrixExpr, right_sides: Mapping[str, MatrixExpr]) -> MatrixExpr:
    """An expression of step t with its logarithms of probabilities rewritten.

    log softmax(o) = log_softmax(o);  log σ(z) = -softplus(-z);  log(1 - σ(z)) = -softplus(z)
    """

    def defined(e: MatrixExpr) -> MatrixExpr:
        """The right side behind a symbol of the current step."""
        if isinstance(e, nd.At) and e.index == nd.t and e.name in right_sides:
            return right_sides[e.name]
        return e

    def change(e: MatrixExpr) -> MatrixExpr:
        if isinstance(e, nd.Map) and (e.function, e.order) == ("log", 0):
            return _log(defined(e.operand), defined) or e
        return al.rebuild(e, change)

    return change(expression)


def _log(p: MatrixExpr, defined: Callable[[MatrixExpr], MatrixExpr]) -> MatrixExpr | None:
    if isinstance(p, nd.VectorMap) and p.function == "softmax":
        return nd.VectorMap("log_softmax", p.operand)
    if _is_sigmoid(p):
        return al.times(-1, nd.Map("softplus", 0, al.times(-1, p.operand)))
    rest = al.plus(al.ones(p.shape), al.times(-1, p)) if isinstance(p, MatAdd) else None
    if rest is not None and _is_sigmoid(q := defined(rest)):
        return al.times(-1, nd.Map("softplus", 0, q.operand))
    return None


def _is_sigmoid(e: MatrixExpr) -> bool:
    return isinstance(e, nd.Map) and (e.function, e.order) == ("sigmoid", 0)
