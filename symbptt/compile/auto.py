"""The backend ``auto``: of those that can run here, the fastest for the arrays of each call.

The rule: compiled loops, those of C or else Numba's, since a call of NumPy costs more than the
arithmetic of a small batch; but where a step has 2²² multiplications or more (a sum over the
matrices of rows × columns × samples), NumPy, whose products are BLAS's.  C needs a C compiler,
Numba itself and SciPy; what is not there is left out, and what fails is said in a warning.
"""

from __future__ import annotations

import os
import shlex
import shutil
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from math import prod
from typing import Any

from symbptt.calculus import Derivation
from symbptt.compile.c_module import compile_c
from symbptt.compile.function import Arrays, GradientFunction
from symbptt.compile.numba_module import compile_numba
from symbptt.compile.numpy_module import compile_numpy
from symbptt.errors import BindingError, RequestError

Compiler = Callable[[Derivation, int | None], GradientFunction]

#: How many multiplications a step has from which on BLAS is worth its calls.
MANY = 2**22

#: The backends in the order in which they are tried: how each is made, and whether it can be.
LOOPS: dict[str, tuple[Compiler, Callable[[], object]]] = {
    "c": (compile_c, lambda: shutil.which(shlex.split(os.environ.get("CC") or "cc")[0])),
    "numba": (compile_numba, lambda: find_spec("numba") and find_spec("scipy")),
}


def compile_auto(derivation: Derivation, T: int | None = None) -> GradientFunction:
    """The derivation as a function that chooses a backend for each call; its ``source`` is that of
    NumPy's module, which can run everywhere."""
    plain = compile_numpy(derivation, T)
    able = [name for name, (_, is_there) in LOOPS.items() if is_there()]
    left = able if isinstance(derivation, Derivation) else []

    @cache
    def loops(name: str) -> GradientFunction:
        return LOOPS[name][0](derivation, T)

    def called(params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        while left and multiplications(plain, params, inputs) < MANY:
            try:
                return loops(left[0])(params, inputs)
            except RequestError as error:  # there is a compiler, and it fails
                failed = left.pop(0)
                warnings.warn(
                    f"the backend {failed} can't be used here: {error}; "
                    f"{left[0] if left else 'numpy'} is used instead",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return plain(params, inputs)

    return GradientFunction(
        derivation.model, "auto", plain.source, T, called, BindingError, plain.truncation
    )


def multiplications(f: GradientFunction, params: Arrays, inputs: Arrays) -> int:
    """How many numbers a step multiplies by those of matrices, in all samples; of what is no dict
    of arrays, which every backend refuses alike, as many as make it NumPy's."""
    if not (isinstance(params, Mapping) and isinstance(inputs, Mapping)):
        return MANY
    shapes = {v: _shape(inputs.get(v.name)) for v in f.model.given}
    batches = (s[1] for v, s in shapes.items() if len(s) == 2 + sum(d != 1 for d in v.shape))
    matrices = map(_shape, params.values())
    return next(batches, 1) * sum(prod(s) for s in matrices if len(s) == 2)


def _shape(array: object) -> tuple[int, ...]:
    return getattr(array, "shape", ())
