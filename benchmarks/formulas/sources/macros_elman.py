r"""Sigmoid network with macros, ``align`` and a loss at the last step, in LaTeX."""

from functools import reduce
from operator import matmul

from book import C, Definition, M, Source
from world import T, chain, diag, dsig, half_square, sigmoid

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        v["a", t] = p("W", t) @ v["h", t - 1] + p("U", t) @ v["x", t] + p("b", t)
        v["h", t] = sigmoid(v["a", t])
    v["y", 0] = p("V", T) @ v["h", T]
    v["L", 0] = half_square(v["y", 0] - v["d", 0])


def gh(w, t):
    return w.g("h", t)


def ga(w, t):
    return w.g("a", t)


def slope(w, t):
    return w.h(t) * (1 - w.h(t))


def error(w, t):
    return w.y(0) - w.d(0)


def product(w, steps):
    """``Π diag(σ'(a_k)) W`` in the order of the steps."""
    return reduce(matmul, (diag(dsig(w.a(k))) @ w.W for k in steps))


TITLE = r"""\documentclass{article}
\usepackage{amsmath}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}
\newcommand{\tran}[1]{#1^{\top}}
\newcommand{\vh}{\mathbf{h}}
\newcommand{\vx}{\mathbf{x}}
\newcommand{\va}{\mathbf{a}}
\newcommand{\vb}{\mathbf{b}}
\newcommand{\vy}{\mathbf{y}}
\newcommand{\vd}{\mathbf{d}}
\newcommand{\mW}{\mathbf{W}}
\newcommand{\mU}{\mathbf{U}}
\newcommand{\mV}{\mathbf{V}}
\DeclareMathOperator{\diag}{diag}
\begin{document}
\section{Many to one}"""

SETTING = (
    "The network reads the whole sequence and answers once.",
    Definition(r"\va_t = \mW \vh_{t-1} + \mU \vx_t + \vb"),
    Definition(r"\vh_t = \sigma(\va_t)"),
    Definition(r"\vy = \mV \vh_T"),
    Definition(r"L = \frac{1}{2} \tran{(\vy - \vd)} (\vy - \vd)"),
)

RIGHT = (
    r"\section{Gradients}",
    "The answer depends on the last state alone.",
    C(
        "last",
        r"\pd{L}{\vh_T} &= \tran{\left( \pd{\vy}{\vh_T} \right)} \pd{L}{\vy} \\"
        "\n"
        r"  &= \tran{\mV} (\vy - \vd)",
        lambda w, t: gh(w, T),
        lambda w, t: w.J("y", 0, "h", T).T @ w.g("y", 0),
        lambda w, t: w.V.T @ error(w, t),
    ),
    "All earlier states act through the next one, for $t < T$:",
    C(
        "recursion",
        r"\pd{L}{\vh_t} &= \tran{\left( \pd{\vh_{t+1}}{\vh_t} \right)} \pd{L}{\vh_{t+1}} \\"
        "\n"
        r"  &= \tran{\mW} \diag\left( \sigma'(\va_{t+1}) \right) \pd{L}{\vh_{t+1}} \\"
        "\n"
        r"  &= \tran{\mW} \left( \pd{L}{\vh_{t+1}} \odot \vh_{t+1} \odot (1 - \vh_{t+1})"
        r" \right)",
        gh,
        lambda w, t: w.J("h", t + 1, "h", t).T @ gh(w, t + 1),
        lambda w, t: w.W.T @ diag(dsig(w.a(t + 1))) @ gh(w, t + 1),
        lambda w, t: w.W.T @ (gh(w, t + 1) * slope(w, t + 1)),
        at=BEFORE,
    ),
    "By the pre-activations,",
    C(
        "pre",
        r"\pd{L}{\va_t} &= \pd{L}{\vh_t} \odot \sigma'(\va_t)",
        ga,
        lambda w, t: gh(w, t) * dsig(w.a(t)),
        at=ALL,
    ),
    "and so, for $t < T$ again,",
    C(
        "pre-recursion",
        r"\pd{L}{\va_t} &= \vh_t \odot (1 - \vh_t) \odot"
        r" \left( \tran{\mW} \pd{L}{\va_{t+1}} \right)",
        ga,
        lambda w, t: w.h(t) * (1 - w.h(t)) * (w.W.T @ ga(w, t + 1)),
        at=BEFORE,
        why="the matrix product as the last Hadamard factor",
    ),
    "The Jacobian of a step is",
    C(
        "jacobian",
        r"\pd{\vh_t}{\vh_{t-1}} &= \diag\left( \vh_t \odot (1 - \vh_t) \right) \mW",
        lambda w, t: w.J("h", t, "h", t - 1),
        lambda w, t: diag(slope(w, t)) @ w.W,
        at=ALL,
    ),
    "so that over many steps, for $t < T$,",
    C(
        "many",
        r"\pd{\vh_T}{\vh_t} &= \prod_{k=t+1}^{T} \diag\left( \sigma'(\va_k) \right) \mW",
        lambda w, t: w.J("h", T, "h", t),
        lambda w, t: product(w, range(t + 1, T + 1)),
        at=BEFORE,
        reading="product in descending order of the index",
        instead=(
            lambda w, t: w.J("h", T, "h", t),
            lambda w, t: product(w, range(T, t, -1)),
        ),
    ),
    C(
        "far",
        r"\pd{L}{\vh_t} &= \tran{\left( \pd{\vh_T}{\vh_t} \right)} \pd{L}{\vh_T}",
        gh,
        lambda w, t: w.J("h", T, "h", t).T @ gh(w, T),
        at=BEFORE,
    ),
    C(
        "far-row",
        r"\tran{\left( \pd{L}{\vh_t} \right)} &= \tran{(\vy - \vd)} \mV \pd{\vh_T}{\vh_t}",
        lambda w, t: gh(w, t).T,
        lambda w, t: error(w, t).T @ w.V @ w.J("h", T, "h", t),
        at=BEFORE,
    ),
    r"\section{Parameters}",
    "Every step uses the same weights.",
    C(
        "W",
        r"\pd{L}{\mW} &= \sum_{t=1}^{T} \pd{L}{\va_t} \tran{\vh_{t-1}} \\"
        "\n"
        r"  &= \sum_{t=1}^{T} \left( \pd{L}{\vh_t} \odot \vh_t \odot (1 - \vh_t) \right)"
        r" \tran{\vh_{t-1}}",
        lambda w, t: w.g("W"),
        lambda w, t: sum(ga(w, k) @ w.h(k - 1).T for k in ALL),
        lambda w, t: sum((gh(w, k) * slope(w, k)) @ w.h(k - 1).T for k in ALL),
    ),
    C(
        "U",
        r"\pd{L}{\mU} &= \sum_{t=1}^{T} \pd{L}{\va_t} \tran{\vx_t}",
        lambda w, t: w.g("U"),
        lambda w, t: sum(ga(w, k) @ w.x(k).T for k in ALL),
    ),
    C(
        "b",
        r"\pd{L}{\vb} &= \sum_{t=1}^{T} \pd{L}{\va_t}",
        lambda w, t: w.g("b"),
        lambda w, t: sum(ga(w, k) for k in ALL),
    ),
    C(
        "V",
        r"\pd{L}{\mV} &= (\vy - \vd) \tran{\vh_T}",
        lambda w, t: w.g("V"),
        lambda w, t: error(w, t) @ w.h(T).T,
    ),
    "or with total derivatives",
    C(
        "W-total",
        r"\pd{L}{\mW} &= \pd{L}{\vh_T} \pd{\vh_T}{\mW}",
        lambda w, t: w.g("W"),
        lambda w, t: chain(gh(w, T), w.J("h", T, "W")),
        why="the gradient a row, the last factor total",
    ),
)

WRONG = (
    M(
        "last",
        "transpose dropped",
        r"\tran{\mV}",
        r"\mV",
        lambda w, t: gh(w, T),
        lambda w, t: w.J("y", 0, "h", T).T @ w.g("y", 0),
        lambda w, t: w.V @ error(w, t),
    ),
    "For $t < T$:",
    M(
        "recursion",
        "index shifted",
        r"\odot \vh_{t+1} \odot (1 - \vh_{t+1})",
        r"\odot \vh_t \odot (1 - \vh_t)",
        gh,
        lambda w, t: w.J("h", t + 1, "h", t).T @ gh(w, t + 1),
        lambda w, t: w.W.T @ diag(dsig(w.a(t + 1))) @ gh(w, t + 1),
        lambda w, t: w.W.T @ (gh(w, t + 1) * slope(w, t)),
    ),
    M(
        "pre-recursion",
        "transpose dropped",
        r"\tran{\mW}",
        r"\mW",
        lambda w, t: slope(w, t) * (w.W @ ga(w, t + 1)),
    ),
    M(
        "pre-recursion",
        "wrong derivative",
        r"\vh_t \odot (1 - \vh_t) \odot",
        r"(1 - \vh_t^2) \odot",
        lambda w, t: (1 - w.h(t) ** 2) * (w.W.T @ ga(w, t + 1)),
        why="the derivative of tanh",
    ),
    M(
        "pre",
        "index shifted",
        r"\sigma'(\va_t)",
        r"\sigma'(\va_{t-1})",
        lambda w, t: gh(w, t) * dsig(w.a(t - 1)),
        at=range(2, T + 1),
    ),
    M(
        "far",
        "index shifted",
        r"\pd{L}{\vh_T}",
        r"\pd{L}{\vh_t}",
        lambda w, t: w.J("h", T, "h", t).T @ gh(w, t),
    ),
    M(
        "far-row",
        "transpose added",
        r"\mV",
        r"\tran{\mV}",
        lambda w, t: error(w, t).T @ w.V.T @ w.J("h", T, "h", t),
    ),
    "For every $t$:",
    M(
        "jacobian",
        "term dropped",
        r" \mW",
        "",
        lambda w, t: diag(slope(w, t)),
    ),
    M(
        "jacobian",
        "transpose added",
        r" \mW",
        r" \tran{\mW}",
        lambda w, t: diag(slope(w, t)) @ w.W.T,
    ),
    "For the parameters:",
    M(
        "W",
        "index shifted",
        r"\pd{L}{\va_t} \tran{\vh_{t-1}}",
        r"\pd{L}{\va_t} \tran{\vh_t}",
        lambda w, t: w.g("W"),
        lambda w, t: sum(ga(w, k) @ w.h(k).T for k in ALL),
        lambda w, t: sum(ga(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    M(
        "U",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=2}^{T}",
        lambda w, t: sum(ga(w, k) @ w.x(k).T for k in range(2, T + 1)),
    ),
    M(
        "b",
        "sign flipped",
        r"\sum",
        r"-\sum",
        lambda w, t: -sum(ga(w, k) for k in ALL),
    ),
    M(
        "V",
        "index shifted",
        r"\tran{\vh_T}",
        r"\tran{\vh_{T-1}}",
        lambda w, t: error(w, t) @ w.h(T - 1).T,
    ),
)

SOURCE = Source(
    name="macros-elman",
    notation="macros",
    model="elman",
    extension="tex",
    wrapper="align",
    forward=forward,
    shapes={"W": (3, 3), "U": (3, 2), "V": (5, 3), "b": (3, 1)},
    inputs={"x": ((2, 1), ALL, ""), "d": ((5, 1), (0,), ""), "h": ((3, 1), (0,), "")},
    title=TITLE,
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="\\section{Drafts}\n\nThe last state:",
    foot=r"\end{document}",
)
