"""Random models: derived, drawn, verified; and what of the language and the rules they exercise.

The models of the first seeds run in every test run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
import random_models
import sympy as sp

import symbptt
from symbptt.calculus import nodes as nd
from symbptt.calculus import rules
from symbptt.calculus.algebra import times
from symbptt.calculus.translate import Engine
from symbptt.compile import compile_gradient
from symbptt.errors import DerivationError
from symbptt.evidence.complex_step import complex_step, sample
from symbptt.evidence.verify import assignments, verify
from symbptt.formula import parser, reader
from symbptt.formula import tree as tr
from symbptt.model import bind
from symbptt.model import terms as tm
from symbptt.model.functions import ACTIVATIONS, LOSSES, STRUCTURAL, VECTOR_FUNCTIONS
from symbptt.model.model import Role

SEEDS = range(60)
MANY, CHUNK = range(2000), 100


@cache
def loaded(seed: int) -> symbptt.Model:
    """The model of a seed, read by the parser that reads everybody's."""
    written = random_models.random_model(seed)
    return symbptt.load(written.text, name=f"random-{seed}", **written.options)


def check(seed: int) -> None:
    """A model is derived, drawn and verified; a failure names its seed and shows its text."""
    written = random_models.random_model(seed)
    try:
        assert problems(seed, written.T) == []
    except Exception as error:
        error.add_note(str(written))
        raise


def problems(seed: int, T: int) -> list[str]:
    """What is wrong with the derivation of a seed's model or with code compiled from it."""
    model = loaded(seed)
    try:
        d = symbptt.derive(model, inputs=seed % 8 == 0)
        assert symbptt.render(d, ("text", "latex")[seed % 2]).strip()
        report = symbptt.verify(model, T=T)
    except DerivationError as error:
        truly = "every gradient is zero" in str(error) and is_constant(model)
        return unless(truly, f"not so: {error}")
    found = [*map(str, report.failures), *report.undecided]
    assert report.passed != bool(report.failures)
    if model.abstract.keys() <= model.bindings.keys():
        found += unless(report.counts.get("complex step"), "no compiled function was compared")
    if seed % 8 == 0:
        found += map(str, verify(d, T=T).failures)
    return found


def is_constant(model: symbptt.Model) -> bool:
    """Whether no parameter moves the loss, by differentiation along each of them."""
    bound = bind(model)
    drawn = sample(bound, 4, None, assignments(bound)[0], seed=0)
    assert drawn is not None
    return all(abs(slope).max(initial=0) < 1e-12 for slope in complex_step(drawn)[1].values())


def unless(truth: Any, message: str) -> list[str]:
    return [] if truth else [message]


@pytest.mark.parametrize(
    "seed", [n if n % 3 == 0 else pytest.param(n, marks=pytest.mark.slow) for n in SEEDS]
)
def test_a_random_model_is_verified(seed: int) -> None:
    check(seed)


@pytest.mark.parametrize("backend", ["c", "jax", "torch"])
@pytest.mark.parametrize("seed", SEEDS[::10])
def test_each_backend_runs_random_models(seed: int, backend: str) -> None:
    d = symbptt.derive(bind(loaded(seed)), inputs=seed % 20 == 0)
    report = verify(
        d, {backend: compile_gradient(d, backend)}, T=random_models.random_model(seed).T
    )
    assert report.passed, str(report)


@pytest.mark.slow
@pytest.mark.parametrize("first", MANY[::CHUNK])
def test_random_models_are_verified(first: int) -> None:
    errors: list[Exception] = []
    for seed in range(first, first + CHUNK):
        try:
            check(seed)
        except Exception as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("random models", errors)


def test_a_seed_determines_its_model() -> None:
    again = [random_models.random_model(seed) for seed in SEEDS]
    assert again == [random_models.random_model(seed) for seed in SEEDS]
    assert len({model.text for model in again}) == len(again)


# -- what the seeds exercise --------------------------------------------------------------------


def used_rules(seed: int) -> Iterator[object]:
    """The rows of the table of differentiation that a model's derivation needs."""
    engine = Engine(loaded(seed))
    for e in (*engine.right_sides.values(), *engine.losses):
        for node in sp.preorder_traversal(e):
            if isinstance(node, nd.VectorMap) or type(node) in rules.RULES:
                yield rules.rule_of(node)


def terms(seed: int) -> Iterator[tm.Term]:
    model = loaded(seed)
    for term in (*(e.rhs for e in model.equations), *(part.term for part in model.loss)):
        yield from term.walk()


def functions(seed: int) -> Iterator[str]:
    yield from (t.function for t in terms(seed) if isinstance(t, tm.Mapped | tm.VectorMapped))


def losses(seed: int) -> Iterator[str]:
    yield from (t.function for t in terms(seed) if isinstance(t, tm.Named))


def trees(seed: int) -> Iterator[tuple[Any, tr.Node]]:
    """Each formula as the grammar has it, and as the tree that becomes of it."""
    written = random_models.random_model(seed)
    known = frozenset(written.options.get("functions", ()))
    tokens = reader.formulas(written.text, 0, len(written.text), known, lines=True, letters=False)
    formulas = parser.parse_equations(written.text, functions=known)
    for row, formula in zip(tokens, formulas, strict=True):
        yield parser._rules(row, written.text), formula


def productions(seed: int) -> Iterator[str]:
    """The rules of the grammar that a text needs."""
    for rules_of_text, _ in trees(seed):
        yield from (part.data for part in rules_of_text.iter_subtrees())


def nodes(seed: int) -> Iterator[tr.Node]:
    for _, formula in trees(seed):
        yield from formula.walk()


def signs(seed: int) -> Iterator[str]:
    """The product signs."""
    for node in nodes(seed):
        if isinstance(node, tr.Product):
            yield from node.operators


def words(seed: int) -> Iterator[str]:
    """The function words of the language itself."""
    yield from (n.function.base for n in nodes(seed) if isinstance(n, tr.Call))


def concrete(module: Any, base: type) -> set[type]:
    """The classes of a module that stand for something themselves."""
    kinds = {kind for kind in vars(module).values() if isinstance(kind, type)}
    return {kind for kind in kinds if issubclass(kind, base)} - {base}


#: Productions of what no model may hold (a verdict's formulas do): derivatives, case
#: distinctions, words, accents of time; and those that the tree of rules never shows.
NOT_IN_MODELS = {
    "start", "sub", "sup", "prime", "dot_t", "partial", "nabla", "cases", "row", "mark",
    "text", "entry", "each",
}  # fmt: skip
KINDS_NOT_IN_MODELS = {tr.Differential, tr.Cases, tr.Primed, tr.Subscripted, tr.Text}


def grammar() -> set[str]:
    """The names of the grammar's rules that a tree can show and a model can hold."""
    text = (Path(parser.__file__).parent / "grammar.lark").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]\w*):", text, re.MULTILINE)) - NOT_IN_MODELS


#: What is counted: a name, all there is, and what one seed uses of it.
CENSUS: dict[str, tuple[Callable[[], set[Any]], Callable[[int], Iterator[Any]]]] = {
    "rules": (lambda: {*rules.RULES.values(), *rules.VECTOR_RULES.values()}, used_rules),
    "terms": (lambda: concrete(tm, tm.Term), lambda seed: map(type, terms(seed))),
    "activations": (lambda: {*ACTIVATIONS, *VECTOR_FUNCTIONS}, functions),
    "losses": (lambda: set(LOSSES), losses),
    "grammar": (grammar, productions),
    "tree": (
        lambda: concrete(tr, tr.Node) - KINDS_NOT_IN_MODELS,
        lambda seed: map(type, nodes(seed)),
    ),
    "signs": (lambda: {*tr.OPERATORS} - {"⊗", "×"}, signs),
    "words": (lambda: set(STRUCTURAL), words),
}

#: The least that the seeds of every run exercise of each; of the others, the most of it.
REQUIRED = {"rules": 1.0, "terms": 0.95, "activations": 0.85, "losses": 1.0}


def coverage(what: str, seeds: range) -> tuple[float, set[Any]]:
    """The fraction of a table that the seeds exercise, and what they leave out."""
    everything, used = CENSUS[what]
    table = everything()
    missing = table - {item for seed in seeds for item in used(seed)}
    return 1 - len(missing) / len(table), missing


Record = Callable[[str, object], None]


def reported(what: str, seeds: range, record_property: Record) -> float:
    """The fraction of a table that the seeds exercise, which the end of the test run names."""
    fraction, missing = coverage(what, seeds)
    left_out = " ".join(sorted(map(str, missing)))
    record_property(f"{len(seeds)} random models, {what}", f"{fraction:.1%} {left_out}".strip())
    return fraction


@pytest.mark.parametrize("what", CENSUS)
def test_the_seeds_exercise(what: str, record_property: Record) -> None:
    assert reported(what, SEEDS, record_property) >= REQUIRED.get(what, 0.75)


@pytest.mark.slow
@pytest.mark.parametrize("what", CENSUS)
def test_many_seeds_exercise_everything(what: str, record_property: Record) -> None:
    assert reported(what, MANY, record_property) == 1


def test_the_seeds_exercise_patterns_of_time() -> None:
    models = [loaded(seed) for seed in SEEDS]
    lags = {lag for model in models for v in model.variables.values() for lag in v.lags}
    assert lags >= {0, 1, 2, 3}
    assert {v.role for model in models for v in model.variables.values()} == set(Role)
    assert any(model.penalties for model in models)
    assert len({str(part.steps) for model in models for part in model.loss}) >= 10
    assert any(model.row_vectors for model in models)
    assert any(model.penalties for model in models)
    initial = {source for model in models for source in model.initial.values()}
    assert None in initial
    assert len(initial) > 1


def test_a_wrong_derivative_does_not_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same checks find a rule with a sign too many."""
    right = rules.map_rule

    @wraps(right)
    def wrong(node: Any, g: Any, value: Any) -> Any:
        return ((argument, times(-1, share)) for argument, share in right(node, g, value))

    monkeypatch.setitem(rules.RULES, nd.Map, wrong)
    seed = next(s for s in SEEDS if wrong in set(used_rules(s)))
    assert problems(seed, 2)
