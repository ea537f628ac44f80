"""Pieces of generated source that know how tightly they bind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symbptt.calculus.nodes import dimension_sum
from symbptt.model.terms import Dim, put_in

# How tightly a piece of source binds; @ and * bind alike to Python, but not to a reader.
SUM, PRODUCT, MATMUL, POWER, ATOM = range(5)


@dataclass(frozen=True)
class Code:
    """Source of an expression: how tightly it binds, and whether it has a batch axis."""

    text: str
    binds: int
    batched: bool

    def within(self, *allowed: int) -> str:
        """The source, in brackets unless it binds in one of the allowed ways."""
        return self.text if self.binds in allowed else f"({self.text})"

    def last(self) -> str:
        """The source as the last factor of an entrywise product."""
        allowed = (POWER, ATOM) if self.text.startswith("-") else (PRODUCT, POWER, ATOM)
        return self.within(*allowed)


def multiple(many: sp.Rational, code: Code) -> Code:
    """A number times an expression."""
    if many == -1:
        text = "-" + code.within(PRODUCT, MATMUL, POWER, ATOM)
    elif "/" in number(many):  # one third of a is a / 3
        above = code.last() if many.p == 1 else multiple(sp.Integer(many.p), code).text
        text = f"{above} / {many.q}"
    else:
        text = f"{number(many)} * {code.last()}"
    return Code(text, PRODUCT, code.batched)


def number(value: sp.Expr) -> str:
    """A rational number as source, as a decimal where that is short and exact.

    >>> number(sp.Rational(1, 2)), number(sp.Rational(-1, 3)), number(sp.Integer(2))
    ('0.5', '-1 / 3', '2')
    """
    value = sp.Rational(value)
    if value.q == 1:
        return str(value.p)
    decimal = repr(float(value))
    exact = len(decimal) <= 8 and sp.Rational(decimal) == value
    return decimal if exact else f"{value.p} / {value.q}"


#: Dimensions under another name in the tables of shapes: T and B there are steps and batch.
RENAMED: dict[str, Dim] = {"T": "T_", "B": "B_"}


def dimension_name(dim: Dim) -> str:
    """A dimension's name in the tables of shapes."""
    return str(put_in(dim, RENAMED))


def linear(dim: sp.Expr, name: Callable[[str], str]) -> str:
    """A dimension as source, given the source of each name in it.

    >>> linear(3 * sp.Symbol("n") + sp.Symbol("m") + 1, "size_{}".format)
    'size_m + 3 * size_n + 1'
    """
    whole = dimension_sum(dim)
    terms = [(f"{k} * " if k > 1 else "") + name(letter) for letter, k in sorted(whole.terms)]
    return " + ".join((*terms, *([str(whole.number)] if whole.number or not terms else [])))
