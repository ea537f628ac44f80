"""Compiled code stays finite where the mathematics does, in both precisions."""

import numpy as np
import pytest

import symbptt

H = "h_t = tanh(W h_{t-1} + U x_t)\n"

#: A confident output: what follows the hidden state, and the loss of a wrong answer by 100.
CONFIDENT = {
    "softmax": ("y_t = softmax(V h_t + c)\nL = \\sum_t cross_entropy(y_t, d_t)", [100.0, 0.0]),
    "named logits": (
        "o_t = V h_t + c\ny_t = softmax(o_t)\nL = \\sum_t cross_entropy(y_t, d_t)",
        [100.0, 0.0],
    ),
    "logits": ("o_t = V h_t + c\nL = \\sum_t softmax_cross_entropy(o_t, d_t)", [100.0, 0.0]),
    "sigmoid": (
        "p_t = sigmoid(V h_t + c)\nL = \\sum_t binary_cross_entropy(p_t, d_t)",
        [100.0, -100.0],
    ),
    "written out": ("y_t = softmax(V h_t + c)\nL = -\\sum_t d_t^T log(y_t)", [100.0, 0.0]),
}


@pytest.mark.parametrize("backend", ["numpy", "lambdify"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CONFIDENT)
def test_a_confident_output_has_a_finite_loss_and_gradient(case, dtype, backend):
    tail, bias = CONFIDENT[case]
    f = symbptt.compile(H + tail, backend, T=1 if backend == "lambdify" else None)
    zeros = {"W": (3, 3), "U": (3, 2), "V": (2, 3)}
    params = {name: np.zeros(shape, dtype) for name, shape in zeros.items()}
    params["c"] = np.array(bias, dtype)
    for target, loss in (([1.0, 0.0], 0.0), ([0.0, 1.0], 100.0 * (1 + (case == "sigmoid")))):
        inputs = {"x": np.ones((1, 2), dtype), "d": np.array([target], dtype)}
        with np.errstate(all="raise", under="ignore"):
            found, grads = f(params, inputs)
        assert found == pytest.approx(loss, abs=1e-5)
        assert all(np.isfinite(g).all() for g in grads.values())
        assert grads["c"] == pytest.approx(np.array([1.0, 0.0]) - target, abs=1e-6)


def test_a_division_that_cancels_is_not_printed():
    text = symbptt.render(H + CONFIDENT["sigmoid"][0])
    assert "∂L/∂V = Σ_{t=1}^{T} (p_t - d_t) h_t^T" in text
