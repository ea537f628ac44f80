"""Truncation: the windows of a sequence, and the steps of a window at which a term is there.

A window ends at step e = k1, 2 k1, …, and at T.  It takes the losses of the steps a…e that no
window before it took, and its recursion runs from e back to b = max(1, e - k2 + 1); whatever is
computed at steps before b is held constant.  R. J. Williams and J. Peng, An efficient
gradient-based algorithm for on-line training of recurrent network trajectories, Neural
Computation 2 (1990) 490-501; I. Sutskever, Training recurrent neural networks, PhD thesis,
University of Toronto (2013), section 2.8.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any, SupportsIndex

from symbptt.errors import DerivationError
from symbptt.model.steps import EVERY, Steps


@dataclass(frozen=True)
class Window:
    """A window from step ``first`` (b) to ``last`` (e), with the losses of ``taken`` (a) to e.

    It goes on to ``ahead`` (f) in a recurrence from T to 1, and back to ``tail`` (c) in a pass
    that ends where another one starts.
    """

    first: int
    taken: int
    last: int
    ahead: int = 0
    tail: int = 0


@dataclass(frozen=True)
class Truncation:
    """Every ``k1`` steps a window ends, and goes back ``k2`` steps.

    >>> [(w.first, w.taken, w.last) for w in Truncation(2, 3).windows(5)]
    [(1, 1, 2), (2, 3, 4), (3, 5, 5)]
    """

    k1: int
    k2: int

    def windows(self, T: int) -> tuple[Window, ...]:
        """The windows of a sequence of T steps, the first one first."""
        ends = (*range(self.k1, T, self.k1), T)
        taken = ((e - 1) // self.k1 * self.k1 + 1 for e in ends)
        return tuple(
            Window(
                first=max(1, e - self.k2 + 1),
                taken=a,
                last=e,
                ahead=min(T, a + self.k2 - 1),
                tail=max(1, T - self.k2 + 1),
            )
            for e, a in zip(ends, taken, strict=True)
        )


def truncation(truncate: Any) -> Truncation:
    """``k`` as (1, k), or a pair ``(k1, k2)``.

    Raises :class:`DerivationError` for what is no such thing, and for k2 < k1.
    """
    pair = truncate if isinstance(truncate, tuple | list) else (1, truncate)
    if len(pair) != 2 or not all(map(_counts_steps, pair)):
        raise DerivationError(
            "truncate is a number of steps k, or a pair (k1, k2) of such numbers, each a whole "
            f"number from 1 up, not {str(truncate)[:40]}"
        )
    k1, k2 = map(index, pair)
    if k2 < k1:
        raise DerivationError(
            f"truncate=({k1}, {k2}) would lose losses: a window that takes the losses of {k1} "
            f"steps must go back at least as many, so k2 is {k1} or more"
        )
    return Truncation(k1, k2)


def _counts_steps(k: object) -> bool:
    return isinstance(k, SupportsIndex) and not isinstance(k, bool) and index(k) >= 1


@dataclass(frozen=True)
class Edge:
    """A condition on a step t of a window.

    ``from``: t ≥ a - ``by``; ``until``: t ≤ e - ``by``; ``among``: t is one of ``steps``.
    """

    kind: str
    by: int = 0
    steps: Steps = EVERY

    def holds(self, t: int, w: Window, T: int) -> bool:
        """Whether it holds at step t of a window of a sequence of T steps."""
        if self.kind == "among":
            return self.steps.include(t, T)
        return t >= w.taken - self.by if self.kind == "from" else t <= w.last - self.by


@dataclass(frozen=True)
class Where:
    """The steps of a window at which each edge holds, or does not, as it says beside it."""

    edges: tuple[tuple[Edge, bool], ...]

    @property
    def is_every(self) -> bool:
        return not self.edges

    def include(self, t: int, w: Window, T: int) -> bool:
        """Whether step t of a window is one of them."""
        return all(edge.holds(t, w, T) is wanted for edge, wanted in self.edges)

    def __str__(self) -> str:
        signs = {("from", True): "≥ a", ("from", False): "< a", ("until", True): "≤ e"}
        return ", ".join(
            f"{'' if wanted else 'not '}{edge.steps}"
            if edge.kind == "among"
            else f"t {signs.get((edge.kind, wanted), '> e')}{f'{-edge.by:+d}' if edge.by else ''}"
            for edge, wanted in self.edges
        )
