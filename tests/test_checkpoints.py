"""Gradients with checkpoints: those of the whole, in memory that grows with √T."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import models
import numpy as np
import pytest
import random_models

import symbptt
from symbptt.calculus import derive
from symbptt.compile import GradientFunction, compile_gradient
from symbptt.compile import checkpoints as module
from symbptt.errors import RequestError
from symbptt.evidence.verify import verify
from symbptt.model import Model, bind, builtin_names, initial_key, load
from symbptt.model.terms import size

SIZES = {"n": 3, "m": 2, "k": 5, "p": 4, "j": 6, "l": 7}
Arrays = dict[str, np.ndarray]

#: What stretches must get right besides states: a mean over all steps, a loss at some steps, a
#: penalty that counts once, a state that begins at a parameter, one that reaches back three steps,
#: inputs of steps before.
HARD = r"""
h_t = tanh(W h_{t-1} + V h_{t-3} + U x_{t-2} + b)
c_t = c_{t-1} \odot h_t + x_t U_c
L = \frac{1}{T} \sum_{t=1}^{T} squared_error(h_t, d_t) + squared_error(c_T, e_T) + \frac{1}{2} \|W\|^2
"""
OWN = {
    "hard": HARD.replace("x_t U_c", "U x_t"),
    "last": "h_t = tanh(W h_{t-1} + U x_t)\nL = squared_error(h_T, d_T)",
    "number": "s_t = a s_{t-1} + b x_t\nL = \\sum_{t=1}^{T} squared_error(s_t, d_t)",
    "rows": "h_t = tanh(h_{t-1} W + x_t U + b)\nL = \\sum_{t=1}^{T} squared_error(h_t, d_t)",
}
MANY_PASSES = ("elman-bidirectional", "seq2seq")
BUILT_IN = [name for name in builtin_names() if name not in MANY_PASSES]


@cache
def model(name: str) -> Model:
    return bind(load(OWN.get(name, name)))


@cache
def both(name: str) -> tuple[GradientFunction, GradientFunction]:
    """The gradient as a whole, and with checkpoints."""
    d = derive(model(name))
    return compile_gradient(d), compile_gradient(d, checkpoints=True)


def arrays(m: Model, T: int, batch: int | None, dtype: Any = np.float64) -> tuple[Arrays, Arrays]:
    rng = np.random.default_rng(T)
    sizes = {**dict.fromkeys(m.dimensions, 3), **SIZES}

    def dims(v: Any) -> tuple[int, ...]:
        return tuple(size(d, sizes) for d in v.shape if d != 1)

    def drawn(*shape: int) -> np.ndarray:
        return rng.uniform(0.2, 0.8, shape).astype(dtype)

    samples = () if batch is None else (batch,)
    params = {v.name: drawn(*dims(v)) for v in m.timeless}
    inputs = {v.name: drawn(T, *samples, *dims(v)) for v in m.given}
    starts = {initial_key(v.name, s): drawn(*samples, *dims(v)) for v, s in m.initial_values}
    return params, {**inputs, **starts}


def same(name: str, T: int, batch: int | None) -> bool:
    whole, pieces = both(name)
    params, inputs = arrays(model(name), T, batch)
    (loss, grads), (loss_2, grads_2) = whole(params, inputs), pieces(params, inputs)
    assert list(grads) == list(grads_2)
    assert all(grads[key].shape == grads_2[key].shape for key in grads)
    close = (np.allclose(grads[key], grads_2[key], rtol=1e-10, atol=1e-12) for key in grads)
    return bool(np.isclose(loss, loss_2, rtol=1e-12)) and all(close)


@pytest.mark.parametrize("T", [1, 2, 4, 5, 9, 17])
@pytest.mark.parametrize("name", [*OWN, *models.some(BUILT_IN)])
def test_the_gradient_is_that_of_the_whole(name: str, T: int) -> None:
    assert same(name, T, 2)
    assert same(name, T, None)


@pytest.mark.parametrize("seed", [1, 6, 11, 16, 21, 26, 31, 36, 46, 56])
def test_so_it_is_for_random_models(seed: int) -> None:
    found = random_models.random_model(seed)
    d = derive(bind(symbptt.load(found.text, name=f"random-{seed}", **found.options)))
    if len(d.model.stages) > 1 or not d.model.is_causal:
        with pytest.raises(RequestError, match="more than once"):
            compile_gradient(d, checkpoints=True)
        return
    report = verify(d, {"numpy": compile_gradient(d, checkpoints=True)}, T=7)
    assert report.passed, str(report)


@pytest.mark.parametrize("left_out", ["back", "before", "loss"])
def test_a_stretch_that_forgets_a_neighbour_is_found(
    left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, T = "lstm", 9
    whole, pieces = both(name)
    wrong = {
        "back": pieces.source.replace("before.pop(), back)", "before.pop(), {})"),
        "before": pieces.source.replace("return self.before[name]", "return 0 * self.before[name]"),
        "loss": pieces.source.replace("loss += part", "loss = part"),
    }[left_out]
    assert wrong != pieces.source
    monkeypatch.setattr(module, "checkpoints_module", lambda *a, **k: wrong)
    params, inputs = arrays(model(name), T, 2)
    loss, grads = whole(params, inputs)
    loss_2, grads_2 = compile_gradient(derive(model(name)), checkpoints=True)(params, inputs)
    differ = [key for key in grads if not np.allclose(grads[key], grads_2[key], rtol=1e-10)]
    assert differ or not np.isclose(loss, loss_2)


def test_float32_stays_float32() -> None:
    whole, pieces = both("hard")
    params, inputs = arrays(model("hard"), 9, 2, np.float32)
    (loss, grads), (loss_2, grads_2) = whole(params, inputs), pieces(params, inputs)
    assert loss_2.dtype == np.float32
    assert all(g.dtype == np.float32 for g in grads_2.values())
    assert np.isclose(loss, loss_2, rtol=1e-5)
    for key, gradient in grads.items():
        assert np.allclose(gradient, grads_2[key], rtol=1e-4, atol=1e-6), key


def peak(f: Callable[..., Any], *given: Any) -> int:
    """The most memory that a call has, in bytes, besides what it is given."""
    tracemalloc.start()
    f(*given)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_grows_with_the_root_of_the_number_of_steps() -> None:
    d = derive(model("lstm"))
    used = {}
    for checkpoints in (False, True):
        for T in (64, 1024):
            f = compile_gradient(d, checkpoints=checkpoints)  # which keeps nothing yet
            used[checkpoints, T] = peak(f, *arrays(model("lstm"), T, 8))
    assert used[False, 1024] > 12 * used[False, 64]
    assert used[True, 1024] < 5 * used[True, 64]
    assert used[True, 1024] < used[False, 1024] / 8


@pytest.mark.parametrize("name", MANY_PASSES)
def test_a_model_of_several_passes_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="more than once"):
        symbptt.compile(name, checkpoints=True)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"backend": "c"}, "the backend c has no checkpoints"),
        ({"inputs": True}, "leave out inputs"),
        ({"truncate": 2}, "leave out inputs, mode and truncate"),
        ({"mode": "forward"}, "leave out products and mode"),
        ({"products": "hessian"}, "leave out checkpoints"),
    ],
)
def test_what_has_no_checkpoints_says_so(more: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        symbptt.compile("lstm", checkpoints=True, **more)


def test_an_exported_module_is_verified_and_stands_alone(tmp_path: Any) -> None:
    source = symbptt.export("lstm", tmp_path / "lstm.py", checkpoints=True)
    assert (tmp_path / "lstm.py").read_text(encoding="utf-8") == source
    assert "symbptt" not in {line.split()[1] for line in source.splitlines() if "import" in line}
    assert source == symbptt.export("lstm", checkpoints=True, check=False)
