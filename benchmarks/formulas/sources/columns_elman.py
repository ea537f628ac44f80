r"""Elman network with columns and ``\frac{\partial L}{\partial W_{hh}}``, in Markdown."""

import numpy as np
from book import C, Definition, M, Source
from world import T, chain, cross_entropy, diag, softmax, tanh

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        v["z", t] = p("W_hh", t) @ v["h", t - 1] + p("W_xh", t) @ v["x", t] + p("b_h", t)
        v["h", t] = np.tanh(v["z", t])
        v["o", t] = p("W_hy", t) @ v["h", t] + p("b_y", t)
        v["y", t] = softmax(v["o", t])
        v["L_t", t] = cross_entropy(v["y", t], v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def delta(w, t):
    return w.g("h", t)


def slope(w, t):
    return 1 - w.h(t) * w.h(t)


def error(w, t):
    return w.y(t) - w.d(t)


def dz(w, t):
    return delta(w, t) * slope(w, t)


SETTING = (
    "A recurrent network reads columns $x_1, \\dots, x_T$ from $h_0 = 0$. At each step",
    Definition(r"z_t = W_{hh} h_{t-1} + W_{xh} x_t + b_h"),
    Definition(r"h_t = \tanh(z_t)"),
    Definition(r"o_t = W_{hy} h_t + b_y"),
    Definition(r"\hat{y}_t = \mathrm{softmax}(o_t)"),
    "With one-hot targets $y_t$ the loss is the cross-entropy of all steps:",
    Definition(r"L = -\sum_{t=1}^{T} y_t^\top \log \hat{y}_t"),
    "The error of the hidden state is",
    Definition(r"\delta_t = \frac{\partial L}{\partial h_t}"),
)

RIGHT = (
    "## Backwards",
    "Softmax and cross-entropy together give",
    C(
        "output",
        r"\frac{\partial L}{\partial o_t} = \hat{y}_t - y_t",
        lambda w, t: w.g("o", t),
        error,
        at=ALL,
    ),
    "At the last step only the output depends on the state:",
    C(
        "last",
        r"\delta_T = W_{hy}^\top (\hat{y}_T - y_T)",
        lambda w, t: delta(w, T),
        lambda w, t: w.W_hy.T @ error(w, T),
    ),
    "Before it, for $t < T$, the next state does too:",
    C(
        "recursion",
        r"\delta_t = W_{hy}^\top (\hat{y}_t - y_t)"
        r" + W_{hh}^\top \left( \delta_{t+1} \odot (1 - h_{t+1} \odot h_{t+1}) \right)",
        delta,
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh.T @ dz(w, t + 1),
        at=BEFORE,
    ),
    "which is the same as",
    C(
        "recursion-row",
        r"\delta_t^\top = (\hat{y}_t - y_t)^\top W_{hy}"
        r" + \left( \delta_{t+1} \odot (1 - h_{t+1} \odot h_{t+1}) \right)^\top W_{hh}",
        lambda w, t: delta(w, t).T,
        lambda w, t: error(w, t).T @ w.W_hy + dz(w, t + 1).T @ w.W_hh,
        at=BEFORE,
        why="both sides transposed",
    ),
    "The derivative of tanh can be taken from the pre-activation as well:",
    C(
        "pre-activation",
        r"\frac{\partial L}{\partial z_t} = \left( 1 - \tanh^2(z_t) \right) \odot \delta_t",
        lambda w, t: w.g("z", t),
        lambda w, t: (1 - tanh(w.z(t)) ** 2) * delta(w, t),
        at=ALL,
    ),
    "One step of the state has the Jacobian",
    C(
        "jacobian",
        r"\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2) W_{hh}",
        lambda w, t: w.J("h", t, "h", t - 1),
        lambda w, t: diag(slope(w, t)) @ w.W_hh,
        at=ALL,
    ),
    C(
        "slope",
        r"\frac{\partial h_t}{\partial z_t} = 1 - h_t^2",
        lambda w, t: w.J("h", t, "z", t),
        slope,
        at=ALL,
        reading="vector as a diagonal matrix",
        instead=(lambda w, t: w.J("h", t, "z", t), lambda w, t: diag(slope(w, t))),
    ),
    "## The weights",
    C(
        "W_hh",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T}"
        r" \left( \delta_t \odot (1 - h_t^2) \right) h_{t-1}^\top",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(dz(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    "Since $h_0 = 0$ the first term vanishes:",
    C(
        "W_hh-from-2",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=2}^{T}"
        r" \left( \delta_t \odot (1 - h_t^2) \right) h_{t-1}^\top",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(dz(w, k) @ w.h(k - 1).T for k in range(2, T + 1)),
        why="the term of t=1 is zero because h_0 = 0",
    ),
    C(
        "W_xh",
        r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T}"
        r" \mathrm{diag}(1 - h_t^2)\, \delta_t\, x_t^\top",
        lambda w, t: w.g("W_xh"),
        lambda w, t: sum(diag(slope(w, k)) @ delta(w, k) @ w.x(k).T for k in ALL),
    ),
    C(
        "W_hy",
        r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^{T} (\hat{y}_t - y_t) h_t^\top",
        lambda w, t: w.g("W_hy"),
        lambda w, t: sum(error(w, k) @ w.h(k).T for k in ALL),
    ),
    C(
        "W_hy-transposed",
        r"\left( \frac{\partial L}{\partial W_{hy}} \right)^\top"
        r" = \sum_{t=1}^{T} h_t (\hat{y}_t - y_t)^\top",
        lambda w, t: w.g("W_hy").T,
        lambda w, t: sum(w.h(k) @ error(w, k).T for k in ALL),
        why="both sides transposed",
    ),
    "and for the biases",
    C(
        "b_h",
        r"\frac{\partial L}{\partial b_h} = \sum_{t=1}^{T} \delta_t \odot (1 - h_t^2)",
        lambda w, t: w.g("b_h"),
        lambda w, t: sum(dz(w, k) for k in ALL),
    ),
    C(
        "b_y",
        r"\frac{\partial L}{\partial b_y} = \sum_{t=1}^{T} (\hat{y}_t - y_t)",
        lambda w, t: w.g("b_y"),
        lambda w, t: sum(error(w, k) for k in ALL),
    ),
    "Written with Jacobians, each step contributes once:",
    C(
        "W_hh-chain",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T}"
        r" \frac{\partial L}{\partial h_t} \frac{\partial h_t}{\partial W_{hh}}",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum(chain(w.g("h", k), w.J("h", k, "W_hh")) for k in ALL),
        reading="immediate partial",
        under={"partial": "immediate"},
    ),
    C(
        "W_xh-swapped",
        r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T}"
        r" x_t \left( \delta_t \odot (1 - h_t^2) \right)^\top",
        lambda w, t: w.g("W_xh"),
        lambda w, t: sum(w.x(k) @ dz(w, k).T for k in ALL),
        reading="numerator layout of the gradient",
        under={"gradient": "matrices transposed"},
    ),
)

WRONG = (
    M(
        "recursion",
        "transpose dropped",
        r"W_{hh}^\top",
        r"W_{hh}",
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh @ dz(w, t + 1),
    ),
    M(
        "recursion",
        "index shifted",
        r"(1 - h_{t+1} \odot h_{t+1})",
        r"(1 - h_t \odot h_t)",
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh.T @ (delta(w, t + 1) * slope(w, t)),
    ),
    M(
        "recursion",
        "term dropped",
        r"W_{hy}^\top (\hat{y}_t - y_t) + ",
        "",
        lambda w, t: w.W_hh.T @ dz(w, t + 1),
    ),
    M(
        "recursion",
        "wrong derivative",
        r"(1 - h_{t+1} \odot h_{t+1})",
        r"(1 - h_{t+1})",
        lambda w, t: w.W_hy.T @ error(w, t) + w.W_hh.T @ (delta(w, t + 1) * (1 - w.h(t + 1))),
    ),
    M(
        "last",
        "transpose dropped",
        r"W_{hy}^\top",
        r"W_{hy}",
        lambda w, t: w.W_hy @ error(w, T),
    ),
    M(
        "output",
        "sign flipped",
        r"\hat{y}_t - y_t",
        r"y_t - \hat{y}_t",
        lambda w, t: w.d(t) - w.y(t),
    ),
    M(
        "jacobian",
        "transpose added",
        r"W_{hh}",
        r"W_{hh}^\top",
        lambda w, t: diag(slope(w, t)) @ w.W_hh.T,
    ),
    M(
        "jacobian",
        "factors swapped",
        r"\mathrm{diag}(1 - h_t^2) W_{hh}",
        r"W_{hh} \mathrm{diag}(1 - h_t^2)",
        lambda w, t: w.W_hh @ diag(slope(w, t)),
    ),
    "As for the weights,",
    M(
        "W_hh",
        "index shifted",
        r"h_{t-1}^\top",
        r"h_t^\top",
        lambda w, t: sum(dz(w, k) @ w.h(k).T for k in ALL),
    ),
    M(
        "W_hh",
        "wrong derivative",
        r"(1 - h_t^2)",
        r"h_t \odot (1 - h_t)",
        lambda w, t: sum((delta(w, k) * w.h(k) * (1 - w.h(k))) @ w.h(k - 1).T for k in ALL),
        why="the derivative of a sigmoid",
    ),
    M(
        "W_hy",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=2}^{T}",
        lambda w, t: sum(error(w, k) @ w.h(k).T for k in range(2, T + 1)),
    ),
    M(
        "b_h",
        "term dropped",
        r" \odot (1 - h_t^2)",
        "",
        lambda w, t: sum(delta(w, k) for k in ALL),
        why="the derivative of tanh is missing",
    ),
)

SOURCE = Source(
    name="columns-elman",
    notation="columns",
    model="elman",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={"W_hh": (3, 3), "W_xh": (3, 2), "W_hy": (5, 3), "b_h": (3, 1), "b_y": (5, 1)},
    inputs={
        "x": ((2, 1), ALL, ""),
        "d": ((5, 1), ALL, "distribution"),
        "h": ((3, 1), (0,), ""),
    },
    zero=("h",),
    title="# Backpropagation through time",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## Answers of an exercise\n\nFor $t < T$, or $t = 1, \\dots, T$ where only one"
    " step is named:",
)
