r"""Elman network with ``s_t``, ``U``, ``V``, ``W`` and losses ``E_t`` of single steps."""

import numpy as np
from book import C, Definition, M, Source
from world import T, chain, cross_entropy, diag, outer, softmax

ALL = range(1, T + 1)
ROW = "every factor a Jacobian in numerator layout, the gradient a row"


def forward(p, v, T):
    for t in range(1, T + 1):
        v["z", t] = p("U", t) @ v["x", t] + p("W", t) @ v["s", t - 1]
        v["s", t] = np.tanh(v["z", t])
        v["y", t] = softmax(p("V", t) @ v["s", t])
        v["E_t", t] = cross_entropy(v["y", t], v["d", t])
    v["L", 0] = sum(v["E_t", t] for t in range(1, T + 1))


def g3(w, name, t=None):
    """``∂E_3/∂name_t``."""
    return w.g(name, t, "E_t", 3)


def ahead(w, k):
    """``∂ŷ_3/∂s_3`` and the Jacobians down to ``s_k``, the newest first."""
    return w.J("y", 3, "s", 3), *(w.J("s", j, "s", j - 1) for j in range(3, k, -1))


def slope(w, t):
    return 1 - w.s(t) ** 2


def error(w, t):
    return w.y(t) - w.d(t)


SETTING = (
    "The basic equations of our network, starting from a learned state $s_0$, are",
    Definition(r"z_t = U x_t + W s_{t-1}"),
    Definition(r"s_t = \tanh(z_t)"),
    Definition(r"\hat{y}_t = \mathrm{softmax}(V s_t)"),
    "We use the cross-entropy loss with one-hot words $y_t$:",
    Definition(r"E_t = -y_t^\top \log \hat{y}_t"),
    Definition(r"E = \sum_{t=1}^{T} E_t"),
)

RIGHT = (
    "## BPTT",
    "Just like we sum up the errors, we sum up the gradients at each time step:",
    C(
        "sum",
        r"\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \frac{\partial E_t}{\partial W}",
        lambda w, t: w.g("W"),
        lambda w, t: sum(w.g("W", None, "E_t", k) for k in ALL),
    ),
    "We'll use $E_3$ as an example. First for $V$:",
    C(
        "V-chain",
        r"\frac{\partial E_3}{\partial V}"
        r" = \frac{\partial E_3}{\partial \hat{y}_3} \frac{\partial \hat{y}_3}{\partial V}",
        lambda w, t: g3(w, "V"),
        lambda w, t: chain(g3(w, "y", 3), w.J("y", 3, "V")),
        why=ROW,
    ),
    C(
        "V",
        r"\frac{\partial E_3}{\partial V} = (\hat{y}_3 - y_3) \otimes s_3",
        lambda w, t: g3(w, "V"),
        lambda w, t: outer(error(w, 3), w.s(3)),
    ),
    "For $W$ the chain rule gives",
    C(
        "W-chain",
        r"\frac{\partial E_3}{\partial W} = \frac{\partial E_3}{\partial \hat{y}_3}"
        r" \frac{\partial \hat{y}_3}{\partial s_3} \frac{\partial s_3}{\partial W}",
        lambda w, t: g3(w, "W"),
        lambda w, t: chain(g3(w, "y", 3), *ahead(w, 3), w.J("s", 3, "W")),
        why=ROW + "; the last factor total",
    ),
    "But $s_3$ depends on $s_2$, which depends on $W$ and $s_1$, and so on:",
    C(
        "W-sum",
        r"\frac{\partial E_3}{\partial W} = \sum_{k=0}^{3}"
        r" \frac{\partial E_3}{\partial \hat{y}_3} \frac{\partial \hat{y}_3}{\partial s_3}"
        r" \frac{\partial s_3}{\partial s_k} \frac{\partial s_k}{\partial W}",
        lambda w, t: g3(w, "W"),
        lambda w, t: sum(
            chain(g3(w, "y", 3), w.J("y", 3, "s", 3), w.J("s", 3, "s", k), w.J("s", k, "W"))
            for k in range(4)
        ),
        reading="immediate partial",
        under={"partial": "immediate"},
        why="the term of k=0 is zero",
    ),
    "Note that $\\frac{\\partial s_3}{\\partial s_k}$ is a chain rule in itself:",
    C(
        "two-steps",
        r"\frac{\partial s_3}{\partial s_1}"
        r" = \frac{\partial s_3}{\partial s_2} \frac{\partial s_2}{\partial s_1}",
        lambda w, t: w.J("s", 3, "s", 1),
        lambda w, t: w.J("s", 3, "s", 2) @ w.J("s", 2, "s", 1),
    ),
    C(
        "W-product",
        r"\frac{\partial E_3}{\partial W} = \sum_{k=1}^{3}"
        r" \frac{\partial E_3}{\partial \hat{y}_3} \frac{\partial \hat{y}_3}{\partial s_3}"
        r" \left( \prod_{j=k+1}^{3} \frac{\partial s_j}{\partial s_{j-1}} \right)"
        r" \frac{\partial s_k}{\partial W}",
        lambda w, t: g3(w, "W"),
        lambda w, t: sum(chain(g3(w, "y", 3), *ahead(w, k), w.J("s", k, "W")) for k in range(1, 4)),
        reading="immediate partial; product in descending order of the index",
        under={"partial": "immediate"},
    ),
    "with the Jacobian",
    C(
        "jacobian",
        r"\frac{\partial s_j}{\partial s_{j-1}} = \mathrm{diag}(1 - s_j^2) W",
        lambda w, t: w.J("s", t, "s", t - 1),
        lambda w, t: diag(slope(w, t)) @ w.W,
        at=ALL,
    ),
    "Here is what the code computes:",
    C(
        "state",
        r"\frac{\partial E_3}{\partial s_3} = V^T (\hat{y}_3 - y_3)",
        lambda w, t: g3(w, "s", 3),
        lambda w, t: w.V.T @ error(w, 3),
    ),
    C(
        "error",
        r"\frac{\partial E_3}{\partial z_2}"
        r" = \left( W^T \frac{\partial E_3}{\partial z_3} \right) \odot (1 - s_2^2)",
        lambda w, t: g3(w, "z", 2),
        lambda w, t: (w.W.T @ g3(w, "z", 3)) * slope(w, 2),
    ),
    C(
        "W",
        r"\frac{\partial E_3}{\partial W}"
        r" = \sum_{k=1}^{3} \frac{\partial E_3}{\partial z_k} s_{k-1}^T",
        lambda w, t: g3(w, "W"),
        lambda w, t: sum(g3(w, "z", k) @ w.s(k - 1).T for k in range(1, 4)),
    ),
    C(
        "U",
        r"\frac{\partial E_3}{\partial U}"
        r" = \sum_{k=1}^{3} \frac{\partial E_3}{\partial z_k} x_k^T",
        lambda w, t: g3(w, "U"),
        lambda w, t: sum(g3(w, "z", k) @ w.x(k).T for k in range(1, 4)),
    ),
    "Later states can't matter to an earlier error:",
    C(
        "causal",
        r"\frac{\partial E_2}{\partial s_3} = 0",
        lambda w, t: w.g("s", 3, "E_t", 2),
        lambda w, t: 0 * w.s(3),
        why="E_2 doesn't depend on s_3",
    ),
)

WRONG = (
    M(
        "jacobian",
        "transpose added",
        r"W",
        r"W^T",
        lambda w, t: diag(slope(w, t)) @ w.W.T,
    ),
    M(
        "jacobian",
        "factors swapped",
        r"\mathrm{diag}(1 - s_j^2) W",
        r"W \mathrm{diag}(1 - s_j^2)",
        lambda w, t: w.W @ diag(slope(w, t)),
    ),
    M(
        "jacobian",
        "index shifted",
        r"s_j^2",
        r"s_{j-1}^2",
        lambda w, t: diag(slope(w, t - 1)) @ w.W,
    ),
    M(
        "two-steps",
        "index shifted",
        r"\frac{\partial s_2}{\partial s_1}",
        r"\frac{\partial s_2}{\partial s_0}",
        lambda w, t: w.J("s", 3, "s", 2) @ w.J("s", 2, "s", 0),
    ),
    M(
        "W-chain",
        "index shifted",
        r"\frac{\partial s_3}{\partial W}",
        r"\frac{\partial s_2}{\partial W}",
        lambda w, t: chain(g3(w, "y", 3), *ahead(w, 3), w.J("s", 2, "W")),
    ),
    M(
        "W-sum",
        "wrong range",
        r"\sum_{k=0}^{3}",
        r"\sum_{k=0}^{2}",
        lambda w, t: sum(
            chain(g3(w, "y", 3), w.J("y", 3, "s", 3), w.J("s", 3, "s", k), w.J("s", k, "W"))
            for k in range(3)
        ),
    ),
    M(
        "error",
        "transpose dropped",
        r"W^T",
        r"W",
        lambda w, t: (w.W @ g3(w, "z", 3)) * slope(w, 2),
    ),
    M(
        "error",
        "index shifted",
        r"s_2^2",
        r"s_3^2",
        lambda w, t: (w.W.T @ g3(w, "z", 3)) * slope(w, 3),
    ),
    M(
        "error",
        "term dropped",
        r" \odot (1 - s_2^2)",
        "",
        lambda w, t: w.W.T @ g3(w, "z", 3),
    ),
    M(
        "state",
        "sign flipped",
        r"\hat{y}_3 - y_3",
        r"y_3 - \hat{y}_3",
        lambda w, t: w.V.T @ (w.d(3) - w.y(3)),
    ),
    M(
        "state",
        "transpose dropped",
        r"V^T",
        r"V",
        lambda w, t: w.V @ error(w, 3),
    ),
    M(
        "V",
        "index shifted",
        r"\otimes s_3",
        r"\otimes s_2",
        lambda w, t: outer(error(w, 3), w.s(2)),
    ),
    M(
        "W",
        "index shifted",
        r"s_{k-1}^T",
        r"s_k^T",
        lambda w, t: sum(g3(w, "z", k) @ w.s(k).T for k in range(1, 4)),
    ),
    M(
        "W",
        "wrong range",
        r"\sum_{k=1}^{3}",
        r"\sum_{k=2}^{3}",
        lambda w, t: sum(g3(w, "z", k) @ w.s(k - 1).T for k in range(2, 4)),
        why="s_0 is learned, not zero",
    ),
)

SOURCE = Source(
    name="wildml-elman",
    notation="wildml",
    model="elman",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={"W": (3, 3), "U": (3, 2), "V": (5, 3)},
    inputs={
        "x": ((2, 1), ALL, ""),
        "d": ((5, 1), ALL, "distribution"),
        "s": ((3, 1), (0,), ""),
    },
    title="# Backpropagation through time and vanishing gradients",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## Comments below the post\n\nSome readers wrote, for steps $j = 1, \\dots, T$"
    " and the third error:",
)
