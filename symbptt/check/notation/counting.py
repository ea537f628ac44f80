"""Documents that count steps from 0: ``t = T-1, …, 0`` and ``Σ_{t=0}^{T-1}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.notation.conditions import is_condition
from symbptt.check.notation.scripts import scripts
from symbptt.formula.tree import BigOperator, Group, Node, Number, Relation, Sum, Symbol

_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))
_T = Symbol("T")
_LAST = Sum((_T, _ONE), (1, -1))


def counts_from_zero(trees: Sequence[Node]) -> bool:
    """Whether a document says that its steps are 0 to T - 1, and never names a step T.

    Where a formula holds at ``t = T-1`` alone it is left alone.
    """
    if any(is_condition(x) and not _says_so(x) and _ends(x) for x in trees):
        return False
    return any(map(_says_so, trees)) and not any(_names_T(n) for x in trees for n in x.walk())


def _says_so(tree: Node) -> bool:
    """``t = T-1, …, 0``, ``t = 0, …, T-1``, ``0 ≤ t < T``."""
    match tree:
        case Relation((first, Symbol("t") as t, last), ("≤", sign)) if t.is_bare:
            return first == _ZERO and (sign, last) in (("<", _T), ("≤", _LAST))
        case Relation((Symbol("t") as t, Group("", (first, *_, last))), ("=",)) if t.is_bare:
            return (first, last) in ((_LAST, _ZERO), (_ZERO, _LAST))
    return False


def _ends(tree: Node) -> bool:
    return any(n == _LAST for n in tree.walk())


def _names_T(node: Node) -> bool:
    """Whether something is at step T, or at step 0 as if that were before the first."""
    match node:
        case BigOperator(index=Symbol("t"), lower=lower, upper=upper):
            return upper == _T or lower == _ONE
        case Symbol():
            return any(part in (_T, _ZERO) for part in scripts(node))
    return False


def from_one(node: Node) -> Node:
    """``Σ_{t=0}^{T-1} h_t`` and ``h_{T-1}`` as the sum over all steps, and as the last step."""
    match node:
        case BigOperator(index=Symbol(), lower=lower, upper=upper):
            first = _ONE if lower == _ZERO and upper == _LAST else lower
            ends = (None if x is None else _later(x) for x in (first, upper))
            return replace(node, lower=next(ends), upper=next(ends))
        case Symbol():
            below, above, at = (
                tuple(map(_later, parts))
                for parts in (node.subscripts, node.superscripts, node.indices)
            )
            return replace(node, subscripts=below, superscripts=above, indices=at)
    return node


def _later(step: Node) -> Node:
    """T for ``T-1``, and ``T-1`` for ``T-2``."""
    match step:
        case Sum((Symbol("T") as T, Number(n) as number), (1, -1)) if T == _T:
            return T if n == 1 else replace(step, terms=(T, replace(number, value=n - 1)))
    return step
