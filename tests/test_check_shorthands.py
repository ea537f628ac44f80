"""What a text says of one gradient's name holds of all that are named so."""

from __future__ import annotations

import pytest
from verdicts import verdicts

RNN = r"""
$$a_t = W x_t + R h_{t-1}, \qquad h_t = \tanh(a_t), \qquad L = \sum_t \ell_t(h_t)$$
"""
LSTM = r"""
$$f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)$$

$$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$

$$c_t = f_t \odot c_{t-1} + g_t, \qquad h_t = \tanh(c_t)$$
"""


@pytest.mark.parametrize(
    "says",
    [
        r"Throughout, $\delta v$ is shorthand for $\partial L/\partial v$.",
        r"Throughout, $\delta v = \partial L/\partial v$.",
        r"Let $\delta h_t$ be $\partial L/\partial h_t$, and likewise for the others.",
    ],
)
def test_a_prefix_for_all_gradients(says):
    state = r"$$\delta h_t = \frac{\partial \ell_t}{\partial h_t} + R^T \delta a_{t+1}$$"
    argument = r"$$\delta a_t = \delta h_t \odot (1 - h_t^2)$$"
    right = ["right", "right"]
    assert verdicts(RNN, says, state, argument)[-2:] == right
    assert verdicts(RNN, says, state.replace("+", "-"), argument)[-2:] == ["wrong", "right"]
    assert verdicts(RNN, says, state, argument.replace("1 - h", "1 + h"))[-2:] == ["right", "wrong"]


@pytest.mark.parametrize(
    "says",
    [r"We write $\bar v = \partial L/\partial v$.", r"The bar of $\bar v$ is $\partial L/\partial v$."],
)  # fmt: skip
def test_a_mark_for_all_gradients(says):
    network = r"$$s_t = \tanh(A s_{t-1} + B x_t), \quad y_t = P s_t, \quad L = \sum_t \frac12 \|y_t - r_t\|^2$$"
    output = r"$$\bar y_t = y_t - r_t$$"
    weights = r"$$\bar P = \sum_{t=1}^T \bar y_t s_t^T$$"
    assert verdicts(network, says, output, weights)[-2:] == ["right", "right"]
    assert verdicts(network, says, r"$$\bar y_t = r_t - y_t$$", weights)[-2:] == ["wrong", "right"]
    unknown = r"$$\bar u_t = \bar s_t \odot (1 - s_t^2)$$ $$\bar B = \sum_t \bar u_t x_t^T$$"
    assert not {"wrong", "shape-error"} & {*verdicts(network, says, unknown)}


@pytest.mark.parametrize("mark", [r"\bar", r"\dot"])
def test_a_line_that_hands_back_is_no_forward_equation(mark):
    back = rf"$${mark}{{f}}_t = {mark}{{c}}_t \odot c_{{t-1}}$$"
    bias = (
        rf"$$\frac{{\partial L}}{{\partial b_f}} = \sum_t {mark}{{f}}_t \odot f_t \odot (1 - f_t)$$"
    )
    assert verdicts(LSTM, back, bias) == ["right-under", "right"]
    assert verdicts(LSTM, back, bias.replace("(1 - ", "(1 + ")) == ["right-under", "wrong"]


def test_what_is_said_to_be_a_gradient_has_no_forward_equation_at_the_last_step():
    network = r"$$h_t = \tanh(W h_{t-1} + U x_t), \quad y_t = V h_t, \quad L = \sum_t \frac12 \|y_t - d_t\|^2$$"
    named = r"With $\lambda_t = \partial L/\partial h_t$,"
    last = r"$$\lambda_T = V^T (y_T - d_T)$$"
    weights = r"$$\frac{\partial L}{\partial W} = \sum_t diag(1 - h_t^2) \lambda_t h_{t-1}^T$$"
    assert verdicts(network, named, last, weights)[-2:] == ["right", "right"]
    assert verdicts(network, named, last.replace("V^T", "W^T V^T"), weights)[-2:] == [
        "wrong",
        "right",
    ]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"\frac{\partial L}{\partial b_f} = \sum_t \delta_{f,t}", "right-under"),
        (r"\frac{\partial L}{\partial U_f} = \sum_t \delta_{f,t} h_{t-1}^T", "right-under"),
        (r"\frac{\partial L}{\partial U_f} = \sum_t \delta_{f,t} h_t^T", "wrong"),
        (r"\frac{\partial L}{\partial b_f} = \sum_{j=1}^t \delta_{f,j}", "right-under"),
    ],
)
def test_a_gradient_by_its_name_alone_may_be_by_the_argument(claim, expected):
    assert verdicts(LSTM, f"$${claim}$$") == [expected]


def test_a_gradient_that_a_formula_gives_by_its_name_is_not_by_the_argument():
    by_gate = r"$$\delta_{f,t} = \frac{\partial L}{\partial c_t} \odot c_{t-1}$$"
    stated = r"$$\delta_{f,t} = \frac{\partial L_t}{\partial f_t}$$"
    bias = r"$$\frac{\partial L}{\partial b_f} = \sum_t \delta_{f,t}$$"
    assert verdicts(LSTM, by_gate, bias) == ["right", "wrong"]
    assert verdicts(LSTM, bias, by_gate) == ["wrong", "right"]
    assert verdicts(LSTM, bias, stated)[0] == "wrong"
