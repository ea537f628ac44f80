"""Where floating point runs out of digits: no false alarm, and none missed."""

from typing import Any

import numpy as np
import pytest

import symbptt
from symbptt.evidence.complex_step import complex_step, sample
from symbptt.evidence.floating import compared, floating_witness
from symbptt.evidence.verify import assignments
from symbptt.model import Model


class Off:
    """A compiled function whose gradients are off by a little."""

    T = None

    def __init__(self, model: Model, by: float) -> None:
        self.model, self.by = model, by
        self.function = symbptt.compile(model)

    def __call__(self, params: Any, inputs: Any) -> Any:
        loss, grads = self.function(params, inputs)
        return loss, {name: g + self.by for name, g in grads.items()}


#: σ(z) z - z + (1 - σ(z)) z is zero, but for rounding.
CANCELLING = r"""z_t = tanh(σ(z_{t-1}) ⊙ z_{t-1} - z_{t-1} + (1 - σ(z_{t-1})) ⊙ z_{t-1})
L = \sum_t squared_error(W z_t, d_t)"""


def test_rounding_error_in_place_of_zero_is_no_disagreement() -> None:
    model = symbptt.load(CANCELLING)
    drawn = sample(model, 3, None, assignments(model)[0], seed=0)
    assert drawn is not None
    true, found = complex_step(drawn)[1]["z_0"], symbptt.compile(model)(drawn.params, drawn.inputs)
    assert (true != found[1]["z_0"]).any()
    assert abs(true).max() < 1e-15
    assert symbptt.verify(model).passed


@pytest.mark.parametrize("by", [1e-12, 1e-6])
def test_what_is_more_than_rounding_error_is_found(by: float) -> None:
    model = symbptt.load(CANCELLING)
    found = compared("off", Off(model, by), 3, None, assignments(model)[0], seed=0)
    assert {c.what for c in found.checks if not c.passed} == {"∂L/∂W", "∂L/∂z_0"}


@pytest.mark.parametrize("weight", [1, 30, 100, 1000])
@pytest.mark.parametrize(
    "loss",
    [
        "binary_cross_entropy(sigmoid({} V h_t), d_t)",
        "cross_entropy(softmax({} V h_t), d_t)",
        "binary_cross_entropy_with_logits({} V h_t, d_t)",
        "softmax_cross_entropy({} V h_t, d_t)",
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_saturated_probabilities(loss: str, weight: int, named: bool) -> None:
    lines = "h_t = tanh(W h_{t-1} + x_t)\n", f"L = \\sum_t {loss.format(weight)}"
    if named and "(s" in loss:  # the probabilities as a quantity of their own
        p = lines[1].split("entropy(")[1].removesuffix(", d_t)")
        lines = f"{lines[0]}p_t = {p}\n", lines[1].replace(p, "p_t")
    model = symbptt.load("".join(lines))
    written_out = symbptt.compile(model, backend="lambdify", T=4)
    sizes = assignments(model)[0]
    parts = [
        *floating_witness("numpy", symbptt.compile(model), (1, 2, 5), sizes, 0),
        *floating_witness("lambdify", written_out, (4,), sizes, 0),
    ]
    assert not any(part.undecided for part in parts)
    checks = [c for part in parts for c in part.checks if c.witness == "complex step"]
    assert all(c.passed for c in checks)
    assert len(checks) == 32


def test_saturated_probabilities_have_a_finite_loss_and_gradient() -> None:
    f = symbptt.compile("h_t = W x_t\nL = \\sum_t binary_cross_entropy(sigmoid(h_t), d_t)")
    x, d = np.ones((1, 1)), np.array([[0.25, 0.25]])
    loss, grads = f({"W": np.array([[2000.0], [-2000.0]])}, {"x": x, "d": d})
    assert loss == 0.75 * 2000 + 0.25 * 2000
    assert grads["W"].tolist() == [[0.75], [-0.25]]
