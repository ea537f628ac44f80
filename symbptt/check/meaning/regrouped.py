"""Differences and sums as they were meant: a · 1 - h² · b as a · (1 - h²) · b."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)


def regroup(node: Node) -> Node:
    """``a · 1 - h² · b`` as ``a · (1 - h²) · b``."""
    node = node.rebuilt(regroup) if not isinstance(node, Symbol) else node
    match node:
        case Sum((a, Product((square, *rest), signs)), (1, -1)) if is_square(square):
            before: tuple[Node, ...] = ()
            joined: tuple[str, ...] = ()
            match a:
                case Number(value) if value == 1:
                    pass
                case Product((*before_, Number(value)), joined_) if value == 1:
                    before, joined = tuple(before_), joined_
                case BigOperator(body=Product((*before_, Number(value)), joined_)) if value == 1:
                    inner = _joined(tuple(before_), joined_, square, tuple(rest), signs)
                    return replace(a, body=inner)
                case _:
                    return node
            return _joined(before, joined, square, tuple(rest), signs)
    return node


def lengthened(node: Node) -> Node:
    """``Σ_t a_t - b_t`` as ``Σ_t (a_t - b_t)``: the letter stands for nothing outside the sum."""
    node = node.rebuilt(lengthened) if not isinstance(node, Symbol) else node
    match node:
        case Sum((BigOperator("sum", body, Symbol(letter)) as total, *rest), (1, *signs)) if all(
            any(n == Symbol(letter) for n in term.walk()) for term in rest
        ):
            return replace(total, body=Sum((body, *rest), (1, *signs), span=node.span))
    return node


def begun(node: Node) -> Node:
    """``∂h_t/∂W + ∂h_t/∂h_{t-1} ∂h_{t-1}/∂W`` as ``∂⁺h_t/∂W + …``: what the sum begins with is
    what the other terms leave."""
    node = node.rebuilt(begun) if not isinstance(node, Symbol) else node
    match node:
        case Sum(terms) if any(isinstance(x, Product) for x in terms):
            return replace(node, terms=tuple(_as_first(x, terms) for x in terms))
    return node


def _as_first(term: Node, terms: tuple[Node, ...]) -> Node:
    match term:
        case Quotient(Differential("∂" | "d", of) as top, Differential(operand=by)) if any(
            isinstance(n, Quotient) and isinstance(n.denominator, Differential)
            and n.denominator.operand == by and n != term
            for other in terms if isinstance(other, Product) for n in other.walk()
        ) and any(_is_of(other, of) for other in terms if isinstance(other, Product)):  # fmt: skip
            return replace(term, numerator=replace(top, sign="∂⁺"))
    return term


def _is_of(chain: Product, of: Node | None) -> bool:
    """Whether a chain of derivatives is one of something: its first factor is."""
    match chain.factors[0]:
        case Quotient(Differential(operand=top)):
            return top == of
    return False


def _joined(
    before: tuple[Node, ...], joined: tuple[str, ...], square: Node, rest: tuple[Node, ...],
    signs: tuple[str, ...],
) -> Product:  # fmt: skip
    difference = Group("(", (Sum((Number(Fraction(1)), square), (1, -1)),))
    return Product((*before, difference, *rest), (*joined, *signs))


def is_square(node: Node) -> bool:
    """``h²``, ``squared(h)``, ``h ⊙ h``."""
    match node:
        case Power(_, Number(value)):
            return value == 2
        case Call(Symbol("squared" | "square")):
            return True
        case Product((a, b), ("⊙" | "∘" | "*",)):
            return a == b
    return False
