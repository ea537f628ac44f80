"""Formulas that are broken into lines: after a sign, before one, or within brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from symbptt.check.documents.plain import (
    ARROW_COMMENT,
    ASSIGNMENT,
    BOXES,
    COMMENT,
    MAX_LINE,
    QUOTE,
    runs,
)
from symbptt.check.documents.words import DERIVATIVE, LEAD, RELATION, all_mathematics, words_of

_LINE = re.compile(r"[^\n]+")
#: What a line begins with that goes on from the one above.
_GOES_ON = re.compile(r"[ \t]*(?:[+⋅·×⊙∘⊗@/−*]|-(?!-))[ \t]*[\w(\[{∂∇ΣΠ∑∏½√\\]")
_ENDS_OPEN = re.compile(r"(?:(?<![-+*/])[-+*/@⋅·×⊙∘⊗−]|[=≈])[ \t]*\Z")
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_SETS_A_BAR = re.compile(r"[-=*/]{2}\Z")
#: How many lines a formula may be broken into.
MAX_LINES = 6


def lines(
    text: str, start: int, stop: int, names: frozenset[str] = frozenset(), *, code: bool = False
) -> Iterator[tuple[int, int]]:
    """The lines of a text, those together that one formula is broken into.

    >>> text = "dL/dWhh = a b\\n   + c d\\nand so on"
    >>> [text[a:b] for a, b in lines(text, 0, len(text))]
    ['dL/dWhh = a b\\n   + c d', 'and so on']
    """
    found = [m.span() for m in _LINE.finditer(text, start, stop)]
    i = 0
    while i < len(found):
        first, last = found[i]
        broken = _breaks_in_code if code else partial(_breaks, names=names)
        count = 1
        while (
            i + 1 < len(found)
            and count < MAX_LINES
            and found[i + 1][0] == last + 1
            and found[i + 1][1] - first <= MAX_LINE
            and broken(text[first:last], text[found[i + 1][0] : found[i + 1][1]])
        ):
            i, count = i + 1, count + 1
            last = found[i][1]
        yield first, last
        i += 1


def _breaks(before: str, after: str, names: frozenset[str]) -> bool:
    """Whether a formula goes on from one line to the next."""
    if not (RELATION.search(before) or DERIVATIVE.search(before)) or not after.strip():
        return False
    if ARROW_COMMENT.search(before) or BOXES.search(before) or BOXES.search(after):
        return False
    found = list(runs(before, names))
    if not found or found[-1][1] < len(before.rstrip()):
        return False
    run = before[found[-1][0] :].rstrip()
    if not RELATION.search(run):
        return False
    words = words_of(after)
    if not words or RELATION.search(_outside(after)):
        return False
    if _unclosed(run) or (_ENDS_OPEN.search(run) and not _SETS_A_BAR.search(run)):
        return words[0].kind != "prose" and all_mathematics(words[:1], names)
    lead = LEAD.match(before)
    if (lead and lead.group().strip()) or _indent(after) <= _indent(before):
        return False  # an item of a list
    return _GOES_ON.match(after) is not None and all_mathematics(words_of(after, lead=False), names)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _outside(line: str) -> str:
    """A line without what stands in brackets."""
    for _ in range(4):
        line, n = _BRACKETED.subn(" ", line)
        if not n:
            break
    return line


def _unclosed(text: str) -> bool:
    return len(re.findall(r"[(\[{]", text)) > len(re.findall(r"[)\]}]", text))


def _breaks_in_code(before: str, after: str) -> bool:
    """Whether an assignment goes on from one line of code to the next."""
    if COMMENT.search(before) or QUOTE.search(before) or not ASSIGNMENT.match(before):
        return False
    if not after.strip() or ASSIGNMENT.match(after):
        return False
    return _unclosed(before) or _ENDS_OPEN.search(before) is not None
