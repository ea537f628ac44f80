"""The nodes that Jacobians by matrices need: columns of entries, and derivatives of symbols."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus.nodes import ONE, At, Node, entries, number


class Vec(Node):
    """``vec(A)``: the entries of A as one column, column by column."""

    def __new__(cls, operand: MatrixExpr) -> Vec:
        return sp.Basic.__new__(cls, operand)

    @property
    def operand(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return entries(self.operand), ONE

    def _sympystr(self, printer: Any) -> str:
        return f"vec({printer._print(self.operand)})"

    def _latex(self, printer: Any) -> str:
        return rf"\operatorname{{vec}}({printer._print(self.operand)})"


class Commutation(Node):
    """The permutation K with ``vec(Aᵀ) = K vec(A)`` for every r×c matrix A."""

    def __new__(cls, rows: Any, cols: Any) -> Commutation:
        return sp.Basic.__new__(cls, number(rows), number(cols))

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        rows, cols = self.args
        return rows * cols, rows * cols

    def _sympystr(self, printer: Any) -> str:
        return f"K_{{{self.args[0]},{self.args[1]}}}"

    def _latex(self, printer: Any) -> str:
        return rf"K_{{{self.args[0]},{self.args[1]}}}"


class Placing(Node):
    """Columns ``start + 1`` to ``start + size`` of the identity.

    ``E a`` has the column ``a`` behind ``start`` zeros, ``Eᵀ a`` are the entries of a column there.
    """

    def __new__(cls, rows: Any, start: Any, size: Any) -> Placing:
        return sp.Basic.__new__(cls, number(rows), number(start), number(size))

    @property
    def start(self) -> sp.Expr:
        return self.args[1]

    @property
    def size(self) -> sp.Expr:
        return self.args[2]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return self.args[0], self.size

    def _sympystr(self, printer: Any) -> str:
        return f"E_{{{self.start + 1}:{self.start + self.size}}}"

    def _latex(self, printer: Any) -> str:
        return rf"E_{{{self.start + 1}:{self.start + self.size}}}"


class Sensitivity(Node):
    """``∂v_t/∂θ``, total: one row for each entry of v_t, one column for each entry of θ."""

    mark = ""

    def __new__(cls, of: At, by: MatrixExpr) -> Sensitivity:
        return sp.Basic.__new__(cls, of, by)

    @property
    def of(self) -> At:
        return self.args[0]

    @property
    def by(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        return entries(self.of), entries(self.by)

    def _sympystr(self, printer: Any) -> str:
        return f"∂{self.mark}{printer._print(self.of)}/∂{printer._print(self.by)}"

    def _latex(self, printer: Any) -> str:
        above, below = map(printer._print, self.args)
        mark = f"^{self.mark}" if self.mark else ""
        return rf"\frac{{\partial{mark} {above}}}{{\partial {below}}}"


class Immediate(Sensitivity):
    """``∂⁺v_t/∂θ``: by what the equation of v_t itself names, all else held fixed."""

    mark = "⁺"
