"""Derives every expected verdict anew, with NumPy alone; ``--write`` writes documents and rows.

python benchmarks/formulas/verify.py
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from book import Source, documents, right_verdict, wrong_verdict  # noqa: E402
from sources import SOURCES  # noqa: E402

EXPECTED = HERE / "expected.jsonl"
DOCUMENTS = HERE / "documents"


def faults(source: Source, seed: int = 0) -> list[str]:
    """What of a source's verdicts the numbers don't bear out."""
    w = source.world(seed)
    found = []
    for claim in source.claims.values():
        verdict = right_verdict(source, claim, w)
        if verdict != claim.verdict:
            found.append(f"{source.name}/{claim.name}: {verdict}, not {claim.verdict}")
    for m in source.mutants:
        verdict = wrong_verdict(source, m, w)
        if verdict not in ("wrong", "shape-error"):
            found.append(f"{source.name}/{m.of} ({m.mutation}, {m.new}): {verdict}")
    return found


def written(sources: tuple[Source, ...] = SOURCES) -> tuple[dict[str, str], list[dict]]:
    """The documents by file name, and all rows."""
    texts: dict[str, str] = {}
    rows: list[dict] = []
    for source in sources:
        for file, (text, found) in documents(source, source.world()).items():
            texts[file] = text
            rows += found
    return texts, rows


def as_lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def differences() -> list[str]:
    """Files that aren't what the sources give."""
    texts, rows = written()
    found = [] if EXPECTED.read_text("utf-8") == as_lines(rows) else [EXPECTED.name]
    found += [f for f, text in texts.items() if (DOCUMENTS / f).read_text("utf-8") != text]
    return found + [p.name for p in DOCUMENTS.iterdir() if p.name not in texts]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write documents and expected.jsonl")
    parser.add_argument("--seeds", type=int, default=2, help="how many random points (2)")
    args = parser.parse_args()
    bad = [f for source in SOURCES for seed in range(args.seeds) for f in faults(source, seed)]
    for line in bad:
        print(line)
    if bad:
        return 1
    if args.write:
        texts, rows = written()
        for old in DOCUMENTS.iterdir():
            old.unlink()
        for file, text in texts.items():
            (DOCUMENTS / file).write_text(text, "utf-8")
        EXPECTED.write_text(as_lines(rows), "utf-8")
    stale = differences()
    rows = [json.loads(line) for line in EXPECTED.read_text("utf-8").splitlines()]
    for key in ("kind", "verdict", "notation", "model", "mutation"):
        print(key, dict(Counter(row[key] for row in rows if row[key])))
    print(f"{len(rows)} formulas; files that differ from the sources: {', '.join(stale) or 'none'}")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
