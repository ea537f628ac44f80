"""The general recursion, set to a step, is the unrolled network's: at every step, for every T."""

from dataclasses import replace

import pytest

import symbptt
from symbptt.calculus.fold import fold_check
from symbptt.calculus.sweep import sweep
from symbptt.errors import DerivationError
from symbptt.model import Steps, builtin_names
from symbptt.model.steps import LAST
from symbptt.model.terms import Index

SUM = r"L = \sum_{t=1}^{T} squared_error(y_t, d_t)"

MODELS = {name: name for name in builtin_names()} | {
    "lag 2": f"h_t = tanh(A h_{{t-1}} + B h_{{t-2}} + U x_t)\ny_t = V h_t\n{SUM}",
    "lag 3 only": f"h_t = tanh(A h_{{t-3}} + U x_t)\ny_t = V h_t\n{SUM}",
    "two states": "u_t = A u_{t-1} + C x_t\nv_t = tanh(u_t) ⊙ (D v_{t-1} + u_{t-2})\ny_t = E v_t\n"
    r"L = \sum_{t \in \{2, T\}} squared_error(y_t, d_t)",
    "loss at one early step": "h_t = tanh(A h_{t-1} + U x_t)\nL = squared_error(h_2, d_2)",
    "loss to T-1": "h_t = tanh(A h_{t-1} + U x_t)\n"
    r"L = \sum_{t=2}^{T-1} squared_error(h_t, d_t)",
    "two losses": "h_t = tanh(A h_{t-1} + U x_t)\ny_t = V h_t\n"
    r"L = \sum_{t=1}^{T} squared_error(y_t, d_t) + 1/2 squared_error(h_T, e_T)",
    "learned initial state": f"h_t = tanh(A h_{{t-1}} + U x_t)\ny_t = V h_t\nh_0 = s\n{SUM}",
    "a dead end": f"h_t = tanh(A h_{{t-1}} + U x_t)\nq_t = Q h_t\ny_t = V h_t\n{SUM}",
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("T", [1, 2, 3, 4, 5, 9])
def test_the_general_recursion_is_the_unrolled_one(name, T):
    model = symbptt.load(MODELS[name])
    assert fold_check(model, sweep(model), T) > 0


@pytest.mark.parametrize("name", MODELS)
def test_the_cases_are_what_the_contributions_say(name):
    d = symbptt.derive(MODELS[name])
    for recursion in (*d.adjoints.values(), *d.condensed.recursions.values()):
        for T in range(recursion.cases_from, recursion.cases_from + 6):
            assert recursion._cases_hold(T)


def altered(found, name, **changes):
    """A sweep with one field of the last contribution to an adjoint changed."""
    recursion = found.recursions[name]
    *rest, last = recursion.contributions
    wrong = replace(recursion, contributions=(*rest, replace(last, **changes)))
    return replace(found, recursions={**found.recursions, name: wrong})


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": Steps()},  # the carry also at t = T
        {"steps": Steps(last=Index("T", -2))},  # and missing at T - 1
        {"steps": Steps(members=(LAST,))},  # and at T alone
    ],
)
def test_a_wrong_boundary_is_caught(changes):
    model = symbptt.load("elman-linear")
    with pytest.raises(DerivationError, match=r"differ|past the last"):
        fold_check(model, altered(sweep(model), "h", **changes), 4)


def test_a_dropped_carry_is_caught():
    model = symbptt.load("elman-linear")
    found = sweep(model)
    recursion = found.recursions["h"]
    short = replace(recursion, contributions=recursion.contributions[:-1])
    with pytest.raises(DerivationError, match=r"differ|past the last"):
        fold_check(model, replace(found, recursions={**found.recursions, "h": short}), 4)


def test_the_unrolled_graph_is_linear_in_T():
    graph = symbptt.load("elman").unroll(6)
    assert len(graph.nodes) == 4 * 6
    assert len(graph.loss) == 6
    assert len(graph.edges) == 10 * 6
    assert len({str(node) for node in graph.nodes}) == 24
