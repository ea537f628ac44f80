"""A report as SARIF 2.1.0, which code scanning services and editors show beside the lines."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath
from typing import Any
from urllib.parse import quote

from symbptt.check.documents.formulas import Formula
from symbptt.check.findings import Finding, Report
from symbptt.check.places import Stretch, stretch
from symbptt.check.reports.options import CLASSES, Options, class_of, found, reason_of
from symbptt.templating import words

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_WORDS = "check/words.j2"

#: What a finding weighs; what is not named is a note.
LEVELS = {"wrong": "error", "shape-error": "error", "inconclusive": "warning", "right": "none"}
#: The rules: one for each class of findings.
RULES = tuple(name for name in CLASSES if name != "suppressed")


def write(reports: Sequence[Report], options: Options) -> str:
    """One run over all documents; a suppressed finding is in it, with its reason."""
    results = [
        _result(finding, report, options)
        for report in reports
        for finding in report.findings
        if class_of(finding) in options.classes or _hidden(finding, options)
    ]
    notes = [_notification(note, report) for report in reports for note in report.notes]
    run = {
        "tool": {
            "driver": {
                "name": "symbptt",
                **({"version": options.version} if options.version else {}),
                "rules": [_rule(name, options) for name in RULES],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": results,
    }
    whole = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _hidden(finding: Finding, options: Options) -> bool:
    """Whether a finding is one that would be listed, but for a comment."""
    return finding.suppressed is not None and found(finding) in options.classes


def _level(name: str, options: Options) -> str:
    return "error" if options.strict and name == "right-under" else LEVELS.get(name, "note")


def _rule(name: str, options: Options) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": words(_WORDS, "label", name).capitalize()},
        "fullDescription": {"text": words(_WORDS, "meaning", name)},
        "defaultConfiguration": {"level": _level(name, options)},
    }


def _result(finding: Finding, report: Report, options: Options) -> dict[str, Any]:
    name, where, v = found(finding), stretch(finding), finding.verdict
    text = report.document.text[where.start : where.stop]
    region = {**_region(where), "snippet": {"text": text}}
    result: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": RULES.index(name),
        "level": _level(name, options),
        "message": {"text": words(_WORDS, "message", name, v, reason_of(finding))},
        "locations": [{"physicalLocation": {**_artifact(report), "region": region}}],
    }
    if name == "right":
        result["kind"] = "pass"
    fix = replacement(finding, report)
    if fix is not None:
        change = {"deletedRegion": _region(where), "insertedContent": {"text": fix}}
        result["fixes"] = [
            {
                "description": {"text": v.correction.mistake or name if v and v.correction else ""},
                "artifactChanges": [{**_artifact(report), "replacements": [change]}],
            }
        ]
    if finding.suppressed is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.suppressed}]
    return result


def replacement(finding: Finding, report: Report) -> str | None:
    """What to put in the place of a finding's text so that it is right; None where that is unsure.

    Only one edit of the author's own whole formula is one, written as its file has to hold it.
    """
    correction = None if finding.verdict is None else finding.verdict.correction
    if correction is None or correction.origin != "repair":
        return None
    formula = finding.formula
    carried = isinstance(formula, Formula) and formula.carried
    if carried or finding.part not in ("", formula.source):
        return None
    if report.document.format == "notebook":
        return json.dumps(correction.text, ensure_ascii=False)[1:-1]
    if report.document.format == "html":
        return html.escape(correction.text, quote=False)
    return correction.text


def _artifact(report: Report) -> dict[str, Any]:
    return {"artifactLocation": {"uri": uri(report.document.file)}}


def uri(file: str | None) -> str:
    """The address of a file; a text that has none is standard input.

    >>> uri("my notes/rnn.md"), uri(None), uri("/tmp/a.md")
    ('my%20notes/rnn.md', 'stdin', 'file:///tmp/a.md')
    """
    if file is None or file == "<stdin>":
        return "stdin"
    path = PurePath(file)
    if path.is_absolute():
        return path.as_uri()
    return quote(str(PurePosixPath(*path.parts)))


def _region(where: Stretch) -> dict[str, int]:
    return {
        "startLine": where.line,
        "startColumn": where.column,
        "endLine": where.end_line,
        "endColumn": where.end_column,
    }


def _notification(note: str, report: Report) -> dict[str, Any]:
    return {
        "level": "note",
        "message": {"text": note},
        "locations": [{"physicalLocation": _artifact(report)}],
    }
