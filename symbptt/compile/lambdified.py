"""The backend ``lambdify``: SymPy's ``lambdify`` of the derivation, unrolled for one T.

Every value, adjoint and gradient is a name of its own, so the function grows as T does and no
faster.  Arrays have the shape of the mathematics with the batch in front: ``(B, r, c)``, and
``(r, c)`` for parameters, so that every product is ``@`` and everything else broadcasts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol
from sympy.printing.numpy import NumPyPrinter

from symbptt.calculus import Derivation, unroll
from symbptt.calculus import nodes as nd
from symbptt.calculus.derivation import written_out, written_recursions
from symbptt.compile.function import Arrays, GradientFunction
from symbptt.compile.loader import load_module
from symbptt.compile.numpy_code import dimension_name, number
from symbptt.compile.numpy_functions import INLINE, function_name, helper, with_needs
from symbptt.compile.numpy_module import array_tables
from symbptt.compile.template import fill
from symbptt.model import initial_key


def compile_lambdified(derivation: Derivation, T: int | None) -> GradientFunction:
    """The derivation unrolled for ``T`` steps, as one long NumPy function."""
    assert T is not None
    model = derivation.model
    network = Unrolled.of(derivation, T)
    printer = LayoutPrinter()
    function = sp.lambdify(
        [*network.sizes, *network.leaves.values()],
        list(network.results.values()),
        modules=[{}, "numpy"],
        printer=printer,
        # The statements in order, in place of common subexpressions.
        cse=lambda results: (network.statements, results),
    )
    helpers = with_needs(list(dict.fromkeys(printer.helpers)))
    module = load_module(
        fill(
            "lambdify.py.jinja",
            imports=sorted({name for h in helpers for name in helper(h).imports}),
            helpers=[helper(h).source.strip() for h in helpers],
            T=T,
            **array_tables(model),
        ),
        "lambdify",
    )
    function.__globals__.update(vars(module))

    def run(params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        given = module.Arrays(params, inputs)
        sizes = [given.sizes[dimension_name(d.name)] for d in network.sizes]
        values = function(*sizes, *(_laid_out(leaf, given) for leaf in network.leaves))
        found = dict(zip(network.results, values, strict=True))
        return given.result(
            np.sum(np.broadcast_to(found.pop(""), (given.B, 1, 1))),
            {key: _gathered(key, found, given, network) for key in network.keys},
        )

    source = inspect.getsource(function)
    return GradientFunction(model, "lambdify", source, T, run, module.ArrayError)
