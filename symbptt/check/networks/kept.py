"""Which of the formulas that look like forward equations are none, or say nothing new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.networks.given import Given, relation
from symbptt.check.networks.parts import Mention, Part
from symbptt.check.networks.written import numbered
from symbptt.check.notation.scripts import scripts
from symbptt.formula.tree import (
    Call,
    Differential,
    Node,
    Number,
    Quotient,
    Relation,
    Symbol,
)
from symbptt.model.names import Naming, symbols


def without_code(found: Sequence[Given]) -> list[Given]:
    """Equations without those of programs for what the text gives, ``L = cross_entropy(y, d)``, or
    of what no other equation has: ``c_bar = tanh(z_c)``."""
    told = {g.name for g in found if g.formula.fragment.language is None}
    names = {id(g): _names_in(g) for g in found}

    def is_apart(g: Given) -> bool:
        return all(names[id(g)].isdisjoint(names[id(other)]) for other in found if other is not g)

    return [
        g for g in found
        if g.formula.fragment.language is None
        or (g.name not in told and not (told and is_apart(g)))
    ]  # fmt: skip


def _names_in(g: Given) -> set[str]:
    naming = Naming()
    return {naming.read(n)[0] for n in relation(g).walk() if isinstance(n, Symbol)} - {"t"}


def without_instances(found: Sequence[Given]) -> list[Given]:
    """Equations without those that say one of them for a fixed step: ``h_2 = f(W h_1)``."""
    steps = {name for g in found for name, index in [Naming().read(g.left)] if index is not None}
    naming = Naming(indexed=frozenset(steps))
    general = {_from_step(relation(g), naming) for g in found if Naming().read(g.left)[1]}
    return [
        g for g in found
        if Naming().read(g.left)[1] or _from_step(relation(g), naming) not in general
    ]  # fmt: skip


def at_single_steps(found: Sequence[Given]) -> frozenset[str]:
    """The names that equations give at numbered steps, ``a_1 = f(U x_1 + W a_0)``, but for
    those of the argument of a function that one in general t has: ``z_1 = U x_1 + W h_0``."""
    single = [(g, at[0]) for g in found if (at := numbered(g.left)) is not None]
    names = frozenset(Naming().read(n)[0] for g in found for n in symbols(relation(g)))
    naming = Naming(indexed=names | {name for _, name in single})

    def argument(g: Given) -> Node | None:
        match relation(g).sides[1]:
            case Call(_, (inner,)):
                return _from_step(replace(relation(g), sides=(g.left, inner)), naming)
        return None

    inside = [_right(argument(g)) for g in found if Naming().read(g.left)[1]]
    return frozenset(
        name for g, name in single if _right(_from_step(relation(g), naming)) not in inside
    )


def _right(node: Node | None) -> Node | None:
    return node.sides[1] if isinstance(node, Relation) else None


def _from_step(node: Relation, naming: Naming) -> Node | None:
    """An equation with its steps counted from that of its left side."""
    left = node.sides[0]
    start = naming.read(left)[1] if isinstance(left, Symbol) else None
    if start is None:
        return None

    def change(n: Node) -> Node:
        if not isinstance(n, Symbol):
            result: Node = n.rebuilt(change)
            return result
        name, index = naming.read(n)
        if index is None or index.anchor != start.anchor:
            others = Naming(indexed=frozenset({name for name, _ in naming.steps(n)}))
            name, index = others.read(n)
        if index is None or index.anchor != start.anchor:
            return Symbol(name)
        return Symbol(name, subscripts=(Number(Fraction(index.offset - start.offset)),))

    return change(node)


def without_derivatives(
    found: Sequence[Given], stated: Sequence[list[Part] | Mention]
) -> list[Given]:
    """Equations without those of what an earlier formula names a derivative, or made of it:
    ``J_t = w (1 - h_t²)`` after ``J_t = ∂h_t/∂h_{t-1}``."""
    named: dict[tuple[str, bool], int] = {}
    for at, links in enumerate(stated):
        if isinstance(links, Mention) or not links[0].first:
            continue
        match links[0].left, links[0].right:
            case Symbol() as left, (
                Quotient(Differential(), Differential(operand=by)) | Differential("∇", by=by)
            ) if by != Symbol("t"):
                named.setdefault(_name_and_time(left), at)
    return [
        g for g in found
        if all(g.at <= named.get(name, g.at)
               for n in (g.left, *_symbols(relation(g).sides[1]))
               for name in (_name_and_time(n), *_at_the_last(n)))
    ]  # fmt: skip


def _symbols(node: Node) -> Iterator[Symbol]:
    return (n for n in node.walk() if isinstance(n, Symbol))


def _name_and_time(symbol: Symbol) -> tuple[str, bool]:
    name, index = Naming().read(symbol)
    return name, index is not None


def _at_the_last(symbol: Symbol) -> Iterator[tuple[str, bool]]:
    """``λ_T`` as λ at some step."""
    if any(part == Symbol("T") for part in scripts(symbol)):
        yield from ((name, True) for name, _ in Naming().steps(symbol))


def without_gradients(found: Sequence[Given]) -> list[Given]:
    """Equations without those of gradients that are named by a d: ``dc_t = dh_t ⊙ o_t``."""
    gradients = {f"d{g.left.base}" for g in found if isinstance(g.left, Symbol)}
    rest = [
        g for g in found
        if not any(isinstance(n, Symbol) and n.base in gradients for n in g.statement.node.walk())
    ]  # fmt: skip
    used = {n.base for g in rest for n in relation(g).sides[1].walk() if isinstance(n, Symbol)}
    by_parameters = {f"d{base}" for base in used if len(base) > 1 or base.isupper()} - used
    return [g for g in rest if g.left.base not in by_parameters]


def without_doubles(found: Sequence[Given]) -> list[Given]:
    """Equations without those of layers that have one of their own."""
    own = {g.name for g in found if g.written is None}
    return [g for g in found if g.written is None or g.name not in own]
