"""LSTM in Unicode text, without names for the pre-activations."""

import numpy as np
from book import C, Definition, M, Source
from world import T, diag, half_square, sigmoid, tanh

ALL, BEFORE = range(1, T + 1), range(1, T)
GATES = "ifog"


def forward(p, v, T):
    for t in range(1, T + 1):
        for k in GATES:
            z = p(f"W_{k}", t) @ v["x", t] + p(f"U_{k}", t) @ v["h", t - 1] + p(f"b_{k}", t)
            v[k, t] = np.tanh(z) if k == "g" else sigmoid(z)
        v["c", t] = v["f", t] * v["c", t - 1] + v["i", t] * v["g", t]
        v["h", t] = v["o", t] * np.tanh(v["c", t])
        v["y", t] = p("V", t) @ v["h", t]
        v["L_t", t] = half_square(v["y", t] - v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def gh(w, t):
    return w.g("h", t)


def gc(w, t):
    return w.g("c", t)


def error(w, t):
    return w.y(t) - w.d(t)


def through_h(w, t):
    return gh(w, t) * w.o(t) * (1 - tanh(w.c(t)) ** 2)


def at_f(w, t):
    return gc(w, t) * w.c(t - 1) * w.f(t) * (1 - w.f(t))


def at_o(w, t):
    return gh(w, t) * tanh(w.c(t)) * w.o(t) * (1 - w.o(t))


def at_g(w, t):
    return gc(w, t) * w.i(t) * (1 - w.v("g", t) ** 2)


def at_i(w, t):
    return gc(w, t) * w.v("g", t) * w.i(t) * (1 - w.i(t))


SETTING = (
    "A long short-term memory, t = 1, …, T:",
    Definition("i_t = σ(W_i x_t + U_i h_{t-1} + b_i)"),
    Definition("f_t = σ(W_f x_t + U_f h_{t-1} + b_f)"),
    Definition("o_t = σ(W_o x_t + U_o h_{t-1} + b_o)"),
    Definition("g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)"),
    Definition("c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t"),
    Definition("h_t = o_t ⊙ tanh(c_t)"),
    Definition("y_t = V h_t"),
    Definition("L = Σ_{t=1}^{T} ½ (y_t − d_t)ᵀ (y_t − d_t)"),
)

RIGHT = (
    "The last state:",
    C(
        "last",
        "∂L/∂h_T = Vᵀ (y_T − d_T)",
        lambda w, t: gh(w, T),
        lambda w, t: w.V.T @ error(w, T),
    ),
    "Gates and cell:",
    C(
        "o",
        "∂L/∂o_t = ∂L/∂h_t ⊙ tanh(c_t)",
        lambda w, t: w.g("o", t),
        lambda w, t: gh(w, t) * tanh(w.c(t)),
        at=ALL,
    ),
    C(
        "f",
        "∂L/∂f_t = c_{t-1} ⊙ ∂L/∂c_t",
        lambda w, t: w.g("f", t),
        lambda w, t: w.c(t - 1) * gc(w, t),
        at=ALL,
    ),
    C(
        "g",
        "∂L/∂g_t = ∂L/∂c_t · i_t",
        lambda w, t: w.g("g", t),
        lambda w, t: gc(w, t) % w.i(t),
        at=ALL,
        reading="elementwise product",
        under={"product": "elementwise"},
    ),
    "For t < T:",
    C(
        "c",
        "∂L/∂c_t = ∂L/∂h_t ⊙ o_t ⊙ (1 − tanh²(c_t)) + ∂L/∂c_{t+1} ⊙ f_{t+1}",
        gc,
        lambda w, t: through_h(w, t) + gc(w, t + 1) * w.f(t + 1),
        at=BEFORE,
        why="the total derivative, including the path through h_t",
    ),
    "Before the first step:",
    C(
        "c_0",
        "∂L/∂c_0 = ∂L/∂c_1 ⊙ f_1",
        lambda w, t: gc(w, 0),
        lambda w, t: gc(w, 1) * w.f(1),
        why="h_0 doesn't depend on c_0",
    ),
    C(
        "h_0",
        "∂L/∂h_0 = U_iᵀ (∂L/∂i_1 ⊙ i_1 ⊙ (1 − i_1)) + U_fᵀ (∂L/∂f_1 ⊙ f_1 ⊙ (1 − f_1))"
        " + U_oᵀ (∂L/∂o_1 ⊙ o_1 ⊙ (1 − o_1)) + U_gᵀ (∂L/∂g_1 ⊙ (1 − g_1²))",
        lambda w, t: gh(w, 0),
        lambda w, t: (
            w.U_i.T @ at_i(w, 1)
            + w.U_f.T @ at_f(w, 1)
            + w.U_o.T @ at_o(w, 1)
            + w.U_g.T @ at_g(w, 1)
        ),
    ),
    "Parameters:",
    C(
        "W_f",
        "∂L/∂W_f = Σ_t (∂L/∂c_t ⊙ c_{t-1} ⊙ f_t ⊙ (1 − f_t)) x_tᵀ",
        lambda w, t: w.g("W_f"),
        lambda w, t: sum(at_f(w, k) @ w.x(k).T for k in ALL),
    ),
    C(
        "U_o",
        "∂L/∂U_o = Σ_{t=1}^{T} (∂L/∂h_t ⊙ tanh(c_t) ⊙ o_t ⊙ (1 − o_t)) h_{t-1}ᵀ",
        lambda w, t: w.g("U_o"),
        lambda w, t: sum(at_o(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    C(
        "b_g",
        "∂L/∂b_g = Σ_{t=1}^{T} ∂L/∂c_t ⊙ i_t ⊙ (1 − g_t²)",
        lambda w, t: w.g("b_g"),
        lambda w, t: sum(at_g(w, k) for k in ALL),
    ),
    C(
        "V",
        "∂L/∂V = Σ_{t=1}^{T} (y_t − d_t) h_tᵀ",
        lambda w, t: w.g("V"),
        lambda w, t: sum(error(w, k) @ w.h(k).T for k in ALL),
    ),
    "The highway:",
    C(
        "cell",
        "∂c_t/∂c_{t-1} = f_t",
        lambda w, t: w.J("c", t, "c", t - 1),
        lambda w, t: w.f(t),
        at=range(2, T + 1),
        reading="direct path only, vector as a diagonal matrix",
        instead=(
            lambda w, t: w.J("c", t, "c", t - 1, held=("h",)),
            lambda w, t: diag(w.f(t)),
        ),
    ),
)

WRONG = (
    M("last", "transpose dropped", "Vᵀ", "V", lambda w, t: w.V @ error(w, T)),
    M(
        "last",
        "factors swapped",
        "Vᵀ (y_T − d_T)",
        "(y_T − d_T) Vᵀ",
        lambda w, t: error(w, T) @ w.V.T,
    ),
    "Gates and cell:",
    M(
        "o",
        "index shifted",
        "tanh(c_t)",
        "tanh(c_{t-1})",
        lambda w, t: gh(w, t) * tanh(w.c(t - 1)),
    ),
    M("f", "index shifted", "c_{t-1}", "c_t", lambda w, t: w.c(t) * gc(w, t), at=ALL),
    "For t < T:",
    M(
        "c",
        "term dropped",
        " ⊙ o_t",
        "",
        lambda w, t: gh(w, t) * (1 - tanh(w.c(t)) ** 2) + gc(w, t + 1) * w.f(t + 1),
        why="the output gate is missing",
    ),
    M(
        "c",
        "index shifted",
        "f_{t+1}",
        "f_t",
        lambda w, t: through_h(w, t) + gc(w, t + 1) * w.f(t),
    ),
    M(
        "c",
        "wrong derivative",
        "(1 − tanh²(c_t))",
        "(1 − h_t²)",
        lambda w, t: gh(w, t) * w.o(t) * (1 - w.h(t) ** 2) + gc(w, t + 1) * w.f(t + 1),
    ),
    M(
        "c",
        "sign flipped",
        "(1 − tanh²(c_t))",
        "(1 + tanh²(c_t))",
        lambda w, t: gh(w, t) * w.o(t) * (1 + tanh(w.c(t)) ** 2) + gc(w, t + 1) * w.f(t + 1),
    ),
    "Parameters:",
    M(
        "W_f",
        "index shifted",
        "c_{t-1}",
        "c_t",
        lambda w, t: sum((gc(w, k) * w.c(k) * w.f(k) * (1 - w.f(k))) @ w.x(k).T for k in ALL),
    ),
    M(
        "W_f",
        "term dropped",
        " ⊙ f_t ⊙ (1 − f_t)",
        "",
        lambda w, t: sum((gc(w, k) * w.c(k - 1)) @ w.x(k).T for k in ALL),
    ),
    M(
        "U_o",
        "index shifted",
        "h_{t-1}ᵀ",
        "h_tᵀ",
        lambda w, t: sum(at_o(w, k) @ w.h(k).T for k in ALL),
    ),
    M(
        "b_g",
        "wrong derivative",
        "(1 − g_t²)",
        "g_t ⊙ (1 − g_t)",
        lambda w, t: sum(gc(w, k) * w.i(k) * w.v("g", k) * (1 - w.v("g", k)) for k in ALL),
    ),
    M(
        "V",
        "wrong range",
        "^{T}",
        "^{T-1}",
        lambda w, t: sum(error(w, k) @ w.h(k).T for k in BEFORE),
    ),
    "The initial state:",
    M(
        "h_0",
        "transpose dropped",
        "U_gᵀ",
        "U_g",
        lambda w, t: (
            w.U_i.T @ at_i(w, 1) + w.U_f.T @ at_f(w, 1) + w.U_o.T @ at_o(w, 1) + w.U_g @ at_g(w, 1)
        ),
    ),
)

SOURCE = Source(
    name="unicode-lstm",
    notation="unicode",
    model="lstm",
    extension="txt",
    wrapper="text",
    forward=forward,
    shapes={
        **{f"W_{k}": (3, 2) for k in GATES},
        **{f"U_{k}": (3, 3) for k in GATES},
        **{f"b_{k}": (3, 1) for k in GATES},
        "V": (5, 3),
    },
    inputs={
        "x": ((2, 1), ALL, ""),
        "d": ((5, 1), ALL, ""),
        "h": ((3, 1), (0,), ""),
        "c": ((3, 1), (0,), ""),
    },
    title="LSTM, all gradients",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="Without the book:",
)
