"""The lines of a forward derivation, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.lines import Line, Reason, Step, Why, adjoint_lines

if TYPE_CHECKING:
    from symbptt.calculus.forward_derivation import ForwardDerivation


def forward_lines(d: ForwardDerivation) -> Iterator[Step]:
    """Every line: what is carried, from what immediate derivatives, and what comes of it."""
    yield from carried_lines(d)
    yield from immediate_lines(d)
    yield from adjoint_lines(d.model, d.within, d.outputs)
    yield from gradient_lines(d)


def carried_lines(d: ForwardDerivation) -> Iterator[Step]:
    """Each recursion as its equation makes it, and as it reads once others are put in."""
    for name, line in d.carried.items():
        left = jn.Sensitivity(line.symbol, d.theta)
        reason = Reason(Why.CARRIED, rules=line.rules, about=(name,))
        yield Step(left, (Line(line.expression),), reason)
        if name in d.condensed and d.condensed[name] != line:
            gone = tuple(n for n in d.carried if _ends_in(d, n, name))
            whole = Line(d.condensed[name].expression)
            yield Step(left, (whole,), Reason(Why.SUBSTITUTED, about=gone))


def _ends_in(d: ForwardDerivation, name: str, user: str) -> bool:
    """Whether a recursion has been put into another, directly or inside a third."""
    into = d.eliminated.get(name)
    return into is not None and (into == user or _ends_in(d, into, user))


def immediate_lines(d: ForwardDerivation) -> Iterator[Step]:
    """Each immediate derivative that isn't zero."""
    for (name, key), slope in d.immediate.items():
        left = jn.Immediate(d.carried[name].symbol, d.places[key])
        yield Step(left, (Line(slope),), Reason(Why.IMMEDIATE, about=(name,)))


def put_in(d: ForwardDerivation) -> Iterator[tuple[MatrixExpr, MatrixExpr]]:
    """Each recursion for each parameter whose immediate derivative stands in it."""
    for line in d.condensed.values():
        named = {i.of.name for i in line.immediates}
        for key in (key for name, key in d.immediate if name in named):
            yield jn.Sensitivity(line.symbol, d.places[key]), d.concrete(line.expression, key)


def gradient_lines(d: ForwardDerivation) -> Iterator[Step]:
    """Every gradient; those that differ in θ alone, once for any θ."""
    alike: dict[MatrixExpr, list[str]] = {}
    for key, whole in d.gradients.items():
        if not d.direct(key):
            alike.setdefault(d.for_any(whole), []).append(key)
    for whole, keys in alike.items():
        if not al.is_zero(whole):
            yield _step(d.theta, whole, Reason(Why.CONTRACTED, about=tuple(keys)))
    for key, place in d.places.items():
        direct = d.direct(key)
        if direct and al.find(d.gradients[key], jn.Sensitivity):
            yield _step(place, d.gradients[key], Reason(Why.CONTRACTED, direct, about=(key,)))
        elif direct:
            whole = d.outputs.gradients[key].expression
            yield _step(place, whole, Reason(Why.WITHIN, direct, about=(key,)))
        elif al.is_zero(d.gradients[key]):
            yield _step(place, al.zeros(place.shape), Reason(Why.UNUSED, about=(key,)))


def _step(of: MatrixExpr, whole: MatrixExpr, reason: Reason) -> Step:
    return Step(nd.Adjoint("L", 0, *whole.shape), (Line(whole),), reason, of=of)
