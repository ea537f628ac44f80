"""Elman network of two steps in plain ASCII, ``dL/dWhh`` and ``h1``, every step written out."""

import numpy as np
from book import C, Definition, M, Source
from world import chain, diag, half_square, tanh


def forward(p, v, T):
    for t in (1, 2):
        v["h", t] = np.tanh(p("Wxh", t) @ v["x", t] + p("Whh", t) @ v["h", t - 1] + p("bh", t))
    v["y", 0] = p("Why", 2) @ v["h", 2] + p("by", 2)
    v["L", 0] = half_square(v["y", 0] - v["d", 0])


def error(w):
    return w.y(0) - w.d(0)


def gh(w, t):
    return w.g("h", t)


def dz(w, t):
    return gh(w, t) * (1 - w.h(t) ** 2)


SETTING = (
    "A network with two time steps, written out. All vectors are columns;"
    " h0 is what the previous sequence left, not zero.",
    Definition("h1 = tanh(Wxh x1 + Whh h0 + bh)"),
    Definition("h2 = tanh(Wxh x2 + Whh h1 + bh)"),
    Definition("y = Why h2 + by"),
    Definition("L = 1/2 (y - d)^T (y - d)"),
)

RIGHT = (
    "Start at the loss and go back to the second step:",
    C("output", "dL/dy = y - d", lambda w, t: w.g("y", 0), lambda w, t: error(w)),
    C("h2", "dL/dh2 = Why^T (y - d)", lambda w, t: gh(w, 2), lambda w, t: w.Why.T @ error(w)),
    C(
        "h2-jacobian",
        "dL/dh2 = (dy/dh2)^T dL/dy",
        lambda w, t: gh(w, 2),
        lambda w, t: w.J("y", 0, "h", 2).T @ w.g("y", 0),
    ),
    "From there to the first:",
    C(
        "jacobian",
        "dh2/dh1 = diag(1 - h2^2) Whh",
        lambda w, t: w.J("h", 2, "h", 1),
        lambda w, t: diag(1 - w.h(2) ** 2) @ w.Whh,
    ),
    C(
        "h1-diag",
        "dL/dh1 = Whh^T diag(1 - h2^2) dL/dh2",
        lambda w, t: gh(w, 1),
        lambda w, t: w.Whh.T @ diag(1 - w.h(2) ** 2) @ gh(w, 2),
    ),
    C(
        "h1",
        "dL/dh1 = Whh^T ((1 - h2^2) * dL/dh2)",
        lambda w, t: gh(w, 1),
        lambda w, t: w.Whh.T @ ((1 - w.h(2) ** 2) % gh(w, 2)),
        reading="elementwise product",
        under={"product": "elementwise"},
    ),
    C(
        "h1-written-out",
        "dL/dh1 = Whh^T diag(1 - tanh(Wxh x2 + Whh h1 + bh)^2) Why^T (y - d)",
        lambda w, t: gh(w, 1),
        lambda w, t: (
            w.Whh.T
            @ diag(1 - tanh(w.Wxh @ w.x(2) + w.Whh @ w.h(1) + w.bh) ** 2)
            @ w.Why.T
            @ error(w)
        ),
        why="everything written out",
    ),
    C(
        "h0",
        "dL/dh0 = Whh^T diag(1 - h1^2) Whh^T diag(1 - h2^2) Why^T (y - d)",
        lambda w, t: gh(w, 0),
        lambda w, t: (
            w.Whh.T @ diag(1 - w.h(1) ** 2) @ w.Whh.T @ diag(1 - w.h(2) ** 2) @ w.Why.T @ error(w)
        ),
    ),
    "The weights are used twice, so there are two terms:",
    C(
        "Why",
        "dL/dWhy = (y - d) h2^T",
        lambda w, t: w.g("Why"),
        lambda w, t: error(w) @ w.h(2).T,
    ),
    C(
        "Whh",
        "dL/dWhh = diag(1 - h2^2) dL/dh2 h1^T + diag(1 - h1^2) dL/dh1 h0^T",
        lambda w, t: w.g("Whh"),
        lambda w, t: dz(w, 2) @ w.h(1).T + dz(w, 1) @ w.h(0).T,
    ),
    C(
        "Whh-sum",
        "dL/dWhh = sum t from 1 to 2 diag(1 - h_t^2) dL/dh_t h_{t-1}^T",
        lambda w, t: w.g("Whh"),
        lambda w, t: sum(dz(w, k) @ w.h(k - 1).T for k in (1, 2)),
    ),
    C(
        "Wxh",
        "dL/dWxh = diag(1 - h2^2) dL/dh2 x2^T + diag(1 - h1^2) dL/dh1 x1^T",
        lambda w, t: w.g("Wxh"),
        lambda w, t: dz(w, 2) @ w.x(2).T + dz(w, 1) @ w.x(1).T,
    ),
    C(
        "bh",
        "dL/dbh = diag(1 - h1^2) dL/dh1 + diag(1 - h2^2) dL/dh2",
        lambda w, t: w.g("bh"),
        lambda w, t: dz(w, 1) + dz(w, 2),
    ),
    C("by", "dL/dby = y - d", lambda w, t: w.g("by"), lambda w, t: error(w)),
    "As a chain of derivatives:",
    C(
        "Whh-chain",
        "dL/dWhh = dL/dh2 dh2/dWhh + dL/dh1 dh1/dWhh",
        lambda w, t: w.g("Whh"),
        lambda w, t: sum(chain(gh(w, k), w.J("h", k, "Whh")) for k in (1, 2)),
        reading="immediate partial",
        under={"partial": "immediate"},
    ),
)

WRONG = (
    M("output", "sign flipped", "y - d", "d - y", lambda w, t: w.d(0) - w.y(0)),
    M("h2", "transpose dropped", "Why^T", "Why", lambda w, t: w.Why @ error(w)),
    M(
        "h2",
        "factors swapped",
        "Why^T (y - d)",
        "(y - d) Why^T",
        lambda w, t: error(w) @ w.Why.T,
    ),
    M(
        "jacobian",
        "index shifted",
        "1 - h2^2",
        "1 - h1^2",
        lambda w, t: diag(1 - w.h(1) ** 2) @ w.Whh,
    ),
    M(
        "jacobian",
        "wrong derivative",
        "1 - h2^2",
        "1 + h2^2",
        lambda w, t: diag(1 + w.h(2) ** 2) @ w.Whh,
    ),
    M(
        "h1-diag",
        "transpose dropped",
        "Whh^T",
        "Whh",
        lambda w, t: w.Whh @ dz(w, 2),
    ),
    M(
        "h1-diag",
        "term dropped",
        "diag(1 - h2^2) ",
        "",
        lambda w, t: w.Whh.T @ gh(w, 2),
        why="the derivative of tanh is missing",
    ),
    M(
        "h1-diag",
        "factors swapped",
        "Whh^T diag(1 - h2^2)",
        "diag(1 - h2^2) Whh^T",
        lambda w, t: diag(1 - w.h(2) ** 2) @ w.Whh.T @ gh(w, 2),
    ),
    M("Why", "index shifted", "h2^T", "h1^T", lambda w, t: error(w) @ w.h(1).T),
    M(
        "Whh",
        "term dropped",
        " + diag(1 - h1^2) dL/dh1 h0^T",
        "",
        lambda w, t: dz(w, 2) @ w.h(1).T,
        why="h0 is not zero",
    ),
    M(
        "Whh",
        "index shifted",
        "h0^T",
        "h1^T",
        lambda w, t: (dz(w, 2) + dz(w, 1)) @ w.h(1).T,
    ),
    M(
        "Whh-sum",
        "index shifted",
        "h_{t-1}^T",
        "h_t^T",
        lambda w, t: sum(dz(w, k) @ w.h(k).T for k in (1, 2)),
    ),
    M(
        "Whh-sum",
        "wrong range",
        "from 1 to 2",
        "from 2 to 2",
        lambda w, t: dz(w, 2) @ w.h(1).T,
    ),
    M(
        "Wxh",
        "index shifted",
        "x1^T",
        "x2^T",
        lambda w, t: (dz(w, 2) + dz(w, 1)) @ w.x(2).T,
    ),
    M(
        "bh",
        "sign flipped",
        " + diag",
        " - diag",
        lambda w, t: dz(w, 1) - dz(w, 2),
    ),
)

SOURCE = Source(
    name="ascii-elman",
    notation="ascii",
    model="elman",
    extension="txt",
    length=2,
    wrapper="text",
    forward=forward,
    shapes={"Whh": (3, 3), "Wxh": (3, 2), "Why": (5, 3), "bh": (3, 1), "by": (5, 1)},
    inputs={"x": ((2, 1), (1, 2), ""), "d": ((5, 1), (0,), ""), "h": ((3, 1), (0,), "")},
    title="BPTT BY HAND",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="First attempts:",
)
