"""What can leave a loop over t: sums, factors and constants of statements of a recurrence.

``δ_t = (W_yᵀ δ^y_t + Uᵀ δ_{t+1}) ⊙ (1 - h_t²)`` adds ``π_t = W_yᵀ δ^y_t`` and multiplies by
``κ_t = 1 - h_t²``, which name nothing of the recurrence; each gets a statement of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

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

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.program import Loop, Part, Quantity, Statement
from symbptt.model import EVERY

#: Marks what is taken out of a recurrence: a sum it adds, a value it uses, a constant of all steps.
PI, KAPPA, OMEGA = "π", "κ", "ω"


#: Statements that others may use; all else are results.
VALUES = frozenset({Quantity.VALUE, Quantity.ADJOINT, Quantity.SHARED})


def key_of(s: Statement | nd.At) -> str:
    """The name under which a value is kept: ``h``, ``δ^h``, ``ε^h``."""
    if isinstance(s, Statement):
        return f"δ^{s.key}" if s.quantity is Quantity.ADJOINT else s.key
    return f"δ^{s.name}" if isinstance(s, nd.Adjoint) else str(s.name)


def expressions(s: Statement) -> Iterator[MatrixExpr]:
    """All that a statement computes with."""
    yield from (p.expression for p in s.parts)
    if s.factor is not None:
        yield s.factor


@dataclass
class Hoist:
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


def with_one_factor(s: Statement) -> Statement:
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
