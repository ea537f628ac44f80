"""Truncated BPTT as a program, and as NumPy source: a loop over windows around the backward pass.

Whether a term is there within a window is asked of the adjoint that it names: ``t + 1 in d_h``.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from typing import Any

from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import TruncatedDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.truncated import terms_of
from symbptt.calculus.windowed import at_start, own_adjoints, through_initial_value
from symbptt.calculus.windows import Truncation
from symbptt.compile.conditions import point
from symbptt.compile.numpy_writer import WIDTH, Line, Writer, indented
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

#: What a part or a statement may ask of a window: that it takes the loss of the step, or that it
#: reaches back to the first step.
TAKEN, UNCUT = "taken", "uncut"


def truncated_program(d: TruncatedDerivation) -> Program:
    """The forward pass as the equations stand, the backward pass window by window."""
    own = own_adjoints(d.uncut.recursions)
    everywhere = set(d.uncut.recursions) - set(own)
    backward = (
        *_adjoints(d, own),
        *_gradients(d, everywhere),
        *(_inputs(d, everywhere) if d.inputs else ()),
        *_initial(d, everywhere),
    )
    return Program(d.model, (*forward(d), *backward), d.model.given if d.inputs else ())


def _adjoints(d: TruncatedDerivation, own: dict[str, Steps]) -> Iterator[Statement]:
    for name, r in d.uncut.recursions.items():
        within, steps = (TAKEN, own[name]) if name in own else ("", EVERY)
        alike = {u for u in d.uncut.recursions if own.get(u) == own.get(name)}
        expressions, factor = shared_factor([c.expression for c in r.contributions])
        parts: list[Part] = []
        for c, e in zip(r.contributions, expressions, strict=True):
            if c.loss is None:
                parts += _parts(e, alike, steps=steps, within=within)
            else:
                parts.append(Part(e, c.steps, within=TAKEN))
        head = Statement(Loop.BACKWARD, Quantity.ADJOINT, name, r.symbol, together(parts), steps)
        yield replace(head, factor=factor, within=within)


def _parts(e: MatrixExpr, sure: Set[str], at: Any = nd.t, **asked: Any) -> Iterator[Part]:
    """One part per adjoint: an expression is linear in those that it names.

    ``sure`` are those that are there at the step ``at``.
    """
    adjoints = al.find(e, nd.Adjoint)
    for a in adjoints:
        others = {b: al.zeros(b.shape) for b in adjoints if b != a}
        present = () if a.name in sure and a.index == at else (a,)
        yield Part(al.substitute(e, others), present=present, **asked)


def _gradients(d: TruncatedDerivation, everywhere: Set[str]) -> Iterator[Statement]:
    for name, g in d.uncut.gradients.items():
        for c in g.contributions:
            if c.loss is not None:
                loop, parts = Loop.DIRECT, [Part(c.expression, c.steps)]
            elif through_initial_value(c):
                loop, parts = Loop.AFTER, [*_parts(at_start(c), everywhere, at=1, within=UNCUT)]
            else:
                loop, parts = Loop.BACKWARD, [*_parts(c.expression, everywhere)]
            yield Statement(loop, Quantity.GRADIENT, name, g.symbol, tuple(parts), c.steps)


def _inputs(d: TruncatedDerivation, everywhere: Set[str]) -> Iterator[Statement]:
    for name, r in d.uncut.inputs.items():
        direct = tuple(Part(c.expression, c.steps) for c in r.contributions if c.loss is not None)
        cut = [c for c in r.contributions if c.loss is None]
        # A window uses inputs from before its first step, where nothing is sure to be there.
        sure = set() if any(c.lag for c in cut) else everywhere
        parts = tuple(part for c in cut for part in _parts(c.expression, sure))
        for loop, found in ((Loop.DIRECT, direct), (Loop.BACKWARD, parts)):
            if found:
                yield Statement(loop, Quantity.INPUT, name, r.symbol, found)


def _initial(d: TruncatedDerivation, everywhere: Set[str]) -> Iterator[Statement]:
    for (name, s), e in d.uncut.initial.items():
        if d.model.variables[name].computed:
            cut, direct = [*_parts(e, everywhere, at=1, within=UNCUT)], []
        else:
            cut = [part for term in terms_of(e) for part in _parts(term, set())]
            direct = [Part(term) for term in terms_of(e) if not al.find(term, nd.Adjoint)]
        for loop, parts in ((Loop.AFTER, cut), (Loop.DIRECT, direct)):
            if parts:
                symbol, key = d.engine.symbol(name, s), initial_key(name, s)
                yield Statement(loop, Quantity.INITIAL, key, symbol, tuple(parts))


@dataclass
class WindowWriter(Writer):
    """Writes a truncated program: the variables e, b and a are the steps of a window."""

    truncation: Truncation = field(kw_only=True)
    room: int = WIDTH - 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self.e, self.b, self.a = map(self.names.new, "eba")

    def backward(self) -> Iterator[str]:
        """The backward pass: what no window cuts off, then a loop over windows."""
        yield from (*self.zeros(), *self.input_zeros(), *self.initial_zeros())
        direct, penalties = self.program.of(Loop.DIRECT), self.program.of(Loop.AFTER, Quantity.LOSS)
        by_step = [s for s in direct if s.quantity is not Quantity.INITIAL and not s.steps.once]
        if by_step:
            yield "# What stands in the loss itself, no window cuts off."
            yield from ("for t in range(T, 0, -1):", *indented(self.lines(by_step)))
        yield from self.lines((*penalties, *(s for s in direct if s not in by_step)))
        k1 = self.truncation.k1
        ends = "range(1, T + 1)" if k1 == 1 else f"[*range({k1}, T, {k1}), T]"
        L = self.program.model.loss_name
        yield f"# A window goes from step {self.b} to step {self.e}; all before is held constant."
        yield f"# δ^v_t is the derivative by v_t of {L}^{self.e}, the losses that the window takes."
        yield from (f"for {self.e} in {ends}:", *indented(self.window()), "")

    def window(self) -> Iterator[str]:
        """The lines of the loop over windows."""
        k1, k2, e, b = self.truncation.k1, self.truncation.k2, self.e, self.b
        inputs = self.program.of(Loop.BACKWARD, Quantity.INPUT)
        named = (a.index - nd.t for s in inputs for part in s.parts for a in part.present)
        lag = max(map(int, named), default=0)
        together = (s for s in self.program.of(Loop.BACKWARD) if not (lag and s in inputs))
        loop = list(self.lines(together))
        yield f"{b} = {e}" if k2 == 1 else f"{b} = max(1, {e} - {k2 - 1})"
        if k1 > 1:
            yield f"{self.a} = {e} - ({e} - 1) % {k1}  # the first step whose loss it takes"
        yield from self.stores()
        yield from (f"for t in range({e}, {b} - 1, -1):", *indented(loop))
        if lag:
            yield f"for t in range({e}, max(0, {b} - {lag + 1}), -1):  # inputs are not cut off"
            yield from indented(self.lines(inputs))
        yield from self.lines(self.program.of(Loop.AFTER, Quantity.GRADIENT, Quantity.INITIAL))

    def initial_zeros(self) -> Iterator[str]:
        """The gradients by initial values, which the windows add to."""
        for v, s in self.program.model.initial_values:
            key = initial_key(v.name, s)
            yield f"{self.gradients[key]} = np.zeros_like({self.variables[v.name]}[{point(s)}])"

    def when(self, x: Part | Statement) -> str:
        """The condition under which something is there, in the window too."""
        taken = f"t == {self.e}" if self.truncation.k1 == 1 else f"t >= {self.a}"
        asked = {"": "", TAKEN: taken, UNCUT: f"{self.b} == 1"}[x.within]
        return " and ".join(filter(None, (asked, super().when(x))))

    def initial(self, s: Statement) -> Iterator[Line]:
        """``∂L/∂h_0 += …``"""
        for part in s.parts:
            yield from self.added(self.gradients[s.key], part, self.entries)

    def comment(self, s: Statement) -> str:
        """What a statement computes, with the sum over windows."""
        text, L = super().comment(s), self.program.model.loss_name
        if s.quantity not in SUMMED:
            return text
        left, _, right = text.partition(" = ")
        left = left.replace(f"∂{L}/", f"Σ_{self.e} ∂{L}^{self.e}/", 1)
        if s.loop is Loop.DIRECT:
            return f"{left} = {right}"
        more = "… + " if right.startswith("… + ") else ""
        body = right.removeprefix(more)
        return f"{left} = {more}Σ_{self.e} " + (f"({body})" if len(s.parts) > 1 else body)


SUMMED = (Quantity.GRADIENT, Quantity.INPUT, Quantity.INITIAL)
