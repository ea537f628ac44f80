"""Hessian-vector products: symmetric, equal to differences of gradients, and as readable."""

import models
import numpy as np
import pytest
from sympy.matrices.expressions import HadamardPower, HadamardProduct
from test_code_standalone import ruff
from test_forward_compiled import BOUND, arguments

import symbptt
from symbptt.calculus import derive
from symbptt.calculus.tangent import PUSHFORWARDS
from symbptt.compile import compile_hessian, export_files
from symbptt.errors import BindingError
from symbptt.evidence.hessian import hessian_witness
from symbptt.evidence.verify import assignments, verify_products
from symbptt.model import bind

HESSIAN = {"products": "hessian"}


def checks(f, T, seed=0):
    return [
        c
        for part in hessian_witness("numpy", f, T, assignments(f.model)[0], seed)
        for c in part.checks
    ]


@pytest.mark.parametrize("name", BOUND)
def test_the_product_is_the_change_of_the_gradient(name):
    f = symbptt.compile(bind(models.model(name)), **HESSIAN)
    for T in (1, 2, 4):
        found = checks(f, T)
        assert {c.what for c in found} >= {"u^T H v"}
        assert not [str(c) for c in found if not c.passed]


@pytest.mark.parametrize("name", ["elman", "lstm", "narx", "rnn-ln"])
def test_loss_and_gradients_are_those_of_reverse_mode(name):
    f, g = symbptt.compile(name, **HESSIAN), symbptt.compile(name)
    params, inputs = arguments(f.model, 4, 3)
    loss, grads, products = f(params, inputs, params)
    whole, gradients = g(params, inputs)  # summed in another order
    assert loss == pytest.approx(whole, rel=1e-13)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(grads[key], gradient, rtol=1e-12, atol=1e-14)
    assert {k: a.shape for k, a in products.items()} == {k: a.shape for k, a in grads.items()}


def test_nothing_moves_without_a_direction_and_products_are_linear_in_it():
    f = symbptt.compile("lstm", **HESSIAN)
    params, inputs = arguments(f.model, 3, None)
    assert all((a == 0).all() for a in f(params, inputs, {})[2].values())
    one, other = ({k: s * a for k, a in params.items()} for s in (1.0, -2.5))
    Hu, Hv = (f(params, inputs, direction)[2] for direction in (one, other))
    for key in Hu:
        np.testing.assert_allclose(Hv[key], -2.5 * Hu[key], rtol=1e-12, atol=1e-14)


def test_a_quadratic_loss_has_a_constant_hessian():
    """``L = ½ ‖V (x + b) - d‖²`` over steps: ``H_bb = T VᵀV``."""
    f = symbptt.compile("h_t = x_t + b\nL = \\sum_t squared_error(V h_t, d_t)", **HESSIAN)
    rng = np.random.default_rng(0)
    V, b, u = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3)
    inputs = {"x": rng.normal(size=(5, 3)), "d": rng.normal(size=(5, 4))}
    np.testing.assert_allclose(f({"V": V, "b": b}, inputs, {"b": u})[2]["b"], 5 * V.T @ V @ u)


def test_initial_values_move_too():
    f = symbptt.compile("elman-linear", functions={"L_t": "squared_error"}, **HESSIAN)
    params, inputs = arguments(f.model, 3, 2)
    move = {"h_0": np.ones_like(inputs["h_0"])}
    with_start = f(params, inputs, move)[2]
    assert np.abs(with_start["W_hh"]).max() > 0
    del inputs["h_0"]  # zero, but it may move all the same
    assert f(params, inputs, move)[2]["h_0"].shape == (2, 3)


def test_a_batch_that_only_an_initial_value_tells():
    f = symbptt.compile("h_t = \\tanh(W h_{t-1})\nL = sum(h_T)", **HESSIAN)
    inputs = {"T": 4, "h_0": np.ones((2, 3))}
    assert (f({"W": np.eye(3)}, inputs, {})[2]["W"] == 0).all()
    some, still = ({"W": np.ones((3, 3)), **start} for start in ({}, {"h_0": np.zeros((2, 3))}))
    one, other = (f({"W": np.eye(3)}, inputs, direction)[2]["W"] for direction in (some, still))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [HadamardProduct, HadamardPower])
def test_a_corrupted_rule_is_caught(kind, monkeypatch):
    rule = PUSHFORWARDS[kind]
    monkeypatch.setitem(PUSHFORWARDS, kind, lambda node, d, value: 2 * rule(node, d, value))
    d = derive(bind(models.model("gated")))
    assert not verify_products(compile_hessian(d)).passed


#: In these a line of reverse mode is too long too, or a formatter would add brackets to it.
AWKWARD = {"matrix-sum", "cancelled-over-time", "roots-raised", "stacked"}
TIDY = [n for n in BOUND if n not in AWKWARD]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([n for n in TIDY if n in models.CORE], id="some"),
        pytest.param(TIDY, id="all", marks=pytest.mark.slow),
    ],
)
def test_the_module_is_written_as_formatters_and_linters_want_it(tmp_path, names):
    for i, name in enumerate(names):
        d = derive(bind(models.model(name)))
        text = export_files(d, version="0.1.0", products="hessian")[".py"]
        (tmp_path / f"products_{i}.py").write_text(text, "utf-8")
        assert text == export_files(d, version="0.1.0", products="hessian")[".py"]
    done = ruff("format", "--isolated", "--diff", "--line-length", "100", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert ruff("check", "--isolated", "--no-cache", str(tmp_path)).returncode == 0
    for file in tmp_path.glob("*.py"):
        assert all(len(line) <= 100 for line in file.read_text("utf-8").splitlines())


def test_export_verifies_and_stands_alone(tmp_path):
    source = symbptt.export("gru", tmp_path / "hessian.py", **HESSIAN)
    space = {}
    exec(source, space)
    f = symbptt.compile("gru", **HESSIAN)
    params, inputs = arguments(f.model, 3, 2)
    mine = space["hessian_vector_product"](params, inputs, params)
    np.testing.assert_equal(mine[2], f(params, inputs, params)[2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W_hh": np.ones((2, 2))}, r"direction: W_hh has shape \(2, 2\); expected \(3, 3\)"),
        ({"W_h": np.ones((3, 3))}, r"direction has no place for 'W_h'; did you mean 'W_"),
        ({"h_0": np.ones(4)}, "direction: h_0 has shape"),
        ({"b_h": np.ones(3, dtype=int)}, "direction: b_h has dtype int64; expected float32 or"),
        ([1, 2], "direction is of type list; expected a dict of arrays"),
    ],
)
def test_a_direction_that_does_not_fit_is_one_clear_line(change, message):
    f = symbptt.compile("elman", **HESSIAN)
    params, inputs = arguments(f.model, 3, None)
    with pytest.raises(BindingError, match=message) as refused:
        f(params, inputs, change)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"products": "jacobian"}, "no products 'jacobian'"),
        ({"products": "hessian", "mode": "forward"}, "compiled from the whole of reverse mode"),
        (
            {"products": "hessian", "truncate": 2},
            r"leave out mode and truncate \(--mode, --truncate\)",
        ),
        ({"products": "hessian", "inputs": True}, "leave inputs out"),
        ({"products": "hessian", "backend": "lambdify"}, "has no Hessian-vector products"),
    ],
)
def test_a_wrong_request_is_one_clear_line(options, message):
    with pytest.raises(symbptt.errors.RequestError, match=message):
        symbptt.compile("elman", **options)


def test_it_says_what_it_is():
    f = symbptt.compile("elman", **HESSIAN)
    assert repr(f) == "<Hessian-vector product of elman for any T, backend numpy>"
    assert "R_h[t] = R_z[t] * (1 - h[t] ** 2)" in f.source


def test_inner_values_and_long_products_are_named_once():
    right = r" \odot ".join(rf"\tanh(\tanh(W{i} h_{{t-1}}))" for i in range(6))
    text = f"h_t = {right}\nL = \\operatorname{{sum}}(h_T)"
    f = symbptt.compile(text, **HESSIAN)
    for i in range(6):
        assert f.source.count(f"np.tanh(h[t - 1] @ W{i}.T)") == 1
    assert "# α^h_t = tanh(W0 h_{t-1})" in f.source
    assert verify_products(f).passed
    g = symbptt.compile(text)
    params, inputs = arguments(f.model, 4, None)
    np.testing.assert_equal(f(params, inputs, {})[1], g(params, inputs)[1])


def test_logarithms_stay_beside_their_factors():
    """``p log p`` is 0 where p is: neither factor gets a name of its own without the other."""
    f = symbptt.compile(
        "p_t = \\operatorname{softmax}(W h_{t-1} + U x_t)\n"
        "h_t = p_t \\odot \\log(p_t)\nL = \\operatorname{sum}(h_T)",
        **HESSIAN,
    )
    assert " h[t] = times_log(p[t], p[t])" in f.source


@pytest.mark.parametrize(
    "equations",
    [
        r"h_t = \tanh(\tanh(W h_{t-1})) \odot \tanh(\tanh(W h_{t-2})) \odot \tanh(\tanh(V x_t))",
        "a_t = \\tanh(\\tanh(W a_{t-1} + U x_t))\n"
        "b_t = \\tanh(\\tanh(V b_{t+1} + U x_t))\nh_t = a_t \\odot b_t",
        "u_t = \\tanh(\\tanh(W x_t)) \\odot u_{t-1}\n"
        "h_t = \\tanh(\\tanh(W x_t)) \\odot u_t \\odot h_{t-1} \\odot \\sigma(u_t) "
        "\\odot \\sigma(h_{t-1}) \\odot \\sigma(W x_t)",
    ],
    ids=["lags", "two-passes", "two-equations"],
)
@pytest.mark.parametrize("loss", [r"\sum_t L(h_t, d_t)", "L(h_2, d_2) + L(h_T, d_T)"])
def test_inner_values_of_awkward_models_are_right(equations, loss):
    terms = loss.replace("L(", "\\operatorname{squared_error}(")
    f = symbptt.compile(f"{equations}\nL = {terms}", **HESSIAN)
    assert "α" in f.source
    assert verify_products(f).passed
