"""The order in which to multiply a chain of matrices."""

from __future__ import annotations

from functools import cache

import sympy as sp
from sympy.matrices.expressions import MatMul, MatrixExpr

from symbptt.calculus import algebra as al


def split(product: MatMul) -> tuple[MatrixExpr, MatrixExpr]:
    """The last of the multiplications of a product, in the order that costs least."""
    factors = product.args
    sizes = [_size(f.shape[0]) for f in factors] + [_size(factors[-1].shape[1])]

    @cache
    def cost(i: int, j: int) -> tuple[int, int]:
        """The multiplications that factors i…j cost, and where they are split."""
        if i == j:
            return 0, i
        return min(
            (cost(i, k)[0] + cost(k + 1, j)[0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
            for k in range(i, j)
        )

    k = cost(0, len(factors) - 1)[1]
    return al.times(*factors[: k + 1]), al.times(*factors[k + 1 :])


def _size(dim: sp.Expr) -> int:
    return int(dim) if dim.is_Integer else 100
