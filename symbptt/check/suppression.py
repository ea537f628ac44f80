"""Comments of a document that ask for a finding not to be reported.

``<!-- symbptt: ignore=reason -->``, in LaTeX ``% symbptt: ignore=reason``, in reStructuredText
``.. symbptt: ignore=reason``.  A comment holds for the formulas on its line; alone on its lines,
for those of the next display below, or of the next line that has formulas.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from symbptt.check.documents.fragments import Comment, File
from symbptt.check.documents.traced import Traced
from symbptt.check.findings import Finding, Report
from symbptt.check.places import stretch
from symbptt.templating import words

_ASKS = re.compile(
    r"(?:\.\.)?\s*(?P<tool>[A-Za-z]{4,12})\s*(?P<colon>:?)\s*"
    r"(?P<word>[A-Za-z-]*)\s*(?P<equals>=?)(?P<reason>.*)",
    re.DOTALL,
)
#: The delimiters of a comment, on its left and on its right.
_LEFT = re.compile(r"(?:<!-*|%+)\s*\Z")
_RIGHT = re.compile(r"\s*-*>")
#: Before what shows, as code, how a comment is written.
_SHOWN = re.compile(r"`\s*<!-*\s*\Z")
#: What may stand before a comment that is alone on its lines: marks of quotations and lists.
_ALONE = re.compile(r"[\s>*+-]*")
#: What stands round a formula, so that a comment beside it is on the formula's line.
_OPENING = re.compile(
    r"(?:\$+`?|\\+[\[(]|<math>|\\begin\s*\{[A-Za-z]+\*?\}(?:\[\w*\])?|(?:`{3,}|~{3,})\w*)\s*\Z"
)
_CLOSING = re.compile(
    r"\s*(?:`?\$+|\\+[\])]|</math>|`{3,}|~{3,}|(?:\\\\\s*)?\\end\s*\{[A-Za-z]+\*?\})"
)


@dataclass(frozen=True)
class _Request:
    """A comment that asks for something: its lines on the page, or why it can't be heeded."""

    comment: Comment
    reason: str
    complaint: str = ""


@dataclass(frozen=True)
class _Span:
    """A finding's characters on a page and its lines there.

    ``fragment``: where the mathematics begins that it stands in; ``outer``: the lines on which
    the delimiters of that stand.
    """

    index: int
    start: int
    stop: int
    lines: range
    fragment: int
    outer: tuple[int, int]


def suppressed(report: Report) -> Report:
    """The report with the findings marked that comments ask to ignore, and notes on comments.

    A definition, prose, and a claim that is right are nothing that could be suppressed.
    """
    reasons: dict[int, str] = {}
    notes: list[str] = []
    file = File(report.document.text, report.document.file)
    spans: dict[int, list[_Span]] = {}
    for comment in report.document.comments:
        request = _request(comment)
        if request is None:
            continue
        say = request.complaint
        if not say:
            key = id(comment.page)
            if key not in spans:
                spans[key] = _spans(report.findings, comment.page)
            meant = _meant(comment, spans[key])
            hit = [i for i in meant if _reportable(report.findings[i])]
            reasons = dict.fromkeys(hit, request.reason) | reasons
            say = "" if hit else "idle"
        if say:
            line, _ = file.position(_begin(comment))
            shown = " ".join(comment.text.split())
            notes.append(words("check/notes.j2", say, line=line, comment=shown))
    findings = tuple(
        replace(f, suppressed=reasons[i]) if i in reasons else f
        for i, f in enumerate(report.findings)
    )
    return replace(report, findings=findings, notes=report.notes + tuple(notes))


def _request(comment: Comment) -> _Request | None:
    """What a comment asks of us; None if it speaks to people."""
    page, start = comment.page.text, comment.start
    if _SHOWN.search(page[max(0, start - 8) : start]):
        return None
    m = _ASKS.fullmatch(comment.text.strip())
    if m is None:
        return None
    tool, word = m.group("tool"), m.group("word")
    ours = tool == "symbptt" and m.group("colon") == ":"
    if not ours and not (_near(tool, "symbptt") and _near(word, "ignore")):
        return None
    reason = " ".join(m.group("reason").split()) if m.group("equals") else ""
    if not ours or word != "ignore":
        return _Request(comment, reason, "misspelled")
    return _Request(comment, reason, "" if reason else "unreasoned")


def _near(word: str, meant: str) -> bool:
    return SequenceMatcher(None, word.lower(), meant).ratio() > 0.7


def _reportable(finding: Finding) -> bool:
    if finding.kind == "unparsed":
        return True
    return finding.verdict is not None and finding.verdict.verdict != "right"


def _begin(comment: Comment) -> int:
    """Where in the file the comment's words begin."""
    text = comment.text
    at = comment.start + len(text) - len(text.lstrip())
    return comment.page.stretch(at, at + 1)[0]


def _spans(findings: Sequence[Finding], page: Traced) -> list[_Span]:
    """The findings that stand on a page, in its order."""
    rows = File(page.text)
    found = []
    for i, finding in enumerate(findings):
        place = stretch(finding)
        start, stop = bisect_left(page.starts, place.start), bisect_left(page.starts, place.stop)
        if start >= stop:
            continue
        traced = finding.formula.fragment.traced
        begin, end = traced.stretch(0, len(traced)) if len(traced) else (place.start, place.stop)
        first, last = bisect_left(page.starts, begin), bisect_left(page.starts, end)
        before = max(0, first - 80)
        opening = _OPENING.search(page.text[before:first])
        closing = _CLOSING.match(page.text, last)
        outer = (
            first if opening is None else before + opening.start(),
            (last if closing is None else closing.end()) - 1,
        )
        lines = range(rows.position(start)[0], rows.position(stop - 1)[0] + 1)
        edges = rows.position(outer[0])[0], rows.position(outer[1])[0]
        found.append(_Span(i, start, stop, lines, first, edges))
    return sorted(found, key=lambda s: (s.start, s.stop))


def _meant(comment: Comment, spans: Sequence[_Span]) -> list[int]:
    """The findings that a comment holds for."""
    text = comment.page.text
    left = _LEFT.search(text[max(0, comment.start - 80) : comment.start])
    right = _RIGHT.match(text, comment.stop)
    start = comment.start - (0 if left is None else len(left.group()))
    stop = comment.stop if right is None else right.end()
    begin = text.rfind("\n", 0, start) + 1
    after = "" if text[start:stop].endswith("\n") else text[stop:].partition("\n")[0]
    inside = [s for s in spans if s.start < start and stop < s.stop]
    if inside:
        return [s.index for s in inside]
    if after.strip() or not _ALONE.fullmatch(text[begin:start]):
        rows = File(text)
        lines = {*range(rows.position(start)[0], rows.position(max(start, stop - 1))[0] + 1)}
        beside = [s for s in spans if lines.intersection(s.lines)]
        return [s.index for s in beside or spans if beside or lines.intersection(s.outer)]
    below = [s for s in spans if s.start >= stop]
    return [s.index for s in below if _next(s, below[0], stop)]


def _next(span: _Span, nearest: _Span, stop: int) -> bool:
    """Whether a span is on the line of the nearest one, or in the same mathematics."""
    together = span.fragment == nearest.fragment >= stop
    return together or span.lines.start == nearest.lines.start
