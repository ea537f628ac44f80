"""A penalty on parameters, ``λ/2 ‖W‖²``, counts once: not at every step, not for every sample."""

from dataclasses import replace
from functools import cache
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from test_compiled_gradients import arguments
from test_mutants import exactly_caught, inductively_caught

import symbptt
from symbptt.calculus import Derivation, derive
from symbptt.calculus import algebra as al
from symbptt.compile import BACKENDS, GradientFunction, compile_gradient
from symbptt.errors import ModelError
from symbptt.evidence.floating import compared
from symbptt.evidence.verify import assignments, verify
from symbptt.model import Model, load
from symbptt.model.steps import EVERY, LAST, ONCE, Steps

EQUATIONS = "h_t = tanh(W h_{t-1} + U x_t)\ny_t = V h_t\n"
LOSS = r"L = \sum_{t=1}^{T} squared_error(y_t, d_t)"
#: In W squared, in U and λ cubed, and in u alone.
PENALTIES = r" + \frac{\lambda}{2} \|W\|^2 - 0.3 \lambda sum(U^2) + u^T u"
CONFIGURATIONS = [(T, batch) for T in (1, 2, 5) for batch in (None, 3)]


@cache
def model(penalties: str = PENALTIES) -> Model:
    return load(EQUATIONS + LOSS + penalties, shapes={"u": "j"} if "u^T" in penalties else {})


@cache
def compiled(penalties: str, backend: str, T: int | None) -> GradientFunction:
    return compile_gradient(derive(model(penalties)), backend, T)


def penalised(a: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The penalties of the model and their gradients, by hand."""
    W, U, u, λ = (a[name] for name in ("W", "U", "u", "lambda"))
    loss = λ / 2 * (W * W).sum() - 0.3 * λ * (U * U).sum() + u @ u
    slope = (W * W).sum() / 2 - 0.3 * (U * U).sum()
    return loss, {"W": λ * W, "U": -0.6 * λ * U, "u": 2 * u, "lambda": slope}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("T", "batch"), CONFIGURATIONS)
def test_a_penalty_is_added_once(backend: str, T: int, batch: int | None) -> None:
    params, inputs = arguments(model(), T, batch)
    of_steps = {name: params[name] for name in "WUV"}
    steps = T if backend == "lambdify" else None
    loss, grads = compiled(PENALTIES, backend, steps)(params, inputs)
    plain_loss, plain = compiled("", backend, steps)(of_steps, inputs)
    penalty, slopes = penalised(params)
    assert loss == pytest.approx(plain_loss + penalty, rel=1e-12)
    for name, gradient in grads.items():
        expected = plain.get(name, 0.0) + slopes.get(name, 0.0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)


def test_inside_the_sum_it_counts_at_every_step_and_for_every_sample() -> None:
    inside = load(EQUATIONS + r"L = \sum_{t=1}^{T} (squared_error(y_t, d_t) + 1/2 \|W\|^2)")
    params, inputs = arguments(inside, 5, 3)
    _, grads = compile_gradient(derive(inside))(params, inputs)
    _, plain = compiled("", "numpy", None)(params, inputs)
    np.testing.assert_allclose(grads["W"] - plain["W"], 15 * params["W"], rtol=1e-12)


def test_it_is_verified_and_exported(tmp_path) -> None:
    report = symbptt.verify(model())
    assert report.passed, str(report)
    path = tmp_path / "gradient.py"
    symbptt.export(model(), path, check=False)
    assert "added once" in path.read_text()
    params, inputs = arguments(model(), 5, 3)
    _, grads = run_path(str(path))["loss_and_gradients"](params, inputs)
    _, expected = compiled(PENALTIES, "numpy", None)(params, inputs)
    assert all(np.array_equal(grads[name], expected[name]) for name in expected)


SPELLINGS = [
    r"\frac{\lambda}{2} \|W\|^2",
    r"\frac{\lambda}{2} \lVert W \rVert^2",
    r"\frac{\lambda}{2} \left\lVert W \right\rVert_F^2",
    r"\frac{\lambda}{2} ||W||_2^2",
    "1/2 lambda sum(W^2)",
    "λ/2 ‖W‖²",
]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_it_is_read_however_it_is_spelled(spelled: str) -> None:
    text = symbptt.render(load(EQUATIONS + LOSS + " + " + spelled))
    assert "squared_error(y_t, d_t) + 1/2 λ ‖W‖_F²\n" in text
    assert "(δ^h_t ⊙ (1 - h_t²)) h_{t-1}^T + λ W\n" in text


def test_a_penalty_on_several_parameters_has_one_weight() -> None:
    both = load(EQUATIONS + LOSS + r" + \frac{\lambda}{2} (\|W\|^2 + \|U\|^2)")
    assert [part.steps for part in both.loss] == [EVERY, ONCE]
    text = symbptt.render(both)
    assert "+ 1/2 λ (‖W‖_F² + ‖U‖_F²)\n" in text
    assert "x_t^T + λ U\n" in text
    assert "∂L/∂λ = 1/2 ‖W‖_F² + 1/2 ‖U‖_F²\n" in text


def test_the_derivation_says_that_it_counts_once() -> None:
    latex = symbptt.render(model(), "latex")
    assert "A penalty adds its share once." in latex
    assert "is used in a penalty alone." in latex
    assert "names no step is a penalty: it counts once" in latex
    assert "what the penalties give" in latex
    assert "penalty" not in symbptt.render(model(""), "latex")


def test_it_is_part_of_the_double_sum() -> None:
    (line,) = (
        line
        for line in symbptt.render(model(), "fragment").splitlines()
        if r"\prod" in line and r"\partial W}" in line
    )
    assert line.strip(" \\").endswith(r"+ \lambda\,W")


def test_no_step_of_the_drawing_bears_it() -> None:
    late = r"L = squared_error(y_2, d_2) + \|W\|^2"
    drawing = symbptt.render(load(EQUATIONS + late), "fragment")
    assert drawing.count(r"\node[loss]") == 1


@pytest.mark.parametrize("loss", [r"\|W\|^2", "sum(W^2) + 0.1 u^T u", "3"])
def test_a_loss_of_penalties_alone_is_refused(loss: str) -> None:
    with pytest.raises(ModelError, match="the loss names no step"):
        load(f"{EQUATIONS}L = {loss}")


# -- mutants --------------------------------------------------------------------------------------


def with_penalty_of_W(d: Derivation, **changes: Any) -> Derivation:
    """The derivation with the penalty's share in ∂L/∂W changed."""
    g = d.sweep.gradients["W"]
    changed = tuple(replace(c, **changes) if c.steps.once else c for c in g.contributions)
    gradients = {**d.sweep.gradients, "W": replace(g, contributions=changed)}
    return Derivation(d.model, replace(d.sweep, gradients=gradients))


@pytest.mark.parametrize("change", ["every step", "zero", "doubled"])
def test_a_wrong_penalty_is_caught(change: str) -> None:
    d = derive(model())
    (c,) = (c for c in d.sweep.gradients["W"].contributions if c.steps.once)
    changes: dict[str, dict[str, Any]] = {
        "every step": {"steps": EVERY},
        "zero": {"expression": al.zeros(c.expression.shape)},
        "doubled": {"expression": al.times(2, c.expression)},
    }
    wrong = with_penalty_of_W(d, **changes[change])
    assert exactly_caught(wrong)
    assert inductively_caught(wrong)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_penalty_of_every_sample_is_caught(backend: str) -> None:
    """What no proof for one sample sees: code that adds the penalty once per sample."""
    sound = derive(model())
    at_the_end = Steps(members=(LAST,))
    parts = tuple(
        replace(part, steps=at_the_end) if part.steps.once else part for part in model().loss
    )
    spoilt = derive(replace(model(), loss=parts))
    T, sizes = 2, assignments(model())[0]
    for d, passes in ((sound, True), (spoilt, False)):
        f = compile_gradient(d, backend, T)
        f = GradientFunction(model(), backend, "", T, f.run, f.refusal)
        assert all(c.passed for c in compared(backend, f, T, None, sizes, 0).checks)
        assert all(c.passed for c in compared(backend, f, T, 3, sizes, 0).checks) is passes
    assert verify(spoilt).passed
