r"""The exact witness for truncated BPTT: each window against a forward pass that is cut there.

Forward mode gives the derivative of a window's losses by every computed ``v_t``, with all that
was computed before the window held constant.  With these on its right side each recursion, and
each case of each printed line, must give the one on its left, for every window and step; and
each printed gradient must be the sum of the windows' derivatives.  An adjoint outside its window
is zero, as the derivation says, and a term that names one is not there.

This holds for the T that are checked.  Nothing is claimed of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add

from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import Line, TruncatedDerivation, Why
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed
from symbptt.calculus.recursion import Recursion
from symbptt.calculus.sweep import Sweep
from symbptt.calculus.windowed import WindowRecursion
from symbptt.calculus.windows import Where, Window
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import Claim, Decided, Setting, decide, landmarks
from symbptt.evidence.cuts import Cut, cuts
from symbptt.evidence.exact import Truth, distributions, forward_mode, places_of
from symbptt.evidence.expressions import Scene, Steps, evaluate, matrix_size, span, whole
from symbptt.evidence.forward import Place, size_of
from symbptt.evidence.residues import BrokenClaimError
from symbptt.model.model import initial_key


@dataclass(frozen=True)
class Point:
    """A truncated derivation at a random point, next to what is true in each window."""

    d: TruncatedDerivation
    T: int
    sizes: Mapping[str, int]
    A: Arithmetic
    cuts: Mapping[int, Cut]
    truth: Mapping[int, Truth]

    def zero(self, name: str) -> X:
        return self.A.constant(0, size_of(self.d.model.variables[name].shape, self.sizes))

    def slope(self, name: str, step: int | None, end: int) -> X:
        """The derivative of one window's losses."""
        return self.truth[end].slopes.get((name, step), self.zero(name))

    def slopes(self, name: str, step: int | None) -> X:
        """The sum of the derivatives of all windows' losses."""
        return reduce(add, (self.slope(name, step, end) for end in self.cuts))

    def inside(self, name: str, step: int, end: int) -> bool:
        """Whether the window that ends at a step has another one, for an adjoint: by what flows
        there, and by what the derivation says."""
        if end not in self.cuts:
            raise BrokenClaimError(f"names a window that ends at step {end}, and there is none")
        w = next(w for w in self.d.truncation.windows(self.T) if w.last == end)
        said = name not in self.d.spans or step in self.d.spans[name].around.steps(w, self.T)
        return said and self.cuts[end].inside(name, step)

    def steps(self, w: Window) -> range:
        """The steps at which the adjoints of a window are claimed, the last one first."""
        if len(self.d.model.stages) == 1 and not self.d.model.stages[0].reverse:
            return range(w.last, w.first - 1, -1)
        return range(self.T, 0, -1)

    def moment(self, name: str, step: int, order: Sequence[str]) -> tuple[int, int, int]:
        """When an adjoint is computed: passes last to first, each against its direction."""
        i = self.d.model.stage_of(name)
        return -i, step if self.d.model.stages[i].reverse else -step, order.index(name)

    def scene(
        self, recursions: Mapping[str, Recursion], before: tuple[str, int] | None = None
    ) -> Scene:
        """Where the formula of an adjoint (``before``), or of a gradient, is evaluated."""
        order = list(recursions)

        def adjoint(name: str, step: int, end: int) -> X:
            if name not in order:
                raise BrokenClaimError(f"reads δ^{name}, which the backward pass doesn't compute")
            if not self.inside(name, step, end):
                raise BrokenClaimError(f"reads δ^{name}_{step}, outside the window to {end}")
            if before is None or before[0] not in order:
                return self.slope(name, step, end)
            if self.moment(name, step, order) >= self.moment(*before, order):
                raise BrokenClaimError(f"reads δ^{name}_{step} before it is computed")
            return self.slope(name, step, end)

        def whole_loss(name: str, step: int) -> X:
            raise BrokenClaimError(f"reads δ^{name}_{step} of the whole loss")

        read = self.truth[self.T].read
        return Scene(self.d.model, self.A, self.sizes, self.T, read, whole_loss, adjoint)

    def value(self, e: MatrixExpr, scene: Scene, steps: Steps, *, by_step: bool = False) -> X:
        """An expression's value, where an adjoint outside its window is zero.

        A sum over the steps of a window (``by_step``) may name none.
        """
        if not al.find(e, nd.WindowAdjoint):
            return evaluate(e, scene, steps)
        if isinstance(e, MatAdd):
            terms = (self.value(term, scene, steps, by_step=by_step) for term in e.args)
            return reduce(add, terms)
        zero = self.A.constant(0, matrix_size(e, scene))
        if type(e) is nd.TimeSum:
            each = ({**steps, e.index: s} for s in span(e, steps))
            values = (self.value(e.body, scene, s, by_step=e.index == nd.t) for s in each)
            return reduce(add, values, zero)
        if al.find(e, nd.TimeSum):
            return evaluate(e, scene, steps)
        outside = {
            a: al.zeros(a.shape)
            for a in al.find(e, nd.WindowAdjoint)
            if not self.inside(a.name, whole(a.index, steps, "step"), whole(a.end, steps, "window"))
        }
        if outside and by_step:
            raise BrokenClaimError(f"sums {e} at a step outside its window")
        return evaluate(al.substitute(e, outside), scene, steps)

    def now(self, t: int | None = None, end: int | None = None) -> Steps:
        """What the symbols of time stand for."""
        known = {nd.T: self.T, nd.t: t, self.d.windows.last: end}
        return {symbol: step for symbol, step in known.items() if step is not None}


def point_of(d: TruncatedDerivation, T: int, sizes: Mapping[str, int], A: Arithmetic) -> Point:
    """The truth at a random point: one cut forward pass for each window."""
    found = {cut.end: cut for cut in cuts(d.model, T, d.truncation.k1, d.truncation.k2)}
    every = places_of(d.model, T, inputs=d.inputs)

    def concerns(p: Place, cut: Cut) -> bool:
        name, step = p
        return step is None or not 1 <= step <= T or not cut.held(name, step)

    truth = {
        end: forward_mode(cut.model, T, sizes, A, [p for p in every if concerns(p, cut)], cut.held)
        for end, cut in found.items()
    }
    return Point(d, T, sizes, A, found, truth)


def claims(point: Point) -> Iterator[Claim]:
    """All that a truncated derivation claims for this T."""
    d = point.d
    yield Claim(
        "windows", "windows", partial(_windows, point), partial(point.A.constant, 0, (1, 1))
    )
    for place, parts in (("recursion", d.sweep), ("condensed", d.condensed)):
        for w in d.truncation.windows(point.T):
            for t in point.steps(w):
                for name in d.model.order if place == "recursion" else parts.recursions:
                    value = partial(_at, point, parts, name, t, w)
                    yield _adjoint_claim(place, point, name, t, w, value)
        yield from _gradient_claims(point, place, parts)
    yield from line_claims(point, distribution=False)
    if d.T == point.T:
        yield from _written_claims(point)


def _windows(point: Point) -> X:
    said = [(w.first, w.last) for w in point.d.truncation.windows(point.T)]
    true = [(cut.start, cut.end) for cut in point.cuts.values()]
    if said != true:
        raise BrokenClaimError(f"the windows are {said} and should be {true}")
    return point.A.constant(0, (1, 1))


def _adjoint_claim(
    place: str, point: Point, name: str, t: int, w: Window, value: Callable[[], X]
) -> Claim:
    return Claim(f"δ^{name}_{t} ({w.last})", place, value, partial(point.slope, name, t, w.last))


def _at(point: Point, parts: Sweep | Condensed, name: str, t: int, w: Window) -> X:
    """What a recursion says at step t of a window; without one, zero."""
    r = parts.recursions.get(name)
    if not isinstance(r, WindowRecursion):
        return point.zero(name)
    scene = point.scene(parts.recursions, (name, t))
    shares = (point.d.windows.within(c.expression) for c in r.there(t, w, point.T))
    values = (evaluate(e, scene, point.now(t, w.last)) for e in shares)
    return reduce(add, values, point.zero(name))


def _gradient_claims(point: Point, place: str, parts: Sweep | Condensed) -> Iterator[Claim]:
    """The gradients with their sums over windows; initial values; inputs."""
    scene = point.scene(parts.recursions)
    found: dict[str, tuple[Place, MatrixExpr]] = {
        name: ((name, None), g.expression) for name, g in parts.gradients.items()
    }
    for (name, s), e in parts.initial.items():
        found[initial_key(name, s)] = (name, s.at(0, point.T)), e
    for key, (at, e) in found.items():
        value = partial(point.value, e, scene, point.now())
        yield Claim(f"Σ ∂L^(e)/∂{key}", place, value, partial(point.slopes, *at))
    for v in point.d.model.given if point.d.inputs else ():
        for t in range(1, point.T + 1):
            value = partial(_input, point, parts.inputs.get(v.name), v.name, scene, t)
            yield Claim(f"Σ ∂L^(e)/∂{v.name}_{t}", place, value, partial(point.slopes, v.name, t))


def _input(point: Point, r: Recursion | None, name: str, scene: Scene, t: int) -> X:
    there = [] if r is None else [c for c in r.contributions if c.steps.include(t, point.T)]
    values = (point.value(c.expression, scene, point.now(t)) for c in there)
    return reduce(add, values, point.zero(name))


def line_claims(point: Point, *, distribution: bool) -> Iterator[Claim]:
    """The lines as printed, at every step of every window; the first case that fits holds.

    ``distribution`` asks for the lines that hold where a target's entries sum to 1.
    """
    apart = landmarks(point.d.whole).apart  # of a pass that ends where another one starts
    for step in point.d.steps:
        kind = step.reason.kind
        if step.of is not None or (kind is Why.DISTRIBUTION) is not distribution:
            continue
        name = step.left.name
        span = point.d.spans[name].around
        if span.starts and apart > point.T:
            continue
        for w in point.d.truncation.windows(point.T):
            for t in point.steps(w):
                there = whole(step.left.index, point.now(t, w.last), "the step") == t
                there = there and t in span.steps(w, point.T)
                lines = step.lines if there else ()
                line = next((x for x in lines if _holds(x, t, w, point.T)), None)
                value = partial(_line_value, point, line, name, t, w)
                yield _adjoint_claim(f"line, {kind}", point, name, t, w, value)


def _holds(line: Line, t: int, w: Window, T: int) -> bool:
    if isinstance(line.steps, Where):
        return line.steps.include(t, w, T)
    return line.steps is None or line.steps.include(t, T)


def _line_value(point: Point, line: Line | None, name: str, t: int, w: Window) -> X:
    if line is None:
        return point.zero(name)
    scene = point.scene(point.d.sweep.recursions, (name, t))
    # A start may lead to a step after the window.
    if line.zero_terms or point.d.spans[name].starts:
        return point.value(line.expression, scene, point.now(t, w.last))
    return evaluate(line.expression, scene, point.now(t, w.last))


def _written_claims(point: Point) -> Iterator[Claim]:
    """Adjoints and gradients written out for a given T."""
    d, recursions = point.d, point.d.condensed.recursions
    places: dict[str, Place] = {v.name: (v.name, None) for v in d.model.parameters}
    starts = d.model.initial_values
    places |= {initial_key(v.name, s): (v.name, s.at(0, point.T)) for v, s in starts}
    for key, place in places.items():
        value = partial(evaluate, d.gradients[key], point.scene(recursions), point.now())
        yield Claim(f"Σ ∂L^(e)/∂{key}", "line, written out", value, partial(point.slopes, *place))
    for a, e in d.unrolled.items():
        name, t, end = a.name, int(a.index), int(a.end)
        value = partial(evaluate, e, point.scene(recursions, (name, t)), point.now())
        truth = partial(point.slope, name, t, end)
        yield Claim(f"δ^{name}_{t} ({end})", "line, written out", value, truth)


def truncated_witness(
    d: TruncatedDerivation, Ts: Iterable[int], assignments: Iterable[Mapping[str, int]], seed: int
) -> Iterator[Decided]:
    """Decide all claims for each T and each assignment of sizes to dimensions."""
    normalised = distributions(d)
    for sizes in assignments:
        for T in Ts:

            def everything(
                A: Arithmetic, T: int = T, sizes: Mapping[str, int] = sizes
            ) -> Iterator[Claim]:
                return claims(point_of(d, T, sizes, A))

            yield decide(everything, Setting("exact", T, sizes, seed))

            def assumed(
                A: Arithmetic, T: int = T, sizes: Mapping[str, int] = sizes
            ) -> Iterator[Claim]:
                return line_claims(point_of(d, T, sizes, A), distribution=True)

            if normalised:
                yield decide(assumed, Setting("exact", T, sizes, seed, normalised))
