"""A model's equations, run forward in any arithmetic: dual numbers modulo p, complex floats.

It reads the model's own terms, which the derivation is not part of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add, matmul, mul
from typing import Any, Protocol

from symbptt.evidence.residues import Size
from symbptt.model import terms as tm
from symbptt.model.model import Model, outside

#: A symbol at a step; a parameter has no step.
Place = tuple[str, int | None]

#: A matrix in the arithmetic at hand.
X = Any


class Functions(Protocol):
    """What an arithmetic must provide besides ``+ * @ .T total scaled``.

    ``placing(n, start, count)`` is the n×count matrix that puts ``count`` entries behind
    ``start`` zeros: ``[a; b]`` is ``placing(n + m, 0, n) a + placing(n + m, n, m) b``.
    """

    @property
    def sizes(self) -> Mapping[str, int]: ...
    def constant(self, q: Any, size: Size) -> X: ...
    def placing(self, n: int, start: int, count: int) -> X: ...
    def power(self, a: X, exponent: Any) -> X: ...
    def activation(self, function: str, a: X) -> X: ...
    def vector_function(self, function: str, a: X) -> X: ...
    def abstract(self, function: str, size: Size, arguments: Any) -> X: ...
    def held(self, a: X) -> X: ...


def size_of(shape: tm.Shape, sizes: Mapping[str, int]) -> Size:
    """A shape with its dimensions put in.

    >>> size_of(("n", 1), {"n": 3})
    (3, 1)
    """
    return tm.size(shape[0], sizes), tm.size(shape[1], sizes)


def evaluate(term: tm.Term, read: Callable[[str, tm.Index | None], X], A: Functions, T: int) -> X:
    """The value of a term in a sequence of T steps; ``read`` gives the values of its symbols."""

    def value(term: tm.Term) -> X:
        match term:
            case tm.Ref(name, index):
                return read(name, index)
            case tm.Constant(q):
                return A.constant(q, size_of(term.shape, A.sizes))
            case tm.Horizon():
                return A.constant(T, (1, 1))
            case tm.Extent(dim):
                return A.constant(tm.size(dim, A.sizes), (1, 1))
            case tm.Plus(terms):
                return reduce(add, map(value, terms))
            case tm.Scaled(scalar, operand):
                return value(operand).scaled(value(scalar))
            case tm.Matmul(factors):
                return reduce(matmul, map(value, factors))
            case tm.Odot(factors):
                return reduce(mul, map(value, factors))
            case tm.Raised(base, exponent):
                return A.power(value(base), exponent)
            case tm.Stack(parts):
                n = max(size_of(term.shape, A.sizes))
                found, start = [], 0
                for part in parts:
                    count = max(size_of(part.shape, A.sizes))
                    E = A.placing(n, start, count)
                    found.append(E @ value(part) if term.shape[1] == 1 else value(part) @ E.T)
                    start += count
                return reduce(add, found)
            case tm.Part(operand, which):
                n, count = (max(size_of(x.shape, A.sizes)) for x in (operand, term))
                E = A.placing(n, (which - 1) * count, count)
                return E.T @ value(operand) if operand.shape[1] == 1 else value(operand) @ E
            case tm.Transposed(operand):
                return value(operand).T
            case tm.Mapped(function, operand):
                return A.activation(function, value(operand))
            case tm.VectorMapped(function, operand):
                return A.vector_function(function, value(operand))
            case tm.Total(operand):
                return value(operand).total()
            case tm.Abstract(function, arguments):
                size = size_of(term.shape, A.sizes)
                return A.abstract(function, size, [value(a) for a in arguments])
            case tm.Named(expansion=expansion):
                return value(expansion)
        raise AssertionError(f"no arithmetic for {type(term).__name__}")

    return value(term)


def changes(term: tm.Term, read: Callable[[str, tm.Index | None], X]) -> bool:
    """Whether some symbol of a term changes, where symbols are dual numbers."""
    return any(read(name, index).tangent is not None for name, index in term.symbols)


@dataclass(frozen=True)
class Trace:
    """A forward pass: the value of every symbol at every step, and the loss, when it is asked for.

    ``share`` is what a part of the loss, by its place in the model, adds at a step.
    """

    model: Model
    T: int
    read: Callable[[str, int | None], X]
    share: Callable[[int, int], X]
    nothing: X

    @cached_property
    def loss(self) -> X:
        """The loss of the steps, for each sample of a batch."""
        return self._total(once=False)

    @cached_property
    def penalty(self) -> X:
        """What the loss has once."""
        return self._total(once=True)

    def _total(self, *, once: bool) -> X:
        parts = enumerate(part.steps for part in self.model.loss)
        shares = (self.share(i, t) for i, steps in parts if steps.once is once
                  for t in steps.at(self.T))  # fmt: skip
        return reduce(add, shares, self.nothing)


def run(
    model: Model,
    T: int,
    given: Callable[[str, int | None], X],
    A: Functions,
    node: Callable[[str, int, X], X] = lambda name, step, value: value,
    held: Callable[[str, int], bool] = lambda name, step: False,
    known: Trace | None = None,
) -> Trace:
    """Run a model for T steps, as far as is asked, and sum its loss and its penalties.

    ``given`` supplies parameters (step None), inputs, and initial values (steps outside 1…T) that
    the model does not fix.  ``node`` may change each computed value before it is used; what is
    ``held`` at a step is used as a constant.  Dual numbers may have a pass without any change
    ``known``: what doesn't change is taken from it.
    """
    values: dict[Place, X] = {}
    ahead = deque(model.forward_pass(T))
    computed = frozenset(ahead)

    def read_at(name: str, step: int | None) -> X:
        key = name, step
        while key not in values and key in computed and ahead:
            compute(*ahead.popleft())
        if key not in values:
            start = None if step is None else outside(step, T)
            if start is not None and (name, start) in model.initial:
                values[key] = starting_value(model, T, name, start, read_at, A)
            else:
                values[key] = given(name, step)
            if step is not None and held(name, step):
                values[key] = A.held(values[key])
        return values[key]

    def at(t: int) -> Callable[[str, tm.Index | None], X]:
        return lambda name, index: read_at(name, None if index is None else index.at(t, T))

    def compute(name: str, t: int) -> None:
        rhs = model.equation(name).rhs
        still = known is not None and not changes(rhs, at(t))
        found = known.read(name, t) if known and still else evaluate(rhs, at(t), A, T)
        value = node(name, t, found)
        values[name, t] = A.held(value) if held(name, t) else value

    shares: dict[tuple[int, int], X] = {}

    def share(part: int, t: int) -> X:
        if (part, t) not in shares:
            term = model.loss[part].term
            still = known is not None and not changes(term, at(t))
            shares[part, t] = known.share(part, t) if known and still else evaluate(
                term, at(t), A, T
            )  # fmt: skip
        return shares[part, t]

    return Trace(model, T, read_at, share, A.constant(0, (1, 1)))


def free_values(A: Any, model: Model, sizes: Mapping[str, int]) -> Callable[[str, int | None], X]:
    """Free values for what a model is given, by symbol and step."""
    return lambda name, step: A.free((name, step), size_of(model.variables[name].shape, sizes))


def starting_value(
    model: Model,
    T: int,
    name: str,
    step: tm.Index,
    read: Callable[[str, int | None], X],
    A: Functions,
) -> X:
    """The initial value that a model fixes: a parameter, the last value of a state, or zero."""
    start = model.initial[name, step]
    if start is not None:
        return read(start.name, None if start.step is None else start.step.at(0, T))
    return A.constant(0, size_of(model.variables[name].shape, A.sizes))
