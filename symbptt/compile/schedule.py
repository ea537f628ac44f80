"""What runs where: only what recurs stays in a loop over t, all else runs for all steps at once.

A program's statements depend on each other at steps apart.  Those on a cycle of that relation are
a recurrence and need a loop over t; everything else is computed for all steps and samples in one
go, *rows* of one matrix: input projections before the loop, outputs, losses and sums of outer
products behind it.  From a recurrence, whatever doesn't name its own values is taken out
beforehand: the sums it adds (π), its factors (κ), and what depends on no step at all (ω).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sympy as sp
from sympy.utilities.iterables import strongly_connected_components

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.hoist import OMEGA, VALUES, Hoist, expressions, key_of, with_one_factor
from symbptt.compile.program import Loop, Program, Quantity, Statement
from symbptt.model import Model


class Pace(StrEnum):
    """How the statements of a region run."""

    ONCE = "once"  # at no step: of parameters alone, and what comes at the end
    ROWS = "rows"  # for all steps at once
    UP = "up"  # in a loop over t = 1…T
    DOWN = "down"  # in a loop over t = T…1

    @property
    def is_loop(self) -> bool:
        return self in (Pace.UP, Pace.DOWN)


@dataclass(frozen=True)
class Region:
    """Statements that run together, in order."""

    pace: Pace
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Schedule:
    """A program in regions, in order."""

    program: Program
    regions: tuple[Region, ...]

    @property
    def statements(self) -> Iterator[Statement]:
        return (s for region in self.regions for s in region.statements)


def schedule(program: Program, results: frozenset[str] = frozenset()) -> Schedule:
    """A program in regions: recurrences in loops, everything else in rows.

    ``results`` are values that are wanted besides the loss and its gradients.
    """
    statements = [with_one_factor(s) for s in program.statements]
    cycles = _recurrences(statements)
    out = Hoist(cycles)
    kept = [out.without_free(s) for s in statements]
    everything = _needed([*out.statements, *kept], program.model, results)
    return Schedule(program, tuple(_regions(everything, cycles, program)))


# -- what depends on what ---------------------------------------------------------------------


def _uses(s: Statement) -> set[str]:
    return {key_of(a) for e in expressions(s) for a in al.find(e, nd.At)} | {
        str(m.name) for e in expressions(s) for m in al.find(e, sp.MatrixSymbol)
        if str(m.name).startswith(OMEGA)
    }  # fmt: skip


def _needed(
    statements: Sequence[Statement], model: Model, results: frozenset[str]
) -> list[Statement]:
    """The statements without those that compute what no result needs."""
    starts = [(name, start.name) for (name, _), start in model.initial.items() if start is not None]
    by_key = {key_of(s): s for s in statements if s.quantity in VALUES}
    wanted = [s for s in statements if s.quantity not in VALUES or key_of(s) in results]
    found = {*results}
    while wanted:
        s = wanted.pop()
        begun = {of for name, of in starts if s.quantity is Quantity.VALUE and s.key == name}
        new = (_uses(s) | begun) & by_key.keys() - found
        found |= new
        wanted += [by_key[key] for key in new]
    return [s for s in statements if s.quantity not in VALUES or key_of(s) in found]


def _recurrences(statements: Sequence[Statement]) -> dict[str, int]:
    """For each value on a cycle, the number of its recurrence."""
    uses = {key_of(s): _uses(s) for s in statements if s.quantity in VALUES}
    edges = [(name, used) for name in uses for used in uses[name] if used in uses]
    parts = strongly_connected_components((list(uses), edges))
    cycles = [part for part in parts if len(part) > 1 or part[0] in uses[part[0]]]
    return {name: number for number, part in enumerate(cycles) for name in part}


def _regions(
    statements: Sequence[Statement], cycles: Mapping[str, int], program: Program
) -> Iterator[Region]:
    """Statements in an order in which each finds what it uses, those of one pace together."""
    makers = {key_of(s) for s in statements if s.quantity in VALUES}
    done: set[str] = set()
    left = list(statements)

    def cycle(s: Statement) -> int | None:
        return cycles.get(key_of(s)) if s.quantity in VALUES else None

    def ready(s: Statement, besides: set[str]) -> bool:
        return (_uses(s) & makers) - done <= besides

    def at_end(s: Statement) -> bool:
        return _pace(s) is Pace.ONCE and s.quantity not in VALUES

    def may(s: Statement, pace: Pace) -> bool:
        last = not at_end(s) or all(map(at_end, left))
        return cycle(s) is None and _pace(s) is pace and last and ready(s, set())

    while left:
        for pace in (Pace.ONCE, Pace.ROWS):
            taken: list[Statement] = []
            while found := [s for s in left if may(s, pace)]:
                taken += found
                done |= {key_of(s) for s in found if s.quantity in VALUES}
                left = [s for s in left if s not in found]
            if taken:
                yield Region(pace, tuple(taken))
        number = next((c for s in left if (c := cycle(s)) is not None and all(
            ready(o, {key_of(p) for p in left if cycle(p) == c})
            for o in left if cycle(o) == c)), None)  # fmt: skip
        if number is not None:
            members = [s for s in left if cycle(s) == number]
            yield Region(_direction(members[0], program), tuple(members))
            done |= {key_of(s) for s in members}
            left = [s for s in left if s not in members]


def _pace(s: Statement) -> Pace:
    at_no_step = s.loop is Loop.AFTER or s.steps.once
    return Pace.ONCE if at_no_step else Pace.ROWS


def _direction(s: Statement, program: Program) -> Pace:
    reverse = program.model.stages[s.stage].reverse
    return Pace.UP if reverse is (s.loop is Loop.BACKWARD) else Pace.DOWN
