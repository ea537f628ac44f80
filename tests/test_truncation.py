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
from symbptt.calculus import windows as wd
from symbptt.calculus.recursion import Gradient
from symbptt.calculus.windowed import WindowGradient, WindowRecursion, Windows
from symbptt.calculus.windows import Edge, Truncation, Window
from symbptt.compile import GradientFunction, compile_gradient
from symbptt.compile.loader import load_module
from symbptt.errors import DerivationError, RequestError
from symbptt.evidence import assignments
from symbptt.evidence.cuts import cuts
from symbptt.evidence.exact import forward_mode, places_of
from symbptt.evidence.floating import floating_witness
from symbptt.evidence.residues import ResidueArithmetic
from symbptt.evidence.truncated import truncated_witness
from symbptt.model import Model, bind, builtin_names, load

PAIRS = ((2, 2), (2, 3), (3, 4))


def looks_back(model: Model) -> bool:
    """Whether a model is computed in one pass that looks back."""
    return model.is_causal and len(model.stages) == 1


BUILT_IN = [name for name in builtin_names() if looks_back(models.model(name))]
TEXTS = [
    name for name in models.TEXTS if looks_back(models.model(name)) and not name.startswith("with ")
]


def truncated(name: str, cut: Any, T: int | None = None) -> TruncatedDerivation:
    """A truncated derivation of its own, with the gradients by inputs."""
    whole = models.derivation(name)
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


REFUSED = {
    r"h_t = tanh(W h_{t-1} + U x_t + V x_{t+2}); L = \sum_t sum(h_t)": (
        r"uses x_\{t\+2\}; truncation is for models that only look back"
    ),
    r"b_t = tanh(W b_{t+1} + U x_t); L = \sum_t sum(b_t)": r"uses b_\{t\+1\}",
    r"e_t = tanh(W e_{t-1} + U x_t); s_t = tanh(V s_{t-1}); s_0 = e_T; L = \sum_t sum(s_t)": (
        "starts s from the last value of e; truncation is for models of one pass over time"
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_model_of_more_than_one_pass_is_refused(text):
    with pytest.raises(DerivationError, match=REFUSED[text]) as caught:
        symbptt.derive(text, truncate=2)
    assert "\n" not in str(caught.value)


def test_what_is_truncated_is_all_that_looks_back():
    refused = set(builtin_names()) - set(BUILT_IN)
    assert refused == {"elman-bidirectional", "seq2seq"}
    for name in refused:
        with pytest.raises(DerivationError, match=f"{name} (uses|starts) .*; truncation is for"):
            symbptt.verify(name, truncate=2)


# -- the exact witness ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN)
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


@pytest.mark.parametrize("name", TEXTS)
def test_every_pattern_of_time_is_proved(name):
    for cut in (1, 2, (2, 3)):
        assert wrong(truncated(name, cut), (1, 2, 4)) == [], cut


@pytest.mark.parametrize("name", ["elman", "narx", "two-states", "gated", "elman-many-to-one"])
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


@pytest.mark.parametrize("name", ["two-states", "gated", "learned-start", "penalty", "neighbours", "mean-loss", "delayed", "one-step-late", "autonomous"])  # fmt: skip
@pytest.mark.parametrize("cut", [1, 3, (3, 3)], ids=str)
def test_compiled_gradients_know_every_pattern_of_time(name, cut):
    d = truncate(models.derivation(name), cut)
    assert off(compile_gradient(d), (1, 4, 5)) == []


def random_model(seed):
    written = random_models.random_model(seed)
    return load(written.text, **written.options)


@pytest.mark.parametrize("seed", [s for s in range(0, 60, 5) if looks_back(random_model(s))])
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
    assert d.windows.letters == ("w", "s", "r")
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
    monkeypatch.setattr(Windows, "total", lambda self, body, uncut=False: right(self, body))
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


@pytest.mark.parametrize("mistake", CODE)
def test_a_mistake_in_the_code_is_caught(mistake):
    f = symbptt.compile("elman", truncate=(2, 3))
    assert off(f, (4, 5)) == []
    source = f.source
    for before, after in CODE[mistake].items():
        assert source.count(before) == 1
        source = source.replace(before, after)
    module = load_module(source, "numpy")
    assert off(replace(f, run=module.loss_and_gradients, refusal=module.ArrayError), (4, 5))


# -- the command line -----------------------------------------------------------------------------


def test_the_commands_truncate(tmp_path, capsys):
    assert cli.main(["derive", "elman", "--truncate", "2", "-o", str(tmp_path / "d.md")]) == 0
    assert "Truncated backpropagation" in (tmp_path / "d.md").read_text(encoding="utf-8")
    assert cli.main(["export", "elman", "--truncate", "2,3", "-o", str(tmp_path / "g.py")]) == 0
    assert "[*range(2, T, 2), T]" in (tmp_path / "g.py").read_text(encoding="utf-8")
    assert cli.main(["verify", "elman", "--truncate", "2", "-T", "3", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["truncate"] == [1, 2]


def test_an_unsound_function_is_not_exported(tmp_path, monkeypatch):
    right = Edge.holds
    monkeypatch.setattr(Edge, "holds", lambda self, t, w, T: right(self, t - 1, w, T))
    with pytest.raises((DerivationError, RequestError), match="not exported"):
        symbptt.export("elman", tmp_path / "g.py", truncate=(2, 3))
    assert list(tmp_path.iterdir()) == []
