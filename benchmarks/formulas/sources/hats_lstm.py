r"""LSTM with ``\delta \hat{i}^t``: hats for pre-activations, a delta in front for gradients."""

import numpy as np
from book import C, Definition, M, Source
from world import T, diag, dsig, half_square, sigmoid, tanh

ALL, BEFORE = range(1, T + 1), range(1, T)
GATES = "aifo"


def forward(p, v, T):
    for t in range(1, T + 1):
        for g in GATES:
            hat = p(f"W_{g}", t) @ v["x", t] + p(f"U_{g}", t) @ v["h", t - 1] + p(f"b_{g}", t)
            v[f"{g}_hat", t] = hat
            v[g, t] = np.tanh(v[f"{g}_hat", t]) if g == "a" else sigmoid(v[f"{g}_hat", t])
        v["c", t] = v["i", t] * v["a", t] + v["f", t] * v["c", t - 1]
        v["h", t] = v["o", t] * np.tanh(v["c", t])
        v["y", t] = p("V", t) @ v["h", t]
        v["E_t", t] = half_square(v["y", t] - v["d", t])
    v["L", 0] = sum(v["E_t", t] for t in range(1, T + 1))


def d(name):
    """``δ name^t``."""
    return lambda w, t: w.g(name, t)


def error(w, t):
    return w.y(t) - w.d(t)


def ahead(w, t, gates=GATES):
    """What ``h^t`` gets through the gates of the next step."""
    return sum(w.v(f"U_{g}").T @ w.g(f"{g}_hat", t + 1) for g in gates)


def through_h(w, t):
    return w.g("h", t) * w.o(t) * (1 - tanh(w.c(t)) ** 2)


SETTING = (
    "The forward pass, with a hat on every pre-activation:",
    Definition(r"\hat{a}^t = W_a x^t + U_a h^{t-1} + b_a"),
    Definition(r"\hat{i}^t = W_i x^t + U_i h^{t-1} + b_i"),
    Definition(r"\hat{f}^t = W_f x^t + U_f h^{t-1} + b_f"),
    Definition(r"\hat{o}^t = W_o x^t + U_o h^{t-1} + b_o"),
    Definition(r"a^t = \tanh(\hat{a}^t)"),
    Definition(r"i^t = \sigma(\hat{i}^t)"),
    Definition(r"f^t = \sigma(\hat{f}^t)"),
    Definition(r"o^t = \sigma(\hat{o}^t)"),
    Definition(r"c^t = i^t \odot a^t + f^t \odot c^{t-1}"),
    Definition(r"h^t = o^t \odot \tanh(c^t)"),
    Definition(r"y^t = V h^t"),
    Definition(r"E = \frac{1}{2} \sum_{t=1}^{T} (y^t - d^t)^T (y^t - d^t)"),
    "A $\\delta$ in front of a symbol stands for the derivative of $E$ by it:",
    Definition(r"\delta h^t = \frac{\partial E}{\partial h^t}"),
    Definition(r"\delta c^t = \frac{\partial E}{\partial c^t}"),
    "and likewise for the gates, their pre-activations and the weights, such as",
    Definition(r"\delta i^t = \frac{\partial E}{\partial i^t}"),
    Definition(r"\delta \hat{i}^t = \frac{\partial E}{\partial \hat{i}^t}"),
    Definition(r"\delta W_i = \frac{\partial E}{\partial W_i}"),
)

RIGHT = (
    "## Backward pass",
    C(
        "o",
        r"\delta o^t = \delta h^t \odot \tanh(c^t)",
        d("o"),
        lambda w, t: w.g("h", t) * tanh(w.c(t)),
        at=ALL,
    ),
    "The cell state matters to the output of its step and, for $t < T$, to the next cell state:",
    C(
        "c",
        r"\delta c^t = \delta h^t \odot o^t \odot (1 - \tanh^2(c^t))"
        r" + \delta c^{t+1} \odot f^{t+1}",
        d("c"),
        lambda w, t: through_h(w, t) + w.g("c", t + 1) * w.f(t + 1),
        at=BEFORE,
        why="the total derivative, including the path through h^t",
    ),
    C(
        "c-last",
        r"\delta c^T = \delta h^T \odot o^T \odot (1 - \tanh^2(c^T))",
        lambda w, t: w.g("c", T),
        lambda w, t: through_h(w, T),
    ),
    "From there",
    C(
        "i",
        r"\delta i^t = \delta c^t \odot a^t",
        d("i"),
        lambda w, t: w.g("c", t) * w.a(t),
        at=ALL,
    ),
    C(
        "f",
        r"\delta f^t = \delta c^t \odot c^{t-1}",
        d("f"),
        lambda w, t: w.g("c", t) * w.c(t - 1),
        at=ALL,
    ),
    C(
        "a",
        r"\delta a^t = \delta c^t \cdot i^t",
        d("a"),
        lambda w, t: w.g("c", t) % w.i(t),
        at=ALL,
        reading="elementwise product",
        under={"product": "elementwise"},
    ),
    "and through the nonlinearities",
    C(
        "a-hat",
        r"\delta \hat{a}^t = \delta c^t \odot i^t \odot (1 - a^t \odot a^t)",
        d("a_hat"),
        lambda w, t: w.g("c", t) * w.i(t) * (1 - w.a(t) * w.a(t)),
        at=ALL,
    ),
    C(
        "i-hat",
        r"\delta \hat{i}^t = \delta i^t \odot i^t \odot (1 - i^t)",
        d("i_hat"),
        lambda w, t: w.g("i", t) * w.i(t) * (1 - w.i(t)),
        at=ALL,
    ),
    C(
        "f-hat",
        r"\delta \hat{f}^t = \delta c^t \odot c^{t-1} \odot f^t \odot (1 - f^t)",
        d("f_hat"),
        lambda w, t: w.g("c", t) * w.c(t - 1) * w.f(t) * (1 - w.f(t)),
        at=ALL,
    ),
    C(
        "o-hat",
        r"\delta \hat{o}^t = \sigma'(\hat{o}^t) \odot \tanh(c^t) \odot \delta h^t",
        d("o_hat"),
        lambda w, t: dsig(w.o_hat(t)) * tanh(w.c(t)) * w.g("h", t),
        at=ALL,
    ),
    "The state collects from the output and, for $t < T$, from all four gates of the next step:",
    C(
        "h",
        r"\delta h^t = V^T (y^t - d^t) + U_a^T \delta \hat{a}^{t+1}"
        r" + U_i^T \delta \hat{i}^{t+1} + U_f^T \delta \hat{f}^{t+1}"
        r" + U_o^T \delta \hat{o}^{t+1}",
        d("h"),
        lambda w, t: w.V.T @ error(w, t) + ahead(w, t),
        at=BEFORE,
    ),
    C(
        "x",
        r"\delta x^t = W_a^T \delta \hat{a}^t + W_i^T \delta \hat{i}^t"
        r" + W_f^T \delta \hat{f}^t + W_o^T \delta \hat{o}^t",
        d("x"),
        lambda w, t: sum(w.v(f"W_{g}").T @ w.g(f"{g}_hat", t) for g in GATES),
        at=ALL,
    ),
    "Finally the parameters:",
    C(
        "W_i",
        r"\delta W_i = \sum_{t=1}^{T} \delta \hat{i}^t (x^t)^T",
        lambda w, t: w.g("W_i"),
        lambda w, t: sum(w.g("i_hat", k) @ w.x(k).T for k in ALL),
    ),
    C(
        "U_f",
        r"\delta U_f = \sum_{t=1}^{T} \delta \hat{f}^t (h^{t-1})^T",
        lambda w, t: w.g("U_f"),
        lambda w, t: sum(w.g("f_hat", k) @ w.h(k - 1).T for k in ALL),
    ),
    C(
        "b_o",
        r"\delta b_o = \sum_{t=1}^{T} \delta \hat{o}^t",
        lambda w, t: w.g("b_o"),
        lambda w, t: sum(w.g("o_hat", k) for k in ALL),
    ),
    "Why gradients survive: along the cell,",
    C(
        "cell",
        r"\frac{\partial c^t}{\partial c^{t-1}} = \mathrm{diag}(f^t)",
        lambda w, t: w.J("c", t, "c", t - 1),
        lambda w, t: diag(w.f(t)),
        at=range(2, T + 1),
        reading="direct path only",
        instead=(
            lambda w, t: w.J("c", t, "c", t - 1, held=("h",)),
            lambda w, t: diag(w.f(t)),
        ),
        why="the gates of step t see c^{t-1} through h^{t-1}",
    ),
)


WRONG = (
    M(
        "o",
        "wrong derivative",
        r"\tanh(c^t)",
        r"(1 - \tanh^2(c^t))",
        lambda w, t: w.g("h", t) * (1 - tanh(w.c(t)) ** 2),
    ),
    "For $t < T$:",
    M(
        "c",
        "index shifted",
        r"f^{t+1}",
        r"f^t",
        lambda w, t: through_h(w, t) + w.g("c", t + 1) * w.f(t),
    ),
    M(
        "c",
        "term dropped",
        r" + \delta c^{t+1} \odot f^{t+1}",
        "",
        through_h,
    ),
    M(
        "c",
        "wrong derivative",
        r"(1 - \tanh^2(c^t))",
        r"(1 - (c^t)^2)",
        lambda w, t: w.g("h", t) * w.o(t) * (1 - w.c(t) ** 2) + w.g("c", t + 1) * w.f(t + 1),
    ),
    M(
        "c",
        "sign flipped",
        r" + \delta c^{t+1}",
        r" - \delta c^{t+1}",
        lambda w, t: through_h(w, t) - w.g("c", t + 1) * w.f(t + 1),
    ),
    M(
        "f",
        "index shifted",
        r"c^{t-1}",
        r"c^t",
        lambda w, t: w.g("c", t) * w.c(t),
    ),
    M(
        "i-hat",
        "wrong derivative",
        r"i^t \odot (1 - i^t)",
        r"(1 - (i^t)^2)",
        lambda w, t: w.g("i", t) * (1 - w.i(t) ** 2),
    ),
    M(
        "a-hat",
        "term dropped",
        r" \odot i^t",
        "",
        lambda w, t: w.g("c", t) * (1 - w.a(t) * w.a(t)),
    ),
    M(
        "f-hat",
        "sign flipped",
        r"(1 - f^t)",
        r"(1 + f^t)",
        lambda w, t: w.g("c", t) * w.c(t - 1) * w.f(t) * (1 + w.f(t)),
    ),
    "For $t < T$:",
    M(
        "h",
        "transpose dropped",
        r"U_f^T",
        r"U_f",
        lambda w, t: w.V.T @ error(w, t) + ahead(w, t, "aio") + w.U_f @ w.g("f_hat", t + 1),
    ),
    M(
        "h",
        "term dropped",
        r" + U_o^T \delta \hat{o}^{t+1}",
        "",
        lambda w, t: w.V.T @ error(w, t) + ahead(w, t, "aif"),
    ),
    M(
        "h",
        "index shifted",
        r"\delta \hat{i}^{t+1}",
        r"\delta \hat{i}^t",
        lambda w, t: w.V.T @ error(w, t) + ahead(w, t, "afo") + w.U_i.T @ w.g("i_hat", t),
    ),
    M(
        "x",
        "transpose dropped",
        r"W_a^T",
        r"W_a",
        lambda w, t: (
            w.W_a @ w.g("a_hat", t) + sum(w.v(f"W_{g}").T @ w.g(f"{g}_hat", t) for g in "ifo")
        ),
    ),
    "And the parameters:",
    M(
        "U_f",
        "index shifted",
        r"h^{t-1}",
        r"h^t",
        lambda w, t: sum(w.g("f_hat", k) @ w.h(k).T for k in ALL),
    ),
    M(
        "W_i",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=1}^{T-1}",
        lambda w, t: sum(w.g("i_hat", k) @ w.x(k).T for k in BEFORE),
    ),
    M(
        "b_o",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=2}^{T}",
        lambda w, t: sum(w.g("o_hat", k) for k in range(2, T + 1)),
    ),
)

SOURCE = Source(
    name="hats-lstm",
    notation="hats",
    model="lstm",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={
        **{f"W_{g}": (3, 2) for g in GATES},
        **{f"U_{g}": (3, 3) for g in GATES},
        **{f"b_{g}": (3, 1) for g in GATES},
        "V": (5, 3),
    },
    inputs={
        "x": ((2, 1), ALL, ""),
        "d": ((5, 1), ALL, ""),
        "h": ((3, 1), (0,), ""),
        "c": ((3, 1), (0,), ""),
    },
    title="# LSTM, forward and backward pass",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## Typing errors to find",
)
