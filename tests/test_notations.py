"""A notation that eliminates other adjoints prints another derivation: it is proved as well."""

import pytest

import symbptt
from symbptt.evidence.verify import verify
from symbptt.model import builtin_names, load
from symbptt.render import notation_for

ELIMINATING = [n for n in builtin_names() if notation_for(load(n)).eliminate is not None]


def rewritten(name, *gone):
    """A derivation whose condensed pass is the one with these adjoints eliminated."""
    d = symbptt.derive(name)
    d.__dict__["condensed"] = d.without(*gone)
    return d


@pytest.mark.parametrize("name", ELIMINATING)
def test_what_a_notation_prints_is_proved(name):
    gone = notation_for(load(name)).eliminate
    d = rewritten(name, *gone)
    report = verify(d)
    assert set(gone) <= set(d.condensed.eliminated)
    assert report.passed
    assert report.counts["induction"] > 100


@pytest.mark.parametrize(
    "name",
    [
        n if n in ("elman", "elman-linear") else pytest.param(n, marks=pytest.mark.slow)
        for n in builtin_names() if n.startswith("elman")
    ],
)  # fmt: skip
def test_any_one_adjoint_can_be_eliminated(name):
    model = load(name)
    for adjoint in symbptt.derive(model).adjoints:
        assert verify(rewritten(name, adjoint), T=3).passed


def test_an_adjoint_that_recurs_on_itself_stays():
    d = symbptt.derive("elman-linear")
    assert "h" in d.without("h").recursions
