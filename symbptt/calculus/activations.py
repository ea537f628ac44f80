"""Activations as SymPy knows them: their definitions, and the derivatives of these."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from symbptt.model.functions import ACTIVATIONS, PRIMITIVES
from symbptt.model.scalars import evaluate

z = sp.Symbol("z", real=True)

#: What can't be defined by a formula: SymPy has it.
SYMPY: dict[str, Any] = {
    "tanh": sp.tanh,
    "exp": sp.exp,
    "log": sp.log,
    "sin": sp.sin,
    "cos": sp.cos,
    "sqrt": sp.sqrt,
    "max": sp.Max,
    "min": sp.Min,
    "abs": sp.Abs,
    "step": lambda x: sp.Heaviside(x, 0),
    "erf": sp.erf,
}


def is_known(function: str) -> bool:
    """Whether the function has a row in the table, so that its derivative is known."""
    return function in ACTIVATIONS


def scalar(text: str, **values: sp.Expr) -> sp.Expr:
    """A formula of the function tables as a SymPy expression."""
    return sp.nsimplify(evaluate(text, {"pi": sp.pi, **values}, _apply, sp.Rational))


def _apply(name: str, arguments: tuple[sp.Expr, ...]) -> sp.Expr:
    if name in SYMPY:
        return SYMPY[name](*arguments)
    return definition(name).xreplace({z: arguments[0]})


@cache
def definition(function: str) -> sp.Expr:
    """The activation as an expression in ``z``.

    >>> definition("sigmoid")
    1/(1 + exp(-z))
    """
    row = ACTIVATIONS[function]
    return SYMPY[function](z) if row.definition is None else scalar(row.definition, z=z)


@cache
def derivative(function: str) -> sp.Expr:
    """The activation's derivative as an expression in ``z``: ``sympy.diff`` of its definition.

    Where the table states the derivative, the statement is used; the tests prove it equal.

    >>> derivative("tanh")
    1 - tanh(z)**2
    """
    row = ACTIVATIONS[function]
    if row.in_output is not None:
        return scalar(row.in_output, h=definition(function), z=z)
    if row.derivative is not None:
        return scalar(row.derivative, z=z)
    return sp.diff(definition(function), z)


@cache
def second_derivative(function: str) -> sp.Expr:
    """The derivative of the derivative, as stated; at the kinks of a function, 0.

    >>> second_derivative("relu"), second_derivative("softplus")
    (0, exp(-z)/(1 + exp(-z))**2)
    """
    return sp.diff(derivative(function), z).replace(sp.DiracDelta, lambda *at: sp.Integer(0))


assert set(PRIMITIVES) <= set(SYMPY)
