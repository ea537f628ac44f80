"""Every rule, every statement of a derivative, every part of the sweep, corrupted: all are caught.

A mutant counts as caught where the exact witness or the induction finds a check that fails, or
where the engine itself refuses (a shape that doesn't fit, a fold check).  That no mutant is
caught for a reason of its own is seen from the originals: on the same models they pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import models
import numpy as np
import pytest
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    Transpose,
)

from symbptt.calculus import Derivation, activations, derive, rules
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Recursion
from symbptt.calculus.sweep import Sweep
from symbptt.errors import DerivationError
from symbptt.evidence import complex_step
from symbptt.evidence.claims import landmarks
from symbptt.evidence.exact import exact_witness
from symbptt.evidence.induction import induction
from symbptt.evidence.verify import assignments
from symbptt.model import load
from symbptt.model.functions import ACTIVATIONS
from symbptt.model.steps import EVERY, Steps
from symbptt.model.terms import Index


def exactly_caught(d: Derivation) -> bool:
    Ts = 2, max(landmarks(d).apart, 4), 1  # two steps tell most of them, and are tried soonest
    parts = exact_witness(d, Ts, assignments(d.model)[::-1], 0)
    return any(not c.passed for part in parts for c in part.checks)


def inductively_caught(d: Derivation) -> bool:
    parts = induction(d, assignments(d.model)[0], 0)
    return any(not c.passed for part in parts for c in part.checks)


def derived(name: str) -> Derivation:
    """A derivation of its own: nothing cached from before the corruption."""
    return derive(models.model(name) if name in models.NAMES else load(name), inputs=True)


# -- rules ------------------------------------------------------------------------------------

#: All dimensions are one: a transpose that is lost still fits.
SQUARE = r"h_t = tanh(W^T h_{t-1} + V W x_t); M_t = h_t x_t^T V; L = \sum_{t=1}^{T} sum(M_t ⊙ M_t)"
SQUARE_OPTIONS: dict[str, Any] = {"shapes": {"M": "n, n", "W": "n, n", "V": "n, n"}}
SQUARE_ABSTRACT = r"h_t = f(x_t, W h_{t-1}); L = \sum_{t=1}^{T} l(h_t, d_t)"
#: A stack of vectors of one size, which may be taken for one another.
ALIKE = r"h_t = tanh(W [h_{t-1}; x_t]); L = \sum_{t=1}^{T} squared_error([h_t; u ⊙ x_t], d_t)"
ALIKE_OPTIONS: dict[str, Any] = {"shapes": {"x": "n", "h": "n"}}

SQUARE_ABSTRACT_OPTIONS: dict[str, Any] = {"functions": ["f", "l"], "shapes": {"h": "n", "x": "n"}}

#: The models on which a corrupted rule must be caught; the rule is used in each.
USED_IN: dict[Any, tuple[str, ...]] = {
    MatAdd: ("elman", "two-states"),
    MatMul: ("elman", "rows"),
    HadamardProduct: ("gated", "two-states"),
    HadamardPower: ("scaled", "roots"),
    Transpose: ("transposed",),
    nd.Scale: ("scaled",),
    nd.Stack: ("stacked", "rows side by side"),
    nd.Block: ("stacked", "lstm-stacked"),
    nd.Total: ("scaled", "elman"),
    nd.Map: ("elman", "elman-generic"),
    nd.Abstract: ("abstract", "elman-generic"),
    "softmax": ("elman", "log-softmax"),
    "log_softmax": ("log-softmax", "logits"),
}

Shares = Iterator[tuple[Any, Any]]
Corruption = Callable[[Shares], Shares]


def negated(shares: Shares) -> Shares:
    return ((a, al.times(-1, g)) for a, g in shares)


def doubled(shares: Shares) -> Shares:
    return ((a, al.times(2, g)) for a, g in shares)


def without_first(shares: Shares) -> Shares:
    return iter(list(shares)[1:])


def without_last(shares: Shares) -> Shares:
    return iter(list(shares)[:-1])


def first_negated(shares: Shares) -> Shares:
    first, *rest = shares
    return chain(negated(iter([first])), rest)


GENERIC: tuple[Corruption, ...] = (negated, doubled, without_first, without_last, first_negated)


@pytest.mark.parametrize("corrupt", GENERIC, ids=lambda c: c.__name__)
@pytest.mark.parametrize("kind", USED_IN, ids=lambda k: getattr(k, "__name__", k))
def test_a_corrupted_rule_is_caught(kind, corrupt, monkeypatch):
    table = rules.VECTOR_RULES if isinstance(kind, str) else rules.RULES
    rule = table[kind]
    monkeypatch.setitem(table, kind, lambda node, g, value: corrupt(rule(node, g, value)))
    for name in USED_IN[kind]:
        d = derived(name)
        assert exactly_caught(d), name
        assert inductively_caught(d), name


def test_every_rule_has_mutants():
    assert set(USED_IN) == {*rules.RULES, *rules.VECTOR_RULES}


# Mistakes that each rule's author could have made.


def product_without_transposes(node, g, value):
    number, product = al.coefficient(node)
    factors = product.args if isinstance(product, MatMul) else (product,)
    for i, B in enumerate(factors):
        yield B, al.times(number, *reversed(factors[:i]), g, *reversed(factors[i + 1 :]))


def product_in_the_wrong_order(node, g, value):
    number, product = al.coefficient(node)
    factors = product.args if isinstance(product, MatMul) else (product,)
    for i, B in enumerate(factors):
        left = [al.transpose(A) for A in factors[:i]]
        right = [al.transpose(C) for C in factors[i + 1 :]]
        yield B, al.times(number, *left, g, *right)


def product_without_its_number(node, g, value):
    _, product = al.coefficient(node)
    yield from (
        rules.product_rule(product, g, value) if isinstance(product, MatMul) else [(product, g)]
    )


def product_without_right_factors(node, g, value):
    for B, share in rules.product_rule(node, g, value):
        yield B, share if share == g else al.zeros(B.shape)


def hadamard_without_the_other_factors(node, g, value):
    for a in node.args:
        yield a, g


def power_not_lowered(node, g, value):
    yield node.base, al.times(node.exp, al.odot(g, node))


def power_without_its_exponent(node, g, value):
    yield node.base, al.odot(g, al.raised(node.base, node.exp - 1))


def transpose_not_transposed(node, g, value):
    yield node.arg, g


def scaling_of_the_operand_alone(node, g, value):
    yield node.operand, al.scale(node.scalar, g)


def scaling_without_the_scalar(node, g, value):
    yield node.scalar, al.inner(node.operand, g)
    yield node.operand, g


def stack_in_reverse(node, g, value):
    shares = [share for _, share in rules.stack_rule(node, g, value)]
    yield from zip(node.parts, reversed(shares), strict=True)


def stack_from_the_start(node, g, value):
    for part in node.parts:
        yield part, al.block(g, 0, al.length(part))


def block_from_the_start(node, g, value):
    a = node.operand
    yield a, al.stack(*a.shape, g, al.zeros_along(al.length(a) - node.size, a))


def block_for_every_entry(node, g, value):
    a = node.operand
    yield a, al.stack(*a.shape, *[g] * int(al.length(a) / node.size))


def total_of_the_operand(node, g, value):
    yield node.operand, al.scale(g, node.operand)


def map_without_its_slope(node, g, value):
    yield node.operand, g


def map_with_its_value_for_a_slope(node, g, value):
    yield node.operand, al.odot(g, value)


def softmax_entry_by_entry(node, g, value):
    yield node.operand, al.odot(value, g)


def softmax_as_a_sigmoid(node, g, value):
    yield node.operand, al.odot(g, value, al.plus(al.ones(value.shape), al.times(-1, value)))


def log_softmax_without_its_sum(node, g, value):
    yield node.operand, g


def log_softmax_with_its_value(node, g, value):
    yield node.operand, al.plus(g, al.times(-1, al.scale(al.total(g), value)))


def abstract_not_transposed(node, g, value):
    for i, argument in enumerate(node.arguments):
        slope = nd.Partial(node, i)
        yield argument, al.scale(g, slope) if al.is_scalar(node) else al.times(slope, g)


def abstract_by_the_wrong_argument(node, g, value):
    for i, argument in enumerate(node.arguments):
        slope = nd.Partial(node, len(node.arguments) - 1 - i)
        yield (
            argument,
            al.scale(g, slope) if al.is_scalar(node) else al.times(al.transpose(slope), g),
        )


MISTAKES: tuple[tuple[Any, Callable[..., Any], str], ...] = (
    (MatMul, product_without_transposes, "square"),
    (MatMul, product_in_the_wrong_order, "square"),
    (MatMul, product_without_its_number, "logits"),
    (MatMul, product_without_right_factors, "elman"),
    (HadamardProduct, hadamard_without_the_other_factors, "gated"),
    (HadamardPower, power_not_lowered, "scaled"),
    (HadamardPower, power_not_lowered, "roots"),
    (HadamardPower, power_without_its_exponent, "scaled"),
    (Transpose, transpose_not_transposed, "square"),
    (nd.Scale, scaling_of_the_operand_alone, "scaled"),
    (nd.Scale, scaling_without_the_scalar, "scaled"),
    (nd.Stack, stack_in_reverse, "alike"),
    (nd.Stack, stack_from_the_start, "alike"),
    (nd.Block, block_from_the_start, "lstm-stacked"),
    (nd.Block, block_for_every_entry, "lstm-stacked"),
    (nd.Total, total_of_the_operand, "elman"),
    (nd.Map, map_without_its_slope, "elman"),
    (nd.Map, map_with_its_value_for_a_slope, "elman"),
    ("softmax", softmax_entry_by_entry, "elman"),
    ("softmax", softmax_as_a_sigmoid, "elman"),
    ("log_softmax", log_softmax_without_its_sum, "log-softmax"),
    ("log_softmax", log_softmax_with_its_value, "log-softmax"),
    (nd.Abstract, abstract_not_transposed, "square abstract"),
    (nd.Abstract, abstract_by_the_wrong_argument, "square abstract"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "mistake", "name"), MISTAKES, ids=lambda x: getattr(x, "__name__", str(x))
)
def test_a_mistaken_rule_is_caught(kind, mistake, name, monkeypatch):
    model = {
        "square": lambda: load(SQUARE, **SQUARE_OPTIONS),
        "alike": lambda: load(ALIKE, **ALIKE_OPTIONS),
        "square abstract": lambda: load(SQUARE_ABSTRACT, **SQUARE_ABSTRACT_OPTIONS),
    }.get(name, lambda: models.model(name))()
    d = derive(model, inputs=True)
    assert not exactly_caught(d)
    assert not inductively_caught(d)
    table = rules.VECTOR_RULES if isinstance(kind, str) else rules.RULES
    monkeypatch.setitem(table, kind, mistake)
    d = derive(model, inputs=True)  # the shapes fit: it takes a witness to see it
    assert exactly_caught(d)
    assert inductively_caught(d)


# -- derivatives of activations -------------------------------------------------------------------

#: Statements that a derivation prints.
SHOWN = [n for n, row in ACTIVATIONS.items() if row.in_output is not None or row.shown]
#: Statements that only compiled code may use; a derivation prints f'(z), a free atom.
HIDDEN = [n for n in ACTIVATIONS if n not in SHOWN]

WRONG: dict[str, str] = {
    "sign flipped": "-({})",
    "doubled": "2 * ({})",
    "off by one": "1 + ({})",
    "squared and more": "({})^2 + 1/3",
}


def corrupted(name: str, wrong: str) -> Any:
    row = ACTIVATIONS[name]
    if row.in_output is not None:
        return replace(row, in_output=wrong.format(row.in_output))
    return replace(row, derivative=wrong.format(row.derivative))


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", SHOWN)
def test_a_corrupted_derivative_is_caught(name, wrong, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, name, corrupted(name, wrong))
    d = derived(f"with {name}")
    assert exactly_caught(d)
    assert inductively_caught(d)


def slope_by_complex_step(name: str, z: float) -> float:
    stepped = complex_step.FUNCTIONS[name](np.array([[z + 1j * complex_step.EPSILON]]))
    return float(stepped.imag[0, 0]) / complex_step.EPSILON


@pytest.mark.parametrize("wrong", ["{}", *WRONG.values()], ids=["sound", *WRONG])
@pytest.mark.parametrize("name", HIDDEN)
def test_a_corrupted_derivative_that_no_line_shows_is_caught(name, wrong):
    stated = activations.scalar(corrupted(name, wrong).derivative, z=activations.z)
    off = [
        abs(float(stated.subs(activations.z, z)) - slope_by_complex_step(name, z))
        for z in (-2.5, -0.7, 0.4, 1.9)
    ]
    assert (max(off) < 1e-14) is (wrong == "{}")


# -- the sweep ------------------------------------------------------------------------------------


def with_recursion(
    d: Derivation, name: str, change: Callable[[Recursion], Recursion]
) -> Derivation:
    recursions = {**d.sweep.recursions, name: change(d.sweep.recursions[name])}
    return Derivation(d.model, replace(d.sweep, recursions=recursions), inputs=d.inputs)


def each_contribution(d: Derivation) -> Iterator[tuple[str, int]]:
    for name, r in d.sweep.recursions.items():
        for i in range(len(r.contributions)):
            yield name, i


SWEPT = ("elman", "elman-many-to-one", "two-states", "gated")


def caught(d: Derivation, name: str) -> bool:
    """Both witnesses must see it; a mutant that can't even be printed is refused outright."""
    try:
        _ = d.steps
    except (DerivationError, ValueError, IndexError):
        return True
    return exactly_caught(d) and inductively_caught(d)


@pytest.mark.parametrize("model", SWEPT)
def test_a_dropped_contribution_is_caught(model):
    d = derived(model)
    for name, i in each_contribution(d):
        wrong = with_recursion(
            d,
            name,
            lambda r, i=i: replace(r, contributions=r.contributions[:i] + r.contributions[i + 1 :]),
        )
        assert caught(wrong, name), (name, i)


@pytest.mark.parametrize("model", SWEPT)
@pytest.mark.parametrize("by", [1, -1])
def test_a_lag_off_by_one_is_caught(model, by):
    d = derived(model)
    for name, i in each_contribution(d):
        c = d.sweep.recursions[name].contributions[i]
        shifted = replace(c, expression=al.at(c.expression, nd.t + by))
        if shifted == c:
            continue  # the same at every step

        def change(r: Recursion, i: int = i, shifted: Any = shifted) -> Recursion:
            parts = (*r.contributions[:i], shifted, *r.contributions[i + 1 :])
            return replace(r, contributions=parts)

        assert caught(with_recursion(d, name, change), name), (name, i)


@pytest.mark.parametrize("model", SWEPT)
@pytest.mark.parametrize(
    "steps",
    [EVERY, Steps(last=Index("T", -1)), Steps(last=Index("T", -2)), Steps(members=(Index("T"),))],
    ids=str,
)
def test_a_wrong_boundary_is_caught(model, steps):
    d = derived(model)
    for name, i in each_contribution(d):
        c = d.sweep.recursions[name].contributions[i]
        support = d.sweep.recursions[name].support
        if all(
            set(steps.at(T)) & set(support.at(T)) == set(c.steps.at(T)) & set(support.at(T))
            for T in range(1, 9)
        ):
            continue

        def change(r: Recursion, i: int = i, c: Any = c) -> Recursion:
            wrong = replace(c, steps=steps)
            return replace(
                r, contributions=(*r.contributions[:i], wrong, *r.contributions[i + 1 :])
            )

        assert caught(with_recursion(d, name, change), name), (name, i)


@pytest.mark.parametrize("which", [0, -1], ids=["final", "interior"])
@pytest.mark.parametrize("model", ["elman", "elman-many-to-one", "two-states"])
def test_one_case_for_all_steps_is_caught(model, which, monkeypatch):
    cases = Recursion.__dict__["cases"].func
    monkeypatch.setattr(
        Recursion,
        "cases",
        property(lambda r: (replace(cases(r)[which], steps=r.support),)),
    )
    d = derived(model)
    assert exactly_caught(d)
    assert inductively_caught(d)


@pytest.mark.parametrize("model", SWEPT)
@pytest.mark.parametrize("steps", [Steps(Index("", 2)), Steps(last=Index("T", -1)), Steps(last=Index("T", 1))], ids=str)  # fmt: skip
def test_a_wrong_range_of_a_gradient_is_caught(model, steps):
    d = derived(model)
    for name, g in d.sweep.gradients.items():
        for i, c in enumerate(g.contributions):
            if c.steps.members is not None:
                continue
            wrong = (*g.contributions[:i], replace(c, steps=steps), *g.contributions[i + 1 :])
            gradients = {**d.sweep.gradients, name: replace(g, contributions=wrong)}
            swept = replace(d.sweep, gradients=gradients)
            assert caught(Derivation(d.model, swept, inputs=True), name), name


@pytest.mark.parametrize("model", SWEPT)
def test_a_wrong_gradient_of_an_initial_value_is_caught(model):
    d = derived(model)
    for key, e in d.sweep.initial.items():
        for wrong in (al.times(2, e), al.zeros(e.shape)):
            swept = replace(d.sweep, initial={**d.sweep.initial, key: wrong})
            assert caught(Derivation(d.model, swept, inputs=True), str(key))


@pytest.mark.parametrize("model", ["elman", "gated", "rows"])
def test_a_wrong_gradient_of_an_input_is_caught(model):
    d = derived(model)
    for name, r in d.sweep.inputs.items():
        wrong = tuple(replace(c, expression=al.times(-1, c.expression)) for c in r.contributions)
        swept: Sweep = replace(
            d.sweep, inputs={**d.sweep.inputs, name: replace(r, contributions=wrong)}
        )
        assert caught(Derivation(d.model, swept, inputs=True), name)


@pytest.mark.parametrize("model", ["elman", "two-states", "rows"])
def test_a_wrong_condensed_line_is_caught(model):
    d = derived(model)
    sound = d.condensed
    for name, r in sound.recursions.items():
        for i, c in enumerate(r.contributions):
            wrong = replace(c, expression=al.times(2, c.expression))
            parts = (*r.contributions[:i], wrong, *r.contributions[i + 1 :])
            recursions = {**sound.recursions, name: replace(r, contributions=parts)}
            mutant = Derivation(d.model, d.sweep, inputs=True)
            mutant.__dict__["condensed"] = replace(sound, recursions=recursions)
            assert exactly_caught(mutant), (name, i)
            assert inductively_caught(mutant), (name, i)
