"""Parts of an expression that may get a line and a name of their own, where a line is too long."""

from __future__ import annotations

from collections.abc import Iterator

from sympy.matrices.expressions import HadamardProduct, MatAdd, MatMul, MatrixExpr

from symbptt.calculus import algebra as al


def parts_of(e: MatrixExpr) -> Iterator[MatrixExpr]:
    """The composite parts of an expression, and the beginnings of its sums."""
    for a in e.args:
        if isinstance(a, MatrixExpr) and not isinstance(a, al.LEAVES):
            yield a
            yield from parts_of(a)
    if isinstance(e, MatAdd):
        yield from (MatAdd(*e.args[:i]) for i in range(2, len(e.args)))


def beginnings(e: MatrixExpr) -> Iterator[MatrixExpr]:
    """The beginnings of the entrywise products in an expression."""
    for product in al.find(e, HadamardProduct):
        yield from (HadamardProduct(*product.args[:i]) for i in range(2, len(product.args)))


def replaced(e: MatrixExpr, part: MatrixExpr, by: MatrixExpr) -> MatrixExpr:
    """An expression with a variable in the place of a part."""
    if e == part:
        return by
    begins = type(e) is type(part) and e.args[: len(part.args)] == part.args
    if begins and isinstance(e, MatAdd | HadamardProduct):
        return type(e)(by, *e.args[len(part.args) :])
    return al.rebuild(e, lambda a: replaced(a, part, by))


def ends_of(e: MatrixExpr) -> Iterator[MatrixExpr]:
    """The ends of the matrix products in an expression."""
    for product in al.find(e, MatMul):
        yield from (MatMul(*product.args[i:]) for i in range(1, len(product.args) - 1))


def put_in(e: MatrixExpr, part: MatrixExpr, by: MatrixExpr) -> MatrixExpr:
    """An expression with a variable in the place of a part, or of the end of a product."""
    if isinstance(e, MatMul) and isinstance(part, MatMul):
        before = len(e.args) - len(part.args)
        if before > 0 and e.args[before:] == part.args:
            return MatMul(*e.args[:before], by)
    whole = replaced(e, part, by)
    return whole if whole != e else al.rebuild(e, lambda a: put_in(a, part, by))
