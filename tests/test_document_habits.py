"""Habits of notes on recurrent networks: what they write beside equations, and how."""

import pytest

import symbptt

RNN = "$h_t = \\tanh(W h_{t-1} + U x_t)$, $\\hat{y}_t = \\mathrm{softmax}(V h_t)$\n\n"
PREACTIVATION = "$o_t = V h_t$\n\n"


def verdicts(text: str) -> list[str]:
    return [f.verdict.verdict for f in symbptt.check(text).findings if f.verdict]


def kinds(text: str) -> list[str]:
    return [f.kind for f in symbptt.check(text).findings]


def test_what_a_quantity_depends_on_is_no_claim():
    assert kinds(RNN + "where $U = U(x)$ and $h_t = h_t(W)$")[2:] == ["prose", "prose"]


def test_what_is_said_of_the_targets_is_not_wrong():
    loss = "$$L = -\\sum_{t=1}^T \\sum_k y_{t,k} \\log \\hat{y}_{t,k}$$\n\n"
    text = RNN + loss + "A target is one-hot: $\\sum_{k=1}^C y_{t,k} = 3$"
    assert verdicts(text) == ["inconclusive"]
    assert verdicts(text.replace("y_{t,k} = 3", "\\hat{y}_{t,k} = 3")) != ["right"]


def test_a_loss_that_is_not_read_is_no_excuse_for_what_does_not_depend_on_it():
    text = RNN + "$$L = \\sum_t \\Psi[\\hat{y}_t | y_t]$$\n\n"
    right = r"$$\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2) W$$"
    assert verdicts(text + right) == ["right"]
    assert verdicts(text + right.replace("h_t^2", "h_{t-1}^2")) == ["wrong"]


def test_a_sum_over_as_many_steps_as_the_document_writes():
    text = (
        RNN
        + r"$$\frac{\partial L}{\partial V} = \sum_{t=1}^{3}"
        + r" \frac{\partial L}{\partial \hat{y}_t} \frac{\partial \hat{y}_t}{\partial V}$$"
    )
    assert verdicts(text) == ["right"]
    (found,) = (f.verdict for f in symbptt.check(text + "\n\nof $h_T$").findings if f.verdict)
    assert (found.verdict, [r.name for r in found.readings]) == ("right-under", ["3 steps"])
    assert verdicts(text + "\n\n$h_4 = \\tanh(W h_3 + U x_4)$")[0] == "wrong"
    assert verdicts(text.replace("t=1", "t=2")) == ["inconclusive"]


LAST_STEP = r"""
$$\frac{\partial L}{\partial h_3} = V^T (\hat{y}_3 - y_3)$$

$$\frac{\partial L}{\partial h_4} = 0$$
"""
SQUARES = r"$$L = \sum_t \frac{1}{2} \|\hat{y}_t - y_t\|^2$$" + "\n"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("The sequence has $T = 3$ steps.", "right-under"),
        ("The sequence has `T = 3` steps.", "right-under"),
        ("## All of $T = 3$ steps\n\n### Backwards", "right-under"),
        ("", "wrong"),
        ("There are $T$ steps.", "wrong"),
        ("The sequence has $T = 5$ steps.", "wrong"),
        ("One has $T = 3$ steps, another $T = 2$.", "wrong"),
        ("For example, if $T = 3$, it is short.\n\n## Backwards", "wrong"),
        ("```python\nT = 3\n```\n\n## Backwards", "wrong"),
        ("The last state is $h_T = 3$.", "wrong"),
    ],
)
def test_the_last_step_is_the_one_that_the_text_says(said, verdict):
    network = RNN.replace(r"\mathrm{softmax}(V h_t)", "V h_t") + SQUARES
    found = symbptt.check(f"{network}{said}\n{LAST_STEP}").findings[-2:]
    assert [f.verdict.verdict for f in found if f.verdict] == [verdict] * 2
    if verdict == "right-under":
        assert all(f.verdict.readings[0].name == "3 steps" for f in found if f.verdict)
    wrong = LAST_STEP.replace("V^T (", "2 V^T (").replace("h_4} = 0", "h_2} = 0")
    found = symbptt.check(f"{network}{said}\n{wrong}").findings[-2:]
    assert [f.verdict.verdict for f in found if f.verdict] == ["wrong"] * 2


@pytest.mark.parametrize("target", ["y_t", "d_t", r"\mathbf{y}_t"])
def test_what_the_output_is_compared_with_is_the_target(target):
    text = PREACTIVATION + RNN.replace("V h_t", "o_t")
    claim = rf"$$\frac{{\partial L}}{{\partial o_t}} = \hat{{y}}_t - {target}$$"
    assert verdicts(text + claim) == ["right-under"]
    assert verdicts(text + claim.replace("=", "= 2")) != ["right-under"]


def test_the_entries_of_a_diagonal_define_a_matrix_before_and_after():
    claim = r"$$\frac{\partial h_t}{\partial h_{t-1}} = D_t W$$" + "\n\n"
    given = r"with $D_{t+1,ii} = 1 - (h_{t+1,i})^2$" + "\n\n"
    assert verdicts(RNN + claim + given + claim) == ["right", "right"]
    assert verdicts(RNN + given + claim.replace("D_t", "D_{t-1}")) == ["wrong"]


def test_wide_commas_and_half_open_intervals():
    text = (
        "$h_t = \\tanh(W h_{t-1} + U x_t)，y_t = V h_t$，$\\tanh'(x) = 1 - \\tanh^2(x) \\in (0, 1]$"
    )
    assert kinds(text) == ["definition", "definition", "claim", "prose"]
    assert verdicts(text) == ["right"]


def test_ranges_typed_in_brackets():
    text = "h_t = tanh(W_hh h_{t-1} + W_xh x_t)\ny_t = W_hy h_t\n\n"
    product = "∂h_t/∂h_k = ∏(i=k+1 to t) [ diag(1 - h_i^2) W_hh ]\n"
    assert verdicts(text + product) == ["right-under"]
    assert verdicts(text + product.replace("k+1", "k")) == ["wrong"]
    assert verdicts(text + "∂L/∂W_hy = Σ(∂L/∂y_t h_t^T)\n") == ["right"]


CHAINS = [
    (r"\frac{\partial h_T}{\partial h_{T-1}} \cdots \frac{\partial h_1}{\partial x_1}", "right"),
    (
        r"\frac{\partial h_T}{\partial h_{T-1}} \cdots \frac{\partial h_1}{\partial x_2}",
        "inconclusive",
    ),
    (r"\frac{\partial h_T}{\partial h_T} \cdots \frac{\partial h_2}{\partial x_1}", "inconclusive"),
    (
        r"\frac{\partial h_1}{\partial x_1} \cdots \frac{\partial h_T}{\partial h_{T-1}}",
        "right",
    ),
]


@pytest.mark.parametrize(("chain", "verdict"), CHAINS)
def test_dots_in_a_chain_that_ends_in_another_kind_of_derivative(chain, verdict):
    claim = rf"$$\frac{{\partial h_T}}{{\partial x_1}} = {chain}$$"
    assert verdicts(RNN + claim) == [verdict]


def test_dots_before_the_last_derivative_of_a_chain():
    claim = (
        r"$$\frac{\partial L_T}{\partial h_1} = \frac{\partial L_T}{\partial h_T} \cdots"
        r" \frac{\partial h_2}{\partial h_1}$$"
    )
    assert verdicts(RNN + claim) == ["right"]
    assert "right" not in verdicts(RNN + claim.replace("h_2}{\\partial h_1", "h_3}{\\partial h_2"))


CELL = r"""$f_t = \sigma(W_f x_t + U_f h_{t-1})$, $g_t = \tanh(W_g x_t + U_g h_{t-1})$

$$c_t = f_t \odot c_{t-1} + g_t, \quad h_t = \tanh(c_t)$$

"""


def test_gates_held_fixed_over_several_steps():
    claim = r"$$\frac{\partial c_T}{\partial c_t} = \prod_{s=t+1}^T \mathrm{diag}(f_s)$$"
    assert verdicts(CELL + claim) == ["right-under"]
    assert verdicts(CELL + claim.replace("t+1", "t")) == ["wrong"]


def test_an_empty_product_at_the_last_step_proves_nothing():
    claim = r"$$[\frac{\partial h_T}{\partial h_t}]_{jj} = \prod_{s=t+1}^T (7 h_{s,j} h_{T+1,j})$$"
    assert verdicts(RNN + claim) == ["inconclusive"]


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("j=k+1}^{t", "right"),
        ("j=t}^{k+1", "right"),  # written from the last factor on
        ("j=t+1}^{k", "inconclusive"),  # I at t = k, where alone it has a meaning
        ("j=k}^{t", "wrong"),
    ],
)
def test_an_empty_product_proves_nothing(over, expected):
    factor = r"\frac{\partial h_j}{\partial h_{j-1}}"
    claim = rf"$$\frac{{\partial h_t}}{{\partial h_k}} = \prod_{{{over}}} {factor}$$"
    assert verdicts(RNN + claim) == [expected]


@pytest.mark.parametrize("factor", ["", "2"])
def test_empty_products_of_what_runs_backwards_prove_nothing_either(factor):
    network = r"$$b_t = \tanh(U x_t + W b_{t+1}), \qquad b_{T+1} = 0$$"
    slope = r"\frac{\partial b_j}{\partial b_{j+1}}"
    claim = rf"$$\frac{{\partial b_t}}{{\partial b_k}} = \prod_{{j=t}}^{{k-1}} {factor} {slope}$$"
    assert verdicts(network + "\n\n" + claim) == ["inconclusive"]


def test_a_sum_that_begins_at_zero_is_not_wrong():
    assert verdicts(RNN + r"$$\frac{\partial L}{\partial W} = 0$$") == ["inconclusive"]


def test_an_error_by_the_letter_of_the_target_is_of_the_output():
    loss = r"$$L = -\sum_t y_t^T \log \hat{y}_t$$" + "\n\n"
    given = RNN.replace("softmax}(V h_t)", "Softmax}(o_t)") + PREACTIVATION + loss
    error = r"$$\delta^{(y)}_t = \hat{y}_t - y_t$$" + "\n\n"
    claim = r"$$\frac{\partial L}{\partial V} = \sum_t \delta^{(y)}_t h_t^T$$"
    assert verdicts(given + error + claim) == ["right"]
    assert verdicts(given + error + claim.replace("h_t", "h_{t-1}")) == ["wrong"]


def test_another_value_by_the_same_letter_is_not_wrong():
    gates = r"$$z_t = \sigma(W_z [x_t, h_{t-1}]), \quad r_t = \sigma(W_r [x_t, h_{t-1}])$$"
    state = r"$$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tanh(W_g [x_t, r_t \odot h_{t-1}])$$"
    values = r"let $A_z = W_z [x_t, h_{t-1}]$, $A_r = W_r [x_t, h_{t-1}]$"
    assert "wrong" not in verdicts("\n\n".join([gates, state, values]))


def test_an_equation_again_for_some_steps_is_of_the_same_model():
    steps = r"$h_1 = \tanh(W h_0 + U x_1)$, …, $h_T = \tanh(W h_{T-1} + U x_T)$" + "\n\n"
    claim = r"$$\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}$$"
    recursion = claim.removesuffix("$$") + (
        r" + \frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}$$"
    )
    text = RNN + r"$$L = \sum_t L_t(\hat{y}_t, d_t)$$" + "\n\n" + steps
    assert verdicts(text + recursion) == ["right", "right", "right"]
    assert verdicts(text.replace("W h_0", "V h_0") + recursion)[0] != "right"


def test_a_step_counted_by_another_letter_in_all_equations():
    text = "$$s_k = \\tanh(W s_{k-1} + U x_k)$$\n\n$$y_k = V s_k$$\n\n"
    claim = r"$$\frac{\partial y_k}{\partial s_{k-1}} = V \mathrm{diag}(1 - s_k^2) W$$"
    assert verdicts(text + claim) == ["right"]
    assert verdicts(text + claim.replace("s_k^2", "s_{k-1}^2")) == ["wrong"]


def test_a_name_that_says_it_is_an_activation_is_applied():
    text = r"$$h_t = h_{act}(W h_{t-1} + U x_t + b)$$" + "\n\n"
    claim = r"$$\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(h_{act}'(W h_{t-1} + U x_t + b)) W$$"
    assert verdicts(text + claim) == ["right"]
    assert verdicts(text + claim.replace("W$$", "U$$")) != ["right"]


def test_entries_of_a_softmax_in_plain_text():
    forward = "h_t = tanh(W h_{t-1} + U x_t)\ny_t = V h_t\nŷ_{t,k} = softmax(y_t)_k = predicted probability\n"
    loss = "L = -∑_{t=1}^{T} ∑_{k=1}^{K} y*_{t,k} · log(ŷ_{t,k})\n\nOf the class c_t:\n\nL = -∑_{t=1}^{T} log(ŷ_{t,c_t})\n\n"
    claim = "∂L/∂V = ∑_t (ŷ_t - y*_t) h_t^T"
    assert verdicts(forward + loss + claim)[-1] == "right"
    assert verdicts(forward + loss + claim.replace("h_t", "h_{t-1}"))[-1] == "wrong"


def test_a_program_does_not_say_anew_what_the_text_says():
    program = "```python\nh_t = tanh(W h_{t-1} + U x_t)\nL = cross_entropy(y, targets)\n```\n\n"
    loss = r"$$L = -\sum_t \sum_k y_{t,k} \log \hat{y}_{t,k}$$" + "\n\n"
    claim = r"$$\frac{\partial L}{\partial V} = \sum_t (\hat{y}_t - y_t) h_t^T$$"
    assert verdicts(RNN + loss + program + claim)[-1] == "right"


def test_the_words_above_a_block_may_be_its_condition():
    given = "```\nh_t = tanh(W h_{t-1} + U x_t)\ny_t = V h_t\nL = ½ Σ_t (y_t - d_t)^2\n```\n\n"
    bound = "```\n‖∂L/∂h_1‖ ≤ ‖∂L/∂h_T‖ · ‖W‖^{T-1}\n```\n"
    assert verdicts(given + bound) == ["wrong"]
    assert verdicts(given + "**If ‖W‖ < 1:**\n" + bound) == ["inconclusive"]


def test_a_derivation_for_numbers_is_no_clash_of_shapes():
    state = "$$s_t = W s_{t-1} + U x_t$$\n\n"
    claim = r"$$\frac{\partial s_2}{\partial W} = s_1 + W s_0$$"
    (found,) = [f.verdict for f in symbptt.check(state + claim).findings if f.verdict]
    assert found.verdict == "inconclusive"
    assert "numbers" in found.reason
    assert verdicts(state + claim.replace("W s_0", "U s_0")) == ["shape-error"]
    turned = claim.replace("W s_0", r"W^{\top} s_0")
    assert verdicts(state + turned) == ["shape-error"]


def test_the_slope_at_a_step():
    given = "$$z_t = W h_{t-1} + U x_t$$\n\n$$h_t = f(z_t)$$\n\n"
    claim = r"$$\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(f'(t)) W$$"
    assert verdicts(given + claim) == ["right"]
    assert verdicts(given + claim.replace("f'(t)", "f'(t) f'(t)")) != ["right"]
    twice = given + "$$y_t = f(o_t)$$\n\n$$o_t = V h_t$$\n\n"
    assert verdicts(twice + claim) == ["inconclusive"]


def test_an_equation_that_does_not_fit_is_not_forgotten():
    output = "$$y_t = V z_t$$\n\n"
    claim = r"$$\frac{\partial L}{\partial z_t} = V^{\top} \frac{\partial L}{\partial y_t}$$"
    assert verdicts(output + claim) == ["right"]
    state = "$$z_t = \\tanh(W z_{t-1}^{x_t})$$\n\n"
    (found,) = [f.verdict for f in symbptt.check(state + output + claim).findings if f.verdict]
    assert found.verdict == "inconclusive"
    assert "forward equation isn't read" in found.reason


def test_a_function_that_bears_its_parameters():
    text = "$$z_t = F_\\theta(z_{t-1}, x_t)$$\n\n$$y_t = H(z_t)$$\n\n"
    text += "$$E = \\sum_t E_t(y_t, d_t)$$\n\n"
    claim = r"$$\frac{\partial E}{\partial z_t} = \frac{\partial E}{\partial y_t} \frac{\partial y_t}{\partial z_t}$$"
    later = r" + \frac{\partial E}{\partial z_{t+1}} \frac{\partial z_{t+1}}{\partial z_t}$$"
    assert verdicts(text + claim.removesuffix("$$") + later) == ["right"]
    assert verdicts(text + claim) == ["inconclusive"]


def test_an_equation_that_says_again_what_a_state_is_of_changes_nothing():
    model = r"$a_t = W h_{t-1} + U x_t$, $h_t = \tanh(a_t)$, "
    again = "so the recurrence is $h_t = f(h_{t-1}, x_t)$.\n\n"
    claim = r"$$\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2) W$$"
    assert verdicts(model + again + claim) == ["right"]
    assert verdicts(model + again + claim.replace("h_t^2", "h_t")) == ["wrong"]


def test_a_loss_by_another_letter_leaves_the_jacobian_its_name():
    loss = "$$L = \\sum_{t=1}^T \\sum_k y_{t,k} \\log \\hat{y}_{t,k}$$\n\n"
    text = RNN + loss + r"Let $J_t = \mathrm{diag}(1 - h_t^2) W$. "
    claim = r"$$\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^t J_j$$"
    assert verdicts(text + claim)[-1] == "right-under"
    assert verdicts(text + claim.replace("k+1", "k"))[-1] == "wrong"


def test_a_product_that_would_run_backwards_is_not_meant():
    model = r"$h_t = \tanh(W h_{t-1} + U x_t)$, $\hat y = V h_T$, $L = \|\hat y - y\|^2$" + "\n\n"
    by = r"\frac{\partial L}{\partial h_%s}"
    chain = rf"$${by % 'k'} = {by % 't'} \prod_{{j=k+1}}^t \frac{{\partial h_j}}{{\partial h_{{j-1}}}}$$"
    assert verdicts(model + chain)[-1] in ("right", "right-under")
    assert verdicts(model + chain.replace("k+1", "k+2"))[-1] not in ("right", "right-under")


def test_a_number_may_have_commas():
    assert (
        verdicts(RNN + r"$64 \times 64 = 4,096$ and $12 \times 1000 = 12{,}000$") == ["right"] * 2
    )
    assert verdicts(RNN + r"$64 \times 64 = 4,097$") == ["wrong"]


ROWS = r"""$$v^{(t)} = h^{(t-1)} H + e^{(t)} I + b$$
$$e^{(t)} = x^{(t)} L$$
$$h^{(t)} = sigmoid(v^{(t)})$$
$$\theta^{(t)} = h^{(t)} U$$
$$\hat{y}^{(t)} = softmax(\theta^{(t)})$$
$$J^{(t)} = CE(y^{(t)}, \hat{y}^{(t)})$$
"""


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (r"\theta^{(t)}} = \hat{y}^{(t)} - y^{(t)}", "right"),
        (r"\theta^{(t)}} = \hat{y}^{(t)} + y^{(t)}", "wrong"),
        (r"e^{(t)}} = \frac{\partial J^{(t)}}{\partial v^{(t)}} I^T", "right"),
        (r"H} = \sum_{i=1}^t \left. \frac{\partial J^{(t)}}{\partial H} \right|_{(i)}", "right"),
        (r"H} = \sum_{i=2}^t \left. \frac{\partial J^{(t)}}{\partial H} \right|_{(i)}", "wrong"),
        (r"H} = \sum_{k=1}^t \frac{\partial J^{(t)}}{\partial H^{(k)}}", "right"),
        (r"H} = \sum_{k=2}^t \frac{\partial J^{(t)}}{\partial H^{(k)}}", "wrong"),
        (r"H}\rvert_t = (h^{(t-1)})^T \frac{\partial J^{(t)}}{\partial v^{(t)}}", "right"),
        (r"H}\rvert_t = (h^{(t)})^T \frac{\partial J^{(t)}}{\partial v^{(t)}}", "wrong"),
    ],
)
def test_a_language_model_by_rows(claim, verdict):
    assert verdicts(ROWS + r"$$\frac{\partial J^{(t)}}{\partial " + claim + "$$") == [verdict]


def test_a_target_that_is_the_next_input_is_no_state():
    fed = "$x_{t+1} = y_t$, " + RNN + "$$L = -\\sum_t \\sum_k y_{t,k} \\log \\hat{y}_{t,k}$$\n\n"
    claim = r"$$\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2) W$$"
    assert verdicts(fed + claim) == ["right"]
    assert verdicts(fed + claim.replace("h_t^2", "h_t")) == ["wrong"]


def test_a_row_of_an_embedding_is_no_loss():
    given = r"Here $L_{x^{(t)}} = e^{(t)}$." + "\n\n"
    by = r"$$\frac{\partial J^{(t)}}{\partial L_{x^{(t)}}} = \frac{\partial J^{(t)}}{\partial %s}$$"
    assert verdicts(ROWS + given + by % "e^{(t)}") == ["right"]
    assert verdicts(ROWS + given + by % "v^{(t)}") in (["wrong"], ["shape-error"])


def test_a_loss_by_capitals_is_no_product():
    model = r"$h_t = \tanh(W h_{t-1} + U x_t)$, $y_t = V h_t$, $J_t = MSE(y_t, d_t)$" + "\n\n"
    claim = r"$$\frac{\partial J_t}{\partial y_t} = y_t - d_t$$"
    assert verdicts(model + claim) == ["inconclusive"]


def test_a_state_whose_equation_is_left_out_makes_nothing_wrong():
    model = r"$a_t = W h_{t-1} + U x_t$, $o_t = V h_t$, %s$\hat y_t = softmax(o_t)$" + "\n\n"
    claim = r"$$\frac{\partial L_t}{\partial a_t} = V^T (\hat y_t - y_t) \odot (1 - h_t^2)$$"
    assert verdicts(model % "" + claim) == ["inconclusive"]
    assert verdicts(model % r"$h_t = \tanh(a_t)$, " + claim) == ["right-under"]
    assert verdicts(model % r"$h_t = \sigma(a_t)$, " + claim) == ["wrong"]


@pytest.mark.parametrize(("lower", "verdict"), [(r"\tau+1", True), (r"\tau", False)])
def test_a_letter_that_a_sum_runs_over_is_not_the_number_of_steps(lower, verdict):
    model = r"$h_t = \tanh(W h_{t-1} + U x_t)$, $z_t = V h_t$, $E = \sum_{t=1}^N E_t$, "
    loss = r"$E_t = \frac{1}{2} \sum_{i=1}^m ((z_t)_i - (y_t)_i)^2$" + "\n\n"
    by = r"\frac{\partial E}{\partial W} = \sum_{t=1}^N \sum_{\tau=1}^t (z_t - y_t)^T V"
    chain = rf"\prod_{{j={lower}}}^t \frac{{\partial h_j}}{{\partial h_{{j-1}}}}"
    claim = rf"$${by} \left( {chain} \right) \frac{{\partial h_\tau}}{{\partial W}}$$"
    assert (verdicts(model + loss + claim)[-1] == "right-under") == verdict
