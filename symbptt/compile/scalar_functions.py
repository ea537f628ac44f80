"""The functions of the model language for languages of loops: formulas of one number.

Rows stand here where the definition would overflow or lose digits; all else is the definition or
its derivative.  ``sigmoid`` and ``erf`` are functions of the printed module.
"""

from __future__ import annotations

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.functions.elementary.piecewise import Piecewise
from sympy.printing.c import C99CodePrinter
from sympy.printing.codeprinter import CodePrinter
from sympy.printing.precedence import PRECEDENCE

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


class ScalarPrinter(CodePrinter):
    """What printers of such functions have in common; a language says how it writes a choice, a
    call and a number."""

    def choice(self, test: str, then: str, otherwise: str) -> str:
        """Source for one of two, in brackets."""
        raise NotImplementedError

    def called(self, name: str, inside: str) -> str:
        """Source for a function of the language's library, ``pow`` with both arguments inside, or
        of ``OWN``."""
        raise NotImplementedError

    def _print_Max(self, e: sp.Max) -> str:
        return self._chosen(e, ">")

    def _print_Min(self, e: sp.Min) -> str:
        return self._chosen(e, "<")

    def _chosen(self, e: sp.Expr, sign: str) -> str:
        number, other = sorted(e.args, key=lambda a: not a.is_number)
        a, b = self._print(other), self._print(number)
        return self.choice(f"{a} {sign} {b}", a, b)

    def _print_Heaviside(self, e: sp.Heaviside) -> str:
        test = f"({self._print(e.args[0])}) > 0"
        return self.choice(test, self._print(sp.Integer(1)), self._print(sp.Integer(0)))

    def _print_Pow(self, e: sp.Pow, rational: bool = False) -> str:
        base = self.parenthesize(e.base, PRECEDENCE["Pow"])
        if abs(e.exp) == sp.Rational(1, 2):
            power = self.called("sqrt", self._print(e.base))
        elif e.exp.is_Integer and abs(e.exp) <= 4:
            power = f"({' * '.join([base] * abs(int(e.exp)))})"
        else:
            return self.called("pow", f"{self._print(e.base)}, {self._print(e.exp)}")
        return power if e.exp > 0 else f"({self._print(sp.Integer(1))} / {power})"

    def _print_Function(self, e: sp.Function) -> str:
        return self.called(type(e).__name__, ", ".join(map(self._print, e.args)))

    _print_exp = _print_tanh = _print_log = _print_sin = _print_cos = _print_Abs = _print_Function
    _print_erf = _print_log1p = _print_expm1 = _print_sign = _print_Function


class CPrinter(ScalarPrinter, C99CodePrinter):
    """SymPy's C, for numbers of type ``real``."""

    def _print_Rational(self, e: sp.Rational) -> str:
        return f"((real){e.p} / {e.q})"

    def _print_Float(self, e: sp.Float) -> str:
        return f"(real){super()._print_Float(e)}"

    def _print_Pi(self, e: sp.Expr) -> str:
        return "(real)3.14159265358979323846"

    def choice(self, test: str, then: str, otherwise: str) -> str:
        return f"({test} ? {then} : {otherwise})"

    def called(self, name: str, inside: str) -> str:
        if name in OWN:
            return f"{name}_({inside})"
        return f"MATH({'fabs' if name == 'Abs' else name})({inside})"


def c_source(name: str) -> str:
    """A function as C.

    >>> c_source("relu")
    'static inline real relu_(real z) { return (z > 0 ? z : 0); }'
    """
    return f"static inline real {name}_(real z) {{ return {CPrinter().doprint(formula(name))}; }}"
