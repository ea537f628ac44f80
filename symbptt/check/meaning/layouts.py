"""Which layout of Jacobians a formula needs: two that need opposite ones are a contradiction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbptt.check.meaning.tensors import Layout
from symbptt.formula.tree import Differential, Node, Product, Quotient

OPPOSITE = {"numerator": "denominator", "denominator": "numerator"}


@dataclass(frozen=True)
class Need:
    """A layout that a formula needs, its line, and why."""

    layout: str
    line: int
    why: str


def needs(sides: Sequence[Node], layout: Layout, line: int) -> Iterator[Need]:
    """The layouts that a claim which holds under a layout shows."""
    if layout is Layout.DENOMINATOR:
        yield Need("denominator", line, "has ∂a/∂b with the rows of b")
    elif layout in (Layout.NUMERATOR, Layout.ROWS):
        yield Need("numerator", line, "has gradients as rows")
    for side in sides:
        for n in side.walk():
            if isinstance(n, Product):
                yield from (Need(order, line, f"multiplies derivatives in the order of {order} "
                                 "layout") for order in _orders(n))  # fmt: skip


def _orders(node: Product) -> Iterator[str]:
    """``∂L/∂h ∂h/∂x`` is in the order of numerator layout, ``∂h/∂x ∂L/∂h`` in that of the other."""
    for a, b in zip(node.factors, node.factors[1:], strict=False):
        match a, b:
            case (
                Quotient(Differential(operand=Node() as p), Differential(operand=Node() as q)),
                Quotient(Differential(operand=Node() as r), Differential(operand=Node() as s)),
            ):
                if q == r:
                    yield "numerator"
                elif p == s:
                    yield "denominator"


def contradiction(found: Sequence[Need]) -> str | None:
    """What to say of the first two formulas that need opposite layouts, if two do.

    An order alone needs nothing: only next to a Jacobian that is laid out the other way.
    """
    laid_out = [n for n in found if not n.why.startswith("multiplies")]
    for n in laid_out:
        for m in found:
            if m.layout == OPPOSITE[n.layout]:
                first, second = sorted((n, m), key=lambda x: x.line)
                return (
                    f"line {first.line} {first.why}, but line {second.line} {second.why}: "
                    "the two need opposite layouts"
                )
    return None
