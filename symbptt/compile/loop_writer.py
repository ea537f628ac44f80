"""A schedule as the body of a function of loops over single numbers, for languages that compile.

Every array is flat: of what has steps, the rows of the first step's samples, then those of the
next.  The function allocates nothing; what it needs is a part of one array that it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import sympy as sp

from symbptt.calculus import nodes as nd
from symbptt.compile.changes import Changes, values
from symbptt.compile.comments import comment
from symbptt.compile.hoist import VALUES, key_of
from symbptt.compile.identifiers import Names, ascii_name, step_label
from symbptt.compile.languages import Block, For, Language, Node
from symbptt.compile.loop_fusion import fused
from symbptt.compile.loop_places import Workspace, count, size_source
from symbptt.compile.loop_reads import Reads
from symbptt.compile.loops import Loops
from symbptt.compile.numpy_code import is_matrix
from symbptt.compile.numpy_writer import LETTERS
from symbptt.compile.operands import Piece
from symbptt.compile.packing import Packs
from symbptt.compile.program import Loop, Program, Statement
from symbptt.compile.quoting import quoted_lines
from symbptt.compile.schedule import Pace, Region, Schedule
from symbptt.compile.stores import Store, stores
from symbptt.model import Index, Model, Variable, initial_key


@dataclass(frozen=True)
class Given:
    """An array of the caller's: its variable, and its key."""

    variable: str
    key: str


@dataclass
class LoopWriter:
    """Writes a schedule.  ``public`` is the model whose arrays a caller gives, ``packs`` say how
    the program's own parameters are put together from them."""

    schedule: Schedule
    public: Model
    packs: Packs
    language: Language
    taken: Iterable[str]
    width: int = 92
    names: Names = field(init=False)
    program: Program = field(init=False)
    places: dict[str, Store] = field(init=False)
    changes: Changes = field(init=False)
    arrays: dict[str, str] = field(init=False, default_factory=dict)
    turned: dict[str, str] = field(init=False, default_factory=dict)
    sizes: dict[str, str] = field(init=False, default_factory=dict)
    loops: Loops = field(init=False)
    work: Workspace = field(init=False, default_factory=Workspace)
    variables: dict[str, str] = field(init=False, default_factory=dict)
    outputs: dict[str, str] = field(init=False, default_factory=dict)
    joined: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Names(self.taken)
        self.done = self.language.done
        self.model = self.schedule.program.model
        self.places = stores(self.schedule)
        self.changes = Changes(self.schedule, self.places)
        statements = tuple(self.schedule.statements)
        self.program = replace(self.schedule.program, statements=statements)
        self.values = values(self.schedule)
        self.joined = dict(self._joined()) if self.language.in_one_array else {}
        for name in self.public.variables:  # what a caller knows has its own name
            self.variables[name] = self.new(name)
        for dim in self.public.dimensions:
            self.sizes[dim] = self.new(dim)
        for v in self.model.variables.values():
            known = self.variables.get(v.name)
            moved = v in self.model.given and not self.places[v.name].is_exact
            self.arrays[v.name] = self.new(v.name) if moved or known is None else known
        for v, s in self.public.initial_values:
            key = initial_key(v.name, s)
            self.variables[key] = self.new(step_label(key))
        for key in self.values:
            if key not in self.arrays:
                self.arrays[key] = self.new(key.translate(LETTERS))
        for key in replace(self.program, model=self.public).gradient_keys:
            self.outputs[key] = self.arrays[f"∂{key}"] = self.new(f"grad_{step_label(key)}")
        for name in self.packs:
            self.arrays[f"∂{name}"] = self.new(f"grad_{name}")
        widths = {key: nd.entries(s.symbol) for key, s in self.values.items()}
        widths |= {v.name: self.entries_of(v) for v in self.model.variables.values()}
        widths |= {f"∂{v.name}": self.entries_of(v) for v in self.program.inputs}
        for key in tuple(widths):
            if f"π^{key}" in self.places:
                widths[f"π^{key}"], self.arrays[f"π^{key}"] = widths[key], self.arrays[key]
        places = {key: s for key, s in self.places.items() if key in widths}
        once = {key for key, s in self.values.items() if _once(s)}
        self.loops = Loops(
            self.language, self.arrays, {k: s for k, s in places.items() if k not in once},
            widths, self.size, self.new, self.transposed, self.work,
        )  # fmt: skip

    # -- names and sizes ----------------------------------------------------------------------

    def new(self, wanted: str) -> str:
        return self.names.new(ascii_name(wanted))

    def size(self, dim: sp.Expr) -> str:
        """Source for a dimension, or a product of several."""
        return size_source(dim, self.sizes)

    def entries_of(self, v: Variable) -> sp.Expr:
        return sp.Mul(*map(nd.dimension, v.shape))

    @property
    def given(self) -> list[Given]:
        """What a caller gives, the initial values that it may give last."""
        starts = (initial_key(v.name, s) for v, s in self.public.initial_values)
        names = (v.name for v in (*self.public.timeless, *self.public.given))
        keys = (key for part in self.lying((*names, *starts)).values() for key in part)
        return [Given(self.variables[key], key) for key in keys]

    def lying(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The caller's arrays in the order in which they lie; those that lie as one parameter of
        the program's, by its name."""
        whole = {piece: name for name, pieces in self.joined.items() for piece in pieces}
        parts = (whole.get(key, key) for key in keys)
        return {part: self.joined.get(part, (part,)) for part in parts}

    def _joined(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The parameters that are arrays of the caller's, whole and in no other, below one another:
        where these lie one after another, nothing is to be copied."""
        every = Counter(p.name for pieces in self.packs.values() for p in pieces)
        for name, pieces in self.packs.items():
            if all(p.width is None and every[p.name] == 1 for p in pieces):
                yield name, tuple(p.name for p in pieces)

    # -- sections -----------------------------------------------------------------------------

    def body(self) -> list[Node]:
        """What the function does, after its arrays have names."""
        regions = [node for region in self.schedule.regions for node in self.region(region)]
        if self.language.fuses:
            regions = list(fused(regions))
        if self.language.in_one_array:
            regions = list(Reads(self.language, self.new).once(regions))
        return [*self.beginning(), *regions, *self.end()]

    def transposed(self, name: str) -> str:
        if name not in self.turned:
            self.turned[name] = self.new(f"{name}_T")
        return self.turned[name]

    def region(self, region: Region) -> Iterator[Node]:
        if not region.pace.is_loop:
            for s in region.statements:
                yield from self.statement(s)
            return
        first = region.statements[0]
        yield from self.passed_on(first.stage) if key_of(first) in self.model.order else ()
        body = tuple(node for s in region.statements for node in self.statement(s))
        yield For("t", "1", "", body, last="T", down=region.pace is Pace.DOWN)

    def statement(self, s: Statement) -> Iterator[Node]:
        said = tuple(quoted_lines(comment(s, self.program), self.width - 16))
        changes = [self.loops.change(c) for c in self.changes.of(s)]
        if _once(s) and is_matrix(s.symbol):
            (rows, columns), name = self.matrix(s.key), self.arrays[s.key]
            turned = self.done("transpose", rows, columns, name, self.transposed(s.key))
            changes.append((turned,))
        if len(changes) == 1:
            yield Block(said, changes[0])
        else:
            yield Block(said, tuple(Block((), nodes) for nodes in changes))

    # -- before and after ---------------------------------------------------------------------

    def beginning(self) -> Iterator[Node]:
        """Zeros to add to, parameters put together and turned, and values at steps before the
        first and behind the last."""
        for key in self.program.gradient_keys:
            yield self.done("zero", self.count_of_array(key), self.arrays[f"∂{key}"])
        for key in self.values:
            if key in self.changes.zeroed:
                yield self.done("zero", self.count_of(key), self.arrays[key])
        for name in self.packs:
            yield from self.packed(name)
        for name, array in self.turned.items():
            if name in self.values:
                continue
            rows, columns = self.matrix(name)
            yield self.done("transpose", rows, columns, self.arrays[name], array)
        for v in self.model.given:
            yield from self.copied(v)
        for v in self.model.variables.values():
            if v.name in self.places:
                for s in v.initial_steps:
                    yield from self.start(v, s)

    def count_of_array(self, key: str) -> str:
        """Source for how many numbers a caller's array has, or a gradient."""
        v = self.model.variables.get(key) or self.public.variables.get(key)
        if v is not None:
            rows = ("1",) if v.timeless else ("T", "B")
            return count(*rows, self.size(self.entries_of(v)))
        v = next(v for v, s in self.public.initial_values if initial_key(v.name, s) == key)
        return count("B", self.size(self.entries_of(v)))

    def matrix(self, name: str) -> tuple[str, str]:
        if name in self.values:
            shape = self.values[name].symbol.shape
        else:
            shape = tuple(map(nd.dimension, self.model.variables[name].shape))
        rows, columns = map(self.size, shape)
        return rows, columns

    def count_of(self, key: str) -> str:
        """Source for how many numbers the array of a value has."""
        if key in self.loops.stores:
            return count(self.places[key].steps, "B", self.size(self.loops.widths[key]))
        return count("1", self.size(self.loops.widths[key]))

    def packed(self, name: str) -> Iterator[Node]:
        for p, at, of, rows, width, whole in self.pieces(name):
            target = self.language.offset(self.arrays[name], at)
            from_ = self.language.offset(self.variables[p.name], of)
            yield self.done("copy", rows, width, from_, whole, target, width)

    def unpacked(self, name: str) -> Iterator[Node]:
        for p, at, of, rows, width, whole in self.pieces(name):
            from_ = self.language.offset(self.arrays[f"∂{name}"], at)
            target = self.language.offset(self.outputs[p.name], of)
            yield self.done("copy", rows, width, from_, width, target, whole)

    def pieces(self, name: str) -> Iterator[tuple[Piece, str, str, str, str, str]]:
        """Each piece that doesn't lie where it belongs: where it lies in the whole, where in the
        user's array, its rows, its columns, and the columns of the user's array."""
        pieces = () if name in self.joined else self.packs[name]
        height, width = map(nd.dimension, self.model.variables[name].shape)
        each = sp.expand(height / len(self.packs[name]))
        for i, p in enumerate(pieces):
            whole = nd.dimension(self.public.variables[p.name].shape[1])
            yield (
                p, self.size(i * each * width), self.size(nd.dimension(p.start)),
                self.size(each), self.size(width), self.size(whole),
            )  # fmt: skip

    def copied(self, v: Variable) -> Iterator[Node]:
        """An input that is read at steps it is not given at."""
        store = self.places[v.name]
        if not store.is_exact:
            entries = self.size(self.entries_of(v))
            offset = count(str(1 - store.first), "B", entries) if store.first != 1 else "0"
            target = self.language.offset(self.arrays[v.name], offset)
            row = count("B", entries)
            yield self.done("copy", "T", row, self.variables[v.name], row, target, row)

    def start(self, v: Variable, s: Index) -> Iterator[Node]:
        """A value at a step outside 1…T."""
        entries = self.size(self.entries_of(v))
        target = self.at(v.name, s)
        if (v.name, s) not in self.model.initial:
            given = self.variables[initial_key(v.name, s)]
            yield self.done("start", count("B", entries), given, target)
            return
        start = self.model.initial[v.name, s]
        if start is None:
            yield self.done("zero", count("B", entries), target)
        elif start.step is None:
            yield self.done("copy", "B", entries, self.arrays[start.name], "0", target, entries)

    def at(self, key: str, s: Index) -> str:
        """The array of a value from a step on."""
        store = self.places[key]
        slot = nd.step(s) - store.first
        entries = self.size(self.loops.widths[key])
        offset = "0" if slot == 0 else count(str(slot), "B", entries)
        return self.language.offset(self.arrays[key], offset)

    def passed_on(self, stage: int) -> Iterator[Node]:
        """The initial values that are last values of passes before this one."""
        for (name, s), start in self.model.initial.items():
            if start is None or start.step is None or name not in self.places:
                continue
            if self.model.stage_of(name) == stage:
                rows = count("B", self.size(self.loops.widths[name]))
                ends = self.at(start.name, start.step), self.at(name, s)
                yield self.done("start", rows, *ends)

    def end(self) -> Iterator[Node]:
        for name in self.packs:
            yield from self.unpacked(name)

    # -- the workspace ------------------------------------------------------------------------

    def workspace(self) -> dict[str, str]:
        """The arrays that the function needs for itself, with how many numbers each has."""
        found = {self.arrays[key]: self.count_of(key) for key in self.values}
        for v in self.model.given:
            if not self.places[v.name].is_exact:
                found[self.arrays[v.name]] = self.count_of(v.name)
        for name in (name for name in self.packs if name not in self.joined):
            entries = self.size(self.entries_of(self.model.variables[name]))
            found[self.arrays[name]] = found[self.arrays[f"∂{name}"]] = entries
        for name, array in self.turned.items():
            found[array] = count(*self.matrix(name))
        return found | self.work.arrays


def _once(s: Statement) -> bool:
    return s.loop is Loop.AFTER and s.quantity in VALUES
