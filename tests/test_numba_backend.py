"""The backend numba: loops that Numba compiles, which compute what the NumPy module does.

Elsewhere among the tests its modules run as the Python that they are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import models
import numba
import numpy as np
import pytest

import symbptt
from symbptt.calculus import derive
from symbptt.compile import compile_gradient
from symbptt.compile.numba_language import numba_source
from symbptt.compile.numba_module import TAKEN_NUMBA, numba_module
from symbptt.errors import RequestError
from symbptt.model import Model, bind, builtin_names, load
from symbptt.model.functions import ACTIVATIONS

FLOATS = {"float32": 2e-5, "float64": 1e-12}
SMOOTH = [name for name in ACTIVATIONS if name not in ("log", "sqrt", "identity")]


@pytest.fixture
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)


def assert_as_numpy(model: Model, batches: tuple[int | None, ...], dtypes: list[str]) -> None:
    d = derive(bind(model))
    f, numpy = compile_gradient(d, "numba"), compile_gradient(d, "numpy")
    for dtype in dtypes:
        for batch in batches:
            params, inputs = models.arrays(d.model, 7, batch, dtype)
            (loss, grads), (expected_loss, expected) = f(params, inputs), numpy(params, inputs)
            assert loss == pytest.approx(expected_loss, rel=FLOATS[dtype])
            assert {name: g.dtype for name, g in grads.items()} == dict.fromkeys(expected, dtype)
            for key, gradient in grads.items():
                difference = np.max(np.abs(gradient - expected[key]))
                assert difference <= FLOATS[dtype] * np.max(np.abs(expected[key])), key


@pytest.mark.usefixtures("_compiled")
def test_compiled_gradients_are_those_of_numpy() -> None:
    assert_as_numpy(load("lstm"), (None, 1, 5, 29), [*FLOATS])  # 29: rows for BLAS


@pytest.mark.usefixtures("_compiled")
def test_every_function_is_compiled() -> None:
    terms = " + ".join(f"{name}(a_{i} ⊙ x_t)" for i, name in enumerate(SMOOTH))
    text = f"h_t = {terms} + log(2 + softmax(W x_t)) + sqrt(3 + sin(b)); L = \\sum_{{t=1}}^{{T}} "
    shapes = {"h": "n", "x": "n", "W": "n, n"}
    assert_as_numpy(load(f"{text}squared_error(h_t, d_t)", shapes=shapes), (2,), ["float64"])


@pytest.mark.slow
@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("name", builtin_names())
def test_every_model_is_compiled(name: str) -> None:
    assert_as_numpy(load(name), (2,), ["float64"])


EXPORTED = "import cell as gradient; run = gradient.computed; f = gradient.loss_and_gradients"
COMPILED = """
import sys, symbptt
f = symbptt.compile(open("model.txt").read(), backend="numba")
(gradient,) = (m for name, m in sys.modules.items() if name.startswith("symbptt_compiled_numba"))
run = gradient.computed
"""


@pytest.mark.parametrize("made", [EXPORTED, COMPILED])
def test_what_is_compiled_is_kept_for_the_next_process(made: str, tmp_path: Path) -> None:
    model = r"h_t = w h_{t-1} + x_t; L = \sum_{t=1}^{T} squared_error(h_t, d_t)"
    (tmp_path / "model.txt").write_text(model)
    symbptt.export(model, tmp_path / "cell.py", backend="numba", check=False)
    code = f"""
{made}
import numpy as np
one = np.ones((3, 1))
loss, grads = f({{"w": np.array([[2.0]])}}, {{"x": one, "d": one}})
print(loss, grads["w"].item(), sum(run.stats.cache_hits.values()))
"""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    found = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True,
            env={**environment, "XDG_CACHE_HOME": str(tmp_path)},
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    # h = 1, 3, 7; L = ½(0 + 4 + 36); dL/dw = 6·3 + (2 + 2·6)·1
    assert found == ["20.0 32.0 0\n", "20.0 32.0 1\n"]


def test_arrays_that_can_not_be_written_to_are_read() -> None:
    f = compile_gradient(models.derivation("elman"), "numba")
    params, inputs = models.arrays(f.model, 3, 2, "float64")
    _, expected = f(params, inputs)
    for array in (*params.values(), *inputs.values()):
        array.flags.writeable = False
    turned = {name: np.asfortranarray(array) for name, array in params.items()}
    _, found = f(turned, inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_gradients_share_no_memory_with_the_next_ones() -> None:
    f = compile_gradient(models.derivation("elman"), "numba")
    params, inputs = models.arrays(f.model, 3, 2, "float64")
    _, first = f(params, inputs)
    kept = {name: g.copy() for name, g in first.items()}
    f({name: 2 * array for name, array in params.items()}, inputs)
    assert all(np.array_equal(first[name], kept[name]) for name in kept)


def test_every_name_of_the_printed_module_is_taken() -> None:
    code = numba_module(models.derivation("lstm"))
    named = {
        *re.findall(r"^(?:def|class) (\w+)", code, re.MULTILINE),
        *re.findall(r"^(\w+)(?:, \w+)* = ", code, re.MULTILINE),
        *re.findall(r"^(?:from \w+ )?import (?:.* as )?(\w+)", code, re.MULTILINE),
    }
    assert {"add_product", "FAST", "at", "math"} <= named
    assert named - {*TAKEN_NUMBA} <= {"get_close_matches", "added_up"}


def test_names_of_the_module_are_names_of_a_model() -> None:
    model = r"real_t = tanh(memory real_{t-1} + at x_t + one); L = \sum_{t=1}^{T} sum(real_t)"
    d = derive(bind(load(model, shapes={"memory": "copy, copy", "at": "copy, r"})))
    params, inputs = models.arrays(d.model, 3, 2, "float64")
    (_, found), (_, expected) = (compile_gradient(d, b)(params, inputs) for b in ("numba", "numpy"))
    assert all(np.allclose(found[key], expected[key], rtol=1e-12) for key in expected)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_functions_say_their_numbers_in_the_type_of_the_arrays(name: str) -> None:
    for source in (numba_source(name), numba_source(f"{name}_prime")):
        body = source.split("return")[1]
        bare = re.sub(r"real\([^()]*\)|> 0|\*\* real", "", body)
        assert not re.search(r"\d", re.sub(r"log1p|expm1", "", bare)), body


def test_what_it_needs_and_can_not_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="the backend numba has no forward mode; use numpy"):
        symbptt.compile("elman", backend="numba", mode="forward")
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(
        RequestError, match=r"needs Numba and SciPy; pip install 'symbptt\[numba\]'"
    ):
        compile_gradient(models.derivation("elman"), "numba")
