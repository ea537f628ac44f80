"""Full stops and commas: which end a sentence, which multiply, and which stand in a number."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from symbptt.formula.brackets import ENDS_OPERAND, SCRIPTS, Brackets
from symbptt.formula.lexicon import BRACKETS, PROSE
from symbptt.formula.words import span_of, token

#: What a factor begins with, besides brackets.
_FACTORS = frozenset(
    {"WORD", "GREEK", "NAME", "FRACTION", "ACCENT", "FONT", "PARTIAL", "NABLA", "BIG"}
)


def is_product(stop: Token, before: Brackets, queue: Sequence[Token]) -> bool:
    """Whether a full stop is a product, as in ``W_f.[h_{t-1}, x_t]``.

    It stands between two factors, is no part of a number and ends no sentence.  ``before``: what
    was read; ``queue``: what is to come, last first.
    """
    queue = [t for t in queue if t.type != "NEWLINE"]
    if not queue or any(o.script for o in before.stack):
        return False
    between = _ends_factor(before) and _begins_factor(before, queue)
    if not between or _is_abbreviation(before, queue):
        return False
    start, end = span_of(stop)
    spaced, leaves = span_of(before.out[-1])[1] < start, end < span_of(queue[-1])[0]
    if before.stack or not (spaced or leaves):
        return True
    return spaced and not any(t.type == "RELATION" for t in queue)


def _ends_factor(before: Brackets) -> bool:
    """Whether a factor ends here; a number not, unless it is a script."""
    if before.last() == "NUMBER":
        return before.last(2) in SCRIPTS
    return before.last() in ENDS_OPERAND - {"TEXT"}


def _begins_factor(before: Brackets, queue: Sequence[Token]) -> bool:
    after = queue[-2] if queue[-1].type == "SIZE" and len(queue) > 1 else queue[-1]
    value = str(after)
    if after.type == "BRACKET":
        return value == "{" or BRACKETS.get(value, ("", ""))[1] == "open"
    if after.type == "WORD" and len(value) > 3 and value[1:].islower():
        return value in before.functions  # a sentence goes on with another word
    return after.type in _FACTORS and value.lower() not in PROSE


def _is_abbreviation(before: Brackets, queue: Sequence[Token]) -> bool:
    """``s.t.``, ``w.r.t.``: small letters with a full stop after each."""
    short = before.last() == "NAME" and len(before.out[-1]) == 1 == len(queue[-1])
    small = short and str(before.out[-1]).islower()
    return small and len(queue) > 1 and queue[-2].type == "STOP"


def thousands(first: Token, queue: list[Token]) -> Token | None:
    """The number ``4,096`` or ``4{,}096``, whose tokens leave the queue; None if it is none."""
    value, (start, end) = str(first), span_of(first)
    if not (value.isdecimal() and len(value) <= 3 and not value.startswith("0")):
        return None
    whole = ""
    while (n := _comma(queue)) and len(queue) > n:
        digits, (at, after) = str(queue[-n - 1]), span_of(queue[-n - 1])
        if not (digits.isdecimal() and len(digits) == 3 and at == end + n):
            break
        del queue[-n - 1 :]
        whole, end = (whole or value) + digits, after
    return token("NUMBER", whole, start, end) if whole else None


def _comma(queue: Sequence[Token]) -> int:
    """How many of the tokens to come are a comma, bare or in braces."""
    ahead = [str(t) for t in queue[-1:-4:-1]]
    return 3 if ahead == ["{", ",", "}"] else int(ahead[:1] == [","])
