"""Three floating-point witnesses meet: complex step, BPTT by hand, and compiled functions."""

from __future__ import annotations

import numpy as np
import pytest

from symbptt.calculus import derive
from symbptt.compile import compile_gradient
from symbptt.evidence.complex_step import FUNCTIONS as DEFINED
from symbptt.evidence.complex_step import complex_step, sample
from symbptt.evidence.floating import bindings_between, compared
from symbptt.evidence.numeric_bptt import FUNCTIONS, LOSSES, NUMERIC_BPTT
from symbptt.evidence.verify import assignments, verify
from symbptt.model import bind, builtin_names, load
from symbptt.model.functions import ACTIVATIONS, VECTOR_FUNCTIONS

ELMAN = [name for name in builtin_names() if name in NUMERIC_BPTT]


class ByHand:
    """The numeric BPTT in the clothes of a compiled function."""

    T = None

    def __init__(self, model):
        self.model = model

    def __call__(self, params, inputs):
        bindings = bindings_between(load(self.model.name), self.model)
        return NUMERIC_BPTT[self.model.name](params, inputs, bindings)


def test_all_elman_models_of_one_layer_and_direction_are_written_by_hand():
    others = {"elman-2layer", "elman-bidirectional"}
    one_layer = {n for n in builtin_names() if n.startswith("elman")} - others
    assert one_layer == set(NUMERIC_BPTT) == set(ELMAN)


@pytest.mark.parametrize("name", ELMAN)
@pytest.mark.parametrize("T", [1, 2, 5])
@pytest.mark.parametrize("batch", [None, 1, 3])
def test_by_hand_agrees_with_the_complex_step(name, T, batch):
    model = bind(load(name))
    found = compared("by hand", ByHand(model), T, batch, assignments(model)[0], 0)
    assert [str(c) for c in found.checks if not c.passed] == []
    assert {c.witness for c in found.checks} == {"complex step", "numeric BPTT"}
    assert max(c.deviation for c in found.checks) < 1e-12


@pytest.mark.parametrize("name", builtin_names())
@pytest.mark.parametrize("backend", ["numpy", "lambdify"])
@pytest.mark.parametrize("T", [1, 2, 5])
def test_compiled_gradients_agree_with_the_complex_step(name, backend, T):
    d = derive(bind(load(name)))
    f = compile_gradient(d, backend, None if backend == "numpy" else T)
    for batch in (None, 1, 3):
        found = compared(backend, f, T, batch, assignments(d.model)[0], 0)
        assert [str(c) for c in found.checks if not c.passed] == []
        assert max(c.deviation for c in found.checks) <= 1e-10


@pytest.mark.parametrize("f", sorted(FUNCTIONS))
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_function_by_hand_agrees(f, loss):
    # A probability comes out of sigmoid or softmax; anything else is a logit.
    g = "softmax" if loss == "cross_entropy" else "sigmoid" if loss == "binary_cross_entropy" else f
    f = "tanh" if f == "softmax" else f
    model = bind(load("elman-generic"), {"f": f, "g": g, "L_t": loss})
    found = compared("by hand", ByHand(model), 3, 2, assignments(model)[0], 1)
    assert [str(c) for c in found.checks if not c.passed] == []


def test_another_model_of_the_same_name_has_no_gradient_by_hand():
    other = load(
        r"h_t = tanh(W_hh h_{t-1} + W_xh x_t); L = \sum_{t=1}^{T} squared_error(h_t, d_t)",
        name="elman",
    )
    assert bindings_between(load("elman"), other) is None
    assert bindings_between(load("elman"), load("elman")) == {}


def test_the_forward_pass_knows_every_function():
    assert set(DEFINED) == {*ACTIVATIONS, *VECTOR_FUNCTIONS}


@pytest.mark.parametrize("name", sorted(DEFINED))
def test_a_complex_step_is_a_derivative(name):
    z = np.array([[0.3], [0.7], [1.9]])
    f, h = DEFINED[name], 1e-6
    stepped = f(z + 1e-30j * np.ones_like(z)).imag / 1e-30
    assert np.allclose(stepped, (f(z + h) - f(z - h)) / (2 * h), atol=1e-8)


def test_a_wrong_gradient_is_caught():
    model = load("elman")

    def wrong(params, inputs):
        loss, grads = ByHand(model)(params, inputs)
        return loss, {**grads, "W_hh": grads["W_hh"] * (1 + 1e-8)}

    wrong.model = model
    report = verify(derive(model), {"wrong": wrong}, T=2)
    assert not report.passed
    assert {c.what for c in report.failures} == {"∂L/∂W_hh"}
    assert {c.witness for c in report.failures} == {"complex step", "numeric BPTT"}


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda grads: {}, "no such gradient was returned"),
        (lambda grads: {k: g[..., None] for k, g in grads.items()}, "the shape is"),
        (lambda grads: {k: g * np.nan for k, g in grads.items()}, "off by nan"),
        (lambda grads: grads["nothing"], "KeyError"),
    ],
)
def test_what_is_wrong_is_said(spoil, error):
    model = load("elman-uvw")

    def wrong(params, inputs):
        loss, grads = ByHand(model)(params, inputs)
        return loss, spoil(grads)

    wrong.model = model
    report = verify(derive(model), {"wrong": wrong}, T=1)
    assert any(error in str(c.error) for c in report.failures)


def test_arguments_are_drawn_until_the_loss_is_finite():
    model = load(r"h_t = log(W h_{t-1} + U x_t); L = \sum_{t=1}^{T} sum(h_t)")
    drawn = sample(model, 2, None, assignments(model)[0], 0)
    assert drawn is not None
    loss, grads = complex_step(drawn)
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for g in grads.values())
