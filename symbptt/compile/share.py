"""What the backward pass would compute twice, computed once and given a name.

``δ^h_t ⊙ (1 - h_t²)`` stands in the gradient of every weight of ``h_t = tanh(…)`` and, a step
later, in the recursion.  It becomes ``ε^h_t``, kept by step like everything else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import sympy as sp
from sympy.matrices.expressions import HadamardProduct, MatMul, MatrixExpr, Transpose

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.program import Loop, Part, Program, Quantity, Statement

#: Marks a shared part of the adjoint of the name that follows.
EPSILON = "ε"

#: Marks an intermediate value of the equation of the name that follows.
ALPHA = "α"


def share(program: Program) -> Program:
    """The program with every part that two backward statements need as a statement of its own."""
    moved = cache(relative)  # the same parts stand in many statements, and stay there
    while (part := _largest_repeated(program, moved)) is not None:
        program = _with_shared(program, part, moved)
    return numbered(program)


def relative(e: MatrixExpr) -> MatrixExpr | None:
    """An expression in one adjoint, with that adjoint at t; None if it has none or several."""
    named = al.find(e, nd.At)
    adjoints = [a for a in named if isinstance(a, nd.Adjoint)]
    if len(adjoints) != 1 or any(a.name.startswith(EPSILON) for a in named):
        return None
    origin = adjoints[0].index
    if any((a.index - origin) > 0 for a in named):
        return None
    if origin == nd.t:
        return e
    moved = {a: a.func(a.name, nd.t + (a.index - origin), *a.shape) for a in named}
    return e.xreplace(moved)


#: :func:`relative`, which remembers what it found.
Relative = Callable[[MatrixExpr], MatrixExpr | None]


def _expressions(program: Program) -> Iterator[MatrixExpr]:
    for s in program.of(Loop.BACKWARD):
        yield from (p.expression for p in s.parts)


def _composites(e: MatrixExpr) -> Iterator[MatrixExpr]:
    """Every part of an expression that takes work to compute."""
    for part in sp.preorder_traversal(e):
        if not isinstance(part, MatrixExpr) or isinstance(part, Transpose | nd.Block):
            continue
        body = al.coefficient(part)[1]
        # An outer product is better left alone: summed over the batch it is one product.
        outer = isinstance(body, MatMul | nd.Scale) and nd.ONE not in body.shape
        if outer or isinstance(body, al.LEAVES):
            continue
        yield part
        if isinstance(part, HadamardProduct):
            yield from (HadamardProduct(*part.args[:i]) for i in range(2, len(part.args)))


def _largest_repeated(program: Program, relative: Relative) -> MatrixExpr | None:
    found: Counter[MatrixExpr] = Counter()
    for expression in _expressions(program):
        for part in _composites(expression):
            moved = relative(part)
            if moved is not None:
                found[moved] += 1
    repeated = [e for e, times in found.items() if times > 1]
    return max(repeated, key=lambda e: sum(1 for _ in sp.preorder_traversal(e)), default=None)


def _with_shared(program: Program, part: MatrixExpr, relative: Relative) -> Program:
    """The program with one part named."""
    (adjoint,) = al.find(part, nd.Adjoint)
    name = f"{EPSILON}{len(program.statements)}^{adjoint.name}"
    symbol = nd.At(name, nd.t, *part.shape)

    def change(e: MatrixExpr) -> MatrixExpr:
        length = len(part.args) if isinstance(part, HadamardProduct) else 0
        head, rest = e, ()
        if length and isinstance(e, HadamardProduct) and len(e.args) > length:
            head, rest = HadamardProduct(*e.args[:length]), e.args[length:]
        alike = type(head) is type(part) and len(head.args) == len(part.args)
        if alike and relative(head) == part:
            (there,) = al.find(head, nd.Adjoint)
            here = nd.At(name, there.index, *part.shape)
            return al.odot(here, *map(change, rest)) if rest else here
        return al.rebuild(e, change)

    statements: list[Statement] = []
    for s in program.statements:
        statements.append(_changed(s, change) if s.loop is not Loop.FORWARD else s)
        if s.quantity is Quantity.ADJOINT and s.key == adjoint.name:
            shared = replace(s, quantity=Quantity.SHARED, key=name, symbol=symbol, factor=None)
            statements.append(replace(shared, parts=(Part(part),)))
    return replace(program, statements=tuple(statements))


def numbered(program: Program) -> Program:
    """The program with its shared parts named in order: ``ε^h``, ``ε2^h``, …"""
    times: Counter[str] = Counter()
    names: dict[str, str] = {}
    for s in program.of(Loop.BACKWARD, Quantity.SHARED):
        adjoint = s.key.partition("^")[2]
        times[adjoint] += 1
        names[s.key] = f"{EPSILON}{times[adjoint] if times[adjoint] > 1 else ''}^{adjoint}"

    def change(e: MatrixExpr) -> MatrixExpr:
        if isinstance(e, nd.At) and e.name in names:
            return nd.At(names[e.name], e.index, *e.shape)
        return al.rebuild(e, change)

    def renamed(s: Statement) -> Statement:
        factor = None if s.factor is None else change(s.factor)
        key, symbol = names.get(s.key, s.key), change(s.symbol)
        return replace(_changed(s, change), key=key, symbol=symbol, factor=factor)

    statements = [s if s.loop is Loop.FORWARD else renamed(s) for s in program.statements]
    return replace(program, statements=tuple(statements))


def _changed(s: Statement, change: Callable[[MatrixExpr], MatrixExpr]) -> Statement:
    return replace(s, parts=tuple(replace(p, expression=change(p.expression)) for p in s.parts))
