"""Losses of several steps: ``L_t = Σ_{s=t}^T ℓ_s``, what is still to come from step t on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.networks.given import Given, relation
from symbptt.check.networks.parts import Part, has_derivative
from symbptt.check.networks.statements import name_of
from symbptt.check.notation.quantities import Span
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import BigOperator, Group, Node, Number, Relation, Symbol
from symbptt.model.names import Naming
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Running:
    """A loss of several steps: what it is called, the steps, and what step t adds to it."""

    name: str
    span: Span
    summand: Node


def running(node: Relation) -> Running | None:
    """The loss of several steps that an equation defines.

    >>> from symbptt.formula import parse
    >>> running(parse("L_t = ∑_{s=t}^{T} E_s")).span.value
    'from its step on'
    """
    left, right = node.sides[0], node.sides[1]
    if not isinstance(left, Symbol) or left.base not in LOSSES or left.accents:
        return None
    name, index = Naming().read(left)
    while isinstance(right, Group) and len(right.items) == 1:
        right = right.items[0]
    match right:
        case BigOperator("sum", body, Symbol() as letter, Node() as lower, Node() as upper):
            t = Symbol("t")
            ends = {Span.FROM: lower, Span.UP_TO: upper}
            span = next((s for s, end in ends.items() if _last(end) == t), None)
            if index != Index("t") or letter == t or span is None:
                return None
            summand = _put(body, letter, t)
            if summand == body or any(_named(n, name) for n in body.walk()):
                return None
            return Running(name, span, summand)
    return None


def loss_defined(part: Part) -> str | None:
    """The name of the loss at a step t that a link gives, if it gives one."""
    left = part.left
    if not part.first or not isinstance(left, Symbol) or left.base not in LOSSES or left.accents:
        return None
    name, index = Naming().read(left)
    return name if index == Index("t") and not has_derivative(part.right) else None


def is_whole_loss(part: Part) -> bool:
    """Whether a link says what the loss of all steps is."""
    left = part.left
    return isinstance(left, Symbol) and left.base in LOSSES and Naming().read(left)[1] is None


def apart(given: Sequence[Given]) -> tuple[list[Given], list[Given]]:
    """Forward equations without those of losses of several steps, and those.

    Where no other equation says what the loss is, it is what they add up.
    """
    read = {g.at: r for g in given for r in [running(relation(g))] if r is not None}
    forward = [n for g in given if g.left.base not in LOSSES for n in relation(g).sides[1].walk()]
    sums = {at: r for at, r in read.items() if not any(_named(n, r.name) for n in forward)}
    names = {r.name: r.span for r in sums.values()}
    rest = [g for g in given if not (g.at in sums or _is_all_of(g, names) or _goes_on(g, names))]
    whole = [g for g in rest if g.left.base in LOSSES and Naming().read(g.left)[1] is None]
    added = {
        name for name in names for g in whole
        if any(_named(n, name) for n in relation(g).sides[1].walk())
    }  # fmt: skip
    own = [g for g in given if g.at in sums and sums[g.at].name not in added]
    rest = [g for g in given if g in rest or (g.at in sums and g not in own)]
    if own and not any(g.left.base in LOSSES for g in rest):
        rest.append(_total(own[0], sums[own[0].at]))
    return rest, own


def spans_of(own: Sequence[Given], rest: Sequence[Given]) -> dict[str, Span | None]:
    """The steps of each loss of several; None of a name that equations give in two ways."""
    found: dict[str, Span | None] = {}
    for g in own:
        known = running(relation(g))
        assert known is not None
        same = found.get(known.name, known.span) is known.span
        single = not any(Naming().read(o.left) == (known.name, Index("t")) for o in rest)
        found[known.name] = known.span if same and single else None
    return found


def _total(g: Given, known: Running) -> Given:
    """The loss of all steps, of which one of several is a part."""
    body = BigOperator("sum", known.summand, Symbol("t"), Number(Fraction(1)), Symbol("T"),
                       span=relation(g).sides[1].span)  # fmt: skip
    node = replace(relation(g), sides=(Naming().bare(g.left), body))
    return replace(g, statement=replace(g.statement, node=node), name=f"{g.name} in all")


def _is_all_of(g: Given, names: dict[str, Span]) -> bool:
    """Whether an equation says that the loss is that from the first step on: ``L = L_1``."""
    left, right = g.left, relation(g).sides[1]
    if left.base not in LOSSES or Naming().read(left)[1] is not None:
        return False
    first = {Span.FROM: Number(Fraction(1)), Span.UP_TO: Symbol("T")}
    return isinstance(right, Symbol) and any(
        right == _put(Symbol(right.base, subscripts=(Symbol("t"),)), Symbol("t"), first[span])
        for name, span in names.items() if _named(right, name)
    )  # fmt: skip


def _goes_on(g: Given, names: dict[str, Span]) -> bool:
    """Whether an equation gives a loss of several steps by that of others."""
    right = relation(g).sides[1]
    return name_of(g.statement) in names and any(
        _named(n, name_of(g.statement)) for n in right.walk()
    )


def _last(end: Node) -> Node:
    """Where a sum ends, for ``Σ_{s=1}^{s=t}`` too."""
    return end.sides[-1] if isinstance(end, Relation) else end


def _named(node: Node, name: str) -> bool:
    """Whether a symbol is a loss of several steps, at some step."""
    if not isinstance(node, Symbol) or node.base not in LOSSES:
        return False
    return Naming().read(node)[0] == name or any(of == name for of, _ in Naming().steps(node))


def _put(node: Node, letter: Symbol, at: Node) -> Node:
    """A formula with something else for a letter."""
    return replace(at, span=node.span) if node == letter else node.rebuilt(
        lambda n: _put(n, letter, at))  # fmt: skip
