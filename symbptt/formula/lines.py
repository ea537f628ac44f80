"""Where one formula ends and the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lark import Token

from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of

_OPERATORS = frozenset({"RELATION", "OPERATOR", "SIGN"})


def split(tokens: Sequence[Token], depths: Sequence[int]) -> Iterator[list[Token]]:
    """The tokens of one formula after another.

    A ``BREAK`` token is a place where a formula may end: its value says what stands there
    (``newline row separator stop quad between edge``).  ``depths`` counts the brackets round
    each token.
    """
    current: list[Token] = []
    related = False
    i = 0
    while i < len(tokens):
        t = tokens[i]
        if t.type != "BREAK":
            current.append(t)
            related = related or (t.type == "RELATION" and depths[i] == 0)
            i += 1
            continue
        first = i
        while i < len(tokens) and tokens[i].type == "BREAK":
            i += 1
        how = {str(b) for b in tokens[first:i]}
        if i < len(tokens) and how == {"stop"}:
            raise UnreadableError(
                "a full stop inside a formula; leave it out, or begin a new line after it",
                *span_of(t),
            )
        if not current or i == len(tokens) or _continues(how, current[-1], tokens[i]):
            continue
        if how != {"quad"} or (related and _relation_ahead(tokens, depths, i)):
            yield current
            current, related = [], False
    if current:
        yield current


def _continues(how: set[str], before: Token, after: Token) -> bool:
    """Whether a formula goes on over a break, between these two tokens."""
    if "between" in how:
        return False
    if after.type in _OPERATORS:
        return True
    return before.type in _OPERATORS and "separator" not in how


def _relation_ahead(tokens: Sequence[Token], depths: Sequence[int], i: int) -> bool:
    r"""``a = b \quad c = d`` is two formulas; ``a = b \quad c`` is one."""
    while i < len(tokens) and tokens[i].type != "BREAK":
        if tokens[i].type == "RELATION" and depths[i] == 0:
            return True
        i += 1
    return False
