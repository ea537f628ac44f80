r"""GRU with rows, ``x_t W_{xz} + h_{t-1} W_{hz}``, and gates without named pre-activations."""

import numpy as np
from book import C, Definition, M, Source
from world import T, half_square, sigmoid

ALL, BEFORE = range(1, T + 1), range(1, T)


def forward(p, v, T):
    for t in range(1, T + 1):
        x, h = v["x", t], v["h", t - 1]
        v["r", t] = sigmoid(x @ p("W_xr", t) + h @ p("W_hr", t) + p("b_r", t))
        v["z", t] = sigmoid(x @ p("W_xz", t) + h @ p("W_hz", t) + p("b_z", t))
        v["c", t] = np.tanh(x @ p("W_xh", t) + (v["r", t] * h) @ p("W_hh", t) + p("b_h", t))
        v["h", t] = v["z", t] * h + (1 - v["z", t]) * v["c", t]
        v["o", t] = v["h", t] @ p("W_hq", t) + p("b_q", t)
        v["L_t", t] = half_square(v["o", t] - v["d", t])
    v["L", 0] = sum(v["L_t", t] for t in range(1, T + 1))


def gh(w, t):
    return w.g("h", t)


def gc(w, t):
    return w.g("c", t)


def az(w, t):
    """By what stands in the sigmoid of ``z``."""
    return w.g("z", t) * w.z(t) * (1 - w.z(t))


def ar(w, t):
    return w.g("r", t) * w.r(t) * (1 - w.r(t))


def ac(w, t):
    return gc(w, t) * (1 - w.c(t) ** 2)


def carry(w, t):
    """What step ``t`` hands to ``h_{t-1}``."""
    return (
        gh(w, t) * w.z(t)
        + az(w, t) @ w.W_hz.T
        + ar(w, t) @ w.W_hr.T
        + (ac(w, t) @ w.W_hh.T) * w.r(t)
    )


H = r"\frac{\partial L}{\partial h_t}"
CAND = r"\frac{\partial L}{\partial \tilde{h}_t}"
Z = r"\frac{\partial L}{\partial z_t}"
R = r"\frac{\partial L}{\partial r_t}"

SETTING = (
    "A gated recurrent unit with row vectors, as the frameworks have it:",
    Definition(r"r_t = \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r)"),
    Definition(r"z_t = \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z)"),
    Definition(r"\tilde{h}_t = \tanh(x_t W_{xh} + (r_t \odot h_{t-1}) W_{hh} + b_h)"),
    Definition(r"h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tilde{h}_t"),
    Definition(r"o_t = h_t W_{hq} + b_q"),
    Definition(r"L = \frac{1}{2} \sum_{t=1}^{T} (o_t - d_t)(o_t - d_t)^\top"),
)

RIGHT = (
    "Backwards through the last line of the unit:",
    C(
        "candidate",
        rf"{CAND} = {H} \odot (1 - z_t)",
        gc,
        lambda w, t: gh(w, t) * (1 - w.z(t)),
        at=ALL,
    ),
    C(
        "z",
        rf"{Z} = (h_{{t-1}} - \tilde{{h}}_t) \odot {H}",
        lambda w, t: w.g("z", t),
        lambda w, t: (w.h(t - 1) - w.c(t)) * gh(w, t),
        at=ALL,
        why="the gradient as the second Hadamard factor",
    ),
    "and through the candidate:",
    C(
        "r",
        rf"{R} = h_{{t-1}} \odot \left( \left( {CAND} \odot (1 - \tilde{{h}}_t^2) \right)"
        r" W_{hh}^\top \right)",
        lambda w, t: w.g("r", t),
        lambda w, t: w.h(t - 1) * (ac(w, t) @ w.W_hh.T),
        at=ALL,
    ),
    "The state before the last, for $t > 1$, is used by the output, the two gates, the candidate"
    " and the next state:",
    C(
        "state",
        r"\frac{\partial L}{\partial h_{t-1}} = (o_{t-1} - d_{t-1}) W_{hq}^\top"
        rf" + {H} \odot z_t"
        rf" + \left( {Z} \odot z_t \odot (1 - z_t) \right) W_{{hz}}^\top"
        rf" + \left( {R} \odot r_t \odot (1 - r_t) \right) W_{{hr}}^\top"
        rf" + \left( \left( {CAND} \odot (1 - \tilde{{h}}_t^2) \right) W_{{hh}}^\top \right)"
        r" \odot r_t",
        lambda w, t: gh(w, t - 1),
        lambda w, t: (w.o(t - 1) - w.d(t - 1)) @ w.W_hq.T + carry(w, t),
        at=range(2, T + 1),
    ),
    "The last state only has the output:",
    C(
        "last",
        r"\frac{\partial L}{\partial h_T} = (o_T - d_T) W_{hq}^\top",
        lambda w, t: gh(w, T),
        lambda w, t: (w.o(T) - w.d(T)) @ w.W_hq.T,
    ),
    "## Parameters",
    C(
        "W_xz",
        r"\frac{\partial L}{\partial W_{xz}} = \sum_{t=1}^{T}"
        rf" x_t^\top \left( {Z} \odot z_t \odot (1 - z_t) \right)",
        lambda w, t: w.g("W_xz"),
        lambda w, t: sum(w.x(k).T @ az(w, k) for k in ALL),
    ),
    C(
        "W_hr",
        r"\frac{\partial L}{\partial W_{hr}} = \sum_{t=1}^{T}"
        rf" h_{{t-1}}^\top \left( {R} \odot r_t \odot (1 - r_t) \right)",
        lambda w, t: w.g("W_hr"),
        lambda w, t: sum(w.h(k - 1).T @ ar(w, k) for k in ALL),
    ),
    C(
        "W_hh",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T}"
        r" (r_t \odot h_{t-1})^\top"
        rf" \left( {CAND} \odot (1 - \tilde{{h}}_t^2) \right)",
        lambda w, t: w.g("W_hh"),
        lambda w, t: sum((w.r(k) * w.h(k - 1)).T @ ac(w, k) for k in ALL),
    ),
    C(
        "b_z",
        r"\frac{\partial L}{\partial b_z} = \sum_{t=1}^{T}"
        rf" {Z} \odot (z_t - z_t \odot z_t)",
        lambda w, t: w.g("b_z"),
        lambda w, t: sum(w.g("z", k) * (w.z(k) - w.z(k) * w.z(k)) for k in ALL),
        why="z - z² is z (1 - z)",
    ),
    C(
        "W_hq",
        r"\frac{\partial L}{\partial W_{hq}} = \sum_{t=1}^{T} h_t^\top (o_t - d_t)",
        lambda w, t: w.g("W_hq"),
        lambda w, t: sum(w.h(k).T @ (w.o(k) - w.d(k)) for k in ALL),
    ),
)

WRONG = (
    M(
        "candidate",
        "wrong derivative",
        r"(1 - z_t)",
        r"z_t",
        lambda w, t: gh(w, t) * w.z(t),
        why="the other convention of the update gate",
    ),
    M(
        "z",
        "sign flipped",
        r"(h_{t-1} - \tilde{h}_t)",
        r"(\tilde{h}_t - h_{t-1})",
        lambda w, t: (w.c(t) - w.h(t - 1)) * gh(w, t),
    ),
    M(
        "z",
        "index shifted",
        r"h_{t-1}",
        r"h_t",
        lambda w, t: (w.h(t) - w.c(t)) * gh(w, t),
    ),
    M(
        "r",
        "transpose dropped",
        r"W_{hh}^\top",
        r"W_{hh}",
        lambda w, t: w.h(t - 1) * (ac(w, t) @ w.W_hh),
    ),
    M(
        "r",
        "term dropped",
        r"h_{t-1} \odot ",
        "",
        lambda w, t: ac(w, t) @ w.W_hh.T,
    ),
    "For $t > 1$:",
    M(
        "state",
        "term dropped",
        rf" + {H} \odot z_t",
        "",
        lambda w, t: (w.o(t - 1) - w.d(t - 1)) @ w.W_hq.T + carry(w, t) - gh(w, t) * w.z(t),
    ),
    M(
        "state",
        "wrong derivative",
        r" \odot r_t \odot (1 - r_t)",
        r" \odot (1 - r_t^2)",
        lambda w, t: (
            (w.o(t - 1) - w.d(t - 1)) @ w.W_hq.T
            + gh(w, t) * w.z(t)
            + az(w, t) @ w.W_hz.T
            + (w.g("r", t) * (1 - w.r(t) ** 2)) @ w.W_hr.T
            + (ac(w, t) @ w.W_hh.T) * w.r(t)
        ),
    ),
    M(
        "last",
        "transpose dropped",
        r"W_{hq}^\top",
        r"W_{hq}",
        lambda w, t: (w.o(T) - w.d(T)) @ w.W_hq,
    ),
    M(
        "W_hh",
        "term dropped",
        r"(r_t \odot h_{t-1})^\top",
        r"h_{t-1}^\top",
        lambda w, t: sum(w.h(k - 1).T @ ac(w, k) for k in ALL),
        why="the reset gate is missing",
    ),
    M(
        "W_hr",
        "index shifted",
        r"h_{t-1}^\top",
        r"h_t^\top",
        lambda w, t: sum(w.h(k).T @ ar(w, k) for k in ALL),
    ),
    M(
        "W_xz",
        "factors swapped",
        rf"x_t^\top \left( {Z} \odot z_t \odot (1 - z_t) \right)",
        rf"\left( {Z} \odot z_t \odot (1 - z_t) \right) x_t^\top",
        lambda w, t: sum(az(w, k) @ w.x(k).T for k in ALL),
    ),
    M(
        "b_z",
        "wrong range",
        r"\sum_{t=1}^{T}",
        r"\sum_{t=1}^{T-1}",
        lambda w, t: sum(az(w, k) for k in BEFORE),
    ),
)

SOURCE = Source(
    name="row-gru",
    notation="row",
    model="gru",
    extension="md",
    wrapper="display",
    forward=forward,
    shapes={
        **{f"W_x{g}": (2, 3) for g in "rzh"},
        **{f"W_h{g}": (3, 3) for g in "rzh"},
        **{f"b_{g}": (1, 3) for g in "rzh"},
        "W_hq": (3, 5),
        "b_q": (1, 5),
    },
    inputs={"x": ((1, 2), ALL, ""), "d": ((1, 5), ALL, ""), "h": ((1, 3), (0,), "")},
    title="# Gradients of a GRU",
    setting=SETTING,
    right=RIGHT,
    wrong=WRONG,
    wrong_words="## Common mistakes",
)
