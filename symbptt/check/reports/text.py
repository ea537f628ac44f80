"""A report as lines of text, for people and for tools that read ``file:line:column``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import fill as fill_lines
from typing import Any

from symbptt.check.findings import Finding, Numbers, Report
from symbptt.check.places import stretch
from symbptt.check.reports.matrices import assigned, beside
from symbptt.check.reports.options import (
    Options,
    class_of,
    listed,
    reason_of,
    total,
    unlisted_faults,
)
from symbptt.check.reports.source import drawn, one_line, place_of, safe
from symbptt.templating import fill

#: How each class, and other parts of a report, look on a terminal.
COLOURS = {
    "wrong": "bold red",
    "shape-error": "bold red",
    "inconclusive": "bold yellow",
    "right-under": "bold cyan",
    "right": "bold green",
    "unparsed": "bold magenta",
    "suppressed": "dim",
    "definition": "dim",
    "prose": "dim",
    "place": "bold",
    "carets": "red",
    "corrected": "green",
}


def write(reports: Sequence[Report], options: Options) -> str:
    """Each finding that is listed, and how many there are of each class."""
    values = {
        "documents": [_document(report, options) for report in reports],
        "total": total([report.summary for report in reports]),
        "unlisted": sum(unlisted_faults(report, options) for report in reports),
        "quiet": options.quiet,
        "verbose": options.verbose,
    }
    return fill(
        "check/report.txt.j2",
        values,
        paint=partial(_painted, options.colour),
        line=safe,
        wrapped=partial(_wrapped, options),
        beside=partial(_side_by_side, max(options.width - 6, 40)),
    )


def _document(report: Report, options: Options) -> dict[str, Any]:
    found = [_finding(f, report, options) for f in listed(report, options)]
    return {
        "name": None if report.document.file is None else safe(report.document.file),
        "findings": found,
        "notes": report.notes,
        "summary": report.summary,
        "model": report.model_name,
        "equations": report.model,
    }


def _finding(finding: Finding, report: Report, options: Options) -> dict[str, Any]:
    where = stretch(finding)
    return {
        "class": class_of(finding),
        "file": None if report.document.file is None else safe(report.document.file),
        "line": where.line,
        "column": where.column,
        "formula": one_line(finding, report.document),
        "reason": finding.suppressed or reason_of(finding),
        "source": drawn(place_of(finding), options.width - 4) if options.excerpts else None,
        "notes": getattr(finding.formula, "notes", ()),
        "verdict": finding.verdict,
    }


def _wrapped(options: Options, text: str) -> str:
    """A line broken where a terminal would break it, between words; whole anywhere else."""
    if not options.excerpts:
        return text
    return fill_lines(text, options.width, subsequent_indent="    ", break_on_hyphens=False)


def _painted(colour: bool, text: str, name: str) -> str:
    """A text in the colour of a class, or of another part of the report."""
    if not colour:
        return text
    from rich.color import ColorSystem
    from rich.style import Style

    return Style.parse(COLOURS[name]).render(text, color_system=ColorSystem.STANDARD)


def _side_by_side(width: int, values: Sequence[tuple[str, Numbers]]) -> str:
    return beside((assigned(safe(name), numbers) for name, numbers in values), width)
