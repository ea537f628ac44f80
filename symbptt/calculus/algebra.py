"""Expressions put together as a person would: simplified where it is obvious, order kept.

SymPy sorts the arguments of sums and Hadamard products as soon as it evaluates them.  These
constructors drop zeros and ones, open nested sums and products and pull numbers to the front,
and keep the order in which things were said.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)

from symbptt.calculus.jacobian_nodes import Commutation, Vec
from symbptt.calculus.nodes import (
    ONE,
    At,
    Block,
    Count,
    Scale,
    Stack,
    TimeSum,
    Total,
    entries,
    number,
    t,
)


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


def constant(a: MatrixExpr) -> sp.Expr | None:
    """The number that stands in every entry, if one does."""
    many, rest = coefficient(a)
    if isinstance(rest, ZeroMatrix):
        return sp.Integer(0)
    return many if isinstance(rest, OneMatrix) else None


def plus(*terms: MatrixExpr) -> MatrixExpr:
    """``a + b + …`` in this order, zeros dropped, like terms gathered, nested sums opened."""
    flat: list[MatrixExpr] = []
    for term in terms:
        many, rest = coefficient(term)
        flat += [times(many, part) for part in rest.args] if isinstance(rest, MatAdd) else [term]
    if sum(isinstance(coefficient(term)[1], Stack) for term in flat) > 1:
        flat = _block_by_block(flat)
    gathered: dict[MatrixExpr, sp.Expr] = {}
    for term in flat:
        if not is_zero(term):
            many, rest = coefficient(term)
            gathered[rest] = gathered.get(rest, 0) + many
    kept = [times(many, rest) for rest, many in gathered.items() if many != 0]
    if not kept:
        return ZeroMatrix(*terms[0].shape)
    return kept[0] if len(kept) == 1 else MatAdd(*kept)


def _block_by_block(terms: list[MatrixExpr]) -> list[MatrixExpr]:
    """The terms of a sum with its stacks added up: ``[a; 0] + [b; c]`` is ``[a + b; c]``."""
    result: list[MatrixExpr] = []
    for term in terms:
        many, rest = coefficient(term)
        if isinstance(rest, Stack):
            term = stack(*rest.shape, *(times(many, part) for part in rest.parts))
            for i, other in enumerate(result):
                if isinstance(other, Stack) and (both := _added(other, term)) is not None:
                    result[i] = both
                    break
            else:
                result.append(term)
        else:
            result.append(term)
    return result


def _added(a: Stack, b: MatrixExpr) -> MatrixExpr | None:
    """The sum of two stacks, if their blocks are alike once zeros are split."""
    left, right = list(a.parts), list(b.parts if isinstance(b, Stack) else [b])
    found: list[MatrixExpr] = []
    while left and right:
        x, y = left.pop(0), right.pop(0)
        more = length(x) - length(y)
        if more.is_negative:
            x, y, left, right, more = y, x, right, left, -more
        if more.is_positive and is_zero(x):
            left.insert(0, zeros_along(more, x))
            x = zeros_along(length(y), x)
        elif more != 0:
            return None
        found.append(plus(x, y))
    return stack(*a.shape, *found)


def length(a: MatrixExpr) -> sp.Expr:
    """The number of entries of a vector."""
    return a.shape[0] * a.shape[1]


def zeros_along(size: sp.Expr, like: MatrixExpr) -> MatrixExpr:
    """A part of a zero vector that lies as the whole does."""
    return ZeroMatrix(*((size, ONE) if like.shape[1] == ONE else (ONE, size)))


def stack(rows: Any, cols: Any, *parts: MatrixExpr) -> MatrixExpr:
    """``[a; b; …]``: nested stacks opened, neighbours that are zero, or one, put together."""
    shape = number(rows), number(cols)
    kept: list[MatrixExpr] = []
    for part in parts:
        for a in part.parts if isinstance(part, Stack) else [part]:
            if kept and isinstance(a, ZeroMatrix | OneMatrix) and type(a) is type(kept[-1]):
                size = length(kept.pop()) + length(a)
                a = type(a)(*((size, ONE) if shape[1] == ONE else (ONE, size)))
            if length(a) != 0:
                kept.append(a)
    return kept[0] if len(kept) == 1 else Stack(*shape, *kept)


def block(a: MatrixExpr, start: Any, size: Any) -> MatrixExpr:
    """Entries ``start + 1`` to ``start + size`` of a vector; whole parts of a stack themselves."""
    start, size = number(start), number(size)
    if size == length(a):
        return a
    many, a = coefficient(a)
    column = a.shape[1] == ONE
    if many != 1:
        return times(many, block(a, start, size))
    if isinstance(a, ZeroMatrix | OneMatrix):
        return type(a)(*((size, ONE) if column else (ONE, size)))
    if isinstance(a, Scale):
        return scale(a.scalar, block(a.operand, start, size))
    if isinstance(a, Block):
        return Block(a.operand, a.start + start, size)
    if isinstance(a, MatAdd) and any(isinstance(coefficient(b)[1], Stack) for b in a.args):
        return plus(*(block(b, start, size) for b in a.args))
    if isinstance(a, Stack):
        ends = list(accumulate(map(length, a.parts), initial=sp.Integer(0)))
        if start in ends and start + size in ends:
            inside = a.parts[ends.index(start) : ends.index(start + size)]
            return stack(*((size, ONE) if column else (ONE, size)), *inside)
    return Block(a, start, size)


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
    if len(flat) > 1:
        flat = [part for f in flat for part in _scaled(f)]
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


def _scaled(a: MatrixExpr) -> tuple[MatrixExpr, ...]:
    """``s A`` as two factors, so that scalars meet in front and an identity falls away."""
    return (a.scalar, *_factors(a.operand)) if isinstance(a, Scale) else (a,)


def _factors(a: MatrixExpr) -> tuple[MatrixExpr, ...]:
    return a.args if isinstance(a, MatMul) else (a,)


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
    if isinstance(operand, Scale) and not is_scalar(operand):
        return times(a * b, scale(scale(scalar, operand.scalar), operand.operand))
    return times(a * b, Scale(scalar, operand))


def odot(*factors: MatrixExpr) -> MatrixExpr:
    """``a ⊙ b ⊙ …`` in this order; ones dropped, numbers in front, nested products opened."""
    many: sp.Expr = ONE
    flat: list[MatrixExpr] = []
    scalars: list[MatrixExpr] = []
    for factor in factors:
        inner, rest = coefficient(factor)
        many *= inner
        if isinstance(rest, Scale) and is_ones(rest.operand):  # (s 1) ⊙ a is s a
            scalars.append(rest.scalar)
            rest = rest.operand
        flat += rest.args if isinstance(rest, HadamardProduct) else [rest]
    if any(is_zero(f) for f in flat):
        return ZeroMatrix(*flat[0].shape)
    kept = [f for f in flat if not is_ones(f)] or flat[:1]
    product = times(many, kept[0] if len(kept) == 1 else HadamardProduct(*kept))
    for scalar in scalars:
        product = scale(scalar, product)
    return product


def transpose(a: MatrixExpr) -> MatrixExpr:
    """``aᵀ``, taken inside products and sums as far as it goes."""
    many, a = coefficient(a)
    if many != 1:
        return times(many, transpose(a))
    if isinstance(a, Transpose):
        return a.arg
    if isinstance(a, MatMul):
        return times(*(transpose(f) for f in reversed(a.args)))
    if isinstance(a, MatAdd | HadamardProduct) and all(map(_is_transposed, a.args)):
        return _BUILD[type(a)](*map(transpose, a.args))
    if isinstance(a, Scale):
        return scale(a.scalar, transpose(a.operand))
    if isinstance(a, OneMatrix | ZeroMatrix):
        return type(a)(*reversed(a.shape))
    return a if is_scalar(a) or isinstance(a, DiagMatrix | sp.Identity) else Transpose(a)


def _is_transposed(a: MatrixExpr) -> bool:
    return isinstance(coefficient(a)[1], Transpose | OneMatrix)


def raised(a: MatrixExpr, exponent: Any) -> MatrixExpr:
    """``a`` to a power, entry by entry."""
    exponent = number(exponent)
    if exponent == 1:
        return a
    if exponent == 0 or is_ones(a):
        return OneMatrix(*a.shape)
    # (x^2)^(1/2) is |x|, not x; and a root is an atom to the exact witness
    if exponent.is_Integer:
        many, a = coefficient(a)
        if many != 1:
            return times(many**exponent, raised(a, exponent))
        if isinstance(a, HadamardPower) and a.exp.is_Integer:
            return raised(a.base, a.exp * exponent)
    return HadamardPower(a, exponent)


def total(a: MatrixExpr) -> MatrixExpr:
    """The sum of all entries."""
    many, a = coefficient(a)
    if is_scalar(a):
        return times(many, a)
    if is_ones(a):
        return times(many, *(Count(d) for d in a.shape if d != ONE))
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


def vec(a: MatrixExpr) -> MatrixExpr:
    """The entries of a matrix as one column, column by column."""
    many, a = coefficient(a)
    if a.shape[1] == ONE:
        return times(many, a)
    if a.shape[0] == ONE:
        return times(many, transpose(a))
    if isinstance(a, OneMatrix | ZeroMatrix):
        return times(many, type(a)(entries(a), 1))
    if isinstance(a, TimeSum):
        return times(many, a.func(vec(a.body), *a.args[1:]))
    return times(many, Vec(a))


def kron(a: MatrixExpr, b: MatrixExpr) -> MatrixExpr:
    """``a ⊗ b``, with which ``vec(A X B) = (Bᵀ ⊗ A) vec(X)``."""
    if is_scalar(a):
        return scale(a, b)
    return scale(b, a) if is_scalar(b) else KroneckerProduct(a, b)


def identity(size: sp.Expr) -> MatrixExpr:
    """The identity matrix; of size 1, the number 1."""
    return OneMatrix(1, 1) if size == ONE else sp.Identity(size)


def commutation(shape: tuple[Any, Any]) -> MatrixExpr:
    """K with ``vec(Aᵀ) = K vec(A)`` for A of this shape; of a column or a row, the identity."""
    rows, cols = shape
    return identity(rows * cols) if ONE in shape else Commutation(rows, cols)


def ones(shape: tuple[Any, Any]) -> MatrixExpr:
    """The matrix of ones."""
    return OneMatrix(*shape)


def zeros(shape: tuple[Any, Any]) -> MatrixExpr:
    """The zero matrix."""
    return ZeroMatrix(*shape)


LEAVES = (At, Count, MatrixSymbol, OneMatrix, ZeroMatrix)


def collected(e: MatrixExpr) -> MatrixExpr:
    """``δ ⊙ a - δ ⊙ b`` as ``δ ⊙ (a - b)``: what all terms of a sum begin with, taken out.

    >>> δ, a, b = (MatrixSymbol(name, 2, 1) for name in "δab")
    >>> collected(plus(times(-1, odot(δ, b)), odot(δ, a))) == odot(δ, plus(a, times(-1, b)))
    True
    """
    e = rebuild(e, collected)
    if not isinstance(e, MatAdd) or is_scalar(e):
        return e
    split = [coefficient(term) for term in e.args]
    factors = [term.args if isinstance(term, HadamardProduct) else (term,) for _, term in split]
    same = 0
    while all(same < len(f) and f[same] == factors[0][same] for f in factors):
        same += 1
    if not same:
        return e
    ones = OneMatrix(*e.shape)
    rests = [
        times(many, odot(*own[same:]) if own[same:] else ones)
        for (many, _), own in zip(split, factors, strict=True)
    ]
    rests.sort(key=lambda rest: bool(coefficient(rest)[0] < 0))  # a - b, and not -b + a
    return odot(*factors[0][:same], plus(*rests))


def gather(terms: list[MatrixExpr], shape: tuple[Any, Any]) -> MatrixExpr:
    """``a ⊙ c + b ⊙ c`` as ``(a + b) ⊙ c``: a sum with what all its terms share taken out."""
    terms = [collected(term) for term in terms]
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
    Stack: stack,
    Block: block,
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


def find(expression: sp.Basic, kind: type | tuple[type, ...]) -> list[Any]:
    """The nodes of a kind, each once, in reading order."""
    seen: set[sp.Basic] = set()
    found: list[Any] = []
    ahead = [expression]
    while ahead:
        e = ahead.pop()
        if e not in seen:  # what stands in an expression many times is read once
            seen.add(e)
            if isinstance(e, kind):
                found.append(e)
            ahead += reversed(e.args)
    return found
