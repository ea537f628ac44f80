"""Gradients whose names are written with a δ, d or ∇ apart: δ h_t."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import Node, Product, Symbol, Transpose


def with_prefixes(
    factors: Sequence[Node], operators: Sequence[str], scope: Scope
) -> tuple[list[Node], list[str]]:
    """``δ h_t``, ``δ h_tᵀ`` and ``Δ W`` as gradients, where δ alone means nothing."""
    kept: list[Node] = []
    signs: list[str] = []
    for sign, factor in zip(("", *operators), factors, strict=True):
        merged = _prefixed(kept[-1], factor, scope) if kept and sign == "" else None
        if merged is not None:
            kept[-1] = merged
        else:
            kept.append(factor)
            signs.append(sign)
    return kept, signs[1:]


def prefixed(node: Node, scope: Scope) -> Node:
    """A formula with its ``δ h_t`` as one symbol each."""
    if isinstance(node, Symbol):
        return node
    node = node.rebuilt(lambda n: prefixed(n, scope))
    if not isinstance(node, Product):
        return node
    kept, signs = with_prefixes(node.factors, node.operators, scope)
    if len(kept) == len(node.factors):
        return node
    return replace(node, factors=(*kept,), operators=(*signs,)) if signs else kept[0]


def _prefixed(prefix: Node, name: Node, scope: Scope) -> Symbol | Transpose | None:
    if isinstance(name, Transpose):  # δ h_tᵀ
        merged = _prefixed(prefix, name.operand, scope)
        return None if merged is None else replace(name, operand=merged)
    if not (isinstance(prefix, Symbol) and isinstance(name, Symbol)):
        return None
    if prefix.base not in ("delta", "Delta", "d") or prefix != Symbol(prefix.base):
        return None
    inner, own = scope.meant(name), scope.meant(prefix)
    if own is not None:  # d is a target, d_t: a bare d is none
        v = scope.model.variables.get(own.name)
        if own.kind != "quantity" or own.step is not None or v is None or v.timeless:
            return None
    unnamed = inner is None and own is None and prefix.base == "d"  # dy_t, of a layer above
    if not unnamed and (inner is None or inner.kind != "quantity"):
        return None
    return replace(name, base=f"{prefix.base}_{name.base}", span=prefix.span)
