"""Runs the checker on the documents and compares what it finds with ``expected.jsonl``.

    python benchmarks/formulas/run.py [--json FILE] [--alone] [DOCUMENT ...]

With ``--alone``, each mutant stands in the document of right claims, instead of its original.
Exits with 1 if a wrong formula was found right or a right one wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "expected.jsonl"
DOCUMENTS = HERE / "documents"

#: The gravest first: a formula that makes several claims has the gravest of their verdicts.
GRAVITY = ("wrong", "shape-error", "inconclusive", "right-under", "right")
BAD, GOOD = frozenset({"wrong", "shape-error"}), frozenset({"right", "right-under"})
_SPACING = re.compile(r"\\[,;:! ]|\\q?quad(?![A-Za-z])|~|&|\s")


@dataclass(frozen=True)
class Outcome:
    """An expected row and what was found: a verdict, ``unparsed``, ``unjudged`` or ``missing``."""

    row: dict[str, Any]
    found: str
    correction: str | None = None

    @property
    def is_false_accept(self) -> bool:
        return self.row["verdict"] in BAD and self.found in GOOD

    @property
    def is_false_reject(self) -> bool:
        return self.row["verdict"] in GOOD and self.found in BAD

    @property
    def is_mended(self) -> bool:
        """Whether the first correction is the formula that the mutant was made of."""
        return self._is_original(plain)

    @property
    def is_mended_up_to_spelling(self) -> bool:
        r"""The same where ``\top`` and ``T`` are one sign, and so are minus and hyphen."""
        return self._is_original(lambda text: respelled(plain(text)))

    def _is_original(self, plain: Callable[[str], str]) -> bool:
        original = self.row["original"]
        return self.correction is not None and plain(self.correction) in {
            plain(original),
            *(plain(side) for side in _relations(original)),
        }

    def __str__(self) -> str:
        row = self.row
        place = f"{row['document']}:{row['line']}"
        return f"{place}: {self.found}, expected {row['verdict']}: {row['source']}"


def expected_rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in EXPECTED.read_text("utf-8").splitlines()]


def plain(text: str) -> str:
    r"""A formula without spacing, ``h_t`` for ``h_{t}`` and ``(`` for ``\left(``."""
    text = _SPACING.sub("", text.replace("\\\\", "")).strip(".,;")
    text = re.sub(r"\\(?:left|right)(?=[()\[\]|])", "", text)
    return re.sub(r"([_^])\{(\w|\\[A-Za-z]+)\}", r"\1\2", text)


def respelled(text: str) -> str:
    """A formula with one way to write a transpose, a minus and a square."""
    for sign, other in ((r"\top", "T"), ("ᵀ", "^T"), ("−", "-"), ("²", "^2")):
        text = text.replace(sign, other)
    return text


def _relations(text: str) -> list[str]:
    """What a chain ``a = b = c`` says: ``a = b``, ``a = c``, ``b = c``; a correction is of one."""
    sides, depth = [""], 0
    for sign in text:
        depth += (sign in "{[(") - (sign in "}])")
        if sign == "=" and not depth:
            sides.append("")
        else:
            sides[-1] += sign
    return [f"{left}={right}" for left, right in combinations(sides, 2)]


def outcomes(rows: list[dict[str, Any]]) -> list[Outcome]:
    """What the checker finds of the rows, document by document."""
    from symbptt.check.documents.document import read_document
    from symbptt.check.judging import check_document

    by_document: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_document[row["document"]].append(row)
    found = []
    for document, expected in by_document.items():
        report = check_document(read_document(DOCUMENTS / document))
        found += [_outcome(row, report) for row in expected]
    return found


def outcomes_alone(rows: list[dict[str, Any]]) -> list[Outcome]:
    """What the checker finds of each mutant among right claims, in place of its original."""
    from symbptt.check.documents.document import Document
    from symbptt.check.judging import check_document

    originals = {row["id"]: row for row in expected_rows()}
    found = []
    for row in rows:
        original = originals.get(row["mutant_of"] or "")
        if original is not None:
            path = DOCUMENTS / original["document"]
            lines = path.read_text("utf-8").splitlines(keepends=True)
            above, rest = lines[: original["line"] - 1], "".join(lines[original["line"] - 1 :])
            text = "".join(above) + rest.replace(original["source"], row["source"], 1)
            report = check_document(Document(text, str(path)))
            found.append(_outcome({**row, "line": original["line"]}, report))
    return found


def _outcome(row: dict[str, Any], report: Any) -> Outcome:
    lines = range(row["line"], row["line"] + row["source"].count("\n") + 1)
    findings = [f for f in report.findings if (f.line or f.formula.line) in lines]
    verdicts = [f.verdict for f in findings if f.verdict is not None]
    if any(f.kind == "unparsed" for f in findings):
        return Outcome(row, "unparsed")
    if not findings:
        return Outcome(row, "missing")
    if not verdicts:
        return Outcome(row, "unjudged")
    gravest = min(verdicts, key=lambda v: GRAVITY.index(v.verdict))
    correction = next((v.correction.text for v in verdicts if v.correction is not None), None)
    return Outcome(row, gravest.verdict, correction)


def summary(found: list[Outcome]) -> dict[str, Any]:
    """The counts that ``main`` prints."""
    judged = [o for o in found if o.row["kind"] == "claim"]
    mutants = [o for o in judged if o.row["mutant_of"]]
    corrected = [o for o in mutants if o.correction is not None]
    unread = sum(o.found in ("unparsed", "missing") for o in found)
    return {
        "formulas": len(found),
        "read": len(found) - unread,
        "unparsed": unread,
        "claims": len(judged),
        "false accepts": sum(o.is_false_accept for o in judged),
        "false rejects": sum(o.is_false_reject for o in judged),
        "inconclusive": sum(o.found == "inconclusive" for o in judged),
        "unjudged": sum(o.found == "unjudged" for o in judged),
        "exactly as expected": sum(o.found == o.row["verdict"] for o in judged),
        "mutants": len(mutants),
        "mutants with a correction": len(corrected),
        "mutants mended": sum(o.is_mended for o in corrected),
        "up to spelling": sum(o.is_mended_up_to_spelling for o in corrected),
        "confusion": Counter((o.row["verdict"], o.found) for o in judged),
    }


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.1f} %)" if whole else "")


def _printed(s: dict[str, Any]) -> str:
    claims, mutants = s["claims"], s["mutants"]
    lines = [
        f"read                       {_share(s['read'], s['formulas'])}",
        f"unparsed                   {_share(s['unparsed'], s['formulas'])}",
        f"exactly as expected        {_share(s['exactly as expected'], claims)}",
        f"false accepts              {s['false accepts']}",
        f"false rejects              {s['false rejects']}",
        f"inconclusive               {_share(s['inconclusive'], claims)}",
        f"claims without a verdict   {_share(s['unjudged'], claims)}",
        f"mutants with a correction  {_share(s['mutants with a correction'], mutants)}",
        f"  that is the original     {_share(s['mutants mended'], mutants)}",
        f"  up to spelling           {_share(s['up to spelling'], mutants)}",
        "",
    ]
    columns = (*GRAVITY, "unjudged", "unparsed", "missing")
    columns = tuple(c for c in columns if any(c == found for _, found in s["confusion"]))
    lines.append("expected \\ found".ljust(18) + "".join(c.rjust(14) for c in columns))
    for verdict in ("right", "right-under", "wrong", "shape-error"):
        counts = (str(s["confusion"][verdict, c]).rjust(14) for c in columns)
        lines.append(verdict.ljust(18) + "".join(counts))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", nargs="*", help="names in documents/; all by default")
    parser.add_argument("--json", type=Path, help="write every outcome to this file")
    parser.add_argument("--alone", action="store_true", help="each mutant among right claims")
    args = parser.parse_args()
    names = {Path(d).name for d in args.documents}
    rows = [row for row in expected_rows() if not names or row["document"] in names]
    if not rows:
        parser.error(f"no such documents: {', '.join(sorted(names))}")
    found = outcomes_alone(rows) if args.alone else outcomes(rows)
    wrong = [o for o in found if o.is_false_accept or o.is_false_reject]
    for o in wrong:
        print(o)
    for o in found:
        if o.row["kind"] == "claim" and o not in wrong and o.found != o.row["verdict"]:
            print(o)
    print(("\n" if found else "") + _printed(summary(found)))
    if args.json:
        keys = ("document", "line", "id", "source", "verdict", "original")
        lines = [
            {key: o.row[key] for key in keys}
            | {"found": o.found, "correction": o.correction, "mended": o.is_mended}
            if o.row["original"]
            else {key: o.row[key] for key in keys} | {"found": o.found}
            for o in found
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        args.json.write_text(text, "utf-8")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
