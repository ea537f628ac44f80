"""Activations that a document writes out by exponentials."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document

BY_Z = r"\frac{\partial L}{\partial z_t} = \frac{\partial L}{\partial h_t} \odot"
SIGMOIDS = (r"\frac{1}{1+e^{-z_t}}", r"1/(1+\exp(-z_t))", r"\frac{1}{e^{-z_t} + 1}")
TANH = r"\frac{e^{z_t}-e^{-z_t}}{e^{z_t}+e^{-z_t}}"


def kinds(text: str) -> list[str]:
    found = check_document(Document(text, "a.md")).findings
    return [x.kind if x.verdict is None else x.verdict.verdict for x in found]


@pytest.mark.parametrize(
    ("value", "slope", "verdict"),
    [
        *((s, "h_t (1 - h_t)", "right") for s in SIGMOIDS),
        (SIGMOIDS[0], "(1 - h_t^2)", "wrong"),
        (TANH, "(1 - h_t^2)", "right"),
        (TANH, "h_t (1 - h_t)", "wrong"),
    ],
)
def test_an_activation_may_be_written_out(value, slope, verdict):
    text = rf"$$z_t = W x_t + U h_{{t-1}} + b$$ $$h_t = {value}$$ $${BY_Z} {slope}$$"
    assert kinds(text)[-1].split("-")[0] == verdict


@pytest.mark.parametrize(
    "formula",
    [
        r"\sigma(x) = \frac{1}{1+e^{-x}}",
        r"\tanh(z) = \frac{e^z - e^{-z}}{e^z + e^{-z}}",
        r"g(x) = \frac{1}{1+e^{-x}}",
    ],
)
def test_what_an_activation_is_is_no_claim_and_no_equation(formula):
    model = r"$$h_t = \sigma(W x_t + U h_{t-1} + b)$$"
    assert kinds(f"{model} $${formula}$$") == ["definition", "prose"]


def test_another_function_than_the_name_says_is_no_definition():
    model = r"$$h_t = \sigma(W x_t + U h_{t-1} + b)$$"
    assert kinds(rf"{model} $$\tanh(x) = \frac{{1}}{{1+e^{{-x}}}}$$")[-1] != "prose"


@pytest.mark.parametrize(
    "softmax",
    [
        r"\hat y_{t,i} = \frac{\exp(o_{t,i})}{\sum_{j=1}^{K} \exp(o_{t,j})}",
        r"\hat{y}_t^i = \frac{e^{o_t^i}}{\sum_j e^{o_t^j}}",
        r"\hat y_t = \frac{e^{o_t}}{\sum_i e^{o_{t,i}}}",
    ],
)
def test_a_softmax_may_be_written_out(softmax):
    loss = r"$$L = -\sum_t \sum_k y_{t,k} \log \hat y_{t,k}$$"
    text = rf"$$h_t = \tanh(W h_{{t-1}} + U x_t)$$ $$o_t = V h_t$$ $${softmax}$$ {loss}"
    by = r"\frac{\partial L}{\partial o_t} ="
    assert kinds(rf"{text} $${by} \hat y_t - y_t$$")[4:] == ["right"]
    assert kinds(rf"{text} $${by} \hat y_t + y_t$$")[4:] == ["wrong"]


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (r"-\log h_t = \log \frac{1}{h_t}", "inconclusive"),
        (r"\tanh(z_t) = 2 \sigma(2 z_t) - 1", "inconclusive"),
        (r"\tanh(z_t) = 2 \sigma(z_t) - 1", "wrong"),
        (r"\log h_t = \log \frac{1}{h_t}", "wrong"),
    ],
)
def test_what_holds_of_functions_is_known_by_their_values(claim, verdict):
    text = rf"$$z_t = W x_t + U h_{{t-1}} + b$$ $$h_t = \sigma(z_t)$$ $${claim}$$"
    assert kinds(text)[2:] == [verdict]
