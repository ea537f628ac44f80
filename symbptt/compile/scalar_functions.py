"""The functions of the model language for languages of loops: formulas of one number.

Rows stand here where the definition would overflow or lose digits; all else is the definition or
its derivative.  ``sigmoid`` and ``erf`` are functions of the printed module.
"""

from __future__ import annotations

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.functions.elementary.piecewise import Piecewise
from sympy.printing.c import C99CodePrinter

from symbptt.calculus.activations import definition, derivative, z

sigmoid = sp.Function("sigmoid")

STABLE: dict[str, sp.Expr] = {
    "softplus": sp.Max(z, 0) + log1p(sp.exp(-sp.Abs(z))),
    "silu": z * sigmoid(z),
    "silu_prime": sigmoid(z) * (1 + z * (1 - sigmoid(z))),
    "silu_prime_prime": sigmoid(z) * (1 - sigmoid(z)) * (2 + z * (1 - 2 * sigmoid(z))),
    "sigmoid_prime": sigmoid(z) * (1 - sigmoid(z)),
    "sigmoid_prime_prime": sigmoid(z) * (1 - sigmoid(z)) * (1 - 2 * sigmoid(z)),
    "softplus_prime": sigmoid(z),
    "softplus_prime_prime": sigmoid(z) * (1 - sigmoid(z)),
    "leaky_relu": Piecewise((z, z > 0), (z / 100, True)),
    "leaky_relu_prime": Piecewise((1, z > 0), (sp.Rational(1, 100), True)),
    "elu": sp.Max(z, 0) + expm1(sp.Min(z, 0)),
    "elu_prime": sp.exp(sp.Min(z, 0)),
    "elu_prime_prime": Piecewise((sp.exp(z), z < 0), (0, True)),
    "hardtanh_prime": sp.Heaviside(1 - sp.Abs(z), 0),
}  # fmt: skip

#: Functions that a printed module has for itself, under their names with an underscore.
OWN = ("exp", "tanh", "sigmoid")


def formula(name: str) -> sp.Expr:
    """A function, or with ``_prime`` behind it its derivative, as an expression in ``z``."""
    if name in STABLE:
        return STABLE[name]
    function = name.removesuffix("_prime")
    if function == name:
        return definition(name)
    order = name.count("_prime")
    function = name.removesuffix("_prime" * order)
    return derivative(function) if order == 1 else sp.diff(derivative(function), z, order - 1)


class CPrinter(C99CodePrinter):
    """SymPy's C, for numbers of type ``real``."""

    def _print_Rational(self, e: sp.Rational) -> str:
        return f"((real){e.p} / {e.q})"

    def _print_Float(self, e: sp.Float) -> str:
        return f"(real){super()._print_Float(e)}"

    def _print_Pi(self, e: sp.Expr) -> str:
        return "(real)3.14159265358979323846"

    def _print_Pow(self, e: sp.Pow) -> str:
        base = self._print(e.base)
        if e.exp == sp.Rational(1, 2):
            return f"MATH(sqrt)({base})"
        if e.exp == sp.Rational(-1, 2):
            return f"(1 / MATH(sqrt)({base}))"
        if e.exp.is_Integer and 0 < abs(e.exp) <= 4:
            product = " * ".join([f"({base})"] * abs(int(e.exp)))
            return f"({product})" if e.exp > 0 else f"(1 / ({product}))"
        return f"MATH(pow)({base}, {self._print(e.exp)})"

    def _print_Max(self, e: sp.Max) -> str:
        return self._chosen(e, ">")

    def _print_Min(self, e: sp.Min) -> str:
        return self._chosen(e, "<")

    def _chosen(self, e: sp.Expr, sign: str) -> str:
        number, other = sorted(e.args, key=lambda a: not a.is_number)
        a, b = self._print(other), self._print(number)
        return f"({a} {sign} {b} ? {a} : {b})"

    def _print_Heaviside(self, e: sp.Heaviside) -> str:
        return f"(({self._print(e.args[0])}) > 0 ? 1 : 0)"

    def _print_Function(self, e: sp.Function) -> str:
        name = type(e).__name__
        inside = ", ".join(map(self._print, e.args))
        return (
            f"{name}_({inside})" if name in OWN else f"MATH({_LIBRARY.get(name, name)})({inside})"
        )

    _print_exp = _print_tanh = _print_log = _print_sin = _print_cos = _print_Abs = _print_Function
    _print_erf = _print_log1p = _print_expm1 = _print_Function


_LIBRARY = {"Abs": "fabs"}


def c_source(name: str) -> str:
    """A function as C.

    >>> c_source("relu")
    'static inline real relu_(real z) { return (z > 0 ? z : 0); }'
    """
    return f"static inline real {name}_(real z) {{ return {CPrinter().doprint(formula(name))}; }}"
