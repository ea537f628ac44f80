"""Equations of functions in general, beside a network, are no forward equations of it."""

from __future__ import annotations

import pytest

import symbptt

NETWORK = r"""$$a_t = W h_{t-1} + U x_t$$
$$h_t = \sigma(a_t)$$
$$o_t = V h_t$$
$$\hat{y}_t = softmax(o_t)$$
$$L_t = -y_t^\top \log \hat{y}_t$$
"""
ASIDES = [
    r"Chain rule: $y = g(x)$, $z = f(y)$." + "\n\n",
    r"Example: $y = Wx$, $z = b^{T}y$." + "\n\n",
    r"Let $y = Wx$ be a product." + "\n\n",
]


def last(text: str) -> str:
    *_, found = (f.verdict for f in symbptt.check(text).findings if f.verdict)
    return found.verdict


@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (r"\frac{\partial L_t}{\partial o_t} = \hat{y}_t - y_t", "right"),
        (r"\frac{\partial L_t}{\partial o_t} = \hat{y}_t + y_t", "wrong"),
        (r"\frac{\partial y}{\partial x} = W", "inconclusive"),
        (r"\frac{\partial y_i}{\partial x_j} = W_{ij}", "inconclusive"),
        (r"\frac{\partial y}{\partial x} = U", "inconclusive"),
    ],
)
def test_functions_in_general(aside: str, claim: str, verdict: str) -> None:
    formula = f"$${claim}$$\n\n"
    assert last(aside + NETWORK + formula) == verdict
    assert last(NETWORK + aside + formula) == verdict


@pytest.mark.parametrize(
    ("parts", "claim"),
    [
        # what the network computes, or uses, or a loss compares, is of it without a step too
        (r"$h_t = \tanh(z)$, $z = W h_{t-1} + U x_t$, $\hat y = V h_t$, $L = \frac12 (\hat y - y)^2$",
         r"\frac{\partial h_t}{\partial z_t} = diag(1 - h_t^2)"),
        (r"$h_t = \tanh(W h_{t-1} + U x_t)$, $s = v^\top h_T$, $\hat y = \sigma(s)$,"
         r" $L = \frac12 (\hat y - y)^2$", r"\frac{\partial \hat y}{\partial s} = \hat y (1 - \hat y)"),
    ],
)  # fmt: skip
def test_parts_of_a_network_without_a_step(parts: str, claim: str) -> None:
    assert last(f"{parts}\n\n$${claim}$$") in ("right", "right-under")
