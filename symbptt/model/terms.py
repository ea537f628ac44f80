"""The right-hand side of an equation once its names, products and shapes are settled.

A term is what a syntax tree means.  Every term knows its shape; a shape is a pair of
dimensions, each an integer or the name of one (``"n"``).  Scalars are ``1×1``, vectors
are columns unless the model is written with rows.  Nothing here needs SymPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property

from symbptt.formula.tree import NOWHERE, Span, rebuilt


@dataclass(frozen=True)
class DimSum:
    """A sum of dimensions, each with how often it is there, and a number: ``4n``, ``n+m+1``.

    >>> str(DimSum((("n", 4),))), str(DimSum((("n", 1), ("m", 2)), 1))
    ('4n', 'n+2m+1')
    """

    terms: tuple[tuple[str, int], ...]
    number: int = 0

    def __str__(self) -> str:
        parts = [f"{k if k > 1 else ''}{name}" for name, k in self.terms]
        return "+".join((*parts, *([str(self.number)] if self.number else [])))


Dim = str | int | DimSum
Shape = tuple[Dim, Dim]

SCALAR: Shape = (1, 1)


def as_sum(dim: Dim) -> DimSum:
    """Any dimension as a sum."""
    if isinstance(dim, DimSum):
        return dim
    return DimSum(((dim, 1),)) if isinstance(dim, str) else DimSum((), dim)


def summed(terms: Iterable[tuple[str, int]], number: int) -> Dim:
    """The dimension that is a sum: a name or a number where it is no more than that.

    >>> str(summed([("n", 1), ("n", 3)], 0)), summed([("n", 1)], 0), summed([], 2)
    ('4n', 'n', 2)
    """
    total: dict[str, int] = {}
    for name, k in terms:
        total[name] = total.get(name, 0) + k
    if not total:
        return number
    if [*total.values()] == [1] and not number:
        return next(iter(total))
    return DimSum(tuple(total.items()), number)


def letters(dim: Dim) -> tuple[str, ...]:
    """The named dimensions in a dimension.

    >>> letters("n"), letters(1), letters(DimSum((("n", 1), ("m", 2)), 1))
    (('n',), (), ('n', 'm'))
    """
    return tuple(name for name, _ in as_sum(dim).terms)


def size(dim: Dim, sizes: Mapping[str, int]) -> int:
    """A dimension with the named ones put in.

    >>> size("n", {"n": 3}), size(7, {}), size(DimSum((("n", 4),), 1), {"n": 3})
    (3, 7, 13)
    """
    if isinstance(dim, int):
        return dim
    if isinstance(dim, str):
        return sizes[dim]
    return sum(k * sizes[name] for name, k in dim.terms) + dim.number


def put_in(dim: Dim, known: Mapping[str, Dim]) -> Dim:
    """A dimension with other dimensions put in for named ones.

    >>> str(put_in(DimSum((("n", 4), ("m", 1))), {"m": DimSum((("n", 1),), 2)}))
    '5n+2'
    """
    whole = as_sum(dim)
    parts = [(as_sum(known.get(name, name)), k) for name, k in whole.terms]
    terms = [(name, j * k) for part, k in parts for name, j in part.terms]
    return summed(terms, whole.number + sum(part.number * k for part, k in parts))


def shape_text(shape: Shape, cross: str = "×") -> str:
    """``n×m``.

    >>> shape_text(("n", 1)), shape_text((DimSum((("n", 4),)), DimSum((("n", 1), ("m", 1)))))
    ('n×1', '4n×(n+m)')
    """
    rows, cols = (f"({d})" if "+" in str(d) else str(d) for d in shape)
    return f"{rows}{cross}{cols}"


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
class Stack(Term):
    """``[a; b]``: columns on top of one another; rows, side by side."""

    parts: tuple[Term, ...]


@dataclass(frozen=True)
class Part(Term):
    """``part(z, i, c)``: the i-th of c equal parts of a vector."""

    operand: Term
    which: int
    of: int


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
