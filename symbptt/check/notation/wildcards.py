r"""Formulas of any of some names: ``δW_⋆ = Σ_t ⟨δ\bar⋆_t, x_t⟩`` for W_z, W_i, W_f and W_o."""

from __future__ import annotations

from collections.abc import Iterable

from symbptt.formula.tree import Node, Symbol, Text

#: What stands for a name: below another, and as a name of its own.
_BELOW, _ALONE = Text("*"), "star"


def instances(tree: Node, others: Iterable[Node]) -> list[Node]:
    """A formula for each name that its star stands for; the formula itself if it has none.

    These are the letters that other formulas write where the star stands: i where they have
    ``W_i``, for ``W_⋆``.
    """
    starred = {n.base for n in tree.walk() if isinstance(n, Symbol) and _BELOW in n.subscripts}
    if not starred:
        return [tree]
    written: dict[str, dict[str, None]] = {}
    for n in (n for other in others for n in other.walk()):
        match n:
            case Symbol(base, subscripts=(Symbol(letter) as below,)) if below.is_bare:
                if base in starred:
                    written.setdefault(base, {})[letter] = None
    every = [written.get(base, {}) for base in sorted(starred)]
    letters = [x for x in every[0] if all(x in found for found in every)]
    return [_with(tree, letter) for letter in letters] or [tree]


def _with(node: Node, letter: str) -> Node:
    if node == _BELOW:
        return Symbol(letter, span=node.span)
    if isinstance(node, Symbol) and node.base == _ALONE:
        name = Symbol(letter, node.accents, span=node.span)
        parts = (node.subscripts, node.superscripts, node.indices)
        below, above, behind = (tuple(_with(p, letter) for p in part) for part in parts)
        return Symbol(name.base, name.accents, below, above, behind, node.primes, span=node.span)
    return node.rebuilt(lambda n: _with(n, letter))
