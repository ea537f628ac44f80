"""Gradients as code: a function of arrays, or the text of a standalone module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symbptt.calculus import Derivation, Derived, ForwardDerivation
from symbptt.calculus.translate import check_T
from symbptt.compile.auto import compile_auto
from symbptt.compile.c_module import c_files, compile_c
from symbptt.compile.checkpoints import checkpoints_module, compile_checkpoints
from symbptt.compile.function import GradientFunction, HessianFunction
from symbptt.compile.jax_module import compile_jax, jax_module
from symbptt.compile.lambdified import compile_lambdified
from symbptt.compile.numba_module import compile_numba, numba_module
from symbptt.compile.numpy_forward import compile_forward, forward_module
from symbptt.compile.numpy_module import compile_numpy, numpy_module
from symbptt.compile.numpy_products import compile_products, products_module
from symbptt.compile.torch_module import compile_torch, torch_module
from symbptt.errors import RequestError, did_you_mean
from symbptt.model import require_bound

__all__ = [
    "BACKENDS",
    "Backend",
    "GradientFunction",
    "HessianFunction",
    "compile_gradient",
    "compile_hessian",
    "export_files",
]


@dataclass(frozen=True)
class Backend:
    """A way to run a derivation; ``files`` writes it as source, if it can: given the derivation,
    symbptt's version and what the files are called, the text of each by its suffix, the first of
    them the one to read.

    ``forward`` does the same for forward mode, ``products`` for Hessian-vector products,
    ``checkpoints`` in memory that grows with √T; one that is not ``cut`` has no truncated BPTT.
    """

    function: Callable[[Any, int | None], Any]
    files: Callable[[Any, str, str], dict[str, str]] | None = None
    needs_T: bool = False
    forward: Backend | None = None
    products: Backend | None = None
    checkpoints: Backend | None = None
    cut: bool = True


def _module(write: Callable[[Any, str], str]) -> Callable[[Any, str, str], dict[str, str]]:
    """The files of a backend that writes one module, whatever it is called."""
    return lambda derivation, version, name: {".py": write(derivation, version)}


BACKENDS: dict[str, Backend] = {
    "numpy": Backend(
        compile_numpy,
        _module(numpy_module),
        forward=Backend(compile_forward, _module(forward_module)),
        products=Backend(compile_products, _module(products_module)),
        checkpoints=Backend(compile_checkpoints, _module(checkpoints_module)),
    ),
    "c": Backend(compile_c, c_files, cut=False),
    "numba": Backend(compile_numba, _module(numba_module), cut=False),
    "jax": Backend(compile_jax, _module(jax_module), cut=False),
    "torch": Backend(compile_torch, _module(torch_module), cut=False),
    "lambdify": Backend(compile_lambdified, needs_T=True),
    "auto": Backend(
        compile_auto,
        forward=Backend(compile_forward),
        products=Backend(compile_products),
        checkpoints=Backend(compile_checkpoints),
    ),
}

#: What can be compiled besides the gradient.
PRODUCTS = ("hessian",)


def backend_named(name: str) -> Backend:
    """The row of a backend; a :class:`RequestError` if there is none."""
    if name not in BACKENDS:
        raise RequestError(f"no backend '{name}'{did_you_mean(str(name), BACKENDS)}")
    return BACKENDS[name]


def _row(
    derivation: Derived, backend: str, products: str | None = None, checkpoints: bool = False
) -> Backend:
    """The row for a derivation in its mode, for its products, or with checkpoints."""
    row: Backend | None = backend_named(backend)
    if products is not None and products not in PRODUCTS:
        raise RequestError(f"no products '{products}'{did_you_mean(str(products), PRODUCTS)}")
    mode = isinstance(derivation, ForwardDerivation)
    if products is not None and not isinstance(derivation, Derivation):
        raise RequestError(
            "Hessian-vector products are compiled from the whole of reverse mode; leave out "
            "mode and truncate (--mode, --truncate)"
        )
    if checkpoints and (products or mode):
        raise RequestError(
            "checkpoints are for the gradients of reverse mode; leave out products and mode "
            "(--products, --mode)"
        )
    what = "forward mode" if mode else "Hessian-vector products" if products else "checkpoints"
    if row is not None and (mode or products or checkpoints):
        row = row.forward if mode else row.products if products else row.checkpoints
    if row is not None and not row.cut and getattr(derivation, "truncation", None) is not None:
        row, what = None, "truncated BPTT"
    if row is None:
        raise RequestError(f"the backend {backend} has no {what}; use numpy")
    return row


def compile_gradient(
    derivation: Derived,
    backend: str = "numpy",
    T: int | None = None,
    *,
    checkpoints: bool = False,
) -> GradientFunction:
    """The loss and its gradients as a function of arrays.

    ``numpy`` works for any T and batch; ``lambdify`` for the one ``T`` it is compiled for.  With
    ``checkpoints`` its memory grows with √T, and what it does not keep it computes again.

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
    row = _row(derivation, backend, checkpoints=checkpoints)
    require_bound(derivation.model)
    if T is not None:
        check_T(T)
    steps = T if T is not None else derivation.T
    if row.needs_T and steps is None:
        raise RequestError(f"the backend {backend} compiles for one number of steps; give T")
    function: GradientFunction = row.function(derivation, steps if row.needs_T else T)
    return function


def compile_hessian(
    derivation: Derived,
    backend: str = "numpy",
    T: int | None = None,
    products: str = "hessian",
) -> HessianFunction:
    """The loss, its gradients and a Hessian-vector product as a function of arrays.

    Raises what :func:`compile_gradient` raises.
    """
    row = _row(derivation, backend, products)
    require_bound(derivation.model)
    if isinstance(derivation, Derivation) and derivation.inputs:
        raise RequestError("Hessian-vector products leave inputs as they are; leave inputs out")
    if T is not None:
        check_T(T)
    function: HessianFunction = row.function(derivation, T)
    return function


def export_files(
    derivation: Derived,
    backend: str = "numpy",
    *,
    version: str,
    products: str | None = None,
    checkpoints: bool = False,
    name: str = "",
) -> dict[str, str]:
    """The text of standalone source files by their suffixes, the first the one to read: of
    ``numpy`` a module that defines ``loss_and_gradients(params, inputs)``, or with products
    ``hessian_vector_product(params, inputs, direction)``; of ``c`` that function in C, its header,
    and a module that calls it.  ``name`` is what the files are called, the model's name if empty.

    Raises :class:`BindingError` for a function known by name alone, :class:`RequestError` for
    a backend that has no text.
    """
    row = _row(derivation, backend, products, checkpoints)
    require_bound(derivation.model)
    if row.files is None:
        able = ", ".join(name for name, b in BACKENDS.items() if b.files)
        raise RequestError(f"the backend {backend} works in memory only; export with: {able}")
    return row.files(derivation, version, name or derivation.model.name)
