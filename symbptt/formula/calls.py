r"""Function application: when a name with a bracket after it is a call and not a product."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from symbptt.formula.lexicon import FUNCTIONS, FUNCTIONS_BEFORE_BRACKETS
from symbptt.formula.loops import summed
from symbptt.formula.names import spelling
from symbptt.formula.tree import (
    Call,
    Differential,
    Group,
    Node,
    Power,
    Primed,
    Product,
    Quotient,
    Span,
    Subscripted,
    Sum,
    Symbol,
    Transpose,
)

IsFunction = Callable[[Symbol], bool]

_ARGUMENT_BRACKETS = {"(", "[", "{"}


def joint(a: Node, b: Node) -> Span:
    """The span from the beginning of one node to the end of another."""
    return Span(min(a.span.start, b.span.start), max(a.span.end, b.span.end))


def known_word(symbol: Symbol) -> Symbol | None:
    """A symbol that is one of the known function words, as that function.

    >>> known_word(Symbol("cross", subscripts=(Symbol("entropy"),))) == Symbol("cross_entropy")
    True
    """
    if symbol.accents:
        return None
    parts = [symbol.base]
    for node in symbol.subscripts:
        if not isinstance(node, Symbol) or node != Symbol(node.base):
            break
        parts.append(node.base)
    for n in range(len(parts), 1, -1):
        if "_".join(parts[:n]) in FUNCTIONS:
            return replace(symbol, base="_".join(parts[:n]), subscripts=symbol.subscripts[n - 1 :])
    return symbol if symbol.base in FUNCTIONS else None


def known_functions(functions: Collection[str]) -> IsFunction:
    """The functions that need no declaration, and those that the caller names."""
    declared = frozenset(functions)

    def is_function(symbol: Symbol) -> bool:
        bare = symbol.base
        return (
            spelling(symbol) in declared
            or known_word(symbol) is not None
            or (bare in FUNCTIONS_BEFORE_BRACKETS and symbol == Symbol(bare, primes=symbol.primes))
        )

    return is_function


def apply(left: Node, right: Node, is_function: IsFunction) -> Node | None:
    """``left right`` read as a call, or None: ``f (x)``, ``f^2 (x)``, ``f (x)'``, ``a/f (x)``."""
    if isinstance(right, Quotient) and right.style == "/":
        numerator = apply(left, right.numerator, is_function)
        return numerator and replace(right, numerator=numerator, span=joint(left, right))
    match left:
        case Quotient(denominator=inner, style="/"):
            done = apply(inner, right, is_function)
            return done and replace(left, denominator=done, span=joint(left, right))
        case Differential(operand=Node() as inner):
            done = apply(inner, right, is_function)
            return done and replace(left, operand=done, span=joint(left, right))
        case Sum(terms=(inner,)):
            done = apply(inner, right, is_function)
            return done and replace(left, terms=(done,), span=joint(left, right))
        case Power(base=Symbol() as name, exponent=exponent):
            # \tanh^2(z) is the square of the call
            done = apply(name, right, is_function)
            return done and Power(done, exponent, span=joint(left, right))
        case Symbol():
            return _call(left, right, is_function)
    return None


def _call(name: Symbol, right: Node, is_function: IsFunction) -> Node | None:
    span = joint(name, right)
    match right:
        case Group(opening=opening, items=items, separators=separators) if (
            opening in _ARGUMENT_BRACKETS
        ):
            if opening == "[" and {";", "&"} & {*separators}:  # a stack of vectors
                items = (right,)
            several = len(items) > 1 and "|" not in separators
            listed = opening == "(" and (several or name.primes > 0)
            if listed or is_function(name):
                function = known_word(name) or name
                return summed(function, items, span) or Call(function, items, span=span)
        case (
            Power(base=inner)
            | Transpose(operand=inner)
            | Primed(operand=inner)
            | Subscripted(operand=inner)
        ):
            done = _call(name, inner, is_function)
            if done is not None:
                if isinstance(right, Power):
                    return replace(right, base=done, span=span)
                return replace(right, operand=done, span=span)
    return None


def resolve_calls(node: Node, is_function: IsFunction) -> Node:
    r"""The tree with each ``name (x)`` for which ``is_function(name)`` holds made a ``Call``.

    The parser does this for the known function words; a later stage that has learned which
    names are functions (``f``, ``\phi_h``, ``act``) does it for those.

    >>> from symbptt.formula import parse
    >>> tree = parse("f (z_t)'")
    >>> resolve_calls(tree, lambda name: name.base == "f").operand.function.base
    'f'
    """
    node = node.rebuilt(lambda child: resolve_calls(child, is_function))
    if not isinstance(node, Product):
        return node
    factors, operators = [node.factors[-1]], []
    for left, operator in zip(node.factors[-2::-1], node.operators[::-1], strict=True):
        merged = apply(left, factors[-1], is_function) if operator == "" else None
        if merged is None:
            factors.append(left)
            operators.append(operator)
        else:
            factors[-1] = merged
    if len(factors) == len(node.factors):
        return node
    if len(factors) == 1:
        return factors[0]
    return replace(node, factors=tuple(factors[::-1]), operators=tuple(operators[::-1]))
