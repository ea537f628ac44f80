"""A truncated program as NumPy source: a loop over windows around the backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from symbptt.calculus import nodes as nd
from symbptt.calculus.spans import Span, Way
from symbptt.calculus.window_sums import Reaching
from symbptt.calculus.windowed import passed
from symbptt.calculus.windows import Truncation
from symbptt.compile.conditions import point
from symbptt.compile.numpy_writer import WIDTH, Line, Writer, indented
from symbptt.compile.program import Loop, Part, Quantity, Statement
from symbptt.compile.truncated import TAKEN
from symbptt.model import initial_key


@dataclass
class WindowWriter(Writer):
    """Writes a truncated program: the variables e, b, a, f and c are the steps of a window."""

    truncation: Truncation = field(kw_only=True)
    room: int = WIDTH - 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self.e, self.b, self.a = map(self.names.new, "eba")
        spans = {s.span for s in self.program.statements if s.span is not None}
        self.ways = {span.way for span in spans}
        self.f = self.names.new("f") if self.ways & {Way.AHEAD, Way.BOTH} else ""
        self.c = self.names.new("c") if Way.END in self.ways else ""
        self.way = Way.BACK

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
        b, e, f = self.b, self.e, self.f
        if self.ways & {Way.BACK, Way.BOTH} or not f:
            yield f"# A window goes from step {b} to step {e}; all before is held constant."
        if f:
            a = self.a if k1 > 1 else e
            yield f"# A recurrence from T to 1: from {a} to {f}, and all after is held constant."
        if self.c:
            yield f"# A pass that ends where another starts: from T back to {self.c}, if {b} is 1."
        yield f"# δ^v_t is the derivative by v_t of {L}^{self.e}, the losses that the window takes."
        yield from (f"for {self.e} in {ends}:", *indented(self.window()), "")

    def window(self) -> Iterator[str]:
        """The lines of the loops over the steps of a window."""
        k1, k2, e, b = self.truncation.k1, self.truncation.k2, self.e, self.b
        loops = [list(self.span(stage, span)) for stage, span in self.loops()]
        yield f"{b} = {e}" if k2 == 1 else f"{b} = max(1, {e} - {k2 - 1})"
        if k1 > 1:
            yield f"{self.a} = {e} - ({e} - 1) % {k1}  # the first step whose loss it takes"
        if self.f:
            a = self.a if k1 > 1 else e
            yield f"{self.f} = {e}" if k2 == 1 else f"{self.f} = min(T, {a} + {k2 - 1})"
        if self.c:
            yield f"{self.c} = T" if k2 == 1 else f"{self.c} = max(1, T - {k2 - 1})"
        yield from self.stores()
        for lines in loops:
            yield from lines
        yield from self.lines(self.program.of(Loop.AFTER, Quantity.GRADIENT, Quantity.INITIAL))

    def loops(self) -> list[tuple[int, Span]]:
        """The loops of a window: passes last to first, and in a pass the spans in this order."""
        order = [Way.AT, Way.BACK, Way.AHEAD, Way.BOTH, Way.END]
        found = {(s.stage, s.span) for s in self.program.of(Loop.BACKWARD) if s.span is not None}
        return sorted(found, key=lambda x: (-x[0], order.index(x[1].way), x[1].starts))

    def span(self, stage: int, span: Span) -> Iterator[str]:
        """The loop over the steps of one span, and one over the inputs that they use."""
        self.way = span.way
        here = [s for s in self.program.of(Loop.BACKWARD, stage=stage) if s.span == span]
        inputs = [s for s in here if s.quantity is Quantity.INPUT]
        named = [int(a.index - nd.t) for s in inputs for part in s.parts for a in part.present]
        back, on = max([0, *named]), max([0, *(-i for i in named)])
        loop = list(self.lines(s for s in here if not ((back or on) and s in inputs)))
        e, b = self.e, self.b
        first, last = {
            Way.AT: (self.a if self.truncation.k1 > 1 else e, e),
            Way.BACK: (b, e),
            Way.AHEAD: (self.a if self.truncation.k1 > 1 else e, self.f),
            Way.BOTH: (b, self.f),
            Way.END: (self.c, "T"),
        }[span.way]
        lines: list[str] = []
        if loop:
            down = f"range({last}, {first} - 1, -1)"
            up = f"range({first}, {last} + 1)"
            each = up if span.way is Way.AHEAD else down
            each = f"({e},)" if first == last else each
            lines += [f"for t in {each}:", *indented(loop)]
        if back or on:
            top = f"min(T, {last} + {on})" if on else last
            end = f"max(0, {first} - {back + 1})" if back else f"{first} - 1"
            lines.append(f"for t in range({top}, {end}, -1):  # inputs are not cut off")
            lines += indented(self.lines(inputs))
        self.way = Way.BACK
        if span.starts:
            yield f"if {self.reaching(passed(span))}:"
        yield from indented(lines) if span.starts else lines

    def reaching(self, which: Reaching) -> str:
        """The condition under which a window goes as far as a start."""
        conditions = {
            Reaching.ALL: "",
            Reaching.FIRST: f"{self.b} == 1",
            Reaching.LAST: f"{self.f} == T",
            Reaching.FURTHER: f"{self.b} == {self.c} == 1",
        }
        return conditions[which]

    def initial_zeros(self) -> Iterator[str]:
        """The gradients by initial values, which the windows add to."""
        for v, s in self.program.model.initial_values:
            key = initial_key(v.name, s)
            yield f"{self.gradients[key]} = np.zeros_like({self.variables[v.name]}[{point(s)}])"

    def when(self, x: Part | Statement) -> str:
        """The condition under which something is there, in the window too."""
        e, k1 = self.e, self.truncation.k1
        taken = {
            Way.AT: "",
            Way.AHEAD: f"t == {e}" if k1 == 1 else f"t <= {e}",
            Way.BOTH: f"t == {e}" if k1 == 1 else f"{self.a} <= t <= {e}",
        }.get(self.way, f"t == {e}" if k1 == 1 else f"t >= {self.a}")
        asked = x.within
        if asked:
            asked = taken if asked == TAKEN else self.reaching(Reaching(asked))
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
        same = (x for x in self.program.statements if (x.key, x.quantity) == (s.key, s.quantity))
        first = s.quantity is not Quantity.INPUT or s == next(same)
        more = "" if first and not right.startswith("… + ") else "… + "
        body = right.removeprefix(more)
        return f"{left} = {more}Σ_{self.e} " + (f"({body})" if len(s.parts) > 1 else body)


SUMMED = (Quantity.GRADIENT, Quantity.INPUT, Quantity.INITIAL)
