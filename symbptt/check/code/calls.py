"""How a function is called: what each of its parameters, and each global it reads, is given."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from symbptt.check.code.names import Meaning, Names, dimensions
from symbptt.check.code.points import Point
from symbptt.check.code.program import Definition, Program
from symbptt.check.code.readings import Pool, Reading
from symbptt.check.code.scope import (
    Needed,
    attributes,
    bound,
    constants,
    is_static,
    needed,
    parameters,
)
from symbptt.errors import RequestError
from symbptt.model import Model
from symbptt.model import terms as tm
from symbptt.model.model import Role


@dataclass(frozen=True)
class Call:
    """Meanings of parameters, in order, and of globals, and the statements that are needed.

    ``container`` has the keys, and the parameters of the model that they stand for, of a dict;
    without keys, they are unpacked in order.  A method, ``Class.method``, is called of an instance
    with ``attributes`` and ``constants``, which was never initialised.
    """

    function: str

    positional: tuple[Meaning, ...]
    named: Mapping[str, Meaning]
    globals: Mapping[str, Meaning]
    needs: Needed
    container: tuple[tuple[str, str], ...] = ()
    unpacked: bool = False
    attributes: Mapping[str, Meaning] = field(default_factory=dict)
    constants: Mapping[str, float | str | None] = field(default_factory=dict)

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        outer = (*self.attributes.values(), *self.globals.values())
        return (*self.positional, *self.named.values(), *outer)

    def names_of(self, kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(m.name for m in self.meanings if m.kind == kind))

    @property
    def order(self) -> tuple[str, ...]:
        """The parameters of the model in the order in which the function has them."""
        inside = (symbol for _, symbol in self.container)
        return tuple(dict.fromkeys((*self.names_of("parameter"), *inside)))

    @property
    def one_vocabulary(self) -> bool:
        return Meaning("size", "vocabulary") in self.meanings


def call_of(program: Program, name: str, function: Definition, names: Names) -> Call:
    """How to call a function, or a method by the name ``Class.method``.

    Raises :class:`RequestError` for a parameter that means nothing, and where a parameter, an
    input or a target of the model is neither a parameter nor a global of the function.
    """
    model, place = names.model, program.place(function.lineno)
    positional: list[Meaning] = []
    named: dict[str, Meaning] = {}
    skipped = False
    own = "." in name and not is_static(function)
    for p in parameters(function)[own:]:
        meaning = names.meaning(p.name)
        if meaning is None:
            if not p.optional:
                raise RequestError(
                    f"{place}: the parameter '{p.name}' of {function.name} is nothing of "
                    f"{model.name}; say what it is among the names, or name a function that "
                    "does without it"
                )
            skipped = True
        elif skipped or p.keyword_only:
            named[p.name] = meaning
        else:
            positional.append(meaning)
    given = {*positional, *named.values()}
    held: dict[str, Meaning] = {}
    fixed: Mapping[str, float | str | None] = {}
    if "." in name:
        owner = program.class_named(name)
        fixed = constants(owner)
        methods = {m.name for m in owner.body if isinstance(m, Definition)}
        for attribute in sorted(attributes(owner) - methods):
            meaning = names.meaning(attribute)
            if meaning is not None and meaning not in given:
                held[attribute] = meaning
        given |= {*held.values()}
    root = name.partition(".")[0]
    outer = _globals(program, root, names, given)
    needs = needed(program, root, outer)
    container: tuple[tuple[str, str], ...] = ()
    unpacked = False
    if any(m.kind == "container" for m in (*given, *outer.values())):
        container, unpacked = _container(program, function, names, needs)
    call = Call(
        name, tuple(positional), named, outer, needs, container, unpacked, held,
        {n: value for n, value in fixed.items() if n not in held},
    )  # fmt: skip
    _require_all(call, model, place)
    return call


def _globals(program: Program, root: str, names: Names, given: set[Meaning]) -> dict[str, Meaning]:
    """The globals that the function reads, itself or through others, that mean something."""
    needs = needed(program, root)
    fixed = {
        name
        for i in needs.statements
        if not isinstance(program.tree.body[i], ast.Assign | ast.AnnAssign | ast.AugAssign)
        for name in bound(program.tree.body[i])
    }
    found: dict[str, Meaning] = {}
    for name in sorted(needs.globals - fixed - set(dir(builtins))):
        meaning = names.meaning(name)
        if meaning is not None and meaning not in given and meaning.kind != "batch":
            found[name] = meaning
    return found


def _container(
    program: Program, function: Definition, names: Names, needs: Needed
) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The keys of a dict of parameters, as the code writes them, or the order it unpacks."""
    nodes = [n for i in needs.statements for n in ast.walk(program.tree.body[i])]

    def by(word: str) -> str | None:
        meaning = names.meaning(word)
        return meaning.name if meaning is not None and meaning.kind == "parameter" else None

    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            meaning = names.meaning(node.value.id)
            target = node.targets[0]
            if meaning == Meaning("container") and isinstance(target, ast.Tuple):
                words = [e.id for e in target.elts if isinstance(e, ast.Name)]
                pairs = [(w, s) for w in words if (s := by(w)) is not None]
                if len(pairs) == len(target.elts):
                    return tuple(pairs), True
    keys: dict[str, str] = {}
    for node in nodes:
        word = None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            word = node.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            held = names.meaning(node.value.id)
            word = node.attr if held == Meaning("container") else None
        symbol = by(word) if word else None
        if word and symbol is not None:
            keys.setdefault(symbol, word)
    given = {v.name for v in names.model.timeless}
    return tuple((keys.get(name, name), name) for name in sorted(given)), False


def _require_all(call: Call, model: Model, place: str) -> None:
    found = {*call.names_of("parameter"), *call.names_of("given"), *(s for _, s in call.container)}
    for v in (*model.timeless, *model.given):
        if v.name not in found:
            raise RequestError(
                f"{place}: {v.name} of {model.name} is neither a parameter nor a global of "
                f"{call.function}; say among the names which it is, or give this code's own model"
            )


# -- the values ---------------------------------------------------------------------------------


def trial(call: Call, reading: Reading, point: Point, tag: str, pool: Pool) -> dict[str, Any]:
    """One call as the runner takes it; its values go into the pool."""
    style = reading.style
    how = f"{style.transposed}{style.vector}{style.state}"
    at, model = point.at, point.at.model
    targets = {v.name for v in model.with_role(Role.TARGET)}

    def value(m: Meaning) -> tuple[str, Callable[[], Any]]:
        match m.kind:
            case "parameter":
                return f"{m.name} {how}", lambda: reading.parameter(at.params[m.name])
            case "given":
                form = reading.targets if m.name in targets else reading.inputs
                a = at.inputs[m.name]
                return f"{m.name} {form.says}", lambda: form.make(a)
            case "initial":
                a = at.inputs[m.name]
                return f"{m.name} {how} {reading.batched}", lambda: reading.initial(a)
            case "container":
                return f"container {how}", lambda: _contained(call, reading, point)
            case "steps":
                return "T", lambda: at.T
            case "batch":
                return "B", lambda: at.samples
            case _:
                return f"size {m.name}", lambda: _size(model, m.name, at.sizes)

    def key(m: Meaning) -> str:
        name, make = value(m)
        return pool.variant(f"{tag} {name}", make)

    return {
        "positional": [key(m) for m in call.positional],
        "named": {name: key(m) for name, m in call.named.items()},
        "globals": {name: key(m) for name, m in call.globals.items()},
        "attributes": {name: key(m) for name, m in call.attributes.items()},
    }


def _contained(call: Call, reading: Reading, point: Point) -> Any:
    items = [(k, reading.parameter(point.at.params[s])) for k, s in call.container]
    return tuple(a for _, a in items) if call.unpacked else dict(items)


def _size(model: Model, role: str, sizes: Mapping[str, int]) -> int:
    dims = dimensions(model, role)
    return tm.size(dims[0], sizes) if dims else 1
