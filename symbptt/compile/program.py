"""What a gradient function computes: statements, each in its loop, between derivation and code.

A derivation says what equals what; a program says in which loop over t each value is computed
and at which steps.  Backends print programs.  What moves statements between loops belongs
here, as a function from program to program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import sympy as sp
from sympy.matrices.expressions import HadamardProduct, MatrixExpr

from symbptt.calculus import AnyDerivation, Derivation
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Contribution, Recursion
from symbptt.calculus.spans import Span
from symbptt.compile.stable import stable
from symbptt.model import EVERY, Model, Steps, Variable, initial_key


class Loop(StrEnum):
    """Where a statement stands: in the loop of one of the model's passes, or behind all."""

    FORWARD = "forward"  # a pass over time
    BACKWARD = "backward"  # the same pass, the other way
    AFTER = "after"  # once, at the end (of a window): initial values, penalties
    DIRECT = "direct"  # what no window cuts off


class Quantity(StrEnum):
    """What a statement computes."""

    VALUE = "value"  # v_t
    LOSS = "loss"  # L, a sum over t
    ADJOINT = "adjoint"  # δ^v_t
    SHARED = "shared"  # ε^v_t, a part of what δ^v_t is used in
    GRADIENT = "gradient"  # ∂L/∂p of a parameter, a sum over t
    INPUT = "input"  # ∂L/∂x_t
    INITIAL = "initial"  # ∂L/∂h_0
    TANGENT = "tangent"  # R{v_t}, R{δ^v_t}: what changes along a direction


@dataclass(frozen=True)
class Part:
    """A summand, there at some steps only; ``present`` are adjoints that may not exist.

    ``within`` is what it asks of a window of truncated BPTT.
    """

    expression: MatrixExpr
    steps: Steps = EVERY
    present: tuple[nd.Adjoint, ...] = ()
    within: str = ""


@dataclass(frozen=True)
class Statement:
    """``key = (part + part + …) ⊙ factor`` at ``steps``; LOSS and GRADIENT add up over t.

    ``stage`` numbers the model's passes over time; ``span`` is what a window of truncated BPTT has
    of it.
    """

    loop: Loop
    quantity: Quantity
    key: str
    symbol: MatrixExpr
    parts: tuple[Part, ...]
    steps: Steps = EVERY
    factor: MatrixExpr | None = None
    source: str = ""
    stage: int = 0
    within: str = ""
    span: Span | None = None


@dataclass(frozen=True)
class Program:
    """All statements in order, each in its loop; ``inputs`` are those with a gradient."""

    model: Model
    statements: tuple[Statement, ...]
    inputs: tuple[Variable, ...] = ()

    @property
    def gradient_keys(self) -> tuple[str, ...]:
        """What there is a gradient of: parameters, initial values, inputs on request."""
        return (
            *(v.name for v in self.model.parameters),
            *(initial_key(v.name, s) for v, s in self.model.initial_values),
            *(v.name for v in self.inputs),
        )

    def of(
        self, loop: Loop, *quantities: Quantity, stage: int | None = None
    ) -> tuple[Statement, ...]:
        """The statements of a loop, in order (of some quantities, or of one pass, if named)."""
        return tuple(
            s
            for s in self.statements
            if s.loop is loop
            and (not quantities or s.quantity in quantities)
            and stage in (None, s.stage)
        )


def program(derivation: Derivation) -> Program:
    """The forward pass as the equations stand, the backward pass as derived."""
    return Program(
        derivation.model,
        (*forward(derivation), *_backward(derivation), *_after(derivation)),
        derivation.model.given if derivation.inputs else (),
    )


def forward(d: AnyDerivation) -> Iterator[Statement]:
    """The equations and the loss as they stand."""
    for name, rhs in d.engine.right_sides.items():
        yield Statement(
            Loop.FORWARD,
            Quantity.VALUE,
            name,
            d.engine.symbol(name),
            (Part(rhs),),
            source=d.model.equation(name).source,
            stage=d.model.stage_of(name),
        )
    for part, scalar in zip(d.model.loss, d.engine.losses, strict=True):
        yield Statement(
            Loop.AFTER if part.steps.once else Loop.FORWARD,
            Quantity.LOSS,
            d.model.loss_name,
            scalar,
            (Part(stable(scalar, d.engine.right_sides), part.steps),),
            part.steps,
            source=d.model.loss_text,
            stage=len(d.model.stages) - 1,
        )


def _backward(d: Derivation) -> Iterator[Statement]:
    found = d.condensed
    for name, recursion in found.recursions.items():
        expressions, factor = shared_factor([c.expression for c in recursion.contributions])
        parts = [
            part
            for c, e in zip(recursion.contributions, expressions, strict=True)
            for part in _parts(c, e, d)
        ]
        yield Statement(
            Loop.BACKWARD,
            Quantity.ADJOINT,
            name,
            recursion.symbol,
            together(parts),
            recursion.support,
            factor,
            stage=d.model.stage_of(name),
        )
    for name, gradient in found.gradients.items():
        for c in gradient.contributions:
            yield Statement(
                Loop.AFTER if c.steps.once else Loop.BACKWARD,
                Quantity.GRADIENT,
                name,
                gradient.symbol,
                tuple(_parts(c, c.expression, d)),
                c.steps,
                stage=stage_of(c, d),
            )
    if d.inputs:
        for v in d.model.given:
            if v.name in found.inputs:
                r = found.inputs[v.name]
                parts = [p for c in r.contributions for p in _parts(c, c.expression, d)]
                # Each in a loop behind all others: an input may be used at any step around its own.
                stage = 0 if len(d.model.stages) == 1 and d.model.is_causal else -1
                yield Statement(
                    Loop.BACKWARD,
                    Quantity.INPUT,
                    v.name,
                    r.symbol,
                    tuple(parts),
                    r.support,
                    stage=stage,
                )


def _after(d: Derivation) -> Iterator[Statement]:
    for (name, s), expression in d.condensed.initial.items():
        symbol = d.engine.symbol(name, s)
        parts = tuple(_split(Part(expression), d))
        yield Statement(Loop.AFTER, Quantity.INITIAL, initial_key(name, s), symbol, parts)


def stage_of(c: Contribution, d: AnyDerivation) -> int:
    """The pass whose loop has computed all that a contribution to a gradient names."""
    named = (d.model.stage_of(a.name) for a in al.find(c.expression, nd.Adjoint))
    return min(named, default=len(d.model.stages) - 1)


# -- parts ------------------------------------------------------------------------------------


def together(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts with those that fill blocks of one stack, under the same conditions, as one."""
    found: list[Part] = []
    for part in parts:
        for i, other in enumerate(found):
            both = al.plus(other.expression, part.expression)
            if isinstance(both, nd.Stack) and replace(other, expression=both) == replace(
                part, expression=both
            ):
                found[i] = replace(part, expression=both)
                break
        else:
            found.append(part)
    return tuple(found)


def shared_factor(expressions: list[MatrixExpr]) -> tuple[list[MatrixExpr], MatrixExpr | None]:
    """``[a ⊙ c, b ⊙ c]`` as ``[a, b]`` and ``c``: what all have in common, taken out."""
    if len(expressions) < 2 or al.is_scalar(expressions[0]):
        return expressions, None
    split = [al.coefficient(e) for e in expressions]
    factors = [list(e.args) if isinstance(e, HadamardProduct) else [e] for _, e in split]
    shared = [f for f in factors[0] if all(f in other for other in factors[1:])]
    rests = [[f for f in own if f not in shared] for own in factors]
    if not shared or not all(rests):
        return expressions, None
    taken = [al.times(many, al.odot(*rest)) for (many, _), rest in zip(split, rests, strict=True)]
    return taken, al.odot(*shared)


def _parts(c: Contribution, expression: MatrixExpr, d: Derivation) -> Iterator[Part]:
    """A contribution as one part, or several where an adjoint that it names may not exist.

    A loss at step 2 alone reaches δ_1 through δ_2, and there is no δ_2 if T = 1.
    """
    part = Part(expression, c.steps)
    recursions = d.condensed.recursions
    if all(_exists(recursions, a, c.steps) for a in al.find(expression, nd.Adjoint)):
        yield part
    else:
        yield from _split(part, d)


def _split(part: Part, d: Derivation) -> Iterator[Part]:
    """One part per adjoint: an expression is linear in the adjoints it names."""
    recursions = d.condensed.recursions
    adjoints = al.find(part.expression, nd.Adjoint)
    sure = [a for a in adjoints if _exists(recursions, a, part.steps)]
    unsure = [a for a in adjoints if a not in sure]

    def without(gone: list[nd.Adjoint]) -> MatrixExpr:
        return al.substitute(part.expression, {a: al.zeros(a.shape) for a in gone})

    rest = without(unsure)
    if not al.is_zero(rest):
        yield Part(rest, part.steps)
    for a in unsure:
        others = [b for b in adjoints if b != a]
        if a.name in recursions:
            yield Part(without(others), part.steps, (a,))


def _exists(recursions: Mapping[str, Recursion], a: nd.Adjoint, steps: Steps) -> bool:
    """Whether an adjoint is computed wherever a part that names it is there."""
    recursion = recursions.get(a.name)
    if recursion is None:
        return False
    support = recursion.support
    if not a.index.has(nd.t):
        return always(lambda T: int(a.index.xreplace({nd.T: sp.Integer(T)})) in support.at(T))
    lag = int(a.index - nd.t)
    return always(lambda T: {s + lag for s in steps.at(T)} <= set(support.at(T)), steps, support)


def always(holds: Callable[[int], bool], *steps: Steps) -> bool:
    """Whether something about steps holds for sequences of every length.

    Steps lie at fixed distances from either end, so beyond the length at which the ends no
    longer overlap nothing new happens: trying the lengths up to there is a proof.
    """
    ends = [abs(i.offset) for s in steps for i in (s.members or (s.first, s.last))]
    return all(holds(T) for T in range(1, 2 * max(ends, default=1) + 4))


def covers(outer: Steps, inner: Steps) -> bool:
    """Whether steps include others, whatever T."""
    return always(lambda T: set(inner.at(T)) <= set(outer.at(T)), outer, inner)


def partition(a: Steps, b: Steps, whole: Steps) -> bool:
    """Whether two sets of steps make up a third without sharing a step, whatever T."""
    return always(lambda T: sorted((*a.at(T), *b.at(T))) == list(whole.at(T)), a, b, whole)
