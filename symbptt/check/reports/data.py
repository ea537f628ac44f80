"""A report as JSON, for programs: ``report.schema.json`` beside this file describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from symbptt.check.findings import Counterexample, Evidence, Finding, Numbers, Reading, Report
from symbptt.check.places import stretch, written
from symbptt.check.reports.options import Options, listed, reason_of, total

#: The version of the form; it changes when something is renamed or taken away.
SCHEMA = "symbptt-check/1"


def write(reports: Sequence[Report], options: Options) -> str:
    """One document makes an object, several an object with ``reports`` and their summary."""
    found = [as_dict(report, options) for report in reports]
    whole: dict[str, Any] = (
        found[0]
        if len(found) == 1
        else {
            "schema": SCHEMA,
            "reports": found,
            "summary": total([report.summary for report in reports]),
        }
    )
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def as_dict(report: Report, options: Options | None = None) -> dict[str, Any]:
    """The report on one document; every formula is in it unless options pick some."""
    picked = options is not None and (options.select or options.quiet)
    findings = listed(report, options) if options and picked else report.findings
    return {
        "schema": SCHEMA,
        "document": report.document.file,
        "format": report.document.format,
        "model": {
            "name": report.model_name,
            "equations": [{"text": e.text, "line": e.line} for e in report.model],
        },
        "formulas": [formula(finding, report) for finding in findings],
        "notes": list(report.notes),
        "summary": report.summary,
    }


def formula(finding: Finding, report: Report) -> dict[str, Any]:
    """One formula; ``source`` is the text of the file from its line and column on."""
    where, v = stretch(finding), finding.verdict
    text = report.document.text[where.start : where.stop]
    return {
        "line": where.line,
        "column": where.column,
        "end_line": where.end_line,
        "end_column": where.end_column,
        "cell": finding.formula.fragment.cell,
        "source": text,
        "formula": written(finding, report.document),
        "kind": finding.kind,
        "verdict": None if v is None else v.verdict,
        "reason": reason_of(finding),
        "readings": _readings(v.readings if v else ()),
        "correction": None
        if v is None or v.correction is None
        else {
            "text": v.correction.text,
            "origin": v.correction.origin,
            "mistake": v.correction.mistake or None,
            "readings": _readings(v.correction.readings),
        },
        "counterexample": None if v is None else _counterexample(v.counterexample),
        "evidence": None if v is None else _evidence(v.evidence),
        "notes": list(getattr(finding.formula, "notes", ())),
        "suppressed": finding.suppressed,
    }


def _readings(readings: Sequence[Reading]) -> list[dict[str, str]]:
    return [{"name": r.name, "says": r.says} for r in readings]


def _counterexample(c: Counterexample | None) -> dict[str, Any] | None:
    if c is None:
        return None
    return {
        "sizes": dict(c.sizes),
        "steps": dict(c.steps),
        "given": {name: _rows(values) for name, values in c.given.items()},
        "left": _rows(c.left),
        "right": _rows(c.right),
        "differ": [list(entry) for entry in c.differ],
    }


def _evidence(e: Evidence | None) -> Mapping[str, Any] | None:
    if e is None:
        return None
    return {
        "points": e.points,
        "lengths": list(e.lengths),
        "sizes": dict(e.sizes),
        "error_bound": e.error_bound,
    }


def _rows(values: Numbers) -> list[list[int | str]]:
    return [[_number(value) for value in row] for row in values]


def _number(value: Fraction) -> int | str:
    """A whole number, or a fraction as ``"1/2"``."""
    return value.numerator if value.denominator == 1 else str(value)
