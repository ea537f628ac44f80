"""Where in a document a finding stands: in the file, and on a page that people read."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from symbptt.check.documents.document import Document
from symbptt.check.documents.notebook import markdown_cells, unescaped
from symbptt.check.documents.traced import Traced
from symbptt.check.findings import Finding

#: Between two strings of a notebook's list of lines.
_STRINGS = re.compile(r'(?<!\\)((?:\\\\)*)"\s*,\s*"')


@dataclass(frozen=True)
class Stretch:
    """Characters of a file; lines and columns count from 1, and the end is exclusive."""

    start: int
    stop: int
    line: int
    column: int
    end_line: int
    end_column: int


def stretch(finding: Finding) -> Stretch:
    """Where the text that a finding is about stands.

    A part that does not stand where the finding says is replaced by its whole formula.
    """
    formula = finding.formula
    file = formula.fragment.file
    for line, column, source in (
        (finding.line or formula.line, finding.column or formula.column, finding.source),
        (formula.line, formula.column, formula.source),
    ):
        start = file.offset(line, column)
        if file.text.startswith(source, start):
            break
    stop = min(start + len(source), len(file.text))
    return Stretch(start, stop, *file.position(start), *file.position(stop))


def written(finding: Finding, document: Document) -> str:
    """The text that a finding is about, as its author typed it: in a notebook, out of JSON."""
    source = finding.source
    if document.format != "notebook":
        return source
    try:
        return unescaped(_STRINGS.sub(r"\1", source))
    except ValueError:
        return source


@dataclass(frozen=True)
class Page:
    """A text that people read: a whole file, or a cell of a notebook."""

    text: Traced
    cell: int | None = None

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """The characters of the page that come from the file's ``start..stop``; maybe none."""
        starts: Sequence[int] = self.text.starts
        return bisect_left(starts, start), bisect_left(starts, stop)


def pages(document: Document) -> list[Page]:
    """The pages of a document, as they are typed."""
    if document.format == "notebook":
        cells = markdown_cells(document.text, document.file)
        return [Page(text, cell) for cell, text in cells]
    return [Page(Traced.whole(document.text))]
