"""The pieces of a derivation as a template sees them: formulas set, reasons as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Formula:
    """``left = right``, where ``rights`` holds (formula, condition) pairs."""

    left: str
    rights: tuple[tuple[str, str], ...]
    number: int = 0

    @property
    def right(self) -> str:
        return self.rights[0][0]

    @property
    def in_cases(self) -> bool:
        return len(self.rights) > 1 or bool(self.rights[0][1])

    def as_dict(self) -> dict[str, Any]:
        """The formula as plain data."""
        cases = [{"formula": right, "condition": when} for right, when in self.rights]
        return {"left": self.left, "cases": cases}


@dataclass(frozen=True)
class UseView:
    """A use of a symbol: what uses it, how many steps later, and the share it adds."""

    user: str
    lag: int
    share: str
    rules: tuple[str, ...]
    condition: str
    step: str = ""
    starts: str = ""
    penalty: bool = False


@dataclass(frozen=True)
class LineView:
    """A numbered line of the derivation with its reason.

    ``zero_terms`` is whether terms stand where the adjoint that they name is not there.
    """

    formula: Formula
    kind: str
    symbol: str
    uses: tuple[UseView, ...] = ()
    rules: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    from_lines: tuple[int, ...] = ()
    summed: bool = False
    cases_from: int = 1
    symbols: tuple[str, ...] = ()
    ends_at: str = ""
    reaches: int = 1
    beyond: bool = False
    zero_terms: bool = False


@dataclass(frozen=True)
class SymbolView:
    """A row of the table of symbols."""

    symbol: str
    role: str
    shape: str
    name: str


@dataclass(frozen=True)
class PassView:
    """A pass over time, there and back: what it starts from and computes, and its adjoints.

    ``windowed`` are those adjoints by the steps of a window at which they stand.
    """

    reverse: bool
    starts: tuple[Formula, ...]
    computes: tuple[str, ...]
    recursion: tuple[Formula, ...]
    windowed: tuple[tuple[str, tuple[Formula, ...], bool], ...] = ()


@dataclass(frozen=True)
class DoubleSumView:
    """The double-sum form: the Jacobian, the direct part, the gradients."""

    jacobian: Formula
    direct: Formula
    gradients: tuple[Formula, ...]


@dataclass(frozen=True)
class DroppedView:
    """A share that no window has, the adjoint it is missing from, and the steps if several.

    ``minus`` is whether the share is subtracted.
    """

    share: str
    adjoint: str
    when: str
    minus: bool


@dataclass(frozen=True)
class TruncationView:
    """The windows of truncated BPTT: k1 and k2, and formulas that say what a window is.

    ``letters`` are those for e, b and a, and for f and c where they are used; ``last``, ``first``,
    ``taken``, ``furthest`` and ``tail_first`` say which is which.  ``loss`` is that of a window,
    ``lagged_inputs`` whether an input is used at another step than its own.  ``back`` is whether
    anything goes back from the losses, ``ahead`` how far a recurrence from T to 1 goes on, if there
    is one, ``tail`` how far a pass goes back that ends where another one starts, as ``starts`` say.
    """

    k1: int
    k2: int
    letters: tuple[str, ...]
    last: str
    first: str
    ends: str
    takes: str
    begins: str
    from_start: str
    uncut: str
    backward: str
    loss: str
    dropped: tuple[DroppedView, ...]
    lagged_inputs: bool
    taken: str
    back: bool
    ahead: str
    furthest: str
    to_end: str
    tail: str
    tail_first: str
    tail_from_start: str
    beyond: str
    starts: tuple[str, ...]


@dataclass(frozen=True)
class WrittenOut:
    """Everything for a given T: forward equations, adjoints, gradients."""

    T: int
    forward: tuple[Formula, ...]
    loss: Formula
    backward: tuple[Formula, ...]
    gradients: tuple[Formula, ...]
