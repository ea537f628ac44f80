r"""Corrections in the document's own source, with its macros: ``\tran{\mW}`` for ``W^{\top}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, product

from symbptt.check.documents.definers import Macro
from symbptt.check.documents.formulas import Formula
from symbptt.check.documents.macros import Macros
from symbptt.check.documents.traced import Traced
from symbptt.check.edits.repairs import Edit
from symbptt.errors import FormulaError
from symbptt.formula import parse
from symbptt.formula.tree import Span

_BRACED = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
#: What an argument in braces holds, and what one thing without braces is.
_INSIDE = rf"(?:[^{{}}]|{_BRACED})+?"
_SCRIPT = rf"(?:_(?:{_BRACED}|\\[A-Za-z]+|\w))?"
_ATOM = (
    rf"(?:\\left\((?:(?!\\left\(|\\right\)).)*\\right\)|\([^()]*\)"
    rf"|(?:\\[A-Za-z]+(?:{_BRACED})*|(?<![\\A-Za-z])[A-Za-z]){_SCRIPT})"
)
_NAME = re.compile(r"\\([A-Za-z@]+)")


def in_source(edit: Edit, span: Span, f: Formula, macros: Macros, *, letters: bool) -> str:
    """The text of an edit with macros as the document has them, where it has some there."""
    source = f.fragment.source
    used = any(macros.table.get(m[1]) for m in _NAME.finditer(source))
    if not used or f.fragment.form == "text":
        return edit.text
    old = f.text[span.start : span.end]
    at = f.traced.stretch(span.start, span.end)[0]

    def says_it(words: str) -> bool:
        expanded = macros.expanded(_standing(words, at))[0].text
        try:
            return parse(_clean(expanded), letters=letters) == edit.node
        except FormulaError:
            return False

    # the most of the document's macros, and of those the least that is written anew
    found = [words for words in _spliced(old, edit.text, span, f, macros, at) if says_it(words)]
    if found:
        return max(
            found, key=lambda words: sum(m[1] in macros.table for m in _NAME.finditer(words))
        )
    whole = folded(edit.text, macros, at)
    return whole if says_it(whole) else edit.text


def _clean(text: str) -> str:
    return re.sub(r"&|\\\\(?![A-Za-z])", " ", text)


def _standing(text: str, at: int) -> Traced:
    """A text of which every character stands at one place, for the macros known there."""
    return Traced(text, [at] * len(text), [at] * len(text))


def _spliced(old: str, new: str, span: Span, f: Formula, macros: Macros, at: int) -> Iterator[str]:
    """The source of a formula with what an edit changes, as little as can be first."""
    most = min(len(old), len(new))
    front = next((i for i in range(most) if old[i] != new[i]), most)
    back = next((i for i in range(most - front) if old[-1 - i] != new[-1 - i]), most - front)
    begin, stop = front, len(old) - back
    for left, right in product(range(3), range(3)):
        a, b = max(0, begin - left), min(len(old), stop + right)
        if a < b:
            yield from _with(old, new, (a, b), span, f, macros, at)
    for first in dict.fromkeys((begin, max(0, begin - 1), max(0, begin - 2))):
        wide = _widened(first, stop, span, f)
        yield from _with(old, new, wide, span, f, macros, at)


def _with(
    old: str,
    new: str,
    changed: tuple[int, int],
    span: Span,
    f: Formula,
    macros: Macros,
    at: int,
) -> Iterator[str]:
    a, b = changed
    words = new[a : len(new) - (len(old) - b)]
    first, last = f.traced.stretch(span.start + a, span.start + b)
    whole = _source(f, span, (first, last))
    if whole is not None:
        before, after = whole
        for inner in dict.fromkeys((folded(words, macros, at), words)):
            yield _joined(_joined(before, inner), after)


def _source(f: Formula, span: Span, change: tuple[int, int]) -> tuple[str, str] | None:
    """The source before and after a changed stretch; a left side from above stands in front."""
    text = f.fragment.file.text
    cuts = [span.start, span.end]
    if f.carried and span.start < f.begin < span.end:
        cuts.insert(1, f.begin)
    ranges = [f.traced.stretch(a, b) for a, b in pairwise(cuts)]
    for i, (start, stop) in enumerate(ranges):
        if start <= change[0] and change[1] <= stop:
            before = " ".join(text[a:b] for a, b in (*ranges[:i], (start, change[0])))
            after = " ".join(text[a:b] for a, b in ((change[1], stop), *ranges[i + 1 :]))
            return before, after
    return None


def _widened(begin: int, stop: int, span: Span, f: Formula) -> tuple[int, int]:
    """A changed stretch as far as the calls of macros go that it stands in."""
    starts, stops = f.traced.starts[span.start : span.end], f.traced.stops[span.start : span.end]
    low = min(starts[begin : max(stop, begin + 1)], default=0)
    high = max(stops[begin : max(stop, begin + 1)], default=0)
    while True:
        inside = [i for i in range(len(starts)) if starts[i] < high and stops[i] > low]
        if not inside:
            return begin, stop
        first, last = min(starts[i] for i in inside), max(stops[i] for i in inside)
        if (first, last) == (low, high):
            return min(begin, inside[0]), max(stop, inside[-1] + 1)
        low, high = min(first, low), max(last, high)


def _joined(left: str, right: str) -> str:
    command = re.search(r"\\[A-Za-z]+\Z", left) is not None and right[:1].isalpha()
    return f"{left} {right}" if command else left + right


def folded(text: str, macros: Macros, at: int) -> str:
    r"""A text with the document's macros for what they expand to.

    >>> macros = Macros.of(Traced.whole(r"\newcommand{\tran}[1]{#1^{\top}}"))
    >>> folded(r"W_h^{\top} x", macros, 0)
    '\\tran{W_h} x'
    """
    known = [m for name in macros.table if (m := macros.find(name, at)) is not None]
    known = [m for m in known if len(m.body.strip()) > 2 and "\\" in m.body and m.default is None]
    for macro in sorted(known, key=lambda m: (m.arguments, -len(m.body))):
        pattern = _pattern(macro)
        for _ in range(20):
            again = pattern.sub(lambda m, macro=macro: _call(macro, m), text, count=1)  # type: ignore[misc]
            if again == text:
                break
            text = again
    return text


def _call(macro: Macro, m: re.Match[str]) -> str:
    arguments = "".join(f"{{{m[f'a{i + 1}']}}}" for i in range(macro.arguments))
    follows = m.string[m.end() : m.end() + 1].isalpha() and not arguments
    return f"\\{macro.name}{arguments}" + (" " if follows else "")


def _pattern(macro: Macro) -> re.Pattern[str]:
    """What a macro expands to, with its arguments as groups."""
    pieces = re.split(r"#(\d)", macro.body.strip())
    words = ""
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            words += r"\s*".join(re.escape(p) for p in re.split(r"\s+", piece))
        elif f"(?P<a{piece}>" in words:
            words += f"(?P=a{piece})"
        else:
            edge = not "".join(pieces[:i]).strip() or not "".join(pieces[i + 1 :]).strip()
            words += f"(?P<a{piece}>{_ATOM if edge else _INSIDE})"
    if re.search(r"\\[A-Za-z]+\Z", macro.body.strip()):
        words += r"(?![A-Za-z])"
    return re.compile(words, re.DOTALL)
