"""A claim that fails is left undecided where it holds in a case that the text speaks of."""

from __future__ import annotations

import pytest
from verdicts import of

import symbptt
from symbptt.check import cases
from symbptt.check.cases import CASES

NETWORK = r"""
$$z_t = W h_{t-1} + U x_t + b$$
$$h_t = \tanh(z_t)$$
$$o_t = V h_t$$
$$L = \sum_t \frac{1}{2} \|o_t - d_t\|^2$$
"""
CARRIED = f"{of('L', 'h_t')} = W^T ((1 - h_{{t+1}}^2) \\odot {of('L', 'h_{t+1}')})"
LINEAR = f"{of('h_t', 'h_{t-1}')} = W"
OWN = rf"{of('L', 'z_t')} = (1 - h_t^2) \odot V^T (o_t - d_t)"
FIRST = f"{of('h_t', 'h_0')} = diag(1 - h_t^2) W"
#: For each case the words that speak of it, and a claim that holds in it alone.
EXAMPLES = {
    "it holds for a loss at the last step alone, of which the text speaks": (
        "Assume that the loss arises at the last step only.", CARRIED,
    ),
    "it holds for a network without activations, of which the text speaks": (
        "For simplicity, take a linear network.", LINEAR,
    ),
    "it holds at the last step, of which the words before it speak": ("At the last step,", OWN),
    "it holds at the first step, of which the words before it speak": ("At the first step,", FIRST),
}  # fmt: skip


def verdict(words: str, claim: str) -> str:
    found = symbptt.check(f"{NETWORK}\n{words} $${claim}$$").findings[-1].verdict
    assert found is not None
    return found.verdict


def test_every_case_has_an_example():
    assert [row.says for row in CASES] == list(EXAMPLES)


@pytest.mark.parametrize(("says", "example"), EXAMPLES.items(), ids=list(EXAMPLES))
def test_a_claim_may_be_about_a_case_of_which_the_text_speaks(says, example, monkeypatch):
    words, claim = example
    assert verdict(words, claim) == "inconclusive"
    assert verdict("Then", claim) == "wrong"
    assert verdict(words, f"{claim} + 2 W") in ("wrong", "shape-error")
    monkeypatch.setattr(cases, "CASES", [row for row in CASES if row.says != says])
    assert verdict(words, claim) == "wrong"


@pytest.mark.parametrize(
    ("words", "claim", "expected"),
    [
        ("为简化分析，忽略激活函数，则", LINEAR, "inconclusive"),
        ("簡単のため活性化関数を無視すると、", LINEAR, "inconclusive"),
        ("Pour simplifier, on prend un réseau linéaire :", LINEAR, "inconclusive"),
        ("The non-linear network is", LINEAR, "wrong"),
        ("非线性网络：", LINEAR, "wrong"),
        ("假设损失只产生于最后一个时间步。", CARRIED, "inconclusive"),
        ("Der Verlust entstehe nur im letzten Schritt.", CARRIED, "inconclusive"),
        ("With $\\sum_{t=1}^T x_t$,", FIRST, "wrong"),
    ],
)
def test_cases_are_named_in_many_ways(words: str, claim: str, expected: str) -> None:
    assert verdict(words, claim) == expected


def test_words_under_another_heading_speak_of_another_case():
    words = "# Losses\n\nThe loss arises at the last step only.\n\n# Gradients\n\nThen"
    assert verdict(words, CARRIED) == "wrong"


@pytest.mark.parametrize(
    ("words", "claim", "expected"),
    [
        ("If $t = T$:", OWN, "right"),
        ("For $t = T$ we have", OWN, "right"),
        ("当 $t = T$ 时，", OWN, "right"),
        ("Si $t = T$, alors", OWN, "right"),
        ("For $t < T$,", OWN, "wrong"),
        ("For $t = T$ down to 1,", OWN, "inconclusive"),  # read as words of the last step
        ("If $t = T$:", OWN.replace("o_t - d_t", "o_t + d_t"), "wrong"),
    ],
)
def test_a_condition_may_stand_right_before_a_claim(words, claim, expected):
    assert verdict(words, claim) == expected
