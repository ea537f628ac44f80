"""A recurrent model: equations over time-indexed symbols, with roles and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from symbptt.formula.tree import Symbol
from symbptt.model.steps import Steps
from symbptt.model.terms import Ref, Shape, Term


class Role(StrEnum):
    """What a symbol is to the model."""

    PARAMETER = "parameter"  # no time index; its gradient is what we are after
    INPUT = "input"  # time-indexed, given
    TARGET = "target"  # time-indexed, given, used by the loss alone
    STATE = "state"  # computed, and used at another step than its own
    COMPUTED = "computed"  # computed, and used at its own step only


@dataclass(frozen=True)
class Variable:
    """A symbol of the model.

    ``spelled`` is the symbol as first written, without its time index.  ``lags`` are the
    distances, in steps, at which it is used: 1 for ``h_{t-1}``.
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
    def initial_steps(self) -> tuple[int, ...]:
        """The steps before the first at which a value is needed: 0 for a lag of 1; 0, -1 for 2."""
        return tuple(range(0, -max((0, *self.lags)), -1))

    @property
    def is_scalar(self) -> bool:
        return self.shape == (1, 1)


@dataclass(frozen=True)
class Equation:
    """``name_t = rhs``, for t = 1…T."""

    name: str
    rhs: Term
    source: str
    line: int = 1


@dataclass(frozen=True)
class LossTerm:
    """A scalar added to the loss at each of ``steps``."""

    steps: Steps
    term: Term


@dataclass(frozen=True, repr=False)
class Model:
    """A recurrent model whose symbols, shapes and order of evaluation are known.

    ``equations`` stand in the order written, ``order`` names them so that each step can be
    computed from first to last.  ``initial`` maps (state, step) to a fixed initial value: a
    parameter's name, or None for zero; what is not in it is given with the inputs.
    ``abstract`` holds the functions that are known by name alone, with their numbers of
    arguments; ``bindings`` what they stand for when the model is to be run; ``bound`` what
    those stood for that have been replaced already.
    """

    equations: tuple[Equation, ...]
    order: tuple[str, ...]
    loss: tuple[LossTerm, ...]
    loss_name: str
    variables: Mapping[str, Variable]
    abstract: Mapping[str, int] = field(default_factory=dict)
    initial: Mapping[tuple[str, int], str | None] = field(default_factory=dict)
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

    def __repr__(self) -> str:
        counts = f"{len(self.equations)} equations, {len(self.parameters)} parameters"
        return f"<{type(self).__name__} {self.name}: {counts}>"

    def __str__(self) -> str:
        return f"{self.text}\n{self.loss_text}"

    def equation(self, name: str) -> Equation:
        """The equation that defines ``name``."""
        return next(e for e in self.equations if e.name == name)

    def with_role(self, *roles: Role) -> tuple[Variable, ...]:
        """The variables of these roles, in the order first written."""
        return tuple(v for v in self.variables.values() if v.role in roles)

    @property
    def parameters(self) -> tuple[Variable, ...]:
        return self.with_role(Role.PARAMETER)

    @property
    def given(self) -> tuple[Variable, ...]:
        """Inputs and targets."""
        return self.with_role(Role.INPUT, Role.TARGET)

    @property
    def initial_values(self) -> tuple[tuple[Variable, int], ...]:
        """The (variable, step) pairs from before the first step that a caller may give."""
        return tuple(
            (v, s)
            for v in self.variables.values()
            if v.role is not Role.PARAMETER
            for s in v.initial_steps
            if (v.name, s) not in self.initial
        )

    def references(self) -> Iterator[Ref]:
        """Every use of a symbol, in equations and loss."""
        for term in (*(e.rhs for e in self.equations), *(loss.term for loss in self.loss)):
            yield from (r for r in term.walk() if isinstance(r, Ref))


def initial_key(name: str, step: int) -> str:
    """The key of an initial value in ``inputs`` and ``grads``.

    >>> initial_key("h", 0), initial_key("h", -1)
    ('h_0', 'h_-1')
    """
    return f"{name}_{step}"
