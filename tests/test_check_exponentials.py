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
