"""The cases of a line within a window: few, each of them met, none without a condition, all true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import models
import pytest
from test_truncation import BUILT_IN, PASSES, TEXTS, truncated, wrong

import symbptt
from symbptt.calculus import TruncatedDerivation, truncate, window_cases, windowed
from symbptt.calculus.windowed import EndRecursion, WindowRecursion
from symbptt.calculus.windows import Where

#: Losses at steps named by number, at the end and at all steps, in one model.
STEPS = {
    "last": r"squared_error(y_T, d_T) + \sum_t \|r_t\|^2",
    "from 2 on": r"\sum_{t=2}^{T} squared_error(y_t, d_t) + \sum_t \|r_t\|^2",
    "two": r"\sum_{t \in \{1, 3\}} squared_error(y_t, d_t) + \sum_t \|r_t\|^2",
    "last in a set": r"""\sum_{t \in \{2, T\}} squared_error(y_t, d_t)
        + squared_error(p_T, c_T) + \sum_t \|r_t\|^2""",
    "last but one": r"\sum_{t \in \{T-1, 3\}} squared_error(y_t, d_t) + squared_error(p_T, c_T)",
    "of a state": r"""\sum_{t \in \{1, 3\}} squared_error(h_t, d_t)
        + \sum_{t=2}^{T} squared_error(h_t, c_t) + \sum_t \|r_t\|^2""",
    "all kinds": r"""\sum_{t=2}^{T} squared_error(y_t, d_t)
        + \sum_{t \in \{1, 3, T\}} squared_error(p_t, c_t) + \sum_t \|r_t\|^2""",
    "inside": r"""squared_error(y_2, d_2) + \sum_{t=3}^{T-2} squared_error(p_t, c_t)
        + sum(r_{T-1})""",
}

CUTS = (1, 2, (2, 3), (3, 7))


@cache
def whole(name: str) -> Any:
    loss = " ".join(STEPS[name].split())
    return symbptt.derive(
        f"h_t = tanh(W h_{{t-1}} + U x_t)\ny_t = V h_t\np_t = P h_t\nr_t = h_t - h_{{t-1}}\nL = {loss}"
    )


def cut(name: str, at: Any) -> TruncatedDerivation:
    """A derivation of its own, with nothing found yet."""
    return truncate(whole(name), at)


def met(d: TruncatedDerivation, r: WindowRecursion) -> Iterator[int]:
    """Which case holds, at every step of every window of many sequences."""
    for T in range(1, 16):
        for w in d.truncation.windows(T):
            for t in r.span.around.steps(w, T):
                holds = (isinstance(c.steps, Where) and c.steps.include(t, w, T) for c in r.cases)
                yield next((i for i, there in enumerate(holds) if there), -1)


@pytest.mark.parametrize("at", CUTS)
@pytest.mark.parametrize("name", STEPS)
def test_every_line_is_true(name, at):
    assert wrong(cut(name, at), (1, 2, 3, 4, 5, 7, 9)) == []


def conditions(d: TruncatedDerivation) -> Iterator[list[str]]:
    for line in json.loads(symbptt.render(d, "json"))["steps"]:
        yield [case["condition"].replace(r"\text{if }", "").strip() for case in line["cases"]]


@pytest.mark.parametrize("at", [2, (2, 3)])
@pytest.mark.parametrize("name", [*STEPS, *BUILT_IN, *TEXTS, *PASSES])
def test_no_case_is_without_a_condition(name, at):
    d = cut(name, at) if name in STEPS else truncated(name, at)
    for found in conditions(d):
        assert found == [""] or all(found)
        assert "otherwise" not in " ".join(found[:-1])


#: Of a recurrence from T to 1, a case for a window of one step that doesn't end the sequence.
UNMET = {("backwards", (2, 3)): {3}}


@pytest.mark.parametrize("at", [2, (2, 3), (3, 4)])
@pytest.mark.parametrize("name", [*STEPS, *TEXTS, *PASSES])
def test_every_case_is_met_and_neighbours_differ(name, at):
    d = cut(name, at) if name in STEPS else truncated(name, at)
    for parts in (d.sweep, d.condensed):
        for r in parts.recursions.values():
            if not isinstance(r, WindowRecursion) or isinstance(r, EndRecursion):
                continue
            rights = [c.expression for c in r.cases]
            assert len(rights) <= windowed.MANY
            assert all(a != b for a, b in pairwise(rights))
            if len(rights) > 1:
                assert set(range(len(rights))) - UNMET.get((name, at), set()) <= set(met(d, r))


def test_the_rest_is_otherwise():
    text = symbptt.render(cut("last", 2))
    assert (
        "δ^{h,(e)}_t = V^T δ^{y,(e)}_t + δ^{r,(e)}_t                              if t = T" in text
    )
    assert "= W^T (δ^{h,(e)}_{t+1} ⊙ (1 - h_{t+1}²)) - δ^{r,(e)}_{t+1}   otherwise" in text


def test_a_condition_that_another_one_says_is_left_out():
    text = symbptt.render(cut("last in a set", 2))
    assert "if t = T\n" in text
    assert "and t = T" not in text


def test_many_cases_are_one_line_with_all_terms():
    text = " ".join(symbptt.render(cut("all kinds", (2, 3))).split())
    assert (
        "δ^{h,(e)}_t = V^T δ^{y,(e)}_t + P^T δ^{p,(e)}_t + δ^{r,(e)}_t "
        "+ W^T (δ^{h,(e)}_{t+1} ⊙ (1 - h_{t+1}²)) - δ^{r,(e)}_{t+1} h_t is used"
    ) in text
    assert "A term counts only where the adjoint that it names is not zero." in text
    assert "A term counts" not in symbptt.render(cut("all kinds", 2))


def test_a_share_that_is_dropped_has_its_sign_in_words():
    text = symbptt.render(cut("last", 2))
    assert "- minus δ^{r,(e)}_b in δ^{h,(e)}_{b-1}\n" in text
    assert "- -" not in text
    latex = symbptt.render(cut("last", 2), "latex")
    assert r"\item minus $\delta^{r,(e)}_b$ in $\delta^{h,(e)}_{b-1}$" in latex


def test_it_is_said_for_which_lengths_lines_are_checked():
    said = "checks every line for the sequence lengths that it lists."
    assert f"`symbptt verify --truncate 1,2` {said}" in " ".join(
        symbptt.render(cut("last", 2)).split()
    )


def test_one_sentence_names_all_adjoints():
    text = " ".join(symbptt.render(cut("all kinds", 2)).split())
    assert text.endswith("δ^{v,(e)}_t is the total derivative of L^{(e)} by v_t, for every v.")
    assert text.count("is the total derivative of") == 1
    v = symbptt.derive(
        "v_t = tanh(W v_{t-1} + x_t); y_t = V v_t; L = \\sum_t squared_error(y_t, d_t)"
    )
    assert "δ^u_t is the total derivative of L by u_t, for every u." in " ".join(
        symbptt.render(v).split()
    )
    one = " ".join(symbptt.render(models.derivation("elman")).split())  # δ_t is that of z_t
    assert "δ^o_t is the total derivative of L by o_t. δ_t is the total derivative of L by z_t." in one  # fmt: skip
    assert "for every" not in one


# -- mistakes -------------------------------------------------------------------------------------


def caught(name: str, at: Any) -> bool:
    return bool(wrong(cut(name, at), (4, 5, 7)))


def test_a_line_with_a_term_too_many_is_caught(monkeypatch):
    # A share of a loss names no adjoint that could be zero, so it keeps its condition.
    assert not caught("of a state", (2, 3))
    right = WindowRecursion._cases
    bare = lambda r, shares: right(r, [(e, ()) for e, _ in shares] if _cleared(shares) else shares)  # noqa: E731
    monkeypatch.setattr(WindowRecursion, "_cases", bare)
    assert caught("of a state", (2, 3))


def _cleared(shares: Any) -> bool:
    """Whether these are the shares that say less of where they hold."""
    return any(not edges for _, edges in shares)


def test_terms_out_of_place_are_caught_in_a_line_that_does_not_let_them_be_zero(monkeypatch):
    assert not caught("all kinds", (2, 3))
    right = WindowRecursion.__dict__["cases"].func
    strict = property(lambda r: tuple(replace(c, zero_terms=False) for c in right(r)))
    monkeypatch.setattr(WindowRecursion, "cases", strict)
    assert caught("all kinds", (2, 3))


def test_a_world_forgotten_is_caught(monkeypatch):
    assert not caught("two", 2)
    right = window_cases._met
    early = lambda *args: (w for w in right(*args) if not all(w))  # noqa: E731
    monkeypatch.setattr(window_cases, "_met", early)
    assert caught("two", 2)
