"""The share that some steps have in a derivative, where it stands for the whole: a carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from symbptt.check.notation.quantities import Place


class Share(Enum):
    """What counts of a derivative."""

    OWN = "what the step of the state itself adds"
    LATER = "what later steps hand back, along every path"
    NEXT = "what the state at the step after hands back, along its own equation"
    STEP = "what one step adds by a parameter, through the copy of it that it uses"


class Side(Enum):
    """What it is that a share stands for."""

    LEFT = "the left side"
    RIGHT = "what is written on the right"
    BOTH = "what is written on both sides"


@dataclass(frozen=True)
class Counted:
    """A share that counts, and on which side.

    Of what is written in a formula it speaks of the gradients by what the left side is by, or,
    ``at_t``, of those by anything at step t.
    """

    share: Share
    side: Side
    at_t: bool = False

    def bound(self, left: str | None, t: int | None) -> Written:
        """The same of one formula: ``left`` is what its left side is by."""
        return Written(self.share, step=t) if self.at_t else Written(self.share, left)


@dataclass(frozen=True)
class Written:
    """The share that counts of the gradients by a state, or by whatever stands at a step."""

    share: Share
    name: str | None = None
    step: int | None = None

    def speaks_of(self, loss: Place, by: Place) -> bool:
        """Whether a gradient by a state is one of them."""
        if self.share is Share.OWN and loss.step is not None:
            return False  # the loss of a step has no other share
        return by.step is not None and (by.name == self.name or by.step == self.step)
