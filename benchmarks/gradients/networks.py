"""The networks of the grid, as plain functions of any array library.

Each has a step ``(P, states, x) -> states``, whose first state is h, and an output layer.  ``P``
maps symbptt's names to arrays; arrays are ``(T, B, n)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Params = Mapping[str, Any]
Sizes = tuple[int, int, int, int, int]

#: (n, m, k, B, T): state, input, output, batch, steps.
GRID: tuple[Sizes, ...] = (
    (16, 8, 4, 1, 50),
    (32, 16, 8, 1, 100),
    (128, 64, 32, 32, 100),
    (512, 256, 64, 64, 100),
)


@dataclass(frozen=True)
class Network:
    """A network: its step, how many states it has, its gates, and the names of its arrays.

    ``stacks`` are the names of weights by the input, by the state and of biases, gate by gate, in
    the order of ``torch.nn``.
    """

    name: str
    step: Callable[[Any, Params, tuple[Any, ...], Any], tuple[Any, ...]]
    states: int
    stacks: Mapping[str, tuple[str, ...]]
    output: tuple[str, str]
    target: str

    def arrays(self, sizes: Sizes, dtype: str) -> tuple[dict[str, Any], Any, Any]:
        """Parameters, inputs and one-hot targets, the same in every process."""
        n, m, k, B, T = sizes
        rng = np.random.default_rng(0)
        shapes: dict[str, tuple[int, ...]] = {}
        for kind, names in self.stacks.items():
            shape = {"input": (n, m), "state": (n, n)}.get(kind, (n,))
            shapes |= dict.fromkeys(names, shape)
        shapes |= {self.output[0]: (k, n), self.output[1]: (k,)}
        params = {a: (rng.normal(size=s) / np.sqrt(n)).astype(dtype) for a, s in shapes.items()}
        x = rng.normal(size=(T, B, m)).astype(dtype)
        target = np.eye(k, dtype=dtype)[rng.integers(k, size=(T, B))]
        return params, x, target

    def loss(self, xp: Any, P: Params, x: Any, target: Any) -> Any:
        """The loss, by a loop over t."""
        states = tuple(xp.zeros((x.shape[1], P[self.stacks["state"][0]].shape[0]), x)
                       for _ in range(self.states))  # fmt: skip
        outputs = []
        for t in range(x.shape[0]):
            states = self.step(xp, P, states, x[t])
            outputs.append(states[0])
        return self.loss_of(xp, P, xp.stack(outputs), target)

    def loss_of(self, xp: Any, P: Params, h: Any, target: Any) -> Any:
        """The cross-entropy of all steps."""
        W, b = (P[name] for name in self.output)
        return -(target * xp.log_softmax(h @ W.T + b)).sum()


def _elman(xp: Any, P: Params, states: tuple[Any, ...], x: Any) -> tuple[Any, ...]:
    (h,) = states
    return (xp.tanh(x @ P["W_xh"].T + h @ P["W_hh"].T + P["b_h"]),)


def _lstm(xp: Any, P: Params, states: tuple[Any, ...], x: Any) -> tuple[Any, ...]:
    h, c = states
    i, f, g, o = (x @ P[f"W_{a}"].T + h @ P[f"U_{a}"].T + P[f"b_{a}"] for a in "ifgo")
    c = xp.sigmoid(f) * c + xp.sigmoid(i) * xp.tanh(g)
    return xp.sigmoid(o) * xp.tanh(c), c


def _gru(xp: Any, P: Params, states: tuple[Any, ...], x: Any) -> tuple[Any, ...]:
    (h,) = states
    r, z = (xp.sigmoid(x @ P[f"W_{a}"].T + h @ P[f"U_{a}"].T + P[f"b_{a}"]) for a in "rz")
    n = xp.tanh(x @ P["W_n"].T + P["b_n"] + r * (h @ P["U_n"].T + P["c_n"]))
    return ((1 - z) * n + z * h,)


NETWORKS = {
    "elman": Network(
        "elman", _elman, 1,
        {"input": ("W_xh",), "state": ("W_hh",), "bias": ("b_h",)},
        ("W_hy", "b_y"), "target",
    ),
    "lstm": Network(
        "lstm", _lstm, 2,
        {kind: tuple(f"{a}_{g}" for g in "ifgo")
         for kind, a in (("input", "W"), ("state", "U"), ("bias", "b"))},
        ("W_y", "b_y"), "d",
    ),
    "gru": Network(
        "gru", _gru, 1,
        {"input": ("W_r", "W_z", "W_n"), "state": ("U_r", "U_z", "U_n"),
         "bias": ("b_r", "b_z", "b_n"), "inner": ("c_n",)},
        ("W_y", "b_y"), "d",
    ),
}  # fmt: skip
