"""Which findings a report lists."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from symbptt.check.documents.formulas import Unparsed
from symbptt.check.findings import FAULTS, VERDICTS, Finding, Report
from symbptt.errors import RequestError, did_you_mean

#: What a finding may be to a reader, each in exactly one, the gravest first.
CLASSES = (*VERDICTS, "unparsed", "suppressed", "definition", "prose")
#: What is listed unless asked for otherwise: what a reader may want to do something about.
LISTED = frozenset({"wrong", "shape-error", "inconclusive", "right-under", "unparsed"})


@dataclass(frozen=True)
class Options:
    """What a report lists, and how.

    ``quiet`` lists faults alone, ``verbose`` also claims that are right, ``select`` the classes
    that it names; with ``strict`` a claim that is right under a reading only is a fault.
    ``excerpts`` shows the line of each finding, cut to ``width``, and breaks long lines there;
    ``colour`` marks the text for a terminal.  ``version`` is ours.
    """

    quiet: bool = False
    verbose: bool = False
    strict: bool = False
    select: frozenset[str] = frozenset()
    excerpts: bool = False
    colour: bool = False
    width: int = 100
    version: str = ""

    @property
    def classes(self) -> frozenset[str]:
        """The classes that are listed."""
        if self.select:
            return self.select
        if self.quiet:
            return FAULTS | ({"right-under"} if self.strict else frozenset())
        return LISTED | ({"right"} if self.verbose else frozenset())


def found(finding: Finding) -> str:
    """What was found, whatever a comment asks for; a claim without a verdict was not decided."""
    if finding.verdict is not None:
        return finding.verdict.verdict
    return "inconclusive" if finding.kind == "claim" else finding.kind


def class_of(finding: Finding) -> str:
    """One of ``CLASSES``."""
    return found(finding) if finding.suppressed is None else "suppressed"


def reason_of(finding: Finding) -> str:
    """Why the verdict, or why a formula can't be read."""
    if finding.verdict is not None:
        return finding.verdict.reason
    return finding.formula.reason if isinstance(finding.formula, Unparsed) else ""


def selected(names: str) -> frozenset[str]:
    """The classes of a list with commas.

    >>> sorted(selected("wrong, unparsed"))
    ['unparsed', 'wrong']
    """
    chosen = frozenset(name.strip() for name in names.split(","))
    for name in sorted(chosen):
        if name not in CLASSES:
            raise RequestError(f"--select: no class '{name}'{did_you_mean(name, CLASSES)}")
    return chosen


def listed(report: Report, options: Options) -> list[Finding]:
    """The findings that are listed, in the order of the document."""
    return [f for f in report.findings if class_of(f) in options.classes]


def unlisted_faults(report: Report, options: Options) -> int:
    """How many faults are not listed, as ``select`` leaves them out: never without a word."""
    faults = report.faults(strict=options.strict)
    return sum(class_of(f) not in options.classes for f in faults)


def total(reports: list[dict[str, int]]) -> dict[str, int]:
    """Summaries added up."""
    counts: Counter[str] = Counter()
    for summary in reports:
        counts.update(summary)
    return dict(counts)
