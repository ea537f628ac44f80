r"""Lines that carry adjoints back, ``\bar h_t = V^T q_t + U^T \bar a_{t+1}``: no forward equations.

They use a derivative, or what bears the same mark at a later step, and are linear in it: a
function of it, ``\bar h_t = tanh(U \bar h_{t+1} + …)``, is a network that reads backward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbptt.check.networks.parts import Mention, Part, has_derivative, links_of
from symbptt.check.notation.marks import mark_of, unmarked
from symbptt.formula.tree import Call, Differential, Node, Quotient, Symbol
from symbptt.model.names import Naming
from symbptt.model.terms import Index


@dataclass(frozen=True)
class _Line:
    """What a line gives, with its step, and what it is linear in."""

    name: str
    step: Index | None
    right: Node
    terms: tuple[tuple[str, Index | None], ...]


def adjoints(stated: Sequence[list[Part] | Mention]) -> frozenset[str]:
    """The marked names that adjoints have, by the lines that give them."""
    links = [*links_of(stated)]
    symbols = [n for p in links for s in (p.left, p.right) for n in s.walk()
               if isinstance(n, Symbol)]  # fmt: skip
    written = {Naming().read(n)[0] for n in symbols}
    marked = frozenset(
        name for n in symbols
        for name in (Naming().read(n)[0], *(rest for rest, _ in Naming().steps(n)))
        if unmarked(name) in written
    )  # fmt: skip
    naming = Naming(indexed=marked)
    lines = [x for p in links if p.first for x in _line(p, naming) if x.name in marked]
    found = {x.name for x in lines if has_derivative(x.right) or _is_of_later(x)}
    given, grown = {x.name for x in lines}, True
    while grown:
        more = {x.name for x in lines if any(name in found for name, _ in x.terms)}
        for x in lines:  # what they use too, unless a line gives it another meaning
            used = {name for name, _ in x.terms if x.name in found and name in marked - given}
            more |= {name for name in used if mark_of(name) == mark_of(x.name)}
        grown = not more <= found
        found |= more
    return frozenset(found)


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


def _is_of_later(line: _Line) -> bool:
    """Whether a line uses what bears the same mark at a later step."""
    return line.step is not None and any(
        mark_of(name) == mark_of(line.name) and _is_later(at, line.step)
        for name, at in line.terms
    )  # fmt: skip


def _is_later(at: Index | None, than: Index) -> bool:
    return at is not None and at.anchor == than.anchor and at.offset > than.offset
