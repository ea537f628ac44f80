"""What documents about gated networks write: cells, gates, error terms with several scripts."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.findings import Finding
from symbptt.check.judging import check_document

LSTM = r"""
$$f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)$$
$$i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i)$$
$$o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)$$
$$\tilde{C}_t = \tanh(W_c x_t + U_c h_{t-1} + b_c)$$
$$C_t = f_t \odot C_{t-1} + i_t \odot \tilde{C}_t$$
$$h_t = o_t \odot \tanh(C_t)$$
"""
GRU = r"""
$$a^z_t = W_z x_t + U_z h_{t-1}, \qquad z_t = \sigma(a^z_t)$$
$$a^r_t = W_r x_t + U_r h_{t-1}, \qquad r_t = \sigma(a^r_t)$$
$$a^h_t = W x_t + U (r_t \odot h_{t-1}), \qquad g_t = \tanh(a^h_t)$$
$$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot g_t$$
"""


def claims(text: str) -> list[Finding]:
    return [x for x in check_document(Document(text, "a.md")).findings if x.kind == "claim"]


def verdicts(text: str) -> list[str]:
    return [x.verdict.verdict for x in claims(text) if x.verdict is not None]


@pytest.mark.parametrize(("factor", "verdict"), [("i_t", "right"), ("f_t", "wrong")])
def test_a_letter_of_losses_with_a_tilde_is_no_loss(factor, verdict):
    claim = rf"\frac{{\partial L}}{{\partial \tilde{{C}}_t}} = \frac{{\partial L}}{{\partial C_t}} \odot {factor}"
    assert verdicts(f"{LSTM}$${claim}$$") == [verdict]


def test_an_equation_that_trails_off_begins_no_other_model():
    claim = r"\frac{\partial L}{\partial f_t} = \frac{\partial L}{\partial C_t} \odot C_{t-1}"
    text = rf"{LSTM}Since $C_{{t+1}} = f_{{t+1}} \odot C_t + \cdots$ we have $${claim}$$"
    assert verdicts(text)[-1] == "right"


@pytest.mark.parametrize(("factor", "verdict"), [("(1 - r_t)", "right"), ("r_t", "wrong")])
def test_the_name_of_a_quantity_may_stand_in_two_scripts(factor, verdict):
    claim = rf"\delta^r_{{a,t}} = \delta^r_t \odot r_t \odot {factor}"
    assert verdicts(f"{GRU}$${claim}$$") == [verdict]


def test_a_part_of_a_gradient_that_nothing_defines_is_not_guessed():
    claim = r"\frac{\partial L}{\partial h_t} = V^T \frac{\partial L}{\partial y_t} + \delta^{h,\text{elsewhere}}_t"
    found = claims(f"{LSTM}$$y_t = V h_t$$\n$${claim}$$")[-1].verdict
    assert found is not None
    assert (found.verdict, found.reason) == ("inconclusive", "delta_h_elsewhere is not defined")


@pytest.mark.parametrize(
    "sign", [r"\mathrel{+}=", r"\mathrel{+{=}}", r"\mathrel{+}\mathrel{=}", "+&="]
)
def test_an_assignment_that_adds_however_it_is_set(sign):
    claim = rf"\frac{{\partial L}}{{\partial b_f}} {sign} \frac{{\partial L}}{{\partial f_t}} \odot f_t \odot (1 - f_t)"
    assert verdicts(f"{LSTM}$${claim}$$") == ["right"]


def test_an_escaped_underscore_keeps_a_word_together():
    text = rf"{LSTM}Let $d\_out = \frac{{\partial L}}{{\partial h_t}}$."
    assert set(verdicts(text)) <= {"right", "right-under"}


OUTPUT = r"$$y_t = V h_t$$"
BY_Y = r"V^T \frac{\partial L}{\partial y_t}"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (rf"\delta^h_t = {BY_Y} + \delta^{{h,\text{{future}}}}_t", "right-under"),
        (
            rf"\frac{{\partial L}}{{\partial h_t}} = 2 {BY_Y} + \delta^{{h,\text{{future}}}}_t",
            "inconclusive",
        ),
        (rf"dh_t = {BY_Y} + dh_{{next}}", "right"),
    ],
)
def test_what_comes_from_later_steps_may_have_a_name_of_its_own(claim, verdict):
    assert verdicts(f"{LSTM}{OUTPUT}\n$${claim}$$")[-1] == verdict


def test_what_later_steps_hand_back_keeps_its_name():
    named = rf"\delta^h_t = {BY_Y} + \delta^{{h,\text{{future}}}}_t"
    gates = "+".join(rf"U_{g}^T \delta^{g}_{{a,t}}" for g in "zrh")
    for factor, verdict in (("z_t", "right"), ("r_t", "wrong")):
        back = rf"\delta^{{h,\text{{future}}}}_{{t-1}} = \delta^h_t \odot {factor} + {gates}"
        model = GRU.replace("U (r_t", "U_h (r_t")
        if verdict == "right":
            back = back.replace(r"U_h^T \delta^h_{a,t}", r"r_t \odot U_h^T \delta^h_{a,t}")
        assert verdicts(f"{model}{OUTPUT}\n$${named}$$\n$${back}$$")[-1] == verdict


@pytest.mark.parametrize(
    ("factors", "expected"),
    [("f_t * (1 - f_t)", ["right-under", "right"]), ("f_t", ["wrong", "right-under"])],
)
def test_a_gradient_may_bear_the_name_of_the_gate_and_be_by_its_argument(factors, expected):
    text = f"{LSTM}$$df_t = dC_t * C_{{t-1}} * {factors}$$\n$$db_f += df_t$$"
    assert verdicts(text) == expected


def test_an_array_may_be_no_more_than_rows_of_formulas():
    rows = [line.strip("$") for line in LSTM.split("\n") if line]
    text = r"$$\begin{array}{c}" + " \\\\\n".join(rows) + r"\end{array}$$"
    claim = r"\frac{\partial L}{\partial f_t} = \frac{\partial L}{\partial C_t} \odot C_{t-1}"
    assert verdicts(f"{text}\n$${claim}$$") == ["right"]


def test_a_row_that_begins_with_a_sign_belongs_to_the_row_above():
    claim = (
        r"\begin{array}{c} \frac{\partial L}{\partial x_t} = W_f^T \delta^f_{a,t} \\"
        "\n" r"+ W_i^T \delta^i_{a,t} + W_o^T \delta^o_{a,t} \\ + W_c^T \delta^c_{a,t} "
        r"\\ h_t = o_t \odot \tanh(C_t \end{array}"
    )  # fmt: skip
    gates = "".join(
        rf"$$a^{g}_t = W_{g} x_t + U_{g} h_{{t-1}} + b_{g}$$"
        "\n" for g in "fioc"
    )  # fmt: skip
    assert verdicts(f"{LSTM}{gates}$${claim}$$")[0] == "right"


def test_a_line_that_says_an_equation_in_words_begins_no_other_model():
    text = LSTM.replace(r"\tilde{C}_t$$" "\n$$h", r"\tilde{C}_t$$" "\n\n$$= kept + new$$\n\n$$h")
    assert "kept" in text
    claim = r"\frac{\partial L}{\partial f_t} = \frac{\partial L}{\partial C_t} \odot C_{t-1}"
    assert verdicts(f"{text}$${claim}$$")[-1] == "right"


def test_a_name_for_the_argument_of_a_gate_given_late():
    text = f"{LSTM}$$f_t = \\sigma(W_{{fx}} x_t + W_{{fh}} h_{{t-1}})$$\n"
    claim = r"\frac{\partial L}{\partial b_f} += \frac{\partial L}{\partial f_t} \odot \sigma'(f_t^{pre})"
    late = r"where $f_t^{pre} = W_f x_t + U_f h_{t-1} + b_f$"
    assert "wrong" not in verdicts(f"{text}$${claim}$$\n{late}")
    assert verdicts(f"{LSTM}$${claim}$$") == ["right-under"]


def test_what_a_delta_is_given_as_it_stands_for():
    claims = r"""$$\delta_C^t = \frac{\partial L}{\partial C_t}$$
$$\Delta C = o_t \odot (1 - \tanh^2(C_t))$$
$$\delta_C^t = \frac{\partial L}{\partial h_t} \odot \Delta C + \delta_C^{t+1} \odot f_{t+1}$$"""
    assert verdicts(f"{LSTM}{claims}") == ["right", "right"]


def test_a_gradient_that_is_stated_is_not_defined_anew():
    claims = r"""$$\delta_C^t = \frac{\partial L}{\partial C_t}$$
$$\delta_C^t = \frac{\partial L}{\partial h_t} \odot o_t$$"""
    assert verdicts(f"{LSTM}{claims}") == ["right", "wrong"]


def test_a_loss_that_cannot_be_read_decides_nothing():
    claim = r"$$\frac{\partial L}{\partial b_f} = \sum_t \frac{\partial L}{\partial o_t} \odot i_t \odot i_t$$"
    unread = r"$$L(t) = \left\{ \begin{array}{ll} l(t) & \text { if } t < ( \end{array} \right.$$"
    assert verdicts(f"{LSTM}{claim}") == ["wrong"]
    assert verdicts(f"{LSTM}{unread}\n{claim}") == ["inconclusive"]


def test_a_gate_is_of_the_argument_that_is_given_last():
    anew = r"""$$\text{net}_f^t = W_f x_t + U_f h_{t-1} + b_f$$
$$\text{net}_f^t = W_{fx} x_t + W_{fh} h_{t-1} + b_f$$
$$f_t = \sigma(\text{net}_f^t)$$
"""
    claims = r"""$$\frac{\partial f_t}{\partial \text{net}_f^t} = diag(f_t \odot (1 - f_t))$$
$$\frac{\partial L}{\partial W_{fx}} = \sum_t \frac{\partial L}{\partial \text{net}_f^t} x_t^T$$"""
    assert verdicts(f"{LSTM}{anew}{claims}") == ["right", "right"]


@pytest.mark.parametrize("name", [r"\mathbf{n e t}", r"\mathbf{n} \mathbf{e} \mathbf{t}"])
def test_a_word_in_bold_letters_with_gaps_is_one_name(name):
    given = rf"$${name}_{{f,t}} = W_f x_t + U_f h_{{t-1}} + b_f$$"
    claim = rf"$$\frac{{\partial f_t}}{{\partial {name}_{{f,t}}}} = diag(f_t \odot (1 - f_t))$$"
    assert verdicts(f"{LSTM}{given}\n{claim}") == ["right"]


def test_a_formula_of_functions_and_letters_alone_is_not_guessed():
    assert verdicts(rf"{LSTM}$$\sigma'(z) = y (1 - y)$$") == ["inconclusive"]
    assert verdicts(rf"{LSTM}$$\sigma'(z) = \sigma(z) (1 - \sigma(z))$$") == ["right"]


def test_an_index_in_brackets_is_no_part_of_a_name():
    text = "i_t = σ(Wi·x_t + Ui·h_{t-1} + bi)\nh_t = tanh(W·i_t + b)\nL = Σ_{t=1}^{T} L_t(h_t)\n"
    claim = "∂L/∂b[i] = Σ_t ∂L/∂h_t[i] · (1 - h_t[i]²)\n"
    (found,) = verdicts(f"```\n{text}{claim}```\n")
    assert found != "wrong"
    assert found != "shape-error"


@pytest.mark.parametrize(("factor", "verdict"), [("(1 - f_t)", "right-under"), ("f_t", "wrong")])
def test_derivatives_with_gaps_are_passed_over_to_the_first_side(factor, verdict):
    chain = (
        r"\frac{\partial L}{\partial C_t} \cdot \frac{\partial C_t}{\partial f_t} \cdot "
        r"\frac{\partial f_t}{\partial a_f} \frac{\partial a_f}{\partial W_f}"
    )
    value = rf"\frac{{\partial L}}{{\partial C_t}} \cdot C_{{t-1}} \cdot f_t {factor} \cdot x_t^T"
    text = rf"{LSTM}$$\frac{{\partial L}}{{\partial W_f}} = {chain} = {value}$$"
    assert verdicts(text)[-1] == verdict


def test_a_letter_of_the_model_in_a_script_is_no_step():
    claim = r"$$\frac{\partial L}{\partial a_C} = \frac{\partial L}{\partial h_t} \odot o_t$$"
    assert verdicts(f"{LSTM}{claim}") == ["inconclusive"]


def test_zero_equal_to_zero_is_no_evidence():
    text = f"{LSTM}$$y_t = \\tanh(q)$$\n$$" + r"\frac{\partial L}{\partial o_t} = "
    for factors in (r"\tanh(C_t)", r"\tanh(C_t) \odot f_t"):
        wrong = text + rf"\frac{{\partial L}}{{\partial h_t}} \odot {factors}$$"
        assert verdicts(wrong) == ["inconclusive"]


def test_a_hat_beside_an_output_without_one_is_not_the_target():
    model = f"{LSTM}$$y_t = \\operatorname{{softmax}}(V h_t + c)$$\n"
    text = model + r"$$\delta = \hat{y}_t - y_t$$ $$dV += \delta h_t^T$$ $$dc += \delta$$"
    assert "wrong" not in verdicts("The loss is the cross-entropy.\n" + text)


def test_what_differs_from_a_state_of_another_step_is_not_the_target():
    text = GRU + r"$$\frac{\partial L}{\partial z_t} = "
    text += r"\frac{\partial L}{\partial h_t} \odot (h_{t-1} - \tilde{h}_t)$$"
    assert verdicts(text) == ["inconclusive"]


@pytest.mark.parametrize(("factor", "verdict"), [("r_t * (1 - r_t)", "right-under"),
                                                 ("r_t", "wrong")])  # fmt: skip
def test_two_gradients_of_one_formula_may_be_by_arguments(factor, verdict):
    text = r"""
$$r_t = \sigma(W_r x_t + U_r h_{t-1})$$ $$z_t = \sigma(W_z x_t + U_z h_{t-1})$$
$$n_t = \tanh(W x_t + r_t \odot (U h_{t-1}))$$ $$h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}$$
"""
    text += rf"$$dr_t = (U h_{{t-1}}) * dn_t * {factor}$$"
    text += "\n$$dn_t = dh_t * (1 - z_t) * (1 - n_t^2)$$"
    assert verdicts(text)[0] == verdict


def test_words_may_stand_before_a_gradient():
    text = LSTM + r"$$\text{forget gate:} \quad df_t = dC_t * C_{t-1} * f_t * (1 - f_t)$$"
    assert verdicts(text) == ["right-under"]


def test_a_differential_of_what_the_model_has_not_is_not_guessed():
    assert verdicts(LSTM + r"$$dh_t = dy_t + dh_{next}$$") == ["inconclusive"]


@pytest.mark.parametrize(("factor", "verdict"), [("", "right"), ("h_{t-1}", "shape-error")])
def test_a_full_stop_may_be_a_product(factor, verdict):
    stacked = LSTM.replace(" x_t + U_", ".[h_{t-1}, x_t] + U_")
    for g in "fioc":
        stacked = stacked.replace(f" + U_{g} h_{{t-1}}", "")
    claim = r"\frac{\partial L}{\partial W_f} = \sum_t \frac{\partial L}{\partial a^f_t}.[h_{t-1}, x_t]^T"
    if factor:
        claim = claim.replace("[h_{t-1}, x_t]", factor)
    text = stacked.replace("$$f_t = ", "$$a^f_t = ", 1).replace(r"\sigma(W_f", "W_f", 1)
    text = text.replace("b_f)$$", "b_f$$\n$$f_t = \\sigma(a^f_t)$$")
    assert verdicts(f"{text}$${claim}$$") == [verdict]


def test_what_nothing_tells_from_other_names_is_no_argument_of_some_gate():
    claim = r"\frac{\partial L}{\partial W_f} = \frac{\partial L}{\partial f_t} z_t^T"
    found = claims(f"{LSTM}$${claim}$$")[0].verdict
    assert found is not None
    assert (found.verdict, found.reason) == ("inconclusive", "z is not defined")


PRE = r"\frac{\partial L}{\partial z_o[i]}"
BY_O = r"\frac{\partial L}{\partial o_t[i]}"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (rf"{PRE} = {BY_O} \sigma'(z_o[i])", "right-under"),
        (rf"{PRE} = {BY_O} \sigma'(o_t[i])", "right-under"),
        (rf"{PRE} = {BY_O} o_t[i] (1 - o_t[i])", "right-under"),
        (rf"{PRE} = {BY_O} o_t[i]", "wrong"),
        (rf"{PRE} = {BY_O} \sigma'(C_t[i])", "wrong"),
    ],
)
def test_a_letter_in_brackets_behind_a_step_counts_entries_everywhere(claim, verdict):
    assert verdicts(f"{LSTM}$${claim}$$") == [verdict]
    entry = r"\frac{\partial L}{\partial z_o} = \frac{\partial L}{\partial o_t} \odot o_t \odot (1 - o_t)"
    both = verdicts(f"{LSTM}$${entry}$$\n$${claim}$$")
    assert both[0] == "right-under"
    assert both[1].startswith("right") is verdict.startswith("right")


def test_what_a_function_was_of_may_get_its_name_later():
    model = rf"{LSTM}$$y_t = \tanh(V h_t + b)$$ where $$y_t = \tanh(z_y)$$ $$z_y = V h_t + b$$"
    by_h = r"\frac{\partial L}{\partial o_t} = \frac{\partial L}{\partial h_t} \odot"
    assert verdicts(rf"{model}$${by_h} \tanh(C_t)$$") == ["right"]
    assert verdicts(rf"{model}$${by_h} C_t$$") == ["wrong"]


@pytest.mark.parametrize("later", [False, True])
def test_the_argument_of_what_a_step_gives_has_that_step(later):
    own, use = r"$$z_f = W_f x_t + U_f h_{t-1} + b_f$$", r"$$f_t = \sigma(z_f)$$"
    rest = LSTM.replace(r"$$f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)$$", "")
    model = f"{use}{rest}{own}" if later else f"{own}{use}{rest}"
    by_c = r"\frac{\partial L}{\partial C_t} \odot C_{t-1}"
    claim = rf"$$\frac{{\partial L}}{{\partial z_f}} = {by_c} \odot f_t"
    assert verdicts(rf"{model}{claim} \odot (1 - f_t)$$") == ["right"]
    assert verdicts(f"{model}{claim}$$") == ["wrong"]
    by_w = r"$$\frac{\partial L}{\partial U_f} = \sum_t \frac{\partial L}{\partial z_f} h_{t-1}^T$$"
    assert verdicts(f"{model}{by_w}") == ["right"]


@pytest.mark.parametrize(("entry", "right"), [("V[i,j]", True), ("V[j,i]", False)])
def test_two_letters_in_brackets_are_an_entry_of_a_matrix(entry, right):
    claim = r"\frac{\partial L}{\partial h_t[j]} = \sum_i \frac{\partial L}{\partial y_t[i]}"
    claim = claim.replace(r"\partial L", r"\partial L_t")
    (found,) = verdicts(rf"{LSTM}$$y_t = V h_t$$ $${claim} {entry}$$")
    assert found.startswith("right") is right


@pytest.mark.parametrize("name", [r"\text{concat}_t", r"\text{concat}"])
@pytest.mark.parametrize(("factor", "expected"), [("f_t * (1 - f_t)", "right"), ("f_t", "wrong")])
def test_concat_may_be_the_name_of_the_stacked_operand(name, factor, expected):
    gates = "".join(rf"$${g}_t = \sigma(W_{g} {name} + b_{g})$$" for g in "fio")
    model = rf"$${name} = [h_{{t-1}}; x_t]$$ {gates} $$\tilde{{C}}_t = \tanh(W_c {name} + b_c)$$"
    model += r"$$C_t = f_t * C_{t-1} + i_t * \tilde{C}_t$$ $$h_t = o_t * \tanh(C_t)$$"
    by_f = rf"(\frac{{\partial L}}{{\partial C_t}} * C_{{t-1}} * {factor})"
    claim = rf"$$\frac{{\partial L}}{{\partial W_f}} = \sum_t {by_f} {name}^T$$"
    assert verdicts(model + claim) == [expected]


@pytest.mark.parametrize(("earlier", "expected"), [("0", ["right", "right"]), ("1", ["right"])])
def test_an_array_behind_a_brace_may_be_of_cases(earlier, expected):
    rows = rf"1 & \text{{ if }} t = k \\ {earlier} & \text{{ if }} t < k"
    value = rf"\left\{{\begin{{array}}{{ll}} {rows} \end{{array}}\right."
    claim = rf"$$\frac{{\partial h_t}}{{\partial h_k}} = {value}$$"
    found = verdicts(r"$$h_t = \tanh(W x_t + U h_{t-1})$$" + claim)
    assert found[: len(expected)] == expected
    assert len(found) == 2
    assert (found[1] == "right") == (earlier == "0")


def test_a_value_along_some_paths_is_read_but_not_decided():
    value = r"\left.\frac{\partial h_t}{\partial C_t}\right|_{\text{via } h} = o_t"
    assert verdicts(f"{LSTM}$${value}$$") == ["inconclusive"]


def test_an_equation_that_says_in_which_set_its_value_is():
    forward = LSTM.replace("b_f)$$", r"b_f) \in (0, 1)^{d}$$").replace(
        "b_i)$$", r"b_i) \in (0, 1)^{d}$$"
    )
    named = r"Since $f_t = \sigma(a_f)$ and $i_t = \sigma(a_i)$, "
    claim = r"\frac{\partial L}{\partial W_f} = \sum_t \frac{\partial L}{\partial a_f} x_t^T"
    assert verdicts(rf"{forward}{named}$${claim}$$")[-1] != "inconclusive"
    path = r"\frac{\partial C_t}{\partial C_{t-1}} = \operatorname{diag}(f_t)"
    assert verdicts(rf"{forward}{named}$${path}$$")[-1] == "right-under"  # not the whole


@pytest.mark.parametrize(("slope", "verdict"), [(r"\tilde{C}_t^2", "right"), ("C_t^2", "wrong")])
def test_a_name_that_a_line_below_gives_to_an_argument(slope, verdict):
    claim = (
        r"\frac{\partial L}{\partial a_c} = "
        rf"\frac{{\partial L}}{{\partial \tilde{{C}}_t}} \odot (1 - {slope})"
    )
    assert verdicts(rf"{LSTM}Since $\tilde{{C}}_t = \tanh(a_c)$, $${claim}$$")[-1] == verdict


@pytest.mark.parametrize(("weight", "verdict"), [("W_{hh}^T", "right"), ("W_{hh}", "wrong")])
def test_an_argument_that_is_written_out_below_in_other_weights(weight, verdict):
    forward = r"""
$$z_t = \sigma(W_z [h_{t-1}, x_t] + b_z)$$
$$r_t = \sigma(W_r [h_{t-1}, x_t] + b_r)$$
$$\tilde{h}_t = \tanh(W_h [r_t \odot h_{t-1}, x_t] + b_h)$$
$$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde{h}_t$$
Since $\tilde{h}_t = \tanh(a_h)$, where $a_h = W_{hh} (r_t \odot h_{t-1}) + W_{xh} x_t + b_h$,
"""
    claim = rf"\frac{{\partial L}}{{\partial r_t}} = ({weight} \delta_t^{{a_h}}) \odot h_{{t-1}}"
    assert verdicts(f"{forward}$${claim}$$")[-1] == verdict


@pytest.mark.parametrize(
    ("term", "verdict"), [(r"\delta^c_{t+1}", "right"), (r"2 \delta^c_{t+1}", "wrong")]
)
def test_the_loss_of_the_future_reaches_a_state_through_later_steps_alone(term, verdict):
    text = rf"""{LSTM}
Let $\delta^h_t \equiv \frac{{\partial L}}{{\partial h_t}}$ and
$\delta^c_{{t+1}} \equiv \frac{{\partial L_{{\text{{future}}}}}}{{\partial C_t}}$. Then
$$\frac{{\partial L}}{{\partial C_t}} = {term} + \delta^h_t \odot o_t \odot (1 - \tanh^2(C_t))$$"""
    assert verdicts(text)[-1] == verdict


@pytest.mark.parametrize(("value", "verdict"), [("e^{(t)}", "right"), ("g^{(t)}", "wrong")])
def test_a_letter_with_a_step_in_brackets_is_no_power(value, verdict):
    text = rf"""
$$g^{{(t)}} = \sigma(W_g h^{{(t-1)}} + U_g x^{{(t)}})$$
$$e^{{(t)}} = \tanh(W_e h^{{(t-1)}} + U_e x^{{(t)}})$$
$$h^{{(t)}} = h^{{(t-1)}} + g^{{(t)}} \circ e^{{(t)}}$$
$$\frac{{\partial L}}{{\partial g^{{(t)}}}} = \frac{{\partial L}}{{\partial h^{{(t)}}}} \circ {value}$$"""
    assert verdicts(text)[-1] == verdict


@pytest.mark.parametrize(("factor", "verdict"), [("", "right"), ("2", "wrong")])
def test_a_derivative_by_the_copies_of_a_parameter(factor, verdict):
    copies = r"\sum_{k=1}^{T} \frac{\partial L}{\partial W_f^{(k)}}"
    claim = rf"\frac{{\partial L}}{{\partial W_f}} = {factor} {copies}"
    assert verdicts(f"{LSTM}$${claim}$$")[-1] == verdict


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (r"\frac{\partial a^z_t}{\partial x_t} = W_{z,x}", "right-under"),
        (r"\frac{\partial a^z_t}{\partial x_t} = W_{zx}", "right-under"),
        (
            r"\frac{\partial L}{\partial W_{z}} = \frac{\partial L}{\partial a^z_t} W_{z,x}",
            "inconclusive",
        ),
        (r"\frac{\partial a^z_t}{\partial x_t} = W_{z,h}", "inconclusive"),
    ],
)
def test_the_part_of_a_matrix_that_meets_one_of_stacked_vectors(claim, verdict):
    text = r"$$a^z_t = W_z [h_{t-1}, x_t], \qquad z_t = \sigma(a^z_t), \qquad h_t = z_t \odot h_{t-1}$$"
    assert verdicts(f"{text}$${claim}$$")[-1] == verdict


def test_a_capital_that_counts_no_steps_ends_no_sum_over_them():
    text = r"""
$$f^{(t)} = \sigma(W h^{(t-1)} + U x^{(t)})$$
$$h^{(t)} = f^{(t)} \circ h^{(t-1)} + x^{(t)}$$"""
    whole = r"\sum_{m=1}^{D} \frac{\partial L}{\partial h_m^{(k)}} \frac{\partial h_m^{(k)}}{\partial f_p^{(k)}}"
    claim = rf"{whole} = \frac{{\partial L}}{{\partial h_p^{{(k)}}}} h_p^{{(k-1)}}"
    assert verdicts(f"{text}$${claim}$$")[-1] not in {"wrong", "shape-error"}


PATHS = r"\frac{\partial C_t}{\partial f_t} \frac{\partial f_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial C_{t-1}} + \frac{\partial C_t}{\partial i_t} \frac{\partial i_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial C_{t-1}} + \frac{\partial C_t}{\partial \tilde{C}_t} \frac{\partial \tilde{C}_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial C_{t-1}}"
STATE = r"\frac{\partial C_t}{\partial C_{t-1}}"


def test_a_derivative_may_be_a_path_of_its_own_chain_rule():
    (found,) = claims(f"{LSTM}$${STATE} = {PATHS} + {STATE}$$")
    assert found.verdict is not None
    assert [r.name for r in found.verdict.readings] == ["direct path on the right"]
    short = PATHS.rpartition(" + ")[0]
    assert verdicts(f"{LSTM}$${STATE} = {short} + {STATE}$$") != ["right-under"]


CARRIED = r"""
$$f_t = \sigma(W_f x_t + U_f h_{t-1})$$
$$\tilde{C}_t = \tanh(W_c x_t + U_c h_{t-1})$$
$$C_t = f_t \odot C_{t-1} + (1 - f_t) \odot \tilde{C}_t$$
$$h_t = \tanh(C_t)$$
"""


@pytest.mark.parametrize("code", ["", "```python\nc_bar = np.tanh(z_c)\n```\n"])
def test_a_letter_that_tells_parameters_apart_counts_no_steps(code):
    left = r"\frac{\partial L}{\partial z_c}"
    claim = (
        rf"{left} = \frac{{\partial L}}{{\partial C_t}} \odot (1 - f_t) \odot (1 - \tilde{{C}}_t^2)"
    )
    (found,) = claims(f"{CARRIED}\n{code}\n$${claim}$$")
    assert found.verdict is not None
    assert [r.name for r in found.verdict.readings] == ["z_c is the argument of C_tilde"]
    assert verdicts(f"{CARRIED}\n{code}\n$${claim.replace('(1 - f_t)', 'f_t')}$$") == ["wrong"]


RESET = r"""
$$r_t = \sigma(U h_{t-1} + V x_t)$$
$$n_t = \tanh(W (r_t \odot h_{t-1}) + Q x_t)$$
$$h_t = (1 - u_t) \odot h_{t-1} + u_t \odot n_t$$
"""
HELD = r"\frac{\partial n_t}{\partial h_{t-1}}"
THROUGH = r"\frac{\partial n_t}{\partial r_t} \frac{\partial r_t}{\partial h_{t-1}}"


@pytest.mark.parametrize(
    ("paths", "verdict"),
    [
        (rf"diag(u_t) {HELD} + diag(u_t) {THROUGH}", "right-under"),
        (rf"diag(u_t) ({HELD} + {THROUGH})", "right-under"),
        (rf"diag(u_t) ({HELD} + 2 {THROUGH})", "wrong"),
        (rf"diag(u_t) ({HELD} - {THROUGH})", "wrong"),
        (rf"diag(u_t) {HELD}", "right"),
        (rf"diag(u_t) {THROUGH}", "wrong"),
    ],
)
def test_what_another_term_goes_along_is_held_fixed(paths, verdict):
    left = r"\frac{\partial h_t}{\partial h_{t-1}}"
    (found,) = claims(f"{RESET}$${left} = diag(1 - u_t) + {paths}$$")
    assert found.verdict is not None
    assert found.verdict.verdict == verdict
    expected = ["direct path on the right"] if verdict == "right-under" else []
    assert [r.name for r in found.verdict.readings] == expected


def test_a_correction_empties_no_derivative():
    """``∂f_t/∂h_t`` for ``∂f_t/∂h_{t-1}`` would leave ``∂C_t/∂C_{t-1} = ∂C_t/∂C_{t-1}``."""
    (found,) = claims(f"{LSTM}$${STATE} = 2 {PATHS} + {STATE}$$")
    assert found.verdict is not None
    assert found.verdict.correction is None or "h_t}" not in found.verdict.correction.text


STACKED = r"""
$$\begin{pmatrix} i \\ f \\ o \\ g \end{pmatrix} =
\begin{pmatrix} \sigma \\ \sigma \\ \sigma \\ \tanh \end{pmatrix} W \begin{pmatrix} h_{t-1} \\ x_t \end{pmatrix}$$
$$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
"""
ROWS = r"""
$$\begin{bmatrix} a^i_t \\ a^f_t \\ a^g_t \end{bmatrix} = W x_t + U h_{t-1} + b$$
$$i_t = \sigma(a^i_t), \quad f_t = \sigma(a^f_t), \quad g_t = \tanh(a^g_t)$$
$$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = \tanh(c_t)$$
"""


@pytest.mark.parametrize(
    ("forward", "claim", "expected"),
    [
        (STACKED, r"\frac{\partial L}{\partial i} = \frac{\partial L}{\partial c_t} \odot g", "right"),
        (STACKED, r"\frac{\partial L}{\partial i} = \frac{\partial L}{\partial c_t} \odot f", "wrong"),
        (ROWS, r"\frac{\partial L}{\partial a^f_t} = \frac{\partial L}{\partial c_t} \odot c_{t-1} \odot f_t \odot (1 - f_t)", "right"),
        (ROWS, r"\frac{\partial L}{\partial a^f_t} = \frac{\partial L}{\partial c_t} \odot c_t \odot f_t \odot (1 - f_t)", "wrong"),
        (ROWS, r"\frac{\partial L}{\partial b} = \sum_t [\frac{\partial L}{\partial a^i_t}; \frac{\partial L}{\partial a^f_t}; \frac{\partial L}{\partial a^g_t}]", "right"),
        (ROWS, r"\frac{\partial L}{\partial b} = \sum_t [\frac{\partial L}{\partial a^f_t}; \frac{\partial L}{\partial a^i_t}; \frac{\partial L}{\partial a^g_t}]", "wrong"),
    ],
)  # fmt: skip
def test_gates_may_be_given_all_at_once(forward, claim, expected):
    assert verdicts(f"{forward}$${claim}$$") == [expected]


RESIDUAL = r"$$h_t = \tanh(W s_{t-1})$$ $$s_t = s_{t-1} + h_t$$"


@pytest.mark.parametrize(
    "through", [r"\frac{\partial h_t}{\partial s_{t-1}}", r"\frac{d h_t}{d s_{t-1}}"]
)
@pytest.mark.parametrize(
    ("left", "own"), [("dd", "∂∂"), ("∂∂", "∂+∂"), ("dd", "∂+∂"), ("dd", "dd"), ("∂∂", "∂∂")]
)
def test_the_direct_path_may_have_another_sign_than_the_whole(left, own, through):
    def of(signs: str) -> str:
        above, below = signs[:-1].replace("∂", "\\partial").replace("+", "^+"), signs[-1]
        return rf"\frac{{{above} s_t}}{{{below} s_{{t-1}}}}".replace("∂", "\\partial")

    path = rf"\frac{{\partial s_t}}{{\partial h_t}} {through}"
    assert verdicts(f"{RESIDUAL}$${of(left)} = {path} + {of(own)}$$") == ["right-under"]
    twice = claims(f"{RESIDUAL}$${of(left)} = 2 {path} + {of(own)}$$")[-1].verdict
    assert twice is not None
    assert not twice.verdict.startswith("right")
    assert twice.correction is None or path in twice.correction.text  # never d s_t = ∂ s_t


@pytest.mark.parametrize(
    ("product", "verdict"),
    [
        (r"f_t \odot f_{t-1}", "right-under"),
        (r"f_{t-1} \odot f_{t-2}", "wrong"),
        (r"f_t \odot f_{t-1} \odot f_{t-2}", "wrong"),
    ],
)
def test_a_cell_may_hand_back_over_several_steps(product, verdict):
    claim = r"\frac{\partial L}{\partial C_{t-2}} = \frac{\partial L}{\partial C_t} \odot "
    assert verdicts(f"{LSTM}$${claim}{product}$$") == [verdict]


@pytest.mark.parametrize(("last", "verdict"), [("k-1", "right-under"), ("k", "wrong")])
def test_a_cell_may_hand_back_over_any_number_of_steps(last, verdict):
    claim = r"\frac{\partial L}{\partial C_{t-k}} = \frac{\partial L}{\partial C_t} \odot "
    product = rf"\prod_{{j=0}}^{{{last}}} f_{{t-j}}"
    assert verdicts(f"{LSTM}$${claim}{product}$$") == [verdict]


PRODUCT = r"""
$$r_t = \sigma(W_r x_t + U_r h_{t-1}), \quad z_t = \sigma(W_z x_t + U_z h_{t-1})$$
$$g_t = \tanh(W_g x_t + U_g (r_t \odot h_{t-1}))$$
$$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot g_t$$
"""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"d_{r_t} = d_{r \odot h} \odot h_{t-1}", "right"),
        (r"d_{r_t} = d_{r \odot h} \odot h_t", "wrong"),
        (
            r"e_{h_{t-1}}^{(2)} = d_{r \odot h} \odot r_t$$ $$d_{r_t} = d_{r \odot h} \odot h_{t-1}",
            "right",
        ),
        (r"d_{r_t} = d_{r \odot h} \odot r_t", "wrong"),
        (r"\delta^r_t = \delta^{r \odot h}_t \odot h_{t-1}", "right"),
        (r"\delta_{r_t} = \delta_{r_t \odot h_{t-1}} \odot h_{t-1}", "right"),
        (r"\delta_{r \odot h} = U_g^T (\delta_{g_t} \odot (1 - g_t^2))", "right"),
        (r"\delta_{r \odot h} = U_g (\delta_{g_t} \odot (1 - g_t^2))", "wrong"),
        (r"d_{r_t} = d_{r \odot g} \odot h_{t-1}", "inconclusive"),
        (r"d_{g_t} = d_{z \odot g} \odot (1 - z_t)", "wrong"),
    ],
)
def test_a_product_in_a_script_is_what_the_gradient_is_by(claim: str, expected: str) -> None:
    assert verdicts(f"{PRODUCT}$${claim}$$") == [expected]


UNUSED = r"""
- $\tilde{h}_t = \tanh(W_g x_t + U_g (r_t \odot h_{t-1}))$
- $z_t = \sigma(W_z x_t + U_z h_{t-1})$
- $r_t = \sigma(W_r x_t + U_r h_{t-1})$

"""
LETS_IN = (
    r"$$\frac{\partial L}{\partial \tilde{h}_t} = \frac{\partial L}{\partial h_t} \odot z_t$$"
    + "\n\n"
)
KEEPS = LETS_IN.replace("z_t", "(1 - z_t)")
BY_GATE = r"$$\frac{\partial L}{\partial z_t} = \frac{\partial L}{\partial h_t} \odot (\tilde{h}_t - h_{t-1})$$"


@pytest.mark.parametrize(
    ("formulas", "expected"),
    [
        (LETS_IN + BY_GATE, ["right-under", "right-under"]),
        (KEEPS + BY_GATE, ["inconclusive", "inconclusive"]),
        (BY_GATE + "\n\n" + KEEPS, ["inconclusive", "inconclusive"]),
        (KEEPS, ["right-under"]),
        (KEEPS.replace("1 -", "1 +") + BY_GATE, ["wrong", "right-under"]),
    ],
)
def test_a_gate_whose_use_is_left_out_does_what_all_formulas_say(formulas, expected):
    assert verdicts(UNUSED + formulas) == expected


CANDIDATE = """
zₜ = σ(W_z xₜ + U_z hₜ₋₁)
h̃ₜ = tanh(W_h xₜ + U_h hₜ₋₁ + b_h)
hₜ = (1 − zₜ) ⊙ hₜ₋₁ + zₜ ⊙ h̃ₜ
"""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["δhₜ = dhₜ ⊙ zₜ ⊙ (1 − h̃ₜ²)", "∂L/∂b_h = Σₜ δhₜ"], ["right-under", "right"]),
        (["δhₜ = dhₜ ⊙ (1 − zₜ) ⊙ (1 − h̃ₜ²)", "∂L/∂b_h = Σₜ δhₜ"], ["wrong", "right"]),
        (["∂L/∂b_h = Σₜ δhₜ", "δhₜ = dhₜ ⊙ zₜ"], ["right-under", "wrong"]),
        (["δh̃ₜ = dhₜ ⊙ zₜ ⊙ (1 − h̃ₜ²)", "∂L/∂b_h = Σₜ δh̃ₜ"], ["right-under", "right"]),
        (["$$\\delta_h = dh \\odot z \\odot (1 - \\tilde h^2)$$"], ["right-under"]),
        (["δhₜ = ∂L/∂hₜ", "∂L/∂b_h = Σₜ δhₜ"], ["right", "wrong"]),
        (["δhₜ = dhₜ ⊙ zₜ", "∂L/∂b_h = Σₜ δhₜ ⊙ (1 − h̃ₜ²)"], ["inconclusive", "inconclusive"]),
        (["The δs are by the pre-activations.\n\nδhₜ = dhₜ ⊙ (1 − zₜ)"], ["wrong"]),
    ],
)
def test_a_second_name_of_a_gradient_may_be_by_the_pre_activation_of_the_candidate(lines, expected):
    assert verdicts(CANDIDATE + "\n\n".join(["", *lines])) == expected


CELL_PATH = r"$$\frac{\partial C_t}{\partial C_{t-1}} = f_t$$"
HANDED_BACK = (
    r"\frac{\partial L}{\partial C_0} = \frac{\partial L}{\partial C_T} \odot \prod_{t=1}^T "
)


@pytest.mark.parametrize(
    ("beside", "factor", "verdict"),
    [
        (CELL_PATH, "f_t", "inconclusive"),
        (CELL_PATH, "i_t", "wrong"),
        ("", "f_t", "wrong"),
    ],
)
def test_a_gradient_may_be_handed_back_along_the_direct_path(beside, factor, verdict):
    assert verdicts(f"{LSTM}{beside}\n\n$${HANDED_BACK}{factor}$$")[-1] == verdict


@pytest.mark.parametrize(
    ("right", "before", "expected"),
    [
        ("c_{t-1}", "g_t", "right-under"),
        ("c_t", "g_t", "wrong"),
        ("U_f", "g_t", "shape-error"),
        ("c_t", r"\operatorname{diag}(g_t)", "shape-error"),
    ],
)
def test_a_wrong_value_has_the_shape_that_others_are_read_by(right, before, expected):
    lstm = r"""
$$f_t = \sigma(W_f h_{t-1} + U_f x_t), \quad i_t = \sigma(W_i h_{t-1} + U_i x_t)$$
$$o_t = \sigma(W_o h_{t-1} + U_o x_t), \quad g_t = \tanh(W_g h_{t-1} + U_g x_t)$$
$$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t)$$
"""
    claims = rf"$$\frac{{\partial c_t}}{{\partial i_t}} = {before}$$"
    claims += "\n" + rf"$$\frac{{\partial c_t}}{{\partial f_t}} = {right}$$"
    assert verdicts(lstm + claims)[-1] == expected


@pytest.mark.parametrize(
    ("left", "claim", "corrected"),
    [
        (r"\frac{\partial C_{t+1}}{\partial C_t}", "f_t", "f_{t+1}"),
        (r"\frac{\partial C_T}{\partial C_1}", r"\prod_{k=1}^T f_k", r"\prod_{k=2}^T f_k"),
        (r"\frac{\partial C_t}{\partial C_{t-1}}", "i_t", "f_t"),
    ],
)
def test_what_is_wrong_along_the_direct_path_is_mended_there(left, claim, corrected):
    (found,) = claims(f"{LSTM}$${left} = {claim}$$")
    assert found.verdict is not None
    assert found.verdict.verdict in ("wrong", "shape-error")
    assert found.verdict.correction is not None
    assert found.verdict.correction.text == f"{left} = {corrected}"
