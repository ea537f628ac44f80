r"""GRU with ``h^{\langle t \rangle}``, ``\tilde h`` and ``\circ``."""

import numpy as np
from book import C, Definition, M, Source
from world import T, dsig, half_square, sigmoid

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        x, h = v["x", t], v["h", t - 1]
        v["a_z", t] = p("W_z", t) @ x + p("U_z", t) @ h + p("b_z", t)
        v["z", t] = sigmoid(v["a_z", t])
        v["a_r", t] = p("W_r", t) @ x + p("U_r", t) @ h + p("b_r", t)
        v["r", t] = sigmoid(v["a_r", t])
        v["a_h", t] = p("W_h", t) @ x + p("U_h", t) @ (v["r", t] * h) + p("b_h", t)
        v["k", t] = np.tanh(v["a_h", t])
        v["h", t] = (1 - v["z", t]) * h + v["z", t] * v["k", t]
        v["o", t] = p("V", t) @ v["h", t]
        v["L_t", t] = half_square(v["o", t] - v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def gh(w, t):
    return w.g("h", t)


def dz(w, t):
    return w.g("a_z", t)


def dr(w, t):
    return w.g("a_r", t)


def dh(w, t):
    return w.g("a_h", t)


def error(w, t):
    return w.o(t) - w.d(t)


def at(name, step="t"):
    return rf"{name}^{{\langle {step} \rangle}}"


def by(name, step="t"):
    return rf"\frac{{\partial L}}{{\partial {at(name, step)}}}"


SUM = r"\sum_{t=1}^{T}"
PREV = at("h", "t-1")
CAND, BY_CAND = at(r"\tilde{h}"), by(r"\tilde{h}")
DZ, DR, DH = at(r"\delta_z"), at(r"\delta_r"), at(r"\delta_h")

SETTING = (
    "The gated recurrent unit, where $\\circ$ is the elementwise product:",
    Definition(rf"{at('a_z')} = W_z {at('x')} + U_z {PREV} + b_z"),
    Definition(rf"{at('z')} = \sigma({at('a_z')})"),
    Definition(rf"{at('a_r')} = W_r {at('x')} + U_r {PREV} + b_r"),
    Definition(rf"{at('r')} = \sigma({at('a_r')})"),
    Definition(rf"{at('a_h')} = W_h {at('x')} + U_h ({at('r')} \circ {PREV}) + b_h"),
    Definition(rf"{CAND} = \tanh({at('a_h')})"),
    Definition(rf"{at('h')} = (1 - {at('z')}) \circ {PREV} + {at('z')} \circ {CAND}"),
    Definition(rf"{at('o')} = V {at('h')}"),
    Definition(
        rf"L = \sum_{{t=1}}^{{T}} \frac{{1}}{{2}} ({at('o')} - {at('d')})^\top"
        rf" ({at('o')} - {at('d')})"
    ),
    "Errors of the three pre-activations:",
    Definition(rf"{DZ} = {by('a_z')}"),
    Definition(rf"{DR} = {by('a_r')}"),
    Definition(rf"{DH} = {by('a_h')}"),
)

RIGHT = (
    "## Backward",
    "Through the last equation of the unit,",
    C(
        "candidate",
        rf"{BY_CAND} = {by('h')} \circ {at('z')}",
        lambda w, t: w.g("k", t),
        lambda w, t: gh(w, t) * w.z(t),
        at=ALL,
    ),
    C(
        "z",
        rf"{by('z')} = {by('h')} \circ ({CAND} - {PREV})",
        lambda w, t: w.g("z", t),
        lambda w, t: gh(w, t) * (w.k(t) - w.h(t - 1)),
        at=ALL,
    ),
    "then the nonlinearities,",
    C(
        "delta-z",
        rf"{DZ} = {by('h')} \circ ({CAND} - {PREV})"
        rf" \circ {at('z')} \circ (1 - {at('z')})",
        dz,
        lambda w, t: gh(w, t) * (w.k(t) - w.h(t - 1)) * w.z(t) * (1 - w.z(t)),
        at=ALL,
    ),
    C(
        "delta-h",
        rf"{DH} = (1 - {CAND} \circ {CAND}) \circ {at('z')} \circ {by('h')}",
        dh,
        lambda w, t: (1 - w.k(t) * w.k(t)) * w.z(t) * gh(w, t),
        at=ALL,
        why="the gradient as the last Hadamard factor",
    ),
    C(
        "delta-r",
        rf"{DR} = \left( U_h^\top {DH} \right) \circ {PREV}"
        rf" \circ \sigma'({at('a_r')})",
        dr,
        lambda w, t: (w.U_h.T @ dh(w, t)) * w.h(t - 1) * dsig(w.a_r(t)),
        at=ALL,
    ),
    "and the state before, which every one of them uses, for $1 < t \\le T$:",
    C(
        "state",
        rf"{by('h', 't-1')} = V^\top ({at('o', 't-1')} - {at('d', 't-1')})"
        rf" + {by('h')} \circ (1 - {at('z')}) + U_z^\top {DZ}"
        rf" + U_r^\top {DR}"
        rf" + \left( U_h^\top {DH} \right) \circ {at('r')}",
        lambda w, t: gh(w, t - 1),
        lambda w, t: (
            w.V.T @ error(w, t - 1)
            + gh(w, t) * (1 - w.z(t))
            + w.U_z.T @ dz(w, t)
            + w.U_r.T @ dr(w, t)
            + (w.U_h.T @ dh(w, t)) * w.r(t)
        ),
        at=range(2, T + 1),
    ),
    C(
        "input",
        rf"{by('x')} = W_z^\top {DZ} + W_r^\top {DR}"
        rf" + W_h^\top {DH}",
        lambda w, t: w.g("x", t),
        lambda w, t: w.W_z.T @ dz(w, t) + w.W_r.T @ dr(w, t) + w.W_h.T @ dh(w, t),
        at=ALL,
    ),
    "## Weights",
    C(
        "U_h",
        rf"\frac{{\partial L}}{{\partial U_h}} = {SUM} {DH}"
        rf" \left( {at('r')} \circ {PREV} \right)^\top",
        lambda w, t: w.g("U_h"),
        lambda w, t: sum(dh(w, k) @ (w.r(k) * w.h(k - 1)).T for k in ALL),
    ),
    C(
        "U_z",
        rf"\frac{{\partial L}}{{\partial U_z}} = {SUM} {DZ} \left( {PREV}"
        r" \right)^\top",
        lambda w, t: w.g("U_z"),
        lambda w, t: sum(dz(w, k) @ w.h(k - 1).T for k in ALL),
    ),
    C(
        "W_r",
        rf"\frac{{\partial L}}{{\partial W_r}} = {SUM} {DR}"
        rf" \left( {at('x')} \right)^\top",
        lambda w, t: w.g("W_r"),
        lambda w, t: sum(dr(w, k) @ w.x(k).T for k in ALL),
    ),
    C(
        "b_h",
        rf"\frac{{\partial L}}{{\partial b_h}} = {SUM} {DH}",
        lambda w, t: w.g("b_h"),
        lambda w, t: sum(dh(w, k) for k in ALL),
    ),
    C(
        "W_z-swapped",
        rf"\frac{{\partial L}}{{\partial W_z}} = {SUM} {at('x')}"
        rf" \left( {DZ} \right)^\top",
        lambda w, t: w.g("W_z"),
        lambda w, t: sum(w.x(k) @ dz(w, k).T for k in ALL),
        reading="numerator layout of the gradient",
        under={"gradient": "matrices transposed"},
    ),
)

WRONG = (
    M(
        "candidate",
        "wrong derivative",
        rf"\circ {at('z')}",
        rf"\circ (1 - {at('z')})",
        lambda w, t: gh(w, t) * (1 - w.z(t)),
        why="the other convention of the update gate",
    ),
    M(
        "delta-z",
        "sign flipped",
        rf"({CAND} - {PREV})",
        rf"({PREV} - {CAND})",
        lambda w, t: gh(w, t) * (w.h(t - 1) - w.k(t)) * w.z(t) * (1 - w.z(t)),
    ),
    M(
        "delta-z",
        "index shifted",
        rf"- {PREV}",
        rf"- {at('h')}",
        lambda w, t: gh(w, t) * (w.k(t) - w.h(t)) * w.z(t) * (1 - w.z(t)),
    ),
    M(
        "delta-h",
        "wrong derivative",
        rf"(1 - {CAND} \circ {CAND})",
        rf"{CAND} \circ (1 - {CAND})",
        lambda w, t: w.k(t) * (1 - w.k(t)) * w.z(t) * gh(w, t),
    ),
    M(
        "delta-h",
        "term dropped",
        rf" \circ {at('z')}",
        "",
        lambda w, t: (1 - w.k(t) * w.k(t)) * gh(w, t),
    ),
    M(
        "delta-r",
        "transpose dropped",
        r"U_h^\top",
        r"U_h",
        lambda w, t: (w.U_h @ dh(w, t)) * w.h(t - 1) * dsig(w.a_r(t)),
    ),
    M(
        "delta-r",
        "term dropped",
        rf" \circ {PREV}",
        "",
        lambda w, t: (w.U_h.T @ dh(w, t)) * dsig(w.a_r(t)),
    ),
    "For $1 < t \\le T$:",
    M(
        "state",
        "transpose dropped",
        r"U_z^\top",
        r"U_z",
        lambda w, t: (
            w.V.T @ error(w, t - 1)
            + gh(w, t) * (1 - w.z(t))
            + w.U_z @ dz(w, t)
            + w.U_r.T @ dr(w, t)
            + (w.U_h.T @ dh(w, t)) * w.r(t)
        ),
    ),
    M(
        "state",
        "term dropped",
        rf" \circ {at('r')}",
        "",
        lambda w, t: (
            w.V.T @ error(w, t - 1)
            + gh(w, t) * (1 - w.z(t))
            + w.U_z.T @ dz(w, t)
            + w.U_r.T @ dr(w, t)
            + w.U_h.T @ dh(w, t)
        ),
    ),
    M(
        "state",
        "index shifted",
        rf"V^\top ({at('o', 't-1')} - {at('d', 't-1')})",
        rf"V^\top ({at('o')} - {at('d')})",
        lambda w, t: (
            w.V.T @ error(w, t)
            + gh(w, t) * (1 - w.z(t))
            + w.U_z.T @ dz(w, t)
            + w.U_r.T @ dr(w, t)
            + (w.U_h.T @ dh(w, t)) * w.r(t)
        ),
    ),
    M(
        "input",
        "transpose dropped",
        r"W_r^\top",
        r"W_r",
        lambda w, t: w.W_z.T @ dz(w, t) + w.W_r @ dr(w, t) + w.W_h.T @ dh(w, t),
    ),
    "Weights:",
    M(
        "U_h",
        "term dropped",
        rf"{at('r')} \circ ",
        "",
        lambda w, t: sum(dh(w, k) @ w.h(k - 1).T for k in ALL),
        why="the reset gate is missing",
    ),
    M(
        "U_z",
        "index shifted",
        PREV,
        at("h"),
        lambda w, t: sum(dz(w, k) @ w.h(k).T for k in ALL),
    ),
    M(
        "W_r",
        "wrong range",
        SUM,
        r"\sum_{t=2}^{T}",
        lambda w, t: sum(dr(w, k) @ w.x(k).T for k in range(2, T + 1)),
    ),
    M(
        "W_r",
        "factors swapped",
        rf"{DR} \left( {at('x')} \right)^\top",
        rf"\left( {at('x')} \right)^\top {DR}",
        lambda w, t: sum(w.x(k).T @ dr(w, k) for k in ALL),
    ),
    M(
        "b_h",
        "wrong range",
        SUM,
        r"\sum_{t=1}^{T-1}",
        lambda w, t: sum(dh(w, k) for k in BEFORE),
    ),
)

SOURCE = Source(
    name="angle-gru",
    notation="angle",
    model="gru",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={
        **{f"W_{g}": (3, 2) for g in "zrh"},
        **{f"U_{g}": (3, 3) for g in "zrh"},
        **{f"b_{g}": (3, 1) for g in "zrh"},
        "V": (5, 3),
    },
    inputs={"x": ((2, 1), ALL, ""), "d": ((5, 1), ALL, ""), "h": ((3, 1), (0,), "")},
    title="# Backpropagation in a GRU",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## Exam answers",
)
