"""Powers whose exponent looks like something else: T in ``∂h_T/∂h_0 = W^T``, t in ``w^t``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.conventions import Reading
from symbptt.check.networks.guessed import reading
from symbptt.check.notation.scripts import scripts, unbracketed
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import Node, Power, Symbol, Transpose

_LAST = Symbol("T")


def with_powers(claim: Claim, scope: Scope) -> Iterator[tuple[Reading, Claim]]:
    """A claim in which a step above a parameter, or a number, is how often it is multiplied, and a
    T above it no transpose; the step stands elsewhere too."""
    symbols = [n for side in claim.sides for n in side.walk() if isinstance(n, Symbol)]
    steps = {p for n in symbols for p in (n, *scripts(n))}

    def powers(node: Node) -> Node:
        match node:
            case Transpose(x) if _LAST in steps:
                return Power(x, _LAST) if _may_be_raised(unbracketed(x), scope) else node
            case Symbol(superscripts=(Symbol() as step,)) if step in steps:
                bare = replace(node, superscripts=())
                return Power(bare, step) if _may_be_raised(bare, scope) else node
            case Symbol():
                return node
        return node.rebuilt(powers)

    right = powers(claim.right)
    if right != claim.right:
        says = "it says how often what it stands above is multiplied"
        yield reading("a step above is a power", says), replace(claim, right=right)


def _may_be_raised(base: Node, scope: Scope) -> bool:
    """Whether a formula is a parameter, or a number: ``γ``."""
    if not isinstance(base, Symbol) or base.superscripts:
        return False
    meant = scope.meant(base)
    if meant is None:
        return True
    if meant.kind == "defined":
        return scope.definitions[meant.name].is_constant
    timeless = meant.kind == "quantity" and scope.model.variables[meant.name].timeless
    return timeless and not meant.entry
