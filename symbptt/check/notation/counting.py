"""Documents that count steps from 0: ``t = T-1, …, 0``, ``Σ_{t=0}^{T-1}`` and ``h_{-1}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.notation.conditions import is_condition
from symbptt.check.notation.scripts import scripts
from symbptt.formula.tree import BigOperator, Group, Node, Number, Relation, Sum, Symbol

_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))
_t, _T = Symbol("t"), Symbol("T")
_LAST = Sum((_T, _ONE), (1, -1))
#: The step before 0, and that before t.
_BEFORE, _BEFORE_t = Sum((_ONE,), (-1,)), Sum((_t, _ONE), (1, -1))


def counts_from_zero(trees: Sequence[Node]) -> bool:
    """Whether a document says that its steps are 0 to T - 1, and never names a step T.

    Where a formula holds at ``t = T-1`` alone it is left alone, unless a sum over all steps or the
    state before them tells how they are counted.
    """
    every = [n for x in trees for n in x.walk()]
    if any(map(_names_T, every)):
        return False
    ends = [x for x in trees if is_condition(x) and not _says_so(x) and _ends(x)]
    if any(map(_is_over_all, every)) or any(map(_begins_before, trees)):
        return not any(_is_range(x) for x in ends)
    return not ends and any(map(_says_so, trees))


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


def _is_range(condition: Node) -> bool:
    """``t = T-1, …, 1``."""
    return any(isinstance(n, Group) and len(n.items) > 1 for n in condition.walk())


def _is_over_all(node: Node) -> bool:
    """``Σ_{t=0}^{T-1}`` of what is at step t and before it: of what is at step ``t+1`` it would
    count from 1."""
    match node:
        case BigOperator("sum", body, Symbol("t"), lower, upper):
            timed = (s for n in body.walk() if isinstance(n, Symbol) for s in scripts(n))
            steps = {s for s in timed if any(x == _t for x in s.walk())}
            return (lower, upper) == (_ZERO, _LAST) and _t in steps and steps <= {_t, _BEFORE_t}
    return False


def _begins_before(tree: Node) -> bool:
    """``h_{-1} = 0``, ``h^{(-1)} = a``."""
    match tree:
        case Relation((Symbol() as state, *_), ("=" | ":=", *_)):
            return _BEFORE in scripts(state)
    return False


def _names_T(node: Node) -> bool:
    """Whether something is at step T, or at step 0 as if that were before the first."""
    match node:
        case BigOperator(index=Symbol(letter), lower=lower, upper=upper):
            ends = [] if upper is None else [*upper.walk()]
            over_steps = letter == "t" or _t in ends or _T in ends
            return upper == _T or (lower == _ONE and over_steps)
        case Symbol():
            return any(part in (_T, _ZERO) for part in scripts(node))
    return False


def from_one(node: Node) -> Node:
    """``Σ_{t=0}^{T-1} h_t`` and ``h_{T-1}`` as the sum over all steps, and as the last step."""
    match node:
        case BigOperator(index=Symbol(), lower=lower, upper=upper):
            first = _ONE if lower == _ZERO and upper in (_LAST, _t, _BEFORE_t) else lower
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
    """T for ``T-1``, ``T-1`` for ``T-2``, and 0 for ``-1``."""
    match step:
        case Sum() if step == _BEFORE:
            return replace(_ZERO, span=step.span)
        case Sum((Symbol("T") as T, Number(n) as number), (1, -1)) if T == _T:
            return T if n == 1 else replace(step, terms=(T, replace(number, value=n - 1)))
    return step
