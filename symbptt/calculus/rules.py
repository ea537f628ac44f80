"""The one table of differentiation: how each kind of node pulls a cotangent back.

For ``y = node(a, b, …)`` inside a scalar loss L, with the cotangent ``g = ∂L/∂y`` in the shape
of y, a rule yields each argument with its share of ``∂L/∂argument``, in the argument's shape.
The identity behind every row is ``⟨g, dy⟩ = Σ ⟨pullback, d argument⟩`` with
``⟨a, b⟩ = tr(aᵀ b)``; its derivation stands above the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    Transpose,
)

from symbptt.calculus.activations import is_known
from symbptt.calculus.algebra import (
    LEAVES,
    block,
    coefficient,
    inner,
    is_scalar,
    length,
    odot,
    ones,
    plus,
    raised,
    scale,
    stack,
    times,
    total,
    transpose,
    zeros_along,
)
from symbptt.calculus.nodes import (
    ONE,
    Abstract,
    Block,
    Map,
    Partial,
    Scale,
    Stack,
    Total,
    VectorMap,
)
from symbptt.model.functions import ACTIVATIONS
from symbptt.model.scalars import evaluate

Pulled = Iterator[tuple[MatrixExpr, MatrixExpr]]

#: A rule takes the node, the cotangent, and a name for the node's value (the left side of its
#: equation where it has one), in which some derivatives are stated.
Rule = Callable[[Any, MatrixExpr, MatrixExpr], Pulled]


# d(a + b) = da + db
def sum_rule(node: MatAdd, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    for term in node.args:
        yield term, g


# ⟨g, A dB C⟩ = tr(gᵀ A dB C) = ⟨Aᵀ g Cᵀ, dB⟩; a number in front multiplies
def product_rule(node: MatMul, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    number, product = coefficient(node)
    factors = product.args if isinstance(product, MatMul) else (product,)
    for i, B in enumerate(factors):
        left = [transpose(A) for A in reversed(factors[:i])]
        right = [transpose(C) for C in reversed(factors[i + 1 :])]
        yield B, times(number, *left, g, *right)


# ⟨g, da ⊙ b⟩ = ⟨g ⊙ b, da⟩
def hadamard_rule(node: HadamardProduct, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    for i, a in enumerate(node.args):
        yield a, odot(g, *node.args[:i], *node.args[i + 1 :])


# d(aᵖ) = p aᵖ⁻¹ ⊙ da
def power_rule(node: HadamardPower, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.base, times(node.exp, odot(g, raised(node.base, node.exp - 1)))


# ⟨g, (dA)ᵀ⟩ = ⟨gᵀ, dA⟩
def transpose_rule(node: Transpose, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.arg, transpose(g)


# ⟨g, s dA + ds A⟩ = ⟨s g, dA⟩ + ds ⟨g, A⟩
def scaling_rule(node: Scale, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.scalar, inner(node.operand, g)
    yield node.operand, scale(node.scalar, g)


# d[a; b] = [da; db], so ⟨g, [da; db]⟩ is the sum of ⟨its blocks, da⟩ and ⟨…, db⟩
def stack_rule(node: Stack, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    ends = accumulate(map(length, node.parts), initial=0)
    for part, start in zip(node.parts, ends, strict=False):
        yield part, block(g, start, length(part))


# ⟨g, (da)_{i:j}⟩ = ⟨g where the block stands and zero elsewhere, da⟩
def block_rule(node: Block, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    a = node.operand
    after = length(a) - node.start - node.size
    yield a, stack(*a.shape, zeros_along(node.start, a), g, zeros_along(after, a))


# g Σ da = ⟨g 1, da⟩
def total_rule(node: Total, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.operand, scale(g, ones(node.operand.shape))


# d f(z) = f'(z) ⊙ dz
def map_rule(node: Map, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.operand, odot(g, map_derivative(node, value))


# y = softmax(z): dy = y ⊙ dz - y (yᵀ dz), symmetric in dz, so the pullback is the same map
def softmax_rule(node: VectorMap, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.operand, plus(odot(value, g), times(-1, scale(inner(value, g), value)))


# y = log softmax(z): dy = dz - 1 (softmax(z)ᵀ dz); transposed, g - softmax(z) (1ᵀ g)
def log_softmax_rule(node: VectorMap, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    yield node.operand, plus(g, times(-1, scale(total(g), VectorMap("softmax", node.operand))))


# y = F(a, b, …) of unknown form: dy = Σ (∂⁺F/∂a) da; for a scalar F, dy = Σ ⟨∂⁺F/∂a, da⟩.
# The Jacobian belongs to columns, so rows are transposed: of rows alone, g (∂⁺F/∂a).
def abstract_rule(node: Abstract, g: MatrixExpr, value: MatrixExpr) -> Pulled:
    column = g if g.shape[1] == ONE else transpose(g)
    for i, argument in enumerate(node.arguments):
        slope = Partial(node, i)
        if is_scalar(node):
            yield argument, scale(g, slope)
        else:
            share = times(transpose(slope), column)
            yield argument, share if argument.shape[1] == ONE else transpose(share)


RULES: dict[type, Rule] = {
    MatAdd: sum_rule,
    MatMul: product_rule,
    HadamardProduct: hadamard_rule,
    HadamardPower: power_rule,
    Transpose: transpose_rule,
    Scale: scaling_rule,
    Stack: stack_rule,
    Block: block_rule,
    Total: total_rule,
    Map: map_rule,
    Abstract: abstract_rule,
}

VECTOR_RULES: dict[str, Rule] = {"softmax": softmax_rule, "log_softmax": log_softmax_rule}


def rule_of(node: MatrixExpr) -> Rule:
    """The row of the table that differentiates a node."""
    if isinstance(node, VectorMap):
        return VECTOR_RULES[node.function]
    return RULES[type(node)]


def map_derivative(node: Map, value: MatrixExpr) -> MatrixExpr:
    """``f'(z)``: in terms of the output where the table says so, else by name."""
    if not is_known(node.function):
        return Map(node.function, node.order + 1, node.operand)
    row = ACTIVATIONS[node.function]
    if row.in_output is not None:
        return entrywise(row.in_output, h=value, z=node.operand)
    if row.derivative is not None and row.shown:
        return entrywise(row.derivative, z=node.operand)
    return Map(node.function, 1, node.operand)


def entrywise(text: str, **values: MatrixExpr) -> MatrixExpr:
    """A scalar formula of the function tables, applied entry by entry."""
    shape = next(iter(values.values())).shape
    result = evaluate(
        text,
        {name: Entrywise(value) for name, value in values.items()},
        lambda name, arguments: Entrywise(Map(name, 0, arguments[0].matrix)),
    )
    return result.matrix if isinstance(result, Entrywise) else times(result, ones(shape))


class Entrywise:
    """A matrix whose Python operators act entry by entry."""

    def __init__(self, matrix: MatrixExpr) -> None:
        self.matrix = matrix

    def _lift(self, other: Any) -> MatrixExpr:
        return (
            other.matrix if isinstance(other, Entrywise) else times(other, ones(self.matrix.shape))
        )

    def __add__(self, other: Any) -> Entrywise:
        return Entrywise(plus(self.matrix, self._lift(other)))

    def __radd__(self, other: Any) -> Entrywise:
        return Entrywise(plus(self._lift(other), self.matrix))

    def __sub__(self, other: Any) -> Entrywise:
        return self + -Entrywise(self._lift(other))

    def __rsub__(self, other: Any) -> Entrywise:
        return -self + other

    def __neg__(self) -> Entrywise:
        return Entrywise(times(-1, self.matrix))

    def __mul__(self, other: Any) -> Entrywise:
        return Entrywise(odot(self.matrix, self._lift(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Entrywise:
        return Entrywise(odot(self.matrix, raised(self._lift(other), -1)))

    def __rtruediv__(self, other: Any) -> Entrywise:
        return Entrywise(odot(self._lift(other), raised(self.matrix, -1)))

    def __pow__(self, exponent: int) -> Entrywise:
        return Entrywise(raised(self.matrix, exponent))


Traced = Iterator[tuple[MatrixExpr, MatrixExpr, tuple[Rule, ...]]]


def pullback(expression: MatrixExpr, g: MatrixExpr, value: MatrixExpr) -> Traced:
    """Every leaf of an expression, with a share of the cotangent and the rules that led to it.

    ``value`` names the expression's value.  A leaf that occurs twice is yielded twice.
    """
    if isinstance(expression, LEAVES):
        yield expression, g, ()
        return
    rule = rule_of(expression)
    # A number times another node needs no rule to be named.
    named = () if is_multiple(expression) else (rule,)
    for argument, share in rule(expression, g, value):
        for leaf, below, rules in pullback(argument, share, argument):
            yield leaf, below, (*named, *rules)


def is_multiple(node: MatrixExpr) -> bool:
    """Whether a node is a number times another."""
    number, rest = coefficient(node)
    return number != 1 and not isinstance(rest, MatMul)
