"""What is wrong with a formula, in the words of someone who writes formulas."""

from __future__ import annotations

from collections.abc import Collection

from lark import Token

from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of

_OPERAND = "a name, a number or a bracket"

#: What to say about a token that can't stand where it does: where an operand is due ...
_NOT_AN_OPERAND: dict[str, str] = {
    "RELATION": "nothing stands before '{}'; write the side that is missing",
    "OPERATOR": "'{}' has no factor before it; write one or leave '{}' out",
    "SIGN": "'{}' can't stand here; " + _OPERAND + " is expected",
    "SUB": "the subscript '{}' hangs on nothing; write a name before it",
    "SUP": "the superscript '{}' hangs on nothing; write a name before it",
    "PRIME": "the prime hangs on nothing; write a name before it",
    "DOT_T": "the transpose '.T' hangs on nothing; write a name before it",
    "SEPARATOR": "nothing stands before '{}'; write " + _OPERAND + " or leave '{}' out",
    "CLOSE": "something is missing before '{}'; write " + _OPERAND,
    "CLOSE_INDEX": "something is missing before '{}'; write " + _OPERAND,
    "RBRACE": "something is missing before '{}'; write " + _OPERAND,
    "OVER": "nothing stands before '\\over'; write the numerator",
    "ROW": "a case is empty; write its value before '{}'",
    "AMPERSAND": "a case has no value; write it before '{}'",
    "STOP": "a full stop can't stand inside a formula; leave it out",
    "END_CASES": "a case is empty; write its value or leave '\\\\' out",
}
#: ... and where it is not.
_NOT_AN_OPERATOR: dict[str, str] = {
    "SEPARATOR": "'{}' can't stand here; write one formula at a time",
    "AMPERSAND": "a case has more than a value and a condition; leave this '{}' out",
    "OVER": "a second '\\over'; put the inner fraction in braces",
    "STOP": "a full stop can't stand inside a formula; leave it out",
    "COLON": "a colon can't stand here; for a definition write ':='",
}
_DENOMINATOR = "a fraction has no denominator; write it in braces after the numerator"
_WANTING = frozenset({"SIGN", "OPERATOR", "FRACTION", "ACCENT", "FONT", "ROOT"})


def explain(
    found: Token | None, before: Token | None, expected: Collection[str], text: str
) -> UnreadableError:
    """The failure at token ``found`` (None: the formula's end) after token ``before``."""
    if found is None:
        assert before is not None
        start, end = span_of(before)
        if _lacks_denominator(before, expected):
            return UnreadableError(_DENOMINATOR, start, end)
        shown = _shown(before, text)
        return UnreadableError(
            f"the formula ends after '{shown}'; write {_wanted(before)} after it", start, end
        )
    start, end = span_of(found)
    shown = _shown(found, text)
    ends = found.type in {"CLOSE", "RBRACE", "CLOSE_INDEX", "RELATION"}
    if ends and before is not None and before.type in _WANTING:
        return UnreadableError(
            f"'{_shown(before, text)}' is followed by '{shown}'; "
            f"write {_wanted(before)} between them",
            start,
            end,
        )
    if before is not None and _lacks_denominator(before, expected):
        return UnreadableError(_DENOMINATOR, start, end)
    operand_due = "NAME" in expected and "RELATION" not in expected
    table = _NOT_AN_OPERAND if operand_due else _NOT_AN_OPERATOR
    message = table.get(found.type)
    if message is None:
        wanted = _OPERAND if operand_due else "an operator"
        if expected and set(expected) <= {"FROM", "TO"}:
            wanted = "'from' and 'to', as in 'sum t from 1 to T'"
        message = f"'{{}}' can't stand here; {wanted} is expected"
    return UnreadableError(message.replace("{}", shown), start, end)


def _lacks_denominator(before: Token, expected: Collection[str]) -> bool:
    """Only a fraction asks for something to follow a closing brace."""
    return before.type == "RBRACE" and "NAME" in expected and "RELATION" not in expected


def _wanted(before: Token) -> str:
    if before.type == "FRACTION":
        return "a numerator and a denominator, each in braces,"
    if before.type in {"ACCENT", "FONT", "ROOT", "UNDERBRACE"}:
        return "what it applies to"
    if before.type in {"SUB", "SUP"}:
        return "the script"
    if before.type == "RELATION":
        return "the other side"
    return _OPERAND


def _shown(t: Token, text: str) -> str:
    start, end = span_of(t)
    return " ".join(text[start:end].split()) or str(t)
