"""Expressions whose shapes are still unknowns, and the texts they come from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symbptt.errors import Place
from symbptt.formula.tree import Node, Span
from symbptt.model import terms as tm


@dataclass(frozen=True)
class Source:
    """A text with formulas in it, and where it came from."""

    text: str
    file: str | None = None
    first_line: int = 1

    def place(self, span: Span) -> Place:
        return Place(self.text, span.start, span.end, self.file, self.first_line)


@dataclass(frozen=True)
class Formula:
    """A function that a model defines by a formula: ``swish(z) = z * sigmoid(beta z)``."""

    arguments: tuple[str, ...]
    body: Node
    source: Source


@dataclass(eq=False)
class Draft:
    """An expression whose shape is still two unknowns.

    ``kind`` is the class of the term it will be; None for a product not yet decided.
    """

    kind: type[tm.Term] | None
    place: Place
    span: Span
    rows: int
    cols: int
    children: tuple[Draft, ...] = ()
    data: tuple[object, ...] = ()

    @property
    def number(self) -> Fraction | None:
        """The value of a bare number."""
        if self.kind is tm.Constant and isinstance(self.data[0], Fraction):
            return self.data[0]
        return None
