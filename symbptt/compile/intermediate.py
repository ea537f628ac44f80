"""What a program with tangents would compute, or differentiate, many times over: named once.

The tangent of ``tanh(tanh(… W h …))`` names every inner value again, and that of a product of n
factors has n terms of n factors each.  With ``α^h_t = tanh(W h_{t-1})`` a statement of its own,
kept by step like all others, and long products multiplied in several statements, each tangent is
that of a small expression and the whole grows like the equations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import sympy as sp
from sympy.matrices.expressions import HadamardProduct, MatMul, MatrixExpr, Transpose

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.numpy_functions import split_log
from symbptt.compile.program import Loop, Part, Program, Quantity, Statement, covers
from symbptt.compile.share import ALPHA, EPSILON, numbered
from symbptt.compile.tangents import expressions
from symbptt.model import Steps

#: The factors of an entrywise product that are differentiated together.
FACTORS = 4


def with_intermediates(program: Program) -> Program:
    """The program with repeated inner values, and the beginnings of long products, named."""
    return numbered(_with_short_products(_with_inner_values(program)))


# -- inner values -----------------------------------------------------------------------------


def _with_inner_values(program: Program) -> Program:
    """The program with what several expressions contain of an equation in a statement."""
    inner = _inner_values(program)
    named: dict[MatrixExpr, MatrixExpr] = {}
    tables: dict[sp.Expr, dict[MatrixExpr, MatrixExpr]] = {}

    def change(e: MatrixExpr) -> MatrixExpr:
        when = _origin(e)
        if when not in tables:
            moved = {al.at(part, when): al.at(name, when) for part, name in named.items()}
            tables[when] = moved
        return al.substitute(e, tables[when])

    statements: list[Statement] = []
    numbers: Counter[str] = Counter()
    forward = program.of(Loop.FORWARD, Quantity.VALUE)
    before: dict[str, list[Statement]] = {s.key: [] for s in forward}
    for s in forward:
        for part in _inside(s.parts[0].expression):
            if part in inner and part not in named:
                numbers[s.key] += 1
                name = _name(ALPHA, s.key, numbers[s.key])
                symbol = nd.At(name, nd.t, *part.shape)
                own = Part(al.rebuild(part, lambda a: al.substitute(a, named)))
                shared = replace(s, quantity=Quantity.SHARED, key=name, symbol=symbol, source="")
                before[s.key].append(replace(shared, parts=(own,)))
                named[part] = symbol
    for s in program.statements:
        if s.quantity is Quantity.VALUE:
            statements += before[s.key]
        statements.append(_changed(s, change))
    return replace(program, statements=tuple(statements))


def _inner_values(program: Program) -> set[MatrixExpr]:
    """The parts of equations that stand in more than one expression, and take work."""
    parents: Counter[MatrixExpr] = Counter()
    seen: set[MatrixExpr] = set()

    def walk(e: MatrixExpr) -> None:
        for a in e.args:
            if isinstance(a, MatrixExpr) and not isinstance(a, al.LEAVES):
                parents[a] += 1
                if a not in seen:
                    seen.add(a)
                    walk(a)

    for s in program.statements:
        for e in expressions(s):
            lag = _origin(e) - nd.t
            e = al.at(e, nd.t - lag) if lag.is_Integer and lag != 0 else e
            if e not in seen:
                seen.add(e)
                walk(e)
    return {e for e, times in parents.items() if times > 1 and _takes_work(e)}


def _inside(e: MatrixExpr) -> Iterator[MatrixExpr]:
    """The parts of an expression, each behind those inside it."""
    done: set[MatrixExpr] = set()

    def walk(e: MatrixExpr) -> Iterator[MatrixExpr]:
        for a in e.args:
            if isinstance(a, MatrixExpr) and not isinstance(a, al.LEAVES) and a not in done:
                done.add(a)
                yield from walk(a)
                yield a

    return walk(e)


def _takes_work(e: MatrixExpr) -> bool:
    """Whether the value of an expression is worth keeping at every step."""
    many, _ = al.coefficient(e)
    if many != 1 or isinstance(e, Transpose | nd.Block | nd.Stack) or not al.find(e, nd.At):
        return False
    if isinstance(e, nd.Map) and e.function == "log":
        return False  # next to a factor of zero it is written otherwise
    if al.find(e, (nd.Map, nd.VectorMap, nd.Total)):
        return True
    composite = [a for a in sp.preorder_traversal(e) if _is_composite(a)]
    return any(isinstance(a, MatMul) for a in composite) or len(composite) > 2


def _is_composite(e: sp.Basic) -> bool:
    if not isinstance(e, MatrixExpr) or isinstance(e, (*al.LEAVES, Transpose)):
        return False
    return al.coefficient(e)[0] == 1


def _origin(e: MatrixExpr) -> sp.Expr:
    """The step of the one adjoint that an expression names; else the current step."""
    steps = {
        a.index
        for a in al.find(e, nd.At)
        if isinstance(a, nd.Adjoint) or a.name.startswith(EPSILON)
    }
    return steps.pop() if len(steps) == 1 else nd.t


# -- long products ----------------------------------------------------------------------------


def _with_short_products(program: Program) -> Program:
    """The program with the beginnings of long entrywise products as statements."""
    numbers = Counter(
        (s.loop, s.key.partition("^")[2])
        for s in program.statements
        if s.quantity is Quantity.SHARED
    )
    statements: list[Statement] = []
    for s in program.statements:
        if s.loop in (Loop.FORWARD, Loop.BACKWARD) and s.quantity is not Quantity.LOSS:
            statements += _shortened(s, numbers)
        else:
            statements.append(s)
    return replace(program, statements=tuple(statements))


def _shortened(s: Statement, numbers: Counter[tuple[Loop, str]]) -> list[Statement]:
    """A statement, behind those for the beginnings of its long products."""
    before: list[Statement] = []

    def named(e: MatrixExpr, steps: Steps) -> MatrixExpr:
        of = _of(e, s)
        numbers[s.loop, of] += 1
        mark = ALPHA if s.loop is Loop.FORWARD else EPSILON
        key = _name(mark, of, numbers[s.loop, of])
        symbol = nd.At(key, nd.t, *e.shape)
        shared = replace(s, quantity=Quantity.SHARED, key=key, symbol=symbol, source="")
        before.append(replace(shared, parts=(Part(e),), steps=steps, factor=None))
        return symbol

    def short(e: MatrixExpr, steps: Steps) -> MatrixExpr:
        e = al.rebuild(e, lambda a: short(a, steps))
        if not isinstance(e, HadamardProduct) or len(e.args) <= FACTORS or split_log(e):
            return e
        factors = list(e.args)
        while len(factors) > FACTORS:
            factors = [named(al.odot(*factors[:3]), steps), *factors[3:]]
        return al.odot(*factors)

    parts: list[Part] = []
    for part in s.parts:
        steps = s.steps if covers(part.steps, s.steps) else part.steps
        e = part.expression if part.present else short(part.expression, steps)
        parts.append(replace(part, expression=e))
    factor = s.factor
    if isinstance(factor, HadamardProduct) and len(factor.args) > FACTORS:
        factor = named(short(factor, s.steps), s.steps)
    return [*before, replace(s, parts=tuple(parts), factor=factor)]


def _of(e: MatrixExpr, s: Statement) -> str:
    """The name that the beginning of a product belongs to."""
    for a in al.find(e, nd.At):
        if isinstance(a, nd.Adjoint):
            return a.name
        if a.name.startswith(EPSILON):
            return a.name.partition("^")[2]
    return s.key.partition("^")[2] or s.key


def _name(mark: str, of: str, number: int) -> str:
    return f"{mark}{number if number > 1 else ''}^{of}"


def _changed(s: Statement, change: Callable[[MatrixExpr], MatrixExpr]) -> Statement:
    parts = tuple(replace(p, expression=change(p.expression)) for p in s.parts)
    return replace(s, parts=parts, factor=None if s.factor is None else change(s.factor))
