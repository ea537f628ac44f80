"""The derivation's expressions, evaluated at a point in any exact arithmetic.

This is the reader of claims: it says what a formula means, node by node, and nothing about
where the formula came from.  A reference to a step that doesn't exist is :class:`BrokenClaimError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add, matmul, mul
from typing import Any

import sympy as sp
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    Identity,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)

from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Recursion
from symbptt.evidence import atoms
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.residues import BrokenClaimError, Size
from symbptt.model.model import Model, outside


class AbsentAdjointError(BrokenClaimError):
    """An adjoint outside its support: zero, where a step named by number reads it."""


class UndecidedError(Exception):
    """An expression that exact arithmetic has no meaning for; the message says which."""


@dataclass(frozen=True)
class Scene:
    """Where an expression is evaluated: sizes, T, and the values of symbols and adjoints.

    ``window`` has the adjoints of each window of a truncated derivation, by its last step,
    ``sensitivity`` the derivatives that a forward derivation carries.
    """

    model: Model
    A: Arithmetic
    sizes: Mapping[str, int]
    T: int
    read: Callable[[str, int | None], X]
    adjoint: Callable[[str, int], X]
    window: Callable[[str, int, int], X] | None = None
    sensitivity: Callable[[jn.Sensitivity, int], X] | None = None

    def value(self, expression: MatrixExpr, t: int | None = None) -> X:
        """An expression's value at step t."""
        steps = {nd.T: self.T} if t is None else {nd.T: self.T, nd.t: t}
        return evaluate(expression, self, steps)

    def has(self, a: nd.At) -> bool:
        """Whether a symbol, or an adjoint, is there at its step."""
        step = int(a.index)
        return 1 <= step <= self.T if isinstance(a, nd.Adjoint) else self._is_step(a.name, step)

    def _is_step(self, name: str, step: int) -> bool:
        start = outside(step, self.T)
        return start is None or start in self.model.variables[name].initial_steps

    def symbol(self, name: str, step: int) -> X:
        """A time-indexed symbol; :class:`BrokenClaimError` at a step where it has no value."""
        if not self._is_step(name, step):
            raise BrokenClaimError(f"reads {name}_{step}, but T = {self.T}")
        return self.read(name, step)


def backward_order(
    model: Model,
    recursions: Mapping[str, Recursion],
    T: int,
    before: tuple[str, int] | None,
    adjoint: Callable[[str, int], X],
) -> Callable[[str, int], X]:
    """Adjoints as a backward pass has them: those that have recursions, at the steps of their
    supports, and only such as it computes ``before`` another — in a pass before, at a step before
    or at the same step and earlier in the order of the recursions."""
    order = list(recursions)
    latest = None if before is None or before[0] not in order else before

    def moment(name: str, step: int) -> tuple[int, int, int]:
        """When an adjoint is computed: passes last to first, each against its direction."""
        i = model.stage_of(name)
        return -i, step if model.stages[i].reverse else -step, order.index(name)

    def known(name: str, step: int) -> X:
        if name not in order:
            raise BrokenClaimError(f"reads δ^{name}, which the backward pass doesn't compute")
        if not 1 <= step <= T:
            raise BrokenClaimError(f"reads δ^{name}_{step}, but the steps are 1…{T}")
        if step not in recursions[name].support.at(T):
            raise AbsentAdjointError(f"reads δ^{name}_{step}, which is not computed where T = {T}")
        if latest is not None and moment(name, step) >= moment(*latest):
            raise BrokenClaimError(f"reads δ^{name}_{step} before it is computed")
        return adjoint(name, step)

    return known


Steps = Mapping[sp.Symbol, int]


def evaluate(e: MatrixExpr, scene: Scene, steps: Steps) -> X:
    """An expression's value; ``steps`` gives the numbers that t, T and bound indices stand for."""
    if type(e) not in MEANING:
        raise UndecidedError(f"{type(e).__name__} has no meaning in exact arithmetic")
    return MEANING[type(e)](e, scene, steps)


def _count(value: sp.Expr, scene: Scene, steps: Steps) -> int:
    known = {s: scene.sizes[s.name] for s in value.free_symbols if s.name in scene.sizes}
    return whole(value, {**steps, **known}, "the number")


def whole(e: sp.Expr, steps: Steps, e_is: str) -> int:
    """The number that a step or a size comes to."""
    number = nd.number(e).xreplace({s: sp.Integer(v) for s, v in steps.items()})
    if not number.is_Integer:
        raise UndecidedError(f"{e_is} {e} is no whole number")
    return int(number)


def _dim(dim: sp.Expr, scene: Scene) -> int:
    if dim.is_Symbol:
        return scene.sizes[dim.name]
    known = {s: scene.sizes[s.name] for s in dim.free_symbols}
    return whole(dim, known, "the dimension")


def matrix_size(e: MatrixExpr, scene: Scene) -> Size:
    """An expression's shape with its dimensions put in."""
    return _dim(e.shape[0], scene), _dim(e.shape[1], scene)


def _fraction(number: sp.Expr) -> Fraction:
    if not number.is_Rational:
        raise UndecidedError(f"{number} is no rational number")
    return Fraction(int(number.p), int(number.q))


def _sized(value: X, e: MatrixExpr, scene: Scene) -> X:
    """The value of a symbol, which must have the shape that the expression says."""
    if value.size != matrix_size(e, scene):
        raise BrokenClaimError(f"{e.args[0]} has another shape than its symbol")
    return value


def _at(e: nd.At, scene: Scene, steps: Steps) -> X:
    return _sized(scene.symbol(e.name, whole(e.index, steps, "the step")), e, scene)


def _adjoint(e: nd.Adjoint, scene: Scene, steps: Steps) -> X:
    try:
        return _sized(scene.adjoint(e.name, whole(e.index, steps, "the step")), e, scene)
    except AbsentAdjointError:
        if not e.index.is_Integer:
            raise
        return scene.A.constant(0, matrix_size(e, scene))


def _window_adjoint(e: nd.WindowAdjoint, scene: Scene, steps: Steps) -> X:
    step, end = whole(e.index, steps, "the step"), whole(e.end, steps, "the window")
    if scene.window is None:
        raise BrokenClaimError(f"reads {e}, but nothing is truncated")
    return _sized(scene.window(e.name, step, end), e, scene)


def _sensitivity(e: jn.Sensitivity, scene: Scene, steps: Steps) -> X:
    if scene.sensitivity is None:
        raise BrokenClaimError(f"reads {e}, which a backward pass doesn't compute")
    return scene.sensitivity(e, whole(e.of.index, steps, "the step"))


def _product(e: MatMul, scene: Scene, steps: Steps) -> X:
    numbers = [f for f in e.args if not isinstance(f, MatrixExpr)]
    factors = [evaluate(f, scene, steps) for f in e.args if isinstance(f, MatrixExpr)]
    product = reduce(matmul, factors)
    if not numbers:
        return product
    number = _fraction(sp.Mul(*numbers))
    return product.scaled(scene.A.constant(number, (1, 1)))


def _parts(e: MatrixExpr, scene: Scene, steps: Steps) -> list[X]:
    return [evaluate(a, scene, steps) for a in e.args]


def _map(e: nd.Map, scene: Scene, steps: Steps) -> X:
    if e.order > 1:
        raise UndecidedError(f"{e.function} is differentiated {e.order} times")
    meaning = (atoms.value, atoms.derivative)[e.order]
    return meaning(scene.A, e.function, evaluate(e.operand, scene, steps))


def _vector_map(e: nd.VectorMap, scene: Scene, steps: Steps) -> X:
    value, _ = atoms.VECTOR_FUNCTIONS[e.function]
    return value(scene.A, evaluate(e.operand, scene, steps))


def _abstract(e: nd.Abstract, scene: Scene, steps: Steps) -> X:
    arguments = [evaluate(a, scene, steps) for a in e.arguments]
    return atoms.polynomial(scene.A, e.function, matrix_size(e, scene), arguments)[0]


def _partial(e: nd.Partial, scene: Scene, steps: Steps) -> X:
    arguments = [evaluate(a, scene, steps) for a in e.value.arguments]
    size = matrix_size(e.value, scene)
    _, slopes = atoms.polynomial(scene.A, e.value.function, size, arguments)
    # The columns that belong to the argument, chosen by a product: C with its ones there.
    before = sum(a.size[0] * a.size[1] for a in arguments[: e.which])
    entries = arguments[e.which].size[0] * arguments[e.which].size[1]
    mine = slopes @ scene.A.placing(slopes.size[1], before, entries)
    return mine.reshaped(matrix_size(e, scene))


def _stack(e: nd.Stack, scene: Scene, steps: Steps) -> X:
    parts = [evaluate(a, scene, steps) for a in e.parts]
    if e.shape[1] == nd.ONE:
        return scene.A.stacked(parts)
    return scene.A.stacked([a.T for a in parts]).T


def _block(e: nd.Block, scene: Scene, steps: Steps) -> X:
    whole = evaluate(e.operand, scene, steps)
    start, size = _dim(e.start, scene), _dim(e.size, scene)
    if e.operand.shape[1] == nd.ONE:
        return scene.A.placing(whole.size[0], start, size).T @ whole
    return whole @ scene.A.placing(whole.size[1], start, size)


def span(e: nd.TimeSum, steps: Steps) -> list[int]:
    """The steps that a sum runs over."""
    numbers = {s: sp.Integer(v) for s, v in steps.items() if s != e.index}
    return [int(s) for s in e.steps.xreplace(numbers)]


def _time_sum(e: nd.TimeSum, scene: Scene, steps: Steps) -> X:
    # A set that names steps, {2, T}, means those there are; a range must lie within 1…T.
    summed = span(e, steps)
    if isinstance(e.steps, sp.FiniteSet):
        there = [e.body.xreplace({e.index: sp.Integer(s)}) for s in summed if 1 <= s <= scene.T]
        terms = [evaluate(body, scene, steps) for body in there]
        return reduce(add, terms, scene.A.constant(0, matrix_size(e, scene)))
    outside = [s for s in summed if not 1 <= s <= scene.T]
    if outside:
        raise BrokenClaimError(f"a sum over time runs to step {outside[-1]}, outside 1…{scene.T}")
    terms = [evaluate(e.body, scene, {**steps, e.index: s}) for s in summed]
    return reduce(add, terms) if terms else scene.A.constant(0, matrix_size(e, scene))


def _time_product(e: nd.TimeProduct, scene: Scene, steps: Steps) -> X:
    factors = [evaluate(e.body, scene, {**steps, e.index: s}) for s in span(e, steps)]
    return reduce(matmul, factors) if factors else scene.A.identity(matrix_size(e, scene)[0])


def vec(x: X) -> X:
    """The entries of a matrix as a column, column by column."""
    return x.T.reshaped((x.size[0] * x.size[1], 1))


#: What each kind of node means.
MEANING: dict[type, Callable[[Any, Scene, Steps], X]] = {
    nd.At: _at,
    nd.Adjoint: _adjoint,
    nd.WindowAdjoint: _window_adjoint,
    MatrixSymbol: lambda e, scene, steps: _sized(scene.read(e.name, None), e, scene),
    OneMatrix: lambda e, scene, steps: scene.A.constant(1, matrix_size(e, scene)),
    ZeroMatrix: lambda e, scene, steps: scene.A.constant(0, matrix_size(e, scene)),
    Identity: lambda e, scene, steps: scene.A.identity(matrix_size(e, scene)[0]),
    MatAdd: lambda e, scene, steps: reduce(add, _parts(e, scene, steps)),
    MatMul: _product,
    HadamardProduct: lambda e, scene, steps: reduce(mul, _parts(e, scene, steps)),
    HadamardPower: lambda e, scene, steps: atoms.power(
        scene.A, evaluate(e.base, scene, steps), _fraction(e.exp)
    ),
    Transpose: lambda e, scene, steps: evaluate(e.arg, scene, steps).T,
    DiagMatrix: lambda e, scene, steps: scene.A.diagonal(evaluate(e.args[0], scene, steps)),
    nd.Map: _map,
    nd.VectorMap: _vector_map,
    nd.Stack: _stack,
    nd.Block: _block,
    nd.Total: lambda e, scene, steps: evaluate(e.operand, scene, steps).total(),
    nd.Count: lambda e, scene, steps: scene.A.constant(_count(e.value, scene, steps), (1, 1)),
    nd.Scale: lambda e, scene, steps: evaluate(e.operand, scene, steps).scaled(
        evaluate(e.scalar, scene, steps)
    ),
    nd.Abstract: _abstract,
    nd.Partial: _partial,
    nd.TimeSum: _time_sum,
    nd.TimeProduct: _time_product,
    jn.Vec: lambda e, scene, steps: vec(evaluate(e.operand, scene, steps)),
    jn.Commutation: lambda e, scene, steps: scene.A.commutation(*(_dim(d, scene) for d in e.args)),
    jn.Placing: lambda e, scene, steps: scene.A.placing(*(_dim(d, scene) for d in e.args)),
    KroneckerProduct: lambda e, scene, steps: reduce(scene.A.kron, _parts(e, scene, steps)),
    jn.Sensitivity: _sensitivity,
    jn.Immediate: _sensitivity,
}
