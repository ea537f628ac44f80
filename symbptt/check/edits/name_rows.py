"""Edits of names: another quantity on the right, or on the left."""

from __future__ import annotations

from dataclasses import replace

from symbptt.check.edits.parts import Edited, Hints, toggled
from symbptt.check.edits.places import Place, changed_in
from symbptt.check.edits.step_rows import entries, is_step, with_entry
from symbptt.formula.tree import (
    Differential,
    Node,
    Quotient,
    Symbol,
)


def other_symbol(place: Place, hints: Hints) -> Edited:
    """Another name of the same sort: with a step or without; also at the step that stood here."""
    old = place.node
    if not isinstance(old, Symbol) or isinstance(place.parent, Differential):
        return
    step = _step(old, hints)
    for new in hints.quantities:
        there = _step(new, hints) if isinstance(new, Symbol) else None
        if not isinstance(new, Symbol) or (step is None) != (there is None):
            continue
        yield new
        if step is not None and there is not None and step != there:
            yield with_entry(new, there, step)


def other_sort(place: Place, hints: Hints) -> Edited:
    """A parameter for what belongs to a step, and the other way round."""
    if isinstance(place.node, Symbol) and not isinstance(place.parent, Differential):
        stepped = _step(place.node, hints) is not None
        for new in hints.quantities:
            if isinstance(new, Symbol) and (_step(new, hints) is not None) != stepped:
                yield new


def other_differential(place: Place, hints: Hints) -> Edited:
    if isinstance(place.node, Symbol) and isinstance(place.parent, Differential):
        yield from (q for q in hints.quantities if q != place.node)


def _step(symbol: Symbol, hints: Hints) -> Node | None:
    return next((e for e in entries(symbol) if is_step(e, hints.letters)), None)


def other_left(place: Place, hints: Hints) -> Edited:
    """The derivative by another quantity, or of another one."""
    match place.node:
        case Quotient(numerator=a, denominator=b):
            for name, half in (("denominator", b), ("numerator", a)):
                if isinstance(half, Differential) and half.operand is not None:
                    for q in hints.quantities:
                        yield changed_in(place.node, {name: replace(half, operand=q)})
        case Differential(by=Node()):
            for q in hints.quantities:
                yield replace(place.node, by=q)


def transposed_left(place: Place, hints: Hints) -> Edited:
    yield toggled(place.node, hints.hand)
