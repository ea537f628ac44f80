"""The benchmark of formulas: its verdicts stand without the checker, and the checker meets them."""

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "formulas"
sys.path.insert(0, str(FOLDER))

import run  # noqa: E402
import verify  # noqa: E402
from book import MUTATIONS  # noqa: E402
from sources import SOURCES  # noqa: E402

ROWS = run.expected_rows()
CLAIMS = [row for row in ROWS if row["kind"] == "claim"]


@pytest.mark.parametrize("source", SOURCES, ids=[s.name for s in SOURCES])
def test_numbers_bear_out_every_verdict(source):
    assert verify.faults(source, seed=1) == []


def test_documents_and_rows_are_what_the_sources_give():
    assert verify.differences() == []


def test_the_numbers_know_nothing_of_the_checker():
    for path in [*FOLDER.glob("sources/*.py"), *(FOLDER / f for f in ("world.py", "book.py"))]:
        imports = [n for n in ast.walk(ast.parse(path.read_text("utf-8")))
                   if isinstance(n, ast.Import | ast.ImportFrom)]  # fmt: skip
        names = [n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imports]
        assert not [name for name in names if name and name.startswith("symbptt")]


def test_every_row_stands_in_its_document():
    for row in ROWS:
        lines = (run.DOCUMENTS / row["document"]).read_text("utf-8").split("\n")
        first, *rest = row["source"].split("\n")
        assert lines[row["line"] - 1].strip() == first
        assert lines[row["line"] : row["line"] + len(rest)] == rest


def test_every_document_is_expected_of():
    assert {row["document"] for row in ROWS} == {p.name for p in run.DOCUMENTS.iterdir()}


def test_rows_are_whole():
    ids = [row["id"] for row in ROWS]
    assert len(ids) == len(set(ids))
    originals = {row["id"]: row["source"] for row in CLAIMS}
    for row in ROWS:
        assert row["kind"] in ("definition", "claim", "prose")
        assert (row["verdict"] is None) == (row["kind"] != "claim")
        assert (row["reading"] is not None) == (row["verdict"] == "right-under")
        assert (row["mutation"] is not None) == (row["verdict"] in run.BAD)
        if row["mutant_of"]:
            assert row["original"] == originals[row["mutant_of"]] != row["source"]


#: At least so many claims of each.
MINIMA = {
    "notation": dict.fromkeys(
        [
            "columns",
            "goodfellow",
            "wildml",
            "row",
            "macros",
            "ascii",
            "unicode",
            "hats",
            "angle",
            "truncated",
        ],
        25,
    ),
    "model": {"elman": 150, "lstm": 50, "gru": 45, "truncated": 35},
    "verdict": {"right": 130, "right-under": 18, "wrong": 130, "shape-error": 15},
    "mutation": dict.fromkeys(MUTATIONS, 6),
}


@pytest.mark.parametrize("key", MINIMA)
def test_there_are_enough(key):
    counts = Counter(row[key] for row in CLAIMS if row[key])
    assert counts.keys() == MINIMA[key].keys()
    assert not {name for name, least in MINIMA[key].items() if counts[name] < least}


@pytest.mark.parametrize("document", sorted({row["document"] for row in ROWS}))
def test_the_checker_accepts_nothing_wrong_and_rejects_nothing_right(document):
    rows = [row for row in ROWS if row["document"] == document]
    found = run.outcomes(rows)
    assert not [str(o) for o in found if o.is_false_accept]
    assert not [str(o) for o in found if o.is_false_reject]
    assert len(found) == len(rows)


def test_a_correction_is_compared_without_spacing():
    text = "\\pd{L}{W} &= \\sum_{t=1}^{T} a_t \\\\\n  &= b"
    row = {"original": text}
    for given in (text, r"\pd{L}{W} = \sum_{t=1}^{T}\, a_t", r"\pd{L}{W} = b."):
        assert run.Outcome(row, "wrong", given).is_mended
    assert not run.Outcome(row, "wrong", r"\pd{L}{W} = a_t").is_mended
    assert not run.Outcome(row, "wrong").is_mended
