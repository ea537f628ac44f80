"""What is written in a way of its own is read as it is meant, or left undecided."""

from __future__ import annotations

import pytest
from verdicts import of, verdicts

import symbptt

RNN = r"""
$$h_t = \tanh(W h_{t-1} + U x_t), \quad o_t = V h_t, \quad L = \sum_{t=1}^T \ell_t(o_t)$$
"""


@pytest.mark.parametrize("steps", ["t+1:T", "1:t", r"t+1 \to T"])
def test_the_loss_of_a_range_of_steps_is_not_the_whole(steps):
    assert verdicts(RNN, rf"$${of('L_{' + steps + '}', 'W')} = {of('L', 'W')}$$") == [
        "inconclusive"
    ]


def test_a_delta_with_a_plus_is_the_immediate_derivative():
    text = (
        RNN
        + r"""
$$\frac{\delta L}{\delta W} = \sum_{t=1}^T \frac{\delta L}{\delta h_t} \frac{\delta^+ h_t}{\delta W}$$
"""
    )
    assert verdicts(text)[-1].startswith("right")
    assert verdicts(text.replace("sum_{t=1}", "sum_{t=2}"))[-1] == "wrong"


def test_the_losses_of_all_steps_say_how_many_there_are():
    last = rf"$${of('L', 'h_2')} = {of(chr(92) + 'ell_2', 'h_2')}$$"
    assert verdicts(RNN, r"Take $L = \ell_1 + \ell_2$ alone.", last)[-1] == "right-under"
    assert verdicts(RNN, last)[-1] == "inconclusive"


def test_a_formula_that_fails_at_the_first_step_alone():
    layers = r"""
$$h_t = \tanh(W_1 x_t + R_1 h_{t-1})$$

$$g_t = \tanh(W_2 h_t + R_2 g_{t-1})$$
"""
    first = r"\operatorname{diag}(1 - g_t^2) W_2 \operatorname{diag}(1 - h_t^2) R_1"
    second = r"\operatorname{diag}(1 - g_t^2) R_2 \operatorname{diag}(1 - g_{t-1}^2) W_2"
    claim = f"$${of('g_t', 'h_{t-1}')} = {first} + {second}$$"
    assert verdicts(layers, claim) == ["inconclusive"]
    assert verdicts(layers, claim.replace("R_1", "W_1")) == ["shape-error"]


TYPED = """
    h[t] = tanh(Wxh * x[t] + Whh * h[t-1])
    u[t] = Who * h[t]
    L = 0.5 * sum_t norm(u[t] - y[t])^2

    du[t] = u[t] - y[t]
    dL/dWho = sum_t du[t] * h[t]^T
    dL/dWxh = sum_t ((1 - h[t].^2) .* dL/dh[t]) * x[t]^T
"""


def test_a_star_beside_signs_for_entries_is_the_matrix_product():
    assert verdicts(TYPED)[-2:] == ["right", "right"]
    assert verdicts(TYPED.replace("x[t]^T", "x[t]"))[-1] not in ("right", "right-under")
    assert verdicts(TYPED.replace("* x[t]^T", ".* x[t]"))[-1] not in ("right", "right-under")


def test_an_error_with_an_accent_is_not_the_one_without():
    gate = r"$$\delta_h = \frac{\partial L}{\partial h_t}$$"
    bar = r"$$\bar{\delta}_h = \delta_h \odot (1 - h_t^2)$$"
    assert verdicts(RNN, gate, bar)[-1] == "right-under"


def test_an_eta_at_some_step_is_no_rate_of_learning():
    text = r"""
$$h_t = \tanh(W h_{t-1} + U x_t), \quad \eta_t = G h_t, \quad p_t = \sigma(\eta_t)$$
"""
    claim = rf"$${of('p_t', 'h_t')} = diag(p_t \odot (1 - p_t)) G$$"
    assert verdicts(text, claim) == ["right"]


@pytest.mark.parametrize(("last", "verdict"), [("T-1", "right"), ("T", "right"), ("T-2", "wrong")])
def test_what_runs_backwards_starts_after_the_last_step(last, verdict):
    chain = r"$$g_t = \tanh(C g_{t+1} + D x_t), \quad g_{T+1} = 0$$"
    loss = r"$$L = \frac{1}{2} \sum_{t=1}^{T} \|g_t - d_t\|^2$$"
    body = rf"\operatorname{{diag}}(1 - g_t^2) {of('L', 'g_t')} g_{{t+1}}^T"
    claim = rf"$${of('L', 'C')} = \sum_{{t=1}}^{{{last}}} {body}$$"
    assert verdicts(chain, loss, claim)[-1] == verdict


def test_a_gate_is_no_entry_of_another():
    gru = r"""
$$z_t = \sigma(W_z x_t + U_z h_{t-1})$$

$$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tanh(W_h x_t + U_h h_{t-1})$$
"""
    value = r"$$\tanh(z_{h,1}) = [\tanh(0.5), \tanh(0.25)]$$"
    assert verdicts(gru, value) == ["inconclusive"]
    assert verdicts(gru, value.replace("z_{h,1}", "z_{j,1}"))[-1] == "shape-error"


def test_a_gate_whose_cell_is_not_there_is_no_output():
    gru = r"""
$$o_t = \sigma(W_o x_t + U_o h_{t-1})$$

$$h_t = \tanh(W_h x_t + U_h h_{t-1}), \quad y_t = f(V h_t)$$
"""
    after = r"\frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}"
    claim = rf"$${of('L', 'h_t')} = {of('L_t', 'h_t')} + {after}$$"
    assert verdicts(gru, claim) == ["right"]
    assert verdicts(gru.replace("V h_t", "V x_t"), claim) != ["right"]


def test_what_no_equation_gives_proves_nothing():
    output = r"$$y_t = \mathrm{softmax}(W h_t), \quad L = \sum_t \ell(y_t, d_t)$$"
    later = f"{of('L', 'h_{t+1}')} {of('h_{t+1}', 'h_t')}"
    recursion = rf"$${of('L', 'h_t')} = {of('L_t', 'h_t')} - {later}$$"
    own = f"$${of('L', 'h_t')} = {of('L_t', 'h_t')}$$"
    nothing = f"$${of('h_t', 'h_{t-1}')} = 0$$"
    assert verdicts(output, recursion, own, nothing) == ["inconclusive"] * 3
    given = r"$$h_t = \tanh(U h_{t-1} + V x_t)$$"
    assert verdicts(given, output, nothing) == ["wrong"]
    assert verdicts(given, output, recursion.replace("} - ", "} + ")) == ["right"]


@pytest.mark.parametrize("slope", [r"\mathrm{diag}(1 - h_1^2)", "(1 - h_1^2)"])
def test_a_derivative_by_a_matrix_may_be_written_as_if_all_were_numbers(slope):
    claim = rf"$${of('h_2', 'W')} = {slope.replace('1^2', '2^2')} (h_1 + W {of('h_1', 'W')})$$"
    assert verdicts(RNN, claim) == ["inconclusive"]
    assert verdicts(RNN, claim.replace("(h_1 +", "(h_1^T +")) == ["shape-error"]


@pytest.mark.parametrize(("letter", "verdict"), [("i", "right"), ("j", "wrong")])
def test_a_gradient_with_a_name_in_its_script_has_entries(letter, verdict):
    network = r"$$a_t = W h_{t-1} + U x_t, \quad h_t = \tanh(a_t), \quad L = \sum_t \ell_t(h_t)$$"
    name = rf"$$\delta_h^{{(t)}} = {of('L', 'a_t')}$$"
    claim = rf"$${of('L', 'W_{ij}')} = \sum_t \delta_{{h,{letter}}}^{{(t)}} h_{{t-1,j}}$$"
    assert verdicts(network, name, claim)[-1] == verdict


LISTED = r"""
$$z_t = W h_{t-1} + U x_t, \quad h_t = \tanh(z_t), \quad L = \sum_{t=1}^T \ell(h_t, y_t)$$

$$\frac{\partial L}{\partial W} = \sum_{t=1}^T \delta z_t h_{t-1}^T$$

```
delta_h_future = 0
for t = T, ..., 1:
    delta_h_t = LINE
    delta_z_t = delta_h_t * (1 - h_t**2)
    delta_h_future = W^T @ delta_z_t
```
"""


def test_what_later_steps_hand_back_begins_at_zero():
    assert verdicts(LISTED)[-1] == "right-under"
    assert verdicts(LISTED.replace("W^T @", "W @"))[-1] not in ("right", "right-under")
    findings = symbptt.check(LISTED).findings
    assert [f.kind for f in findings if "future = 0" in f.formula.text] == ["definition"]
    assert "wrong" not in verdicts(LISTED.replace("delta_h_future = 0", "dh = 0"))


@pytest.mark.parametrize(
    "line",
    [
        "delta_h_local - delta_h_future",
        "delta_h_local",
        "-delta_h_local",
        "2 * delta_h_local - delta_h_future",
        "err_t + delta_h_future",
    ],
)
def test_gradients_without_a_definition_are_not_made_to_cancel(line):
    found = verdicts(LISTED.replace("LINE", line))
    assert (found[1], found[-1]) == ("inconclusive", "right-under")


def test_two_gradients_without_a_definition_are_not_the_same():
    assert verdicts(RNN, rf"$${of('L', 'h_t')} = 2 \delta_t - \epsilon_t$$") == ["inconclusive"]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (of("L", "U") + "^T", "shape-error"),
        ("dU^T", "inconclusive"),  # it may be a differential
        (rf"\left({of('L', 'U')}\right)^T", "shape-error"),
    ],
)
def test_a_transpose_before_what_is_added(left, expected):
    right = r"x_t (\frac{\partial L}{\partial h_t} \odot (1 - h_t^2))^T"
    turned = r"(\frac{\partial L}{\partial h_t} \odot (1 - h_t^2)) x_t^T"
    assert verdicts(RNN, rf"$${left} \mathrel{{+}}= {right}$$") == ["right"]
    assert verdicts(RNN, rf"$${left} \mathrel{{+}}= {turned}$$") == [expected]


JACOBIAN = of("h_t", "h_{t-1}")
VALUE = r"\operatorname{diag}(1 - h_t^2) W"
BACK = rf"$${of('L', 'h_t')} = V^\top {of('L', 'o_t')} + J_{{t+1}} {of('L', 'h_{t+1}')}$$"
MANY = rf"$${of('h_t', 'h_k')} = J_t J_{{t-1}} \cdots J_{{k+1}}$$"


@pytest.mark.parametrize(
    "given",
    [
        rf"$$J_t = {JACOBIAN} = {VALUE}$$",
        rf"$$J_t = {JACOBIAN} = {of('h_t', 'z_t')} {of('z_t', 'h_{t-1}')} = {VALUE}$$",
        rf"$$J_t = {JACOBIAN}$$ $$J_t = {VALUE}$$",
    ],
)
def test_a_jacobian_is_laid_out_as_its_value_is(given):
    net = RNN.replace(r"\tanh(W h_{t-1} + U x_t)", r"\tanh(z_t), \quad z_t = W h_{t-1} + U x_t")
    assert verdicts(net, given, BACK)[-1] == "wrong"
    assert verdicts(net, given, BACK.replace("J_{t+1}", r"J_{t+1}^\top"))[-1] == "right"
    assert verdicts(net, given, MANY)[-1] == "right"
    assert verdicts(net, given, MANY.replace("J_t J_{t-1}", "J_{k+1} J_{k+2}").replace(
        "J_{k+1}$$", "J_t$$"))[-1] == "wrong"  # fmt: skip


def test_a_jacobian_of_two_values_or_none_may_be_laid_out_either_way():
    turned = r"W^\top \operatorname{diag}(1 - h_t^2)"
    for given, expected in (
        (rf"$$J_t = {JACOBIAN}$$", "right"),
        (rf"$$J_t = {JACOBIAN} = {turned}$$", "right"),
        (rf"$$J_t = {JACOBIAN} = {turned}$$ $$J_t = {VALUE}$$", "right"),
        (rf"$$J_t = {JACOBIAN} = 2 {VALUE}$$", "right"),
    ):
        assert verdicts(RNN, given, BACK)[-1] == expected


def test_a_value_of_a_jacobian_is_of_the_equations_above_it():
    named = rf"$$J_t = {JACOBIAN} = {VALUE}$$"
    other = r"$$h_t = \tanh(w h_{t-1} + u x_t)$$"
    assert verdicts(RNN, named, MANY)[-1] == "right"
    assert verdicts(RNN, named, other, MANY)[-1] == "right"


def test_a_gradient_beside_the_one_by_the_pre_activation_is_by_the_state():
    raw = r"$$\delta h_t^{\text{raw}} = (1 - h_t^2) \odot \delta h_t$$"
    by_input = r"$$\nabla_U L = \sum_t \delta h_t^{\text{raw}} x_t^\top$$"
    by_state = r"$$\nabla_W L = \sum_t \delta h_t^{\text{raw}} h_{t-1}^\top$$"
    mistaken = by_state.replace(r"^{\text{raw}}", "")
    assert verdicts(RNN, raw, by_input, by_state) == ["right", "right"]
    assert verdicts(RNN, raw, by_input, mistaken) == ["right", "wrong"]
    assert verdicts(RNN, mistaken.replace(r"\delta h_t", r"\delta_{h_t}")) == ["right-under"]


GATE = r"""
$$a_t = x_t W + h_{t-1} U + b$$
$$h_t = \tanh(a_t)$$
$$A_t = x_t W + h_{t-1} U + b = [a_{i,t}, a_{f,t}, a_{g,t}, a_{o,t}]$$
$$o_t = \sigma(a_{o,t})$$
"""


def test_a_gate_of_another_network_is_no_fault():
    assert "wrong" not in verdicts(GATE)


@pytest.mark.parametrize("function", ["g(z) = z", "g(z) = 2 z"])
def test_what_a_function_is_said_to_be_is_no_fault(function):
    network = RNN.replace("o_t = V h_t", "o_t = g(V h_t)")
    claim = f"$${of('o_t', 'h_t')} = V$$"
    assert verdicts(network, f"where ${function}$.", claim) == ["inconclusive"] * 2


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [("", "", "right"), ("k+1", "k", "wrong"), ("h_i", "h_{i-1}", "wrong"), ("E_t", "E", "wrong")],
)
def test_what_runs_down_to_a_later_step_is_not_meant(old, new, verdict):
    rows = r"""
$$h_t = \tanh(x_t W + h_{t-1} R), \quad p_t = \mathrm{softmax}(h_t V)$$

$$E = \sum_{t=1}^T E_t, \quad E_t = -\sum_k y_{t,k} \log p_{t,k}$$
"""
    product = r"\prod_{i=t}^{k+1} \operatorname{diag}(1 - h_i^2) R^\top"
    claim = rf"$$\nabla_{{h_k}} E_t = (p_t - y_t) V^\top {product}$$"
    assert verdicts(rows, claim.replace(old, new) if old else claim) == [verdict]


@pytest.mark.parametrize(
    ("right", "verdict"),
    [
        (r"\delta_t h_{t-1}^\top", "right-under"),
        (r"\delta_t h_t^\top", "wrong"),
        (r"\delta_t h_{t-1}", "wrong"),
        (r"h_{t-1}^\top \delta_t", "wrong"),
    ],
)
def test_the_transpose_in_a_definition_may_make_a_column(right, verdict):
    net = r"""
$$a_t = W h_{t-1} + U x_t, \quad h_t = \tanh(a_t), \quad L = \sum_{t=1}^T \frac{1}{2} \|h_t - y_t\|^2$$
"""
    given = rf"Let $\delta_t = \left({of('L', 'a_t')}\right)^\top$."
    claim = rf"$${of('L', 'W')} = \sum_{{t=1}}^T {right}$$"
    assert verdicts(net, given, claim) == [verdict]
