"""PyTorch and JAX as witnesses: compiled gradients against the frameworks' own autograd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

import models
import numpy as np
import pytest

import symbptt
from symbptt import cli
from symbptt.calculus import derive, truncate
from symbptt.compile import GradientFunction, compile_gradient
from symbptt.errors import BindingError, RequestError
from symbptt.evidence.complex_step import EPSILON
from symbptt.evidence.complex_step import FUNCTIONS as DEFINED
from symbptt.evidence.floating import compared
from symbptt.evidence.frameworks import FRAMEWORKS, frameworks
from symbptt.evidence.report import Check
from symbptt.evidence.verify import assignments, verify
from symbptt.model import bind, builtin_names, load
from symbptt.model.functions import ACTIVATIONS, VECTOR_FUNCTIONS

TITLES = {name: title for name, (title, _) in FRAMEWORKS.items()}

#: Models that no book has, but for those that are for a single activation.
ODD = [n for n in models.TEXTS if not n.startswith("with ") and not models.model(n).abstract]


@pytest.fixture(params=FRAMEWORKS)
def name(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return request.param


@cache
def compiled(name: str) -> GradientFunction:
    return compile_gradient(derive(bind(models.model(name)), inputs=True))


def witnessed(name: str, f: GradientFunction, T: int, batch: int | None) -> list[Check]:
    """The checks of a compiled function by a framework alone."""
    found = compared("numpy", f, T, batch, assignments(f.model)[0], 0, frameworks([name]))
    assert found.undecided == ()
    return [check for check in found.checks if check.witness == TITLES[name]]


def assert_agree(checks: list[Check], f: GradientFunction) -> None:
    assert [str(check) for check in checks if not check.passed] == []
    gradients = (*f.model.parameters, *f.model.initial_values, *f.model.given)
    assert len(checks) == 1 + len(gradients)


#: JAX compiles each operation for each size it meets, which is most of the time it takes.
LENGTHS = [
    *(("torch", T, batch) for T in (1, 2, 5) for batch in (None, 3)),
    *(("jax", T, batch) for T, batch in [(1, None), (5, 3)]),
    *(pytest.param("jax", *more, marks=pytest.mark.slow)
      for more in [(1, 3), (2, None), (2, 3), (5, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("framework", "T", "batch"), LENGTHS)
@pytest.mark.parametrize("model", builtin_names())
def test_gradients_agree_with_autograd(
    framework: str, model: str, T: int, batch: int | None
) -> None:
    pytest.importorskip(framework)
    assert_agree(witnessed(framework, compiled(model), T, batch), compiled(model))


@pytest.mark.parametrize("model", ODD)
def test_so_do_those_of_models_that_no_book_has(model: str) -> None:
    pytest.importorskip("torch")
    f = compiled(model)
    assert_agree(witnessed("torch", f, 5, 3 if f.model.given else None), f)


@pytest.mark.parametrize("model", ["rows", "scaled", "penalty"])
def test_so_do_some_in_jax_which_compiles_each_operation_first(model: str) -> None:
    pytest.importorskip("jax")
    assert_agree(witnessed("jax", compiled(model), 5, 3), compiled(model))


@pytest.mark.parametrize(
    "model", ["elman", "lstm", "narx", "gated", "learned-start", "elman-bidirectional", "seq2seq"]
)
@pytest.mark.parametrize("cut", [2, (2, 3)], ids=str)
def test_truncated_gradients_agree_with_autograd_of_a_detached_state(
    name: str, model: str, cut: int | tuple[int, int]
) -> None:
    f = compile_gradient(truncate(derive(bind(models.model(model)), inputs=True), cut))
    for T in (1, 5):
        assert_agree(witnessed(name, f, T, 3), f)


def test_where_no_step_bears_a_loss_the_gradient_is_zero(name: str) -> None:
    checks = witnessed(name, compiled("third-step"), 2, None)
    assert [check.deviation for check in checks] == [0] * len(checks) != []


@pytest.mark.parametrize("function", [*ACTIVATIONS, *VECTOR_FUNCTIONS])
def test_a_framework_s_function_is_ours(name: str, function: str) -> None:
    (framework,) = frameworks([name]).values()
    positive = function in ("log", "sqrt")
    z = np.array([0.3, 0.7, 1.9, 2.6] if positive else [-2.3, -0.4, 0.7, 30.5])[:, None]
    weights = np.array([0.2, -1.1, 0.5, 1.7])[:, None]
    for along in (z, z.T):  # a column, a row
        seen = weights.reshape(along.shape)
        value, slopes = framework.differentiate(
            lambda a: (a["w"] * framework.functions[function](a["z"])).sum(),
            {"z": along, "w": seen},
        )
        steps = along + 1j * EPSILON * np.eye(along.size).reshape(-1, *along.shape)
        expected = (seen * DEFINED[function](steps)).sum(axis=(-1, -2))
        assert value == pytest.approx(expected[0].real, rel=1e-12)
        assert slopes["z"].ravel() == pytest.approx(expected.imag / EPSILON, rel=1e-12, abs=1e-14)


def test_every_function_of_the_language_has_a_row(name: str) -> None:
    (framework,) = frameworks([name]).values()
    assert {*framework.functions} == {*ACTIVATIONS, *VECTOR_FUNCTIONS}


def test_a_wrong_gradient_is_caught(name: str) -> None:
    right = compiled("lstm")

    def wrong(params, inputs):
        loss, grads = right(params, inputs)
        return loss, {**grads, "U_f": grads["U_f"] * (1 + 1e-8)}

    wrong.model = right.model
    report = verify(derive(right.model), {"wrong": wrong}, T=2, witnesses=[name])
    assert {(c.witness, c.what) for c in report.failures} == {
        ("complex step", "∂L/∂U_f"),
        (TITLES[name], "∂L/∂U_f"),
    }


def test_what_a_caller_has_set_stays_as_it_was() -> None:
    jax, torch = pytest.importorskip("jax"), pytest.importorskip("torch")
    with torch.no_grad():
        for name in FRAMEWORKS:
            assert_agree(witnessed(name, compiled("elman"), 2, None), compiled("elman"))
        assert not torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert jax.numpy.ones(1).dtype == np.float32


# -- asked for --------------------------------------------------------------------------------


def test_on_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "elman", "-T", "2", "--with", name]) == 0
    assert f"  {TITLES[name]:12}  28 checks against its autograd" in capsys.readouterr().out


def test_both_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jax"), pytest.importorskip("torch")
    assert cli.main(["verify", "elman", "-T", "2", "--with", "torch,jax", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["checks_by_witness"]
    assert found["PyTorch"] == found["JAX"] == found["complex step"] == 28


def test_nobody_is_asked_unless_told_to() -> None:
    report = symbptt.verify("elman-uvw", T=1)
    assert {*report.counts} == {"exact", "induction", "complex step", "numeric BPTT"}


@pytest.mark.parametrize("package", FRAMEWORKS)
def test_one_that_is_absent_is_one_line(package: str) -> None:
    absent = f"import sys; sys.modules['{package}'] = None; from symbptt.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", absent + "sys.exit(main())", "verify", "elman", "--with", package],
        capture_output=True, text=True, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"symbptt: {TITLES[package]} is not installed; pip install 'symbptt[{package}]'\n"
    )


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no witness 'tensorflow'. Known: jax, torch"):
        symbptt.verify("elman", witnesses=["tensorflow"])


def test_a_model_that_can_t_be_run_has_none() -> None:
    model = load(r"h_t = f(W h_{t-1} + U x_t); L = \sum_{t=1}^{T} squared_error(h_t, d_t)")
    with pytest.raises(BindingError, match="f is not bound"):
        symbptt.verify(model, witnesses=["torch"])
