"""The backend auto: compiled loops where a step is small, NumPy's products where it is large."""

from __future__ import annotations

import warnings
from typing import Any

import models
import numpy as np
import pytest

import symbptt
from symbptt.compile import auto, compile_gradient
from symbptt.errors import BindingError, RequestError

SHAPES = {"W_hh": (3, 3), "W_xh": (3, 2), "b_h": (3,), "W_hy": (4, 3), "b_y": (4,)}
PARAMS = {name: np.full(shape, 0.1) for name, shape in SHAPES.items()}
INPUTS = {"x": np.ones((5, 7, 2)), "target": np.ones((5, 7, 4)) / 4}


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backends that run, in order."""
    ran: list[str] = []

    def recorded(name: str) -> Any:
        def compiled(derivation: Any, T: int | None) -> Any:
            f = compile_gradient(derivation, "numpy", T)

            def run(params: Any, inputs: Any) -> Any:
                ran.append(name)
                return f(params, inputs)

            return run

        return compiled

    plain = recorded("numpy")

    def numpy(derivation: Any, T: int | None = None) -> Any:
        f, run = compile_gradient(derivation, "numpy", T), plain(derivation, T)

        class Recorded:
            model, source, truncation = f.model, f.source, f.truncation

            def __call__(self, params: Any, inputs: Any) -> Any:
                return run(params, inputs)

        return Recorded()

    monkeypatch.setattr(auto, "compile_numpy", numpy)
    loops = {name: (recorded(name), lambda: True) for name in ("c", "numba")}
    monkeypatch.setattr(auto, "LOOPS", loops)
    return ran


def called() -> dict[str, Any]:
    _, grads = auto.compile_auto(models.derivation("elman"))(PARAMS, INPUTS)
    return grads


def test_a_small_step_is_a_compiled_loop(used: list[str]) -> None:
    called()
    assert used == ["c"]


def test_the_loops_are_those_that_can_run(used: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    loops = {**auto.LOOPS, "c": (auto.LOOPS["c"][0], lambda: None)}
    monkeypatch.setattr(auto, "LOOPS", loops)
    called()
    monkeypatch.setattr(auto, "LOOPS", {})
    called()
    assert used == ["numba", "numpy"]


def test_a_large_step_is_numpy_s(used: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    many = 7 * (3 * 3 + 3 * 2 + 4 * 3)  # samples by the entries of the matrices
    monkeypatch.setattr(auto, "MANY", many)
    called()
    monkeypatch.setattr(auto, "MANY", many + 1)
    called()
    assert used == ["numpy", "c"]


def broken(derivation: Any, T: int | None) -> Any:
    def run(params: Any, inputs: Any) -> Any:
        raise RequestError("cc failed")

    return run


def test_a_compiler_that_fails_leaves_the_next(used: list[str], monkeypatch: Any) -> None:
    f = compile_gradient(models.derivation("elman"), "numpy")
    monkeypatch.setitem(auto.LOOPS, "c", (broken, lambda: True))
    with pytest.warns(RuntimeWarning, match="backend c .*cc failed; numba is used instead"):
        grads, (_, expected) = called(), f(PARAMS, INPUTS)
    assert used == ["numba"]
    assert all(np.array_equal(grads[name], expected[name]) for name in expected)


def test_it_is_said_once_and_not_tried_again(used: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(auto, "LOOPS", {"c": (broken, lambda: True)})
    f = auto.compile_auto(models.derivation("elman"))
    with pytest.warns(RuntimeWarning, match="numpy is used instead"):
        f(PARAMS, INPUTS)
    with warnings.catch_warnings(action="error"):
        f(PARAMS, INPUTS)
    assert used == ["numpy", "numpy"]


def test_arrays_that_do_not_fit_are_one_clear_line() -> None:
    f = symbptt.compile("elman", backend="auto")
    with pytest.raises(BindingError, match=r"^x has shape \(5, 2, 1, 1\); expected"):
        f(PARAMS, {**INPUTS, "x": np.ones((5, 2, 1, 1))})
    with pytest.raises(BindingError, match=r"^x is no array"):
        f(PARAMS, {**INPUTS, "x": [[1.0], [1.0, 2.0]]})


def test_truncated_gradients_are_numpy_s(used: list[str]) -> None:
    symbptt.compile("elman", backend="auto", truncate=2)(PARAMS, INPUTS)
    assert used == ["numpy"]


def test_it_is_no_module_to_export() -> None:
    with pytest.raises(RequestError, match="the backend auto works in memory only"):
        symbptt.export("elman", backend="auto", check=False)
