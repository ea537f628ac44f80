r"""Backpropagation through time for Elman networks, written by hand in plain NumPy.

The textbook's loop (I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, section 10.2.2):
forward over t, then backward over t with the gradient of the next step's pre-activation at hand.
Nothing here is derived: it is the witness that a student would write, and shares no code with
the derivation.  Arrays are ``(T, B, n)``; a vector is a row of the batch, so that ``W v`` is
``v @ W.T``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Function:
    """A function and, from its argument z, its value y and ``∂L/∂y``, its ``∂L/∂z``."""

    value: Callable[[Array], Array]
    back: Callable[[Array, Array, Array], Array]


@dataclass(frozen=True)
class LossFunction:
    """A loss of a prediction and a target, and its gradient by the prediction."""

    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


FUNCTIONS: dict[str, Function] = {
    "identity": Function(lambda z: z, lambda z, y, dy: dy),
    "tanh": Function(np.tanh, lambda z, y, dy: dy * (1 - y**2)),
    "sigmoid": Function(sigmoid, lambda z, y, dy: dy * y * (1 - y)),
    "relu": Function(lambda z: np.maximum(z, 0), lambda z, y, dy: dy * (z > 0)),
    "sin": Function(np.sin, lambda z, y, dy: dy * np.cos(z)),
    "softplus": Function(lambda z: np.log(1 + np.exp(z)), lambda z, y, dy: dy * sigmoid(z)),
    "softmax": Function(softmax, lambda z, y, dy: y * (dy - (y * dy).sum(axis=-1, keepdims=True))),
}

LOSSES: dict[str, LossFunction] = {
    "squared_error": LossFunction(lambda y, d: 0.5 * (y - d) ** 2, lambda y, d: y - d),
    "cross_entropy": LossFunction(lambda p, d: -d * np.log(p), lambda p, d: -d / p),
    "softmax_cross_entropy": LossFunction(
        lambda o, d: -d * np.log(softmax(o)),
        lambda o, d: d.sum(axis=-1, keepdims=True) * softmax(o) - d,
    ),
    "binary_cross_entropy": LossFunction(
        lambda p, d: -d * np.log(p) - (1 - d) * np.log(1 - p),
        lambda p, d: (1 - d) / (1 - p) - d / p,
    ),
    "binary_cross_entropy_with_logits": LossFunction(
        lambda o, d: np.log(1 + np.exp(o)) - d * o, lambda o, d: sigmoid(o) - d
    ),
}


@dataclass(frozen=True)
class Elman:
    """What a text calls the parts of its Elman network, and which functions it has.

    ``h_t = f(W_hh h_{t-1} + W_xh x_t + b_h)``, ``y_t = g(W_hy h_t + b_y)``, and a loss of ``y_t``
    and ``d_t`` at every step, or at the last.  A bias of None is absent.
    """

    W_hh: str = "W_hh"
    W_xh: str = "W_xh"
    b_h: str | None = "b_h"
    W_hy: str = "W_hy"
    b_y: str | None = "b_y"
    h: str = "h"
    x: str = "x"
    d: str = "target"
    f: str = "tanh"
    g: str = "identity"
    loss: str = "squared_error"
    last_only: bool = False


def elman_bptt(
    network: Elman,
    params: Mapping[str, Array],
    inputs: Mapping[str, Array],
    bindings: Mapping[str, str],
) -> tuple[float, dict[str, Array]]:
    """The loss, and its gradient by each parameter and the initial state.

    ``bindings`` says what the functions stand for that the network knows by letters.  Raises
    ``KeyError`` for a function that nobody has written here by hand.
    """
    f = FUNCTIONS[bindings.get(network.f, network.f)]
    g = FUNCTIONS[bindings.get(network.g, network.g)]
    loss = LOSSES[bindings.get(network.loss, network.loss)]
    W_hh, W_xh, W_hy = (params[name] for name in (network.W_hh, network.W_xh, network.W_hy))
    b_h = params[network.b_h] if network.b_h else np.zeros(len(W_hh))
    b_y = params[network.b_y] if network.b_y else np.zeros(len(W_hy))
    x, d = inputs[network.x], inputs[network.d]
    T = len(x)
    batched = x.ndim == 3
    if not batched:
        x, d = x[:, None], d[:, None]
    h_0 = inputs.get(f"{network.h}_0", np.zeros(len(W_hh)))
    steps = range(T)
    bearing = [T - 1] if network.last_only else list(steps)

    # forward
    z, h, o, y = {}, {-1: np.broadcast_to(h_0, (x.shape[1], len(W_hh)))}, {}, {}
    L = 0.0
    for t in steps:
        z[t] = h[t - 1] @ W_hh.T + x[t] @ W_xh.T + b_h
        h[t] = f.value(z[t])
        o[t] = h[t] @ W_hy.T + b_y
        y[t] = g.value(o[t])
        if t in bearing:
            L += float(loss.value(y[t], d[t]).sum())

    # backward
    dW_hh, dW_xh, dW_hy = np.zeros_like(W_hh), np.zeros_like(W_xh), np.zeros_like(W_hy)
    db_h, db_y = np.zeros_like(b_h), np.zeros_like(b_y)
    dh_next = np.zeros_like(h[-1])
    for t in reversed(steps):
        dh = dh_next
        if t in bearing:
            dy = loss.gradient(y[t], d[t])
            do = g.back(o[t], y[t], dy)
            dW_hy += do.T @ h[t]
            db_y += do.sum(axis=0)
            dh = dh + do @ W_hy
        dz = f.back(z[t], h[t], dh)
        dW_hh += dz.T @ h[t - 1]
        dW_xh += dz.T @ x[t]
        db_h += dz.sum(axis=0)
        dh_next = dz @ W_hh

    gradients: dict[str, Array] = {network.W_hh: dW_hh, network.W_xh: dW_xh, network.W_hy: dW_hy}
    if network.b_h:
        gradients[network.b_h] = db_h
    if network.b_y:
        gradients[network.b_y] = db_y
    gradients[f"{network.h}_0"] = dh_next if batched else dh_next[0]
    return L, gradients


#: The built-in Elman models under their own names: ``(params, inputs, bindings) -> (loss, grads)``.
NUMERIC_BPTT: dict[str, Callable[[Any, Any, Any], tuple[float, dict[str, Array]]]] = {
    name: partial(elman_bptt, network)
    for name, network in {
        "elman": Elman(g="softmax", loss="cross_entropy"),
        "elman-generic": Elman(f="f", g="g", loss="L_t"),
        "elman-linear": Elman(d="d", loss="L_t"),
        "elman-many-to-one": Elman(d="d", f="act", loss="loss", last_only=True),
        "elman-uvw": Elman(
            W_hh="W", W_xh="U", W_hy="V", b_h=None, b_y=None, h="s", d="y",
            g="softmax", loss="cross_entropy",
        ),
        "elman-wfr": Elman(
            W_hh="W_R", W_xh="W_F", W_hy="W_o", b_h="b", b_y="b_o", h="o", d="y",
            f="f", g="softmax", loss="cross_entropy",
        ),
    }.items()
}  # fmt: skip
