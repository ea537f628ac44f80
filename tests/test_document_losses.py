"""The losses that documents name: of all steps, of one step, as a mean, with their arguments."""

import pytest

import symbptt

STATE = "$a_t = w x_t + v h_{t-1}$, $h_t = \\tanh(a_t)$, $o_t = u h_t + c$\n\n"
NETWORK = "$h_t = \\tanh(W h_{t-1} + U x_t)$, $\\hat{y}_t = \\mathrm{softmax}(V h_t)$\n\n"


def verdicts(text: str) -> list[str]:
    return [f.verdict.verdict for f in symbptt.check(text).findings if f.verdict]


def test_the_loss_of_a_step_whose_mean_is_the_loss_is_not_divided():
    given = STATE + "$$L = \\frac{1}{T} \\sum_{t=1}^T L_t$$\n$$L_t = \\frac{1}{2} (o_t - d_t)^2$$\n"
    right = (
        r"\frac{\partial L_t}{\partial c} = o_t - d_t",
        r"\frac{\partial L}{\partial c} = \frac{1}{T} \sum_{t=1}^T \frac{\partial L_t}{\partial c}",
        r"\frac{\partial L}{\partial o_t} = \frac{1}{T} (o_t - d_t)",
        r"\frac{\partial L}{\partial L_t} = \frac{1}{T}",
    )
    wrong = (
        r"\frac{\partial L_t}{\partial c} = \frac{1}{T} (o_t - d_t)",
        r"\frac{\partial L}{\partial c} = \sum_{t=1}^T \frac{\partial L_t}{\partial c}",
        r"\frac{\partial L}{\partial L_t} = 1",
    )
    text = given + "".join(f"$${claim}$$\n" for claim in (*right, *wrong))
    assert verdicts(text) == ["right"] * len(right) + ["wrong"] * len(wrong)


def test_a_loss_applied_to_what_stands_at_a_step_is_that_of_the_step():
    text = NETWORK + r"$$L = \sum_{t=1}^T L_t = \sum_{t=1}^T L(\hat{y}_t, y_t)$$"
    assert "wrong" not in verdicts(text)
    mean = (
        STATE
        + r"""$$L = \frac{1}{T} \sum_{t=1}^T l(o_t, d_t)$$

$$\frac{\partial L}{\partial o_t} = \frac{1}{T} \frac{\partial l(o_t, d_t)}{\partial o_t}$$

$$\frac{\partial L}{\partial o_t} = \frac{\partial l(o_t, d_t)}{\partial o_t}$$
"""
    )
    assert verdicts(mean) == ["right", "wrong"]


def test_the_cross_entropy_by_its_name():
    softmax = NETWORK.replace(r"\mathrm{softmax}(V h_t)$", r"\mathrm{softmax}(o_t)$, $o_t = V h_t$")
    claim = "\n\n" + r"$$\frac{\partial J_t}{\partial o_t} = \hat{y}_t - y_t$$"
    for loss in (r"\text{CrossEntropy}(y_t, \hat{y}_t)", r"crossentropy(\hat{y}_t, y_t)"):
        text = softmax + f"$J_t = {loss}$"
        assert verdicts(text + claim) == ["right"]
        assert verdicts(text + claim.replace("- y_t", "+ y_t")) == ["wrong"]
    labels = softmax + r"$J_t = crossentropy(\hat{y}_t, \text{labels})$"
    chain = (
        r"$$\frac{\partial J_2}{\partial V} = \frac{\partial J_2}{\partial o_2}"
        r" \frac{\partial o_2}{\partial V}$$"
    )
    assert verdicts(labels + "\n\n" + chain) == ["right"]


def test_what_else_is_zero_is_no_correction():
    text = NETWORK + r"$$L = \sum_{t=1}^T L_t(\hat{y}_t, y_t)$$" + "\n\n"
    (found,) = symbptt.check(text + r"$$\frac{\partial L}{\partial h_T} = 0$$").faults()
    assert (found.verdict.verdict, found.verdict.correction) == ("wrong", None)


def test_steps_that_begin_at_zero():
    given = STATE + r"$$L = \sum_{t=0}^T \frac{1}{2} (o_t - d_t)^2$$" + "\n\n"
    right = r"$$\frac{\partial L}{\partial u} = \sum_{t=0}^T (o_t - d_t) h_t$$"
    assert verdicts(given + right) == ["right-under"]
    assert verdicts(given + right.replace("h_t$", "h_{t-1}$")) == ["wrong"]
    assert verdicts(given + r"$$\frac{\partial L}{\partial o_t} = d_t - o_t$$") == ["wrong"]


def test_the_first_step_above_a_state_is_no_power():
    text = r"$$a^t = w x^t + v h^{t-1}$$ $$a^0 = w x^0$$ $$h^t = \tanh(a^t)$$"
    claim = r"$$\frac{\partial h^t}{\partial a^t} = 1 - (h^t)^2$$"
    assert verdicts(text + claim) in (["right"], ["inconclusive", "right"])


def test_a_word_for_the_loss_leaves_the_output_function_open():
    text = r"""The loss $L = \sum_t L_t(y_t, d_t)$ is a cross-entropy, say; $h_t = f(W h_{t-1} + U x_t)$.

$$y_t = g(V h_t)$$

$$\frac{\partial L}{\partial V} = \sum_t (\frac{\partial L_t}{\partial y_t} \odot g'(V h_t)) h_t^T$$
"""
    (found,) = (f.verdict for f in symbptt.check(text).findings if f.verdict)
    assert found.verdict == "right"


STATES = "$$h_t = \\tanh(W h_{t-1} + U x_t)$$\n\n"
ONE_OUTPUT = STATES + "$$s = v^\\top h_T + c, \\qquad \\hat y = \\sigma(s)$$\n\n"
BY_ENTRIES = STATES + "$$\\hat y_t = \\sigma(V h_t)$$\n\n$$L = \\sum_t L_t$$\n\n"


@pytest.mark.parametrize(
    "loss",
    [
        r"-y \log \hat y - (1 - y) \log(1 - \hat y)",
        r"-(y \log \hat y + (1 - y) \log(1 - \hat y))",
        r"-(1 - y) \log(1 - \hat y) - y \log \hat y",
    ],
)
def test_the_binary_cross_entropy_of_one_output(loss: str):
    by = r"\frac{\partial L}{\partial %s} = "
    right = (
        by % r"\hat y" + r"-\frac{y}{\hat y} + \frac{1 - y}{1 - \hat y}",
        by % "s" + r"\hat y - y",
        by % "v" + r"(\hat y - y) h_T",
        by % "h_T" + r"(\hat y - y) v",
    )
    wrong = (
        by % r"\hat y" + r"\frac{y}{\hat y} - \frac{1 - y}{1 - \hat y}",
        by % "s" + r"\hat y + y",
        by % "h_T" + r"(y - \hat y) v",
        by % "v" + r"(\hat y - y) h_{T-1}",
    )
    text = ONE_OUTPUT + f"$$L = {loss}$$\n\n" + "".join(f"$${c}$$\n\n" for c in (*right, *wrong))
    assert verdicts(text) == ["right"] * 4 + ["wrong"] * 4


def test_the_binary_cross_entropy_of_each_step():
    loss = r"$$L_t = -y_t \log \hat y_t - (1 - y_t) \log(1 - \hat y_t)$$" + "\n\n"
    claim = r"$$\frac{\partial L}{\partial V} = \sum_t (\hat y_t - y_t) h_t^T$$"
    assert verdicts(BY_ENTRIES + loss + claim) == ["right"]
    assert verdicts(BY_ENTRIES + loss + claim.replace("- y_t", "+ y_t")) == ["wrong"]
    other = loss.replace("(1 - y_t) ", "y_t ")
    assert verdicts(BY_ENTRIES + other + claim.replace("- y_t", "+ y_t")) != ["right"]


def test_a_softmax_is_never_of_one_number():
    text = (
        STATES
        + r"""$$\hat y_t = softmax(v^\top h_t)$$

$$L = -\sum_t y_t^\top \log \hat y_t$$

$$\frac{\partial L}{\partial v} = 0$$
"""
    )
    assert "right" not in verdicts(text)


OUTPUT = (
    "$h_t = \\tanh(W h_{t-1} + U x_t)$, $o_t = V h_t$, $\\hat{y}_t = \\mathrm{softmax}(o_t)$\n\n"
)
MEAN = r"$$L = -\frac{1}{T} \sum_{t=1}^T y_t^T \log \hat{y}_t$$" + "\n\n"
ERROR = r"$$\frac{\partial L}{\partial o_t} = \hat{y}_t - y_t$$" + "\n\n"
DIVIDED = ERROR.replace("= ", r"= \frac{1}{T} (").replace("$$\n", ")$$\n")
BY_WEIGHT = (
    r"$$\frac{\partial L}{\partial V} = \sum_{t=1}^T \frac{\partial L}{\partial o_t} h_t^T$$"
)
LATER = BY_WEIGHT.replace(r"\sum", r"\frac{1}{T} \sum")
ERRORS = BY_WEIGHT.replace(r"\frac{\partial L}{\partial o_t}", r"(\hat{y}_t - y_t)")
HALVED = BY_WEIGHT.replace(r"\sum", r"\frac{1}{2} \sum")
BACK = (
    r"$$\frac{\partial L}{\partial h_t} = \frac{1}{T} V^T \frac{\partial L}{\partial o_t}"
    r" + W^T ((1 - h_{t+1}^2) \odot \frac{\partial L}{\partial h_{t+1}})$$"
)


@pytest.mark.parametrize(
    ("formulas", "expected"),
    [
        (ERROR + LATER, ["inconclusive", "inconclusive"]),
        (ERROR + BY_WEIGHT, ["inconclusive", "right"]),
        (ERROR, ["inconclusive"]),
        (DIVIDED + BY_WEIGHT, ["right", "right"]),
        (DIVIDED + LATER, ["right", "inconclusive"]),
        (ERRORS, ["inconclusive"]),
        (HALVED, ["wrong"]),
        (BACK, ["wrong"]),
        (ERROR.replace("- y_t", "+ y_t"), ["wrong"]),
    ],
)
def test_a_mean_may_be_taken_at_the_end(formulas: str, expected: list[str]) -> None:
    assert verdicts(OUTPUT + MEAN + formulas) == expected


def test_the_steps_of_a_sum_are_not_divided() -> None:
    assert verdicts(OUTPUT + MEAN.replace(r"\frac{1}{T}", "") + ERROR + LATER) == ["right", "wrong"]


@pytest.mark.parametrize(
    ("loss", "slope", "expected"),
    [
        (r"\frac{1}{2}", "2 (o_t - y_t)", "inconclusive"),
        (r"\frac{1}{2}", r"\frac{1}{2} (o_t - y_t)", "wrong"),
        (r"\frac{1}{2}", "3 (o_t - y_t)", "wrong"),
        ("", "o_t - y_t", "inconclusive"),
        ("", "y_t - o_t", "wrong"),
    ],
)
def test_a_factor_of_the_loss_may_be_left_out(loss: str, slope: str, expected: str) -> None:
    given = OUTPUT + rf"$$L = {loss} \sum_t \|o_t - y_t\|^2$$" + "\n\n"
    assert verdicts(given + rf"$$\frac{{\partial L}}{{\partial o_t}} = {slope}$$") == [expected]
