"""What is compared: each contender makes a call that computes the loss and all gradients.

``make(network, params, x, target)`` returns ``run``, which is timed, and ``read``, which turns what
``run`` returned into ``(loss, {name: NumPy array})``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from networks import Network, Params

Made = tuple[Callable[[], Any], Callable[[Any], tuple[float, dict[str, Any]]]]


class _Arrays:
    """Functions that array libraries call alike."""

    def __init__(self, np: Any) -> None:
        self.tanh, self.stack = np.tanh, np.stack
        self.np = np

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return self.np.zeros(shape, like.dtype)

    def sigmoid(self, z: Any) -> Any:
        return 1 / (1 + self.np.exp(-z))

    def log_softmax(self, z: Any) -> Any:
        z = z - self.np.max(z, axis=-1, keepdims=True)
        return z - self.np.log(self.np.sum(self.np.exp(z), axis=-1, keepdims=True))


def _ours(backend: str) -> Callable[[Network, Params, Any, Any], Made]:
    def make(network: Network, params: Params, x: Any, target: Any) -> Made:
        import symbptt

        f = symbptt.compile(network.name, backend=backend)
        inputs = {"x": x, network.target: target}
        return lambda: f(params, inputs), lambda found: (float(found[0]), found[1])

    return make


def symbptt_jax(network: Network, params: Params, x: Any, target: Any) -> Made:
    """The module that symbptt exports, within ``jax.jit``."""
    import jax

    import symbptt

    jax.config.update("jax_enable_x64", x.dtype == np.float64)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gradient.py"
        symbptt.export(network.name, path, backend="jax", check=False)
        f = jax.jit(run_path(str(path))["loss_and_gradients"])
    given = jax.device_put((params, {"x": x, network.target: target}))
    return (
        lambda: jax.block_until_ready(f(*given)),
        lambda found: (float(found[0]), {a: np.asarray(g) for a, g in found[1].items()}),
    )


def numpy_by_hand(network: Network, params: Params, x: Any, target: Any) -> Made:
    """Backpropagation through time as one writes it by hand, with projections hoisted."""
    from by_hand import BY_HAND

    f = BY_HAND[network.name]
    return lambda: f(params, x, target), lambda found: found


def jax_scan(network: Network, params: Params, x: Any, target: Any) -> Made:
    """``jax.jit`` of ``value_and_grad`` of a ``lax.scan``."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", x.dtype == np.float64)

    class Jax(_Arrays):
        sigmoid, log_softmax = staticmethod(jax.nn.sigmoid), staticmethod(jax.nn.log_softmax)

    xp = Jax(jnp)

    def loss(P: Params, x: Any, target: Any) -> Any:
        n = P[network.stacks["state"][0]].shape[0]
        start = tuple(jnp.zeros((x.shape[1], n), x.dtype) for _ in range(network.states))

        def step(states: tuple[Any, ...], x: Any) -> tuple[Any, Any]:
            states = network.step(xp, P, states, x)
            return states, states[0]

        _, h = jax.lax.scan(step, start, x)
        return network.loss_of(xp, P, h, target)

    f = jax.jit(jax.value_and_grad(loss))
    P = {name: jnp.asarray(a) for name, a in params.items()}
    given = jnp.asarray(x), jnp.asarray(target)
    return (
        lambda: jax.block_until_ready(f(P, *given)),
        lambda found: (float(found[0]), {a: np.asarray(g) for a, g in found[1].items()}),
    )


def torch_eager(network: Network, params: Params, x: Any, target: Any) -> Made:
    """PyTorch, a loop over t in Python."""
    import torch

    class Torch:
        tanh, sigmoid, stack = torch.tanh, torch.sigmoid, torch.stack

        @staticmethod
        def zeros(shape: tuple[int, ...], like: Any) -> Any:
            return torch.zeros(shape, dtype=like.dtype)

        @staticmethod
        def log_softmax(z: Any) -> Any:
            return torch.log_softmax(z, -1)

    P = {name: torch.tensor(a, requires_grad=True) for name, a in params.items()}
    given = torch.from_numpy(x), torch.from_numpy(target)

    def run() -> Any:
        loss = network.loss(Torch, P, *given)
        return loss, torch.autograd.grad(loss, list(P.values()))

    return run, lambda found: (
        float(found[0]),
        {name: g.numpy() for name, g in zip(P, found[1], strict=True)},
    )


def torch_native(network: Network, params: Params, x: Any, target: Any) -> Made:
    """``torch.nn.RNN``, ``LSTM`` and ``GRU``."""
    import torch

    kind = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[network.name]
    W, b = (torch.tensor(params[name], requires_grad=True) for name in network.output)
    n, m = params[network.stacks["input"][0]].shape
    module = kind(m, n).to(W.dtype)
    pieces = {
        "weight_ih_l0": network.stacks["input"],
        "weight_hh_l0": network.stacks["state"],
        "bias_ih_l0": network.stacks["bias"],
    }
    with torch.no_grad():
        module.bias_hh_l0.zero_()
        for name, own in pieces.items():
            getattr(module, name).copy_(torch.from_numpy(np.concatenate([params[a] for a in own])))
        if "inner" in network.stacks:
            module.bias_hh_l0[2 * n :] = torch.from_numpy(params["c_n"])
    X, D = torch.from_numpy(x), torch.from_numpy(target)
    weights = [getattr(module, name) for name in (*pieces, "bias_hh_l0")]

    def run() -> Any:
        h, _ = module(X)
        loss = -(D * torch.log_softmax(h @ W.T + b, -1)).sum()
        return loss, torch.autograd.grad(loss, [*weights, W, b])

    def read(found: Any) -> tuple[float, dict[str, Any]]:
        loss, grads = found
        parts = {}
        for own, g in zip(pieces.values(), grads, strict=False):
            parts |= dict(zip(own, np.split(g.numpy(), len(own)), strict=True))
        if "inner" in network.stacks:
            parts["c_n"] = grads[3].numpy()[2 * n :]
        parts |= {name: g.numpy() for name, g in zip(network.output, grads[4:], strict=True)}
        return float(loss), parts

    return run, read


def hips_autograd(network: Network, params: Params, x: Any, target: Any) -> Made:
    """HIPS autograd, a loop over t in Python."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    xp = _Arrays(anp)
    f = value_and_grad(lambda P: network.loss(xp, P, x, target))
    return lambda: f(params), lambda found: (float(found[0]), dict(found[1]))


def casadi_map(network: Network, params: Params, x: Any, target: Any) -> Made:
    """CasADi: the network as one function of matrices, its gradient by reverse mode."""
    import casadi as cs

    names = list(params)
    shapes = {a: params[a].shape if params[a].ndim > 1 else (1, len(params[a])) for a in names}
    P = {a: cs.MX.sym(a, *shapes[a]) for a in names}

    class Casadi:
        tanh = cs.tanh

        @staticmethod
        def sigmoid(z: Any) -> Any:
            return 1 / (1 + cs.exp(-z))

    T, B, m = x.shape
    n = params[network.stacks["state"][0]].shape[0]
    rows = {a: s if params[a].ndim > 1 else cs.repmat(s, B, 1) for a, s in P.items()}
    X = cs.MX.sym("X", B, m)
    states = tuple(cs.MX.sym(f"s{i}", B, n) for i in range(network.states))
    after = network.step(Casadi, rows, states, X)
    state, following = cs.horzcat(*states), cs.horzcat(*after)
    step = cs.Function("step", [state, X, *P.values()], [following])
    many = step.mapaccum(T)
    start = cs.DM.zeros(B, n * network.states)
    inputs = cs.MX(cs.horzcat(*(cs.DM(x[t].astype(float)) for t in range(T))))
    found = many(start, inputs, *(cs.repmat(p, 1, T) for p in P.values()))
    W, b = (P[name] for name in network.output)
    loss = 0
    for t in range(T):
        h = found[:, t * n * network.states : t * n * network.states + n]
        o = h @ W.T + cs.repmat(b, B, 1)
        top = cs.mmax(o)
        o = o - top
        loss -= cs.sum1(cs.sum2(cs.DM(target[t].astype(float)) * (
            o - cs.repmat(cs.log(cs.sum2(cs.exp(o))), 1, o.shape[1]))))  # fmt: skip
    f = cs.Function("f", list(P.values()), [loss, *(cs.gradient(loss, p) for p in P.values())])
    given = [cs.DM(params[a].astype(float).reshape(shapes[a])) for a in names]
    return lambda: f(*given), lambda out: (
        float(out[0]),
        {a: np.asarray(g).reshape(params[a].shape) for a, g in zip(names, out[1:], strict=True)},
    )


def products_alone(network: Network, params: Params, x: Any, target: Any) -> Made:
    """The floor: the products of matrices that any of them has to do, and nothing else."""
    T, B, m = x.shape
    k = target.shape[2]
    n = params[network.stacks["state"][0]].shape[0]
    g = len(network.stacks["state"])
    rng = np.random.default_rng(0)

    def array(*shape: int) -> Any:
        return rng.normal(size=shape).astype(x.dtype)

    W, U, V = array(g * n, m), array(g * n, n), array(k, n)
    h, z, o = array(T, B, n), array(T, B, g * n), array(T * B, k)
    X, H, Z = x.reshape(T * B, m), h.reshape(T * B, n), z.reshape(T * B, g * n)
    into, back = array(B, g * n), array(B, n)

    def run() -> None:
        X @ W.T
        for t in range(T):
            np.matmul(h[t], U.T, out=into)
        H @ V.T
        o @ V
        o.T @ H
        for t in range(T):
            np.matmul(z[t], U, out=back)
        Z.T @ X
        Z.T @ H

    return run, lambda found: (0.0, {})


CONTENDERS: dict[str, Callable[[Network, Params, Any, Any], Made]] = {
    "symbptt numpy": _ours("numpy"),
    "symbptt c": _ours("c"),
    "symbptt numba": _ours("numba"),
    "symbptt jax": symbptt_jax,
    "symbptt torch": _ours("torch"),
    "NumPy by hand": numpy_by_hand,
    "JAX": jax_scan,
    "PyTorch native": torch_native,
    "PyTorch eager": torch_eager,
    "autograd": hips_autograd,
    "CasADi": casadi_map,
    "products alone": products_alone,
}

#: Ours, the floor, and all else: the peers.
OURS = ("symbptt numpy", "symbptt c", "symbptt numba", "symbptt jax", "symbptt torch")
FLOOR = "products alone"
