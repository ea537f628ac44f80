"""The R-operator: a program, and the derivative of all that it computes along a direction.

With ``R{v} = d/dε v(θ + ε u)`` at ε = 0, each statement gets a second one, its differential by
the table of pushforward rules: of a value its tangent, of an adjoint the change of the adjoint,
and of a gradient the product ``H u`` of the Hessian and the direction.  It costs about as much
again as the gradient: B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural
Computation 6 (1994), eqs. 3-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.tangent import pushforward
from symbptt.compile.program import Part, Program, Quantity, Statement
from symbptt.model import Model

#: Statements that compute a quantity of each step, and those that sum into a gradient.
STEPWISE = (Quantity.VALUE, Quantity.ADJOINT, Quantity.SHARED)
GRADIENTS = (Quantity.GRADIENT, Quantity.INITIAL)


def operated(name: str) -> str:
    """The name of a tangent.

    >>> operated("h")
    'R{h}'
    """
    return f"R{{{name}}}"


def label(leaf: MatrixExpr) -> str:
    """A symbol's name, an adjoint's as ``δ^h``."""
    return f"δ^{leaf.name}" if isinstance(leaf, nd.Adjoint) else str(leaf.name)


def with_tangents(program: Program) -> Program:
    """The program with the tangent of every statement that the direction moves after it."""
    moving = _moving(program)
    statements = (both for s in program.statements for both in (s, *_tangent(s, moving)))
    return replace(program, statements=tuple(statements))


def initially_moving(model: Model) -> frozenset[str]:
    """What a direction changes itself: parameters, and what has initial values of its own."""
    starts = {v.name for v, _ in model.initial_values}
    return frozenset({v.name for v in model.parameters} | starts)


def _moving(program: Program) -> frozenset[str]:
    """The symbols that a direction changes: parameters, and all that is computed from them."""
    moving = set(initially_moving(program.model))
    starts = {(name, s.name) for (name, _), s in program.model.initial.items() if s is not None}
    growing = True
    while growing:
        started = {name for name, source in starts if source in moving} - moving
        moving |= started
        growing = bool(started)
        for s in program.statements:
            if s.quantity in STEPWISE and label(s.symbol) not in moving:
                named = {label(leaf) for e in expressions(s) for leaf in _leaves(e)}
                if named & moving:
                    moving.add(label(s.symbol))
                    growing = True
    return frozenset(moving)


def expressions(s: Statement) -> Iterator[MatrixExpr]:
    """What a statement computes: its parts, and their factor."""
    yield from (part.expression for part in s.parts)
    if s.factor is not None:
        yield s.factor


def _leaves(e: MatrixExpr) -> list[MatrixExpr]:
    return al.find(e, (nd.At, MatrixSymbol))


def _tangent(s: Statement, moving: frozenset[str]) -> Iterator[Statement]:
    """The statement that computes the change of what a statement computes."""

    def leaf(e: MatrixExpr) -> MatrixExpr:
        if label(e) not in moving:
            return al.zeros(e.shape)
        name = operated(label(e))
        symbol = isinstance(e, MatrixSymbol)
        return MatrixSymbol(name, *e.shape) if symbol else nd.At(name, e.index, *e.shape)

    def change(e: MatrixExpr) -> MatrixExpr:
        named = s.quantity in (Quantity.VALUE, Quantity.SHARED)
        return pushforward(e, leaf, s.symbol if named else e)

    def whole(e: MatrixExpr) -> MatrixExpr:
        if s.factor is None:
            return change(e)
        return al.plus(al.odot(change(e), s.factor), al.odot(e, change(s.factor)))

    if s.quantity not in (*STEPWISE, *GRADIENTS):
        return
    parts = (replace(part, expression=whole(part.expression)) for part in s.parts)
    kept = tuple(part for part in parts if not al.is_zero(part.expression))
    stepwise = s.quantity in STEPWISE
    computed = s.quantity is Quantity.INITIAL or (stepwise and label(s.symbol) in moving)
    if kept or computed:
        quantity = Quantity.TANGENT if stepwise else s.quantity
        key = operated(label(s.symbol) if stepwise else s.key)
        nothing = (Part(al.zeros(s.symbol.shape), s.steps),)
        yield replace(s, quantity=quantity, key=key, parts=kept or nothing, factor=None, source="")
