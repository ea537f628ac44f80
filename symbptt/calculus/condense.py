"""The backward pass as a textbook writes it: adjoints that nothing else needs, substituted.

``δ^h_t`` is used by ``δ^z_t`` alone and by no gradient, so the recursion is written in ``δ^z``:
``(W_hyᵀ δ^o_t + W_hhᵀ δ^z_{t+1}) ⊙ (1 - h_t²)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Contribution, Gradient, Recursion
from symbptt.calculus.simplify import divides, simplify
from symbptt.calculus.sweep import Sweep
from symbptt.model.terms import Index

Summed = TypeVar("Summed", Recursion, Gradient)


@dataclass(frozen=True)
class Condensed:
    """The backward pass with some adjoints eliminated; ``eliminated`` names them in order."""

    recursions: Mapping[str, Recursion]
    gradients: Mapping[str, Gradient]
    initial: Mapping[tuple[str, Index], MatrixExpr]
    inputs: Mapping[str, Recursion]
    eliminated: tuple[str, ...]


def condense(sweep: Sweep, eliminate: Iterable[str] | None = None) -> Condensed:
    """Substitute adjoints into their users.

    ``eliminate`` names them; by default those that no gradient names and that stand once, at
    the same step, in one other adjoint (or cancel there).
    """
    parts = Condensed(
        _simpler(sweep.recursions),
        _simpler(sweep.gradients),
        sweep.initial,
        _simpler(sweep.inputs),
        (),
    )
    names = list(sweep.recursions) if eliminate is None else list(eliminate)
    for name in names:
        if name in parts.recursions:
            forced = eliminate is not None
            parts = _without(parts, name, forced=forced) or _cancelled(parts, name) or parts
    return parts


def _simpler(parts: Mapping[str, Summed]) -> dict[str, Summed]:
    """Sums of contributions, each with what it divides by cancelled and like terms collected."""
    return {
        name: replace(
            part,
            contributions=tuple(
                replace(c, expression=al.collected(simplify(c.expression)))
                for c in part.contributions
            ),
        )
        for name, part in parts.items()
    }


def _cancelled(parts: Condensed, name: str) -> Condensed | None:
    """The backward pass without an adjoint that divides, if every division cancels.

    ``-d ⊘ p`` behind a sigmoid or a softmax comes out as ``p - d``: shorter, and without the
    division by a probability that may be zero.
    """
    if not any(divides(c.expression) for c in parts.recursions[name].contributions):
        return None
    smaller = _without(parts, name, forced=True)
    if smaller is None or any(_mentioned(e, name) for e in smaller.initial.values()):
        return None
    left: list[Recursion | Gradient] = [
        *smaller.recursions.values(), *smaller.gradients.values(), *smaller.inputs.values()
    ]  # fmt: skip
    expressions = [c.expression for part in left for c in part.contributions]
    return None if any(map(divides, (*expressions, *smaller.initial.values()))) else smaller


def _without(parts: Condensed, name: str, *, forced: bool) -> Condensed | None:
    """The backward pass without one adjoint, or None where it must stay."""
    gone = parts.recursions[name]
    users = [r for r in parts.recursions.values() if _mentions(r.contributions, name)]
    outside = [
        *(c for g in parts.gradients.values() for c in g.contributions),
        *(c for r in parts.inputs.values() for c in r.contributions),
    ]
    in_initial = any(_mentioned(e, name) for e in parts.initial.values())
    if gone in users:
        return None  # it recurs on itself: that is the recursion
    named = [c for r in users for c in r.contributions] + outside
    if not all(_wherever_it_is(c, gone) for c in named):
        return None
    constant = _constant(gone)
    if constant is not None:  # δ^E_t = 1: a scalar summed into the loss
        forced = True
    if not forced:
        others = any(_mentioned(c.expression, name) for c in outside) or in_initial
        if others or len(users) != 1 or len(_lags(users[0].contributions, name)) != 1:
            return None
    recursions: dict[str, Recursion] = {}
    for other, recursion in parts.recursions.items():
        if other == name:
            continue
        if recursion in users:
            replaced = _replaced(recursion.contributions, gone)
            if not forced and not _worth_it(recursion, gone, replaced):
                return None
            recursion = replace(recursion, contributions=replaced)
        recursions[other] = recursion
    if not forced:
        return replace(parts, recursions=recursions, eliminated=(*parts.eliminated, name))
    initial = {key: _at_start(e, gone) for key, e in parts.initial.items()}
    if constant is not None and any(_mentioned(e, name) for e in initial.values()):
        return None  # it is there for some lengths only, so its name stays
    return Condensed(
        recursions,
        {
            n: replace(g, contributions=_replaced(g.contributions, gone))
            for n, g in parts.gradients.items()
        },
        initial,
        {
            n: replace(r, contributions=_replaced(r.contributions, gone))
            for n, r in parts.inputs.items()
        },
        (*parts.eliminated, name),
    )


def _wherever_it_is(c: Contribution, gone: Recursion) -> bool:
    """Whether a contribution, if it names an adjoint, is there at all steps of that adjoint."""
    return all(
        lag is not None and c.steps == gone.support.shifted(-lag) for lag in _lags([c], gone.name)
    )


def _constant(gone: Recursion) -> MatrixExpr | None:
    """The value of an adjoint that is a number wherever it is anything."""
    values = {c.expression for c in gone.contributions}
    if len(values) == 1 and gone.support == gone.contributions[0].steps:
        (value,) = values
        return value if al.is_ones(al.coefficient(value)[1]) else None
    return None


def _at_start(expression: MatrixExpr, gone: Recursion) -> MatrixExpr:
    """The gradient by an initial value without an adjoint, if that is the same for every T."""
    if not all(c.steps.is_every for c in gone.contributions):
        return expression
    whole = al.plus(*(c.expression for c in gone.contributions))
    values = {
        a: al.at(whole, a.index) for a in al.find(expression, nd.Adjoint) if a.name == gone.name
    }
    return simplify(al.substitute(expression, values))


def _worth_it(user: Recursion, gone: Recursion, replaced: tuple[Contribution, ...]) -> bool:
    """Substituting must not compute anything twice: one occurrence, or a division cancelled."""
    mine = [c for c in user.contributions if _mentioned(c.expression, gone.name)]
    if len(mine) != 1:
        return False
    (c,) = mine
    if next(iter(_lags([c], gone.name))) != 0:
        return False
    occurrences = sum(e == gone.symbol for e in sp.preorder_traversal(c.expression))
    cancelled = not any(divides(r.expression) for r in replaced)
    return occurrences == 1 or (
        any(divides(x.expression) for x in gone.contributions) and cancelled
    )


def _mentioned(e: MatrixExpr, name: str) -> bool:
    return any(a.name == name for a in al.find(e, nd.Adjoint))


def _mentions(contributions: Iterable[Contribution], name: str) -> bool:
    return any(_mentioned(c.expression, name) for c in contributions)


def _lags(contributions: Iterable[Contribution], name: str) -> set[int | None]:
    """How many steps later an adjoint is named; None for one at a fixed step."""
    return {
        int(a.index - nd.t) if a.index.has(nd.t) else None
        for c in contributions
        for a in al.find(c.expression, nd.Adjoint)
        if a.name == name
    }


def _replaced(contributions: tuple[Contribution, ...], gone: Recursion) -> tuple[Contribution, ...]:
    """The contributions with an adjoint replaced by what it consists of.

    A contribution is linear in the one adjoint that it names, so it splits into one per part.
    """
    result: list[Contribution] = []
    for c in contributions:
        lags = _lags([c], gone.name)
        if not lags:
            result.append(c)
            continue
        (lag,) = lags
        assert lag is not None
        old = gone.symbol.xreplace({nd.t: nd.t + lag})
        for part in gone.contributions:
            value = al.at(part.expression, nd.t + lag)
            expression = al.collected(simplify(al.substitute(c.expression, {old: value})))
            rules = tuple(dict.fromkeys((*c.rules, *part.rules)))
            steps = part.steps.shifted(-lag)
            loss = None if part.loss is None else lag + part.loss
            result.append(replace(c, expression=expression, steps=steps, rules=rules, loss=loss))
    return tuple(result)
