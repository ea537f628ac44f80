"""Which symbol a spelling names, and at which step: ``h_{t-1}`` is the symbol h, one step back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.formula.tree import Group, Node, Number, Product, Sum, Symbol, Text
from symbptt.model.terms import Index

#: Words with a meaning of their own: never the name of a quantity.
RESERVED: dict[str, str] = {
    "t": "the current step",
    "T": "the number of steps",
    "pi": "the number π",
}


@dataclass(frozen=True)
class Naming:
    """How names are read: the letter of time, and the symbols that are indexed by it.

    A number in the index is a step only for a symbol that elsewhere carries time:
    ``y_2`` is a step of y if ``y_t`` occurs, while ``W_1`` is just a name.
    """

    time: str = "t"
    indexed: frozenset[str] = frozenset()

    def read(self, symbol: Symbol) -> tuple[str, Index | None]:
        """The name and the time index of a symbol as written.

        >>> from symbptt.formula import parse
        >>> Naming().read(parse("W_{hh}")), Naming().read(parse(r"\\hat{y}_{t-1}"))
        (('W_hh', None), ('y_hat', Index(anchor='t', offset=-1)))
        """
        part, index = self._time_part(symbol)
        return _name(symbol, [_label(p) for p in _parts(symbol) if p is not part]), index

    def _time_part(self, symbol: Symbol) -> tuple[Node | None, Index | None]:
        """The subscript (or superscript) that is the time index, and what it says."""
        for part, rest, when in self._readings(symbol):
            if when.anchor == "t" or rest in self.indexed:
                return part, when
        return None, None

    def steps(self, symbol: Symbol) -> tuple[tuple[str, Index], ...]:
        """What a symbol would name, and at which step, for each part that may be a step.

        >>> from symbptt.formula import parse
        >>> Naming().steps(parse("d_{r,2}"))
        (('d_r', Index(anchor='', offset=2)),)
        """
        return tuple((rest, when) for _, rest, when in self._readings(symbol))

    def _readings(self, symbol: Symbol) -> Iterator[tuple[Node, str, Index]]:
        for part in _parts(symbol):
            when = self.index(part)
            if when is not None:
                yield (
                    part,
                    _name(symbol, [_label(p) for p in _parts(symbol) if p is not part]),
                    when,
                )

    def index(self, node: Node) -> Index | None:
        """The point in time a subscript stands for, if it can be one."""
        match node:
            case Group(items=(inner,)):
                return self.index(inner)
            case Symbol(base=base) if node.is_bare and base == self.time:
                return Index("t")
            case Symbol("T") if node == Symbol("T"):
                return Index("T")
            case Number(value) if value.denominator == 1:
                return Index("", int(value))
            case Sum(terms=terms, signs=signs):
                return self._sum_index(terms, signs)
        return None

    def _sum_index(self, terms: tuple[Node, ...], signs: tuple[int, ...]) -> Index | None:
        parts = [(self.index(term), sign) for term, sign in zip(terms, signs, strict=True)]
        anchor, offset = "", 0
        for part, sign in parts:
            if part is None or (part.anchor and (anchor or sign < 0)):
                return None
            anchor = part.anchor or anchor
            offset += sign * part.offset
        return Index(anchor, offset)

    def parts(self, symbol: Symbol) -> Iterator[tuple[Node, str]]:
        """Each script of a symbol, and what the symbol would be called without it."""
        for part in _parts(symbol):
            yield part, _name(symbol, [_label(p) for p in _parts(symbol) if p is not part])

    def label(self, node: Node) -> str:
        """A subscript that is no step, as a part of a name."""
        return _label(node)

    def bare(self, symbol: Symbol) -> Symbol:
        """The symbol without its time index: how it is spelled in a table of symbols."""

        part, _ = self._time_part(symbol)

        def timeless(parts: tuple[Node, ...]) -> tuple[Node, ...]:
            return tuple(p for p in parts if p is not part)

        return replace(
            symbol,
            subscripts=timeless(symbol.subscripts),
            superscripts=timeless(symbol.superscripts),
            indices=timeless(symbol.indices),
        )


def symbols(node: Node) -> Iterator[Symbol]:
    """The symbols of a formula; those in an index are part of a name.

    >>> from symbptt.formula import parse
    >>> [str(Naming().read(s)[0]) for s in symbols(parse("W_{hh} h_{t-1} + b_h"))]
    ['W_hh', 'h', 'b_h']
    """
    if isinstance(node, Symbol):
        yield node
    else:
        for child in node.children():
            yield from symbols(child)


def _parts(symbol: Symbol) -> tuple[Node, ...]:
    return (*symbol.subscripts, *symbol.superscripts, *symbol.indices)


def _name(symbol: Symbol, labels: list[str]) -> str:
    return "_".join([symbol.base, *symbol.accents, *labels]) + "_prime" * symbol.primes


def _label(node: Node) -> str:
    match node:
        case Symbol():
            return _name(node, [_label(p) for p in _parts(node)])
        case Number(value):
            return _number(value)
        case Text(words):
            return "_".join(words.replace("*", "star").split())
        case Product(factors=factors):
            return "".join(_label(f) for f in factors)
        case Sum(terms=terms, signs=signs):
            signed = zip(terms, signs, strict=True)
            return "".join(("m" if s < 0 else "p") + _label(x) for x, s in signed).removeprefix("p")
    return "_".join(_label(child) for child in node.children())


def _number(value: Fraction) -> str:
    return str(value).replace("/", "over").replace("-", "m")
