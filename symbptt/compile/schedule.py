"""What runs where: only what recurs stays in a loop over t, all else runs for all steps at once.

A program's statements depend on each other at steps apart.  Those on a cycle of that relation are
a recurrence and need a loop over t; everything else is computed for all steps and samples in one
go, *rows* of one matrix: input projections before the loop, outputs, losses and sums of outer
products behind it.  From a recurrence, whatever doesn't name its own values is taken out
beforehand: the sums it adds (π), its factors (κ), and what depends on no step at all (ω).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import sympy as sp
from sympy.matrices.expressions import (
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)
from sympy.utilities.iterables import strongly_connected_components

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.program import Loop, Part, Program, Quantity, Statement
from symbptt.model import EVERY

#: Marks what is taken out of a recurrence: a sum it adds, a value it uses, a constant of all steps.
PI, KAPPA, OMEGA = "π", "κ", "ω"


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


#: Statements that others may use; all else are results.
VALUES = frozenset({Quantity.VALUE, Quantity.ADJOINT, Quantity.SHARED})


def key_of(s: Statement | nd.At) -> str:
    """The name under which a value is kept: ``h``, ``δ^h``, ``ε^h``."""
    if isinstance(s, Statement):
        return f"δ^{s.key}" if s.quantity is Quantity.ADJOINT else s.key
    return f"δ^{s.name}" if isinstance(s, nd.Adjoint) else str(s.name)


def schedule(program: Program) -> Schedule:
    """A program in regions: recurrences in loops, everything else in rows."""
    statements = [_with_one_factor(s) for s in program.statements]
    cycles = _recurrences(statements)
    out = _Outside(cycles)
    kept = [out.without_free(s) for s in statements]
    everything = _needed([*out.statements, *kept])
    return Schedule(program, tuple(_regions(everything, cycles, program)))


# -- what depends on what ---------------------------------------------------------------------


def expressions(s: Statement) -> Iterator[MatrixExpr]:
    """All that a statement computes with."""
    yield from (p.expression for p in s.parts)
    if s.factor is not None:
        yield s.factor


def _uses(s: Statement) -> set[str]:
    return {key_of(a) for e in expressions(s) for a in al.find(e, nd.At)} | {
        str(m.name) for e in expressions(s) for m in al.find(e, sp.MatrixSymbol)
        if str(m.name).startswith(OMEGA)
    }  # fmt: skip


def _needed(statements: Sequence[Statement]) -> list[Statement]:
    """The statements without those that compute what no result needs."""
    by_key = {key_of(s): s for s in statements if s.quantity in VALUES}
    wanted = [s for s in statements if s.quantity not in VALUES]
    found: set[str] = set()
    while wanted:
        new = _uses(wanted.pop()) & by_key.keys() - found
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


# -- out of the loop --------------------------------------------------------------------------


@dataclass
class _Outside:
    """Takes out of recurrences what doesn't depend on them; ``statements`` are what was taken."""

    cycles: Mapping[str, int]
    statements: list[Statement] = field(default_factory=list)
    named: dict[tuple[object, ...], MatrixExpr] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def without_free(self, s: Statement) -> Statement:
        """A statement of a recurrence without what can be computed before it."""
        number = self.cycles.get(key_of(s)) if s.quantity in VALUES else None
        if number is None:
            return s
        parts = list(s.parts)
        if s.quantity is Quantity.VALUE and isinstance(parts[0].expression, MatAdd):
            parts = [Part(e) for e in parts[0].expression.args]
        free = [p for p in parts if self._is_free(p.expression, number)]
        if free and (len(free) > 1 or _takes_work(free[0].expression)):
            rest = [p for p in parts if p not in free]
            parts = [Part(self._sum(s, free)), *rest]
        if s.quantity is Quantity.VALUE:
            parts = [Part(al.plus(*(p.expression for p in parts)))]

        factor = s.factor
        stacked = len(parts) == 1 and isinstance(parts[0].expression, nd.Stack)
        if factor is not None and stacked and self._is_free(factor, number):
            parts = [replace(parts[0], expression=al.odot(parts[0].expression, factor))]
            factor = None
        parts = [replace(p, expression=self._changed(p.expression, number, s, p)) for p in parts]
        if factor is not None:
            factor = self._changed(factor, number, s, Part(factor))
        return replace(s, parts=tuple(parts), factor=factor)

    def _is_free(self, e: MatrixExpr, number: int) -> bool:
        return all(self.cycles.get(key_of(a)) != number for a in al.find(e, nd.At))

    def _sum(self, s: Statement, parts: Sequence[Part]) -> MatrixExpr:
        """What a statement adds at each step, in a statement of its own."""
        symbol = nd.At(f"{PI}^{key_of(s)}", nd.t, *s.symbol.shape)
        self.statements.append(
            replace(s, quantity=Quantity.SHARED, key=str(symbol.name), symbol=symbol,
                    parts=tuple(parts), factor=None, source="")
        )  # fmt: skip
        return symbol

    def _changed(self, e: MatrixExpr, number: int, s: Statement, p: Part) -> MatrixExpr:
        """An expression with a name for each part that can be computed before."""
        if self._is_free(e, number):
            return self._taken(e, s, p) if _takes_work(e) else e
        if isinstance(e, HadamardProduct) and (parted := self._parted(e, number)) is not None:
            e = parted
        if isinstance(e, MatAdd | HadamardProduct):
            free = [a for a in e.args if self._is_free(a, number)]
            rest = [self._changed(a, number, s, p) for a in e.args if a not in free]
            whole = al.plus if isinstance(e, MatAdd) else al.odot
            if len(free) > 1 or (free and _takes_work(free[0])):
                free = [self._taken(whole(*free), s, p)]
            return whole(*rest, *free)
        return al.rebuild(e, lambda a: self._changed(a, number, s, p))

    def _parted(self, e: HadamardProduct, number: int) -> MatrixExpr | None:
        """``[a; b] ⊙ c`` as ``[a ⊙ c[1:n]; b ⊙ c[n+1:2n]]``, where c can be computed before: its
        parts are then factors of what else can be."""
        stacks = [f for f in e.args if isinstance(f, nd.Stack) and not self._is_free(f, number)]
        rest = [f for f in e.args if f not in stacks]
        whole = al.odot(*rest) if rest else None
        if len(stacks) != 1 or whole is None or not self._is_free(whole, number):
            return None
        start, parts = sp.Integer(0), list[MatrixExpr]()
        for part in stacks[0].parts:
            size = al.length(part)
            entries = _entries(whole, start, size)
            if entries is None:
                return None
            parts.append(al.odot(part, entries))
            start += size
        return al.stack(*e.shape, *parts)

    def _taken(self, e: MatrixExpr, s: Statement, p: Part) -> MatrixExpr:
        """A name for an expression, which gets a statement of its own at the same steps."""
        timed = al.find(e, nd.At)
        if any(not a.index.has(nd.t) for a in timed):
            return e
        steps = s.steps if p.steps.is_every else p.steps
        known = (e, steps, p.present) if timed else (e,)
        if known not in self.named:
            letter = KAPPA if timed else OMEGA
            self.numbers[letter] = self.numbers.get(letter, 0) + 1
            name = f"{letter}{self.numbers[letter]}"
            symbol: MatrixExpr = sp.MatrixSymbol(name, *e.shape)
            if timed:
                symbol = nd.At(name, nd.t, *e.shape)
            new = replace(
                s, quantity=Quantity.SHARED, key=name, symbol=symbol, factor=None, source="",
                parts=(Part(e, EVERY, p.present),), steps=steps,
            )  # fmt: skip
            self.statements.append(new if timed else replace(new, loop=Loop.AFTER))
            self.named[known] = symbol
        return self.named[known]


def _entries(e: MatrixExpr, start: sp.Expr, size: sp.Expr) -> MatrixExpr | None:
    """Some entries of a vector: of a function, that function of some entries."""
    many, rest = al.coefficient(e)
    if many != 1:
        inside = _entries(rest, start, size)
        return None if inside is None else al.times(many, inside)
    match e:
        case OneMatrix():
            return al.ones((size, nd.ONE)) if e.shape[1] == nd.ONE else None
        case nd.At() | MatrixSymbol() | nd.Block():
            return al.block(e, start, size)
        case MatAdd() | HadamardProduct():
            parts = [_entries(a, start, size) for a in e.args]
            whole = al.plus if isinstance(e, MatAdd) else al.odot
            known = [a for a in parts if a is not None]
            return whole(*known) if len(known) == len(parts) else None
        case HadamardPower():
            base = _entries(e.base, start, size)
            return None if base is None else al.raised(base, e.exp)
    return None


def _takes_work(e: MatrixExpr) -> bool:
    """Whether an expression is more than a symbol, a part or a multiple of one."""
    e = al.coefficient(e)[1]
    while isinstance(e, Transpose | nd.Block):
        e = e.args[0]
    return not isinstance(e, al.LEAVES)


# -- simpler ----------------------------------------------------------------------------------


def _with_one_factor(s: Statement) -> Statement:
    """``[a; 0] ⊙ c + [0; b] ⊙ c`` as ``[a; b] ⊙ c``."""
    return replace(s, parts=tuple(replace(p, expression=_in_one(p.expression)) for p in s.parts))


def _in_one(e: MatrixExpr) -> MatrixExpr:
    e = al.rebuild(e, _in_one)
    if not isinstance(e, MatAdd):
        return e
    groups: dict[tuple[MatrixExpr, ...], list[MatrixExpr]] = {}
    others: list[MatrixExpr] = []
    for term in e.args:
        factors = term.args if isinstance(term, HadamardProduct) else (term,)
        stacks = [f for f in factors if isinstance(f, nd.Stack)]
        if len(stacks) == 1 and len(factors) > 1:
            rest = tuple(f for f in factors if f is not stacks[0])
            groups.setdefault(rest, []).append(stacks[0])
        else:
            others.append(term)
    if all(len(stacks) < 2 for stacks in groups.values()):
        return e
    gathered = (al.odot(al.plus(*stacks), *rest) for rest, stacks in groups.items())
    return al.plus(*others, *gathered)
