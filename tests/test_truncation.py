"""Truncated BPTT: what a window is, that every window is right, and that mistakes in it are seen."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache, reduce
from operator import add
from typing import Any

import models
import numpy as np
import pytest
import random_models
import sympy as sp

import symbptt
from symbptt import cli
from symbptt.calculus import Derivation, TruncatedDerivation, truncate, windowed
from symbptt.calculus import nodes as nd
from symbptt.calculus import truncated as truncated_module
from symbptt.calculus import windows as wd
from symbptt.calculus.recursion import Gradient
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.window_sums import Reaching, Windows
from symbptt.calculus.windowed import WindowGradient, WindowRecursion
from symbptt.calculus.windows import Edge, Truncation, Window
from symbptt.compile import GradientFunction, compile_gradient
from symbptt.compile.loader import load_module
from symbptt.errors import DerivationError, RequestError
from symbptt.evidence.complex_step import sample
from symbptt.evidence.cuts import cuts
from symbptt.evidence.exact import forward_mode, places_of
from symbptt.evidence.floating import floating_witness
from symbptt.evidence.residues import ResidueArithmetic
from symbptt.evidence.truncated import truncated_witness
from symbptt.evidence.verify import assignments
from symbptt.model import Model, bind, builtin_names, load

PAIRS = ((2, 2), (2, 3), (3, 4))


#: A loss reaches a pass both at its own steps and through the start of another; a start joins
#: passes of which one runs from T to 1; a later pass looks ahead into an earlier one.
REFUSED_TEXTS = {"handed over", "both ways", "second pass"}

BUILT_IN = builtin_names()
SEVERAL = ("elman-bidirectional", "seq2seq")
TEXTS = [n for n in models.TEXTS if n not in REFUSED_TEXTS and not n.startswith("with ")]

#: Passes over time in every order that truncation knows.
PASSES = {
    "reverse": r"b_t = tanh(W b_{t+1} + U x_t + c); L = \sum_t sum(b_t)",
    "reverse, two steps": r"""
        b_t = tanh(W b_{t+1} + V b_{t+2} + U x_t)
        y_t = A b_t + C b_{t+1}
        L = \sum_t squared_error(y_t, d_t)""",
    "inputs ahead": r"h_t = tanh(W h_{t-1} + U x_t + V x_{t+2}); L = \sum_t sum(h_t)",
    "inputs around": r"""
        h_t = tanh(W h_{t-1} + U x_t)
        b_t = tanh(A b_{t+1} + B x_{t-1} + D x_{t+1})
        L = \sum_t squared_error(h_t, b_t)""",
    "both read one layer": r"""
        m_t = tanh(E x_t)
        h_t = tanh(W h_{t-1} + A m_t)
        b_t = tanh(U b_{t+1} + B m_t)
        y_t = V h_t + C b_t
        L = \sum_t squared_error(y_t, d_t) + sum(m_T)""",
    "both, losses at two steps": r"""
        h_t = tanh(W h_{t-1} + U x_t)
        b_t = tanh(A b_{t+1} + B x_t)
        y_t = V h_t + C b_t
        L = \sum_{t \in \{2, T\}} squared_error(y_t, d_t)""",
    "both start from one parameter": r"""
        b_t = tanh(W b_{t+1} + U x_t)
        b_{T+1} = q
        h_t = tanh(A h_{t-1} + x_t)
        h_0 = q
        y_t = P b_t + Q h_t
        L = \sum_t squared_error(y_t, d_t) + sum(q)""",
    "three in a row": r"""
        e_t = tanh(W e_{t-1} + U x_t)
        s_t = tanh(V s_{t-1} + C w_t)
        s_0 = e_T
        r_t = tanh(A r_{t-1} + v_t)
        r_0 = s_T
        L = \sum_t sum(r_t)""",
    "two layers, two starts": r"""
        e_t = tanh(W e_{t-1} + U x_t)
        g_t = tanh(A g_{t-1} + B e_t)
        s_t = tanh(V s_{t-1} + w_t)
        s_0 = g_T
        r_t = tanh(C r_{t-1} + D s_t)
        r_0 = e_T
        L = \sum_t sum(r_t)""",
    "a start that no loss reaches": r"""
        e_t = tanh(W e_{t-1} + U x_t)
        s_t = tanh(V s_{t-1} + w_t)
        s_0 = e_T
        L = \sum_t sum(e_t)""",
    "two steps back, started": r"""
        e_t = tanh(W e_{t-1} + Q e_{t-2} + U x_t)
        s_t = tanh(V s_{t-1} + P s_{t-2} + w_t)
        s_{-1} = 0
        s_0 = e_T
        L = \sum_t sum(s_t)""",
    "layers of their own": r"""
        n_t = tanh(E w_t)
        m_t = tanh(F x_t)
        e_t = tanh(W e_{t-1} + U m_t)
        e_0 = q
        s_t = tanh(V s_{t-1} + C n_t)
        s_0 = e_T
        L = squared_error(s_T, d_T)""",
}


@cache
def passes(name: str) -> Model:
    """A model of several passes."""
    text = PASSES[name]
    return load("\n".join(line.strip() for line in text.strip().splitlines()), name=name)


def truncated(name: str, cut: Any, T: int | None = None) -> TruncatedDerivation:
    """A truncated derivation of its own, with the gradients by inputs."""
    known = name in PASSES
    whole = symbptt.derive(passes(name), inputs=True) if known else models.derivation(name)
    return truncate(whole if T is None else replace(whole, T=T), cut)


def wrong(d: TruncatedDerivation, Ts: tuple[int, ...]) -> list[str]:
    """What the exact witness finds wrong."""
    parts = list(truncated_witness(d, Ts, assignments(d.model)[:1], 0))
    assert not any(part.undecided for part in parts)
    assert all(part.checks for part in parts)
    return [str(c) for part in parts for c in part.checks if not c.passed]


def off(f: GradientFunction, Ts: tuple[int, ...] = (1, 2, 5)) -> list[str]:
    """What the complex step finds wrong."""
    parts = list(floating_witness("numpy", f, Ts, assignments(f.model)[0], 0))
    assert all(part.checks for part in parts)
    return [str(c) for part in parts for c in part.checks if not c.passed]


# -- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", range(1, 9))
@pytest.mark.parametrize("k1", range(1, 5))
@pytest.mark.parametrize("more", range(5))
def test_windows_are_those_of_the_scheme(T, k1, more):
    k2 = k1 + more
    windows = Truncation(k1, k2).windows(T)
    assert [w.last for w in windows] == sorted({*range(k1, T + 1, k1), T})
    assert [t for w in windows for t in range(w.taken, w.last + 1)] == list(range(1, T + 1))
    assert all(w.first == max(1, w.last - k2 + 1) <= w.taken for w in windows)
    assert [(c.start, c.end) for c in cuts(load("elman"), T, k1, k2)] == [
        (w.first, w.last) for w in windows
    ]


@pytest.mark.parametrize("cut", [0, -1, 2.0, "2", True, None, (2,), (1, 2, 3), (0, 2), (1, 2.5), [1, "2"]])  # fmt: skip
def test_what_is_no_number_of_steps_is_refused(cut):
    with pytest.raises(DerivationError, match="whole number from 1 up") as caught:
        truncate(models.derivation("elman"), cut)
    assert "\n" not in str(caught.value)


def test_losses_may_not_be_lost():
    with pytest.raises(DerivationError, match=r"truncate=\(4, 3\) would lose losses.*k2 is 4"):
        symbptt.derive("elman", truncate=(4, 3))


def test_numbers_of_other_kinds_are_numbers():
    assert truncated("elman", np.int64(2)).truncation == Truncation(1, 2)
    assert truncated("elman", [2, 3]).truncation == Truncation(2, 3)


FORWARD = r"f_t = tanh(A f_{t-1} + B x_t)"
REFUSED = {
    # A window of f that goes back k steps from e has not the steps after e, which b reads.
    FORWARD + r"; b_t = tanh(C b_{t+1} + D f_t); L = \sum_t sum(b_t)": "f run one way",
    r"b_t = tanh(C b_{t+1} + D x_t); g_t = tanh(E g_{t-1} + F b_t); L = \sum_t sum(g_t)": (
        "b run one way through time and read by a recurrence that runs the other way"
    ),
    FORWARD + r"; y_t = V f_{t+1}; L = \sum_t squared_error(y_t, d_t)": r"uses f_\{t\+1\} where",
    r"m_t = E x_t; b_t = tanh(U b_{t+1} + B m_{t+1}); L = \sum_t sum(b_t)": r"uses m_\{t\+1\}",
    FORWARD + r"; s_t = tanh(V s_{t-1} + w_t); s_0 = f_T; L = \sum_t sum(s_t) + \sum_t sum(f_t)": (
        "losses reach f both at their own steps and through a last value"
    ),
    FORWARD + r"; s_t = tanh(V s_{t+1} + w_t); s_{T+1} = f_T; L = \sum_t sum(s_t)": (
        "the last value of f, and one of the two runs from T to 1"
    ),
    r"b_t = tanh(C b_{t+1} + D x_t); s_t = tanh(V s_{t-1} + w_t); s_0 = b_T; L = \sum_t sum(s_t)": (
        "the last value of b, and one of the two runs from T to 1"
    ),
    r"b_t = tanh(C b_{t+1} + D x_t); c_t = A b_t; s_t = tanh(V s_{t-1} + w_t); s_0 = c_T; "
    r"L = \sum_t sum(s_t)": "a last value that needs b, which runs from T to 1",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_one_window_is_refused(text):
    with pytest.raises(DerivationError, match=REFUSED[text]) as caught:
        symbptt.derive(text, truncate=2)
    assert "\n" not in str(caught.value)
    symbptt.derive(text)


def test_every_built_in_model_is_truncated():
    refused = set()
    for name in models.NAMES:
        try:
            truncated(name, 2)
        except DerivationError:
            refused.add(name)
    assert refused == REFUSED_TEXTS


# -- the exact witness ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.some(BUILT_IN))
def test_every_window_of_every_model_is_proved(name):
    for cut in (1, 2, 3, 4, 5):
        assert wrong(truncated(name, cut), (5,)) == [], cut
    for cut in PAIRS:
        assert wrong(truncated(name, cut), (4,)) == [], cut


@pytest.mark.slow
@pytest.mark.parametrize("T", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_window_of_every_model_is_proved_for_every_short_sequence(name, T):
    for cut in (*range(1, T + 1), *PAIRS):
        assert wrong(truncated(name, cut), (T,)) == [], cut


@pytest.mark.parametrize("name", PASSES)
def test_every_order_of_passes_is_proved(name):
    d = symbptt.derive(passes(name), inputs=True)
    for cut in (1, 2, 3, (2, 2), (2, 3)):
        assert wrong(truncate(d, cut), (1, 2, 3, 4)) == [], cut
    assert wrong(truncate(replace(d, T=4), (2, 3)), (4,)) == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_pattern_of_time_is_proved(name):
    for cut in (1, 2, (2, 3)):
        assert wrong(truncated(name, cut), (1, 2, 4)) == [], cut


@pytest.mark.parametrize(
    "name", ["elman", "narx", "two-states", "gated", "elman-many-to-one", *SEVERAL]
)
@pytest.mark.parametrize("cut", [1, 2, (2, 2), (2, 3)])
def test_what_is_written_out_is_proved(name, cut):
    assert wrong(truncated(name, cut, T=4), (4,)) == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_is_cut_off_where_k2_is_T_or_more(name):
    model, T = load(name), 3
    sizes = assignments(model)[0]
    A = ResidueArithmetic("a point")
    places = places_of(model, T, inputs=True)
    whole = forward_mode(model, T, sizes, A, places).slopes
    for k1, k2 in ((1, 3), (2, 3), (3, 3), (1, 7), (5, 5)):
        parts = [
            forward_mode(c.model, T, sizes, A, places, c.held).slopes
            for c in cuts(model, T, k1, k2)
        ]
        for place in places:
            assert reduce(add, (slopes[place] for slopes in parts)).agrees(whole[place]), place


def test_something_is_cut_off_where_k2_is_less_than_T():
    model = load("elman")
    A, sizes = ResidueArithmetic("a point"), assignments(model)[0]
    places = places_of(model, 3, inputs=False)
    whole = forward_mode(model, 3, sizes, A, places).slopes
    parts = [
        forward_mode(c.model, 3, sizes, A, places, c.held).slopes for c in cuts(model, 3, 1, 2)
    ]
    different = {p for p in places if not reduce(add, (s[p] for s in parts)).agrees(whole[p])}
    assert {("W_hh", None), ("W_xh", None), ("b_h", None), ("h", 0), ("z", 1)} <= different
    assert {("W_hy", None), ("b_y", None), ("o", 1), ("z", 2)}.isdisjoint(different)


# -- compiled functions ---------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [2, (2, 3)], ids=str)
@pytest.mark.parametrize("name", BUILT_IN)
def test_compiled_gradients_agree_with_a_forward_pass_that_is_cut(name, cut):
    d = truncate(symbptt.derive(bind(load(name)), inputs=True), cut)
    assert off(compile_gradient(d)) == []
    assert off(compile_gradient(d, "lambdify", 4)) == []


@pytest.mark.parametrize("cut", [1, 2, 3, (2, 3), 9], ids=str)
@pytest.mark.parametrize("name", PASSES)
def test_compiled_gradients_know_every_order_of_passes(name, cut):
    d = truncate(symbptt.derive(bind(passes(name)), inputs=True), cut)
    f = compile_gradient(d)
    assert off(f) == []
    assert max(map(len, f.source.splitlines())) <= 100
    assert off(compile_gradient(d, "lambdify", 4)) == []


@pytest.mark.parametrize("name", ["two-states", "gated", "learned-start", "penalty", "neighbours", "mean-loss", "delayed", "one-step-late", "autonomous"])  # fmt: skip
@pytest.mark.parametrize("cut", [1, 3, (3, 3)], ids=str)
def test_compiled_gradients_know_every_pattern_of_time(name, cut):
    d = truncate(models.derivation(name), cut)
    assert off(compile_gradient(d), (1, 4, 5)) == []


def random_model(seed):
    written = random_models.random_model(seed)
    return load(written.text, **written.options)


#: A recurrence from T to 1 that one from 1 to T reads.
RANDOM_REFUSED = {25}


@pytest.mark.parametrize("seed", sorted({*range(0, 60, 5), 1, 12, 18, 38, 39} - RANDOM_REFUSED))
def test_random_models_are_verified(seed):
    model = random_model(seed)
    report = symbptt.verify(model, T=4, truncate=(1 + seed % 2, 2 + seed % 3))
    assert report.failures == ()
    assert report.counts["exact"] > 0


def arguments(T: int, n: int = 3, m: int = 2, k: int = 4) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(T)
    shapes = {"W_hh": (n, n), "W_xh": (n, m), "b_h": n, "W_hy": (k, n), "b_y": k}
    params = {name: rng.normal(size=shape) / 2 for name, shape in shapes.items()}
    inputs = {"x": rng.normal(size=(T, m)), "target": rng.dirichlet(np.ones(k), size=T)}
    return params, {**inputs, "h_0": rng.normal(size=n)}


def states(params: dict[str, Any], inputs: dict[str, Any]) -> list[Any]:
    h = [inputs["h_0"]]
    for x in inputs["x"]:
        h.append(np.tanh(params["W_hh"] @ h[-1] + params["W_xh"] @ x + params["b_h"]))
    return h


def weights(T: int, *shapes: str, **inputs: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random parameters and inputs of T steps, each as its name and its sizes."""
    sizes, rng = {"n": 3, "p": 4, "m": 2, "l": 2, "k": 5}, np.random.default_rng(T)
    named = (text.split(":") for text in shapes)
    params = {name: rng.normal(size=[sizes[c] for c in dims]) / 2 for name, dims in named}
    given = {name: rng.normal(size=(T, sizes[dim])) for name, dim in inputs.items()}
    return params, given


def only(d: Any, t: int) -> Any:
    """Targets that leave the loss of one step: that of a target of zeros is zero."""
    return np.where(np.arange(len(d))[:, None] == t, d, 0)


@pytest.mark.parametrize("k", [1, 2, 3, 6, 9])
def test_each_loss_goes_k_steps_each_way(k):
    # A window of a bidirectional network is a sequence of its own, between the states around it.
    T = 6
    shapes = ("U_f:nn", "W_f:nm", "b_f:n", "U_b:pp", "W_b:pm", "b_b:p", "V_f:kn", "V_b:kp", "c:k")
    P, given = weights(T, *shapes, x="m", d="k")
    whole = symbptt.compile("elman-bidirectional")
    _, grads = symbptt.compile("elman-bidirectional", truncate=k)(P, given)
    h, b = [np.zeros(3)], [np.zeros(4)]
    for x in given["x"]:
        h.append(np.tanh(P["U_f"] @ h[-1] + P["W_f"] @ x + P["b_f"]))
    for x in given["x"][::-1]:
        b.append(np.tanh(P["U_b"] @ b[-1] + P["W_b"] @ x + P["b_b"]))
    b = b[::-1]  # b[t - 1] is that of step t, b[T] the one after the last
    total = dict.fromkeys(P, 0.0)
    for e in range(T):
        s, f = max(0, e - k + 1), min(T, e + k)
        window = {
            "x": given["x"][s:f], "d": only(given["d"], e)[s:f], "h_right_0": h[s], "h_left_T+1": b[f]
        }  # fmt: skip
        # Forwards it starts at s and is read at e; backwards it starts at f - 1, so at most k each.
        for name, g in whole(P, window)[1].items():
            if name in total:
                total[name] = total[name] + g
    for name in P:
        assert grads[name] == pytest.approx(total[name], rel=1e-10), name


@pytest.mark.parametrize("k", [1, 2, 3, 6, 9])
def test_each_loss_goes_k_steps_into_the_encoder(k):
    T = 6
    shapes = ("A:nn", "B:nm", "a:n", "W:nn", "U:nl", "b:n", "V:kn", "c:k")
    P, given = weights(T, *shapes, x="m", w="l", d="k")
    _, grads = symbptt.compile("seq2seq", truncate=k)(P, given)
    both = symbptt.compile("seq2seq")
    decoder = {name: P[name] for name in ("W", "U", "b", "V", "c")}
    text = r"z_t = W h_{t-1} + U w_t + b; h_t = tanh(z_t); y_t = V h_t + c; " + (
        r"L = \sum_t softmax_cross_entropy(y_t, d_t)"
    )
    alone = symbptt.compile(text)
    e, n = [np.zeros(3)], min(k, T)
    for x in given["x"]:
        e.append(np.tanh(P["A"] @ e[-1] + P["B"] @ x + P["a"]))
    h = [e[-1]]
    for w in given["w"]:
        h.append(np.tanh(P["W"] @ h[-1] + P["U"] @ w + P["b"]))
    total = dict.fromkeys(P, 0.0)
    for t in range(T):
        d = only(given["d"], t)
        if t < k:  # the decoder's window has its first step: the encoder's last k steps, and it
            part = {"x": given["x"][T - n :], "w": given["w"][:n], "d": d[:n], "e_0": e[T - n]}
            found = both(P, part)[1]
        else:
            s = t - k + 1
            found = alone(decoder, {"w": given["w"][s : t + 1], "d": d[s : t + 1], "h_0": h[s]})[1]
        for name in total.keys() & found.keys():
            total[name] = total[name] + found[name]
    for name in P:
        assert grads[name] == pytest.approx(total[name], rel=1e-10), name


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("cut", [(1, 5), (2, 5), (3, 9), (5, 5)], ids=str)
def test_what_is_long_enough_is_the_whole_gradient(name, cut):
    model = bind(load(name))
    sizes = assignments(model)[0]
    drawn = sample(model, 5, 2, sizes, 0)
    assert drawn is not None
    arguments = (drawn.params, drawn.inputs)
    loss, grads = compile_gradient(truncate(symbptt.derive(model, inputs=True), cut))(*arguments)
    same, whole = compile_gradient(symbptt.derive(model, inputs=True))(*arguments)
    assert loss == pytest.approx(same, rel=1e-12)
    assert grads.keys() == whole.keys()
    for key in whole:
        assert grads[key] == pytest.approx(whole[key], rel=1e-9, abs=1e-12), key


def test_chunks_are_sequences_of_their_own():
    # k1 = k2 = k, and k divides T: each chunk is a sequence that starts with the state before it.
    params, inputs = arguments(T=6)
    loss, grads = symbptt.compile("elman", truncate=(2, 2))(params, inputs)
    h, whole = states(params, inputs), symbptt.compile("elman")
    chunks = [
        whole(params, {**{key: inputs[key][s : s + 2] for key in ("x", "target")}, "h_0": h[s]})
        for s in (0, 2, 4)
    ]
    assert loss == pytest.approx(sum(part for part, _ in chunks), rel=1e-12)
    for name in params:
        assert grads[name] == pytest.approx(sum(g[name] for _, g in chunks), rel=1e-10)
    assert grads["h_0"] == pytest.approx(chunks[0][1]["h_0"], rel=1e-12)


def test_each_loss_goes_back_k_steps():
    # truncate=3: the loss of each step is the last one of a sequence of three steps.
    params, inputs = arguments(T=6)
    _, grads = symbptt.compile("elman", truncate=3)(params, inputs)
    text = load("elman").text + "\nL = cross_entropy(y_T, target_T)"
    h, last = states(params, inputs), symbptt.compile(text)
    parts = [
        last(params, {**{key: inputs[key][b:e] for key in ("x", "target")}, "h_0": h[b]})[1]
        for e in range(1, 7)
        for b in [max(0, e - 3)]
    ]
    for name in params:
        assert grads[name] == pytest.approx(sum(g[name] for g in parts), rel=1e-10)
    assert grads["h_0"] == pytest.approx(sum(g["h_0"] for g in parts[:3]), rel=1e-10)


def test_the_code_is_a_loop_over_windows():
    source = symbptt.compile("elman", truncate=(2, 3)).source
    assert "by truncated backpropagation through time" in source
    assert "these are not the gradients of the loss" in " ".join(source.split())
    loop = source[source.index("    for e in ") : source.index('"W_hh": grad_W_hh')]
    assert loop.startswith(
        """\
    for e in [*range(2, T, 2), T]:
        b = max(1, e - 2)
        a = e - (e - 1) % 2  # the first step whose loss it takes
        d_o = {}
        d_z = {}
        for t in range(e, b - 1, -1):
            if t >= a:
                # δ^o_t = sum(target_t) y_t - target_t
                d_o[t] = np.sum(target[t], axis=1, keepdims=True) * y[t] - target[t]
            # δ^z_t = (W_hyᵀ δ^o_t + W_hhᵀ δ^z_{t+1}) ⊙ (1 - h_t²)
            d_z[t] = np.zeros_like(z[t])
            if t in d_o:
                d_z[t] += d_o[t] @ W_hy
            if t + 1 in d_z:
                d_z[t] += d_z[t + 1] @ W_hh
            d_z[t] *= 1 - h[t] ** 2
            # Σ_e ∂L^e/∂W_hh = Σ_e Σ_t δ^z_t h_{t-1}ᵀ
"""
    )
    assert "        if b == 1:\n            # Σ_e ∂L^e/∂h_0 = Σ_e W_hhᵀ δ^z_1\n" in loop


def test_the_code_fits_its_lines():
    for name in BUILT_IN:
        f = compile_gradient(truncate(symbptt.derive(bind(load(name)), inputs=True), (2, 3)))
        assert max(map(len, f.source.splitlines())) <= 100, name


def test_letters_of_windows_are_no_symbols_of_the_model():
    text = r"e_t = tanh(b e_{t-1} + a x_t); L = \sum_{t=1}^{T} e_t^2"
    model = load(text, shapes={"e": "1", "x": "1"})
    d = truncate(symbptt.derive(model), (2, 3))
    assert d.windows.letters[:3] == ("w", "s", "r")
    assert "Σ_{w ∈ {2, 4, …, T}} Σ_{t=s}^{w}" in symbptt.render(d)
    assert "if r ≤ t < w" in symbptt.render(d)
    assert off(compile_gradient(d)) == []


# -- what a derivation says -----------------------------------------------------------------------


def test_within_a_window_the_recursion_has_its_edges():
    each = truncated("elman", 2)
    assert [str(c.steps) for c in each.adjoints["h"].cases] == ["t > e-1", "t ≤ e-1"]
    assert str(each.adjoints["h"].final) == "W_hy.T*δ^{o,(e)}_t"
    assert str(each.adjoints["h"].interior) == "W_hh.T*δ^{z,(e)}_{t+1}"
    chunked = truncated("elman", (2, 3))
    assert [str(c.steps) for c in chunked.adjoints["h"].cases] == ["t > e-1", "t ≥ a, t ≤ e-1", "t < a"]  # fmt: skip


def test_gradients_are_double_sums():
    each, chunked = truncated("elman", 3).gradients, truncated("elman", (2, 3)).gradients
    assert str(each["W_hh"]) == "Σ_{e=1}^T Σ_{t=Max(1, e - 2)}^e δ^{z,(e)}_t*h_{t-1}.T"
    assert str(each["b_y"]) == "Σ_{e=1}^T δ^{o,(e)}_e"
    assert str(each["h_0"]) == "Σ_{e=1}^{Min(3,T)} W_hh.T*δ^{z,(e)}_1"
    assert str(chunked["b_h"]) == "Σ_{e ∈ {2, 4, …, T}} Σ_{t=Max(1, e - 2)}^e δ^{z,(e)}_t"
    assert str(chunked["h_0"]) == "Σ_{e ∈ {2, 4, …, T}, ≤ 3} W_hh.T*δ^{z,(e)}_1"
    assert str(truncated("elman", 1).gradients["h_0"]) == "W_hh.T*δ^{z,(1)}_1"


def test_it_is_not_taken_for_the_whole_gradient():
    d = truncated("elman", 2)
    assert not isinstance(d, Derivation)
    whole = {type(a) for e in d.whole.gradients.values() for a in e.find(nd.Adjoint)}
    cut = {type(a) for e in d.gradients.values() for a in e.find(nd.Adjoint)}
    assert (whole, cut) == ({nd.Adjoint}, {nd.WindowAdjoint})
    with pytest.raises(DerivationError, match="δ\\^h is truncated"):
        d.adjoints["h"].at(1, 4)
    assert "truncated to (1, 2)" in repr(d)
    assert "truncated to (1, 2)" in repr(symbptt.compile("elman", truncate=2))
    assert not any(str(step).startswith("∂L/") for step in d.steps)
    text = symbptt.render(d)
    assert "∂L/∂W_hh" not in text
    assert "proves" not in text


@pytest.mark.parametrize("format", ["latex", "markdown", "html", "json"])
def test_every_format_says_that_it_is_truncated(format):
    text = symbptt.render(truncated("elman", (2, 3)), format)
    if format == "json":
        assert json.loads(text)["truncate"] == [2, 3]
    else:
        assert "Truncated backpropagation through time" in text
        assert "Products of Jacobians" not in text


def test_the_document_says_what_is_dropped():
    text = " ".join(symbptt.render(truncated("narx", (2, 3))).split())
    for sentence in (
        "the gradient of L only if T ≤ 3, where nothing is cut off",
        "A window ends at e = 2, 4, … and at T, and takes the losses of the steps a, …, e",
        "It goes back to step s = max(1, e-2), and whatever was computed before is held constant",
        "Inputs are given at every step, so no window cuts them off.",
        "- A_1^T δ^{z,(e)}_s in δ^{y,(e)}_{s-1}",
        "- A_2^T δ^{z,(e)}_{t+2} in δ^{y,(e)}_t for s-2 ≤ t < s",
        "= y_t - d_t + A_1^T δ^{z,(e)}_{t+1} if a ≤ t < e",
        "Σ_{e} ∂L^{(e)}/∂y_0 = Σ_{e ∈ {2, 4, …, T}, e ≤ 3} (A_1^T δ^{z,(e)}_1 + A_2^T δ^{z,(e)}_2)",
    ):
        assert sentence in text
    latex = symbptt.render(truncated("narx", 2), "latex")
    assert r"$A_1^{\mathsf{T}}\,\delta^{z,(e)}_{s}$ in $\delta^{y,(e)}_{s-1}$".replace("{s}", "s") in latex  # fmt: skip


def test_chunks_are_said_to_be_detached_only_where_they_are():
    said = "If T is a multiple of 3, no two windows share a step"
    assert said in " ".join(symbptt.render(truncated("elman", (3, 3))).split())
    assert "detached" not in symbptt.render(truncated("elman", (3, 4)))


def test_the_document_says_how_far_it_goes_both_ways():
    d = truncated("elman-bidirectional", (2, 3))
    text = " ".join(symbptt.render(d).split())
    for sentence in (
        "In a recurrence from 1 to T it goes back to step s = max(1, e-2), in one from T to 1 on to "
        "step f = min(T, a+2), and whatever was computed beyond is held constant",
        "only a window with s = 1 reaches them; behind the last step, only one with f = T.",
        "- U_b^T δ^{z⃖,(e)}_f in δ^{h⃖,(e)}_{f+1}",
        "- U_f^T δ^{z⃗,(e)}_s in δ^{h⃗,(e)}_{s-1}",
        "= V_b^T δ^{y,(e)}_t if t = a",
        "= V_b^T δ^{y,(e)}_t + U_b^T δ^{z⃖,(e)}_{t-1} if a < t ≤ e",
        "= U_b^T δ^{z⃖,(e)}_{t-1} if t > e",
        "Σ_{e} ∂L^{(e)}/∂b_b = Σ_{e ∈ {2, 4, …, T}} Σ_{t=a}^{f} δ^{z⃖,(e)}_t",
        "Σ_{e} ∂L^{(e)}/∂h⃖_{T+1} = Σ_{e ∈ {2, 4, …, T}, a > T-3} U_b^T δ^{z⃖,(e)}_T",
    ):
        assert sentence in text, sentence
    each = " ".join(symbptt.render(truncated("elman-bidirectional", 2)).split())
    assert "= V_b^T δ^{y,(e)}_t if t = e = U_b^T δ^{z⃖,(e)}_{t-1} if t > e" in each
    markdown = symbptt.render(d, "markdown")
    assert "for $t = a, \\dots, f$ compute what follows" in markdown
    assert "for $t = e, \\dots, s$ compute what follows" in markdown


def test_the_document_says_how_far_it_goes_into_the_encoder():
    d = truncated("seq2seq", (2, 3))
    text = " ".join(symbptt.render(d).split())
    for sentence in (
        "If s = 1, it reaches h_0 = e_T, and goes back through the pass that ends there, from step "
        "T to g = max(1, T-2), where that is cut too.",
        "- W^T δ^{z,(q)}_s in δ^{h,(q)}_{s-1}",
        "- A^T δ^{u,(q)}_g in δ^{e,(q)}_{g-1}",
        "= W^T δ^{z,(q)}_1 if t = T",
        "Σ_{q} ∂L^{(q)}/∂a = Σ_{q ∈ {2, 4, …, T}, q ≤ 3} Σ_{t=g}^{T} δ^{u,(q)}_t",
        "Σ_{q} ∂L^{(q)}/∂e_0 = Σ_{q ∈ {2, 4, …, T}, T ≤ 3} A^T δ^{u,(q)}_1",
    ):
        assert sentence in text, sentence
    assert "For each window with $s = 1$, for $t = T, \\dots, g$" in symbptt.render(d, "markdown")


def test_for_a_given_T_everything_is_written_out():
    d = symbptt.derive("elman", T=3, truncate=2)
    assert [str(a) for a in d.unrolled] == [
        "δ^{o,(3)}_3", "δ^{z,(3)}_3", "δ^{z,(3)}_2", "δ^{o,(2)}_2", "δ^{z,(2)}_2", "δ^{z,(2)}_1",
        "δ^{o,(1)}_1", "δ^{z,(1)}_1",
    ]  # fmt: skip
    assert str(d.gradients["b_h"]) == (
        "δ^{z,(1)}_1 + δ^{z,(2)}_1 + δ^{z,(2)}_2 + δ^{z,(3)}_2 + δ^{z,(3)}_3"
    )
    assert "Σ_{e} ∂L^{(e)}/∂h_0 = W_hh^T δ^{(2)}_1 + W_hh^T δ^{(1)}_1" in symbptt.render(d)
    with pytest.raises(DerivationError, match="give T"):
        _ = symbptt.derive("elman", truncate=2).unrolled


# -- reports --------------------------------------------------------------------------------------


def test_a_report_claims_no_more_than_it_checked():
    report = symbptt.verify("elman", truncate=(2, 5))
    assert report.passed
    assert report.truncate == (2, 5)
    assert "induction" not in report.counts
    assert "numeric BPTT" not in report.counts
    assert 7 in report.T_values  # long enough to be cut
    assert report.as_dict()["truncate"] == [2, 5]
    assert "truncate" not in symbptt.verify("elman", T=1).as_dict()
    document = symbptt.render(symbptt.derive("elman", truncate=(2, 5)), "markdown", evidence=report)
    assert "For other $T$ nothing was proved." in document


def test_a_report_says_where_nothing_was_cut():
    report = symbptt.verify("elman-linear", truncate=20, functions={"L_t": "squared_error"})
    assert report.passed
    assert report.undecided == (
        "no T checked in exact arithmetic is above k2 = 20: nothing is cut",
    )
    assert max(report.T_values) == 21  # in floating point it is


# -- mistakes -------------------------------------------------------------------------------------


@cache
def sound(name: str, cut: Any) -> bool:
    return wrong(truncated(name, cut), (4, 5)) == []


def caught(name: str, cut: Any) -> bool:
    """Whether the witness sees a mistake; without it the same derivation is sound."""
    try:
        return bool(wrong(truncated(name, cut), (4, 5)))
    except DerivationError:
        return True


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize(("name", "cut"), [("elman", 2), ("elman", (2, 3)), ("narx", 3)])
def test_a_window_cut_off_by_one_is_caught(name, cut, by, monkeypatch):
    assert sound(name, cut)
    right = Truncation.windows
    early = [replace(w, first=max(1, w.first - by)) for w in right(Truncation(1, 2), 5)]
    assert early != list(right(Truncation(1, 2), 5))
    monkeypatch.setattr(
        Truncation,
        "windows",
        lambda self, T: tuple(replace(w, first=max(1, w.first - by)) for w in right(self, T)),
    )
    assert caught(name, cut)


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize(("name", "cut"), [("elman", 2), ("elman", (2, 3)), ("narx", 3)])
def test_a_sum_cut_off_by_one_is_caught(name, cut, by, monkeypatch):
    assert sound(name, cut)
    right = Windows.first.func
    monkeypatch.setattr(Windows, "first", property(lambda self: sp.Max(1, right(self) + by)))
    assert caught(name, cut)


@pytest.mark.parametrize(("name", "cut"), [("elman", 2), ("elman", (2, 3)), ("two-states", (2, 4))])
def test_a_loss_counted_twice_is_caught(name, cut, monkeypatch):
    assert sound(name, cut)
    holds = Edge.holds

    def early(self: Edge, t: int, w: Window, T: int) -> bool:
        return holds(replace(self, by=self.by + 1) if self.kind == "from" else self, t, w, T)

    monkeypatch.setattr(Edge, "holds", early)
    assert caught(name, cut)


def test_a_loss_counted_twice_in_the_sum_is_caught(monkeypatch):
    right = Windows.taken.func
    monkeypatch.setattr(Windows, "taken", property(lambda self: right(self) - 1))
    assert caught("elman", (2, 3))


def test_a_carry_kept_across_the_cut_is_caught(monkeypatch):
    # y_0 is used at step 2, where a window begins that must not reach it.
    assert sound("narx", 2)
    right = Windows.total
    monkeypatch.setattr(Windows, "total", lambda self, body, reaching=None: right(self, body))
    assert caught("narx", 2)


def test_a_learned_start_kept_across_the_cut_is_caught(monkeypatch):
    assert sound("gated", 2)
    monkeypatch.setattr(windowed, "through_initial_value", lambda c: False)
    assert caught("gated", 2)


def test_a_use_after_the_window_is_caught(monkeypatch):
    assert sound("elman", 2)
    right = WindowRecursion.edges
    without = lambda self, c: tuple(x for x in right(self, c) if x.kind != "until")  # noqa: E731
    monkeypatch.setattr(WindowRecursion, "edges", without)
    assert caught("elman", 2)


@pytest.mark.parametrize("which", [0, -1], ids=["end", "start"])
def test_one_case_for_a_whole_window_is_caught(which, monkeypatch):
    assert sound("elman", (2, 3))
    cases = WindowRecursion.__dict__["cases"].func
    monkeypatch.setattr(
        WindowRecursion,
        "cases",
        property(lambda r: (replace(cases(r)[which], steps=wd.Where(())),)),
    )
    assert caught("elman", (2, 3))


def test_an_adjoint_that_hides_a_later_step_is_caught(monkeypatch):
    # δ^c is 1 wherever it is anything, so h_t would not know that it is used at t + 1.
    d = symbptt.derive(r"h_t = tanh(W h_{t-1} + x_t); c_t = w^T h_{t-1}; h_0 = 0; L = \sum_t c_t")
    assert wrong(truncate(d, 1), (4,)) == []
    monkeypatch.setattr(TruncatedDerivation, "_tells_steps", lambda self, parts: True)
    assert wrong(truncate(d, 1), (4,))


def test_a_gradient_of_the_whole_is_caught(monkeypatch):
    assert sound("elman", 2)
    whole = property(lambda g: Gradient(g.symbol, g.contributions).expression)
    monkeypatch.setattr(WindowGradient, "expression", whole)
    assert caught("elman", 2)


#: For each new rule of a model of several passes, what it says, and what it could.
WINDOW_MISTAKES = {
    "ahead, cut early": ("elman-bidirectional", lambda w: {"ahead": max(w.taken, w.ahead - 1)}),
    "ahead, cut late": ("elman-bidirectional", lambda w: {"ahead": w.ahead + 1}),
    "ahead, from the end": ("elman-bidirectional", lambda w: {"ahead": w.ahead + w.last - w.taken}),
    "tail, cut early": ("seq2seq", lambda w: {"tail": w.tail + 1}),
    "tail, cut late": ("seq2seq", lambda w: {"tail": max(1, w.tail - 1)}),
}


@pytest.mark.parametrize("mistake", WINDOW_MISTAKES)
def test_a_window_of_several_passes_cut_off_by_one_is_caught(mistake, monkeypatch):
    name, change = WINDOW_MISTAKES[mistake]
    assert sound(name, (2, 3))
    right = Truncation.windows
    monkeypatch.setattr(
        Truncation,
        "windows",
        lambda self, T: tuple(replace(w, **change(w)) for w in right(self, T)),
    )
    assert caught(name, (2, 3))


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize(("name", "edge"), [("elman-bidirectional", "ahead"), ("seq2seq", "tail")])
def test_a_sum_over_another_pass_cut_off_by_one_is_caught(name, edge, by, monkeypatch):
    assert sound(name, (2, 3))
    right = getattr(Windows, edge).func
    monkeypatch.setattr(Windows, edge, property(lambda self: right(self) + by))
    assert caught(name, (2, 3))


@pytest.mark.parametrize("name", ["reverse, two steps", "two steps back, started"])
def test_a_start_reached_from_everywhere_is_caught(name, monkeypatch):
    # b_{T+1} is used at T-1, where a window may end that must not reach it; e_0 at step 2.
    assert sound(name, 3)
    monkeypatch.setattr(truncated_module, "start_of", lambda *_, **__: Reaching.ALL)
    assert caught(name, 3)


def test_an_encoder_reached_from_everywhere_is_caught(monkeypatch):
    assert sound("seq2seq", 2)
    monkeypatch.setattr(Span, "reached", lambda self, w: True)
    assert caught("seq2seq", 2)


def test_a_loss_after_the_window_is_caught_in_a_recurrence_from_T_to_1(monkeypatch):
    assert sound("elman-bidirectional", (2, 3))
    right = WindowRecursion.edges
    without = lambda self, c: tuple(x for x in right(self, c) if (x.kind, x.by) != ("until", 0))  # noqa: E731
    monkeypatch.setattr(WindowRecursion, "edges", without)
    assert caught("elman-bidirectional", (2, 3))


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("elman-bidirectional", Way.AHEAD, Way.BACK),
        ("elman-bidirectional", Way.AHEAD, Way.AT),
        ("elman-bidirectional", Way.BACK, Way.BOTH),
    ],
)
def test_another_way_through_a_pass_is_caught(name, right, wrong, monkeypatch):
    assert sound(name, 2)
    spans = truncated_module.spans

    def mistaken(*args: Any) -> dict[str, Span]:
        found = spans(*args)
        return {n: replace(s, way=wrong) if s.way is right else s for n, s in found.items()}

    monkeypatch.setattr(truncated_module, "spans", mistaken)
    assert caught(name, 2)


#: Mistakes in compiled code, for (2, 3): what stands there, and what could.
CODE = {
    "cut one step early": {"max(1, e - 2)": "max(1, e - 3)"},
    "cut one step late": {"max(1, e - 2)": "max(1, e - 1)"},
    "a loss twice": {"if t >= a:": "if t >= a - 1:"},
    "a loss lost": {"if t >= a:": "if t > a:"},
    "the last window left out": {"[*range(2, T, 2), T]": "[*range(2, T, 2)]"},
    "the carry kept from the window after": {
        "for e in [*range(2, T, 2), T]:": "for e in [T, *range((T - 1) // 2 * 2, 0, -2)]:",
        "d_z = {}": "d_z = locals().get('d_z', {})",
    },
    "the start reached from afar": {
        "        if b == 1:": "        d_z.setdefault(1, d_z[b])\n        if True:"
    },
}


#: The same for models of several passes.
CODE_OF_PASSES = {
    "ahead, cut early": ("elman-bidirectional", "min(T, a + 2)", "min(T, a + 1)"),
    "ahead, cut late": ("elman-bidirectional", "min(T, a + 2)", "min(T, a + 3)"),
    "ahead, from e": ("elman-bidirectional", "min(T, a + 2)", "min(T, e + 2)"),
    "a start behind T from afar": ("elman-bidirectional", "if f == T:", "if True:"),
    "tail, cut early": ("seq2seq", "max(1, T - 2)", "max(1, T - 1)"),
    "tail, cut late": ("seq2seq", "max(1, T - 2)", "max(1, T - 3)"),
    "the start of the encoder from afar": (
        "seq2seq",
        "        if b_ == c_ == 1:",
        "        d_u.setdefault(1, d_u.get(c_, 0 * u[1]))\n        if True:",
    ),
    "no start of the encoder": ("seq2seq", "if b_ == c_ == 1:", "if False:"),
    "the encoder left out": ("seq2seq", "        if b_ == 1:", "        if b_ == 0:"),
}


@pytest.mark.parametrize("mistake", [*CODE, *CODE_OF_PASSES])
def test_a_mistake_in_the_code_is_caught(mistake):
    name, *change = CODE_OF_PASSES.get(mistake, ("elman",))
    changes = dict([change]) if change else CODE[mistake]
    f = symbptt.compile(name, truncate=(2, 3))
    assert off(f, (3, 4, 5)) == []
    source = f.source
    for before, after in changes.items():
        assert source.count(before) == 1
        source = source.replace(before, after)
    module = load_module(source, "numpy")
    assert off(replace(f, run=module.loss_and_gradients, refusal=module.ArrayError), (3, 4, 5))


# -- the command line -----------------------------------------------------------------------------


def test_the_commands_truncate(tmp_path, capsys):
    assert cli.main(["derive", "elman", "--truncate", "2", "-o", str(tmp_path / "d.md")]) == 0
    assert "Truncated backpropagation" in (tmp_path / "d.md").read_text(encoding="utf-8")
    assert cli.main(["export", "elman", "--truncate", "2,3", "-o", str(tmp_path / "g.py")]) == 0
    assert "[*range(2, T, 2), T]" in (tmp_path / "g.py").read_text(encoding="utf-8")
    assert cli.main(["verify", "elman", "--truncate", "2", "-T", "3", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["truncate"] == [1, 2]


@pytest.mark.parametrize("name", SEVERAL)
def test_the_commands_truncate_several_passes(name, tmp_path, capsys):
    assert cli.main(["derive", name, "--truncate", "2,3", "-o", str(tmp_path / "d.tex")]) == 0
    assert cli.main(["derive", name, "--truncate", "2", "-T", "3"]) == 0
    assert cli.main(["export", name, "--truncate", "2,3", "-o", str(tmp_path / "g.py")]) == 0
    source = (tmp_path / "g.py").read_text(encoding="utf-8")
    assert "of each recurrence" in " ".join(source.split())
    module = load_module(source, "exported")
    model = load(name)
    drawn = sample(model, 4, 2, assignments(model)[0], 0)
    assert drawn is not None
    _, grads = module.loss_and_gradients(drawn.params, drawn.inputs)
    _, compiled = symbptt.compile(name, truncate=(2, 3))(drawn.params, drawn.inputs)
    assert all(np.array_equal(grads[key], compiled[key]) for key in compiled)
    capsys.readouterr()
    assert cli.main(["verify", name, "--truncate", "2,3", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["truncate"] == [2, 3]


def test_an_unsound_function_is_not_exported(tmp_path, monkeypatch):
    right = Edge.holds
    monkeypatch.setattr(Edge, "holds", lambda self, t, w, T: right(self, t - 1, w, T))
    with pytest.raises((DerivationError, RequestError), match="not exported"):
        symbptt.export("elman", tmp_path / "g.py", truncate=(2, 3))
    assert list(tmp_path.iterdir()) == []
