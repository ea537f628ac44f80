"""A schedule as changes to arrays: what is set, added to or multiplied, and at which steps.

The last form that backends share; what is left to each is how its language says a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.conditions import condition
from symbptt.compile.hoist import PI, VALUES, key_of
from symbptt.compile.program import Loop, Part, Quantity, Statement, covers
from symbptt.compile.ranges import WHOLE, Range, exists, is_whole, ranges
from symbptt.compile.schedule import Schedule
from symbptt.compile.stores import Store

#: The step of a loop, as a range.
NOW: Range = (nd.t, nd.t)


@dataclass(frozen=True)
class Change:
    """``target sign expression`` for the steps of a range, or at no step; ``when`` it happens.

    A target is a value's key, ``∂W`` for a gradient, ``LOSS``.  What is ``total`` is
    summed over the steps and samples.
    """

    target: str
    sign: str
    expression: MatrixExpr
    over: Range | None
    when: str = ""
    total: bool = False


@dataclass
class Changes:
    """The changes of a schedule; ``zeroed`` are the values whose arrays begin with zeros, as far
    as they have been written."""

    schedule: Schedule
    places: dict[str, Store]
    zeroed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        loops = (r for r in self.schedule.regions if r.pace.is_loop)
        self.looped = frozenset(key_of(s) for r in loops for s in r.statements)
        self.zeroed |= {key for key in self.looped if self.places[key].zero}

    def of(self, s: Statement) -> Iterator[Change]:
        """The changes that a statement makes."""
        match s.quantity:
            case Quantity.LOSS | Quantity.GRADIENT:
                yield from self._total(s)
            case Quantity.INITIAL:
                yield from self._initial(s)
            case Quantity.INPUT:
                yield from self._for_all_steps(s)
            case _ if s.loop is Loop.AFTER:
                yield Change(target_of(s), "=", s.parts[0].expression, None)
            case _ if key_of(s) in self.looped:
                yield from self._at_a_step(s)
            case _:
                yield from self._for_all_steps(s)

    def _at_a_step(self, s: Statement) -> Iterator[Change]:
        """What a value begins with is there, if that is a sum of its own."""
        target, whole = target_of(s), condition(s.steps)
        terms = _terms(s)
        parts = [p for p in terms if not _is_sum(p.expression)]
        if len(parts) == len(terms):
            always = [p for p in parts if not p.present and covers(p.steps, s.steps)]
            first = always[0] if always else None
            begin = al.zeros(s.symbol.shape) if first is None else _at_once(s, parts, first)
            yield Change(target, "=", begin, NOW, whole)
            parts = [] if s.quantity is Quantity.VALUE else [p for p in parts if p is not first]
        for p in parts:
            when = [condition(p.steps) or whole, *(exists(a.index) for a in p.present)]
            yield Change(target, "+=", p.expression, NOW, _all(when))
        if s.factor is not None:
            yield Change(target, "*=", s.factor, NOW, whole)

    def _for_all_steps(self, s: Statement) -> Iterator[Change]:
        target = target_of(s)
        parts = list(s.parts) or [Part(al.zeros(s.symbol.shape))]
        if s.steps.is_every and all(map(is_whole, parts)):
            parts = [Part(al.plus(*(p.expression for p in parts)))]
        whole = s.steps.is_every and is_whole(parts[0])
        if not whole or self.places[target].zero:
            self.zeroed.add(target)
        if whole:
            yield Change(target, "=", parts.pop(0).expression, WHOLE)
        for part in parts:
            for over, when in ranges(s.steps if part.steps.is_every else part.steps, part):
                yield Change(target, "+=", _at(part.expression, over), over, when)
        if s.factor is not None:
            for over, when in ranges(s.steps):
                yield Change(target, "*=", _at(s.factor, over), over, when)

    def _total(self, s: Statement) -> Iterator[Change]:
        for part in s.parts:
            if s.steps.once:
                yield Change(target_of(s), "+=", part.expression, None, total=True)
                continue
            for over, when in ranges(part.steps, part):
                yield Change(target_of(s), "+=", _at(part.expression, over), over, when, total=True)

    def _initial(self, s: Statement) -> Iterator[Change]:
        """The gradient by an initial value, which each sample has its own of."""
        for part in s.parts:
            when = [condition(part.steps), *(exists(a.index) for a in part.present)]
            yield Change(target_of(s), "+=", part.expression, (nd.ONE, nd.ONE), _all(when))


#: The loss, as a target: no variable is called so.
LOSS = "Σ L"


def target_of(s: Statement) -> str:
    """What a statement changes; of a sum that leaves a loop, the value it begins."""
    match s.quantity:
        case Quantity.LOSS:
            return LOSS
        case Quantity.GRADIENT | Quantity.INITIAL | Quantity.INPUT:
            return f"∂{s.key}"
    return key_of(s).removeprefix(f"{PI}^")


def values(schedule: Schedule) -> dict[str, Statement]:
    """A statement of each value that has an array of its own."""
    return {
        key_of(s): s for s in schedule.statements
        if s.quantity in VALUES and not s.key.startswith(f"{PI}^")
    }  # fmt: skip


def _terms(s: Statement) -> list[Part]:
    """The parts of a statement, and the terms of an equation."""
    (first, *_) = s.parts
    if s.quantity is Quantity.VALUE and isinstance(first.expression, MatAdd):
        return [Part(e, first.steps) for e in first.expression.args]
    return list(s.parts)


def _at_once(s: Statement, parts: Iterable[Part], first: Part) -> MatrixExpr:
    """What is computed at once: all of an equation, the first part of a sum."""
    if s.quantity is Quantity.VALUE:
        return al.plus(*(p.expression for p in parts))
    return first.expression


def _is_sum(e: MatrixExpr) -> bool:
    return isinstance(e, nd.At) and str(e.name).startswith(PI)


def _at(e: MatrixExpr, over: Range) -> MatrixExpr:
    """An expression, at the one step of a range that has just one."""
    return al.at(e, over[0]) if over[0] == over[1] else e


def _all(conditions: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(filter(None, conditions)))
