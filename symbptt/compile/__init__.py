"""Gradients as code: a function of arrays, or the text of a standalone module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symbptt.calculus import AnyDerivation
from symbptt.calculus.translate import check_T
from symbptt.compile.function import GradientFunction
from symbptt.compile.lambdified import compile_lambdified
from symbptt.compile.numpy_module import compile_numpy, numpy_module
from symbptt.errors import RequestError, did_you_mean
from symbptt.model import require_bound

__all__ = ["BACKENDS", "Backend", "GradientFunction", "compile_gradient", "export_source"]


@dataclass(frozen=True)
class Backend:
    """A way to run a derivation; ``source`` writes it as a standalone module, if it can."""

    function: Callable[[AnyDerivation, int | None], GradientFunction]
    source: Callable[[AnyDerivation, str], str] | None = None
    needs_T: bool = False


BACKENDS: dict[str, Backend] = {
    "numpy": Backend(compile_numpy, numpy_module),
    "lambdify": Backend(compile_lambdified, needs_T=True),
}


def backend_named(name: str) -> Backend:
    """The row of a backend; a :class:`RequestError` if there is none."""
    if name not in BACKENDS:
        raise RequestError(f"no backend '{name}'{did_you_mean(str(name), BACKENDS)}")
    return BACKENDS[name]


def compile_gradient(
    derivation: AnyDerivation, backend: str = "numpy", T: int | None = None
) -> GradientFunction:
    """The loss and its gradients as a function of arrays.

    ``numpy`` works for any T and batch; ``lambdify`` for the one ``T`` it is compiled for.

    Raises :class:`BindingError` for a function known by name alone, :class:`RequestError` for
    an unknown backend or a missing ``T``, :class:`DerivationError` for a ``T`` that is no number
    of steps.

    >>> import numpy as np
    >>> from symbptt.calculus import derive
    >>> from symbptt.model import bind, load
    >>> f = compile_gradient(derive(bind(load("elman-linear"))))
    >>> params = {"W_hh": (3, 3), "W_xh": (3, 2), "b_h": 3, "W_hy": (4, 3), "b_y": 4}
    >>> params = {name: np.zeros(shape) for name, shape in params.items()}
    >>> loss, grads = f(params, {"x": np.ones((5, 2)), "d": np.ones((5, 4))})
    >>> float(loss), grads["b_y"]  # five steps of ½ Σ 1² over four entries, and Σ (y_t - d_t)
    (10.0, array([-5., -5., -5., -5.]))
    """
    row = backend_named(backend)
    require_bound(derivation.model)
    if T is not None:
        check_T(T)
    steps = T if T is not None else derivation.T
    if row.needs_T and steps is None:
        raise RequestError(f"the backend {backend} compiles for one number of steps; give T")
    return row.function(derivation, steps if row.needs_T else T)


def export_source(derivation: AnyDerivation, backend: str = "numpy", *, version: str) -> str:
    """The text of a standalone module that defines ``loss_and_gradients(params, inputs)``.

    Raises :class:`BindingError` for a function known by name alone, :class:`RequestError` for
    a backend that has no text.
    """
    row = backend_named(backend)
    require_bound(derivation.model)
    if row.source is None:
        able = ", ".join(name for name, b in BACKENDS.items() if b.source)
        raise RequestError(f"the backend {backend} works in memory only; export with: {able}")
    return row.source(derivation, version)
