"""The backend c: strict C99, one file and its header, that computes what the NumPy module does."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import models
import numpy as np
import pytest

import symbptt
from symbptt.calculus import derive
from symbptt.compile import compile_gradient, export_files
from symbptt.compile.c_module import c_module
from symbptt.errors import RequestError
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


def test_the_module_beside_it_calls_it(tmp_path: Path) -> None:
    exported("gru", tmp_path, "cell")
    code = "import cell; print(cell.loss_and_gradients.__doc__.split()[0])"
    assert run(sys.executable, "-c", code, folder=tmp_path) == "Return\n"
    assert sorted(p.name for p in tmp_path.glob("cell.*")) == ["cell.c", "cell.h", "cell.py"]


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
@pytest.mark.parametrize("batch", [None, 1, 5])
@pytest.mark.parametrize("name", ["lstm", "elman-bidirectional", "rnn-ln"])
def test_gradients_are_those_of_numpy(name: str, batch: int | None, dtype: str) -> None:
    d = models.derivation(name)
    c, numpy = compile_gradient(d, "c"), compile_gradient(d, "numpy")
    params, inputs = arrays(d.model, 7, batch, dtype)
    (loss, grads), (expected_loss, expected) = c(params, inputs), numpy(params, inputs)
    assert loss == pytest.approx(expected_loss, rel=FLOATS[dtype])
    for key, gradient in grads.items():
        assert gradient.dtype == dtype
        assert_close(gradient, expected[key], FLOATS[dtype])


def arrays(
    model: Model, T: int, batch: int | None, dtype: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    sizes: dict[object, int] = {name: 3 + 8 * i for i, name in enumerate(model.dimensions)}

    def array(*dims: object) -> np.ndarray:
        shape = [sizes.get(d, d) for d in dims if d != 1]
        return np.asarray(rng.normal(size=shape) / 2, dtype)

    lead = (T,) if batch is None else (T, batch)
    params = {v.name: array(*v.shape) for v in model.timeless}
    return params, {v.name: array(*lead, *v.shape) for v in model.given}


def test_names_of_c_and_greek_letters_are_names() -> None:
    model = load("z_t = W z_{t-1} + φ x_t; int_t = tanh(z_t); L = \\sum_{t=1}^{T} sum(int_t)")
    d = derive(bind(model))
    params, inputs = arrays(d.model, 3, 2, "float64")
    (_, grads), (_, expected) = (compile_gradient(d, b)(params, inputs) for b in ("c", "numpy"))
    for key, gradient in grads.items():
        assert_close(gradient, expected[key], 1e-12)


def test_a_title_can_not_leave_its_comment() -> None:
    source = c_module(models.derivation("elman"))
    for text in (source.code, source.header):
        inside = text.split("*/")[0]
        assert inside.count("/*") == 1


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
    params, inputs = arrays(f.model, 2, None, "float64")
    with pytest.raises(RequestError, match=r"^no C compiler: .*; install one, or set CC$"):
        f(params, inputs)
