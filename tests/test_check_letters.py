"""What documents leave unsaid in their letters: cases, scripts, targets, carries, updates."""

from __future__ import annotations

import pytest

import symbptt
from symbptt.check.documents.document import Document
from symbptt.check.findings import Report
from symbptt.check.judging import check_document

NETWORK = (r"a_t = W_{hh} h_{t-1} + W_{xh} x_t", r"h_t = \tanh(a_t)", r"\hat y_t = V h_t",
           r"L = \sum_{t=1}^{T} L_t(\hat y_t, d_t)")  # fmt: skip
STEP_LOSS = (r"s_t = \tanh(U x_t + W s_{t-1})", r"\hat y_t = softmax(V s_t)",
             r"E(y_t, \hat y_t) = -y_t \log \hat y_t", r"E(y, \hat y) = -\sum_t E(y_t, \hat y_t)",
             r"z_t = U x_t + W S_{t-1} \text{이라고 치환}")  # fmt: skip
GATES = (r"\tilde h_t = \tanh(x_t W + (r_t \odot h_{t-1}) U + b)",
         r"z_t = \sigma(x_t W_z + h_{t-1} U_z)", r"r_t = \sigma(x_t W_r + h_{t-1} U_r)")  # fmt: skip
GRU = (*GATES, r"h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t")
CELL = (r"f_t = \sigma(W_f h_{t-1} + U_f x_t)", r"\tilde C_t = \tanh(W_C h_{t-1} + U_C x_t)",
        r"C_t = f_t \odot C_{t-1} + \tilde C_t", r"h_t = \tanh(C_t)",
        r"\hat y = softmax(V h_t)")  # fmt: skip


def by(x: str, of: str = "L") -> str:
    return rf"\frac{{\partial {of}}}{{\partial {x}}}"


def checked(*formulas: str) -> Report:
    return check_document(Document("".join(f"$$\n{f}\n$$\n\n" for f in formulas), "notes.md"))


def last(*formulas: str) -> tuple[str, list[str]]:
    verdict = checked(*formulas).findings[-1].verdict
    assert verdict is not None
    return verdict.verdict, [r.name for r in verdict.readings]


SUMMED = (r"h_t = \sigma(z_t) = \sigma(U x_t + W h_{t-1} + b)", r"o_t = V h_t + c",
          r"L = \sum_{t=1}^{\tau} L_t")  # fmt: skip
ONE_LETTER = (r"h_t = \tanh(W h_{t-1} + U x_t)", r"o_t = V h_t", r"L = \sum_{t=1}^T L(o_t, d_t)",
              r"L(o_t, d_t) = \frac{1}{2} (o_t - d_t)^2")  # fmt: skip
OUTPUT_WEIGHTS = f"{by('V')} = \\sum_{{t=1}}^T (\\hat y_t - y_t) h_t^T"


HOLDS = [
    # what a document leaves open of its loss and its activations
    ((*SUMMED, r"\hat y_t = softmax(o_t)"), OUTPUT_WEIGHTS, ["the loss is the cross-entropy"]),
    ((*SUMMED, r"\hat y_t = g(o_t)"), OUTPUT_WEIGHTS,
     ["g is softmax, and the loss is the cross-entropy"]),
    (ONE_LETTER, f"{by('h_t')} = {by('o_t')} V", ["numerator layout", "loss of one step"]),
    # σ(z) = σ(…) says what z is
    (SUMMED, f"{by('h_{t-1}', 'z_t')} = W", []),
    # a vector and a Jacobian
    (NETWORK, f"{by('W_{hh}', 'h_t')} = (1 - h_t^2) \\odot {by('W_{hh}', 'a_t')}", []),
    (NETWORK, f"{by('h_{t-1}', 'h_t')} = (1 - h_t^2) \\odot {by('h_{t-1}', 'a_t')}", []),
    (NETWORK, f"{by('h_{t-1}', 'h_t')} = {by('h_{t-1}', chr(92) + 'tanh(a_t)')}", []),
    (NETWORK, f"{by('W_{hh}')} = \\sum_t [{by('W_{hh}', 'a_t')}]^T {by('a_t')}",
     ["immediate by parameters"]),
    # letters
    (NETWORK, f"{by('h_{t-1}', 'a_t')} = w_{{hh}}", ["w_hh is W_hh"]),
    (NETWORK, f"{by('h_{t-1}', 'h_t')} = diag(tanh'(z_t)) W_{{hh}}", ["z is the argument of h"]),
    (STEP_LOSS, r"\frac{\partial E_3}{\partial V} = (\hat y_3 - y_3) s_3^T", []),
    ((*STEP_LOSS, r"\delta_2^3 = \frac{\partial E_3}{\partial z_2}"),
     r"\frac{\partial E_3}{\partial z_1} = (1 - s_1^2) \odot (W^T \delta_2^3)", []),
    (("S_k = f(S_{k-1} W_{rec} + X_k W_x)", "s_k = s_{k-1} w_{rec} + x_k w_x"),
     r"\frac{\partial \xi}{\partial w_{rec}} = "
     r"\sum_{k=1}^n \frac{\partial \xi}{\partial S_k} S_{k-1}", ["S is s"]),
    (CELL, r"\frac{\partial L}{\partial V} = \sum_t (\hat y_t - y_t) h_t^T",
     ["the loss is the cross-entropy"]),
    # scripts
    (GRU, f"{by('W_r')} = \\sum_t x_t^T {by('z_{rt}')}", ["z_r is the argument of r"]),
    (NETWORK, f"{by('V')} = \\sum_t {by(chr(92) + 'hat y_t')} h^{{(t),T}}", []),
    # updates and carries
    (GATES, f"{by(chr(92) + 'tilde h_t')} = {by('h_t')} \\odot (1 - z_t)", ["the gate of h keeps the old"]),
    (GATES, f"{by(chr(92) + 'tilde h_t')} = {by('h_t')} \\odot z_t", ["the gate of h lets in the new"]),
    (GRU, f"{by('b')} = \\sum_{{t=1}}^6 {by('z_{' + chr(92) + 'tilde h_t}')}",
     ["z_h_tilde is the argument of h_tilde"]),
    (NETWORK, f"{by('h_t')} = V^T {by(chr(92) + 'hat y_t')} + {by('h_t^{next}')}", []),
    (CELL, f"{by('C_t')} += {by('h_t')} \\odot (1 - \\tanh^2(C_t))", []),
    (NETWORK, rf"{by('a_t')} = (g_t + W_{{hh}}^T {by('a_{t+1}')}) \odot (1 - h_t^2)",
     ["g_t is ∂L_t/∂h_t"]),
    (GRU, r"\delta_{z_t} = \delta_{h_t} \odot (\tilde h_t - h_{t-1}) \odot \sigma'(z_t)",
     ["δ_z is by the pre-activation of z", "slope by the value"]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "claim", "readings"), HOLDS)
def test_a_claim_holds(given: tuple[str, ...], claim: str, readings: list[str]) -> None:
    verdict, found = last(*given, claim)
    assert verdict in {"right", "right-under"}
    assert found == readings


FAILS = [
    ((*SUMMED, r"\hat y_t = softmax(o_t)"), OUTPUT_WEIGHTS.replace("- y", "+ y")),
    ((*SUMMED, r"\hat y_t = g(o_t)"), OUTPUT_WEIGHTS.replace("= ", "= 2 ")),
    (
        ("L = \\sum_t L_t", *ONE_LETTER[:2], r"L_t = \frac{1}{2} (o_t - d_t)^2"),
        f"{by('h_t')} = {by('o_t')} V",
    ),
    (NETWORK, f"{by('W_{hh}', 'h_t')} = (1 - h_t) \\odot {by('W_{hh}', 'a_t')}"),
    (STEP_LOSS, r"\frac{\partial E_3}{\partial V} = (\hat y_3 + y_3) s_3^T"),
    (NETWORK, f"{by('h_t')} = V^T {by(chr(92) + 'hat y_t')} + 2 {by('h_t^{next}')}"),
    (GRU, f"{by('W')} = \\sum_{{t=1}}^6 x_t^T {by('h_t')}"),
]


@pytest.mark.parametrize(("given", "claim"), FAILS)
def test_a_claim_fails(given: tuple[str, ...], claim: str) -> None:
    assert last(*given, claim)[0] in {"wrong", "shape-error"}


SUM_OF = r"{by} = \sum_{{t=1}}^3 \frac{{\partial L}}{{\partial {z}_t}}"


@pytest.mark.parametrize(
    ("given", "z", "verdict"),
    [
        # what a step gives a value is not the argument of what it is at that step
        ([r"z_1 = \tanh(U x_1 + W z_0 + b)"], "z", "inconclusive"),
        ([r"a_1 = \tanh(U x_1 + W a_0 + b)", r"\hat y_1 = V a_1"], "a", "inconclusive"),
        ([r"a_1 = \tanh(U x_1 + W a_0 + b)", r"a_1 = \tanh(U + W + b)",
          r"a_2 = \tanh(U x_2 + W a_1 + b)"], "a", "inconclusive"),
        ([r"h_t = \tanh(U x_t + W h_{t-1} + b)", "z_1 = h_1"], "z", "inconclusive"),
        ([r"h_t = \tanh(U x_t + W h_{t-1} + b)"], "z", "right-under"),
        ([r"h_t = \tanh(U x_t + W h_{t-1} + b)", "z_1 = U x_1 + W h_0 + b"], "z", "right-under"),
    ],
)  # fmt: skip
def test_a_letter_that_has_a_value_at_some_step_is_nothing_else(given, z, verdict):
    assert last(*given, SUM_OF.format(by=by("b"), z=z))[0] == verdict
    wrong = SUM_OF.format(by=by("b"), z=z).replace("= ", "= 2 ", 1)
    assert last(*given, wrong)[0] in {"wrong", "inconclusive"}


WITH_OUTPUT = (r"h_t = \tanh(W h_{t-1} + U x_t + b)", "y_t = V h_t + c",
               r"L = \sum_{t=1}^T L_t(y_t, d_t)")  # fmt: skip
THROUGH_STATES = (
    rf"{by('theta')} = \sum_{{t=1}}^T {by('y_t', 'L_t')} {by('h_t', 'y_t')} {by('theta', 'h_t')}"
).replace("theta", r"\theta")
OF_STEPS = rf"{by('theta')} = \sum_{{t=1}}^T {by('theta', 'L_t')}".replace("theta", r"\theta")


@pytest.mark.parametrize(
    ("members", "claim", "verdict"),
    [
        (r"\theta \in \{W, U, b\}", THROUGH_STATES, "right"),
        (r"\theta \in \{W, U, V, b, c\}", THROUGH_STATES, "inconclusive"),
        (r"\theta = (W, V)", THROUGH_STATES, "inconclusive"),
        ("", THROUGH_STATES, "right-under"),
        (r"\theta \in \{W, U, b\}", THROUGH_STATES.replace("t=1", "t=2"), "inconclusive"),
        (r"\theta \in \{W, U, V, b, c\}", OF_STEPS, "right"),
        ("", OF_STEPS, "right"),
        ("", OF_STEPS.replace("= ", "= 2 ", 1), "inconclusive"),
    ],
)
def test_a_letter_for_any_parameter_stands_for_those_that_the_document_says(
    members, claim, verdict
):
    assert last(*WITH_OUTPUT, *filter(None, [members]), claim)[0] == verdict


def test_an_output_by_a_second_function_is_not_read_as_a_derivative() -> None:
    assert last(*SUMMED, r"\hat y_t = \sigma'(o_t)", OUTPUT_WEIGHTS)[0] == "inconclusive"


def test_a_product_that_begins_nowhere_is_not_wrong() -> None:
    jacobian = r"diag(\tanh'(a_i)) W_{hh}"
    assert last(*NETWORK, rf"{by('h_1', 'h_t')} = \prod_i^t {jacobian}")[0] == "inconclusive"
    assert last(*NETWORK, rf"{by('h_1', 'h_t')} = \prod_{{i=3}}^t {jacobian}")[0] == "wrong"


def test_two_unknown_names_are_not_one_target() -> None:
    assert last(*SUMMED, OUTPUT_WEIGHTS)[0] == "inconclusive"


def test_a_gradient_is_corrected_by_the_loss_that_is_given() -> None:
    given = (r"h_t = \tanh(W h_{t-1} + U x_t)", r"y_t = V h_t", r"\hat y_t = softmax(y_t)",
             r"L = \sum_t L(y_t, \hat y_t)",
             r"L(y_t, \hat y_t) = \frac{1}{2} (\hat y_t - y_t)^2")  # fmt: skip
    claim = f"{by(chr(92) + 'hat y_t')} = \\frac{{1}}{{2}} (\\hat y_t - y_t)"
    verdict = checked(*given, claim).findings[-1].verdict
    assert verdict is not None
    assert verdict.verdict == "wrong"
    assert verdict.correction is not None
    assert verdict.correction.text == f"{by(chr(92) + 'hat y_t')} = (\\hat y_t - y_t)"


SIGMA = r"""With $h_t = \sigma(W h_{t-1} + U x_t)$ and $L = \sum_t L_t(h_t, d_t)$, WORDS:

$$\frac{\partial h_t}{\partial h_{t-1}} = diag(1 - h_t^2) W$$
"""


@pytest.mark.parametrize(("words", "expected"), [
    ("where σ is usually tanh", "right-under"), ("where σ is the sigmoid, not tanh", "wrong"),
    ("as usual", "wrong"),
])  # fmt: skip
def test_sigma_is_tanh_where_the_text_says_so(words: str, expected: str) -> None:
    found = check_document(Document(SIGMA.replace("WORDS", words), "notes.md")).findings
    verdict = found[-1].verdict
    assert verdict is not None
    assert verdict.verdict == expected


def test_what_settles_an_update_settles_it_for_the_document() -> None:
    lets = f"{by(chr(92) + 'tilde h_t')} = {by('h_t')} \\odot z_t"
    keeps = f"{by(chr(92) + 'tilde h_t')} = {by('h_t')} \\odot (1 - z_t)"
    assert last(*GATES, lets, keeps)[0] not in {"right", "right-under"}
    assert last(*GATES, keeps, lets)[0] not in {"right", "right-under"}


def test_a_gradient_in_one_word_with_its_loss() -> None:
    text = """```
h[t] = tanh(W_hh @ h[t-1] + W_xh @ x[t])
y[t] = W_hy @ h[t]
dW_hy = sum(dL_dy[t] @ h[t].T for t in range(1, T+1))
```
"""
    verdict = check_document(Document(text, "notes.md")).findings[-1].verdict
    assert verdict is not None
    assert verdict.verdict == "right"


FROM_ZERO = r"""
$$h_t = \tanh(W h_{t-1} + U x_t), \qquad y_t = V h_t$$
For $t = T - 1, T - 2, \ldots, 0$ let $\delta_t = \frac{\partial L}{\partial y_t}$. Then
"""


@pytest.mark.parametrize(
    ("said", "claim", "verdict"),
    [
        (True, r"\frac{\partial L}{\partial V} = \sum_{t=0}^{T-1} \delta_t h_t^\top", "right"),
        (True, r"\frac{\partial L}{\partial V} = \sum_{t=0}^{T-2} \delta_t h_t^\top", "wrong"),
        (True, r"\frac{\partial L}{\partial h_{T-1}} = V^\top \delta_{T-1}", "right"),
        (True, r"\frac{\partial L}{\partial h_{T-2}} = V^\top \delta_{T-2}", "wrong"),
        (False, r"\frac{\partial L}{\partial V} = \sum_{t=0}^{T-1} \delta_t h_t^\top", "wrong"),
    ],
)
def test_steps_that_are_counted_from_zero(said, claim, verdict):
    text = FROM_ZERO if said else FROM_ZERO.replace(r"T - 2, \ldots, 0", r"T - 2, \ldots, 1")
    found = check_document(Document(f"{text}$${claim}$$", "a.md")).findings[-1]
    assert found.verdict.verdict == verdict


OUTPUT = r"$$h_t = \tanh(W h_{t-1} + U x_t), \qquad y_t = V h_t$$" + "\n"
OVER_ALL = (
    r"$$\frac{\partial L}{\partial V} = \sum_{t=0}^{T-1} \frac{\partial L}{\partial y_t} h_t^\top$$"
)
ALL_BUT_ONE = OVER_ALL.replace("T-1", "T-2")
BY_STATES = r"$$\frac{\partial L}{\partial W} = \sum_{t=0}^{T-1} \left(\frac{\partial L}{\partial h_t} \odot (1 - h_t^2)\right) h_{t-1}^\top$$"
NEXT = BY_STATES.replace("h_t", "h_{t+1}").replace("h_{t-1}", "h_t")
BACK = r"$$\frac{\partial h_t}{\partial U} = \sum_{k=0}^{t} \frac{\partial h_t}{\partial h_k} \frac{\partial^+ h_k}{\partial U}$$"


@pytest.mark.parametrize(
    ("said", "claim", "verdict"),
    [
        ("", OVER_ALL, "right"),  # the sum says so itself
        ("", BY_STATES, "right"),
        ("", NEXT, "right"),  # which counts from 1
        ("", ALL_BUT_ONE, "wrong"),
        ("$h_{-1} = 0$.", OVER_ALL, "right"),
        ("$h_{-1} = 0$.", ALL_BUT_ONE, "wrong"),
        ("$h_{-1} = 0$. At $t = T - 1$ nothing follows.", BY_STATES, "right"),
        ("$h_{-1} = 0$.", BACK, "right"),
        ("$h_{-1} = 0$.", BACK.replace("k=0", "k=1"), "inconclusive"),
        ("$h_0 = 0$.", OVER_ALL, "wrong"),
        (r"Let $L = \sum_{t=1}^T \|y_t - d_t\|^2$.", OVER_ALL, "wrong"),
    ],
)
def test_sums_and_states_that_tell_the_first_step(said, claim, verdict):
    found = check_document(Document(f"{OUTPUT}{said}\n\n{claim}", "a.md")).findings[-1]
    assert found.verdict.verdict == verdict


RAISED = (r"z^{(t)} = W h^{(t-1)} + U x^{(t)}", r"h^{(t)} = \sigma(z^{(t)})")
ENTRY = r"\frac{\partial h_{i}^{(k)}}{\partial z_{j}^{(k)}}"


@pytest.mark.parametrize(
    ("right", "holds"),
    [
        (r"0 \quad \text{if } i \ne j", True),
        (r"0 \quad \text{if } i = j", False),
        (r"\begin{cases} 0, & i \ne j \\ \sigma'(z_{j}^{(k)}), & i = j \end{cases}", True),
        (r"\begin{cases} 0, & \text{i $\ne$ j} \\ \sigma'(z_{i}^{(k)}), & \text{i = j} \end{cases}", True),
        (r"\begin{cases} \sigma'(z_{i}^{(k)}), & \text{if $i = j$} \\ 0, & \text{otherwise} \end{cases}", True),
        (r"\begin{cases} \sigma'(z_{i}^{(k)}), & i \ne j \\ 0, & \text{otherwise} \end{cases}", False),
    ],
)  # fmt: skip
def test_a_letter_above_is_the_step_where_steps_stand_above(right, holds):
    for others in ((), (r"\gamma_t^{(k)} = \frac{\partial J}{\partial h^{(k)}}",)):  # γ alone below
        texts = *RAISED, *others, f"{ENTRY} = {right}"
        found = [x.verdict for x in checked(*texts).findings if x.verdict]
        assert [v.verdict == "right" for v in found] == [holds] * len(found)


@pytest.mark.parametrize("when", [r"t \ge 1", r"\text{if $t \ge 1$}", r"\text{if } t \ge 1"])
@pytest.mark.parametrize("or_else", [r"\text{otherwise}", "t < 1"])
def test_a_case_at_step_0_is_never_wrong(when, or_else):
    rows = rf"\operatorname{{diag}}(1 - h_t^2) U, & {when} \\ 0, & {or_else}"
    claim = rf"{by('h_{t-1}', 'h_t')} = \begin{{cases}} {rows} \end{{cases}}"
    found = checked(r"h_t = \tanh(U h_{t-1} + W x_t)", claim).findings
    assert [x.verdict.verdict for x in found if x.verdict] == ["right", "inconclusive"]


@pytest.mark.parametrize(
    "claim",
    [r"\delta 3 = \delta 1 + \delta 2", r"\delta_3 = \delta_1 + \delta_2",
     r"\delta_4 = \delta_3 \odot \delta_1", r"\delta 4 = \delta 3 \odot h_t"],
)  # fmt: skip
def test_errors_told_apart_by_numbers_are_no_steps(claim):
    found = checked(r"h_t = \sigma(h_{t-1} W + x_t U)", r"L = \sum_t \ell_t(h_t)", claim)
    assert all(x.verdict is None or x.verdict.verdict == "inconclusive" for x in found.findings)


def test_an_error_with_a_number_is_of_that_step_beside_others_at_steps():
    delta = r"\delta_t = \frac{\partial L}{\partial h_t}"
    claim = r"\delta_2 = \frac{\partial L_2}{\partial h_2} + W_{hh}^T (\delta_3 \odot (1 - h_3^2))"
    assert last(*NETWORK, delta, claim)[0] == "right"


BY_VECTORS = r"h_t = \tanh(U h_{t-1} + W x_t)"


@pytest.mark.parametrize(
    "besides",
    [
        (r"h_{t,i} = \tanh(\sum_{k=1}^n u_{ik} h_{t-1,k} + g(x))",),
        (r"\theta_t = V h_t", r"\hat y_{t,i} = \frac{e^{\theta_{t,i}}}{\sum_{j} e^{\theta_{t,i}}}"),
    ],
)
@pytest.mark.parametrize(("factor", "holds"), [("U", True), ("U^2", False)])
def test_an_equation_that_makes_no_model_leaves_the_others(besides, factor, holds):
    claim = rf"{by('h_{t-1}', 'h_t')} = \operatorname{{diag}}(1 - h_t^2) {factor}"
    assert (last(BY_VECTORS, *besides, claim)[0] == "right") is holds


@pytest.mark.parametrize(("besides", "verdict"), [("", "right"), ("+ h_{t,i}", "inconclusive")])
def test_an_output_of_several_quantities_is_not_left_out(besides, verdict):
    output = rf"\hat y_{{t,i}} = \frac{{e^{{\theta_{{t,i}}}}}}{{\sum_{{j}} e^{{\theta_{{t,i}}}}}} {besides}"
    output_by = by(r"\theta_T")
    claim = rf"{by('h_T')} = V^T {output_by}"
    assert last(BY_VECTORS, r"\theta_t = V h_t", output, claim)[0] == verdict


@pytest.mark.parametrize(
    "shown",
    [r"\bbox[yellow,5px]{%s}", r"\bbox{%s}",
     r"\begin{align} %s \\ \ldots \tag{9} \end{align}",
     r"\begin{align} %s \\ \ldots \tag{9} \\ \frac{\partial h_2}{\partial h_1} &= \operatorname{diag}(1 - h_2^2) U \end{align}"],
)  # fmt: skip
@pytest.mark.parametrize(("factor", "verdict"), [("U", "right"), ("U^T", "wrong")])
def test_a_frame_or_a_row_of_dots_hides_no_formula(shown, factor, verdict):
    claim = rf"{by('h_{t-1}', 'h_t')} &= \operatorname{{diag}}(1 - h_t^2) {factor}"
    text = shown.replace(
        "%s", claim if "&" in shown or "align" in shown else claim.replace("&", "")
    )
    found = [x.verdict.verdict for x in checked(BY_VECTORS, text).findings if x.verdict]
    assert found[0] == verdict


BESIDE = (r"zt = \sigma(W xt + U h_{t-1})", r"ht = (1 - zt) \circ xt + zt \circ h_{t-1}")


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [(f"{by('zt')} = {by('ht')} \\circ (h_{{t-1}} - xt)", "right"),
     (f"{by('zt')} = {by('ht')} \\circ (xt - h_{{t-1}})", "wrong"),
     (f"{by('zt')} = {by('h_t')} \\circ (h_{{t-1}} - x_t)", "right")],
)  # fmt: skip
def test_steps_without_underscores(claim, verdict):
    assert last(*BESIDE, claim)[0] == verdict


def test_time_as_a_factor_is_no_step():
    line = r"h_t = \tanh(W h_{t-1} + a t)"
    claim = f"{by('h_{t-1}', 'h_t')} = \\operatorname{{diag}}(1 - h_t^2) W a t"
    assert last(line, claim)[0] != "right"


SOFTMAX = (r"h_t = \tanh(W h_{t-1} + U x_t)", r"g_t = V h_t", r"p_t = softmax(g_t)")


@pytest.mark.parametrize("unit", [r"\mathbf{1}(i=j)", r"\mathbb{1}_{i=j}", r"\mathbb{1}_{\{i=j\}}"])
@pytest.mark.parametrize(("sign", "verdict"), [("-", "right"), ("+", "wrong")])
def test_a_unit_by_its_condition(unit, sign, verdict):
    claim = f"{by('g_{t,j}', 'p_{t,i}')} = p_{{t,i}} ({unit} {sign} p_{{t,j}})"
    assert last(*SOFTMAX, claim)[0] == verdict


def test_a_unit_by_two_conditions():
    claim = f"{by('V_{i,j}', 'g_{t,k}')} = \\mathbf{{1}}(k=i) h_{{t,j}}"
    assert last(*SOFTMAX, claim)[0] == "right"
    both = f"{by('V_{i,j}', 'V_{k,l}')} = \\mathbf{{1}}(i=k, j=l)"
    assert last(*SOFTMAX, both)[0] == "right"


LIKELIHOOD = r"L = -\sum_t y_t^\top \log p_t"


@pytest.mark.parametrize(("sign", "verdict"), [("-", "right"), ("+", "wrong")])
def test_entries_that_hang_on_the_step(sign, verdict):
    claim = f"{by('g_{t_k}')} = p_{{t_k}} {sign} y_{{t_k}}"
    assert last(*SOFTMAX, LIKELIHOOD, claim)[0] == verdict


def test_times_that_are_counted_are_no_entries():
    other = r"h_{t_k} = \tanh(W h_{t_{k-1}} + U x_{t_k})"
    claim = f"{by('g_{t_k}')} = p_{{t_k}} + y_{{t_k}}"
    assert last(*SOFTMAX, LIKELIHOOD, other, claim)[0] != "wrong"


FORGETS = (
    r"f_t = \sigma(W h_{t-1} + U x_t)",
    r"c_t = f_t \odot c_{t-1} + x_t",
    r"h_t = \tanh(c_t)",
)


@pytest.mark.parametrize("zero", ["", "0"])
@pytest.mark.parametrize(
    ("left", "cell", "verdict"),
    [(by("c_{t-1}", "c_t"), "f_{t,%s}", "right-under"),
     (by("c_t", "h_t"), "1 - h_{t,%s}^2", "right"),
     (by("c_t", "h_t"), "1 + h_{t,%s}^2", "wrong"),
     (by("c_t", "h_t"), "(1 - h_{t,%s})(1 + h_{t,%s})", "right")],
)  # fmt: skip
def test_a_diagonal_matrix_by_its_ends(left, cell, verdict, zero):
    first, end = (cell.replace("%s", x) for x in "1n")
    rows = rf"{first} & {zero} & {zero} \\ {zero} & \ddots & {zero} \\ {zero} & {zero} & {end}"
    claim = rf"{left} = \begin{{bmatrix}} {rows} \end{{bmatrix}}"
    assert last(*FORGETS, claim)[0] == verdict


ENTRIES = (r"h(t)_i = \tanh(\sum_j W_{ij} h(t-1)_j + \sum_j U_{ij} x(t)_j)",
           r"y(t)_k = \sum_i V_{ki} h(t)_i",
           r"L = \sum_t \sum_k \frac12 (y(t)_k - d(t)_k)^2")  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (rf"{by('h(t-1)_j', 'h(t)_i')} = (1 - h(t)_i^2) W_{{ij}}", "right"),
        (rf"{by('h(t-1)_j', 'h(t)_i')} = (1 - h(t)_i^2) W_{{ji}}", "wrong"),
        (rf"{by('h(t)')} = V^T (y(t) - d(t))", "wrong"),
    ],
)
def test_an_entry_may_stand_behind_the_step(claim: str, expected: str) -> None:
    assert last(*ENTRIES, claim)[0] == expected


@pytest.mark.parametrize(
    ("immediate", "expected"),
    [
        (r"\frac{\partial h_t^+}{\partial W}", "right-under"),
        (r"\frac{\partial h^{t,+}}{\partial W}", "right-under"),
        (r"\frac{\partial h_{t-1}^+}{\partial W}", "shape-error"),
    ],
)
def test_a_plus_above_makes_a_derivative_immediate(immediate: str, expected: str) -> None:
    assert last(*ONE_LETTER, rf"{immediate} = \tanh'(W h_{{t-1}} + U x_t) h_{{t-1}}")[0] == expected


def test_a_plus_without_a_step_is_the_next_state() -> None:
    claim = r"\frac{\partial h^+}{\partial h} = \tanh'(W h + U x) W"
    assert last(*ONE_LETTER, claim)[0] == "inconclusive"


@pytest.mark.parametrize("difference", ["y_{pred} - y_{true}", "y_{predicted} - y_{target}"])
def test_what_a_loss_compares_is_no_argument_of_an_activation(difference: str) -> None:
    loss = r"L = \sum_t \frac12 (o_t - d_t)^2"
    assert last(*ONE_LETTER[:2], loss, f"do = {difference}")[0] == "inconclusive"
    assert last(*ONE_LETTER[:2], loss, r"do_t = o_t - d_t")[0] == "right"


@pytest.mark.parametrize(("name", "expected"), [(r"o \to z", "inconclusive"), ("z", "wrong")])
def test_an_error_signal_from_one_to_another_is_no_whole(name: str, expected: str) -> None:
    given = (r"z_t = W h_{t-1} + U x_t", r"h_t = \tanh(z_t)", r"o_t = V h_t",
             r"L = \sum_t \frac12 (o_t - d_t)^T (o_t - d_t)",
             r"\delta_t^z := \frac{\partial L}{\partial z_t}",
             r"\delta_t^z = (1 - h_t^2) \odot (V^T (o_t - d_t) + W^T \delta_{t+1}^z)")  # fmt: skip
    whole = r"\delta_t^z = \sum_{s=t}^T (\frac{\partial z_s}{\partial z_t})^T \delta_s^{%s}"
    assert last(*given, whole % name)[0] == expected


@pytest.mark.parametrize(
    ("matrix", "claim", "expected"),
    [
        (r"\operatorname{diag}(1 - h_t^2)", "D_h W", "right"),
        (r"\operatorname{diag}(1 - h_t^2)", "W D_h", "wrong"),
        (r"\operatorname{diag}(1 - h_t)", "D_h W", "inconclusive"),  # or is it another D_h?
    ],
)
def test_a_diagonal_matrix_that_is_called_d_is_no_gradient(matrix, claim, expected) -> None:
    text = rf"$$h_t = \tanh(W h_{{t-1}} + U x_t)$$ With $D_h = {matrix}$,"
    text += rf" $$\frac{{\partial h_t}}{{\partial h_{{t-1}}}} = {claim}$$"
    found = symbptt.check(text).findings
    assert [f.kind for f in found] == ["definition", "definition", "claim"]
    assert found[-1].verdict is not None
    assert found[-1].verdict.verdict == expected
