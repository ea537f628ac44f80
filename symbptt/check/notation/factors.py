"""Factors that stand side by side and are one: a name and its bracket, ``d`` and what it is of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symbptt.formula.tree import Node, Product


def with_pairs(node: Node, join: Callable[[Node, Node], Node | None]) -> Node:
    """A product in which two neighbours without a sign between them are one, where ``join`` makes
    one of them; anything else as it is."""
    if not isinstance(node, Product):
        return node
    factors: list[Node] = []
    signs: list[str] = []
    for sign, f in zip(("", *node.operators), node.factors, strict=True):
        one = join(factors[-1], f) if factors and sign == "" else None
        if one is None:
            factors.append(f)
            signs.append(sign)
        else:
            factors[-1] = one
    if len(factors) == len(node.factors):
        return node
    if len(factors) == 1:
        return factors[0]
    return replace(node, factors=tuple(factors), operators=tuple(signs[1:]))
