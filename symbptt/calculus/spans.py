"""How far truncated BPTT follows a loss in each pass over time.

A loss flows back through at most k2 steps of each recurrence.  One from 1 to T is followed from
the losses a…e of a window back to b, one from T to 1 on to its mirror image f.  Where b = 1, the
start of a state with the last value of another one leads into the pass of that one, which is
followed from T back to c, k2 steps again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sympy as sp

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Recursion
from symbptt.calculus.windows import Window
from symbptt.errors import DerivationError
from symbptt.model.model import Model


class Way(StrEnum):
    """The steps of a window that an adjoint can stand at."""

    AT = "a…e"  # of losses of its own step
    BACK = "b…e"  # behind a recurrence from 1 to T
    AHEAD = "a…f"  # behind a recurrence from T to 1
    BOTH = "b…f"  # behind one each way, in neither
    END = "c…T"  # behind the start of a state with a last value


@dataclass(frozen=True)
class Span:
    """The steps of a window at which an adjoint stands.

    ``starts`` is how many starts with a last value lie between it and the loss: 0, 1, or 2 for
    more.
    """

    way: Way
    starts: int = 0

    @property
    def around(self) -> Span:
        """The steps for which a recursion says that its adjoint is there or not."""
        return Span(Way.BACK) if self.way is Way.AT else self

    def reached(self, w: Window) -> bool:
        """Whether the window has such steps at all."""
        return not self.starts or (w.first == 1 and (self.starts == 1 or w.tail == 1))

    def steps(self, w: Window, T: int) -> range:
        """The steps in a window of a sequence of T steps, ascending."""
        if not self.reached(w):
            return range(0)
        first = {Way.BACK: w.first, Way.BOTH: w.first, Way.END: w.tail}.get(self.way, w.taken)
        last = {Way.AHEAD: w.ahead, Way.BOTH: w.ahead, Way.END: T}.get(self.way, w.last)
        return range(first, last + 1)


def spans(model: Model, recursions: Mapping[str, Recursion]) -> dict[str, Span]:
    """The span of each adjoint of a model.

    Raises :class:`DerivationError` where no one span is that of k2 steps of each recurrence: for
    a recurrence that one of the other direction reads, say.
    """
    name = model.name
    reverse = {v for stage in model.stages if stage.reverse for v in stage.names}
    # 1 for a symbol of a recurrence from 1 to T, -1 for one from T to 1, 0 for one of none.
    turns = {v: -1 if v in reverse else int(v in _users(v, recursions)) for v in recursions}
    found: dict[str, Span] = {}
    while True:
        new = {
            v: _joined(name, v, turns[v], {*_entries(name, r, found, turns[v])})
            for v, r in recursions.items()
        }
        known = {v: span for v, span in new.items() if span is not None}
        if known == found:
            return known
        found = known


def looped(names: Iterable[str], found: Mapping[str, Span]) -> dict[str, Span]:
    """The span of the loop in which each adjoint of a pass is computed.

    What stands at the steps of losses alone is computed with what goes back from there.
    """
    there = {n: found[n] for n in names if n in found}
    back = Span(Way.BACK) in there.values()
    return {n: Span(Way.BACK) if back and s.way is Way.AT else s for n, s in there.items()}


def fixed(index: sp.Expr) -> bool:
    """Whether a step is named by number, as that which a start leads to."""
    return not index.has(nd.t)


def _users(v: str, recursions: Mapping[str, Recursion]) -> set[str]:
    """The adjoints that one is made of, at whatever step, and those that these are made of."""
    seen: set[str] = set()
    queue = [v]
    while queue:
        for c in recursions[queue.pop()].contributions:
            for a in al.find(c.expression, nd.Adjoint):
                if a.name in recursions and a.name not in seen:
                    seen.add(a.name)
                    queue.append(a.name)
    return seen


def _entries(model: str, r: Recursion, found: Mapping[str, Span], turn: int) -> Iterator[Span]:
    """The spans that the uses of a symbol ask for."""
    for c in r.contributions:
        adjoints = al.find(c.expression, nd.Adjoint)
        if c.loss is not None:
            yield _entry(model, r, Span(Way.AT), c.loss, turn)
        elif not adjoints:
            raise DerivationError(
                f"{model} has a loss of the last value of {r.name} as the start of another state; "
                "truncation is for losses of what is computed from there"
            )
        for a in adjoints:
            span = found.get(a.name)
            if span is not None and fixed(a.index):
                yield _behind_a_start(model, r, span, turn)
            elif span is not None:
                yield _entry(model, r, span, int(a.index - nd.t), turn)


def _entry(model: str, r: Recursion, user: Span, lag: int, turn: int) -> Span:
    """The span that a use asks for, ``lag`` steps after the symbol itself."""
    way: Way | None = user.way
    if lag > 0:
        way = {Way.AT: Way.BACK, Way.BACK: Way.BACK, Way.END: Way.END}.get(user.way)
    elif lag < 0:
        way = Way.AHEAD if turn < 0 and user.way in (Way.AT, Way.AHEAD) else None
    if way is None:
        where = f"{r.name}_{{t{-lag:+d}}}"
        raise DerivationError(
            f"{model} uses {where} where a window doesn't go; truncation is for symbols used at "
            "the same step, or along the way of their own recurrence"
        )
    return Span(way, user.starts)


def _behind_a_start(model: str, r: Recursion, user: Span, turn: int) -> Span:
    if turn < 0 or user.way in (Way.AHEAD, Way.BOTH):
        raise DerivationError(
            f"{model} starts a state from the last value of {r.name}, and one of the two runs from "
            "T to 1; truncation is for starts where both run from 1 to T"
        )
    return Span(Way.END, min(2, user.starts + 1))


def _joined(model: str, v: str, turn: int, entries: set[Span]) -> Span | None:
    """The one span that a symbol has; None as long as nothing is known of it."""
    if not entries:
        return None
    ways = {span.way for span in entries}
    if Way.END in ways:
        if len(ways) > 1 or turn < 0:
            raise DerivationError(
                f"{model} has losses reach {v} both at their own steps and through a last value "
                "that starts another state; there is no one window of k steps for both"
                if turn >= 0
                else f"{model} starts a state from a last value that needs {v}, which runs from T "
                "to 1; truncation is for starts where both run from 1 to T"
            )
        return Span(Way.END, min(span.starts for span in entries))
    ways |= {Way.BACK} if turn > 0 else {Way.AHEAD} if turn < 0 else set()
    back, ahead = ways & {Way.BACK, Way.BOTH}, ways & {Way.AHEAD, Way.BOTH}
    if back and ahead:
        if turn:
            raise DerivationError(
                f"{model} has {v} run one way through time and read by a recurrence that runs the "
                "other way; there is no one window of k steps for both"
            )
        return Span(Way.BOTH)
    return Span(Way.BACK if back else Way.AHEAD if ahead else Way.AT)
