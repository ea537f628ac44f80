"""Expressions as one line of Unicode mathematics: the comments of generated code."""

from __future__ import annotations

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    Identity,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd

SUM, PRODUCT, ATOM = range(3)
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def plain(e: MatrixExpr) -> str:
    """An expression as a reader of code would write it.

    >>> n = nd.dimension("n")
    >>> z, h = nd.Adjoint("z", nd.t + 1, n, 1), nd.At("h", nd.t, n, 1)
    >>> one = al.ones((n, 1))
    >>> W = sp.MatrixSymbol("W_hh", n, n)
    >>> plain(al.odot(al.times(al.transpose(W), z), al.plus(one, al.times(-1, al.raised(h, 2)))))
    'W_hhᵀ δ^z_{t+1} ⊙ (1 - h_t²)'
    """
    return _plain(e)[0]


def positive_first(e: MatAdd) -> list[MatrixExpr]:
    """The terms of a sum in order, but not with a minus in front if that can be helped."""
    terms = list(e.args)
    signs = [bool(al.coefficient(a)[0].is_negative) for a in terms]
    if signs[0] and not all(signs):
        terms.insert(0, terms.pop(signs.index(False)))
    return terms


def factor(e: MatrixExpr) -> str:
    """An expression in brackets if it is a sum."""
    return _in(e, PRODUCT)


def subscript(name: str, index: sp.Expr) -> str:
    """``h_t``, ``h_{t-1}``."""
    text = str(index).replace(" ", "")
    return f"{name}_{text}" if len(text) == 1 else f"{name}_{{{text}}}"


def signed_sum(terms: list[str]) -> str:
    """Terms joined by their signs."""
    return " + ".join(terms).replace("+ -", "- ")


def _plain(e: MatrixExpr) -> tuple[str, int]:
    many, rest = al.coefficient(e)
    if many != 1:
        if isinstance(rest, OneMatrix):
            return str(many), ATOM if many >= 0 else PRODUCT
        body = _in(rest, PRODUCT)
        if many == -1:
            return f"-{body}", PRODUCT
        return f"{many} {body.removeprefix('1 ')}", PRODUCT
    match e:
        case nd.Adjoint():
            return subscript(f"δ^{e.name}", e.index), ATOM
        case nd.At():
            return subscript(e.name, e.index), ATOM
        case MatrixSymbol():
            return e.name, ATOM
        case OneMatrix():
            return "1", ATOM
        case MatAdd():
            return signed_sum([plain(a) for a in positive_first(e)]), SUM
        case nd.Count():
            level = SUM if e.value.is_Add else PRODUCT if e.value.is_Mul else ATOM
            return str(nd.dimension_sum(e.value)), level
        case MatMul():
            factors = (plain(a) if type(a) is jn.Sensitivity else _in(a, ATOM) for a in e.args)
            return " ".join(factors), PRODUCT
        case nd.Scale():
            return f"{_in(e.scalar, ATOM)} {_in(e.operand, ATOM)}", PRODUCT
        case HadamardProduct():
            return _entrywise(e), PRODUCT
        case HadamardPower():
            if e.exp == -1:
                return f"1 / {_in(e.base, ATOM)}", PRODUCT
            power = str(e.exp).translate(SUPERSCRIPT) if e.exp.is_Integer else f"^({e.exp})"
            return _in(e.base, ATOM) + power, ATOM
        case Transpose():
            return _in(e.arg, ATOM) + "ᵀ", ATOM
        case nd.Map():
            return f"{e.function}{'′' * e.order}({plain(e.operand)})", ATOM
        case nd.VectorMap():
            return f"{e.function}({plain(e.operand)})", ATOM
        case nd.Stack():
            between = "; " if e.shape[1] == nd.ONE else ", "
            return f"[{between.join(map(plain, e.parts))}]", ATOM
        case nd.Block():
            return f"{_in(e.operand, ATOM)}[{_span(e.start, e.size)}]", ATOM
        case nd.Total():
            return f"sum({plain(e.operand)})", ATOM
        case jn.Sensitivity():
            return f"∂{e.mark}{plain(e.of)}/∂{plain(e.by)}", PRODUCT
        case jn.Vec():
            return f"vec({plain(e.operand)})", ATOM
        case jn.Commutation():
            return "K", ATOM
        case jn.Placing():
            return f"E_{{{_span(e.start, e.size)}}}", ATOM
        case KroneckerProduct():
            return " ⊗ ".join(_in(a, ATOM) for a in e.args), PRODUCT
        case DiagMatrix():
            return f"diag({plain(e.args[0])})", ATOM
        case Identity():
            return "I", ATOM
    return "0", ATOM


def _span(start: sp.Expr, size: sp.Expr) -> str:
    """``n+1:2n``, or one number."""
    first, last = (str(nd.dimension_sum(end)) for end in (start + 1, start + size))
    return first if first == last else f"{first}:{last}"


def _entrywise(e: HadamardProduct) -> str:
    text = ""
    for a in e.args:
        divides = isinstance(a, HadamardPower) and a.exp.is_negative
        factor = al.raised(a.base, -a.exp) if divides else a
        # A product of matrices binds tighter than ⊙.
        product = isinstance(factor, MatMul) and not divides
        shown = plain(factor) if product else _in(factor, ATOM)
        text += (" / " if divides else " ⊙ " if text else "") + shown
    return "1" + text if text.startswith(" /") else text


def _in(e: MatrixExpr, least: int) -> str:
    text, binds = _plain(e)
    return text if binds >= least else f"({text})"
