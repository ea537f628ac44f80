"""Pieces of one formula written at the steps of another."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from fractions import Fraction

from symbptt.check.edits.hand import hand
from symbptt.check.edits.indices import Indices, Patch, UnspelledError, shifted
from symbptt.check.edits.step_rows import is_step
from symbptt.formula.tree import NOWHERE, BigOperator, Node, Number, Sum, Symbol

#: A step as a letter, or None, and how far from it.
Step = tuple[Symbol | None, int]
#: Which letter stands for which step: ``T -> t``, ``t -> t - 1``.
Retiming = tuple[Symbol | None, Step]
_NUMBERED = re.compile(r"([A-Za-z]+?)_?(\d+)")
_STOOD = Symbol("·")


def step_of(entry: Node) -> Step | None:
    """``t - 1`` as t and -1."""
    match entry:
        case Number(value=value) if value.denominator == 1:
            return None, int(value)
        case Symbol() if entry == Symbol(entry.base):
            return replace(entry, span=NOWHERE), 0
        case Sum(terms=(Symbol() as letter, Number(value=n)), signs=(1, sign)):
            return replace(letter, span=NOWHERE), int(sign * n)
    return None


def node_of(step: Step) -> Node | None:
    letter, n = step
    if letter is None:
        return Number(Fraction(n)) if n >= 0 else None
    return shifted(letter, n) if n else letter


def steps_in(
    node: Node, letters: tuple[Symbol, ...], numbered: Collection[str] = ()
) -> dict[Step, None]:
    """The steps that stand in a formula, in order."""
    found: dict[Step, None] = {}
    for symbol in (n for n in node.walk() if isinstance(n, Symbol)):
        m = _NUMBERED.fullmatch(symbol.base)
        if m is not None and m[1] in numbered:
            found.setdefault((None, int(m[2])))
        for entry in (*symbol.subscripts, *symbol.superscripts, *symbol.indices):
            step = step_of(entry) if is_step(entry, letters) else None
            if step is not None:
                found.setdefault(step)
    return found


def retiming(there: Step, here: Step) -> Retiming:
    """What makes one step the other."""
    return there[0], (here[0], here[1] - there[1])


def retimed(
    node: Node,
    text: str,
    change: Retiming,
    letters: tuple[Symbol, ...],
    numbered: Collection[str] = (),
) -> str | None:
    """A piece of a text at other steps; what a sum in it counts stays."""
    indices = Indices(text, hand([(node, text)], letters="\\" in text))
    old, (new, by) = change

    def changed(entry: Node) -> Node | None:
        step = step_of(entry) if is_step(entry, letters) else None
        if step is None or step[0] != old or (new, by) == (old, 0):
            return entry
        return node_of((new, step[1] + by))

    try:
        patches = [*_patches(node, indices, changed, change, numbered)]
        return indices.patched(node.span.start, node.span.end, patches)
    except UnspelledError:
        return None


def _patches(
    node: Node,
    indices: Indices,
    changed: Callable[[Node], Node | None],
    change: Retiming,
    numbered: Collection[str],
) -> Iterator[Patch]:
    if isinstance(node, BigOperator) and node.index == change[0]:
        return
    if not isinstance(node, Symbol):
        for child in node.children():
            yield from _patches(child, indices, changed, change, numbered)
        return
    m = _NUMBERED.fullmatch(node.base)
    if m is not None and m[1] in numbered and change[0] is None and change[1][0] is None:
        number = int(m[2]) + change[1][1]
        if number < 0:
            raise UnspelledError
        yield node.span.start, node.span.end, f"{m[1]}{number}"
    for entry in (*node.subscripts, *node.superscripts, *node.indices):
        new = changed(entry)
        if new is None:
            raise UnspelledError
        if new != entry:
            yield indices.script(entry, new)


def skeleton(node: Node, letters: tuple[Symbol, ...], numbered: Collection[str] = ()) -> Node:
    """A formula without its steps: equal for formulas of the same quantities."""
    if isinstance(node, Symbol):
        m = _NUMBERED.fullmatch(node.base)
        if m is not None and m[1] in numbered:
            node = replace(node, base=m[1])
        for name in ("subscripts", "superscripts", "indices"):
            row = tuple(_STOOD if is_step(e, letters) else e for e in getattr(node, name))
            node = replace(node, **{name: row})  # type: ignore[arg-type]
        return node
    return node.rebuilt(lambda n: skeleton(n, letters, numbered))
