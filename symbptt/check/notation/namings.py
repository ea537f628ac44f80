"""The ways to take a symbol apart: ``δ_{t,i}`` may be a name, or have a step, or an entry too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbptt.check.notation.scripts import entry_letters, is_step, is_time, scripts
from symbptt.formula.tree import Group, Node, Product, Symbol
from symbptt.model.names import Naming


@dataclass(frozen=True)
class Named:
    """One way to take a symbol apart: its name, the script that is a step, those of an entry."""

    name: str
    step: Node | None = None
    entry: tuple[Node, ...] = ()


def namings(symbol: Symbol, above: bool = False) -> Iterator[Named]:
    """The ways to take a symbol apart, the plainest first: a name alone, a step, an entry.

    ``above``: the document's steps stand in superscripts, so that k is the step of ``h_i^{(k)}``.
    """
    parts = scripts(symbol)
    every = range(len(parts))

    def name(*without: int, instead: Mapping[int, str] = MappingProxyType({})) -> str:
        labels = [
            instead[i] if i in instead else label(parts[i]) for i in every if i not in without
        ]
        return "_".join([symbol.base, *symbol.accents, *labels]) + "_prime" * symbol.primes

    if not any(map(is_step, symbol.indices)):  # b[i] is no b_i
        yield Named(name())
    steps = [i for i in every if is_step(parts[i])]
    below = len(symbol.subscripts) if above else 0
    steps.sort(key=lambda i: (not is_time(parts[i]), i < below))
    for i in steps:
        yield Named(name(i), parts[i])
    for time_within in (_glued_time, _inner_time):
        for i in every:
            for word, step in time_within(parts[i]):
                yield Named(name(instead={i: word}), step)
    for i in steps:
        for j in every:
            entry = entry_letters(parts[j])
            if entry and i != j:
                yield Named(name(i, j), parts[i], entry)
    entries = [entry_letters(p) for p in parts]
    for i in steps:  # p^k_{ij}(t)
        others = [entries[j] for j in every if j != i]
        if len(others) > 1 and all(others):
            yield Named(name(*every), parts[i], tuple(e for found in others for e in found))
    for j in every:
        entry = entry_letters(parts[j])
        if entry:
            yield Named(name(j), None, entry)
    last = every[-2:]  # W_{i,j}
    if [len(entries[j]) for j in last] == [1, 1]:
        yield Named(name(*last), None, tuple(entries[j][0] for j in last))
    match parts[-1:]:
        case (Product((time, row, column)),) if is_time(time):  # h_{tij}
            yield Named(name(every[-1]), time, (row, column))


def _glued_time(part: Node) -> Iterator[tuple[str, Node]]:
    """A name and a step that stand side by side: ``δ_{zt}``."""
    match part:
        case Product((*front, last), signs) if front and is_time(last) and {*signs} == {""}:
            yield "".join(map(label, front)), last


def _inner_time(part: Node) -> Iterator[tuple[str, Node]]:
    """A name that has the step itself: ``δ_{z_t}``."""
    if isinstance(part, Symbol) and scripts(part):
        for inner in namings(part):
            if inner.step is not None and not inner.entry and is_time(inner.step):
                yield inner.name, inner.step


def is_diagonal(symbol: Symbol) -> bool:
    """Whether a symbol is an entry on the diagonal: ``D_{ii}``."""
    return any(len(n.entry) == 2 and n.entry[0] == n.entry[1] for n in namings(symbol))


def label(node: Node) -> str:
    """A script as a part of a name."""
    return Naming("").label(node)


def named_in_script(part: Node) -> Iterator[tuple[Symbol, Node | None]]:
    """The symbol that a script names, and the step that is glued to it: ``zt`` is z at t."""
    match part:
        case Group(_, (inner,)):
            yield from named_in_script(inner)
        case Symbol():
            yield part, None
        case Product(_, signs) if {*signs} != {""}:
            return  # r ⊙ h: of an expression
        case Product((*front, last)) if front and is_step(last):
            whole = Symbol("".join(label(f) for f in part.factors))
            yield whole, None
            head = front[0]
            if isinstance(head, Symbol) and len(front) == 1:
                yield head, last
            yield Symbol("".join(label(f) for f in front)), last
        case Product():
            yield Symbol("".join(label(f) for f in part.factors)), None
