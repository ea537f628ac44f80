"""Conditions on steps: ``t = T``, ``t < T``, ``1 ≤ t ≤ T``, ``if t = T``, ``t = T-1, …, 1``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from operator import eq, ge, gt, le, lt, ne

from symbptt.check.notation.language import phrases
from symbptt.check.notation.scripts import Steps, is_step, step_value
from symbptt.errors import SymbpttError
from symbptt.formula import parse
from symbptt.formula.tree import Group, Node, Number, Product, Relation, Symbol, Text

COMPARE = {"=": eq, "<": lt, ">": gt, "≤": le, "≥": ge, "≠": ne, "≡": eq}
#: Words of conditions that say nothing.
EMPTY = phrases("opens a condition") | {",", ""}
OTHERWISE = phrases("is every other case")


def holds(condition: Node, steps: Steps) -> bool | None:
    """Whether a condition holds where its letters stand for given steps; None if it isn't read."""
    match condition:
        case Text(words):
            plain = words.strip(" ,.;:").lower()
            if plain in EMPTY | OTHERWISE:
                return True
            read = _relation_in(words)
            return None if read is None else holds(read, steps)
        case Group("¬", (inner,)):
            found_inside = holds(inner, steps)
            return None if found_inside is None else not found_inside
        case Group(_, items) | Product(items):
            found = [holds(x, steps) for x in items]
            return None if None in found else all(found)
        case Relation(sides, operators):
            if any(o not in COMPARE for o in operators):
                return None
            if isinstance(sides[-1], Group):  # t = T, …, 1
                return _in_list(sides, steps)
            found_at = [step_value(s, steps) for s in map(_stripped, sides)]
            values = [v for v in found_at if v is not None]
            if len(values) < len(found_at):
                return None
            return all(
                COMPARE[o](a, b) for o, a, b in zip(operators, values, values[1:], strict=False)
            )
    return None


def otherwise(conditions: Sequence[Node]) -> tuple[Node, ...]:
    """That none of some conditions holds."""
    return tuple(Group("¬", (x,), span=x.span) for x in conditions)


@cache
def _relation_in(words: str) -> Relation | None:
    """The relation that words are: ``p = m``, ``if t = T``."""
    plain = words.strip(" ,.;:")
    first, _, rest = plain.partition(" ")
    with suppress(SymbpttError):
        read = parse(rest if first.lower() in EMPTY else plain)
        if isinstance(read, Relation) and is_condition(read):
            return read
    return None


def _stripped(node: Node) -> Node:
    """A side without the words around it: ``if t``."""
    match node:
        case Product(factors, _):
            rest = [f for f in factors if not isinstance(f, Text)]
            letters = (f.base if isinstance(f, Symbol) else "?" for f in rest[:-1])
            if "".join(letters).lower() in EMPTY - {""}:
                rest = rest[-1:]  # the letters of "if"
            return rest[0] if len(rest) == 1 else node
    return node


def _in_list(sides: tuple[Node, ...], steps: Steps) -> bool | None:
    at = step_value(sides[0], steps)
    listed = sides[-1]
    assert isinstance(listed, Group)
    ends = [step_value(x, steps) for x in listed.items if not isinstance(x, Text)]
    known = [e for e in ends if e is not None]
    if at is None or not known:
        return None
    return min(known) <= at <= max(known)


def is_condition(node: Node) -> bool:
    """Whether a formula is a condition on steps rather than a statement of its own."""
    match node:
        case Relation(sides, operators):
            first = _stripped(sides[0])
            if isinstance(first, Number) and len(sides) > 2:  # 1 ≤ t < T
                first = _stripped(sides[1])
            return (
                all(o in COMPARE for o in operators)
                and (is_step(first))
                and any(isinstance(n, Symbol) for n in first.walk())
                and all(is_step(_stripped(s)) or isinstance(s, Group) for s in sides[1:])
            )
    return False
