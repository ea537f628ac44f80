"""The right-hand side of an equation once its names, products and shapes are settled.

A term is what a syntax tree means.  Every term knows its shape; a shape is a pair of
dimensions, each an integer or the name of one (``"n"``).  Scalars are ``1×1``, vectors
are columns unless the model is written with rows.  Nothing here needs SymPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property

from symbptt.formula.tree import NOWHERE, Span, rebuilt

Dim = str | int
Shape = tuple[Dim, Dim]

SCALAR: Shape = (1, 1)


def shape_text(shape: Shape) -> str:
    """``n×m``.

    >>> shape_text(("n", 1))
    'n×1'
    """
    return f"{shape[0]}×{shape[1]}"


@dataclass(frozen=True)
class Index:
    """A point in time: ``t + offset``, ``T + offset``, or the step ``offset`` itself.

    >>> str(Index("t", -1)), str(Index("T", 0)), str(Index("", 2))
    ('t-1', 'T', '2')
    """

    anchor: str  # "t", "T" or ""
    offset: int = 0

    def __str__(self) -> str:
        if not self.anchor:
            return str(self.offset)
        return self.anchor + (f"{self.offset:+d}" if self.offset else "")

    def at(self, t: int, T: int) -> int:
        """The step it names when the current step is ``t`` of ``T``."""
        return {"t": t, "T": T, "": 0}[self.anchor] + self.offset


@dataclass(frozen=True)
class Term:
    """A matrix-valued expression over the model's symbols at the current step."""

    shape: Shape = field(kw_only=True)
    span: Span = field(default=NOWHERE, compare=False, kw_only=True)

    def children(self) -> Iterator[Term]:
        """The terms directly below, in the order written."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Term):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Term))

    def walk(self) -> Iterator[Term]:
        """This term and all below it."""
        yield self
        for child in self.children():
            yield from child.walk()

    @cached_property
    def symbols(self) -> tuple[tuple[str, Index | None], ...]:
        """The symbols in it, with their time indices, each once."""
        refs = (term for term in self.walk() if isinstance(term, Ref))
        return tuple(dict.fromkeys((ref.name, ref.index) for ref in refs))

    def rebuilt(self, change: Callable[[Term], Term]) -> Term:
        """The same term with ``change`` applied to each child."""
        result: Term = rebuilt(self, Term, change)
        return result


@dataclass(frozen=True)
class Ref(Term):
    """A symbol: a parameter (no index) or a time-indexed quantity."""

    name: str
    index: Index | None = None


@dataclass(frozen=True)
class Constant(Term):
    """A number in every entry: the ``1`` of ``1 - h_t^2``."""

    value: Fraction


@dataclass(frozen=True)
class Horizon(Term):
    """The number of steps, ``T``, as a scalar: ``1/T`` before a sum makes it a mean."""


@dataclass(frozen=True)
class Extent(Term):
    """The size of a dimension, as a scalar: what a sum is divided by to make a mean."""

    dim: Dim


@dataclass(frozen=True)
class Plus(Term):
    """``a + b + …``, all of one shape."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Scaled(Term):
    """A scalar (1×1) times anything."""

    scalar: Term
    operand: Term


@dataclass(frozen=True)
class Matmul(Term):
    """``A B c``: matrix products, in order."""

    factors: tuple[Term, ...]


@dataclass(frozen=True)
class Odot(Term):
    """``a ⊙ b``: products entry by entry."""

    factors: tuple[Term, ...]


@dataclass(frozen=True)
class Raised(Term):
    """``a^p`` entry by entry, for a constant rational ``p``; a quotient is ``a ⊙ b^{-1}``."""

    base: Term
    exponent: Fraction


@dataclass(frozen=True)
class Transposed(Term):
    """``A^T``."""

    operand: Term


@dataclass(frozen=True)
class Mapped(Term):
    """A scalar function applied to every entry: ``tanh(z_t)``, ``f(z_t)``."""

    function: str
    operand: Term


@dataclass(frozen=True)
class VectorMapped(Term):
    """``softmax`` or ``log_softmax`` of a vector."""

    function: str
    operand: Term


@dataclass(frozen=True)
class Total(Term):
    """The sum of all entries, a scalar."""

    operand: Term


@dataclass(frozen=True)
class Abstract(Term):
    """A function known by its name alone, of one or more arguments: ``L_t(y_t, target_t)``."""

    function: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True)
class Named(Term):
    """A function that is shorthand for a formula, ``cross_entropy(p, d)``, and the formula."""

    function: str
    arguments: tuple[Term, ...]
    expansion: Term
