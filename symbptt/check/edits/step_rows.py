"""Edits of time indices and of entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import permutations

from symbptt.check.edits.indices import shifted
from symbptt.check.edits.parts import Edited, Hints
from symbptt.check.edits.places import VALUES, Place, changed_in, is_slope
from symbptt.formula.tree import (
    BigOperator,
    Differential,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Subscripted,
    Sum,
    Symbol,
)

#: Letters that count steps wherever they stand alone in a script.
_STEPS = frozenset({"t", "T", "tau", "k", "s", "j"})
LAST = Symbol("T")
#: A name with the number of its step behind it: ``h2``.
_NUMBERED = re.compile(r"([A-Za-z]+?)_?(\d+)")
#: Letters that count entries.
_ENTRIES = frozenset("ijklmnpqrs")
#: What is done to every name in a formula.
Change = Callable[[Symbol], Symbol]
_FIELDS = ("subscripts", "superscripts", "indices")


def step_letters(node: Node) -> tuple[Symbol, ...]:
    """The names that count steps in a formula: ``t`` in ``h_{t-1}``, the index of a sum."""
    found: dict[Symbol, None] = {}
    for n in node.walk():
        match n:
            case Symbol():
                for entry in entries(n):
                    match entry:
                        case Sum(terms=(Symbol() as letter, Number())):
                            found.setdefault(letter)
                        case Symbol(base=base) if base in _STEPS and entry == Symbol(base):
                            found.setdefault(entry)
            case BigOperator(index=Symbol() as letter):
                found.setdefault(letter)
    found.setdefault(LAST)
    return tuple(found)


def steps_of(claim: Relation) -> tuple[Node, ...]:
    """The steps that stand in a formula: those on its right side first."""
    letters = step_letters(claim)
    found = (
        e
        for side in claim.sides[::-1]
        for n in side.walk()
        if isinstance(n, Symbol)
        for e in entries(n)
        if is_step(e, letters)
    )
    return tuple(dict.fromkeys(found))


def entries(symbol: Symbol) -> Iterator[Node]:
    for name in _FIELDS:
        yield from getattr(symbol, name)


def is_step(entry: Node, letters: tuple[Symbol, ...]) -> bool:
    match entry:
        case Number(value=value):
            return value.denominator == 1
        case Symbol():
            return entry in letters
        case Sum(terms=(Symbol() as letter, Number())):
            return letter in letters
    return False


def with_steps(node: Node, change: Change) -> Node:
    """A node with the names in it changed; itself where none is."""
    if isinstance(node, Symbol):
        return change(node)
    changed: dict[str, object] = {}
    for name in (*VALUES.get(type(node), ()), *(("by",) if isinstance(node, Differential) else ())):
        held = getattr(node, name)
        if isinstance(held, Node):
            new = with_steps(held, change)
            if new is not held:
                changed[name] = new
        elif isinstance(held, tuple):
            row = tuple(with_steps(item, change) for item in held)
            if any(a is not b for a, b in zip(row, held, strict=True)):
                changed[name] = row
    return changed_in(node, changed) if changed else node


def later(
    by: int, letters: tuple[Symbol, ...], base: str = "", numbered: Collection[str] = ()
) -> Change:
    """All names, or those of one letter, some steps later."""

    def entry(e: Node) -> Node:
        return (shifted(e, by) or e) if is_step(e, letters) else e

    def moved(s: Symbol) -> Symbol:
        if base not in ("", s.base):
            return s
        return renumbered(s, by, numbered) or with_entries(s, entry)

    return moved


def renumbered(symbol: Symbol, by: int, numbered: Collection[str]) -> Symbol | None:
    """``h2`` for ``h1``, where h bears its steps so."""
    m = _NUMBERED.fullmatch(symbol.base)
    if m is None or m[1] not in numbered or int(m[2]) + by < 0:
        return None
    return replace(symbol, base=f"{m[1]}{int(m[2]) + by}")


def renamed(letter: Symbol, other: Symbol) -> Change:
    """Another letter for the one that counts steps."""

    def entry(e: Node) -> Node:
        match e:
            case Symbol() if e == letter:
                return other
            case Sum(terms=(Symbol() as first, *rest)) if first == letter:
                return replace(e, terms=(other, *rest))
        return e

    return lambda s: with_entries(s, entry)


def with_entry(symbol: Symbol, old: Node, new: Node) -> Symbol:
    """A name with one index in place of another."""
    return with_entries(symbol, lambda e: new if e is old else e)


def with_entries(symbol: Symbol, change: Callable[[Node], Node]) -> Symbol:
    for name in _FIELDS:
        row = getattr(symbol, name)
        new = tuple(map(change, row))
        if any(a is not b for a, b in zip(row, new, strict=True)):
            symbol = changed_in(symbol, {name: new})
    return symbol


# -------------------------------------------------------------------- steps


def step_of_one(place: Place, hints: Hints) -> Edited:
    match place.node:
        case Symbol() if not place.in_slope:
            yield from _one_step(place.node, hints)
        case Differential(by=Symbol() as by):
            yield from (replace(place.node, by=new) for new in _one_step(by, hints))


def step_of_slope(place: Place, hints: Hints) -> Edited:
    if isinstance(place.node, Symbol) and place.in_slope:
        yield from _one_step(place.node, hints)


def _one_step(symbol: Symbol, hints: Hints) -> Edited:
    for by in (-1, 1):
        other = renumbered(symbol, by, hints.numbered)
        if other is not None:
            yield other
        for entry in entries(symbol):
            new = shifted(entry, by) if is_step(entry, hints.letters) else None
            if new is not None:
                yield with_entry(symbol, entry, new)


def step_of_run(place: Place, hints: Hints) -> Edited:
    yield from _stretches(place, hints, lambda run: not any(map(is_slope, run)))


def step_of_slopes(place: Place, hints: Hints) -> Edited:
    yield from _stretches(place, hints, lambda run: any(map(is_slope, run)))


def _stretches(place: Place, hints: Hints, wanted: Callable[[tuple[Node, ...]], bool]) -> Edited:
    """Neighbouring factors moved by one step together."""
    if not isinstance(place.node, Product):
        return
    f = place.node.factors
    for by in (-1, 1):
        moved = [with_steps(x, later(by, hints.letters, "", hints.numbered)) for x in f]
        for length in range(1, len(f)):
            for i in range(len(f) - length + 1):
                if wanted(f[i : i + length]):
                    new = (*f[:i], *moved[i : i + length], *f[i + length :])
                    yield replace(place.node, factors=new)


def step_of_term(place: Place, hints: Hints) -> Edited:
    """A whole term or side moved by one step; all that one name stands for in it."""
    if isinstance(place.node, Symbol) or not (
        place.is_side or isinstance(place.parent, Sum | BigOperator | Group)
    ):
        return
    names = dict.fromkeys(n.base for n in place.node.walk() if isinstance(n, Symbol))
    for by in (-1, 1):
        for base in ("", *names):
            yield with_steps(place.node, later(by, hints.letters, base, hints.numbered))


def index_letter(place: Place, hints: Hints) -> Edited:
    """``h_k`` for ``h_t``."""
    if isinstance(place.node, Symbol):
        yield from _relettered(place.node, hints)


def index_letters(place: Place, hints: Hints) -> Edited:
    """The same throughout a term or a side."""
    if not isinstance(place.node, Symbol) and (
        place.is_side or isinstance(place.parent, Sum | BigOperator)
    ):
        yield from _relettered(place.node, hints)


def _relettered(node: Node, hints: Hints) -> Edited:
    for letter, other in permutations(hints.letters, 2):
        new = with_steps(node, renamed(letter, other))
        if new is not node:
            yield new


def entry_letters(node: Node) -> frozenset[Node]:
    """The letters that count entries in a formula: ``i`` and ``j`` in ``(h)_i W_{ij}``."""
    found: set[Node] = set()
    for n in node.walk():
        if isinstance(n, Subscripted | Symbol):
            for entry in n.subscripts:
                if isinstance(entry, Symbol) and {*entry.base} <= _ENTRIES:
                    found |= {Symbol(letter) for letter in entry.base}
    return frozenset(found)


def entries_swapped(place: Place, hints: Hints) -> Edited:
    """``W_{ij}`` for ``W_{ji}``."""
    if isinstance(place.node, Symbol):
        match place.node.subscripts:
            case (Symbol(base=base),) if len({*base} & _ENTRIES) == len(base) == 2:
                yield replace(place.node, subscripts=(Symbol(base[::-1]),))
            case (Symbol(base=i) as a, Symbol(base=j) as b) if {i, j} <= _ENTRIES and i != j:
                yield replace(place.node, subscripts=(b, a))


def other_entry(place: Place, hints: Hints) -> Edited:
    """``(a)_i (b)_j`` for ``(a)_j (b)_i``; ``(a)_i`` for ``(a)_j``."""
    match place.node:
        case Product(factors=f) as node:
            at = [i for i, x in enumerate(f) if _entry_of(x) is not None]
            for n, i in enumerate(at):
                for j in at[n + 1 :]:
                    row = [*f]
                    row[i], row[j] = _with_entry(f[i], f[j]), _with_entry(f[j], f[i])
                    yield replace(node, factors=tuple(row))
        case Subscripted(subscripts=(Symbol(base=there),)) if there in _ENTRIES:
            for base in sorted(_ENTRIES):
                if base != there and Symbol(base) in hints.entries:
                    yield replace(place.node, subscripts=(Symbol(base),))


def _entry_of(node: Node) -> Node | None:
    match node:
        case Subscripted(subscripts=(Symbol(base=base) as entry,)) if base in _ENTRIES:
            return entry
    return None


def _with_entry(node: Node, other: Node) -> Node:
    return changed_in(node, {"subscripts": (_entry_of(other),)})
