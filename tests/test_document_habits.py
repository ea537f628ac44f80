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
