r"""Losses of single steps, windows ``\sum_{k=t-K+1}^{t}``, written-out steps and elements."""

from functools import reduce
from operator import matmul

import numpy as np
from book import C, Definition, M, Source
from world import Matrix, T, chain, diag, half_square, outer

ALL = range(1, T + 1)
K = 2
#: Steps ``(t, k)`` with ``k < t``.
EARLIER = [(t, k) for t in ALL for k in range(1, t)]


def forward(p, v, T):
    for t in range(1, T + 1):
        v["z", t] = p("W", t) @ v["h", t - 1] + p("U", t) @ v["x", t] + p("b", t)
        v["h", t] = np.tanh(v["z", t])
        v["y", t] = p("V", t) @ v["h", t]
        v["L_t", t] = half_square(v["y", t] - v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def g(w, t, name, k=None):
    """``∂L_t/∂name_k``."""
    return w.g(name, k, "L_t", t)


def part(w, t, k):
    """What step ``k`` contributes to ``∂L_t/∂W``."""
    return g(w, t, "z", k) @ w.h(k - 1).T


def plain(w, t, name):
    """``∂L_t/∂W_{ij}`` at row ``i`` and column ``j``, whatever the layout."""
    return Matrix(w.derivative("L_t", t, name)[0, 0])


def slope(w, t):
    return 1 - w.h(t) ** 2


def error(w, t):
    return w.y(t) - w.d(t)


def back(w, A):
    """``∂L_3/∂z_1`` with ``A`` for ``Wᵀ``."""
    D = [diag(slope(w, k)) for k in (1, 2, 3)]
    return reduce(matmul, (D[0], A, D[1], A, D[2], w.V.T, error(w, 3)))


def gW(w, t):
    return g(w, t, "W")


L_W = r"\frac{\partial L_t}{\partial W}"
PART = r"\frac{\partial L_t}{\partial z_k} h_{k-1}^\top"

SETTING = (
    "With some initial state $h_0$, for $t = 1, \\dots, T$:",
    Definition(r"z_t = W h_{t-1} + U x_t + b"),
    Definition(r"h_t = \tanh(z_t)"),
    Definition(r"y_t = V h_t"),
    Definition(r"L_t = \frac{1}{2} (y_t - d_t)^\top (y_t - d_t)"),
    Definition(r"L = \sum_{t=1}^{T} L_t"),
)

RIGHT = (
    "## The loss of one step",
    C(
        "now",
        r"\frac{\partial L_t}{\partial z_t} = \left( V^\top (y_t - d_t) \right)"
        r" \odot (1 - h_t^2)",
        lambda w, t: g(w, t, "z", t),
        lambda w, t: (w.V.T @ error(w, t)) * slope(w, t),
        at=ALL,
    ),
    "Earlier steps, $k < t$, get theirs from the step after:",
    C(
        "earlier",
        r"\frac{\partial L_t}{\partial z_k}"
        r" = \left( W^\top \frac{\partial L_t}{\partial z_{k+1}} \right) \odot (1 - h_k^2)",
        lambda w, s: g(w, s[0], "z", s[1]),
        lambda w, s: (w.W.T @ g(w, s[0], "z", s[1] + 1)) * slope(w, s[1]),
        at=EARLIER,
    ),
    "in elements, again for $k < t$,",
    C(
        "earlier-elements",
        r"\left( \frac{\partial L_t}{\partial h_k} \right)_j"
        r" = \sum_{i} W_{ij} \left( \frac{\partial L_t}{\partial z_{k+1}} \right)_i",
        lambda w, s: g(w, s[0], "h", s[1]),
        lambda w, s: w.W.T @ g(w, s[0], "z", s[1] + 1),
        at=EARLIER,
        why="the sum over i is a product by the transpose",
    ),
    "and later ones nothing:",
    C(
        "later",
        r"\frac{\partial L_t}{\partial h_{t+1}} = 0",
        lambda w, t: g(w, t, "h", t + 1),
        lambda w, t: 0 * w.h(t + 1),
        at=range(1, T),
        why="L_t doesn't depend on later states",
    ),
    "So each loss has",
    C(
        "one",
        rf"{L_W} = \sum_{{k=1}}^{{t}} {PART}",
        gW,
        lambda w, t: sum(part(w, t, k) for k in range(1, t + 1)),
        at=ALL,
    ),
    C(
        "elements",
        r"\frac{\partial L_t}{\partial W_{ij}} = \sum_{k=1}^{t}"
        r" \left( \frac{\partial L_t}{\partial z_k} \right)_i (h_{k-1})_j",
        lambda w, t: plain(w, t, "W"),
        lambda w, t: sum(outer(g(w, t, "z", k), w.h(k - 1)) for k in range(1, t + 1)),
        at=ALL,
    ),
    C(
        "chain",
        rf"{L_W} = \sum_{{k=1}}^{{t}}"
        r" \frac{\partial L_t}{\partial h_k} \frac{\partial h_k}{\partial W}",
        gW,
        lambda w, t: sum(chain(g(w, t, "h", k), w.J("h", k, "W")) for k in range(1, t + 1)),
        at=ALL,
        reading="immediate partial",
        under={"partial": "immediate"},
    ),
    C(
        "from-0",
        rf"{L_W} = \sum_{{k=0}}^{{t}} \frac{{\partial L_t}}{{\partial h_t}}"
        r" \frac{\partial h_t}{\partial h_k} \frac{\partial h_k}{\partial W}",
        gW,
        lambda w, t: sum(
            chain(g(w, t, "h", t), w.J("h", t, "h", k), w.J("h", k, "W")) for k in range(t + 1)
        ),
        at=ALL,
        reading="immediate partial",
        under={"partial": "immediate"},
        why="the term of k=0 is zero",
    ),
    "## Three steps written out",
    C(
        "one-step",
        r"\frac{\partial L_1}{\partial W} = \frac{\partial L_1}{\partial z_1} h_0^\top",
        lambda w, t: gW(w, 1),
        lambda w, t: part(w, 1, 1),
    ),
    C(
        "two-steps",
        r"\frac{\partial L_2}{\partial W} = \frac{\partial L_2}{\partial z_2} h_1^\top"
        r" + \frac{\partial L_2}{\partial z_1} h_0^\top",
        lambda w, t: gW(w, 2),
        lambda w, t: part(w, 2, 2) + part(w, 2, 1),
    ),
    C(
        "three-steps",
        r"\frac{\partial L_3}{\partial W} = \frac{\partial L_3}{\partial z_3} h_2^\top"
        r" + \frac{\partial L_3}{\partial z_2} h_1^\top"
        r" + \frac{\partial L_3}{\partial z_1} h_0^\top",
        lambda w, t: gW(w, 3),
        lambda w, t: part(w, 3, 3) + part(w, 3, 2) + part(w, 3, 1),
    ),
    C(
        "three-back",
        r"\frac{\partial L_3}{\partial z_1} = \mathrm{diag}(1 - h_1^2) W^\top"
        r" \mathrm{diag}(1 - h_2^2) W^\top \mathrm{diag}(1 - h_3^2) V^\top (y_3 - d_3)",
        lambda w, t: g(w, 3, "z", 1),
        lambda w, t: back(w, w.W.T),
    ),
    "Two steps of the state, for $t \\ge 2$, multiply to",
    C(
        "jacobians",
        r"\frac{\partial h_t}{\partial h_{t-2}} = \mathrm{diag}(1 - h_t^2) W"
        r" \mathrm{diag}(1 - h_{t-1}^2) W",
        lambda w, t: w.J("h", t, "h", t - 2),
        lambda w, t: diag(slope(w, t)) @ w.W @ diag(slope(w, t - 1)) @ w.W,
        at=range(2, T + 1),
    ),
    "## All losses",
    C(
        "all",
        r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \sum_{k=1}^{t}"
        rf" {PART}",
        lambda w, t: w.g("W"),
        lambda w, t: sum(part(w, s, k) for s in ALL for k in range(1, s + 1)),
    ),
    "Summed the other way round it's the same,",
    C(
        "all-swapped",
        r"\frac{\partial L}{\partial W} = \sum_{k=1}^{T} \sum_{t=k}^{T}"
        rf" {PART}",
        lambda w, t: w.g("W"),
        lambda w, t: sum(part(w, s, k) for k in ALL for s in range(k, T + 1)),
    ),
    "and so it is with all pairs of steps:",
    C(
        "all-pairs",
        r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \sum_{k=1}^{T}"
        rf" {PART}",
        lambda w, t: w.g("W"),
        lambda w, t: sum(part(w, s, k) for s in ALL for k in ALL),
        why="the terms with k > t are zero",
    ),
    "## Truncation",
    "For a window of $K \\le t$ steps the sum falls into two parts:",
    C(
        "split",
        rf"{L_W} = \sum_{{k=1}}^{{t-K}} {PART} + \sum_{{k=t-K+1}}^{{t}} {PART}",
        gW,
        lambda w, t: (
            sum(part(w, t, k) for k in range(1, t - K + 1))
            + sum(part(w, t, k) for k in range(t - K + 1, t + 1))
        ),
        at=range(K, T + 1),
        why="K=2; the first sum is empty at t=K",
    ),
    "Truncated BPTT keeps the second only:",
    C(
        "truncated",
        rf"{L_W} \approx \sum_{{k=t-K+1}}^{{t}} {PART}",
        gW,
        lambda w, t: sum(part(w, t, k) for k in range(t - K + 1, t + 1)),
        at=range(K, T + 1),
        reading="truncated to the last K steps",
        instead=(
            lambda w, t: sum(
                Matrix(w.derivative("L_t", t, "W", k)[0, 0]) for k in range(t - K + 1, t + 1)
            ),
            lambda w, t: sum(part(w, t, k) for k in range(t - K + 1, t + 1)),
        ),
        why="K=2; the uses of W in steps t-K+1 to t",
    ),
)


WRONG = (
    M(
        "now",
        "transpose dropped",
        r"V^\top",
        r"V",
        lambda w, t: (w.V @ error(w, t)) * slope(w, t),
    ),
    M(
        "now",
        "wrong derivative",
        r"(1 - h_t^2)",
        r"(1 - z_t^2)",
        lambda w, t: (w.V.T @ error(w, t)) * (1 - w.z(t) ** 2),
    ),
    "For $k < t$:",
    M(
        "earlier",
        "transpose dropped",
        r"W^\top",
        r"W",
        lambda w, s: (w.W @ g(w, s[0], "z", s[1] + 1)) * slope(w, s[1]),
    ),
    M(
        "earlier",
        "index shifted",
        r"h_k^2",
        r"h_{k+1}^2",
        lambda w, s: (w.W.T @ g(w, s[0], "z", s[1] + 1)) * slope(w, s[1] + 1),
    ),
    M(
        "earlier",
        "term dropped",
        r" \odot (1 - h_k^2)",
        "",
        lambda w, s: w.W.T @ g(w, s[0], "z", s[1] + 1),
    ),
    M(
        "earlier-elements",
        "transpose dropped",
        r"W_{ij}",
        r"W_{ji}",
        lambda w, s: w.W @ g(w, s[0], "z", s[1] + 1),
    ),
    "The weights:",
    M(
        "one",
        "wrong range",
        r"\sum_{k=1}^{t}",
        r"\sum_{k=1}^{t-1}",
        lambda w, t: sum(part(w, t, k) for k in range(1, t)),
        at=range(2, T + 1),
        why="the newest step is missing, which no truncation leaves out",
    ),
    M(
        "one",
        "index shifted",
        r"h_{k-1}^\top",
        r"h_k^\top",
        lambda w, t: sum(g(w, t, "z", k) @ w.h(k).T for k in range(1, t + 1)),
    ),
    M(
        "elements",
        "factors swapped",
        r"\right)_i (h_{k-1})_j",
        r"\right)_j (h_{k-1})_i",
        lambda w, t: sum(outer(w.h(k - 1), g(w, t, "z", k)) for k in range(1, t + 1)),
        why="with W_{ij} on the left no layout makes up for it",
    ),
    M(
        "elements",
        "index shifted",
        r"(h_{k-1})_j",
        r"(h_k)_j",
        lambda w, t: sum(outer(g(w, t, "z", k), w.h(k)) for k in range(1, t + 1)),
    ),
    "Written out:",
    M(
        "two-steps",
        "sign flipped",
        r" + ",
        r" - ",
        lambda w, t: part(w, 2, 2) - part(w, 2, 1),
    ),
    M(
        "three-steps",
        "term dropped",
        r" + \frac{\partial L_3}{\partial z_2} h_1^\top",
        "",
        lambda w, t: part(w, 3, 3) + part(w, 3, 1),
        why="the step in the middle, which no truncation leaves out",
    ),
    M(
        "three-steps",
        "index shifted",
        r"\frac{\partial L_3}{\partial z_2} h_1^\top",
        r"\frac{\partial L_3}{\partial z_2} h_2^\top",
        lambda w, t: part(w, 3, 3) + g(w, 3, "z", 2) @ w.h(2).T + part(w, 3, 1),
    ),
    M(
        "three-back",
        "transpose dropped",
        r"V^\top",
        r"V",
        lambda w, t: diag(slope(w, 3)) @ w.V @ error(w, 3),
    ),
    M(
        "three-back",
        "factors swapped",
        r"W^\top \mathrm{diag}(1 - h_3^2)",
        r"\mathrm{diag}(1 - h_3^2) W^\top",
        lambda w, t: (
            diag(slope(w, 1))
            @ w.W.T
            @ diag(slope(w, 2))
            @ diag(slope(w, 3))
            @ w.W.T
            @ w.V.T
            @ error(w, 3)
        ),
    ),
    "For $t \\ge 2$:",
    M(
        "jacobians",
        "index shifted",
        r"h_{t-1}^2",
        r"h_{t-2}^2",
        lambda w, t: diag(slope(w, t)) @ w.W @ diag(slope(w, t - 2)) @ w.W,
    ),
    M(
        "jacobians",
        "term dropped",
        r" \mathrm{diag}(1 - h_{t-1}^2)",
        "",
        lambda w, t: diag(slope(w, t)) @ w.W @ w.W,
    ),
    "All losses together:",
    M(
        "all",
        "wrong range",
        r"\sum_{k=1}^{t}",
        r"\sum_{k=1}^{t-1}",
        lambda w, t: sum(part(w, s, k) for s in ALL for k in range(1, s)),
    ),
    M(
        "all-swapped",
        "wrong range",
        r"\sum_{t=k}^{T}",
        r"\sum_{t=k+1}^{T}",
        lambda w, t: sum(part(w, s, k) for k in ALL for s in range(k + 1, T + 1)),
    ),
)

SOURCE = Source(
    name="truncated-elman",
    notation="truncated",
    model="truncated",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={"W": (3, 3), "U": (3, 2), "V": (5, 3), "b": (3, 1)},
    inputs={"x": ((2, 1), ALL, ""), "d": ((5, 1), ALL, ""), "h": ((3, 1), (0,), "")},
    title="# Truncated backpropagation through time",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## Slips\n\nFor all $t$:",
)
