"""Our own derivations, checked as anybody's: no formula of theirs is called wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbptt.check.documents.document import read_document
from symbptt.check.findings import FAULTS
from symbptt.check.judging import check_document
from symbptt.model import builtin_names

OUTPUTS = Path(__file__).parent.parent / "outputs"
#: Few in every run; the rest with ``-m slow``.
QUICK = ("ctrnn", "elman", "elman-many-to-one", "fastgrnn", "lstm-stacked")


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in builtin_names()],
)
def test_no_formula_of_ours_is_called_wrong(name):
    report = check_document(read_document(OUTPUTS / name / "derivation.md"))
    verdicts = [f.verdict.verdict for f in report.findings if f.verdict is not None]
    assert not [f.source for f in report.findings if f.verdict and f.verdict.verdict in FAULTS]
    assert "unparsed" not in {f.kind for f in report.findings}
    assert verdicts.count("right") + verdicts.count("right-under") > 10 or name == "seq2seq"
