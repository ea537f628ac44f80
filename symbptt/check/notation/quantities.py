"""The quantities of an unrolled graph: which of them, at which step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Span(Enum):
    """The steps that a loss of several steps, ``L_t = Σ_{s=t}^T ℓ_s``, is the sum of."""

    FROM = "from its step on"
    UP_TO = "up to its step"


@dataclass(frozen=True)
class Place:
    """A quantity of the unrolled graph: ``h_2``, the parameter ``W`` (no step), the loss ``L``
    (no step) or the share ``L_2`` that one step has in it.

    A parameter with a step, ``W_2``, is the copy of it that this step uses.  ``entry`` is the row
    and the column, from 0, of a number in it; ``own``: the loss of a step before the whole
    weighs it; ``later``: a state as later steps alone see it; ``span``: the loss of several steps.
    """

    name: str
    step: int | None = None
    entry: tuple[int, int] | None = None
    own: bool = False
    later: bool = False
    span: Span | None = None

    @property
    def whole(self) -> Place:
        """The quantity that an entry is in."""
        return self if self.entry is None else replace(self, entry=None)

    @property
    def plain(self) -> Place:
        """What the unrolled graph has of it: the share in the whole."""
        return replace(self, own=False) if self.own else self


class OutOfRangeError(ArithmeticError):
    """A sum or a product runs over steps of which some don't exist."""


class NoPathError(OutOfRangeError):
    """A derivative along a path that isn't there: a reading that makes it 0 is none."""


class MissingError(LookupError):
    """A quantity at a step that does not exist, such as ``h_{T+1}``."""
