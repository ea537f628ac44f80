"""Ranges of steps as source, and the conditions under which there are any."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from symbptt.calculus import nodes as nd
from symbptt.compile.conditions import point
from symbptt.compile.program import Part
from symbptt.model import Steps

#: The first and the last of some steps; of one step alone, twice that.
Range = tuple[sp.Expr, sp.Expr]

#: All steps.
WHOLE: Range = (sp.Integer(1), nd.T)


def is_whole(part: Part) -> bool:
    """Whether a part is there at every step."""
    return part.steps.is_every and not part.present


def ranges(steps: Steps, part: Part | None = None) -> Iterator[tuple[Range, str]]:
    """Some steps as a range, or each of several alone, and the condition under which it is there;
    of a ``part``, those at which the adjoints that it needs are at a step of the sequence.

    >>> from symbptt.model import Index
    >>> list(ranges(Steps(last=Index("T", -1)))), list(ranges(Steps(members=(Index("", 2),))))
    ([((1, T - 1), '1 <= T - 1')], [((2, 2), 'T >= 2')])
    """
    present = part.present if part is not None else ()
    fixed = [exists(a.index) for a in present if not a.index.has(nd.t)]
    lags = [int(a.index - nd.t) for a in present if a.index.has(nd.t)]
    early, late = min((0, *lags)), max((0, *lags))
    if steps.members is None:
        first, last = nd.step(steps.first), nd.step(steps.last)
        if steps.first.anchor or early:
            first = sp.Max(1 - early, first)
        if not steps.last.anchor or late:
            last = sp.Min(last, nd.T - late)
        yield (first, last), " and ".join(filter(None, (*fixed, any_of(first, last))))
        return
    for i, m in enumerate(steps.members):
        one = nd.step(m)
        apart = [f"{point(m)} != {point(d)}" for d in steps.members[:i] if d.anchor != m.anchor]
        there = [exists(one), *(exists(one + lag) for lag in (early, late) if lag)]
        yield (one, one), " and ".join(filter(None, dict.fromkeys((*fixed, *there, *apart))))


def any_of(first: sp.Expr, last: sp.Expr) -> str:
    """The condition under which a range has any step."""
    return "" if (first <= last) == sp.true else f"{source(first)} <= {source(last)}"


def exists(step: sp.Expr) -> str:
    """The condition under which there is a step: of a number, or so far from the last or from t.

    >>> exists(sp.Integer(3)), exists(nd.T - 2), exists(nd.t + 1), exists(nd.T)
    ('T >= 3', 'T > 2', 't < T', '')
    """
    if step.has(nd.t):
        lag = int(step - nd.t)
        if lag > 0:
            return "t < T" if lag == 1 else f"t <= T - {lag}"
        return f"t > {-lag}" if lag else ""
    if step.has(nd.T):
        return f"T > {nd.T - step}" if step != nd.T else ""
    return f"T >= {step}" if step > 1 else ""


def source(e: sp.Expr) -> str:
    """A number of steps as source.

    >>> source(sp.Max(1, nd.T - 2) - 1)
    'max(1, T - 2) - 1'
    """
    return str(e).replace("Max", "max").replace("Min", "min")
