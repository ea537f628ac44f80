"""A recurrent model: equations over time-indexed symbols, with roles and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from symbptt.formula.tree import Symbol
from symbptt.model.steps import Steps
from symbptt.model.terms import Index, Ref, Shape, Term, letters


class Role(StrEnum):
    """What a symbol is to the model."""

    PARAMETER = "parameter"  # no time index; its gradient is what we are after
    HYPERPARAMETER = "hyperparameter"  # no time index; given, and no gradient is wanted
    INPUT = "input"  # time-indexed, given
    TARGET = "target"  # time-indexed, given, used by the loss alone
    STATE = "state"  # computed, and used at another step than its own
    COMPUTED = "computed"  # computed, and used at its own step only


@dataclass(frozen=True)
class Variable:
    """A symbol of the model.

    ``spelled`` is the symbol as first written, without its time index.  ``lags`` are the
    distances, in steps, at which it is used: 1 for ``h_{t-1}``, -1 for ``h_{t+1}``.
    """

    name: str
    role: Role
    shape: Shape
    spelled: Symbol
    lags: tuple[int, ...] = (0,)

    @property
    def computed(self) -> bool:
        return self.role in (Role.STATE, Role.COMPUTED)

    @property
    def timeless(self) -> bool:
        """Whether it has no time index."""
        return self.role in (Role.PARAMETER, Role.HYPERPARAMETER)

    @property
    def initial_steps(self) -> tuple[Index, ...]:
        """The steps outside 1…T at which a value is needed: 0 for a lag of 1; 0, -1 for 2.

        What is used at later steps needs values beyond the last: T+1 for ``h_{t+1}``.
        """
        before = (Index("", s) for s in range(0, -max((0, *self.lags)), -1))
        after = (Index("T", s) for s in range(1, 1 - min((0, *self.lags))))
        return (*before, *after)

    @property
    def is_scalar(self) -> bool:
        return self.shape == (1, 1)


@dataclass(frozen=True)
class Start:
    """What a model sets an initial value to: a parameter, or a computed symbol at a step."""

    name: str
    step: Index | None = None


@dataclass(frozen=True)
class Stage:
    """Symbols computed in one pass over time: for t = 1…T or, if ``reverse``, t = T…1.

    Within a step they are computed in the order of ``names``.
    """

    names: tuple[str, ...]
    reverse: bool = False

    def steps(self, T: int) -> range:
        """The steps in the order in which they are computed."""
        return range(T, 0, -1) if self.reverse else range(1, T + 1)


@dataclass(frozen=True)
class Equation:
    """``name_t = rhs``, for t = 1…T."""

    name: str
    rhs: Term
    source: str
    line: int = 1


@dataclass(frozen=True)
class LossTerm:
    """A scalar added to the loss at each of ``steps``; ``steps.once`` marks a penalty."""

    steps: Steps
    term: Term


@dataclass(frozen=True, repr=False)
class Model:
    """A recurrent model whose symbols, shapes and order of evaluation are known.

    ``equations`` stand in the order written, ``stages`` in the order in which they are computed:
    one pass over time for most models, more for a recurrence that runs from T to 1.
    ``initial`` maps (state, step) to where its initial value comes from, or None for zero; what
    is not in it is given with the inputs.
    ``abstract`` holds the functions that are known by name alone, with their numbers of
    arguments; ``bindings`` what they stand for when the model is to be run; ``bound`` what
    those stood for that have been replaced already.  ``notes`` say where a reading of the
    equations that is allowed may not be the one that is meant.
    """

    equations: tuple[Equation, ...]
    stages: tuple[Stage, ...]
    loss: tuple[LossTerm, ...]
    loss_name: str
    variables: Mapping[str, Variable]
    abstract: Mapping[str, int] = field(default_factory=dict)
    initial: Mapping[tuple[str, Index], Start | None] = field(default_factory=dict)
    bindings: Mapping[str, str] = field(default_factory=dict)
    bound: Mapping[str, str] = field(default_factory=dict)
    name: str = "model"
    title: str = ""
    reference: str = ""
    notation: str | None = None
    row_vectors: bool = False
    text: str = ""
    loss_text: str = ""
    functions_text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counts = f"{len(self.equations)} equations, {len(self.parameters)} parameters"
        return f"<{type(self).__name__} {self.name}: {counts}>"

    def __str__(self) -> str:
        return f"{self.text}\n{self.loss_text}"

    def equation(self, name: str) -> Equation:
        """The equation that defines ``name``."""
        return next(e for e in self.equations if e.name == name)

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the equations so that each, within a step, uses only those before it."""
        return tuple(name for stage in self.stages for name in stage.names)

    def forward_pass(self, T: int) -> Iterator[tuple[str, int]]:
        """Every computed symbol at every step, in an order in which they can be computed.

        The backward pass computes their adjoints in the reverse of it.
        """
        for stage in self.stages:
            for t in stage.steps(T):
                yield from ((name, t) for name in stage.names)

    def stage_of(self, name: str) -> int:
        """Which of the passes over time computes a symbol."""
        return next(i for i, stage in enumerate(self.stages) if name in stage.names)

    @property
    def is_causal(self) -> bool:
        """Whether nothing is used at a step before its own."""
        return all(lag >= 0 for v in self.variables.values() for lag in v.lags)

    def with_role(self, *roles: Role) -> tuple[Variable, ...]:
        """The variables of these roles, in the order first written."""
        return tuple(v for v in self.variables.values() if v.role in roles)

    @property
    def parameters(self) -> tuple[Variable, ...]:
        return self.with_role(Role.PARAMETER)

    @property
    def timeless(self) -> tuple[Variable, ...]:
        """Parameters and hyperparameters."""
        return tuple(v for v in self.variables.values() if v.timeless)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the dimensions, in the order in which they first occur."""
        shapes = (d for v in self.variables.values() for d in v.shape)
        return tuple(dict.fromkeys(name for d in shapes for name in letters(d)))

    @property
    def given(self) -> tuple[Variable, ...]:
        """Inputs and targets."""
        return self.with_role(Role.INPUT, Role.TARGET)

    @property
    def initial_values(self) -> tuple[tuple[Variable, Index], ...]:
        """The (variable, step) pairs from outside 1…T that a caller may give."""
        return tuple(
            (v, s)
            for v in self.variables.values()
            if not v.timeless
            for s in v.initial_steps
            if (v.name, s) not in self.initial
        )

    @property
    def penalties(self) -> tuple[LossTerm, ...]:
        """The terms of the loss that belong to no step."""
        return tuple(part for part in self.loss if part.steps.once)

    @property
    def free_dimensions(self) -> tuple[str, ...]:
        """The dimensions that nothing given tells, but initial values.

        One that is a sum tells the last of its parts.
        """
        dims = [letters(d) for v in (*self.timeless, *self.given) for d in v.shape]
        told: set[str] = set()
        while new := [rest for names in dims if len(rest := {*names} - told) == 1]:
            told.update(*new)
        return tuple(name for name in self.dimensions if name not in told)

    def references(self) -> Iterator[Ref]:
        """Every use of a symbol, in equations and loss."""
        for term in (*(e.rhs for e in self.equations), *(loss.term for loss in self.loss)):
            yield from (r for r in term.walk() if isinstance(r, Ref))


def outside(step: int, T: int) -> Index | None:
    """A step before the first or after the last as a model names it; None for one of 1…T.

    >>> str(outside(-1, 5)), str(outside(6, 5)), outside(5, 5)
    ('-1', 'T+1', None)
    """
    if step < 1:
        return Index("", step)
    return Index("T", step - T) if step > T else None


def initial_key(name: str, step: Index) -> str:
    """The key of an initial value in ``inputs`` and ``grads``.

    >>> [initial_key("h", step) for step in (Index("", 0), Index("", -1), Index("T", 1))]
    ['h_0', 'h_-1', 'h_T+1']
    """
    return f"{name}_{step}"
