"""What stands above a parameter may be how often it is multiplied."""

from __future__ import annotations

import pytest
from verdicts import of, verdict

NUMBERS = "$$h_t = w h_{t-1} + u x_t$$"
LINEAR = "$$h_t = W h_{t-1} + U x_t$$"
TANH = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$"
FAR = rf"\left\| {of('h_T', 'h_0')} \right\|"
ONE = rf"\left\| {of('h_T', 'h_1')} \right\|"


@pytest.mark.parametrize(
    ("network", "claim", "expected"),
    [
        (NUMBERS, f"{of('h_T', 'h_0')} = w^T", "right-under"),
        (NUMBERS, f"{of('h_t', 'h_0')} = w^t", "right-under"),
        (NUMBERS, f"{of('h_T', 'h_1')} = w^T", "wrong"),
        (NUMBERS, f"{of('h_t', 'h_1')} = w^t", "wrong"),
        (LINEAR, f"{of('h_T', 'h_0')} = W^T", "right-under"),
        (LINEAR, f"{of('h_T', 'h_0')} = (W)^T", "right-under"),
        (LINEAR, r"\prod_{t=1}^T W = W^T", "right-under"),
        (LINEAR, r"\prod_{t=2}^T W = W^T", "wrong"),
        (LINEAR, f"{of('h_T', 'h_1')} = W^T", "wrong"),
        (TANH, f"{of('h_T', 'h_0')} = W^T", "wrong"),
        (TANH, rf"{FAR} \le \|W\|^T", "inconclusive"),
        (TANH, rf"{FAR} \le \left(\|W\|\right)^T", "inconclusive"),
        (TANH, rf"{FAR} \ge \|W\|^T", "wrong"),
        (TANH, rf"\left\| {of('h_T', 'h_0')} \right\| \le \|W\|_2^T", "inconclusive"),
        (LINEAR, rf"{ONE} \le \|W\|^T", "wrong"),
    ],
)
def test_a_step_above_may_be_a_power(network: str, claim: str, expected: str) -> None:
    assert verdict(network, f"$${claim}$$") == expected


@pytest.mark.parametrize(("sign", "expected"), [(r"\le", "inconclusive"), (r"\ge", "wrong")])
def test_a_constant_may_be_raised(sign: str, expected: str) -> None:
    given = TANH + r" Let $\gamma = \|W\|$."
    assert verdict(given, rf"$${FAR} {sign} \gamma^T$$") == expected
