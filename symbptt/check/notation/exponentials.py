"""Activations written out by exponentials: ``1/(1 + e^{-x})`` is the sigmoid of x."""

from __future__ import annotations

from fractions import Fraction

from symbptt.check.notation.scripts import unbracketed
from symbptt.formula.tree import Call, Node, Number, Power, Quotient, Sum, Symbol

_ONE = Number(Fraction(1))


def named_activation(node: Node) -> Node:
    """The sigmoid, or tanh, where exponentials make one."""
    if not isinstance(node, Quotient):
        return node
    above, below = unbracketed(node.numerator), unbracketed(node.denominator)
    for name, x in (("sigmoid", _of_sigmoid(above, below)), ("tanh", _of_tanh(above, below))):
        if x is not None:
            return Call(Symbol(name, span=node.span), (x,), span=node.span)
    return node


def _of_sigmoid(above: Node, below: Node) -> Node | None:
    """x of ``1/(1 + e^{-x})``."""
    match below:
        case Sum((a, b), (1, 1)) if above == _ONE and _ONE in (a, b):
            power = _exponent(b if a == _ONE else a)
            return None if power is None else _negated(power)
    return None


def _of_tanh(above: Node, below: Node) -> Node | None:
    """x of ``(e^x - e^{-x})/(e^x + e^{-x})``."""
    match above, below:
        case Sum((a, b), (1, -1)), Sum((c, d), (1, 1)) if (c, d) in ((a, b), (b, a)):
            x, minus = _exponent(a), _exponent(b)
            if x is not None and minus is not None and _negated(minus) == x:
                return x
    return None


def _exponent(node: Node) -> Node | None:
    """x of ``e^x`` and of ``exp(x)``."""
    match node:
        case Power(Symbol() as e, x) if e == Symbol("e"):
            return unbracketed(x)
        case Call(Symbol("exp"), (x,)):
            return unbracketed(x)
    return None


def _negated(node: Node) -> Node | None:
    """x of ``-x``."""
    match node:
        case Sum((x,), (-1,)):
            return unbracketed(x)
    return None
