"""A schedule as the body of a NumPy function: rows for all steps at once, loops for recurrences.

How a quantity lies in memory: what recurs, in one array of all its steps, ``h[t]`` of shape
``(B, n)``, from the first step that it has; what is only ever used for all steps at once, as
*rows*, a matrix with a row for each step and sample.  ``rows(h, 0, T)`` are the rows of some of
the steps, without a copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.code import dimension_name, linear
from symbptt.compile.hoist import PI, VALUES, key_of
from symbptt.compile.in_place import InPlace
from symbptt.compile.numpy_writer import LETTERS, WIDTH, Line, Writer, gathered, indented
from symbptt.compile.packing import Packs, packed, unpacked
from symbptt.compile.program import Loop, Part, Quantity, Statement, covers
from symbptt.compile.ranges import WHOLE, Range, exists, is_whole, ranges, source
from symbptt.compile.rows_code import RowsCode, Views
from symbptt.compile.schedule import Pace, Region, Schedule
from symbptt.compile.stores import Store, stores
from symbptt.model import Index, Model, initial_key

#: Names of the template and of the body that only scheduled code has.
TAKEN_ROWS = ("rows", "B", "N", "max", "min", "kept", "Kept", "threading")


@dataclass
class ScheduledWriter(Writer):
    """Writes a schedule.

    ``public`` is the model whose arrays a caller gives, ``packs`` say how the program's own
    parameters are put together from them; what is ``begun`` has a first value already.
    """

    schedule: Schedule = field(kw_only=True)
    public: Model = field(kw_only=True)
    packs: Packs = field(kw_only=True)
    places: dict[str, Store] = field(init=False)
    looped: frozenset[str] = field(init=False)
    at_step: RowsCode = field(init=False)
    in_loop: RowsCode = field(init=False)
    views: Views = field(init=False)
    over: dict[Range, RowsCode] = field(init=False, default_factory=dict)
    in_place: InPlace = field(init=False)
    in_rows: InPlace = field(init=False)
    begun: set[str] = field(init=False, default_factory=set)
    imports: ClassVar[tuple[str, ...]] = ("threading",)

    def __post_init__(self) -> None:
        super().__post_init__()
        values = [s for s in self.schedule.statements if s.quantity in VALUES]
        sums = [s for s in values if s.key.startswith(PI)]
        for s in values:
            if s not in sums and key_of(s) not in self.variables:
                self.variables[key_of(s)] = self.names.new(key_of(s).translate(LETTERS))
        for s in sums:  # what it begins with lies where the whole will
            self.variables[s.key] = self.variables[_whole(s.key)]
        loops = (r for r in self.schedule.regions if r.pace.is_loop)
        self.looped = frozenset(key_of(s) for r in loops for s in r.statements)
        self.program = replace(self.program, statements=tuple(self.schedule.statements))
        self.places = stores(self.schedule)
        self.code = self.at_step = self._code(None)
        self.views = Views(self.variables, self.places, self.names)
        self.in_loop = replace(self.at_step, views=self.views, written={}, known={})
        self.in_place = InPlace(self.in_loop, self.names, self.copied)
        self.in_rows = InPlace(self.rows(WHOLE), self.names, self.copied, "work_rows")
        self.code = self.at_step

    def _code(self, over: Range | None) -> RowsCode:
        return RowsCode(
            self.variables, sizes=self.code.sizes, helpers=self.code.helpers, used=self.code.used,
            stores=self.places, over=over,
        )  # fmt: skip

    def rows(self, over: Range) -> RowsCode:
        """The code over a range of steps, which is what is written from now on."""
        if over not in self.over:
            self.over[over] = self._code(over)
        self.code = self.over[over]
        return self.over[over]

    @property
    def public_model(self) -> Model:
        return self.public

    def facts(self) -> dict[str, object]:
        return {"rows": True}

    # -- sections -----------------------------------------------------------------------------

    def body(self) -> Iterator[str]:
        regions = [list(self.region(region)) for region in self.schedule.regions]
        arrays, results = list(self.arrays()), list(self.results())
        sizes = [
            f'{name} = kept("{name}", ({samples}, {", ".join(layout)}), given.dtype)'
            for samples, scratch in (("B", self.in_place.scratch), ("N", self.in_rows.scratch))
            for (layout, _), name in scratch.items()
        ]
        lines = [line for region in regions for line in region]
        code = "\n".join(x.partition("#")[0] for x in (*arrays, *sizes, *lines, *results))
        said = set(re.findall(r"\w+", code))
        yield "T, B = given.T, given.B"
        if "N" in said:
            yield "N = T * B"
        for dim, name in self.code.sizes.items():
            if name in said:
                yield f'{name} = given.sizes["{dimension_name(dim)}"]'
        yield from arrays
        yield from sizes
        yield from ("", "loss = 0.0")
        for lines in regions:
            yield from (*lines, "")
        yield from results

    def region(self, region: Region) -> Iterator[str]:
        """The lines of a region."""
        if not region.pace.is_loop:
            self.room = WIDTH - 4
            yield from self.lines(region.statements)
            return
        self.room = WIDTH - 12
        for s in region.statements:
            if key_of(s) not in self.begun:
                yield from self.array(s, "zeros" if self.places[key_of(s)].zero else "empty")
        first = region.statements[0]
        if first.quantity is Quantity.VALUE:
            yield from self.starts(first.stage)
        before = len(self.views.lists)
        self.code = self.in_loop
        lines = list(indented(gathered(self._lines(region.statements))))
        for listed, name in list(self.views.lists.items())[before:]:
            yield f"{name} = list({listed})"
        yield f"for t in {'range(1, T + 1)' if region.pace is Pace.UP else 'range(T, 0, -1)'}:"
        yield from lines

    def array(self, s: Statement, how: str) -> Iterator[str]:
        """An array for a value, with those at steps outside 1…T that are known."""
        key = _whole(key_of(s))
        store, name = self.places[key], self.variables[key]
        yield f'{name} = kept("{name}", ({store.steps}, B, {self.layout(s.symbol)}), given.dtype)'
        if how == "zeros":
            yield f"{name}[...] = 0"
        if (v := self.program.model.variables.get(key)) is None:
            return
        for at in v.initial_steps:
            if (start := self.start(v, at)) is not None:
                yield f"{name}[{self.slot(key, at)}] = {start}"

    def layout(self, e: MatrixExpr) -> str:
        """Source for the sizes of an array of one sample."""
        return ", ".join(linear(d, self.size) for d in e.shape if d != nd.ONE) or "1"

    def size(self, name: str) -> str:
        """The variable of a dimension."""
        return self.code.sizes[name]

    def slot(self, key: str, step: Index) -> str:
        return str(nd.step(step) - self.places[key].first)

    def arrays(self) -> Iterator[str]:
        model = self.program.model
        for v in model.timeless:
            yield f"{self.variables[v.name]} = {packed(v.name, self.packs, self.size)}"
        for v in model.given:
            name, store = self.variables[v.name], self.places[v.name]
            if name not in self.code.used and v not in self.program.inputs:
                continue
            whole = f'given.steps("{v.name}")'
            if store.is_exact:
                yield f"{name} = rows({whole})" if store.rows else f"{name} = {whole}"
                continue
            leaf = nd.At(v.name, nd.t, *map(nd.dimension, v.shape))
            yield f"{name} = np.empty(({store.steps}, B, {self.layout(leaf)}), given.dtype)"
            yield f"{name}[{1 - store.first} : T + {1 - store.first}] = {whole}"
            for s in v.initial_steps:
                yield f"{name}[{self.slot(v.name, s)}] = {self.start(v, s)}"

    def results(self) -> Iterator[str]:
        model, inputs = self.program.model, [v.name for v in self.program.inputs]
        for v in (*model.parameters, *self.program.inputs):
            key = v.name if v.name in inputs else f"∂{v.name}"
            if key not in self.begun:
                yield f"{self.gradients[v.name]} = np.zeros_like({self.variables[v.name]})"
        found = {v.name: self.gradients[v.name] for v in model.parameters}
        found |= dict(unpacked(model, self.packs, self.gradients, self.at_step.slice))
        states = (initial_key(v.name, s) for v, s in self.public.initial_values)
        yield "grads = {"
        for key in (*(v.name for v in self.public.parameters), *states, *inputs):
            yield f'    "{key}": {found.get(key, self.gradients.get(key))},'
        yield from ("}", "return given.result(loss, grads)")

    # -- statements ---------------------------------------------------------------------------

    def written(self, s: Statement) -> Iterator[Line]:
        match s.quantity:
            case Quantity.LOSS | Quantity.GRADIENT:
                return self.total(s)
            case Quantity.INITIAL:
                self.code = self.at_step
                return self.collected(self.gradients[s.key], f'given.initial("{s.key}")', s)
            case Quantity.INPUT:
                return self.for_all_steps(s, self.gradients[s.key], Store(rows=True))
        if key_of(s) in self.looped:
            return self.at_a_step(s)
        if s.loop is Loop.AFTER:
            self.code = self.at_step
            head = f"{self.variables[s.key]} = "
            return self.fitted(s.parts[0].expression, head, self.entries)
        return self.for_all_steps(s, self.variables[key_of(s)], self.places[key_of(s)])

    def copied(self, e: MatrixExpr, out: str) -> Iterator[str]:
        """The lines that compute an expression and copy it."""
        yield from (line.text for line in self.fitted(e, f"{out}[...] = ", self.entries))

    # -- in a loop ----------------------------------------------------------------------------

    def at_a_step(self, s: Statement) -> Iterator[Line]:
        """``h[t] = …``, into the array; what it begins with is there, if it is a sum of its own."""
        self.code = self.in_loop
        target, whole = self.views.of(key_of(s), nd.t), self.when(s)
        parts = [p for p in _opened(s) if not _is_sum(p.expression)]
        if len(parts) == len(_opened(s)):
            always = [p for p in parts if not p.present and covers(p.steps, s.steps)]
            first = always[0] if always else None
            lines = [f"{target}[...] = 0"] if first is None else None
            expression = None if first is None else _summed(s, parts, first)
            for text in lines or self.in_place.into(expression, target):
                yield Line(text, whole)
            parts = [] if s.quantity is Quantity.VALUE else [p for p in parts if p is not first]
        for p in parts:
            when = [self.when(p) or whole, *(exists(a.index) for a in p.present)]
            for text in self.in_place.onto(p.expression, target, "+"):
                yield Line(text, " and ".join(dict.fromkeys(filter(None, when))))
        if s.factor is not None:
            for text in self.in_place.onto(s.factor, target, "*"):
                yield Line(text, whole)

    # -- for all steps ------------------------------------------------------------------------

    def for_all_steps(self, s: Statement, name: str, store: Store) -> Iterator[Line]:
        """A value for all steps at once."""
        self.begun.add(_whole(key_of(s)))
        parts = list(s.parts) or [Part(al.zeros(s.symbol.shape))]
        if s.steps.is_every and all(map(is_whole, parts)):
            parts = [Part(al.plus(*(p.expression for p in parts)))]
        whole = s.steps.is_every and is_whole(parts[0])
        if whole and store.is_exact and self.in_rows.does(parts[0].expression):
            self.rows(WHOLE)
            layout = self.layout(s.symbol)
            yield Line(f'{name} = kept("{name}", (N, {layout}), given.dtype)')
            for text in self.in_rows.into(parts.pop(0).expression, name):
                yield Line(text)
            if not store.rows:
                yield Line(f"{name} = {name}.reshape(T, B, {layout})")
        elif whole and store.is_exact:
            self.rows(WHOLE)
            yield from self.fitted(parts.pop(0).expression, f"{name} = ", self.new_rows)
            if not store.rows:
                yield Line(f"{name} = {name}.reshape(T, B, {self.layout(s.symbol)})")
        elif store.rows:
            yield Line(f"{name} = np.zeros((N, {self.layout(s.symbol)}), given.dtype)")
        else:
            how = "empty" if whole and not store.zero else "zeros"
            yield from map(Line, self.array(s, how))
            if whole:
                yield from self.changed(name, store, WHOLE, "", parts.pop(0).expression, "=")
        for part in parts:
            for over, when in ranges(s.steps if part.steps.is_every else part.steps, part):
                yield from self.changed(name, store, over, when, part.expression, "+=")
        if s.factor is not None:
            for over, when in ranges(s.steps):
                yield from self.changed(name, store, over, when, s.factor, "*=")

    def new_rows(self, e: MatrixExpr) -> str:
        """Source for an expression that shares no memory with a variable."""
        text = self.code.full(e)
        return f"{text}.copy()" if self.is_view(e) else text

    def changed(
        self, name: str, store: Store, over: Range, when: str, e: MatrixExpr, sign: str
    ) -> Iterator[Line]:
        """A value, at some steps, set, added to or multiplied."""
        first, last = over
        if first == last:
            self.code, e = self.at_step, al.at(e, first)
            target = f"{name}[{first - store.first}]"
            if store.rows:
                target = f"{name}[({source(first - 1)}) * B : ({source(last)}) * B]"
        elif store.rows:
            self.rows(over)
            ends = f"({source(first - 1)}) * B : ({source(last)}) * B"
            target = name if over == WHOLE else f"{name}[{ends}]"
        else:
            self.rows(over)
            start, stop = source(first - store.first), source(last - store.first + 1)
            target = f"rows({name}, {start}, {stop})[:]"
        yield from self.fitted(e, f"{target} {sign} ", self.entries, when)

    def total(self, s: Statement) -> Iterator[Line]:
        """``L += …`` and ``∂L/∂p = …``, over all steps and samples."""
        target = "loss" if s.quantity is Quantity.LOSS else self.gradients[s.key]
        if s.quantity is Quantity.GRADIENT and f"∂{s.key}" not in self.begun:
            self.begun.add(f"∂{s.key}")
            if len(s.parts) == 1 and is_whole(s.parts[0]) and not s.steps.once:
                write = self.rows(WHOLE).batch_sum
                yield from self.fitted(s.parts[0].expression, f"{target} = ", write)
                return
            yield Line(f"{target} = np.zeros_like({self.variables[s.key]})")
        for part in s.parts:
            if s.steps.once:
                self.code = self.at_step
                yield from self.added(target, part, self.entries)
                continue
            for over, when in ranges(part.steps, part):
                e, alone = part.expression, over[0] == over[1]
                if alone:
                    self.code, e = self.at_step, al.at(e, over[0])
                write = (self.at_step if alone else self.rows(over)).batch_sum
                many, rest = al.coefficient(e)
                sign, e = ("-", al.times(-many, rest)) if many.is_negative else ("+", e)
                yield from self.fitted(e, f"{target} {sign}= ", write, when)

    def added(self, target: str, part: Part, write: Callable[[MatrixExpr], str]) -> Iterator[Line]:
        there = dict.fromkeys(exists(a.index) for a in part.present)
        for line in super().added(target, replace(part, present=()), write):
            yield replace(line, condition=" and ".join(filter(None, (line.condition, *there))))


def _whole(key: str) -> str:
    """The value that a sum of its own is the beginning of."""
    return key.removeprefix(f"{PI}^")


def _is_sum(e: MatrixExpr) -> bool:
    return isinstance(e, nd.At) and str(e.name).startswith(PI)


def _opened(s: Statement) -> list[Part]:
    """The parts of a statement, and the terms of an equation."""
    (first, *_) = s.parts
    if s.quantity is Quantity.VALUE and isinstance(first.expression, MatAdd):
        return [Part(e, first.steps) for e in first.expression.args]
    return list(s.parts)


def _summed(s: Statement, parts: Iterable[Part], first: Part) -> MatrixExpr:
    """What is computed at once: all of an equation, the first part of a sum."""
    if s.quantity is Quantity.VALUE:
        return al.plus(*(p.expression for p in parts))
    return first.expression
