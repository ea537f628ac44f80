"""The certificate for every T: it holds for every model, and sees what short sequences hide."""

from __future__ import annotations

from dataclasses import replace

import models
import pytest

from symbptt.calculus import algebra as al
from symbptt.calculus import derive
from symbptt.calculus import nodes as nd
from symbptt.evidence.claims import Decided, landmarks
from symbptt.evidence.exact import exact_witness
from symbptt.evidence.induction import induction, windows
from symbptt.evidence.verify import assignments
from symbptt.model import load
from symbptt.model.steps import Steps
from symbptt.model.terms import Index


def certified(d) -> Decided:
    return sum(induction(d, assignments(d.model)[0], 0), Decided())


@pytest.mark.parametrize("name", models.some(models.NAMES))
def test_every_model_is_certified(name):
    found = certified(models.derivation(name))
    assert [str(c) for c in found.checks if not c.passed] == []
    assert found.undecided == ()
    assert 0 < found.bound < 1e-11


def test_windows_are_what_can_be_told_apart():
    known = landmarks(models.derivation("elman"))
    assert (known.first, known.last, known.lag, known.apart) == (1, 1, 1, 1)
    # t = 1, t = 2 and later ones; T - t = 0, 1, and more: one of each beyond, to be safe.
    assert set(windows(known)) == {(t, t + r) for t in (1, 2, 3) for r in (0, 1, 2, 3)}


def test_landmarks_hold_what_the_loss_names():
    known = landmarks(models.derivation("two-states"))
    assert known.lag == 2
    assert known.first >= 2
    known = landmarks(models.derivation("two-ends"))  # at step 4 and at T - 3
    assert (known.first, known.last, known.lag) == (4, 3, 1)
    assert known.apart > 4 + 3


def test_an_error_that_only_long_sequences_show_is_caught():
    # At step 8 alone the loss is counted twice.
    d = derive(load("elman"))
    recursion = d.sweep.recursions["o"]
    twice = replace(recursion.contributions[0], steps=Steps(members=(Index("", 8),)))
    wrong = replace(recursion, contributions=(*recursion.contributions, twice))
    d = replace(d, sweep=replace(d.sweep, recursions={**d.sweep.recursions, "o": wrong}))
    short = sum(exact_witness(d, (1, 2, 3, 4, 5), assignments(d.model), 0), Decided())
    assert all(c.passed for c in short.checks if c.T <= 5)
    failed = {(c.what, c.T) for c in certified(d).checks if not c.passed}
    assert ("δ^o_8", 8) in failed


def test_a_recursion_may_not_explain_itself():
    d = derive(load("elman"))
    recursion = d.sweep.recursions["h"]
    circular = replace(recursion.contributions[0], expression=recursion.symbol)
    wrong = {**d.sweep.recursions, "h": replace(recursion, contributions=(circular,))}
    d = replace(d, sweep=replace(d.sweep, recursions=wrong))
    errors = {c.error for c in certified(d).checks if not c.passed}
    assert any("before it is computed" in str(e) for e in errors)


def test_a_zero_outside_the_support_is_proved():
    # Said to matter at the last step only, h matters at all of them.
    d = derive(load("elman"))
    recursion = d.sweep.recursions["h"]
    wrong = replace(recursion, support=Steps(members=(Index("T", 0),)))
    d = replace(d, sweep=replace(d.sweep, recursions={**d.sweep.recursions, "h": wrong}))
    failed = {c.what for c in certified(d).checks if not c.passed and c.place == "recursion"}
    assert "δ^h_1" in failed


def test_a_later_value_that_does_not_exist_may_not_be_read():
    d = derive(load("elman"))
    gradient = d.sweep.gradients["W_hh"]
    (c,) = gradient.contributions
    later = replace(c, expression=al.at(c.expression, nd.t + 1))
    wrong = replace(gradient, contributions=(later,))
    d = replace(d, sweep=replace(d.sweep, gradients={**d.sweep.gradients, "W_hh": wrong}))
    errors = {c.error for c in certified(d).checks if not c.passed}
    assert any("but the steps are" in str(e) for e in errors)
