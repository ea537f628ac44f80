"""Frameworks as witnesses: the forward pass in their own arrays, differentiated by their autograd.

Functions are the framework's own (``jax.nn.softmax``, ``torch.sigmoid``), and so is reverse mode.
JAX and PyTorch are extras, imported when they are asked and never before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

from symbptt.errors import RequestError, did_you_mean
from symbptt.evidence.complex_step import Array, Floats, Sample
from symbptt.evidence.residues import Size

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Framework:
    """What a framework provides: its functions, its constants, its reverse mode, in float64.

    ``detached`` is a value that reverse mode passes by.  ``differentiate(f, arguments)`` is the
    value of a scalar function of named arrays, and its gradient by each of them.
    """

    functions: Mapping[str, Callable[[Any], Any]]
    constant: Callable[[Array], Any]
    detached: Callable[[Any], Any]
    differentiate: Callable[[Callable[[dict[str, Any]], Any], Arrays], tuple[float, Arrays]]


@dataclass(frozen=True)
class FrameworkArithmetic:
    """The functions a model is made of, as a framework has them."""

    framework: Framework
    sizes: Mapping[str, int]

    def constant(self, q: Fraction, size: Size) -> Floats:
        return Floats(self.framework.constant(np.full(size, float(q))))

    def placing(self, n: int, start: int, count: int) -> Floats:
        return Floats(self.framework.constant(np.eye(n, count, -start)))

    def power(self, a: Floats, exponent: Fraction) -> Floats:
        return Floats(a.array ** float(exponent))

    def activation(self, function: str, a: Floats) -> Floats:
        return Floats(self.framework.functions[function](a.array))

    def vector_function(self, function: str, a: Floats) -> Floats:
        return self.activation(function, a)

    def held(self, a: Floats) -> Floats:
        return Floats(self.framework.detached(a.array), a.rest)

    def abstract(self, function: str, size: Size, arguments: Any) -> Floats:
        raise AssertionError(f"{function} is not bound")  # functions are compiled from bound models


def autograd(
    framework: Framework,
    s: Sample,
    *,
    inputs: bool = False,
    held: Callable[[str, int], bool] = lambda n, s: False,
) -> tuple[float, Arrays]:
    """The loss and its gradient by parameters, initial values and, where asked, inputs."""
    arithmetic = FrameworkArithmetic(framework, s.sizes)
    wanted = s.arguments(inputs=inputs)

    def loss(given: dict[str, Any]) -> Any:
        params = {name: given[name] for name in s.params}
        here = replace(s, params=params, inputs=given)
        losses, penalty = here.losses(arithmetic, held=held)
        # One loss may be that of all samples.
        return losses.sum() * (s.samples // prod(losses.shape)) + penalty.sum()

    value, gradient = framework.differentiate(loss, s.params | s.arguments(inputs=True))
    return value, {name: gradient[name] for name in wanted}


# -- the frameworks ---------------------------------------------------------------------------


def torch_framework(torch: Any) -> Framework:
    """PyTorch, on the CPU."""
    nn, doubles = torch.nn.functional, {"dtype": torch.float64, "device": "cpu"}

    def of_vector(function: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda z: function(z.flatten(-2), dim=-1).reshape(z.shape)

    def differentiate(f: Callable[..., Any], arguments: Arrays) -> tuple[float, Arrays]:
        with torch.enable_grad():
            leaves = {n: torch.tensor(a, **doubles).requires_grad_() for n, a in arguments.items()}
            loss = f(leaves)
            if not loss.requires_grad:  # no step bears a loss
                return loss.item(), {name: np.zeros(a.shape) for name, a in arguments.items()}
            slopes = torch.autograd.grad(loss, [*leaves.values()], materialize_grads=True)
        return loss.item(), {n: slope.numpy() for n, slope in zip(leaves, slopes, strict=True)}

    return Framework(
        {
            "identity": lambda z: z,
            "tanh": torch.tanh,
            "sigmoid": torch.sigmoid,
            "relu": torch.relu,
            "leaky_relu": nn.leaky_relu,
            "elu": nn.elu,
            "softplus": lambda z: nn.softplus(z, threshold=40),  # linear beyond, by default from 20
            "silu": nn.silu,
            "gelu": nn.gelu,
            "hardtanh": nn.hardtanh,
            "exp": torch.exp,
            "log": torch.log,
            "sin": torch.sin,
            "cos": torch.cos,
            "sqrt": torch.sqrt,
            "softmax": of_vector(torch.softmax),
            "log_softmax": of_vector(torch.log_softmax),
        },
        lambda array: torch.tensor(array, **doubles),
        lambda z: z.detach(),
        differentiate,
    )


def jax_framework(jax: Any) -> Framework:
    """JAX, one operation at a time: compiling a loop of T steps would cost more than it saves."""
    nn, jnp = jax.nn, jax.numpy

    def differentiate(f: Callable[..., Any], arguments: Arrays) -> tuple[float, Arrays]:
        with jax.enable_x64(True):
            leaves = {name: jnp.asarray(a) for name, a in arguments.items()}
            loss, slopes = jax.value_and_grad(f)(leaves)
            return float(loss), {name: np.asarray(slope) for name, slope in slopes.items()}

    return Framework(
        {
            "identity": lambda z: z,
            "tanh": jnp.tanh,
            "sigmoid": nn.sigmoid,
            "relu": nn.relu,
            "leaky_relu": nn.leaky_relu,
            "elu": nn.elu,
            "softplus": nn.softplus,
            "silu": nn.silu,
            "gelu": lambda z: nn.gelu(z, approximate=False),
            "hardtanh": nn.hard_tanh,
            "exp": jnp.exp,
            "log": jnp.log,
            "sin": jnp.sin,
            "cos": jnp.cos,
            "sqrt": jnp.sqrt,
            "softmax": lambda z: nn.softmax(z, axis=(-1, -2)),
            "log_softmax": lambda z: nn.log_softmax(z, axis=(-1, -2)),
        },
        jnp.asarray,
        jax.lax.stop_gradient,
        differentiate,
    )


#: By the name of its package, which is that of our extra: what it calls itself, and what it is.
FRAMEWORKS: dict[str, tuple[str, Callable[[Any], Framework]]] = {
    "torch": ("PyTorch", torch_framework),
    "jax": ("JAX", jax_framework),
}


def frameworks(names: Iterable[str]) -> dict[str, Framework]:
    """The frameworks of these names, by what they call themselves.

    Raises :class:`RequestError` for one that is unknown or not installed.
    """
    found: dict[str, Framework] = {}
    for name in names:
        if name not in FRAMEWORKS:
            raise RequestError(f"no witness '{name}'{did_you_mean(name, FRAMEWORKS)}")
        title, framework = FRAMEWORKS[name]
        try:
            found[title] = framework(import_module(name))
        except ImportError:
            raise RequestError(f"{title} is not installed; pip install 'symbptt[{name}]'") from None
    return found
