"""The fold check: the general recursion must be that of the unrolled network, at every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import sympy as sp
from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Contribution
from symbptt.calculus.rules import pullback
from symbptt.calculus.sweep import ONE, Sweep
from symbptt.calculus.translate import Engine, Graph, adjoint, started, unroll
from symbptt.errors import DerivationError
from symbptt.model.model import Model, Start

Shares = dict[MatrixExpr, list[MatrixExpr]]


def sweep_graph(graph: Graph) -> tuple[Shares, Shares]:
    """Differentiate the unrolled network node by node, from the last back to the first.

    Returns every share of each node's adjoint, and every share of each gradient, with no
    regard to the pattern that makes the steps alike: what the fold check compares with.
    """
    shares: Shares = {}
    for scalar in graph.loss:
        for leaf, share, _ in pullback(scalar, ONE, scalar):
            shares.setdefault(leaf, []).append(share)
    for node, rhs in reversed(graph.nodes.items()):
        if node not in shares:
            continue
        g = adjoint(graph.model.variables[node.name], node.index)
        for leaf, share, _ in pullback(rhs, g, node):
            shares.setdefault(leaf, []).append(share)
    adjoints = {leaf: s for leaf, s in shares.items() if isinstance(leaf, nd.At)}
    gradients = {leaf: s for leaf, s in shares.items() if isinstance(leaf, MatrixSymbol)}
    return adjoints, gradients


def fold_check(model: Model, found: Sweep, T: int) -> int:
    """Compare the general recursion with the unrolled network's, node by node.

    Returns the number of nodes compared; raises :class:`DerivationError` on a difference.
    """
    adjoints, gradients = sweep_graph(unroll(model, T))
    engine = Engine(model)
    alive = _alive(model, found, T)
    compared = 0

    values = {nd.T: sp.Integer(T)} | started(model, T)

    def at_length(e: MatrixExpr) -> MatrixExpr:
        return e.xreplace(values)

    def compare(node: MatrixExpr, general: list[MatrixExpr], unrolled: list[MatrixExpr]) -> None:
        nonlocal compared
        compared += 1
        general = list(map(at_length, general))
        if _terms(node, general, alive) != _terms(node, unrolled, alive):
            raise DerivationError(
                f"the general recursion and the network unrolled for T = {T} differ at {node}; "
                "please report this model"
            )

    for name, recursion in found.recursions.items():
        if any(c.looks_outside for c in recursion.contributions):
            raise DerivationError(
                f"the recursion for δ^{name} looks before the first step or past the last"
            )
        for s in range(1, T + 1):
            there = [c for c in recursion.contributions if c.is_there(s, T)]
            node = engine.symbol(name, s)
            compare(node, [al.at(c.expression, s) for c in there], adjoints.get(node, []))
    for gradient in found.gradients.values():
        general = [al.at(c.expression, s) for c in gradient.contributions for s in c.steps.at(T)]
        unrolled = list(gradients.get(gradient.symbol, []))
        for (state, step), start in model.initial.items():
            if start == Start(gradient.symbol.name):
                unrolled += adjoints.get(at_length(engine.symbol(state, step)), [])
        compare(gradient.symbol, general, unrolled)
    for (name, step), expression in found.initial.items():
        node = at_length(engine.symbol(name, step))
        compare(node, [expression], adjoints.get(node, []))
    return compared


Node = tuple[str, int]


def _alive(model: Model, found: Sweep, T: int) -> set[Node]:
    """The adjoints that a loss of this length reaches; all others are zero."""
    alive: set[Node] = set()
    for name, s in reversed(list(model.forward_pass(T))):
        recursion = found.recursions.get(name)
        there = (c for c in recursion.contributions if c.is_there(s, T)) if recursion else ()
        if any(c.user is None or _named(c, s, T) & alive for c in there):
            alive.add((name, s))
    return alive


def _named(c: Contribution, s: int, T: int) -> set[Node]:
    """The adjoints that a contribution names at step s."""
    return _adjoints_in(al.at(c.expression, s), T)


def _adjoints_in(e: MatrixExpr, T: int) -> set[Node]:
    return {(a.name, int(a.index.xreplace({nd.T: sp.Integer(T)}))) for a in al.find(e, nd.Adjoint)}


def reaches_anything(model: Model, found: Sweep, T: int, *, inputs: bool) -> bool:
    """Whether the loss reaches a parameter, an initial value (or an input, if ``inputs``) in a
    sequence of length T."""
    alive = _alive(model, found, T)
    wanted = [*found.gradients.values(), *(found.inputs.values() if inputs else ())]
    return any(
        c.user is None or _named(c, s, T) & alive
        for w in wanted
        for c in w.contributions
        for s in c.steps.at(T)
    ) or any(_adjoints_in(e, T) & alive for e in found.initial.values())


Addend = tuple[object, ...]


def _terms(node: MatrixExpr, parts: list[MatrixExpr], alive: set[Node]) -> Counter[Addend]:
    """The terms of a sum, in any order, without those that an adjoint makes zero."""

    def kept(e: MatrixExpr) -> MatrixExpr:
        dead = {
            a: al.zeros(a.shape)
            for a in al.find(e, nd.Adjoint)
            if (a.name, int(a.index)) not in alive
        }
        return al.substitute(e, dead) if dead else e

    whole = al.plus(al.zeros(node.shape), *map(kept, parts))
    return Counter(_addends(whole))


def _addends(e: MatrixExpr) -> Iterator[Addend]:
    """The terms of a sum; of a stack those of each block, with where it stands."""
    many, rest = al.coefficient(e)
    if isinstance(rest, sp.MatAdd):
        for term in rest.args:
            yield from _addends(al.times(many, term))
    elif isinstance(rest, nd.Stack):
        start = 0
        for part in rest.parts:
            yield from ((start, *term) for term in _addends(al.times(many, part)))
            start += al.length(part)
    elif not al.is_zero(e):
        yield (e,)
