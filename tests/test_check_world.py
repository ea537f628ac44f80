"""The unrolled graph that claims are compared with: its derivatives are those worked out by hand.

The network is z_t = W h_{t-1} + U x_t + b, h_t = tanh(z_t), o_t = V h_t, with half the squared
error at every step, in three steps with n=3, m=2, k=5.  All numbers are residues modulo p.
"""

from __future__ import annotations

import numpy as np
import pytest

from symbptt.check.meaning.world import World
from symbptt.check.notation.quantities import MissingError, Place
from symbptt.evidence.residues import P
from symbptt.model import load

MODEL = load(r"""
z_t = W h_{t-1} + U x_t + b
h_t = tanh(z_t)
o_t = V h_t
L = \sum_{t=1}^{T} 1/2 (o_t - d_t)^T (o_t - d_t)
""")
T, N = 3, 3
WORLD = World(MODEL, T, {"n": N, "m": 2, "k": 5})
STEPS = range(1, T + 1)


def value(name: str, t: int | None = None) -> np.ndarray:
    return WORLD.value(Place(name, t)).array


def flat(derivative: np.ndarray) -> np.ndarray:
    """A derivative as a matrix: rows of what it is of, columns of what it is by."""
    a, b, c, d = derivative.shape
    return derivative.reshape(a * b, c * d)


def slope(t: int) -> np.ndarray:
    """diag(1 - h_t²)."""
    return np.diag((1 - value("h", t).reshape(-1) ** 2) % P)


def step(t: int) -> np.ndarray:
    """∂⁺h_t/∂h_{t-1}."""
    return slope(t) @ value("W") % P


def jacobian(t: int, k: int) -> np.ndarray:
    """∂h_t/∂h_k as a product of steps."""
    found = np.eye(N, dtype=int).astype(object)
    for j in range(t, k, -1):
        found = found @ step(j) % P
    return found


def error(t: int) -> np.ndarray:
    """∂L/∂h_t, a row: what every later step hands back."""
    return sum(
        (value("o", s) - value("d", s)).T @ value("V") @ jacobian(s, t) for s in range(t, T + 1)
    ) % P  # fmt: skip


def delta(t: int) -> np.ndarray:
    """∂L/∂z_t, a row."""
    return error(t) @ slope(t) % P


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(((a - b) % P == 0).all())


def test_the_forward_pass_is_that_of_the_equations() -> None:
    for t in STEPS:
        z = value("W") @ value("h", t - 1) + value("U") @ value("x", t) + value("b")
        assert same(value("z", t), z)
        assert same(value("o", t), value("V") @ value("h", t))
    assert len({int(x) for t in STEPS for x in value("h", t).reshape(-1)}) == T * N


@pytest.mark.parametrize("t", [0, *STEPS])
@pytest.mark.parametrize("k", [0, *STEPS])
def test_states_by_states_are_products_of_jacobians(t: int, k: int) -> None:
    found = flat(WORLD.total(Place("h", t), Place("h", k)))
    assert same(found, jacobian(t, k) if t >= k else np.zeros((N, N), dtype=object))


@pytest.mark.parametrize("t", STEPS)
def test_errors_are_total_derivatives_of_the_loss(t: int) -> None:
    assert same(flat(WORLD.total(Place("L"), Place("h", t))), error(t))
    assert same(flat(WORLD.total(Place("L"), Place("z", t))), delta(t))


def test_gradients_have_the_shape_of_parameters_and_sum_over_their_copies() -> None:
    for name, factor in (("W", "h"), ("U", "x")):
        copies = []
        for t in STEPS:
            copy = WORLD.total(Place("L"), Place(name, t))
            before = value(factor, t - 1 if factor == "h" else t)
            assert same(copy[0, 0], delta(t).T @ before.T)
            copies.append(copy)
        assert same(WORLD.total(Place("L"), Place(name)), sum(copies))
    by_b = WORLD.total(Place("L"), Place("b"))
    assert same(by_b[0, 0], sum(delta(t).T for t in STEPS))


def test_the_loss_is_the_sum_of_what_steps_add() -> None:
    shares = [WORLD.value(Place("L", t)).array for t in STEPS]
    for t, share in zip(STEPS, shares, strict=True):
        e = value("o", t) - value("d", t)
        assert same(2 * share, e.T @ e)
    assert same(value("L"), sum(shares))
    by_state = [WORLD.total(Place("L", t), Place("h", 2)) for t in STEPS]
    assert not by_state[0].any()
    assert same(sum(by_state), WORLD.total(Place("L"), Place("h", 2)))


def test_immediate_derivatives_hold_other_steps_fixed() -> None:
    assert same(flat(WORLD.immediate(Place("h", 2), Place("h", 1))), step(2))
    assert not WORLD.immediate(Place("h", 3), Place("h", 1)).any()
    by_b = flat(WORLD.immediate(Place("h", 2), Place("b")))
    assert same(by_b, slope(2))
    assert same(flat(WORLD.total(Place("h", 2), Place("b"))), by_b + step(2) @ slope(1))
    assert same(flat(WORLD.immediate(Place("h", 2), Place("b", 2))), by_b)
    assert not WORLD.immediate(Place("h", 2), Place("b", 1)).any()


def test_direct_derivatives_hold_all_else_in_the_equation_fixed() -> None:
    assert same(flat(WORLD.direct(Place("z", 2), Place("h", 1))), value("W"))
    assert same(flat(WORLD.direct(Place("h", 2), Place("z", 2))), slope(2))
    assert not WORLD.direct(Place("h", 2), Place("h", 1)).any()  # h_t's own equation names z_t
    assert same(flat(WORLD.immediate(Place("h", 2), Place("h", 1))), step(2))


def test_entries_are_entries_of_the_whole() -> None:
    whole = WORLD.total(Place("h", 3), Place("W"))
    assert whole.shape == (3, 1, 3, 3)
    part = WORLD.total(Place("h", 3, (2, 0)), Place("W", None, (0, 1)))
    assert part.shape == (1, 1, 1, 1)
    assert part[0, 0, 0, 0] == whole[2, 0, 0, 1] != 0
    assert WORLD.value(Place("U", None, (2, 1))).array[0, 0] == value("U")[2, 1]


def test_what_is_in_no_step_is_missing() -> None:
    for place in (Place("h", T + 1), Place("x", 0), Place("W", T + 1), Place("L", 0), Place("q")):
        assert not WORLD.exists(place)
        with pytest.raises(MissingError, match=f"there is no {place.name}"):
            WORLD.value(place)
    assert WORLD.exists(Place("h", 0))


def test_an_initial_value_of_zero_can_still_be_moved() -> None:
    world = World(load("h_0 = 0\nh_t = tanh(W h_{t-1} + U x_t)\nL = sum(h_T)"), 2, {"n": 3, "m": 2})
    assert not world.value(Place("h", 0)).array.any()
    moved = flat(world.total(Place("h", 1), Place("h", 0)))
    h, W = (world.value(place).array for place in (Place("h", 1), Place("W")))
    assert same(moved, np.diag(1 - h.reshape(-1) ** 2) @ W)


def test_worlds_of_one_seed_are_alike_and_of_others_are_not() -> None:
    sizes = {"n": 3, "m": 2, "k": 5}
    again, other = World(MODEL, T, sizes), World(MODEL, T, sizes, seed=1)
    assert same(again.value(Place("W")).array, value("W"))
    assert not same(other.value(Place("W")).array, value("W"))


def test_what_a_change_does_not_reach_is_not_computed_again():
    world = World(MODEL, T, {"n": N, "m": 2, "k": 5})
    moved, plain = world._moved(Place("h", 2)), world._plain
    assert all(moved.read(name, 1) is plain.read(name, 1) for name in ("z", "h", "o"))
    assert moved.read("z", 2) is plain.read("z", 2)
    for name, t in (("h", 2), ("o", 2), ("z", 3), ("h", 3), ("o", 3)):
        assert moved.read(name, t).tangent is not None
        assert moved.read(name, t).value.agrees(plain.read(name, t).value)
