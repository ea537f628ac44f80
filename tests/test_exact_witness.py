"""The exact witness: what it proves, what it refuses, and what its own arithmetic is worth."""

from __future__ import annotations

import ast
import json
from fractions import Fraction
from pathlib import Path

import models
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symbptt.evidence
from symbptt.calculus import derive
from symbptt.errors import SymbpttError
from symbptt.evidence.claims import Decided
from symbptt.evidence.degrees import Degree, chance, difference
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.exact import exact_witness, forward_mode, places_of
from symbptt.evidence.forward import run
from symbptt.evidence.report import Report
from symbptt.evidence.residues import P, ResidueArithmetic, Residues, rational
from symbptt.evidence.verify import assignments, verify
from symbptt.model import load


def exactly(name: str, Ts: tuple[int, ...] = (1, 2, 3, 4, 5), **options) -> Decided:
    d = derive(models.model(name), inputs=True, **options)
    return sum(exact_witness(d, Ts, assignments(d.model), 0), Decided())


@pytest.mark.parametrize("name", models.NAMES)
def test_every_line_of_every_model_is_proved(name):
    found = exactly(name)
    assert [str(c) for c in found.checks if not c.passed] == []
    assert found.undecided == ()
    assert len(found.checks) > 90
    assert 0 < found.bound < Fraction(1, 10**11)


@pytest.mark.parametrize("name", ["elman", "elman-many-to-one", "gated", "rows"])
@pytest.mark.parametrize("T", [1, 3])
def test_a_derivation_written_out_is_proved(name, T):
    found = exactly(name, (T,), T=T)
    assert [str(c) for c in found.checks if not c.passed] == []
    assert any(c.place == "line, written out" for c in found.checks)


def test_the_double_sum_and_the_assumed_distribution_are_checked():
    places = {c.place for c in exactly("elman").checks}
    assert places == {
        "recursion",
        "condensed",
        "line, uses",
        "line, substituted",
        "line, distribution",
        "line, gradient",
        "line, double sum",
    }


def test_forward_mode_is_the_derivative():
    # One step is a polynomial of degree 2 in each weight: a central difference is exact.
    model = load(r"h_t = W h_{t-1} + U x_t; L = \sum_{t=1}^{T} squared_error(V h_t, d_t)")
    sizes = assignments(model)[0]
    A = ResidueArithmetic("a point")
    truth = forward_mode(model, 1, sizes, A, places_of(model, 1, inputs=True))
    functions = DualArithmetic(A, sizes)

    def loss(changed: tuple[str, int | None], by: int) -> Residues:
        def given(name, step):
            value = truth.read(name, step)
            if (name, step) == changed:
                array = value.array.copy()
                array[1, 0] = (array[1, 0] + by) % P
                value = Residues(array)
            return Dual(value)

        return run(model, 1, given, functions).loss.value

    for place in [("W", None), ("U", None), ("V", None), ("h", 0), ("x", 1), ("d", 1)]:
        difference = loss(place, 1) - loss(place, -1)
        slope = difference * rational(Fraction(1, 2))
        assert slope.array[0, 0] == truth.slopes[place].array[1, 0], place


def test_a_report_without_a_check_is_an_error():
    with pytest.raises(SymbpttError, match="no check ran"):
        _ = Report("nothing", (), 0, Fraction(0)).passed


def test_what_always_divides_by_zero_is_undecided_and_not_passed():
    # (x - x) is never anything but zero, and its inverse never exists.
    model = load(r"h_t = W h_{t-1} / (x_t ⊙ x_t - x_t^2); L = \sum_{t=1}^{T} sum(h_t)")
    report = verify(derive(model), T=2)
    assert all("every random point divides by zero" in line for line in report.undecided)
    with pytest.raises(SymbpttError, match="no check ran"):
        _ = report.passed


def test_a_report_is_plain_data():
    report = verify(derive(load("elman")), seed=7, T=2)
    data = json.loads(json.dumps(report.as_dict()))
    assert data["passed"] is True
    assert data["seed"] == 7
    assert data["checks"] == len(report.checks) == sum(report.counts.values())
    assert data["sizes"] == [{"n": 3, "m": 2, "k": 5}, {"n": 2, "m": 2, "k": 2}]
    assert data["failures"] == []
    assert "verified" in str(report)


def test_the_same_seed_gives_the_same_report():
    d = derive(load("elman"))
    assert verify(d, seed=3, T=2) == verify(d, seed=3, T=2)


@given(st.lists(st.fractions(max_denominator=50), min_size=4, max_size=4))
def test_residues_compute_as_fractions_do(q):
    a, b, c, d = (Residues(_column([rational(x)])) for x in q)
    assert (a * b + c - d).array[0, 0] == rational(q[0] * q[1] + q[2] - q[3])
    if q[3]:
        assert (a * d.inverse()).array[0, 0] == rational(q[0] / q[3])


def _column(entries):
    import numpy as np

    return np.array(entries, dtype=object)[:, None]


def test_degrees_bound_rational_functions():
    x = Degree(1, 0, (1, 1))
    assert difference(x * x * x, x).top == 3
    # 1/x + 1/x is 2x/x²: a common denominator is not cancelled, so the bound is safe.
    half = x.inverse() + x.inverse()
    assert (half.top, half.bottom) == (1, 2)
    # Each of three entries inverted: x_j x_k / (x_i x_j x_k).
    column = Degree(1, 0, (3, 1)).inverse()
    assert (column.top, column.bottom) == (2, 3)
    assert chance(Degree(5, 0, (1, 1))) == Fraction(5, P)


def test_the_truth_knows_nothing_of_the_rules():
    folder = Path(symbptt.evidence.__file__).parent
    imported = {
        path.name: {
            node.module
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        for path in folder.glob("*.py")
    }
    rules = {"symbptt.calculus.rules", "symbptt.calculus.activations", "symbptt.model.functions"}
    assert not any(rules & modules for modules in imported.values())
    for truth in (
        "atoms.py",
        "duals.py",
        "forward.py",
        "residues.py",
        "complex_step.py",
        "cuts.py",
    ):
        assert not any("calculus" in str(module) for module in imported[truth]), truth
    assert not any("symbptt" in str(module) for module in imported["numeric_bptt.py"])
