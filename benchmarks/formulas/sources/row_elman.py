r"""Elman network with rows, ``x_t W_{xh} + h_{t-1} W_{hh}``; ``\delta_t`` is by ``z_t``."""

import numpy as np
from book import C, Definition, M, Source
from world import T, diag, half_square

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        v["z", t] = v["x", t] @ p("W_xh", t) + v["h", t - 1] @ p("W_hh", t) + p("b_h", t)
        v["h", t] = np.tanh(v["z", t])
        v["y", t] = v["h", t] @ p("W_hy", t) + p("b_y", t)
        v["L_t", t] = half_square(v["y", t] - v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def delta(w, t):
    return w.g("z", t)


def slope(w, t):
    return 1 - w.h(t) ** 2


def error(w, t):
    return w.y(t) - w.d(t)


SETTING = (
    "All vectors are rows: $x_t$ is $1 \\times d$, $h_t$ is $1 \\times n$ and $y_t$ is"
    " $1 \\times q$.",
    Definition(r"z_t = x_t W_{xh} + h_{t-1} W_{hh} + b_h"),
    Definition(r"h_t = \tanh(z_t)"),
    Definition(r"y_t = h_t W_{hy} + b_y"),
    Definition(r"L = \sum_{t=1}^{T} \frac{1}{2} (y_t - d_t) (y_t - d_t)^\top"),
    "Let",
    Definition(r"\delta_t = \frac{\partial L}{\partial z_t}"),
)

RIGHT = (
    C(
        "output",
        r"\frac{\partial L}{\partial y_t} = y_t - d_t",
        lambda w, t: w.g("y", t),
        error,
        at=ALL,
    ),
    "The last step:",
    C(
        "last",
        r"\delta_T = \left( (y_T - d_T) W_{hy}^\top \right) \odot (1 - h_T^2)",
        lambda w, t: delta(w, T),
        lambda w, t: (error(w, T) @ w.W_hy.T) * slope(w, T),
    ),
    "The steps $t < T$ before it:",
    C(
        "recursion",
        r"\delta_t = \left( (y_t - d_t) W_{hy}^\top + \delta_{t+1} W_{hh}^\top \right)"
        r" \odot (1 - h_t^2)",
        delta,
        lambda w, t: (error(w, t) @ w.W_hy.T + delta(w, t + 1) @ w.W_hh.T) * slope(w, t),
        at=BEFORE,
    ),
    "or, transposed,",
    C(
        "recursion-transposed",
        r"\delta_t^\top = (1 - h_t^2)^\top \odot"
        r" \left( W_{hy} (y_t - d_t)^\top + W_{hh} \delta_{t+1}^\top \right)",
        lambda w, t: delta(w, t).T,
        lambda w, t: slope(w, t).T * (w.W_hy @ error(w, t).T + w.W_hh @ delta(w, t + 1).T),
        at=BEFORE,
        why="both sides transposed, the Hadamard factor in front",
    ),
    "The states themselves, again for $t < T$, have",
    C(
        "state",
        r"\frac{\partial L}{\partial h_t} = (y_t - d_t) W_{hy}^\top + \delta_{t+1} W_{hh}^\top",
        lambda w, t: w.g("h", t),
        lambda w, t: error(w, t) @ w.W_hy.T + delta(w, t + 1) @ w.W_hh.T,
        at=BEFORE,
    ),
    C(
        "initial",
        r"\frac{\partial L}{\partial h_0} = \delta_1 W_{hh}^\top",
        lambda w, t: w.g("h", 0),
        lambda w, t: delta(w, 1) @ w.W_hh.T,
        why="h_0 bears no loss",
    ),
    C(
        "input",
        r"\frac{\partial L}{\partial x_t} = \delta_t W_{xh}^\top",
        lambda w, t: w.g("x", t),
        lambda w, t: delta(w, t) @ w.W_xh.T,
        at=ALL,
    ),
    "With rows the inputs of a product stand on the left:",
    C(
        "W_hh",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} h_{t-1}^\top \delta_t",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(w.h(k - 1).T @ delta(w, k) for k in ALL),
    ),
    C(
        "W_hh-outside",
        r"\frac{\partial L}{\partial W_{hh}}"
        r" = \left( \sum_{t=1}^{T} \delta_t^\top h_{t-1} \right)^\top",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(delta(w, k).T @ w.h(k - 1) for k in ALL).T,
        why="the sum is transposed as a whole",
    ),
    C(
        "W_xh",
        r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T} x_t^\top \delta_t",
        lambda w, t: w.g("W_xh"),
        lambda w, t: sum(w.x(k).T @ delta(w, k) for k in ALL),
    ),
    C(
        "W_hy",
        r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^{T} h_t^\top (y_t - d_t)",
        lambda w, t: w.g("W_hy"),
        lambda w, t: sum(w.h(k).T @ error(w, k) for k in ALL),
    ),
    C(
        "b_h",
        r"\frac{\partial L}{\partial b_h} = \sum_{t=1}^{T} \delta_t",
        lambda w, t: w.g("b_h"),
        lambda w, t: sum(delta(w, k) for k in ALL),
    ),
    "The Jacobian of one step is",
    C(
        "jacobian",
        r"\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2) W_{hh}^\top",
        lambda w, t: w.J("h", t, "h", t - 1),
        lambda w, t: diag(slope(w, t)) @ w.W_hh.T,
        at=ALL,
        why="rows of h_t, columns of h_{t-1}",
    ),
    "or, the other way round,",
    C(
        "jacobian-denominator",
        r"\frac{\partial h_t}{\partial h_{t-1}} = W_{hh} \mathrm{diag}(1 - h_t^2)",
        lambda w, t: w.J("h", t, "h", t - 1),
        lambda w, t: w.W_hh @ diag(slope(w, t)),
        at=ALL,
        reading="denominator layout",
        under={"jacobian": "denominator"},
    ),
)

WRONG = (
    M(
        "last",
        "transpose dropped",
        r"W_{hy}^\top",
        r"W_{hy}",
        lambda w, t: (error(w, T) @ w.W_hy) * slope(w, T),
    ),
    "For $t < T$:",
    M(
        "recursion",
        "transpose dropped",
        r"W_{hh}^\top",
        r"W_{hh}",
        lambda w, t: (error(w, t) @ w.W_hy.T + delta(w, t + 1) @ w.W_hh) * slope(w, t),
    ),
    M(
        "recursion",
        "index shifted",
        r"(1 - h_t^2)",
        r"(1 - h_{t+1}^2)",
        lambda w, t: (error(w, t) @ w.W_hy.T + delta(w, t + 1) @ w.W_hh.T) * slope(w, t + 1),
    ),
    M(
        "recursion",
        "term dropped",
        r"(y_t - d_t) W_{hy}^\top + ",
        "",
        lambda w, t: (delta(w, t + 1) @ w.W_hh.T) * slope(w, t),
    ),
    M(
        "recursion",
        "sign flipped",
        r"+ \delta_{t+1}",
        r"- \delta_{t+1}",
        lambda w, t: (error(w, t) @ w.W_hy.T - delta(w, t + 1) @ w.W_hh.T) * slope(w, t),
    ),
    M(
        "recursion",
        "wrong derivative",
        r"(1 - h_t^2)",
        r"(1 - h_t)^2",
        lambda w, t: (error(w, t) @ w.W_hy.T + delta(w, t + 1) @ w.W_hh.T) * (1 - w.h(t)) ** 2,
    ),
    M(
        "state",
        "factors swapped",
        r"\delta_{t+1} W_{hh}^\top",
        r"W_{hh}^\top \delta_{t+1}",
        lambda w, t: error(w, t) @ w.W_hy.T + w.W_hh.T @ delta(w, t + 1),
        why="a row behind a square matrix",
    ),
    M(
        "input",
        "transpose dropped",
        r"W_{xh}^\top",
        r"W_{xh}",
        lambda w, t: delta(w, t) @ w.W_xh,
    ),
    "The sums:",
    M(
        "W_hh",
        "index shifted",
        r"h_{t-1}^\top",
        r"h_t^\top",
        lambda w, t: sum(w.h(k).T @ delta(w, k) for k in ALL),
    ),
    M(
        "W_xh",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=1}^{T-1}",
        lambda w, t: sum(w.x(k).T @ delta(w, k) for k in BEFORE),
    ),
    M(
        "W_hy",
        "index shifted",
        r"h_t^\top",
        r"h_{t-1}^\top",
        lambda w, t: sum(w.h(k - 1).T @ error(w, k) for k in ALL),
    ),
    M(
        "b_h",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=2}^{T}",
        lambda w, t: sum(delta(w, k) for k in range(2, T + 1)),
    ),
    M(
        "jacobian",
        "transpose dropped",
        r"W_{hh}^\top",
        r"W_{hh}",
        lambda w, t: diag(slope(w, t)) @ w.W_hh,
    ),
)

SOURCE = Source(
    name="row-elman",
    notation="row",
    model="elman",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={"W_hh": (3, 3), "W_xh": (2, 3), "W_hy": (3, 5), "b_h": (1, 3), "b_y": (1, 5)},
    inputs={"x": ((1, 2), ALL, ""), "d": ((1, 5), ALL, ""), "h": ((1, 3), (0,), "")},
    title="# Row vectors",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## From memory",
)
