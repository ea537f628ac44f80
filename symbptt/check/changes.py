"""Formulas of differentials, ``dh_t = (1 - h_t²) ⊙ da_t``: whether they hold of changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from symbptt.check.judge import held_everywhere
from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.conventions import STANDARD
from symbptt.check.meaning.setting import Setting
from symbptt.check.networks.differentials import D, after_d, has_d, is_differential
from symbptt.check.notation.factors import with_pairs
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import Differential, Node, Number, Product, Quotient, Symbol
from symbptt.model.model import Model, Role


def holds_of_changes(claim: Claim, setting: Setting) -> bool:
    """Whether a claim holds, of numbers, where every ``dv_t`` in it is the change of ``v_t`` with
    each parameter whose ``dW`` it has; of none, with an initial state or some parameter."""
    scope, numbers = setting.scope, setting.with_numbers()
    if not any(has_d(side, scope) for side in claim.sides):
        return False
    every = [n for side in claim.sides for n in side.walk()]

    def holds(by: Symbol) -> bool:
        left, right = (_changed(side, by, scope) for side in claim.sides)
        return held_everywhere(replace(claim, left=left, right=right), numbers, [STANDARD])

    own = [p for p in _parameters(scope.model) if any(_has_change(x, p, scope) for x in every)]
    return all(map(holds, own)) if own else any(map(holds, _moved(scope.model)))


def _moved(model: Model) -> Iterator[Symbol]:
    """What may change: an initial state, a parameter."""
    for state in model.with_role(Role.STATE):
        yield Symbol(state.name, subscripts=(Number(Fraction(0)),))
    yield from _parameters(model)


def _parameters(model: Model) -> Iterator[Symbol]:
    return (Symbol(p.name) for p in model.with_role(Role.PARAMETER))


def _has_change(node: Node, of: Symbol, scope: Scope) -> bool:
    """Whether a formula is ``dW``, or has ``d`` before ``W``."""
    if isinstance(node, Symbol) and is_differential(node, scope):
        meant = scope.meant(node)
        return meant is not None and meant.name == of.base
    return isinstance(node, Product) and any(
        isinstance(x, Symbol) and (m := scope.meant(x)) is not None and m.name == of.base
        for x in after_d(node)
    )


def _changed(node: Node, by: Symbol, scope: Scope) -> Node:
    """A formula in which ``dv_t`` is ``∂v_t/∂by``."""
    if isinstance(node, Symbol):
        if not is_differential(node, scope):
            return node
        moved = replace(node, base=node.base.removeprefix("d").lstrip("_"))
        return Quotient(Differential("∂", moved), Differential("∂", by))
    changed = node.rebuilt(lambda n: _changed(n, by, scope))
    return with_pairs(changed, lambda d, x: _change(d, x, by))


def _change(d: Node, x: Node, by: Symbol) -> Node | None:
    """``d h_t``, of two symbols."""
    if d != D or not isinstance(x, Symbol):
        return None
    return Quotient(Differential("∂", x), Differential("∂", by))
