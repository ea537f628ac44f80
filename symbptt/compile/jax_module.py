"""The backend ``jax``: a pure function that can be compiled, divided among devices, and nested."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from symbptt.calculus import Derivation
from symbptt.compile.extras import needed
from symbptt.compile.function import Arrays, GradientFunction
from symbptt.compile.jax_writer import TAKEN_JAX, JaxWriter
from symbptt.compile.library_writer import library_module
from symbptt.compile.loader import load_module


def compile_jax(derivation: Derivation, T: int | None = None) -> GradientFunction:
    """The derivation as a function that JAX compiles for each shape of its arrays."""
    jax = needed("jax", "JAX", "jax")
    source = jax_module(derivation, T=T)
    module = load_module(source, "jax")

    @cache
    def compiled(numbers: tuple[tuple[str, Any], ...]) -> Any:
        return jax.jit(lambda p, arrays: module.loss_and_gradients(p, {**arrays, **dict(numbers)}))

    def called(params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        with jax.enable_x64(True):  # the dtype is the arrays' own
            given = module.Arrays(params, inputs)
            numbers = {name: value for name, value in inputs.items() if name not in given.arrays}
            arrays = {name: array for name, array in given.arrays.items() if name in inputs}
            run = compiled(tuple(numbers.items()))
            loss, grads = run({name: given[name] for name in params}, arrays)
            return np.array(loss)[()], {name: np.array(grads[name]) for name in grads}

    return GradientFunction(derivation.model, "jax", source, T, called, module.ArrayError)


def jax_module(derivation: Derivation, version: str = "", T: int | None = None) -> str:
    """The text of a module that computes the loss and its gradients with JAX."""
    return library_module(JaxWriter, TAKEN_JAX, derivation, version, T)
