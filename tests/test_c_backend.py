"""The backend c: strict C99, one file and its header, that computes what the NumPy module does."""

from __future__ import annotations

import ctypes
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest

import symbptt
from symbptt.calculus import Derivation, derive
from symbptt.compile import compile_gradient, export_files
from symbptt.compile.c_module import TAKEN_C, c_module
from symbptt.compile.loader import load_module
from symbptt.errors import RequestError, SymbpttError
from symbptt.model import Model, bind, load

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
TRAIN = Path(__file__).parent / "programs" / "train_lstm.c"


def run(*command: object, folder: Path) -> str:
    done = subprocess.run(
        [str(c) for c in command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def exported(model: str, folder: Path, name: str) -> None:
    symbptt.export(model, folder / f"{name}.c", backend="c", check=False)


@pytest.mark.parametrize("options", [["-O0"], ["-O2", "-DLSTM_FLOAT"]])
def test_the_source_is_strict_c(options: list[str], tmp_path: Path) -> None:
    exported("lstm", tmp_path, "lstm")
    run("cc", *STRICT, *options, "-c", "lstm.c", folder=tmp_path)


def test_a_program_trains_with_a_small_static_library(tmp_path: Path) -> None:
    exported("lstm", tmp_path, "lstm")
    run("cc", *STRICT, "-O2", "-c", "lstm.c", folder=tmp_path)
    run("ar", "rcs", "liblstm.a", "lstm.o", folder=tmp_path)
    assert (tmp_path / "liblstm.a").stat().st_size < 64 * 1024
    run("cc", *STRICT, "-I.", "-o", "train", TRAIN, "liblstm.a", "-lm", folder=tmp_path)
    losses = [float(line.split()[1]) for line in run("./train", folder=tmp_path).splitlines()]
    assert losses[0] > 50
    assert losses[-1] < 5


CALL = """
import cell
import numpy as np

arrays = np.load("arrays.npz")
params = {name: arrays[name] for name in arrays if name not in "xd"}
loss, grads = cell.loss_and_gradients(params, {"x": arrays["x"], "d": arrays["d"]})
np.savez("found.npz", loss=loss, **grads)
"""


def test_the_module_beside_it_calls_it(tmp_path: Path) -> None:
    exported("gru", tmp_path, "cell")
    assert sorted(p.name for p in tmp_path.glob("cell.*")) == ["cell.c", "cell.h", "cell.py"]
    f = symbptt.compile("gru")
    params, inputs = models.arrays(f.model, 4, 3, "float64")
    assert set(inputs) == {"x", "d"}
    np.savez(tmp_path / "arrays.npz", **params, **inputs)
    run(sys.executable, "-c", CALL, folder=tmp_path)
    loss, expected = f(params, inputs)
    with np.load(tmp_path / "found.npz") as found:
        assert found["loss"] == pytest.approx(loss, rel=1e-12)
        assert {*found} == {"loss", *expected}
        for key, gradient in expected.items():
            assert_close(found[key], gradient, 1e-12)


def test_the_name_of_a_file_that_is_no_c_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^'lstm.py' is to be C; name a file that ends in .c$"):
        symbptt.export("lstm", tmp_path / "lstm.py", backend="c")
    assert not list(tmp_path.iterdir())


def test_what_it_can_not_do_is_said() -> None:
    with pytest.raises(RequestError, match="the backend c has no truncated BPTT; use numpy"):
        symbptt.compile("elman", backend="c", truncate=(1, 2))
    with pytest.raises(RequestError, match="the backend c has no forward mode; use numpy"):
        symbptt.compile("elman", backend="c", mode="forward")


def test_text_is_the_same_each_time_and_says_what_made_it() -> None:
    one, two = (export_files(models.derivation("lstm"), "c", version="1.2.3") for _ in range(2))
    assert one == two
    for text in one.values():
        assert "Written by symbptt 1.2.3 from the model 'lstm'" in text


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert np.max(np.abs(found - expected)) <= tolerance * np.max(np.abs(expected))


FLOATS = {"float32": 2e-5, "float64": 1e-12}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("batch", [None, 1, 5, 29])  # 29: rows for several blocks of a product
@pytest.mark.parametrize("name", ["lstm", "elman-bidirectional", "rnn-ln"])
def test_gradients_are_those_of_numpy(name: str, batch: int | None, dtype: str) -> None:
    d = models.derivation(name)
    assert_equal(d, compile_gradient(d, "c"), batch, dtype)


def assert_equal(
    d: Derivation, c: Callable[..., tuple[Any, Any]], batch: int | None, dtype: str
) -> None:
    params, inputs = models.arrays(d.model, 7, batch, dtype)
    numpy = compile_gradient(d, "numpy")
    (loss, grads), (expected_loss, expected) = c(params, inputs), numpy(params, inputs)
    assert loss == pytest.approx(expected_loss, rel=FLOATS[dtype])
    for key, gradient in grads.items():
        assert gradient.dtype == dtype
        assert_close(gradient, expected[key], FLOATS[dtype])


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_compiler_without_vectors_multiplies_number_by_number(dtype: str, tmp_path: Path) -> None:
    exported("lstm", tmp_path, "lstm")
    source = (tmp_path / "lstm.c").read_text()
    assert source.count("#if defined(__GNUC__)") == 1
    (tmp_path / "lstm.c").write_text(source.replace("#if defined(__GNUC__)", "#if 0"))
    module = load_module((tmp_path / "lstm.py").read_text(), "lstm")
    module.__dict__["FOLDER"] = tmp_path
    assert_equal(models.derivation("lstm"), module.loss_and_gradients, 29, dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_products_may_be_those_of_blas(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = f"{os.environ['CFLAGS']} -DLSTM_BLAS -I{TRAIN.parent} {TRAIN.parent / 'cblas.c'}"
    monkeypatch.setenv("CFLAGS", flags)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    d = models.derivation("lstm")
    assert_equal(d, compile_gradient(d, "c"), 29, dtype)
    (library,) = tmp_path.rglob("*.so")
    assert ctypes.c_long.in_dll(ctypes.CDLL(str(library)), "cblas_calls").value > 20


def assert_as_numpy(model: Model) -> None:
    d = derive(bind(model), inputs=True)
    params, inputs = models.arrays(d.model, 3, 2, "float64")
    (_, grads), (_, expected) = (compile_gradient(d, b)(params, inputs) for b in ("c", "numpy"))
    assert list(grads) == list(expected)
    for key, gradient in grads.items():
        assert_close(gradient, expected[key], 1e-12)


SUM = "L = \\sum_{t=1}^{T} sum(h_t)"

#: Models with names that the code has uses for, or that C can not tell apart, and with values that
#: no gradient needs.
AWKWARD: dict[str, tuple[str, dict[str, str]]] = {
    "words of C": (f"z_t = W z_{{t-1}} + φ x_t; int_t = tanh(z_t); h_t = int_t; {SUM}", {}),
    "a size that is a word": (f"h_t = W h_{{t-1}} + U x_t; {SUM}", {"W": "int, int", "U": "int, j"}),
    "two sizes alike": (f"h_t = W h_{{t-1}} + U x_t; {SUM}", {"W": "φ, φ", "U": "φ, phi"}),
    "sizes of the wrapper": (f"h_t = W x_t + U z_t; {SUM}", {"W": "given, out", "U": "given, lambda"}),
    "samples as a size": (f"h_t = W h_{{t-1}} + U x_t; {SUM}", {"W": "B, B", "U": "B, m"}),
    "a value L": ("L_t = W L_{t-1} + x_t; J = \\sum_{t=1}^{T} squared_error(L_t, d_t)", {}),
    "a parameter target": (f"s_t = U x_t; h_t = target^T s_t + target s_t; {SUM}", {}),
    "a star before a quotient": (f"h_t = tanh(W^*/2 h_{{t-1}} + x_t); {SUM}", {}),
    "a state that no gradient needs": (f"h_t = W x_t; s_t = h_t + s_{{t-1}}; {SUM}", {}),
    "a start that no gradient needs": (
        f"s_t = s_{{t-1}} + x_t; h_t = tanh(W h_{{t-1}}); h_0 = s_T; {SUM}", {}
    ),
    "a matrix of all steps": (
        r"h_t = sin(h_{t-1}^2 + tanh(W) V); L = \sum_{t=1}^{T} squared_error(h_t, d_t)",
        {"h": "n, k", "d": "n, k", "W": "n, m", "V": "m, k"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_models_have_the_gradients_of_numpy(name: str) -> None:
    text, shapes = AWKWARD[name]
    assert_as_numpy(load(text, shapes=shapes))


def parameters(names: Iterable[str]) -> Model:
    terms = " + ".join(f"{name} ⊙ x_t" for name in names)
    return load(f"h_t = tanh({terms}); {SUM}", shapes=dict.fromkeys(names, "n"))


def sizes(names: Iterable[str]) -> Model:
    names = [name for name in names if name.isalpha() and "x" not in name]  # a sign in a shape
    terms = " + ".join(f"W_{i} x_{{{i},t}}" for i, _ in enumerate(names))
    return load(f"h_t = {terms}; {SUM}", shapes={f"W_{i}": f"n, {s}" for i, s in enumerate(names)})


def words() -> list[str]:
    """The words that no name in C may be, as far as they are names of a model."""

    def is_name(word: str) -> bool:
        try:
            return word in parameters([word]).variables
        except SymbpttError:
            return False

    return list(filter(is_name, TAKEN_C))


@pytest.mark.parametrize("kind", [parameters, sizes])
def test_words_of_c_are_names(kind: Callable[[Iterable[str]], Model], tmp_path: Path) -> None:
    names = words()
    assert {"int", "EXP_MAX", "true", "j", "gradients"} <= {*names}
    source = c_module(derive(bind(kind(names))))
    (tmp_path / f"{source.prefix}.h").write_text(source.header, "utf-8")
    (tmp_path / "model.c").write_text(source.code, "utf-8")
    for options in (STRICT, ["-Werror"]):
        run("cc", *options, "-c", "model.c", folder=tmp_path)


def test_every_name_of_the_printed_file_is_taken() -> None:
    code = c_module(models.derivation("lstm")).code
    defined = re.findall(r"^#define (\w+)", code, re.MULTILINE)
    declared = re.findall(r"^static (?:inline )?\w+ (\w+)\(", code, re.MULTILINE)
    assert len(defined) > 10
    assert len(declared) > 10
    assert {*defined, *declared} <= {*TAKEN_C}


@pytest.mark.parametrize("text", ["ends */ int x; here", "begins /* here", "a trigraph ??/"])
def test_a_title_can_not_leave_its_comment(text: str, tmp_path: Path) -> None:
    model = replace(load("elman"), title=text, name=text)
    for suffix, source in export_files(derive(bind(model)), "c", version="1", name="cell").items():
        (tmp_path / f"cell{suffix}").write_text(source, "utf-8")
    run("cc", *STRICT, "-c", "cell.c", folder=tmp_path)


@pytest.mark.parametrize("function", ["exp", "tanh", "sigmoid"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_functions_are_exact_to_a_few_digits_in_the_last_place(function: str, dtype: str) -> None:
    d = derive(bind(load(f"h_t = {function}(b ⊙ x_t); L = \\sum_{{t=1}}^{{T}} sum(h_t)")))
    f = compile_gradient(d, "c")
    widest = {"exp": 80, "tanh": 30, "sigmoid": 80}[function]
    points = np.concatenate([np.linspace(-widest, widest, 161), np.logspace(-6, 0, 40)])
    exact = {"exp": math.exp, "tanh": math.tanh, "sigmoid": lambda z: 1 / (1 + math.exp(-z))}
    for z in points.astype(dtype):
        loss, _ = f({"b": np.ones(1, dtype)}, {"x": np.array([[z]], dtype)})
        want = exact[function](float(z))
        assert abs(float(loss) - want) <= 4 * np.finfo(dtype).eps * abs(want), z


def test_the_library_is_kept_for_the_next_process(tmp_path: Path) -> None:
    exported("elman", tmp_path, "elman")
    log = tmp_path / "log"
    compiler = tmp_path / "counting"
    compiler.write_text(f'#!/bin/sh\necho run >> {log}\nexec {shutil.which("cc")} "$@"\n')
    compiler.chmod(0o755)
    code = "import elman; elman.library('d')"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, check=True,
            env={**os.environ, "CC": str(compiler), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        )  # fmt: skip
        assert done.returncode == 0
    assert log.read_text() == "run\n"


def test_no_compiler_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    f = compile_gradient(models.derivation("elman"), "c")
    params, inputs = models.arrays(f.model, 2, None, "float64")
    with pytest.raises(RequestError, match=r"^no C compiler: .*; install one, or set CC$"):
        f(params, inputs)
