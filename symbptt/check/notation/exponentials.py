"""Activations written out by exponentials: ``1/(1 + e^{-x})`` is the sigmoid of x."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symbptt.check.notation.scripts import unbracketed
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Node,
    Number,
    Power,
    Quotient,
    Subscripted,
    Sum,
    Symbol,
)

_ONE = Number(Fraction(1))


def named_activation(node: Node) -> Node:
    """The sigmoid, tanh or softmax, where exponentials make one."""
    if not isinstance(node, Quotient):
        return node
    above, below = unbracketed(node.numerator), unbracketed(node.denominator)
    for name, x in (("sigmoid", _of_sigmoid(above, below)), ("tanh", _of_tanh(above, below))):
        if x is not None:
            return Call(Symbol(name, span=node.span), (x,), span=node.span)
    return _of_softmax(above, below) or node


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


def _of_softmax(above: Node, below: Node) -> Node | None:
    """``e^{o_i} / Σ_j e^{o_j}`` as entry i of softmax(o), ``e^o / Σ_j e^{o_j}`` as all of it."""
    if not isinstance(below, BigOperator) or below.kind != "sum" or below.domain is not None:
        return None
    of, each, index = _exponent(above), _exponent(below.body), below.index
    if not (isinstance(of, Symbol) and isinstance(each, Symbol) and isinstance(index, Symbol)):
        return None
    whole = _with(each, index, None)
    span = of.span
    softmax = Call(Symbol("softmax", span=span), (replace(whole, span=span),), span=span)
    if whole == each:
        return None
    if of == whole:
        return softmax
    letters = (*of.subscripts, *of.superscripts, *of.indices)
    entry = next((x for x in letters if _with(each, index, x) == of), None)
    return None if entry is None else Subscripted(softmax, (entry,), span=span)


def _with(s: Symbol, index: Symbol, new: Node | None) -> Symbol:
    """A symbol with another script for a letter, or without it."""
    below, above, at = (
        tuple(x for p in parts for x in [new if p == index else p] if x is not None)
        for parts in (s.subscripts, s.superscripts, s.indices)
    )
    return replace(s, subscripts=below, superscripts=above, indices=at)


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
