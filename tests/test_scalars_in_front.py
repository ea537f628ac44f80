"""Numbers and scalars of a product meet in front of it, in one quotient, and are said once."""

from __future__ import annotations

import pytest

import symbptt
from symbptt.model.functions import ACTIVATIONS, LOSSES
from symbptt.templating import environment

RNN = "h_t = tanh(W h_{t-1} + U x_t)\n"


def lines(loss: str, fmt: str = "text") -> str:
    return str(symbptt.render(symbptt.derive(RNN + loss), fmt))


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        (r"L = \frac{1}{2T} \sum_t \|V h_t - d_t\|^2", "δ^h_t = 1/T V^T (V h_t - d_t)   "),
        (r"L = \frac{1}{2T} \sum_t \|V h_t - d_t\|^2", "Σ_{t=1}^{T} 1/T (V h_t - d_t) h_t^T"),
        (r"L = \sum_t mean((V h_t - d_t)^2)", "δ^h_t = 2/k V^T (V h_t - d_t)   "),
        (r"L = \sum_t sqrt(h_t^T h_t)", "δ^h_t = 1/sqrt(h_t^T h_t) h_t   "),
        (r"L = \frac{3}{2T} \sum_t \|V h_t - d_t\|^2", "δ^h_t = 3/T V^T (V h_t - d_t)   "),
        (r"L = -\frac{1}{6T} \sum_t \|V h_t\|^2", "δ^h_t = -1/(3 T) V^T V h_t   "),
    ],
)
def test_constants_are_folded(loss, line):
    assert line in lines(loss)


def test_a_line_that_only_changes_the_order_of_its_terms_is_not_said_again():
    text = lines("y_t = V h_t\nL = 1/T \\sum_t softmax_cross_entropy(y_t, d_t)")
    assert text.count("δ^y_t = (1/T (1^T d_t)) softmax(y_t) - 1/T d_t") == 1
    assert "simplified" not in text


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_is_named_is_defined(name):
    assert f"\nFunctions\n\n    {name}(" in lines(f"y_t = V h_t\nL = \\sum_t {name}(y_t, d_t)")


@pytest.mark.parametrize("fmt", ["text", "latex"])
def test_a_derivative_that_prints_with_a_prime_is_defined(fmt):
    known = environment().get_template("losses.j2").module
    primed = getattr(known, f"primed_{fmt}")
    assert set(primed) == {n for n, a in ACTIVATIONS.items() if not (a.in_output or a.shown)}
    for name in primed:
        text = lines(f"y_t = {name}(V h_t)\nL = \\sum_t squared_error(y_t, d_t)", fmt)
        assert primed[name] in text
