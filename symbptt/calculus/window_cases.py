"""The cases of a recursion within a window: which terms are there at which of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus.recursion import Case
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.windows import Edge, Truncation, Where, Window

#: Which edges hold at a step.
World = tuple[bool, ...]


def worlds(edges: tuple[Edge, ...], cut: Truncation, span: Span) -> list[World]:
    """Every way in which edges can hold together, from the end of a window to its start, or the
    other way round."""
    found = dict.fromkeys(_imagined(edges, cut, span.way))
    if any(edge.kind == "among" for edge in edges):
        real = set(_met(edges, cut, span))
        return [w for w in found if w in real]
    return list(found)


def cases_of(
    edges: tuple[Edge, ...], values: Mapping[World, MatrixExpr], *, ahead: bool
) -> tuple[Case, ...]:
    """The values of all worlds in cases, of which the first that fits holds."""
    found = _cases(edges, values, ahead, None)
    if not any(edge.kind == "among" for edge in edges):
        return found
    # Worlds of one value may take several cases.  Said last, or by other edges, they take fewer.
    lasts = dict.fromkeys([None, *(case.expression for case in found)])
    tries = (_cases(edges, values, way, last) for last in lasts for way in (ahead, not ahead))
    return min((_needed(edges, values, cases) for cases in (found, *tries)), key=len)


def _needed(
    edges: tuple[Edge, ...], values: Mapping[World, MatrixExpr], cases: tuple[Case, ...]
) -> tuple[Case, ...]:
    """Cases without those that a later one says too."""

    def says(left: tuple[Case, ...], world: World) -> MatrixExpr | None:
        fits = (c for c in left if world in _matching([world], edges, _wanted(c)))
        return next((c.expression for c in fits), None)

    for case in cases:
        left = tuple(c for c in cases if c is not case)
        if left and all(says(left, w) == says(cases, w) for w in values):
            cases = left
    return cases


def _wanted(case: Case) -> dict[Edge, bool]:
    return dict(case.steps.edges) if isinstance(case.steps, Where) else {}


def _cases(
    edges: tuple[Edge, ...],
    values: Mapping[World, MatrixExpr],
    ahead: bool,
    last: MatrixExpr | None,
) -> tuple[Case, ...]:
    """The cases in the order of the worlds, but for one value that comes last."""
    numbered = any(edge.kind == "among" for edge in edges)
    cases: list[Case] = []
    covered: set[World] = set()
    for world in sorted(values, key=lambda w: values[w] == last):
        if world in covered or al.is_zero(values[world]):
            continue
        # Each case says by itself where it holds, unless that takes naming steps.
        rivals = [w for w in values if w not in covered] if numbered else list(values)
        wanted = dict(zip(edges, world, strict=True))
        order = sorted(edges, key=lambda x: x.kind != "among" or wanted[x])
        for edge in sorted(order, key=lambda x: not wanted[x]) if ahead else order:
            fewer = {x: v for x, v in wanted.items() if x != edge}
            if all(values[w] == values[world] for w in _matching(rivals, edges, fewer)):
                wanted = fewer
        covered |= set(_matching(list(values), edges, wanted))
        rest = bool(cases) and not wanted
        cases.append(Case(Where(tuple(wanted.items())), values[world], otherwise=rest))
    return tuple(cases)


def _imagined(edges: tuple[Edge, ...], cut: Truncation, way: Way) -> Iterator[World]:
    """The worlds where every set of steps may have any step.

    The window takes r losses, r = 1…k1 (the last one may be short), and t = e - d, or t = a + d.
    Once r and d are larger than any offset by more than one, nothing new happens.
    """
    by = max((abs(edge.by) for edge in edges), default=0)
    among = [edge for edge in edges if edge.kind == "among"]
    for named in product((True, False), repeat=len(among)):
        member = dict(zip(among, named, strict=True))
        for r in range(min(cut.k1, by + 2), 0, -1):
            far = min(cut.k2, r + by + 2)
            back = range(far)
            if way is Way.AHEAD:
                back = range(r - 1, r - 1 - far, -1)
            elif way is Way.BOTH:
                back = range(r - far, far)
            for d in back:
                w = Window(1, d + 1 - (r - 1), d + 1)  # so that t = 1, with a for what it is
                yield tuple(member[x] if x in member else x.holds(1, w, w.last) for x in edges)


def _met(edges: tuple[Edge, ...], cut: Truncation, span: Span) -> Iterator[World]:
    """The worlds that the windows of sequences of every length meet.

    Beyond the steps that are named by number or from the end, longer windows and sequences meet
    no other ones.
    """
    named = [x.steps for x in edges if x.kind == "among"]
    points = [i for s in named for i in (s.members or (s.first, s.last))]
    start = max((i.offset for i in points if not i.anchor), default=0)
    end = max((-i.offset for i in points if i.anchor), default=0)
    far = start + end + max((abs(edge.by) for edge in edges), default=0) + 2
    k1 = min(cut.k1, far)
    capped = Truncation(k1, k1 + min(cut.k2 - cut.k1, far))
    for T in range(1, start + end + capped.k1 + capped.k2 + 3):
        for w in capped.windows(T):
            for t in span.around.steps(w, T):
                yield tuple(x.holds(t, w, T) for x in edges)


def _matching(
    worlds: list[World], edges: tuple[Edge, ...], wanted: Mapping[Edge, bool]
) -> Iterator[World]:
    for w in worlds:
        holds = dict(zip(edges, w, strict=True))
        if all(holds[x] is value for x, value in wanted.items()):
            yield w
