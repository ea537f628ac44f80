r"""Elman network as Goodfellow, Bengio and Courville (2016, 10.2.2) write it: ``\nabla``."""

import numpy as np
from book import C, Definition, M, Source
from world import T, cross_entropy, diag, softmax

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        v["a", t] = p("b", t) + p("W", t) @ v["h", t - 1] + p("U", t) @ v["x", t]
        v["h", t] = np.tanh(v["a", t])
        v["o", t] = p("c", t) + p("V", t) @ v["h", t]
        v["y", t] = softmax(v["o", t])
        v["L_t", t] = cross_entropy(v["y", t], v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def gh(w, t):
    return w.g("h", t)


def go(w, t):
    return w.g("o", t)


def D(w, t):
    return diag(1 - w.h(t) ** 2)


SETTING = (
    "For each time step from $t = 1$ to $t = \\tau$ we apply the following update equations:",
    Definition(r"a^{(t)} = b + W h^{(t-1)} + U x^{(t)}"),
    Definition(r"h^{(t)} = \tanh(a^{(t)})"),
    Definition(r"o^{(t)} = c + V h^{(t)}"),
    Definition(r"\hat{y}^{(t)} = \mathrm{softmax}(o^{(t)})"),
    "The targets are one-hot, and the total loss is",
    Definition(r"L = -\sum_{t=1}^{\tau} (y^{(t)})^\top \log \hat{y}^{(t)}"),
)

RIGHT = (
    "## Computing the gradient",
    "The gradient on the outputs is, for all $i, t$,",
    C(
        "output-element",
        r"(\nabla_{o^{(t)}} L)_i = \hat{y}_i^{(t)} - y_i^{(t)}",
        lambda w, t: go(w, t),
        lambda w, t: w.y(t) - w.d(t),
        at=ALL,
        why="for every i, so as vectors",
    ),
    "We work backwards, starting from the end of the sequence:",
    C(
        "last",
        r"\nabla_{h^{(\tau)}} L = V^\top \nabla_{o^{(\tau)}} L",
        lambda w, t: gh(w, T),
        lambda w, t: w.V.T @ go(w, T),
    ),
    "We can then iterate backwards, from $t = \\tau - 1$ down to $t = 1$:",
    C(
        "recursion-jacobians",
        r"\nabla_{h^{(t)}} L = \left( \frac{\partial h^{(t+1)}}{\partial h^{(t)}} \right)^\top"
        r" (\nabla_{h^{(t+1)}} L)"
        r" + \left( \frac{\partial o^{(t)}}{\partial h^{(t)}} \right)^\top (\nabla_{o^{(t)}} L)",
        gh,
        lambda w, t: w.J("h", t + 1, "h", t).T @ gh(w, t + 1) + w.J("o", t, "h", t).T @ go(w, t),
        at=BEFORE,
    ),
    C(
        "recursion",
        r"\nabla_{h^{(t)}} L = W^\top \mathrm{diag}\left( 1 - (h^{(t+1)})^2 \right)"
        r" (\nabla_{h^{(t+1)}} L) + V^\top (\nabla_{o^{(t)}} L)",
        gh,
        lambda w, t: w.W.T @ D(w, t + 1) @ gh(w, t + 1) + w.V.T @ go(w, t),
        at=BEFORE,
    ),
    "The transpose of the product is the product of the transposes in opposite order:",
    C(
        "recursion-product",
        r"\nabla_{h^{(t)}} L = \left( \mathrm{diag}\left( 1 - (h^{(t+1)})^2 \right) W"
        r" \right)^\top \nabla_{h^{(t+1)}} L + V^\top \nabla_{o^{(t)}} L",
        gh,
        lambda w, t: (D(w, t + 1) @ w.W).T @ gh(w, t + 1) + w.V.T @ go(w, t),
        at=BEFORE,
        why="(A B)^T written out",
    ),
    "A diagonal matrix may be transposed at will:",
    C(
        "recursion-redundant",
        r"\nabla_{h^{(t)}} L = W^\top \left( \mathrm{diag}\left( 1 - (h^{(t+1)})^2 \right)"
        r" \right)^\top \nabla_{h^{(t+1)}} L + V^\top \nabla_{o^{(t)}} L",
        gh,
        lambda w, t: w.W.T @ D(w, t + 1).T @ gh(w, t + 1) + w.V.T @ go(w, t),
        at=BEFORE,
        why="the transpose of a diagonal matrix is redundant",
    ),
    "In denominator layout no transposes are needed:",
    C(
        "recursion-denominator",
        r"\nabla_{h^{(t)}} L = \frac{\partial h^{(t+1)}}{\partial h^{(t)}}"
        r" \nabla_{h^{(t+1)}} L"
        r" + \frac{\partial o^{(t)}}{\partial h^{(t)}} \nabla_{o^{(t)}} L",
        gh,
        lambda w, t: w.J("h", t + 1, "h", t) @ gh(w, t + 1) + w.J("o", t, "h", t) @ go(w, t),
        at=BEFORE,
        reading="denominator layout",
        under={"jacobian": "denominator"},
    ),
    "Once these are known, the parameters follow:",
    C(
        "c-jacobian",
        r"\nabla_c L = \sum_{t=1}^{\tau} \left( \frac{\partial o^{(t)}}{\partial c}"
        r" \right)^\top \nabla_{o^{(t)}} L",
        lambda w, t: w.g("c"),
        lambda w, t: sum(w.J("o", k, "c").T @ go(w, k) for k in ALL),
        why="c reaches o of its own step only, so total and immediate partial agree",
    ),
    C(
        "c",
        r"\nabla_c L = \sum_{t=1}^{\tau} \nabla_{o^{(t)}} L",
        lambda w, t: w.g("c"),
        lambda w, t: sum(go(w, k) for k in ALL),
    ),
    C(
        "b-jacobian",
        r"\nabla_b L = \sum_{t=1}^{\tau} \left( \frac{\partial h^{(t)}}{\partial b}"
        r" \right)^\top \nabla_{h^{(t)}} L",
        lambda w, t: w.g("b"),
        lambda w, t: sum(w.J("h", k, "b").T @ gh(w, k) for k in ALL),
        reading="immediate partial",
        under={"partial": "immediate"},
    ),
    C(
        "b",
        r"\nabla_b L = \sum_{t=1}^{\tau} \mathrm{diag}\left( 1 - (h^{(t)})^2 \right)"
        r" \nabla_{h^{(t)}} L",
        lambda w, t: w.g("b"),
        lambda w, t: sum(D(w, k) @ gh(w, k) for k in ALL),
    ),
    C(
        "V",
        r"\nabla_V L = \sum_{t=1}^{\tau} (\nabla_{o^{(t)}} L) (h^{(t)})^\top",
        lambda w, t: w.g("V"),
        lambda w, t: sum(go(w, k) @ w.h(k).T for k in ALL),
    ),
    C(
        "W",
        r"\nabla_W L = \sum_{t=1}^{\tau} \mathrm{diag}\left( 1 - (h^{(t)})^2 \right)"
        r" (\nabla_{h^{(t)}} L) (h^{(t-1)})^\top",
        lambda w, t: w.g("W"),
        lambda w, t: sum(D(w, k) @ gh(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    C(
        "U",
        r"\nabla_U L = \sum_{t=1}^{\tau} \mathrm{diag}\left( 1 - (h^{(t)})^2 \right)"
        r" (\nabla_{h^{(t)}} L) (x^{(t)})^\top",
        lambda w, t: w.g("U"),
        lambda w, t: sum(D(w, k) @ gh(w, k) @ w.x(k).T for k in ALL),
    ),
)

WRONG = (
    M(
        "last",
        "transpose dropped",
        r"V^\top",
        r"V",
        lambda w, t: w.V @ go(w, T),
    ),
    "For $t < \\tau$:",
    M(
        "recursion",
        "transpose dropped",
        r"W^\top",
        r"W",
        lambda w, t: w.W @ D(w, t + 1) @ gh(w, t + 1) + w.V.T @ go(w, t),
    ),
    M(
        "recursion",
        "index shifted",
        r"(h^{(t+1)})^2",
        r"(h^{(t)})^2",
        lambda w, t: w.W.T @ D(w, t) @ gh(w, t + 1) + w.V.T @ go(w, t),
    ),
    M(
        "recursion",
        "term dropped",
        r" + V^\top (\nabla_{o^{(t)}} L)",
        "",
        lambda w, t: w.W.T @ D(w, t + 1) @ gh(w, t + 1),
    ),
    M(
        "recursion",
        "factors swapped",
        r"W^\top \mathrm{diag}\left( 1 - (h^{(t+1)})^2 \right)",
        r"\mathrm{diag}\left( 1 - (h^{(t+1)})^2 \right) W^\top",
        lambda w, t: D(w, t + 1) @ w.W.T @ gh(w, t + 1) + w.V.T @ go(w, t),
    ),
    M(
        "recursion",
        "sign flipped",
        r" + V^\top",
        r" - V^\top",
        lambda w, t: w.W.T @ D(w, t + 1) @ gh(w, t + 1) - w.V.T @ go(w, t),
    ),
    M(
        "recursion-product",
        "transpose added",
        r" W \right)",
        r" W^\top \right)",
        lambda w, t: (D(w, t + 1) @ w.W.T).T @ gh(w, t + 1) + w.V.T @ go(w, t),
    ),
    M(
        "recursion-jacobians",
        "index shifted",
        r"(\nabla_{h^{(t+1)}} L)",
        r"(\nabla_{h^{(t)}} L)",
        lambda w, t: w.J("h", t + 1, "h", t).T @ gh(w, t) + w.J("o", t, "h", t).T @ go(w, t),
    ),
    "The parameters:",
    M(
        "c",
        "wrong range",
        r"\sum_{t=1}^{\tau}",
        r"\sum_{t=1}^{\tau-1}",
        lambda w, t: sum(go(w, k) for k in BEFORE),
    ),
    M(
        "b",
        "wrong derivative",
        r"1 - (h^{(t)})^2",
        r"1 - h^{(t)}",
        lambda w, t: sum(diag(1 - w.h(k)) @ gh(w, k) for k in ALL),
    ),
    M(
        "V",
        "index shifted",
        r"h^{(t)})^\top",
        r"h^{(t-1)})^\top",
        lambda w, t: sum(go(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    M(
        "W",
        "term dropped",
        r"\mathrm{diag}\left( 1 - (h^{(t)})^2 \right) ",
        "",
        lambda w, t: sum(gh(w, k) @ w.h(k - 1).T for k in ALL),
        why="the derivative of tanh is missing",
    ),
    M(
        "W",
        "index shifted",
        r"(h^{(t-1)})^\top",
        r"(h^{(t)})^\top",
        lambda w, t: sum(D(w, k) @ gh(w, k) @ w.h(k).T for k in ALL),
    ),
    M(
        "U",
        "wrong range",
        r"\sum_{t=1}^{\tau}",
        r"\sum_{t=2}^{\tau}",
        lambda w, t: sum(D(w, k) @ gh(w, k) @ w.x(k).T for k in range(2, T + 1)),
    ),
)

SOURCE = Source(
    name="goodfellow-elman",
    notation="goodfellow",
    model="elman",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={"W": (3, 3), "U": (3, 2), "V": (5, 3), "b": (3, 1), "c": (5, 1)},
    inputs={
        "x": ((2, 1), ALL, ""),
        "d": ((5, 1), ALL, "distribution"),
        "h": ((3, 1), (0,), ""),
    },
    title="# Recurrent neural networks",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## What students handed in\n\nThe last state:",
)
