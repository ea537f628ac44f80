r"""Brackets that lack a partner: where the partner may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symbptt.check.documents.traced import Traced

_TOKEN = re.compile(
    r"\\begin|\\end|(?P<size>\\(?:left|right|[bB]igg?[lr]?)\s*)?(?P<bracket>\\?[{}]|[()\[\]])|\\[A-Za-z]+|\\."
)
_RELATION = re.compile(r"=|\\(?:approx|leq?|geq?|equiv|propto)(?![A-Za-z])|[≈≤≥∝]")
#: How many brackets may lack a partner: one more or less mends no more than a few.
MOST_LONE = 6
_CLOSES = {")": "(", "]": "[", "}": "{", "\\}": "\\{"}
_CLOSING = {"(": ")", "[": "]", "\\{": "\\}"}


@dataclass
class _Open:
    bracket: str
    start: int
    stop: int
    #: where the last bracket inside it was closed
    inner: int | None = None


def repairs(text: Traced) -> Iterator[tuple[Traced, str]]:
    r"""Texts with one bracket more or less, likeliest first, and what was done.

    >>> for repaired, note in repairs(Traced.whole(r"diag(f(a)W")):
    ...     print(repaired.text, "-", note)
    diag(f(a))W - a ')' is missing; read with one after 'diag(f(a)'
    diag(f(a)W) - a ')' is missing; read with one after 'diag(f(a)W'
    """
    stack: list[_Open] = []
    lone: list[tuple[_Open, int]] = []
    extra: list[tuple[int, int]] = []
    for m in _TOKEN.finditer(text.text):
        bracket = m.group("bracket")
        if bracket is None:
            continue
        if bracket not in _CLOSES:
            stack.append(_Open(bracket, m.start(), m.end()))
            continue
        wanted = _CLOSES[bracket]
        if not any(o.bracket == wanted for o in stack):
            extra.append(m.span())
            continue
        while stack[-1].bracket != wanted:
            lone.append((stack.pop(), m.start()))
        stack.pop()
        if stack and bracket in ")]":
            stack[-1].inner = m.end()
    lone += [(o, len(text)) for o in stack]
    if len(lone) + len(extra) > MOST_LONE:
        return
    for start, stop in extra:
        yield (
            Traced.joined([text[:start], text[stop:]]),
            f"the bracket '{text.text[start:stop].strip()}' closes nothing; read without it",
        )
    for opened, end in lone:
        closing = _CLOSING.get(opened.bracket)
        if closing is not None:
            yield from _closed(text, opened, end, closing)


def _closed(text: Traced, opened: _Open, end: int, closing: str) -> Iterator[tuple[Traced, str]]:
    """With a closing bracket, where one stands already, before a relation, or at the end."""
    places = [] if opened.inner is None else [opened.inner]
    relation = _RELATION.search(text.text, opened.stop, end)
    if relation is not None:
        places.append(relation.start())
    places.append(end)
    size = "\\right" if text.text.startswith("\\left", opened.start) else ""
    for at in dict.fromkeys(len(text.text[:p].rstrip()) for p in places):
        before = text.text[max(0, at - 10) : at].strip()
        added = text.standing(size + closing, at, at)
        yield (
            Traced.joined([text[:at], added, text[at:]]),
            f"a '{closing}' is missing; read with one after '{before}'",
        )
