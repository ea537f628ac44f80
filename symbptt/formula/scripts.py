r"""What hangs on a factor: subscripts, superscripts, primes, transposes, indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbptt.formula.tree import (
    BigOperator,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Relation,
    Span,
    Subscripted,
    Sum,
    Symbol,
    Text,
    Transpose,
)
from symbptt.formula.unreadable import UnreadableError

#: A bare transpose sign, until it is known what it transposes.
TOP = Text("⊤")


@dataclass(frozen=True)
class Script:
    """One script: ``kind`` is ``sub sup prime transpose index``."""

    kind: str
    entries: tuple[Node, ...]
    span: Span
    count: int = 0


def attach(node: Node, scripts: Sequence[Script]) -> Node:
    """A factor with its scripts; those of a name become part of the name."""
    start, end = node.span.start, node.span.end
    # W^T_{hh} is W_{hh}^T: what is below belongs to the name, in whatever order it is written.
    below = [s for s in scripts if s.kind == "sub"]
    others = [s for s in scripts if s.kind != "sub"]
    for s in [*below, *others]:
        node = _ATTACH[s.kind](node, s)
        end = max(end, node.span.end, s.span.end)
        node = replace(node, span=Span(start, end))
    return node


def _sub(node: Node, s: Script) -> Node:
    entries = tuple(_unwrapped(e) for e in s.entries)
    if isinstance(node, Symbol):
        return replace(node, subscripts=node.subscripts + entries)
    if isinstance(node, BigOperator):
        return _over(node, entries)
    if isinstance(node, Differential):
        return replace(node, by=_one(entries, s))
    if isinstance(node, Subscripted):
        return replace(node, subscripts=node.subscripts + entries)
    return Subscripted(node, entries)


def _unwrapped(entry: Node) -> Node:
    """``h_(t-1)`` in plain text is ``h_{t-1}``, and so is ``h_{[t-1]}``."""
    if isinstance(entry, Group) and entry.opening in ("(", "[") and len(entry.items) == 1:
        return entry.items[0]
    return entry


def _one(entries: tuple[Node, ...], s: Script) -> Node:
    if len(entries) == 1:
        return entries[0]
    return Group("(", entries, (",",) * (len(entries) - 1), span=s.span)


def _index(node: Node, s: Script) -> Node:
    if isinstance(node, Symbol):
        return replace(node, indices=node.indices + s.entries)
    return Subscripted(node, s.entries)


def _prime(node: Node, s: Script) -> Node:
    if isinstance(node, Symbol):
        return replace(node, primes=node.primes + s.count)
    if isinstance(node, Primed):
        return replace(node, count=node.count + s.count)
    return Primed(node, s.count)


def _transpose(node: Node, s: Script) -> Node:
    return Transpose(node)


def _sup(node: Node, s: Script) -> Node:
    if isinstance(node, BigOperator):
        return replace(node, upper=_one(s.entries, s))
    match s.entries:
        case (Group("(") as step, last) if last in (TOP, Symbol("T")):  # h^{(t),T}
            return Transpose(_raised(node, step), span=Span(node.span.start, last.span.end))
        case (_, _, *_):
            return _labelled(node, s.entries)
    if not s.entries:
        return node
    return _raised(node, s.entries[0])


def _raised(node: Node, entry: Node) -> Node:
    """``node^entry``: a transpose, a prime, a power or a label."""
    span = Span(node.span.start, entry.span.end)
    if isinstance(node, Differential) and node.operand is None:
        return _raised_differential(node, entry)
    if entry == TOP or (entry == Symbol("T") and not isinstance(node, Number)):
        return Transpose(node, span=span)
    match entry:
        case Text(words=words) if words and not words.strip("'"):
            return _prime(node, Script("prime", (), entry.span, len(words)))
        case Product(factors=(*label, last), operators=(*_, "")) if last in (TOP, Symbol("T")):
            # h^{(t) \top}
            rest = Product(tuple(label), entry.operators[:-1]) if len(label) > 1 else label[0]
            return Transpose(_raised(node, rest), span=span)
        case Product(factors=factors) if all(isinstance(f, Group) for f in factors):
            for factor in factors:
                node = _raised(node, factor)
            return node
        case Transpose(operand=inner) if isinstance(inner, Group | Symbol):
            return Transpose(_raised(node, inner), span=span)
        case Power(base=Group() as label, exponent=exponent):
            return Power(replace(_raised(node, label), span=span), exponent, span=span)
        case Primed(operand=Group() as label, count=count):
            return _prime(_raised(node, label), Script("prime", (), entry.span, count))
        case Group(opening="(" | "[" | "⟨", items=items) if items and _has_labels(node):
            return _labelled(node, items)
    if isinstance(node, Symbol) and not _is_exponent(node, entry):
        return _labelled(node, (entry,))
    return Power(node, entry, span=span)


def _has_labels(node: Node) -> bool:
    """``h^{(t)}`` is h at t; ``2^{(n)}`` and ``e^{(x)}`` are powers."""
    return not isinstance(node, Number) and node != Symbol("e")


def _is_exponent(node: Symbol, entry: Node) -> bool:
    """A number is a power of a name; a letter may be a label or a time, except on ``e``."""
    return node == Symbol("e") or _is_number(entry)


def _is_number(node: Node) -> bool:
    match node:
        case Number():
            return True
        case Sum(terms=terms):
            return all(map(_is_number, terms))
        case Quotient(numerator=a, denominator=b):
            return _is_number(a) and _is_number(b)
    return False


def _labelled(node: Node, entries: tuple[Node, ...]) -> Node:
    if isinstance(node, Symbol):
        return replace(node, superscripts=node.superscripts + entries)
    if isinstance(node, Subscripted):
        return replace(node, subscripts=node.subscripts + entries)
    return Subscripted(node, entries)


def _raised_differential(node: Differential, entry: Node) -> Node:
    match entry:
        case Number(value=value) if value.denominator == 1:
            return replace(node, order=int(value))
        case Text(words="+"):
            return replace(node, sign=node.sign + "⁺")
    raise UnreadableError(
        f"only a number or '+' can stand over '{node.sign}'; put the rest after it",
        entry.span.start,
        entry.span.end,
    )


def _over(node: BigOperator, entries: tuple[Node, ...]) -> BigOperator:
    r"""The bounds below a sum sign: ``t=1``, ``t``, ``t,k``, ``t \in S``, ``1 \le k \le t``."""
    match entries:
        case [Relation(sides=(index, low), operators=("=",)), Text(words="..."), high]:
            return replace(node, index=index, lower=low, upper=high)
    # \sum_{t,k} is a sum over t of sums over k
    for entry in reversed(entries[1:]):
        node = replace(node, body=_bounded(node, entry))
    return _bounded(node, entries[0]) if entries else node


def _bounded(node: BigOperator, entry: Node) -> BigOperator:
    match entry:
        case Relation(sides=(index, low), operators=("=",)):
            return replace(node, index=index, lower=low)
        case Relation(sides=(index, domain), operators=("∈",)):
            return replace(node, index=index, domain=domain)
        case Relation(sides=(_, Symbol() as index, _)) | Relation(sides=(index, *_)):
            return replace(node, index=index, domain=entry)
    return replace(node, index=entry)


_ATTACH = {
    "sub": _sub,
    "sup": _sup,
    "prime": _prime,
    "transpose": _transpose,
    "index": _index,
}
