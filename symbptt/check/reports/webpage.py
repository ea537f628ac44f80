"""A report as a page: the document with its formulas marked, and beside it what was found."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from markupsafe import Markup, escape

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula
from symbptt.check.documents.traced import Traced
from symbptt.check.findings import Finding, Report
from symbptt.check.places import Page, pages, stretch, written
from symbptt.check.reports.matrices import number
from symbptt.check.reports.options import CLASSES, Options, class_of, reason_of, total
from symbptt.check.reports.source import unaligned
from symbptt.formula.lexicon import GREEK
from symbptt.render.mathml import mathml
from symbptt.templating import fill, fill_markup

#: Classes whose formulas are marked, but have nothing to say on a card.
_SILENT = frozenset({"definition", "prose"})
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(\w+\*?)\}")
#: A name with subscripts, ``W_xh_1``, and the letters that stand for Greek words.
_NAME = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
_LETTERS = {word: letter for letter, word in reversed(GREEK.items())}


@dataclass(frozen=True)
class Mark:
    """A formula in the text: the number of its card, if it has one, and its gravest class."""

    kind: str
    card: int | None
    title: str


@dataclass(frozen=True)
class Piece:
    """Characters of one line, ``first`` where a mark begins with them."""

    text: str
    mark: Mark | None = None
    first: bool = False


@dataclass(frozen=True)
class Card:
    """What is said about a finding."""

    number: int
    kind: str
    finding: Finding
    line: int
    cell: int | None
    source: str
    formula: Markup | None
    reason: str
    notes: tuple[str, ...]
    corrected: Markup | None


def write(reports: Sequence[Report], options: Options) -> str:
    """One page over all documents, whole in itself: it fetches nothing."""
    numbers = count(1)
    documents = [_document(report, numbers) for report in reports]
    script = fill("check/page.js", {})
    summaries = [report.summary for report in reports]
    return fill_markup(
        "check/page.html.j2",
        {
            "documents": documents,
            "total": total(summaries),
            "classes": CLASSES,
            "counts": {
                name: sum(class_of(f) == name for report in reports for f in report.findings)
                for name in CLASSES
            },
            "faults": sum(len(report.faults(strict=options.strict)) for report in reports),
            "script": Markup(script),  # ours
            "script_hash": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        },
        number=number,
        symbol=_symbol,
    )


def _document(report: Report, numbers: Iterator[int]) -> dict[str, Any]:
    cards = {
        i: _card(next(numbers), finding, report.document)
        for i, finding in enumerate(report.findings)
        if class_of(finding) not in _SILENT
    }
    return {
        "name": report.document.file,
        "model": report.model_name,
        "equations": report.model,
        "notes": report.notes,
        "summary": report.summary,
        "cards": list(cards.values()),
        "numbered": report.document.format != "notebook",
        "pages": [
            {"cell": page.cell, "lines": list(_lines(page, report.findings, cards))}
            for page in pages(report.document)
        ],
    }


def _card(at: int, finding: Finding, document: Document) -> Card:
    v = finding.verdict
    correction = None if v is None else v.correction
    is_tex = finding.formula.fragment.form != "text"
    source = written(finding, document)
    return Card(
        number=at,
        kind=class_of(finding),
        finding=finding,
        line=stretch(finding).line,
        cell=finding.formula.fragment.cell,
        source=source,
        formula=_set(source, document) if is_tex else None,
        reason=reason_of(finding),
        notes=finding.formula.notes if isinstance(finding.formula, Formula) else (),
        corrected=_set(correction.text, document) if correction and is_tex else None,
    )


def _set(latex: str, document: Document) -> Markup | None:
    """A formula as it is printed, with the document's macros and without the signs that align it;
    None where that is not known."""
    expanded, notes = document.macros.expanded(Traced.whole(closed(unaligned(latex))))
    made = None if notes else mathml(expanded.text, "block")
    return None if made is None else Markup(made)


def closed(latex: str) -> str:
    r"""A part of a formula, with the ends of what begins in it and ends outside.

    >>> closed(r"a = \begin{cases} b")
    'a = \\begin{cases} b\\end{cases}'
    """
    waiting: list[str] = []
    for kind, name in _ENVIRONMENT.findall(latex):
        if kind == "begin":
            waiting.append(name)
        elif waiting and waiting[-1] == name:
            waiting.pop()
    return latex + "".join(f"\\end{{{name}}}" for name in reversed(waiting))


def _symbol(name: str) -> Markup:
    """A name as mathematics has it: ``delta_y_1`` is δ with the subscripts y and 1."""

    def printed(m: re.Match[str]) -> str:
        base, *below = (_LETTERS.get(word, word) for word in m.group().split("_"))
        return f"{base}<sub>{', '.join(below)}</sub>" if below else base

    return Markup(_NAME.sub(printed, str(escape(name))))


def _lines(
    page: Page, findings: Sequence[Finding], cards: dict[int, Card]
) -> Iterator[list[Piece]]:
    """The lines of a page, each in pieces; a mark that crosses lines has a piece on each."""
    line: list[Piece] = []
    for piece in _pieces(page, findings, cards):
        first, *more = piece.text.split("\n")
        line.append(Piece(first, piece.mark, piece.first))
        for text in more:
            yield line
            line = [Piece(text, piece.mark)]
    yield line


def _pieces(page: Page, findings: Sequence[Finding], cards: dict[int, Card]) -> Iterator[Piece]:
    text, done = page.text.text, 0
    for start, stop, members in _clusters(page, findings):
        yield Piece(text[done:start])
        yield Piece(text[start:stop], _mark(members, findings, cards), first=True)
        done = stop
    yield Piece(text[done:])


def _clusters(page: Page, findings: Sequence[Finding]) -> list[tuple[int, int, list[int]]]:
    """Stretches of the page that findings are about; those that overlap are one."""
    spans = []
    for i, finding in enumerate(findings):
        where = stretch(finding)
        start, stop = page.span(where.start, where.stop)
        if start < stop:
            spans.append((start, stop, i))
    clusters: list[tuple[int, int, list[int]]] = []
    for start, stop, i in sorted(spans):
        if clusters and start < clusters[-1][1]:
            begin, end, members = clusters[-1]
            clusters[-1] = begin, max(end, stop), [*members, i]
        else:
            clusters.append((start, stop, [i]))
    return clusters


def _mark(members: list[int], findings: Sequence[Finding], cards: dict[int, Card]) -> Mark:
    gravest = min(members, key=lambda i: CLASSES.index(class_of(findings[i])))
    card = cards.get(gravest)
    return Mark(
        kind=class_of(findings[gravest]),
        card=None if card is None else card.number,
        title=reason_of(findings[gravest]),
    )
