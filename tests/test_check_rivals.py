"""Two equations for one quantity: a claim that holds by one of them alone is not decided."""

from __future__ import annotations

import pytest

import symbptt

GRU = r"""
$$z_t = \sigma(W_z x_t + U_z h_{t-1})$$

$$n_t = \tanh(W_n x_t + U_n h_{t-1})$$

$$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot n_t$$
"""
OTHER = r"""
Some write

$$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t$$
"""


def of(top: str, by: str) -> str:
    return rf"\frac{{\partial {top}}}{{\partial {by}}}"


def verdict(text: str, claim: str) -> str:
    found = symbptt.check(f"{text}\n$${claim}$$\n").findings[-1].verdict
    assert found is not None
    return found.verdict


ONE = rf"{of('L', 'n_t')} = {of('L', 'h_t')} \odot z_t"
TWO = rf"{of('L', 'n_t')} = {of('L', 'h_t')} \odot (1 - z_t)"
BOTH = rf"{of('L', 'W_n')} = \sum_t ({of('L', 'n_t')} \odot (1 - n_t^2)) x_t^T"


@pytest.mark.parametrize(
    ("text", "claim", "expected"),
    [
        (GRU, ONE, "right"),
        (GRU, TWO, "wrong"),
        (GRU + OTHER, ONE, "inconclusive"),
        (GRU + OTHER, TWO, "inconclusive"),
        (GRU + OTHER, BOTH, "right"),
        (GRU + OTHER, BOTH.replace("x_t^T", "h_t^T"), "shape-error"),
        ("# One\n" + GRU + "# Other\n" + OTHER, TWO, "right"),  # under its own heading
        ("# One\n" + GRU + "# Other\n" + OTHER + "# Gradients\n", TWO, "inconclusive"),
    ],
)
def test_a_quantity_that_two_equations_give(text, claim, expected):
    assert verdict(text, claim) == expected
