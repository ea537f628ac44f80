"""The other table of differentiation: how each kind of node pushes tangents forward.

For ``y = node(a, b, …)`` and tangents ``da, db, …`` of its arguments, in their shapes, a rule
gives the tangent ``dy`` of its value, in the shape of y: the differential, term by term.  It is
the twin of :mod:`symbptt.calculus.rules`: ``⟨g, pushforward(da)⟩ = ⟨pullback(g), da⟩``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    Transpose,
)

from symbptt.calculus.activations import is_known, second_derivative
from symbptt.calculus.algebra import (
    LEAVES,
    block,
    coefficient,
    find,
    inner,
    is_scalar,
    odot,
    ones,
    plus,
    raised,
    scale,
    stack,
    times,
    total,
    transpose,
    vec,
    zeros,
)
from symbptt.calculus.nodes import (
    ONE,
    Abstract,
    At,
    Block,
    Map,
    Partial,
    Scale,
    Stack,
    Total,
    VectorMap,
)
from symbptt.calculus.rules import is_multiple, map_derivative

#: The tangent of an expression: zero where it doesn't change.
Tangent = Callable[[MatrixExpr], MatrixExpr]

#: A rule takes the node, the tangents of its arguments, and a name for the node's value (the left
#: side of its equation where it has one), in which some derivatives are stated.
Pushforward = Callable[[Any, Tangent, MatrixExpr], MatrixExpr]


# d(a + b) = da + db
def sum_tangent(node: MatAdd, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return plus(*map(d, node.args))


# d(A B) = dA B + A dB: each factor in turn; a number in front multiplies
def product_tangent(node: MatMul, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    number, product = coefficient(node)
    factors = product.args if isinstance(product, MatMul) else (product,)
    return plus(
        *(times(number, *factors[:i], d(B), *factors[i + 1 :]) for i, B in enumerate(factors))
    )


# d(a ⊙ b) = da ⊙ b + a ⊙ db
def hadamard_tangent(node: HadamardProduct, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return plus(*(odot(d(a), *node.args[:i], *node.args[i + 1 :]) for i, a in enumerate(node.args)))


# d(aᵖ) = p aᵖ⁻¹ ⊙ da
def power_tangent(node: HadamardPower, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return times(node.exp, odot(d(node.base), raised(node.base, node.exp - 1)))


# d(Aᵀ) = (dA)ᵀ
def transpose_tangent(node: Transpose, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return transpose(d(node.arg))


# d(s A) = ds A + s dA
def scaling_tangent(node: Scale, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return plus(scale(d(node.scalar), node.operand), scale(node.scalar, d(node.operand)))


# d[a; b] = [da; db]
def stack_tangent(node: Stack, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return stack(*node.shape, *map(d, node.parts))


# d(a_{i:j}) = (da)_{i:j}
def block_tangent(node: Block, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return block(d(node.operand), node.start, node.size)


# d Σ a = Σ da
def total_tangent(node: Total, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    return total(d(node.operand))


# d f(z) = f'(z) ⊙ dz.  Of order 1, d f'(z) = f''(z) ⊙ dz, which is zero between the kinks of a
# piecewise linear f.  A derivative stated in the output, 1 - h², is no Map: its tangent,
# -2 h ⊙ dh, comes from the rules above.
def map_tangent(node: Map, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    if node.order == 0:
        return odot(d(node.operand), map_derivative(node, value))
    if is_known(node.function) and second_derivative(node.function) == 0:
        return zeros(node.shape)
    return odot(d(node.operand), Map(node.function, node.order + 1, node.operand))


# y = softmax(z), yᵢ = e^zᵢ / Σ e^zⱼ: dyᵢ = yᵢ dzᵢ - yᵢ Σ yⱼ dzⱼ
def softmax_tangent(node: VectorMap, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    dz = d(node.operand)
    return plus(odot(value, dz), times(-1, scale(inner(value, dz), value)))


# y = z - log Σ e^z: dy = dz - 1 Σ softmax(z)ⱼ dzⱼ
def log_softmax_tangent(node: VectorMap, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    dz = d(node.operand)
    mean = inner(VectorMap("softmax", node.operand), dz)
    return plus(dz, times(-1, scale(mean, ones(node.shape))))


# y = F(a, b, …) of unknown form: dy = Σ (∂⁺F/∂a) da; for a scalar F, dy = Σ ⟨∂⁺F/∂a, da⟩.
# The Jacobian belongs to columns, so rows are transposed.
def abstract_tangent(node: Abstract, d: Tangent, value: MatrixExpr) -> MatrixExpr:
    slopes = [(Partial(node, i), d(a)) for i, a in enumerate(node.arguments)]
    if is_scalar(node):
        return plus(*(inner(slope, da) for slope, da in slopes))
    dy = plus(*(times(slope, vec(da)) for slope, da in slopes))
    return dy if node.shape[1] == ONE else transpose(dy)


PUSHFORWARDS: dict[type, Pushforward] = {
    MatAdd: sum_tangent,
    MatMul: product_tangent,
    HadamardProduct: hadamard_tangent,
    HadamardPower: power_tangent,
    Transpose: transpose_tangent,
    Scale: scaling_tangent,
    Stack: stack_tangent,
    Block: block_tangent,
    Total: total_tangent,
    Map: map_tangent,
    Abstract: abstract_tangent,
}

VECTOR_PUSHFORWARDS: dict[str, Pushforward] = {
    "softmax": softmax_tangent,
    "log_softmax": log_softmax_tangent,
}


def pushforward_of(node: MatrixExpr) -> Pushforward:
    """The row of the table that carries tangents through a node."""
    if isinstance(node, VectorMap):
        return VECTOR_PUSHFORWARDS[node.function]
    return PUSHFORWARDS[type(node)]


def pushforward(expression: MatrixExpr, leaf: Tangent, value: MatrixExpr) -> MatrixExpr:
    """The tangent of an expression, linear in those of its leaves.

    ``leaf`` gives the tangent of a symbol; ``value`` names the expression's value.

    >>> W, h, dh = sp.MatrixSymbol("W", 3, 3), At("h", 0, 3, 1), At("dh", 0, 3, 1)
    >>> pushforward(times(W, h), lambda leaf: dh if leaf == h else zeros(leaf.shape), h)
    W*dh_0
    """
    if isinstance(expression, At | sp.MatrixSymbol):
        return leaf(expression)
    if isinstance(expression, LEAVES):  # numbers
        return zeros(expression.shape)
    return pushforward_of(expression)(expression, lambda a: pushforward(a, leaf, a), value)


def rules_used(expression: MatrixExpr) -> tuple[Pushforward, ...]:
    """The rows that differentiate an expression, in reading order, each once."""
    changing = (At, sp.MatrixSymbol)
    found = (
        e
        for e in sp.preorder_traversal(expression)
        if isinstance(e, MatrixExpr)
        and not isinstance(e, LEAVES)
        and not is_multiple(e)
        and find(e, changing)
    )
    return tuple(dict.fromkeys(map(pushforward_of, found)))
