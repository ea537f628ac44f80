"""A verdict on a gradient of the loss is one on all of the loss that its document states."""

from __future__ import annotations

import pytest
from verdicts import of, verdict

CELL = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$o_t = V h_t$$"
SOFTMAX = r"$$p_t = \mathrm{softmax}(o_t)$$"
SQUARED = r"\sum_{t=1}^T \frac12 \|o_t - y_t\|^2"
ENTROPY = r"-\sum_{t=1}^T y_t^\top \log p_t"


SLOPE = rf"$${of('L', 'V')} = \sum_t (o_t - y_t) h_t^\top$$"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"$$L = {SQUARED}$$", "right"),
        (f"$$E = {SQUARED}$$ $$L = E$$", "right"),
        (r"$$L = \sum_t L_t$$ $$L_t = \frac12 \|o_t - y_t\|^2$$", "right"),
        # A summand that nothing of the network is in.
        (f"$$L = {SQUARED} + R$$", "inconclusive"),
        (rf"$$L = {SQUARED} + \lambda \Omega(\theta)$$", "inconclusive"),
        (rf"$$L = {SQUARED} + L_{{reg}}$$ with $$L_{{reg}} = \frac12 \|V\|^2$$", "inconclusive"),
        (rf"$$L = L_1 + L_2$$ $$L_1 = {SQUARED}$$ $$L_2 = \sum_t \|h_t\|^2$$", "inconclusive"),
        # What is made of a loss is another objective.
        (rf"$$E = {SQUARED}$$ $$L = E + \alpha \|V\|^2$$", "inconclusive"),
        (f"$$E = {SQUARED}$$ $$L = -E$$", "inconclusive"),
        (r"$$L = \sum_t w_t L_t$$ $$L_t = \frac12 \|o_t - y_t\|^2$$", "inconclusive"),
        (r"$$L = \frac{\sum_t m_t L_t}{M}$$ $$L_t = \frac12 \|o_t - y_t\|^2$$", "inconclusive"),
    ],
)
def test_a_part_of_the_loss_is_not_judged_as_the_whole(given: str, expected: str) -> None:
    assert verdict(CELL, given, SLOPE) == expected
    wrong = SLOPE.replace("h_t", "h_{t-1}")
    assert verdict(CELL, given, wrong) == ("wrong" if expected == "right" else expected)


@pytest.mark.parametrize(
    ("loss", "claim", "expected"),
    [
        (ENTROPY, "p_t - y_t", "right"),
        (ENTROPY.replace(r"\log", r"\log_2"), "p_t - y_t", "inconclusive"),
        (ENTROPY.replace(r"\log", r"\log_2"), r"\frac{1}{\ln 2} (p_t - y_t)", "inconclusive"),
        # The entries of a target sum to 1, whatever else is in the loss.
        (rf"{ENTROPY} + \frac{{\lambda}}{{2}} \|W\|^2", "p_t - y_t", "right"),
        (rf"{ENTROPY} + \frac{{\lambda}}{{2}} \|W\|^2", "y_t - p_t", "wrong"),
        (rf"\frac12 \left({ENTROPY}\right)", r"\frac12 (p_t - y_t)", "right"),
        (rf"\frac12 \left({ENTROPY}\right)", "y_t - p_t", "wrong"),
        (ENTROPY.removeprefix("-"), "y_t - p_t", "right"),
        (ENTROPY.removeprefix("-"), "p_t - y_t", "wrong"),
    ],
)
def test_cross_entropies_with_what_stands_beside_them(loss: str, claim: str, expected: str) -> None:
    text = CELL, SOFTMAX, f"$$L = {loss}$$"
    assert verdict(*text, f"$${of('L', 'o_t')} = {claim}$$") == expected


@pytest.mark.parametrize(
    ("claim", "expected"), [(r"\hat{y}_t - y_t", "right"), (r"y_t - \hat{y}_t", "wrong")]
)
def test_the_target_may_be_given_by_its_class(claim: str, expected: str) -> None:
    given = SOFTMAX.replace("p_t", r"\hat{y}_t"), r"$$L = -\sum_{t=1}^T \log \hat{y}_{t, c_t}$$"
    assert verdict(CELL, *given, f"$${of('L', 'o_t')} = {claim}$$") == expected


@pytest.mark.parametrize("claim", ["p_t - q_t", "p_t - y_t"])
def test_the_sum_of_a_target_that_is_computed_is_not_known(claim: str) -> None:
    smoothed = r"$$q_t = (1 - \epsilon) y_t + \epsilon u$$ $$L = -\sum_{t=1}^T q_t^\top \log p_t$$"
    found = verdict(CELL, SOFTMAX, smoothed, f"$${of('L', 'o_t')} = {claim}$$")
    assert found == "inconclusive"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("The loss $L$ is the cross-entropy.", "right"),
        ("The loss $L$ is the cross-entropy. The mean of the inputs is zero.", "right"),
        ("We do not use the cross-entropy; the loss is $L$.", "inconclusive"),
        ("Unlike the cross-entropy, the hinge loss $L$ has a margin.", "inconclusive"),
        ("The loss $L$ is the cross-entropy at the last time step only.", "inconclusive"),
        ("The loss $L$ is the cross-entropy plus an L2 penalty.", "inconclusive"),
        ("The loss $L$ is the cross-entropy with label smoothing.", "inconclusive"),
        ("The loss $L$ is the cross-entropy averaged over the steps.", "inconclusive"),
        ("The loss $L$ is the cross-entropy, weighted by class.", "inconclusive"),
    ],
)
def test_what_words_say_of_a_loss_besides_its_name(words: str, expected: str) -> None:
    claim = rf"$${of('L', 'V')} = \sum_{{t=1}}^T (\hat{{y}}_t - y_t) h_t^\top$$"
    assert verdict(CELL, SOFTMAX.replace("p_t", r"\hat{y}_t"), words, claim) == expected


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (r"\sum_{t=1}^T \delta_t h_{t-1}^\top", "right"),
        (r"\sum_{t=2}^T \delta_t h_{t-1}^\top", "right-under"),
        (r"\sum_{t=1}^{T-1} \delta_{t+1} h_t^\top", "right-under"),
        (r"\sum_{t=3}^T \delta_t h_{t-1}^\top", "wrong"),
        (r"\sum_{t=2}^T \delta_t h_t^\top", "wrong"),
    ],
)
def test_a_sum_may_begin_behind_a_state_that_is_zero(total: str, expected: str) -> None:
    text = r"$$z_t = W h_{t-1} + U x_t, \quad h_t = \tanh(z_t), \quad o_t = V h_t$$"
    text += rf" $$L = {SQUARED}$$ with $\delta_t = {of('L', 'z_t')}$."
    claim = f"$${of('L', 'W')} = {total}$$"
    assert verdict(text, "The initial state is zero.", claim) == expected
    assert verdict(text, r"$$h_0 = [0, \ldots, 0]^\top$$", claim) == expected
    given = verdict(text.replace("$$z_t", r"$$h_0 = 0, \quad z_t"), claim)
    assert given == expected.removesuffix("-under")
    assert verdict(text, claim) == expected.replace("right-under", "wrong")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "right-under"),
        ("The loss is the mean squared error.", "inconclusive"),
        ("这里假设为MSE，", "inconclusive"),
        ("Der quadratische Fehler wird minimiert.", "inconclusive"),
        ("Use the MSE for regression, here a log-likelihood.", "right-under"),
        ("里用均方误差或交叉熵。", "right-under"),
        ("The premseason begins.", "right-under"),
    ],
)
def test_words_that_speak_of_a_squared_error_are_heard(words: str, expected: str) -> None:
    """By a softmax ``ŷ - y`` is the gradient of a cross-entropy."""
    network = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$\hat{y}_t = \mathrm{softmax}(V h_t)$$"
    claim = rf"$${of('L', 'V')} = \sum_t (\hat{{y}}_t - y_t) h_t^\top$$"
    assert verdict(network, words, claim) == expected
