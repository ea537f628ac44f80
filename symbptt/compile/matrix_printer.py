"""SymPy's NumPy printer, taught the nodes of a derivation: what ``lambdify`` prints with."""

from __future__ import annotations

import sympy as sp
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)
from sympy.printing.numpy import NumPyPrinter

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.code import number
from symbptt.compile.numpy_functions import INLINE, function_name, split_log

#: The argument of a lambdified function that says in which precision it counts.
DTYPE = sp.Symbol("dtype")


class MatrixPrinter(NumPyPrinter):
    """Matrix expressions over arrays ``(…, r, c)``; ``helpers`` are the functions called."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False, "allow_unknown_functions": True})
        self.helpers: list[str] = []

    def _part(self, e: MatrixExpr) -> str:
        text = self._print(e)
        return text if isinstance(e, MatrixSymbol) else f"({text})"

    def _print_MatrixSymbol(self, e: MatrixSymbol) -> str:
        return str(e.name)

    def _print_MatAdd(self, e: MatAdd) -> str:
        return " + ".join(self._part(a) for a in e.args)

    def _print_MatMul(self, e: MatMul) -> str:
        many, product = al.coefficient(e)
        if many != 1:
            return f"{number(many)} * {self._part(product)}"
        return " @ ".join(self._part(a) for a in e.args)

    def _print_HadamardProduct(self, e: HadamardProduct) -> str:
        if (parts := split_log(e)) is not None:
            return self._call("times_log", ", ".join(map(self._print, parts)))
        return " * ".join(self._part(a) for a in e.args)

    def _print_HadamardPower(self, e: HadamardPower) -> str:
        if e.exp.is_negative:
            return f"1 / {self._part(al.raised(e.base, -e.exp))}"
        return f"{self._part(e.base)} ** ({number(e.exp)})"

    def _print_Transpose(self, e: Transpose) -> str:
        return f"np.swapaxes({self._print(e.arg)}, -1, -2)"

    def _print_OneMatrix(self, e: OneMatrix) -> str:
        return f"np.ones(({e.shape[0]}, {e.shape[1]}), {DTYPE})"

    def _print_ZeroMatrix(self, e: ZeroMatrix) -> str:
        return f"np.zeros(({e.shape[0]}, {e.shape[1]}), {DTYPE})"

    def _print_Scale(self, e: nd.Scale) -> str:
        return f"{self._part(e.scalar)} * {self._part(e.operand)}"

    def _print_Count(self, e: nd.Count) -> str:
        return str(e.value)

    def _print_Stack(self, e: nd.Stack) -> str:
        axis = -2 if e.shape[1] == nd.ONE else -1
        return self._call("stacked", f"{', '.join(map(self._print, e.parts))}, axis={axis}")

    def _print_Block(self, e: nd.Block) -> str:
        entries = f"{e.start} : {e.start + e.size}"
        column = e.operand.shape[1] == nd.ONE
        return f"{self._part(e.operand)}[..., {f'{entries}, :' if column else entries}]"

    def _print_Total(self, e: nd.Total) -> str:
        return f"np.sum({self._print(e.operand)}, axis=(-2, -1), keepdims=True)"

    def _print_Map(self, e: nd.Map) -> str:
        name = function_name(e.function, e.order)
        if name == "identity":
            return self._part(e.operand)
        return self._call(name, self._print(e.operand))

    def _print_VectorMap(self, e: nd.VectorMap) -> str:
        return self._call(e.function, f"{self._print(e.operand)}, axis=(-2, -1)")

    def _call(self, name: str, argument: str) -> str:
        if name in INLINE:
            return INLINE[name].format(z=argument)
        if name not in self.helpers:
            self.helpers.append(name)
        return f"{name}({argument})"
