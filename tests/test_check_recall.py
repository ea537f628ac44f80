"""What a part of a formula is worth is worked out once for all conventions that it depends on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import symbptt
from symbptt.check.meaning.conventions import STANDARD, Convention
from symbptt.check.meaning.recall import Recall, Watched, once
from symbptt.check.meaning.tensors import Layout
from symbptt.check.notation.symbols import Scope
from symbptt.formula import parse
from symbptt.model import load

DOCUMENTS = Path(__file__).parents[1] / "benchmarks" / "formulas" / "documents"


def recall() -> Recall:
    return Recall(Scope(load("h_t = tanh(W h_{t-1} + U x_t); L = \\sum_{t=1}^{T} sum(h_t)")))


def counted(convention: Convention, ask: str, seen: list[str]) -> object:
    seen.append(ask)
    return convention.means(ask) if len(ask) == 1 else getattr(convention, ask)


@pytest.mark.parametrize(
    ("ask", "same", "other"),
    [
        ("layout", replace(STANDARD, turned=True), replace(STANDARD, layout=Layout.ROWS)),
        ("turned", replace(STANDARD, layout=Layout.ROWS), replace(STANDARD, turned=True)),
        ("·", replace(STANDARD, signs={**STANDARD.signs, "×": "outer"}),
         replace(STANDARD, signs={**STANDARD.signs, "·": "outer"})),
    ],
)  # fmt: skip
def test_it_is_kept_for_the_same_answers_alone(
    ask: str, same: Convention, other: Convention
) -> None:
    kept, part, seen = recall(), object(), list[str]()
    for convention in (STANDARD, same, other):
        c = kept.watched(convention)
        inner = once(part, (), c, lambda c=c: counted(c, ask, seen))
        outer = once("whole", (), c, lambda c=c, inner=inner: (inner, counted(c, ask, [])))
        assert outer == (inner, counted(convention, ask, []))
    assert len(seen) == 2


def test_a_whole_depends_on_what_its_parts_ask_even_where_these_are_kept() -> None:
    kept, part, seen = recall(), object(), list[str]()
    for layout in Layout:
        c = kept.watched(replace(STANDARD, layout=layout))

        def inner(c: Watched = c) -> object:
            return once(part, (), c, lambda: counted(c, "layout", seen))

        assert once("first", (), c, inner) is layout
        assert once("second", (), c, inner) is layout
    assert len(seen) == len(Layout)


def test_what_is_made_of_a_watched_convention_has_asked_for_everything() -> None:
    kept, seen = recall(), list[str]()

    def changed(c: Watched) -> bool:
        seen.append("changed")
        return replace(c, written=()).turned

    for convention in (STANDARD, replace(STANDARD, turned=True)):
        c = kept.watched(convention)
        assert once("whole", (), c, lambda c=c: changed(c)) is convention.turned
    assert len(seen) == 2


def test_errors_are_kept_too() -> None:
    kept, seen = recall(), list[str]()

    def fails() -> None:
        seen.append("failed")
        raise LookupError("no such step")

    for _ in range(2):
        with pytest.raises(LookupError, match="no such step"):
            once("part", (), kept.watched(STANDARD), fails)
    assert seen == ["failed"]


def test_a_part_depends_on_its_own_letters() -> None:
    kept = recall()
    steps = {"t": 2, "k": 1, "j": 3}
    assert dict(kept.steps_of(parse("h_{t-1} x_k", letters=True), steps)) == {"t": 2, "k": 1}
    assert dict(kept.steps_of(parse("W h_j", letters=True), steps)) == {"t": 2, "j": 3}
    assert dict(kept.steps_of(parse("(W)_{jj}", letters=False), steps)) == {"t": 2, "j": 3}
    assert dict(kept.steps_of(parse("(h_t)_{kj}", letters=False), steps)) == steps


def test_entries_of_a_jacobian_are_told_apart() -> None:
    jacobian = r"\frac{\partial c_T}{\partial c_t}"
    path = rf"\left[{jacobian}\right]_{{jj}} = \prod_{{s=t+1}}^{{T}} f_{{s,j}}"
    cell = r"f_t = \sigma(W x_t + U c_{t-1}), \quad c_t = f_t \odot c_{t-1} + x_t"
    (verdict,) = [f.verdict for f in symbptt.check(f"$${cell}$$ $${path}$$").findings if f.verdict]
    assert verdict.verdict == "right-under"
    assert "direct path" in {r.name for r in verdict.readings}


@pytest.mark.parametrize("name", ["wildml-elman-mutants.md", "row-elman-mutants.md"])
def test_verdicts_are_those_of_a_check_that_keeps_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _found(DOCUMENTS / name)
    monkeypatch.setattr(Recall, "watched", lambda self, convention: convention)
    assert _found(DOCUMENTS / name) == found


def _found(document: Path) -> list[tuple[object, ...]]:
    report = symbptt.check(document)
    verdicts = [f.verdict for f in report.findings if f.verdict is not None]
    assert any(v.verdict == "wrong" for v in verdicts)
    return [(v.verdict, v.readings, v.reason, v.correction and v.correction.text)
            for v in verdicts]  # fmt: skip
