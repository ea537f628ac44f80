"""Elman network in Unicode text; δ_t is by z_t."""

import numpy as np
from book import C, Definition, M, Source
from world import T, chain, diag, half_square

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        v["z", t] = p("W_hh", t) @ v["h", t - 1] + p("W_xh", t) @ v["x", t] + p("b_h", t)
        v["h", t] = np.tanh(v["z", t])
        v["y", t] = p("W_hy", t) @ v["h", t] + p("b_y", t)
        v["L_t", t] = half_square(v["y", t] - v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def delta(w, t):
    return w.g("z", t)


def slope(w, t):
    return 1 - w.h(t) ** 2


def error(w, t):
    return w.y(t) - w.d(t)


SETTING = (
    "Forward, for t = 1, …, T, with column vectors and a learned initial state h_0:",
    Definition("z_t = W_hh h_{t-1} + W_xh x_t + b_h"),
    Definition("h_t = tanh(z_t)"),
    Definition("y_t = W_hy h_t + b_y"),
    Definition("L = ½ Σ_{t=1}^{T} (y_t − d_t)ᵀ (y_t − d_t)"),
    "The error signal is the one at the pre-activation:",
    Definition("δ_t = ∂L/∂z_t"),
)

RIGHT = (
    "Backward, from the last step",
    C("output", "∂L/∂y_t = y_t − d_t", lambda w, t: w.g("y", t), error, at=ALL),
    C(
        "last",
        "δ_T = (W_hyᵀ (y_T − d_T)) ⊙ (1 − h_T²)",
        lambda w, t: delta(w, T),
        lambda w, t: (w.W_hy.T @ error(w, T)) * slope(w, T),
    ),
    "to the steps t < T before it:",
    C(
        "recursion",
        "δ_t = (W_hyᵀ (y_t − d_t) + W_hhᵀ δ_{t+1}) ⊙ (1 − h_t²)",
        delta,
        lambda w, t: (w.W_hy.T @ error(w, t) + w.W_hh.T @ delta(w, t + 1)) * slope(w, t),
        at=BEFORE,
    ),
    C(
        "state",
        "∂L/∂h_t = W_hyᵀ (y_t − d_t) + W_hhᵀ δ_{t+1}",
        lambda w, t: w.g("h", t),
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh.T @ delta(w, t + 1),
        at=BEFORE,
    ),
    C(
        "state-times",
        "∂L/∂h_t = W_hyᵀ (y_t − d_t) + W_hhᵀ (∂L/∂h_{t+1} × (1 − h_{t+1}²))",
        lambda w, t: w.g("h", t),
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh.T @ (w.g("h", t + 1) % slope(w, t + 1)),
        at=BEFORE,
        reading="elementwise product",
        under={"product": "elementwise"},
    ),
    C(
        "input",
        "∂L/∂x_t = W_xhᵀ δ_t",
        lambda w, t: w.g("x", t),
        lambda w, t: w.W_xh.T @ delta(w, t),
        at=ALL,
    ),
    C(
        "initial",
        "∂L/∂h_0 = W_hhᵀ δ_1",
        lambda w, t: w.g("h", 0),
        lambda w, t: w.W_hh.T @ delta(w, 1),
    ),
    "Gradients of the parameters:",
    C(
        "W_hh",
        "∂L/∂W_hh = Σ_t δ_t h_{t-1}ᵀ",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(delta(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    C(
        "W_hh-bounds",
        "∂L/∂W_hh = Σ_{t=0}^{T-1} δ_{t+1} h_tᵀ",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(delta(w, k + 1) @ w.h(k).T for k in range(T)),
        why="the same sum with the index moved by one",
    ),
    C(
        "W_xh",
        "∂L/∂W_xh = Σ_{t=1}^{T} δ_t x_tᵀ",
        lambda w, t: w.g("W_xh"),
        lambda w, t: sum(delta(w, k) @ w.x(k).T for k in ALL),
    ),
    C(
        "W_hy",
        "∂L/∂W_hy = Σ_{t=1}^{T} (y_t − d_t) h_tᵀ",
        lambda w, t: w.g("W_hy"),
        lambda w, t: sum(error(w, k) @ w.h(k).T for k in ALL),
    ),
    C(
        "b_h",
        "∂L/∂b_h = Σ_{t=1}^{T} δ_t",
        lambda w, t: w.g("b_h"),
        lambda w, t: sum(delta(w, k) for k in ALL),
    ),
    "Jacobians:",
    C(
        "jacobian",
        "∂h_t/∂h_{t-1} = diag(1 − h_t²) W_hh",
        lambda w, t: w.J("h", t, "h", t - 1),
        lambda w, t: diag(slope(w, t)) @ w.W_hh,
        at=ALL,
    ),
    C(
        "W_hh-chain",
        "∂L/∂W_hh = Σ_{t=1}^{T} ∂L/∂h_t · ∂h_t/∂W_hh",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(chain(w.g("h", k), w.J("h", k, "W_hh")) for k in ALL),
        reading="immediate partial",
        under={"partial": "immediate"},
    ),
)

WRONG = (
    M(
        "last",
        "term dropped",
        " ⊙ (1 − h_T²)",
        "",
        lambda w, t: w.W_hy.T @ error(w, T),
    ),
    "For t < T:",
    M(
        "recursion",
        "transpose dropped",
        "W_hhᵀ",
        "W_hh",
        lambda w, t: (w.W_hy.T @ error(w, t) + w.W_hh @ delta(w, t + 1)) * slope(w, t),
    ),
    M(
        "recursion",
        "index shifted",
        "(1 − h_t²)",
        "(1 − h_{t+1}²)",
        lambda w, t: (w.W_hy.T @ error(w, t) + w.W_hh.T @ delta(w, t + 1)) * slope(w, t + 1),
    ),
    M(
        "recursion",
        "wrong derivative",
        "(1 − h_t²)",
        "h_t ⊙ (1 − h_t)",
        lambda w, t: (w.W_hy.T @ error(w, t) + w.W_hh.T @ delta(w, t + 1)) * w.h(t) * (1 - w.h(t)),
    ),
    M(
        "recursion",
        "sign flipped",
        " + W_hhᵀ",
        " − W_hhᵀ",
        lambda w, t: (w.W_hy.T @ error(w, t) - w.W_hh.T @ delta(w, t + 1)) * slope(w, t),
    ),
    M(
        "state",
        "transpose dropped",
        "W_hyᵀ",
        "W_hy",
        lambda w, t: w.W_hy @ error(w, t) + w.W_hh.T @ delta(w, t + 1),
    ),
    M(
        "state",
        "index shifted",
        "δ_{t+1}",
        "δ_t",
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh.T @ delta(w, t),
    ),
    M(
        "state",
        "term dropped",
        "W_hyᵀ (y_t − d_t) + ",
        "",
        lambda w, t: w.W_hh.T @ delta(w, t + 1),
    ),
    "For all t:",
    M(
        "input",
        "factors swapped",
        "W_xhᵀ δ_t",
        "δ_t W_xhᵀ",
        lambda w, t: delta(w, t) @ w.W_xh.T,
    ),
    M(
        "jacobian",
        "transpose added",
        "W_hh",
        "W_hhᵀ",
        lambda w, t: diag(slope(w, t)) @ w.W_hh.T,
    ),
    "Sums:",
    M(
        "W_hh",
        "index shifted",
        "h_{t-1}ᵀ",
        "h_tᵀ",
        lambda w, t: sum(delta(w, k) @ w.h(k).T for k in ALL),
    ),
    M(
        "W_hh-bounds",
        "wrong range",
        "{t=0}",
        "{t=1}",
        lambda w, t: sum(delta(w, k + 1) @ w.h(k).T for k in BEFORE),
        why="h_0 is learned, not zero",
    ),
    M(
        "W_xh",
        "wrong range",
        "^{T}",
        "^{T-1}",
        lambda w, t: sum(delta(w, k) @ w.x(k).T for k in BEFORE),
    ),
    M(
        "W_hy",
        "sign flipped",
        "(y_t − d_t)",
        "(d_t − y_t)",
        lambda w, t: -sum(error(w, k) @ w.h(k).T for k in ALL),
    ),
)

SOURCE = Source(
    name="unicode-elman",
    notation="unicode",
    model="elman",
    extension="txt",
    wrapper="text",
    forward=forward,
    shapes={"W_hh": (3, 3), "W_xh": (3, 2), "W_hy": (5, 3), "b_h": (3, 1), "b_y": (5, 1)},
    inputs={"x": ((2, 1), ALL, ""), "d": ((5, 1), ALL, ""), "h": ((3, 1), (0,), "")},
    title="Backpropagation through time",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="Seen in the wild, for t = 1, …, T:",
)
