"""The backend ``lambdify``: SymPy's ``lambdify`` of the derivation, unrolled for one T.

Every value, adjoint and gradient is a name of its own, so the function grows as T does and no
faster.  Arrays have the shape of the mathematics with the batch in front, ``(B, r, c)``, and
``(r, c)`` for parameters: every product is ``@``, and everything else broadcasts.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import AnyDerivation, unroll
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.derivation import written_out
from symbptt.compile.code import dimension_name
from symbptt.compile.function import Arrays, GradientFunction
from symbptt.compile.identifiers import Names, step_label
from symbptt.compile.loader import load_module
from symbptt.compile.matrix_printer import DTYPE, MatrixPrinter
from symbptt.compile.numpy_functions import helper, with_needs
from symbptt.compile.numpy_module import TAKEN, array_tables
from symbptt.compile.stable import stable
from symbptt.model import Model, initial_key, outside
from symbptt.templating import fill


def compile_lambdified(derivation: AnyDerivation, T: int | None) -> GradientFunction:
    """The derivation unrolled for ``T`` steps, as one long NumPy function."""
    assert T is not None
    model, network = derivation.model, unrolled(derivation, T)
    printer = MatrixPrinter()
    for _, expression in network.statements:
        printer.doprint(expression)  # to learn which functions it calls
    helpers = [helper(name).source.strip() for name in with_needs(printer.helpers)]
    skeleton = fill("compiled/lambdify.py.j2", {"helpers": helpers, **array_tables(model, T)})
    module = load_module(skeleton, "lambdify")
    function = sp.lambdify(
        [DTYPE, *network.sizes, *network.leaves.values()],
        [*network.results.values(), *network.penalties.values()],
        modules=[vars(module)],
        printer=printer,
        # The statements, in order, stand where common subexpressions would.
        cse=lambda results: (network.statements, results),
    )

    def run(params: Arrays, inputs: Arrays) -> tuple[Any, dict[str, Any]]:
        given = module.Arrays(params, inputs)
        sizes = {d: given.sizes[dimension_name(d.name)] for d in network.sizes}
        arrays = [_laid_out(leaf, given, sizes) for leaf in network.leaves]
        results = function(given.dtype, *sizes.values(), *arrays)
        found = {
            key: np.broadcast_to(value, (given.B, *_size(symbol, sizes)))
            for (key, symbol), value in zip(network.results.items(), results, strict=False)
        }
        penalties = dict(zip(network.penalties, results[len(found) :], strict=True))
        loss = np.sum(found.pop(LOSS)) + np.sum(penalties.pop(LOSS, 0))
        grads = _gathered(found, model)
        for (name, *_), penalty in penalties.items():
            grads[name] = grads[name] + penalty
        return given.result(loss, grads)

    source = inspect.getsource(function)
    return GradientFunction(
        model, "lambdify", source, T, run, module.ArrayError, derivation.truncation
    )


#: A result: what the loss is differentiated by, and for an input the step.
Key = tuple[str] | tuple[str, int]
LOSS: Key = ("",)


@dataclass(frozen=True)
class Unrolled:
    """A derivation for one T as statements on named matrices, in an order that computes them.

    ``leaves`` are what is given.  The values of ``leaves``, ``results`` and ``penalties`` and the
    left sides of ``statements`` are symbols whose names are variables of the function.  ``results``
    are for each sample of a batch, ``penalties`` are added to their sums over the batch.
    """

    leaves: dict[MatrixExpr, MatrixSymbol]
    statements: list[tuple[MatrixSymbol, MatrixExpr]]
    results: dict[Key, MatrixSymbol]
    penalties: dict[Key, MatrixSymbol]
    sizes: list[sp.Symbol]


def unrolled(d: AnyDerivation, T: int) -> Unrolled:
    """The network, its adjoints and its gradients, written out for ``T`` steps."""
    start = _initial_values(d, T)
    sizes = sorted(
        {s for v in d.model.variables for n in d.engine.symbol(v).shape for s in n.free_symbols},
        key=lambda s: str(s.name),
    )
    names = Names([*TAKEN, DTYPE.name, *(s.name for s in sizes)])
    leaves: dict[MatrixExpr, MatrixSymbol] = {}
    known: dict[MatrixExpr, MatrixSymbol] = {}
    statements: list[tuple[MatrixSymbol, MatrixExpr]] = []

    def named(name: str, e: MatrixExpr) -> MatrixSymbol:
        """A new statement: the expression, itself in names, under a name."""
        e = e.xreplace({nd.T: sp.Integer(T)})
        # An adjoint that is not computed by now never will be: it is zero.
        dead = {a: al.zeros(a.shape) for a in al.find(e, nd.Adjoint) if a not in known}
        e = al.substitute(e, start | dead)
        for leaf in al.find(e, (nd.At, MatrixSymbol)):
            if leaf not in known:
                leaves[leaf] = known[leaf] = MatrixSymbol(names.new(label(leaf)), *leaf.shape)
        symbol = MatrixSymbol(names.new(name), *e.shape)
        statements.append((symbol, e.xreplace(known)))
        return symbol

    graph = unroll(d.model, T)
    for node, e in graph.nodes.items():
        known[node] = named(label(node), e)
    loss = named("loss", al.plus(al.zeros((1, 1)), *_losses(d, T, once=False)))
    for node, e in d.written(d.condensed, T).items():
        known[node] = named(label(node), e)
    results: dict[Key, MatrixSymbol] = {LOSS: loss}
    for key, e in _gradients(d, T):
        results[key] = named("grad_" + "_".join(map(step_label, map(str, key))), e)
    penalties: dict[Key, MatrixSymbol] = {}
    if once := list(_losses(d, T, once=True)):
        penalties[LOSS] = named("penalty", al.plus(*once))
    for name, gradient in d.condensed.gradients.items():
        if once := [c.expression for c in gradient.contributions if c.steps.once]:
            penalties[name,] = named(f"grad_{name}_penalty", al.plus(*once))
    return Unrolled(leaves, statements, results, penalties, sizes)


def _initial_values(d: AnyDerivation, T: int) -> dict[MatrixExpr, MatrixExpr]:
    """What the model itself says of values outside 1…T: a parameter, the last of a state, zero."""
    found: dict[MatrixExpr, MatrixExpr] = {}
    for (name, s), start in d.model.initial.items():
        symbol = d.engine.symbol(name, s)
        value = al.zeros(symbol.shape)
        if start is not None:
            value = d.engine.symbol(start.name, start.step or nd.t)
        found[symbol] = value
    length = {nd.T: sp.Integer(T)}
    return {symbol.xreplace(length): value.xreplace(length) for symbol, value in found.items()}


def _gradients(d: AnyDerivation, T: int) -> Iterator[tuple[Key, MatrixExpr]]:
    """Each gradient, written out, without what penalties add to it."""
    for name, gradient in d.condensed.gradients.items():
        cs = tuple(c for c in gradient.contributions if not c.steps.once)
        if d.truncation is None:
            terms = [al.at(c.expression, s) for c in cs for s in c.steps.at(T)]
            yield (name,), al.plus(al.zeros(gradient.symbol.shape), *terms)
        else:
            yield (name,), written_out(replace(gradient, contributions=cs).expression, T)
    for (name, s), expression in d.condensed.initial.items():
        yield (initial_key(name, s),), written_out(expression, T)
    for v in d.model.given if d.inputs else ():
        recursion = d.condensed.inputs.get(v.name)
        for t in range(1, T + 1):
            zero = al.zeros(d.engine.symbol(v.name).shape)
            yield (v.name, t), written_out(recursion.at(t, T), T) if recursion else zero


def label(leaf: MatrixExpr) -> str:
    """A name for a value in code: ``h_1``, ``h_m1`` for a step before the first, ``d_h_1``."""
    if isinstance(leaf, MatrixSymbol):
        return str(leaf.name)
    key = step_label(f"{leaf.name}_{leaf.index}")
    return f"d_{key}" if isinstance(leaf, nd.Adjoint) else key


# -- arrays -----------------------------------------------------------------------------------


def _size(e: MatrixExpr, sizes: dict[sp.Symbol, int]) -> tuple[int, ...]:
    return tuple(int(d.xreplace({s: sp.Integer(n) for s, n in sizes.items()})) for d in e.shape)


def _losses(d: AnyDerivation, T: int, *, once: bool) -> Iterator[MatrixExpr]:
    """The loss of each step that bears one; or the penalties."""
    for part, scalar in zip(d.model.loss, d.engine.losses, strict=True):
        if part.steps.once is once:
            safe = stable(scalar, d.engine.right_sides)
            yield from (al.at(safe, s) for s in part.steps.at(T))


def _laid_out(leaf: MatrixExpr, given: Any, sizes: dict[sp.Symbol, int]) -> Any:
    """The array of a leaf: ``(r, c)`` for a parameter, ``(B, r, c)`` for all else."""
    shape = _size(leaf, sizes)
    if isinstance(leaf, MatrixSymbol):
        return given[leaf.name].reshape(shape)
    step = int(leaf.index)
    start = outside(step, given.T)
    if start is not None:
        return given.initial(initial_key(leaf.name, start)).reshape(given.B, *shape)
    return given.steps(leaf.name)[step].reshape(given.B, *shape)


def _gathered(found: dict[Key, Any], model: Model) -> dict[str, Any]:
    """Gradients by name: summed over the batch for parameters, stacked over time for inputs."""
    grads: dict[str, Any] = {}
    for v in model.parameters:
        grads[v.name] = np.sum(found.pop((v.name,)), axis=0)
    for (name, *when), value in found.items():
        if when:
            grads.setdefault(name, []).append(value)
        else:
            grads[name] = value
    return {name: np.stack(g) if isinstance(g, list) else g for name, g in grads.items()}
