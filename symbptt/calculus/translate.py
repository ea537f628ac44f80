"""Terms of a model as SymPy expressions, and the network unrolled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import SupportsIndex

import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.errors import DerivationError
from symbptt.model import terms as tm
from symbptt.model.model import Model, Variable


def leaf(variable: Variable, index: tm.Index | None) -> MatrixExpr:
    """A symbol of the model as an expression."""
    rows, cols = map(nd.dimension, variable.shape)
    if index is None:
        return MatrixSymbol(variable.name, rows, cols)
    return nd.At(variable.name, nd.step(index), rows, cols)


def adjoint(variable: Variable, when: sp.Expr | int) -> nd.Adjoint:
    """``δ^v`` at a step."""
    return nd.Adjoint(variable.name, when, *map(nd.dimension, variable.shape))


def translate(model: Model, term: tm.Term) -> MatrixExpr:
    """A term as a SymPy expression in the symbolic step t."""

    def expr(term: tm.Term) -> MatrixExpr:
        match term:
            case tm.Ref(name, index):
                return leaf(model.variables[name], index)
            case tm.Constant(value):
                rows, cols = map(nd.dimension, term.shape)
                return al.times(sp.Rational(value), al.ones((rows, cols)))
            case tm.Horizon():
                return nd.Count(nd.T)
            case tm.Extent(dim):
                return nd.Count(nd.dimension(dim))
            case tm.Plus(terms):
                return al.plus(*map(expr, terms))
            case tm.Scaled(tm.Constant(value), operand):
                return al.times(sp.Rational(value), expr(operand))
            case tm.Scaled(scalar, operand):
                return al.scale(expr(scalar), expr(operand))
            case tm.Matmul(factors):
                return al.times(*map(expr, factors))
            case tm.Odot(factors):
                return al.odot(*map(expr, factors))
            case tm.Raised(base, exponent):
                return al.raised(expr(base), exponent)
            case tm.Stack(parts):
                return al.stack(*map(nd.dimension, term.shape), *map(expr, parts))
            case tm.Part(operand, which):
                rows, cols = map(nd.dimension, term.shape)
                return al.block(expr(operand), (which - 1) * rows * cols, rows * cols)
            case tm.Transposed(operand):
                return al.transpose(expr(operand))
            case tm.Mapped(function, operand):
                return nd.Map(function, 0, expr(operand))
            case tm.VectorMapped(function, operand):
                return nd.VectorMap(function, expr(operand))
            case tm.Total(operand):
                return al.total(expr(operand))
            case tm.Abstract(function, arguments):
                rows, cols = map(nd.dimension, term.shape)
                return nd.Abstract(function, rows, cols, *map(expr, arguments))
            case tm.Named(expansion=expansion):
                return expr(expansion)
        raise AssertionError(f"no expression for {type(term).__name__}")

    return expr(term)


@dataclass(frozen=True)
class Engine:
    """A model's equations and loss as expressions in t, each translated once."""

    model: Model

    @cached_property
    def right_sides(self) -> dict[str, MatrixExpr]:
        """The right side of each equation, in order of evaluation."""
        return {
            name: translate(self.model, self.model.equation(name).rhs) for name in self.model.order
        }

    @cached_property
    def losses(self) -> tuple[MatrixExpr, ...]:
        """The scalar of each part of the loss."""
        return tuple(translate(self.model, part.term) for part in self.model.loss)

    def symbol(self, name: str, when: sp.Expr | int | tm.Index = nd.t) -> MatrixExpr:
        """A symbol of the model at a step; what has no time index has none."""
        variable = self.model.variables[name]
        if variable.timeless:
            return leaf(variable, None)
        step = nd.step(when) if isinstance(when, tm.Index) else when
        return nd.At(name, step, *map(nd.dimension, variable.shape))


@dataclass(frozen=True, repr=False)
class Graph:
    """The network unrolled for T steps: a value per computed symbol and step, and the loss.

    ``nodes`` maps each computed symbol at each step to its right side, which names other nodes:
    its size is linear in T.  ``edges`` are the (from, to) pairs; ``loss`` lists the loss's parts.
    """

    model: Model
    T: int
    nodes: dict[nd.At, MatrixExpr]
    loss: tuple[MatrixExpr, ...]

    def __repr__(self) -> str:
        return f"<Graph of {self.model.name} for T = {self.T}: {len(self.nodes)} nodes>"

    @cached_property
    def edges(self) -> tuple[tuple[MatrixExpr, MatrixExpr], ...]:
        """(used, user) for every use of a symbol in a node, parameters included."""
        return tuple(
            (used, node)
            for node, rhs in self.nodes.items()
            for used in al.find(rhs, (nd.At, MatrixSymbol))
        )


def unroll(model: Model, T: int) -> Graph:
    """Copy the equations for t = 1…T into a graph of named nodes.

    Raises :class:`DerivationError` unless ``T`` is a positive whole number.
    """
    check_T(T)
    engine = Engine(model)
    length = {nd.T: sp.Integer(T)}
    values = length | started(model, T)
    nodes = {
        engine.symbol(name, s): al.at(engine.right_sides[name], s).xreplace(values)
        for name, s in model.forward_pass(T)
    }
    loss = tuple(
        al.at(term, s).xreplace(length)
        for part, term in zip(model.loss, engine.losses, strict=True)
        for s in part.steps.at(T)
    )
    return Graph(model, T, nodes, loss)


def started(model: Model, T: int) -> dict[MatrixExpr, MatrixExpr]:
    """Initial values that are the last value of another symbol: h_0 is e_T."""
    engine = Engine(model)
    return {
        engine.symbol(name, s.at(0, T)): engine.symbol(start.name, start.step.at(0, T))
        for (name, s), start in model.initial.items()
        if start is not None and start.step is not None
    }


#: The longest sequence that is written out step by step.
LONGEST = 100_000


def check_T(T: object) -> None:
    """Refuse a number of steps that is no positive integer."""
    if not isinstance(T, SupportsIndex) or isinstance(T, bool) or not 1 <= index(T) <= LONGEST:
        raise DerivationError(
            f"T is the number of steps, a whole number from 1 to {LONGEST}, not {str(T)[:40]}"
        )
