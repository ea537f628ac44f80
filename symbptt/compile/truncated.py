"""Truncated BPTT as a program.

Whether a term is there within a window is asked of the adjoint that it names: ``t + 1 in d_h``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import TruncatedDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Contribution
from symbptt.calculus.spans import Span, Way, fixed, looped
from symbptt.calculus.truncated import terms_of
from symbptt.calculus.windowed import (
    at_start,
    own_adjoints,
    start_of,
    through_initial_value,
)
from symbptt.compile.program import (
    Loop,
    Part,
    Program,
    Quantity,
    Statement,
    forward,
    shared_factor,
    together,
)
from symbptt.model import EVERY, Steps, initial_key

#: What a part or a statement may ask of a window: that it takes the loss of the step.  That it
#: reaches a start it asks by the name of ``Reaching``.
TAKEN = "taken"


def truncated_program(d: TruncatedDerivation) -> Program:
    """The forward pass as the equations stand, the backward pass window by window."""
    backward = Backward(d, own_adjoints(d.uncut.recursions), d.spans_of(d.uncut)).statements()
    return Program(d.model, (*forward(d), *backward), d.model.given if d.inputs else ())


@dataclass(frozen=True)
class Backward:
    """The backward pass of a truncated derivation."""

    d: TruncatedDerivation
    own: Mapping[str, Steps]
    spans: Mapping[str, Span]

    def statements(self) -> Iterator[Statement]:
        """All of it, in order."""
        yield from (*self._adjoints(), *self._gradients())
        yield from (*(self._inputs() if self.d.inputs else ()), *self._initial())

    def loop(self, name: str) -> tuple[int, Span]:
        """The pass, and the span of its loop, in which an adjoint is computed."""
        stage = self.d.model.stage_of(name)
        return stage, looped(self.d.model.stages[stage].names, self.spans)[name]

    def everywhere(self, stage: int, span: Span) -> set[str]:
        """The adjoints that are there at every step of a loop, if perhaps zero."""
        return {
            n
            for n in self.spans
            if self.loop(n) == (stage, span) and (n not in self.own or self._always(n, span))
        }

    def _back(self) -> set[str]:
        """The adjoints that are there at the first step, in a window that reaches it."""
        return {n for n, span in self.spans.items() if span.way is Way.BACK}

    def _always(self, name: str, span: Span) -> bool:
        return span.way is Way.AT and self.own[name].is_every

    def _adjoints(self) -> Iterator[Statement]:
        for name, r in self.d.uncut.recursions.items():
            (stage, span), own = self.loop(name), self.own
            within, steps = (TAKEN, own[name]) if name in own else ("", EVERY)
            alike = {
                u
                for u in self.d.uncut.recursions
                if own.get(u) == own.get(name) and self.spans[u] == self.spans[name]
            }
            expressions, factor = shared_factor([c.expression for c in r.contributions])
            parts: list[Part] = []
            for c, e in zip(r.contributions, expressions, strict=True):
                if c.loss is None and any(map(fixed, c.looks)):
                    # Behind a start: the first step is in every window that gets here.
                    parts += _parts(e, self._back(), at=1, steps=c.steps)
                elif c.loss is None:
                    parts += _parts(e, alike, steps=steps, within=within)
                else:
                    parts.append(Part(e, c.steps, within=TAKEN))
            done = together(parts)
            head = Statement(Loop.BACKWARD, Quantity.ADJOINT, name, r.symbol, done, steps)
            yield replace(head, factor=factor, within=within, stage=stage, span=span)

    def _gradients(self) -> Iterator[Statement]:
        for name, g in self.d.uncut.gradients.items():
            for c in g.contributions:
                stage, span = self._loop_of(c)
                if c.loss is not None:
                    loop, parts = Loop.DIRECT, [Part(c.expression, c.steps)]
                elif through_initial_value(c):
                    loop, parts = Loop.AFTER, self._start(at_start(c), after=c.lag < 0)
                else:
                    sure = self.everywhere(stage, span)
                    loop, parts = Loop.BACKWARD, [*_parts(c.expression, sure)]
                head = Statement(loop, Quantity.GRADIENT, name, g.symbol, tuple(parts), c.steps)
                yield replace(head, stage=stage, span=span)

    def _loop_of(self, c: Contribution) -> tuple[int, Span]:
        """The loop that has computed what a contribution to a gradient names."""
        named = (self.loop(a.name) for a in al.find(c.expression, nd.Adjoint))
        last = len(self.d.model.stages) - 1, Span(Way.BACK)
        return min(named, key=lambda loop: loop[0], default=last)

    def _start(self, e: MatrixExpr, *, after: bool) -> list[Part]:
        """What reaches an initial value, in the windows that go as far."""
        reaching = start_of(e, self.spans, after=after)
        at = nd.T if after else 1
        sure = {a.name for a in al.find(e, nd.Adjoint) if a.name not in self.own}
        return [*_parts(e, sure, at=at, within=str(reaching))]

    def _inputs(self) -> Iterator[Statement]:
        for name, r in self.d.uncut.inputs.items():
            direct = [Part(c.expression, c.steps) for c in r.contributions if c.loss is not None]
            if direct:
                yield Statement(Loop.DIRECT, Quantity.INPUT, name, r.symbol, tuple(direct))
            cut: dict[tuple[int, Span], list[Contribution]] = {}
            for c in r.contributions:
                if c.loss is None:
                    cut.setdefault(self._loop_of(c), []).append(c)
            for (stage, span), cs in sorted(cut.items(), key=lambda found: -found[0][0]):
                # Some steps use inputs from beyond the window, where nothing is sure to be there.
                sure = set() if any(c.lag for c in cs) else self.everywhere(stage, span)
                parts = tuple(part for c in cs for part in _parts(c.expression, sure))
                head = Statement(Loop.BACKWARD, Quantity.INPUT, name, r.symbol, parts)
                yield replace(head, stage=stage, span=span)

    def _initial(self) -> Iterator[Statement]:
        for (name, s), e in self.d.uncut.initial.items():
            if self.d.model.variables[name].computed:
                cut, direct = self._start(e, after=bool(s.anchor)), []
            else:
                cut = [part for term in terms_of(e) for part in _parts(term, set())]
                direct = [Part(term) for term in terms_of(e) if not al.find(term, nd.Adjoint)]
            for loop, parts in ((Loop.AFTER, cut), (Loop.DIRECT, direct)):
                if parts:
                    symbol, key = self.d.engine.symbol(name, s), initial_key(name, s)
                    yield Statement(loop, Quantity.INITIAL, key, symbol, tuple(parts))


def _parts(e: MatrixExpr, sure: Set[str], at: Any = nd.t, **asked: Any) -> Iterator[Part]:
    """One part per adjoint: an expression is linear in those that it names.

    ``sure`` are those that are there at the step ``at``.
    """
    adjoints = al.find(e, nd.Adjoint)
    for a in adjoints:
        others = {b: al.zeros(b.shape) for b in adjoints if b != a}
        present = () if a.name in sure and a.index == at else (a,)
        yield Part(al.substitute(e, others), present=present, **asked)
