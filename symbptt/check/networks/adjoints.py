r"""Lines that carry adjoints back, ``\bar h_t = V^T q_t + U^T \bar a_{t+1}``: no forward equations.

They use a derivative, or what bears the same mark at a later step, and are linear in it: a
function of it, ``\bar h_t = tanh(U \bar h_{t+1} + …)``, is a network that reads backward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from symbptt.check.documents.formulas import Formula
from symbptt.check.networks.multipliers import multipliers
from symbptt.check.networks.parts import Mention, Part, has_derivative, links_of
from symbptt.check.notation.language import said
from symbptt.check.notation.marks import mark_of, unmarked
from symbptt.formula.tree import Call, Differential, Node, Product, Quotient, Symbol
from symbptt.model.names import Naming
from symbptt.model.terms import Index

_ALIKE = said("says that others are alike")
#: The marks that are nothing but those of adjoints beside what has an equation without them.
_BARS = frozenset({"bar", "dot", "overline"})


@dataclass(frozen=True)
class _Line:
    """What a line gives, with its step, and what it is linear in."""

    name: str
    step: Index | None
    right: Node
    terms: tuple[tuple[str, Index | None], ...]


def adjoints(stated: Sequence[list[Part] | Mention]) -> frozenset[str]:
    """The names that adjoints have, by the lines that give them: marked ones, and multipliers."""
    links = [*links_of(stated)]
    symbols = [n for p in links for s in (p.left, p.right) for n in s.walk()
               if isinstance(n, Symbol)]  # fmt: skip
    every = {mark for mark, of in shorthands(stated) if not of or symbols.count(Symbol(of)) < 2}
    written = {Naming().read(n)[0] for n in symbols}
    marked = frozenset(
        name for n in symbols
        for name in (Naming().read(n)[0], *(rest for rest, _ in Naming().steps(n)))
        if unmarked(name) in written or mark_of(name) in every
    )  # fmt: skip
    naming = Naming(indexed=marked)
    lines = [x for p in links if p.first for x in _line(p, naming) if x.name in marked]
    found = {x.name for x in lines if has_derivative(x.right) or _is_of_later(x)}
    forward = {naming.read(p.left)[0] for p in links if p.first and isinstance(p.left, Symbol)}
    found |= {x.name for x in lines if _hands_back(x, forward - marked)}
    found |= {x.name for x in lines if mark_of(x.name) in every}
    given, grown = {x.name for x in lines}, True
    while grown:
        more = {x.name for x in lines if any(name in found for name, _ in x.terms)}
        for x in lines:  # what they use too, unless a line gives it another meaning
            used = {name for name, _ in x.terms if x.name in found and name in marked - given}
            more |= {name for name in used if mark_of(name) == mark_of(x.name)}
        grown = not more <= found
        found |= more
    return frozenset(found) | multipliers(stated)


def shorthands(stated: Sequence[list[Part] | Mention]) -> Iterator[tuple[str, str]]:
    r"""The marks and prefixes of gradients that a text explains by one of them, each with the name
    of that: δ by ``δv = ∂L/∂v`` or by ``$\bar v$ stands for $∂L/∂v$``."""
    for links in stated:
        if not isinstance(links, Mention) and links[0].first:
            yield from _shorthand(links[0].left, links[0].right)
    for a, b in pairwise(stated):
        if isinstance(a, Mention) and isinstance(b, Mention):
            f, g = a.formula, b.formula
            if isinstance(f, Formula) and isinstance(g, Formula) and f.line == g.line:
                yield from _shorthand(f.tree, g.tree, g.fragment.after)


def _shorthand(left: Node, right: Node, after: str = "") -> Iterator[tuple[str, str]]:
    match right:
        case Quotient(Differential(), Differential(operand=Symbol() as by)):
            name = "" if _ALIKE.search(after) else Naming().read(by)[0]
        case _:
            return
    match left:
        case Product((Symbol("delta" | "Delta" | "d" as prefix) as own, Symbol() as of), ("",)) if (
            own.is_bare and of.base == by.base
        ):
            yield prefix, name
        case Symbol(base) if base in {f"{p}_{by.base}" for p in ("delta", "Delta", "d")}:
            yield base.partition("_")[0], name
        case Symbol() if unmarked(Naming().read(left)[0]) == Naming().read(by)[0]:
            yield str(mark_of(Naming().read(left)[0])), name


def name_at_step(node: Node, names: frozenset[str]) -> str | None:
    """The name of a symbol, of which some may stand at a numbered step."""
    return Naming(indexed=names).read(node)[0] if isinstance(node, Symbol) else None


def is_adjoint_of(left: Node, right: Node) -> str | None:
    r"""What a line says that its left side is the gradient of the loss by: ``\bar a = ∂L/∂a``."""
    match left, right:
        case Symbol(), Quotient(Differential(), Differential(operand=Symbol() as by)):
            name = Naming().read(by)[0]
            return name if unmarked(Naming().read(left)[0]) == name else None
    return None


def _line(part: Part, naming: Naming) -> Iterator[_Line]:
    if isinstance(part.left, Symbol):
        name, step = naming.read(part.left)
        terms = tuple(naming.read(n) for n in _linear(part.right))
        yield _Line(name, step, part.right, terms)


def _linear(node: Node) -> Iterator[Symbol]:
    """The symbols that stand in no function."""
    if isinstance(node, Symbol):
        yield node
        return
    for child in () if isinstance(node, Call) else node.children():
        yield from _linear(child)


def _hands_back(line: _Line, forward: set[str]) -> bool:
    r"""Whether a line gives a bar to what has an equation without it, of what bears one and has an
    equation too: ``\bar f_t = \bar c_t ⊙ c_{t-1}``."""
    mark, own = mark_of(line.name), unmarked(line.name)
    others = {
        unmarked(name) for name, at in line.terms
        if mark_of(name) == mark and (line.step is None or at is None or at == line.step)
    } - {own}  # fmt: skip
    return mark in _BARS and own in forward and not others.isdisjoint(forward)


def _is_of_later(line: _Line) -> bool:
    """Whether a line uses what bears the same mark at a later step."""
    return line.step is not None and any(
        mark_of(name) == mark_of(line.name) and _is_later(at, line.step)
        for name, at in line.terms
    )  # fmt: skip


def _is_later(at: Index | None, than: Index) -> bool:
    return at is not None and at.anchor == than.anchor and at.offset > than.offset
