"""What a document gives in a form that no model is made of is no input: nothing is certified that
depends on it, and what doesn't is judged as before."""

from __future__ import annotations

import pytest
from verdicts import of, verdict

import symbptt

OUTPUT = r"""
$$y_t = V h_t$$

$$L = \sum_{t=1}^T \frac12 (y_t - d_t)^T (y_t - d_t)$$
"""
RESIDUAL = r"$$h_t = h_{t-1} + g_t$$" + OUTPUT
JACOBIAN = rf"$${of('h_t', 'h_{t-1}')} = I$$"
READ = r"$$g_t = U x_t$$"


@pytest.mark.parametrize(
    "given",
    [
        r"$$g_t \approx \tanh(W h_{t-1} + U x_t)$$",
        r"$$g_t \leftarrow \tanh(W h_{t-1} + U x_t)$$",
        r"$$g_t \propto \exp(W h_{t-1} + U x_t)$$",
        r"$$g_t = \begin{cases} W h_{t-1} & t > 1 \\ U x_t & t = 1 \end{cases}$$",
        r"$$g_t[i] = \tanh(W[i,:] h_{t-1} + U[i,:] x_t)$$",
        r"$$g^{(i)}_t = \tanh(w_i^T h_{t-1} + u_i^T x_t)$$",
        r"$$g_t = \int_{t-1}^{t} F(h(s))\, ds$$",
    ],
)
def test_an_equation_in_another_form_may_lead_back_to_a_state(given: str) -> None:
    assert verdict(given, RESIDUAL, JACOBIAN) == "inconclusive"


def test_an_equation_that_is_read_leads_where_it_leads() -> None:
    assert verdict(READ, RESIDUAL, JACOBIAN) == "right"
    assert verdict(READ, RESIDUAL, JACOBIAN.replace("I$$", "2 I$$")) == "wrong"


ATTENTION = r"""
$$e_{t,i} = v^T \tanh(A s_{t-1} + B h_i), \quad
\alpha_{t,i} = \frac{\exp(e_{t,i})}{\sum_{j=1}^{n} \exp(e_{t,j})}$$

$$c_t = \sum_{i=1}^{n} \alpha_{t,i} h_i$$

$$s_t = \tanh(W s_{t-1} + C c_t + b)$$
"""


def test_attention_leads_back_to_the_state_that_it_is_asked_by() -> None:
    assert verdict(ATTENTION, rf"$${of('s_t', 's_{t-1}')} = diag(1 - s_t^2) W$$") == "inconclusive"


PLAIN = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$" + OUTPUT
BY_W = (
    rf"$$\delta_t = (1 - h_t^2) \odot {of('L', 'h_t')}$$"
    "\n\n"
    rf"$${of('L', 'W')} = \sum_{{t=1}}^T \delta_t h_{{t-1}}^T$$"
)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (r"$$h_0 = \tanh(W a)$$", "inconclusive"),
        (r"$$h_0 = \tanh(A a)$$", "right"),
        (r"$$h_0 = 0$$", "right"),
    ],
)
def test_a_start_that_is_computed_is_behind_all_that_follows(start: str, expected: str) -> None:
    assert verdict(start, PLAIN, BY_W) == expected


def test_a_decoder_that_starts_from_an_encoder_hands_back_to_its_weights() -> None:
    encoder = r"The encoder is $h_i = \tanh(W h_{i-1} + U x_i)$, its last state $s_0 = h_n$."
    decoder = PLAIN.replace("h_", "s_").replace("U x_t", "B y_{t-1}").replace("W s", "A s")
    assert verdict(encoder, decoder, rf"$${of('L', 'W')} = 0$$") == "inconclusive"


GATES = r"""
$$f_t = \sigma(W_f x_t + U_f h_{t-1}), \quad i_t = \sigma(W_i x_t + U_i h_{t-1})$$

$$g_t = \tanh(W_g x_t + U_g h_{t-1})$$
"""
CELL = r"""
$$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$

$$h_t = o_t \odot \tanh(c_t)$$
"""
CHAIN = rf"$${of('h_t', 'h_{t-1}')} = {of('h_t', 'c_t')} {of('c_t', 'h_{t-1}')}$$"


@pytest.mark.parametrize(
    "gate",
    [
        r"$$o_t = \text{gate}(x_t, h_{t-1})$$",
        r"$$o = \sigma(W_o x_t + U_o h_{t-1})$$",
        r"$$o_t = \sigma(W_o x_t + U_o h_{t-1})$$",
    ],
)
def test_a_chain_rule_is_not_right_beside_another_path(gate: str) -> None:
    assert verdict(GATES, gate, CELL, CHAIN) == "inconclusive"
    through = rf"$${of('L', 'c_t')} = {of('L', 'h_t')} {of('h_t', 'c_t')} + "
    through += rf"{of('L', 'c_{t+1}')} {of('c_{t+1}', 'c_t')}$$"
    assert verdict(GATES, gate, CELL, through) == "right-under"


LSTM = GATES + r"$$o_t = \sigma(W_o x_t + U_o h_{t-1})$$" + "\n" + CELL
CARRY = r"\delta^h_t \odot o_t \odot (1 - \tanh^2(c_t)) + \delta^c_{t+1}"
NAMES = rf"With $\delta^c_t = {of('L', 'c_t')}$ and $\delta^h_t = {of('L', 'h_t')}$,"
CASES = [
    "When $f_t = 1$ and $i_t = 0$, the cell is copied.",
    "If $f_t = 1$ and $i_t = 0$, the cell is copied.",
    "- $f_t = 0$: forget\n- $f_t = 1$: keep\n- $i_t = 0$: write nothing",
    "当 $f_t = 1$，$i_t = 0$ 时，记忆保持不变。",
]


@pytest.mark.parametrize("case", CASES)
def test_a_value_in_the_text_is_of_a_case_and_no_equation(case: str) -> None:
    without = rf"$$\delta^c_t = {CARRY}$$"
    whole = rf"$$\delta^c_t = {CARRY} \odot f_{{t+1}}$$"
    assert verdict(LSTM, case, NAMES, without) == "inconclusive"
    assert verdict(LSTM, case, NAMES, whole) == verdict(LSTM, NAMES, whole) == "right"
    assert verdict(LSTM, case, NAMES, rf"$$\delta^c_t = 2 {CARRY[:10]}$$") == "wrong"


def test_equations_given_anew_in_a_row_are_rivals_together() -> None:
    text = r"$$z_t = W h_{t-1} + U x_t, \quad h_t = \tanh(z_t), \quad y_t = V h_t$$"
    linear = "If the activation is linear, $h_t = z_t$ and $y_t = h_t$."
    claim = rf"$${of('h_t', 'h_{t-1}')} = W$$"
    assert verdict(text, linear, claim) == "inconclusive"
    assert verdict(text, claim) == "wrong"


def test_an_equation_is_the_side_of_its_chain_that_says_what_it_is_of() -> None:
    chain = r"$$h_t = \tanh(W u_t + b) = \tanh(W_h h_{t-1} + W_x x_t + b)$$" + OUTPUT
    slope = r"diag(1 - h_t^2) W_h"
    assert verdict(chain, rf"$${of('h_t', 'h_{t-1}')} = {slope}$$") == "right"
    assert verdict(chain, rf"$${of('h_t', 'h_{t-1}')} = 0$$") != "right"


@pytest.mark.parametrize(
    "words",
    ["Let $u_t$ be the concatenation of $h_{t-1}$ and $x_t$.", "$$u_t = h_{t-1} \\Vert x_t$$"],
)
def test_what_takes_the_place_of_the_input_may_hold_the_state(words: str) -> None:
    network = r"$$h_t = \tanh(W u_t + b)$$" + OUTPUT
    claim = rf"$${of('L', 'h_t')} = V^T (y_t - d_t)$$"
    assert verdict(words, network, claim) == "inconclusive"
    assert verdict(network, claim) == "right"


def test_a_state_that_words_alone_carry_on_is_no_input() -> None:
    words = "The state $h_t$ is computed from $h_{t-1}$ and $x_t$ by a tanh layer."
    assert verdict(words, OUTPUT, rf"$${of('L', 'h_t')} = V^T (y_t - d_t)$$") == "inconclusive"


def test_a_second_network_is_not_taken_for_the_first() -> None:
    second = r"$$s_j(t) = s_j(t-1) + \text{input}_j(t)$$"
    claim = rf"$${of('s_j(t)', 's_j(t-1)')} = 1$$"
    values = "- $\\gamma = 1$ for tanh.\n- $\\gamma = 1/4$ for the other."
    assert verdict(PLAIN, values, second, claim) == "inconclusive"


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (r"W^T (1 - h_t^2)", "right-under"),
        (r"W^T \tanh'(W h_{t-1} + U x_t)", "right-under"),
        (r"W (1 - h_t^2)", "wrong"),
        (r"W^T (1 + h_t^2)", "shape-error"),
        (r"W^T \odot (1 - h_t^2)", "shape-error"),
    ],
)
def test_slopes_behind_a_matrix_stand_for_a_diagonal_matrix(product: str, expected: str) -> None:
    assert verdict(PLAIN, rf"$${of('h_t', 'h_{t-1}')} = {product}$$") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("dW = dU = dV = 0", None), ("dW = dU = dV = 1", "inconclusive")],
)
def test_a_chain_of_gradients_may_begin_at_zero(code: str, expected: str | None) -> None:
    loop = "for t in reversed(range(T)):\n    dV += dy @ h[t].T"
    found = symbptt.check(f"{PLAIN}\n\n```python\n{code}\n{loop}\n```").findings
    kinds = [f.verdict and f.verdict.verdict for f in found if f.source.startswith("dW = dU")]
    if expected is None:
        assert not any(kinds)
    assert "right" not in kinds


def test_a_box_drawn_around_lines_is_no_part_of_them() -> None:
    box = (
        "```\n│ For t = T-1 down to 1:                        │\n"
        "│   δ_t^h = V^T · δ_t^y                         │\n"
        "│         + W^T · diag(1 - h_{t+1}²) · δ_{t+1}^h │\n```"
    )
    names = "where δ_t^y = ∂L/∂y_t and δ_t^h = ∂L/∂h_t"
    assert verdict(PLAIN, names, box) == "right"
    assert verdict(PLAIN, names, box.replace("W^T", "W")) == "wrong"


def test_numbers_with_exponents_before_a_sign_are_read() -> None:
    assert symbptt.check(r"$2^{3} \cdot 5^{2} = 200$").findings


def test_formulas_side_by_side_in_a_box_are_read_each() -> None:
    step = r"\delta_t = (1 - h_t^2) \odot (V^T (y_t - d_t) + W^T \delta_{t+1})"
    box = rf"$$\boxed{{\; {step}, \qquad \delta_{{T+1}} = 0 \;}}$$"
    network = r"$$a_t = W h_{t-1} + U x_t, \quad h_t = \tanh(a_t)$$" + OUTPUT
    name = rf"Let $\delta_t = {of('L', 'a_t')}$."

    def verdicts(text: str) -> list[str]:
        found = symbptt.check("\n\n".join((network, name, text))).findings
        return [f.verdict.verdict for f in found if f.verdict and "odot" in f.source]

    assert verdicts(box) == ["right"]
    assert verdicts(box.replace("W^T", "W")) == ["wrong"]


def test_the_differential_of_a_loss_is_no_name_for_what_it_is_said_to_be() -> None:
    claim = r"$$dL = \sum_t (d_t - y_t)^T dy_t$$"
    assert verdict(PLAIN, claim, claim) == "inconclusive"
