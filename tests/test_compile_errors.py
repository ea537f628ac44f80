"""Arrays that don't fit: one line that names the symbol, what was expected, and what came."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbptt.calculus import derive
from symbptt.compile import BACKENDS, GradientFunction, compile_gradient, export_files
from symbptt.errors import BindingError, DerivationError, RequestError
from symbptt.model import bind, load

T, B, n, m, k = 4, 2, 3, 4, 5

PARAMS = {
    "W_hh": np.ones((n, n)),
    "W_xh": np.ones((n, m)),
    "b_h": np.ones(n),
    "W_hy": np.ones((k, n)),
    "b_y": np.ones(k),
}
INPUTS = {"x": np.ones((T, B, m)), "target": np.ones((T, B, k)), "h_0": np.ones((B, n))}
UNBATCHED = {"x": np.ones((T, m)), "target": np.ones((T, k)), "h_0": np.ones(n)}


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


def replaced(name: Any, value: Any, inputs: dict[str, Any] = INPUTS) -> tuple[Any, Any]:
    """The arguments with one array replaced (or added, where it is in neither dict)."""
    if name in PARAMS:
        return {**PARAMS, name: value}, inputs
    return PARAMS, {**inputs, name: value}


def without(name: str) -> tuple[Any, Any]:
    params, inputs = ({k: a for k, a in d.items() if k != name} for d in (PARAMS, INPUTS))
    return params, inputs


def single(*names: str) -> tuple[Any, Any]:
    """The arguments with some arrays in single precision."""
    params, inputs = (
        {k: a.astype(np.float32) if k in names else a for k, a in d.items()}
        for d in (PARAMS, INPUTS)
    )
    return params, inputs


SIZES = "with T = 4 from x, B = 2 from x"

CASES: dict[str, tuple[tuple[Any, Any], str]] = {
    "a matrix of the wrong width": (
        replaced("W_xh", ones(3, 2)),
        "W_xh has shape (3, 2); expected (n, m) = (3, 4), with n = 3 from W_hh, m = 4 from x",
    ),
    "a transposed matrix": (
        replaced("W_hy", ones(n, k)),
        "W_hy has shape (3, 5); expected (k, n) = (5, 3), with k = 5 from target, n = 3 from W_hh",
    ),
    "a matrix that should be square": (
        replaced("W_hh", ones(3, 4)),
        "W_hh has shape (3, 4); expected (n, n)",
    ),
    "a column as a matrix": (
        replaced("b_h", ones(3, 1)),
        "b_h has shape (3, 1); expected (n,) = (3,), with n = 3 from W_hh",
    ),
    "a number for a vector": (
        replaced("b_y", np.float64(1)),
        "b_y has shape (); expected (k,) = (5,), with k = 5 from target",
    ),
    "another number of steps": (
        replaced("target", ones(5, B, k)),
        f"target has shape (5, 2, 5); expected (T, B, k) = (4, 2, k), {SIZES}",
    ),
    "another batch": (
        replaced("target", ones(T, 3, k)),
        f"target has shape (4, 3, 5); expected (T, B, k) = (4, 2, k), {SIZES}",
    ),
    "a batch here but not there": (
        replaced("target", ones(T, k)),
        f"target has shape (4, 5); expected (T, B, k) = (4, 2, k), {SIZES}",
    ),
    "no time axis": (
        replaced("x", ones(m)),
        "x has shape (4,); expected (T, B, m) or (T, m)",
    ),
    "an axis too many": (
        replaced("x", ones(1, T, B, m)),
        "x has shape (1, 4, 2, 4); expected (T, B, m) or (T, m)",
    ),
    "an initial value of another size": (
        replaced("h_0", ones(B, 7)),
        "h_0 has shape (2, 7); expected (B, n) = (2, 3), with B = 2 from x, n = 3 from W_hh",
    ),
    "an initial value for another batch": (
        replaced("h_0", ones(3, n)),
        "h_0 has shape (3, 3); expected (B, n) = (2, 3), with B = 2 from x, n = 3 from W_hh",
    ),
    "an initial value with a time axis": (
        replaced("h_0", ones(1, B, n)),
        "h_0 has shape (1, 2, 3); expected (B, n) = (2, 3) or (n,) = (3,), "
        "with B = 2 from x, n = 3 from W_hh",
    ),
    "an initial batch without a batch": (
        replaced("h_0", ones(B, n), UNBATCHED),
        "h_0 has shape (2, 3); expected (n,) = (3,), with n = 3 from W_hh",
    ),
    "no time steps": (
        (PARAMS, {"x": ones(0, B, m), "target": ones(0, B, k)}),
        "x has shape (0, 2, 4); expected (T, B, m) or (T, m), each size at least 1",
    ),
    "integers": (
        replaced("W_hh", np.ones((n, n), dtype=int)),
        "W_hh has dtype int64; expected float32 or float64: convert it, for example with "
        "np.asarray(W_hh, dtype=np.float64)",
    ),
    "complex numbers": (
        replaced("x", np.ones((T, B, m), dtype=complex)),
        "x has dtype complex128; expected float32 or float64: convert it, for example with "
        "np.asarray(x, dtype=np.float64)",
    ),
    "a list of integers": (
        replaced("b_h", [1, 2, 3]),
        "b_h has dtype int64; expected float32 or float64: convert it, for example with "
        "np.asarray(b_h, dtype=np.float64)",
    ),
    "rows of different lengths": (
        replaced("W_hh", [[1.0], [1.0, 2.0]]),
        "W_hh is no array: its rows differ in length",
    ),
    "words": (
        replaced("W_hh", "ones"),
        "W_hh has dtype <U4; expected float32 or float64: convert it, for example with "
        "np.asarray(W_hh, dtype=np.float64)",
    ),
    "nothing": (
        replaced("W_hh", None),
        "W_hh has dtype object; expected float32 or float64: convert it, for example with "
        "np.asarray(W_hh, dtype=np.float64)",
    ),
    "one array in single precision": (
        single("b_y"),
        "b_y has dtype float32; expected float64 as x has: all arrays must have one dtype",
    ),
    "the first array in single precision": (
        single("x"),
        "target has dtype float64; expected float32 as x has: all arrays must have one dtype",
    ),
    "a missing parameter": (
        without("b_h"),
        "params lacks b_h; expected W_hh, W_xh, b_h, W_hy, b_y",
    ),
    "a missing input": (without("x"), "inputs lacks x; expected x, target"),
    "a misspelt parameter": (
        ({**PARAMS, "W_hx": ones(3, 2)}, INPUTS),
        "params has no place for 'W_hx'; did you mean 'W_xh'? Known: W_hh, W_xh, b_h, W_hy, b_y",
    ),
    "an input among the parameters": (
        ({**PARAMS, "x": INPUTS["x"]}, INPUTS),
        "params has no place for 'x'. Known: W_hh, W_xh, b_h, W_hy, b_y",
    ),
    "a surplus input": (
        replaced("h_1", ones(n)),
        "inputs has no place for 'h_1'; did you mean 'h_0'? Known: x, target, h_0",
    ),
    "a key that is no name": (
        replaced(3, ones(n)),
        "inputs has no place for 3. Known: x, target, h_0",
    ),
    "a list of parameters": (
        (list(PARAMS.values()), INPUTS),
        "params is of type list; expected a dict of arrays by symbol name",
    ),
    "no inputs at all": (
        (PARAMS, None),
        "inputs is of type NoneType; expected a dict of arrays by symbol name",
    ),
}


@pytest.fixture(scope="module", params=list(BACKENDS))
def function(request: pytest.FixtureRequest) -> GradientFunction:
    """The compiled model ``elman``; the backends share their checks."""
    steps = T if request.param == "lambdify" else None
    return compile_gradient(derive(load("elman")), request.param, steps)


@pytest.mark.parametrize("case", CASES)
def test_arrays_that_do_not_fit(case: str, function: GradientFunction) -> None:
    arguments, expected = CASES[case]
    if function.backend == "lambdify":  # it has known T from the beginning
        expected = expected.replace("T = 4 from x", "T = 4 from the compiled function")
        expected = expected.replace(
            "(T, B, m) or (T, m)", "(T, B, m) = (4, B, m) or (T, m) = (4, m)"
        )
        if "= (4, m)" in expected:
            tail = ", each size" if ", each size" in expected else None
            known = ", with T = 4 from the compiled function"
            expected = expected.replace(tail, known + tail) if tail else expected + known
    with pytest.raises(BindingError) as caught:
        function(*arguments)
    assert str(caught.value) == expected


def test_a_dict_that_fits_is_taken(function: GradientFunction) -> None:
    function(PARAMS, INPUTS)
    function(PARAMS, UNBATCHED)
    function({k: a.tolist() for k, a in PARAMS.items()}, INPUTS)  # lists of floats are arrays


def test_what_is_not_a_number_goes_through(function: GradientFunction) -> None:
    loss, grads = function(*replaced("x", np.full((T, B, m), np.nan)))
    assert np.isnan(loss)
    assert np.isnan(grads["W_xh"]).all()


def test_a_function_for_one_T_says_so() -> None:
    for backend in BACKENDS:
        f = compile_gradient(derive(load("elman")), backend, 3)
        assert f.T == 3
        with pytest.raises(
            BindingError,
            match=r"expected \(T, B, m\) = \(3, B, m\) or .*, with T = 3 from the compiled function$",
        ):
            f(PARAMS, {**INPUTS, "x": ones(m)})
        with pytest.raises(
            BindingError, match=r"^x has shape \(4, 2, 4\); expected \(T, B, m\) = \(3, B, m\)"
        ):
            f(PARAMS, INPUTS)


CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "an unknown backend": (
        lambda: compile_gradient(derive(load("elman")), "numpi"),
        RequestError,
        "no backend 'numpi'; did you mean 'numpy'? Known: auto, c, jax, lambdify, numba, numpy, torch",
    ),
    "lambdify without T": (
        lambda: compile_gradient(derive(load("elman")), "lambdify"),
        RequestError,
        "the backend lambdify compiles for one number of steps; give T",
    ),
    "no number of steps": (
        lambda: compile_gradient(derive(load("elman")), "numpy", 0),
        DerivationError,
        "T is the number of steps, a whole number from 1 to 100000, not 0",
    ),
    "an unbound function": (
        lambda: compile_gradient(derive(load("elman-generic"))),
        BindingError,
        "elman-generic: f, g, L_t are not bound to a function; say functions={\"f\": \"tanh\"}, or --let f=tanh",
    ),
    "an unbound function, exported": (
        lambda: export_files(derive(load("elman-linear")), version="1"),
        BindingError,
        "elman-linear: L_t is not bound to a function; say functions={\"L_t\": \"squared_error\"}, or --let L_t=squared_error",
    ),
    "a backend without text": (
        lambda: export_files(derive(load("elman")), "lambdify", version="1"),
        RequestError,
        "the backend lambdify works in memory only; export with: numpy, c, numba, jax, torch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_calls_that_make_no_sense(case: str) -> None:
    call, error, expected = CALLS[case]
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == expected


STEPS = {
    "left out": ({}, "inputs lacks T; expected T"),
    "zero": ({"T": 0}, "T is 0; expected the number of steps, an integer from 1 up"),
    "a fraction": ({"T": 2.5}, "T is 2.5; expected the number of steps, an integer from 1 up"),
    "true": ({"T": True}, "T is True; expected the number of steps, an integer from 1 up"),
}


@pytest.mark.parametrize("case", STEPS)
def test_steps_given_by_number(case: str) -> None:
    f = compile_gradient(derive(load(r"h_t = W h_{t-1}; L = \sum_{t=1}^{T} h_t^T h_t")))
    inputs, expected = STEPS[case]
    with pytest.raises(BindingError) as caught:
        f({"W": ones(2, 2)}, inputs)
    assert str(caught.value) == expected


def test_a_size_that_nothing_tells() -> None:
    f = compile_gradient(
        derive(load(r"h_t = a h_{t-1}; L = \sum_{t=1}^{T} h_t^T h_t", shapes={"a": "1"}))
    )
    f({"a": np.array(1.0)}, {"T": 2, "h_0": ones(3)})
    with pytest.raises(
        BindingError, match=r"^inputs lacks h_0 or n; nothing else says how large n is$"
    ):
        f({"a": np.array(1.0)}, {"T": 2})


UNTOLD = {
    "left out": ({"n": 2}, "inputs lacks m; nothing else says how large m is"),
    "zero": ({"n": 0, "m": 2}, "n is 0; expected a size, an integer from 1 up"),
    "a fraction": ({"n": 2, "m": 2.0}, "m is 2.0; expected a size, an integer from 1 up"),
    "against T": ({"n": 2, "m": 2, "T": 5}, "T is 5; expected 3, as the compiled function has"),
}


@pytest.mark.parametrize("backend", ["numpy", "lambdify"])
def test_sizes_given_by_number(backend: str) -> None:
    text = r"M_t = a cos(M_{t-1}); M_0 = 0; L = \sum_{t=1}^{T} sum(M_t)"
    f = compile_gradient(derive(load(text, shapes={"M": "n, m", "a": "1"})), backend, T=3)
    a, told = np.array(0.5), {"T": 3, "n": 2, "m": 5}
    loss, grads = f({"a": a}, told)
    values = [0.5, 0.5 * np.cos(0.5), 0.5 * np.cos(0.5 * np.cos(0.5))]
    assert loss == pytest.approx(10 * sum(values))
    assert grads.keys() == {"a"}
    for inputs, expected in UNTOLD.values():
        with pytest.raises(BindingError) as caught:
            f({"a": a}, {"T": 3, **inputs})
        assert str(caught.value) == expected
    g = compile_gradient(
        derive(load(text.replace("M_0 = 0; ", ""), shapes={"M": "n, m", "a": "1"}))
    )
    with pytest.raises(BindingError, match=r"^n is 4; expected 2, as M_0 has$"):
        g({"a": a}, {"T": 3, "M_0": ones(2, 5), "n": 4})


def test_the_exported_module_refuses_in_the_same_words(tmp_path: Path) -> None:
    (tmp_path / "elman_grad.py").write_text(export_files(derive(load("elman")), version="1")[".py"])
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import numpy as np, elman_grad\n"
        "try:\n    elman_grad.loss_and_gradients({}, {})\n"
        "except ValueError as error:\n    print(error)\n"
        "assert not any(name.startswith(('symbptt', 'sympy')) for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert (
        done.stdout
        == "params lacks W_hh, W_xh, b_h, W_hy, b_y; expected W_hh, W_xh, b_h, W_hy, b_y\n"
    )


def test_bound_models_compile() -> None:
    compile_gradient(
        derive(bind(load("elman-generic"), {"f": "relu", "g": "softmax", "L_t": "cross_entropy"}))
    )
