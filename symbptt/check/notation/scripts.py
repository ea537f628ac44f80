"""Subscripts and superscripts that count: steps, ``t - 1``, and entries, ``ij``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from operator import mul

from symbptt.formula.tree import (
    Call,
    Differential,
    Group,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    Symbol,
    Text,
)

#: The numbers that the letters of a formula stand for: ``{"t": 3, "T": 4}``.
Steps = Mapping[str, int]
#: Letters that count entries rather than steps, where both are possible.
ENTRY_LETTERS = frozenset("ijlmpqabcnrk")
#: What other letters end in, unseen, where they count entries.
MARK = "\u2063"

#: Capitals that stand for quantities and never count.
NO_STEPS = frozenset("ABCDFGHIOUVWXYZ")


def scripts(symbol: Symbol) -> tuple[Node, ...]:
    """Whatever hangs on a symbol: ``t`` and ``h`` in ``δ_t^h``."""
    return *symbol.subscripts, *symbol.superscripts, *symbol.indices


#: The brackets that take a norm, or an absolute value.
NORM_BRACKETS = frozenset({"‖", "|"})


def is_step(node: Node) -> bool:
    """Whether a script can count: a letter, a whole number, or a sum of them."""
    match node:
        case Number(value):
            return value.denominator == 1
        case Symbol(base):
            one = (len(base) == 1 and base not in NO_STEPS) or base == "tau" or base.endswith(MARK)
            return node.is_bare and one
        case Group(opening, (inner,)):
            return opening not in NORM_BRACKETS and is_step(inner)
        case Sum(terms):
            return all(is_step(t) for t in terms)
        case Product(factors, operators):
            if not set(operators) <= {"", "·"}:
                return False
            return any(isinstance(f, Number) for f in factors) and all(map(is_step, factors))
    return False


def is_time(node: Node) -> bool:
    """Whether a letter of time is in a script."""
    return any(isinstance(x, Symbol) and x.base in {"t", "T", "tau"} for x in node.walk())


def is_at_step(node: Node) -> bool:
    """Whether a script is itself something at a step: ``x^{(t)}`` in ``L_{x^{(t)}}``, a row of an
    embedding."""
    return isinstance(node, Symbol) and any(map(is_time, scripts(node)))


def is_value(node: Node) -> bool:
    """Whether a formula is of numbers alone: ``-3/4``, ``1/2 (-3/4)^2``."""
    return any(isinstance(n, Number) for n in node.walk()) and not any(
        isinstance(n, Symbol | Call | Differential | Text) for n in node.walk()
    )


def unbracketed(node: Node) -> Node:
    """What stands in brackets that hold one thing."""
    while isinstance(node, Group) and len(node.items) == 1 and node.opening not in NORM_BRACKETS:
        node = node.items[0]
    return node


def entry_letters(part: Node) -> tuple[Node, ...]:
    """The letters or numbers of an entry, as in ``(W h)_i``: one, or two side by side."""
    match part:
        case Group(_, (inner,)):
            return entry_letters(inner)
        case Product((a, b), ("",)) if is_step(a) and is_step(b) and _counts_entries(part):
            return a, b
        case Symbol(base) if part.is_bare and len(base) == 2 and set(base) <= ENTRY_LETTERS:
            return Symbol(base[0], span=part.span), Symbol(base[1], span=part.span)
        case _ if is_step(part) and not is_time(part) and _counts_entries(part):
            return (part,)
    return ()


def _counts_entries(node: Node) -> bool:
    """Whether every letter of a script may count entries."""
    return all(
        x.base in ENTRY_LETTERS or x.base[:-1] in ENTRY_LETTERS or x.base.endswith(MARK)
        for x in node.walk()
        if isinstance(x, Symbol)
    )


def step_value(node: Node, steps: Steps) -> int | None:
    """The whole number that a script stands for; None if its letters have no value."""
    match node:
        case Number(value) if value.denominator == 1:
            return int(value)
        case Symbol(base) if node.is_bare:
            return steps.get(base)
        case Group(opening, (inner,)):
            found = step_value(inner, steps)
            return abs(found) if found is not None and opening in NORM_BRACKETS else found
        case Sum(terms, signs):
            parts = [step_value(term, steps) for term in terms]
            known = [p for p in parts if p is not None]
            return sum(map(mul, signs, known)) if len(known) == len(parts) else None
        case Product(factors, operators) if set(operators) <= {"", "·", "*"}:
            parts = [step_value(factor, steps) for factor in factors]
            known = [p for p in parts if p is not None]
            return prod(known) if len(known) == len(parts) else None
        case Quotient(a, b):
            above, below = step_value(a, steps), step_value(b, steps)
            if above is None or not below or above % below:
                return None
            return above // below
    return None


def letters(node: Node) -> Iterator[str]:
    """The letters of a script, in reading order: ``t`` and ``k`` in ``t - k``."""
    return (n.base for n in node.walk() if isinstance(n, Symbol) and n.is_bare)
