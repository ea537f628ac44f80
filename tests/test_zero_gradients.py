"""A derivation is refused where every gradient is zero, and nowhere else."""

from itertools import pairwise

import pytest

import symbptt
from symbptt.errors import DerivationError

#: Models in which nothing that is differentiated by moves the loss.
CONSTANT = {
    "times zero": "h_t = b h_{t-1}\nL = 0 \\sum_t h_t",
    "less itself": "h_t = b h_{t-1}\nL = \\sum_t h_t - \\sum_t h_t",
    "a parameter that cancels": "h_t = x_t + b - b\nL = \\sum_t sum(h_t^2)",
    "a factor that cancels": "h_t = b ⊙ x_t - x_t ⊙ b\nL = \\sum_t sum(h_t^2)",
    "behind what cancels": "a_t = tanh(b)\nh_t = a_t ⊙ x_t - x_t ⊙ a_t\nL = \\sum_t sum(h_t^2)",
    "before the start": "a_t = b x_t\nh_t = a_{t-1}\na_0 = 0\nL = h_1",
}

#: Models in which something does, and what.
MOVED = {
    "an initial value": ("h_t = h_{t-1} + b - b\nL = \\sum_t h_t", "h_0"),
    "an initial value, squared": ("h_t = h_{t-1} + b - b\nL = -1/2 sum(h_T^2)", "h_0"),
    "a learned initial value": ("h_t = h_{t-1}\nh_0 = b\nL = h_T", "b"),
    "the loss itself": ("h_t = b - b + x_t\nL = \\sum_t (h_t - h_t + a^2)", "a"),
    "a long way": (
        # u_t = v_{t-1}, v_t = w_{t-1}, …: from z_{T-5} to the loss of step T
        "\n".join(f"{a}_t = {b}_{{t-1}}\n{b}_0 = 0" for a, b in pairwise("uvwxyz"))
        + "\nz_t = b\nL = sum(u_T)",
        "b",
    ),
    "after the fourth step": ("h_t = b x_t\nL = h_5", "b"),
}


def declared(text: str) -> dict[str, str]:
    return {name: "1" for name in "abhuvwxyz" if f"{name}_" in text or f" {name}" in text}


@pytest.mark.parametrize("case", CONSTANT)
def test_what_nothing_moves_is_refused(case: str) -> None:
    text = CONSTANT[case]
    with pytest.raises(DerivationError, match="so every gradient is zero"):
        symbptt.derive(symbptt.load(text, shapes=declared(text)))


@pytest.mark.parametrize("case", MOVED)
def test_what_something_moves_is_derived(case: str) -> None:
    text, name = MOVED[case]
    model = symbptt.load(text, shapes=declared(text))
    assert symbptt.derive(model).gradients[name] != 0
    assert symbptt.verify(model).passed


def test_an_input_counts_where_it_is_asked_for() -> None:
    model = symbptt.load(CONSTANT["a parameter that cancels"])
    derived = symbptt.derive(model, inputs=True)
    assert str(derived.gradients["x"]) == "δ^h_t"
    assert derived.gradients["b"].is_ZeroMatrix
