"""Every row of every table is exercised by some model of the suite, and says the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import models
import pytest
import sympy as sp

from symbptt.calculus import activations, rules, truncate
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.forms import double_sum
from symbptt.calculus.transition import transition
from symbptt.errors import DerivationError
from symbptt.evidence.atoms import DERIVATIVES, VALUES
from symbptt.evidence.atoms import VECTOR_FUNCTIONS as WITNESSED
from symbptt.evidence.expressions import MEANING
from symbptt.model import Role
from symbptt.model import terms as tm
from symbptt.model.functions import ACTIVATIONS, LOSSES, VECTOR_FUNCTIONS, Activation
from symbptt.model.model import Start


@cache
def terms() -> tuple[tm.Term, ...]:
    """Every term of every model of the suite."""
    found: list[tm.Term] = []
    for name in models.NAMES:
        m = models.model(name)
        for term in (*(e.rhs for e in m.equations), *(part.term for part in m.loss)):
            found += term.walk()
    return tuple(found)


def expressions(name: str) -> Iterator[Any]:
    """Every expression of a model's derivation, in each of its forms."""
    d = models.derivation(name)
    yield from d.engine.right_sides.values()
    yield from d.engine.losses
    for parts in (d.sweep, d.condensed):
        for r in parts.recursions.values():
            yield from (c.expression for c in r.contributions)
        yield from (g.expression for g in parts.gradients.values())
    # Not every model has these forms: an encoder with losses of its own, say, has no windows.
    with suppress(DerivationError):
        yield from truncate(d, 2).gradients.values()
    with suppress(DerivationError):
        yield from double_sum(d.condensed).gradients.values()
    if name in models.NAMES:
        f = models.forward_derivation(name)
        yield from f.immediate.values()
        yield from f.gradients.values()
        yield from (line.expression for line in f.condensed.values())
        with suppress(DerivationError):
            yield transition(f).product()


@cache
def nodes() -> frozenset[type]:
    """Every kind of node in the derivations of the suite."""
    return frozenset(
        type(node)
        for name in models.NAMES
        for e in expressions(name)
        for node in sp.preorder_traversal(e)
    )


def used_rules() -> set[object]:
    """The rows of the table of rules that the suite's models use."""
    used = set()
    for name in models.NAMES:
        d = models.derivation(name)
        for e in (*d.engine.right_sides.values(), *d.engine.losses):
            used |= {rules.rule_of(n) for n in sp.preorder_traversal(e) if _has_rule(n)}
    return used


def _has_rule(node: Any) -> bool:
    return isinstance(node, nd.VectorMap) or type(node) in rules.RULES


def unexercised() -> list[object]:
    """The rows that no model uses."""
    used = used_rules()
    table = {**rules.RULES, **rules.VECTOR_RULES}
    return [key for key, rule in table.items() if rule not in used]


def missing(table: Iterable[str], found: Iterable[str]) -> set[str]:
    return set(table) - set(found)


def test_every_rule_is_exercised():
    assert unexercised() == []


def test_a_new_rule_without_a_model_fails_the_census(monkeypatch):
    class Novel(nd.Total):
        pass

    monkeypatch.setitem(rules.RULES, Novel, lambda node, g, value: iter(()))
    assert unexercised() == [Novel]


def test_every_activation_is_exercised():
    mapped = [t.function for t in terms() if isinstance(t, tm.Mapped)]
    assert missing(ACTIVATIONS, mapped) == set()


def test_a_new_activation_gets_its_model():
    # The suite has a model for each row of the table, whatever rows there are.
    assert {f"with {name}" for name in ACTIVATIONS} <= set(models.TEXTS)


def test_every_vector_function_and_loss_is_exercised():
    mapped = [t.function for t in terms() if isinstance(t, tm.VectorMapped)]
    named = [t.function for t in terms() if isinstance(t, tm.Named)]
    assert missing(VECTOR_FUNCTIONS, mapped) == set()
    assert missing(LOSSES, named) == set()


def test_every_kind_of_term_is_exercised():
    kinds = {kind for kind in vars(tm).values() if isinstance(kind, type)}
    kinds = {kind for kind in kinds if issubclass(kind, tm.Term)} - {tm.Term}
    assert kinds - {type(t) for t in terms()} == set()


def test_every_kind_of_node_is_exercised_and_has_a_meaning():
    ours = {kind for kind in (*vars(nd).values(), *vars(jn).values()) if isinstance(kind, type)}
    ours = {kind for kind in ours if issubclass(kind, nd.Node)} - {nd.Node}
    assert ours - nodes() == set()
    assert set(rules.RULES) | ours <= set(MEANING) | {nd.VectorMap}
    matrices = {kind for kind in nodes() if issubclass(kind, sp.MatrixExpr)}
    assert matrices <= set(MEANING)
    assert set(MEANING) - matrices <= {sp.ZeroMatrix, sp.Identity}


def test_patterns_of_time_are_exercised():
    lags = {lag for n in models.NAMES for v in models.model(n).variables.values() for lag in v.lags}
    assert {0, 1, 2, 3} <= lags
    assert any(models.model(name).penalties for name in models.NAMES)
    losses = {str(part.steps) for name in models.NAMES for part in models.model(name).loss}
    assert {"t = 1, …, T", "t = T", "t ∈ {2, T}", "t = 4", "t = T-3"} <= losses
    initial = {source for name in models.NAMES for source in models.model(name).initial.values()}
    assert None in initial
    assert Start("h_init") in initial


def test_every_role_is_exercised():
    roles = {v.role for name in models.NAMES for v in models.model(name).variables.values()}
    assert roles == set(Role)


def test_witnesses_know_no_function_that_the_table_lacks():
    assert {*DERIVATIVES, *VALUES} <= set(ACTIVATIONS)
    assert set(WITNESSED) == set(VECTOR_FUNCTIONS)


# -- the statements of the table ----------------------------------------------------------------

#: Points on every piece of every activation, none at a kink.
POINTS = [sp.Rational(n, 7) for n in (-23, -9, -5, -1, 2, 4, 10, 17)]
POSITIVE = {"log", "sqrt"}


def agrees(name: str, row: Activation) -> bool:
    """Whether the stated derivative is that of the definition, to 30 digits at every point."""
    z = activations.z
    definition = activations.definition(name)
    text = row.in_output if row.in_output is not None else row.derivative
    said = activations.scalar(text or "", z=z, h=definition)
    truth = sp.diff(definition, z)
    points = [p for p in POINTS if p > 0 or name not in POSITIVE]
    return all(abs((said - truth).subs(z, p).evalf(30)) < sp.Float(10) ** -25 for p in points)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_stated_derivative_is_the_derivative(name):
    row = ACTIVATIONS[name]
    assert row.in_output is not None or row.derivative is not None
    assert agrees(name, row)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("wrong", ["-({})", "2 * ({})", "({}) + 1/1000"])
def test_a_corrupted_statement_does_not_agree(name, wrong):
    row = ACTIVATIONS[name]
    if row.in_output is not None:
        bad = Activation(row.definition, in_output=wrong.format(row.in_output))
    else:
        bad = Activation(row.definition, derivative=wrong.format(row.derivative))
    assert not agrees(name, bad)


SMOOTH = [n for n in ACTIVATIONS if n not in ("relu", "leaky_relu", "elu", "hardtanh")]


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_derivative_is_equal_as_a_formula(name):
    difference = activations.derivative(name) - sp.diff(activations.definition(name), activations.z)
    assert sp.simplify(difference.rewrite(sp.exp)) == 0
