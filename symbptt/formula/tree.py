"""The syntax tree of a formula: what was written, not yet what it means.

A tree keeps everything that a reader could take in two ways.  A product is a flat
run of factors with the operators between them, so that a later stage can group
``A^T b \\odot c`` by a convention of its own; a name keeps its subscripts as trees;
``f (z)`` is a call only where the parser was told, or can see, that ``f`` is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from operator import is_
from typing import Any, TypeVar

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Span:
    """Half-open range of offsets into the source text."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Node:
    """Any piece of a formula.  ``span`` says where it stands and takes no part in equality."""

    span: Span = field(default=NOWHERE, compare=False, kw_only=True)

    def children(self) -> Iterator[Node]:
        """The nodes directly below this one, in reading order."""
        return iter(self._below)

    @cached_property
    def _below(self) -> tuple[Node, ...]:
        return tuple(n for name in _names(self) for n in _nodes_in(getattr(self, name)))

    def walk(self) -> Iterator[Node]:
        """This node and every node below it, in reading order."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node._below))

    def rebuilt(self, change: Callable[[Node], Node]) -> Node:
        """The same node with ``change`` applied to each child."""
        result: Node = rebuilt(self, Node, change)
        return result


def _nodes_in(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)


#: The names of the fields of each class, once it has been asked for.
_FIELDS: dict[type, tuple[str, ...]] = {}


def _names(item: Any) -> tuple[str, ...]:
    """The names of the fields of a dataclass."""
    kind = type(item)
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(f.name for f in fields(kind))
    return _FIELDS[kind]


def rebuilt(item: Any, kind: type[Piece], change: Callable[[Piece], Piece]) -> Any:
    """A frozen dataclass with ``change`` applied to its fields, and fields' items, of a kind.

    It is the same object where nothing changes, which keeps what is known of it.
    """
    values: dict[str, Any] = {}
    same = True
    for name in _names(item):
        old = new = getattr(item, name)
        if isinstance(old, kind):
            new = change(old)
            same = same and new is old
        elif isinstance(old, tuple) and old:
            new = tuple([change(v) if isinstance(v, kind) else v for v in old])
            same = same and all(map(is_, new, old))
        values[name] = new
    return item if same else type(item)(**values)


@dataclass(frozen=True)
class Number(Node):
    """``2``, ``0.5``: always exact."""

    value: Fraction


@dataclass(frozen=True)
class Symbol(Node):
    r"""A name with all that hangs on it: ``W_{hh}``, ``h_{t-1}``, ``\hat{y}_t``, ``f'``.

    ``base`` is the bare word with Greek letters spelled out (``delta``, ``W``, ``target``);
    fonts (``\mathbf``) are dropped, accents are kept (``hat``, ``tilde``, ``bar``, ``dot``).
    Subscripts and superscripts are trees, one per comma-separated part: ``h_{t-1}`` has the
    one subscript ``t - 1``, ``W_{hh}`` the one subscript ``hh``, ``u_{f,t-1}`` has two.
    Superscripts that mean transpose or a power are not here but in ``Transpose`` and ``Power``.
    An index in brackets, angle brackets or parentheses (``h[t]``, ``h^{(t)}``, ``h^{<t>}``)
    is in ``superscripts`` or ``indices``: ``h[t]`` has ``indices == (t,)``.
    """

    base: str
    accents: tuple[str, ...] = ()
    subscripts: tuple[Node, ...] = ()
    superscripts: tuple[Node, ...] = ()
    indices: tuple[Node, ...] = ()
    primes: int = 0

    @property
    def is_bare(self) -> bool:
        """Whether nothing hangs on the name."""
        return not (
            self.subscripts or self.superscripts or self.indices or self.accents or self.primes
        )


@dataclass(frozen=True)
class Text(Node):
    r"""Words inside a formula: ``\text{if }``, a ``where``, an ellipsis (``\cdots`` is ``...``)."""

    words: str


@dataclass(frozen=True)
class Sum(Node):
    """``a - b + c``: signs are +1 or -1, one per term; a lone ``-a`` is a sum of one term."""

    terms: tuple[Node, ...]
    signs: tuple[int, ...]


@dataclass(frozen=True)
class Product(Node):
    r"""``a b \odot c``: one operator fewer than factors, each a key of ``OPERATORS``.

    The empty string is juxtaposition.  A parenthesised factor is a ``Group``.
    """

    factors: tuple[Node, ...]
    operators: tuple[str, ...]


#: The product signs: what they are called in a tree, and how people write them.
OPERATORS: dict[str, tuple[str, ...]] = {
    "": (),
    "·": ("\\cdot", "⋅", "·", "•", "\\bullet", "∙"),
    "*": ("*", "\\ast", "\\star", "∗"),
    "@": ("@",),
    "×": ("\\times", "×"),
    "⊙": ("\\odot", "⊙"),
    "∘": ("\\circ", "∘"),
    "⊗": ("\\otimes", "⊗"),
}


@dataclass(frozen=True)
class Group(Node):
    """Brackets as written: ``(a + b)``, ``[h, x]``, ``(y_t, d_t)``; ``opening`` is ``( [ { | ‖``.

    A list without brackets, ``1, 2, \\dots, T``, has an empty ``opening``; the parser, which
    reads it as several formulas, makes none: ``check`` does.

    ``separators`` are the ``,`` or ``;`` between the items.
    """

    opening: str
    items: tuple[Node, ...]
    separators: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call(Node):
    r"""A function applied: ``\tanh(z_t)``, ``f'(z_t)``, ``matmul(A, b)``, ``\log \hat y_t``.

    The function is a ``Symbol`` (its ``primes`` say which derivative).
    """

    function: Symbol
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Quotient(Node):
    r"""``\frac{a}{b}`` (``style == "frac"``) or ``a / b`` (``style == "/"``)."""

    numerator: Node
    denominator: Node
    style: str = "frac"


@dataclass(frozen=True)
class Power(Node):
    """``h_t^2``, ``x^{-1}``, ``\\tanh^2(z)``."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Transpose(Node):
    r"""``W^T``, ``W^\top``, ``W^{\mathsf T}``, ``(h x)^T``, ``W^\intercal``."""

    operand: Node


@dataclass(frozen=True)
class Primed(Node):
    """A prime after something that is no name: ``act(z_4)'``, ``(x^2)'``."""

    operand: Node
    count: int = 1


@dataclass(frozen=True)
class Subscripted(Node):
    r"""A subscript after something that is no name: ``(W h)_i``, ``\frac{..}{..}\Big|_{t}``."""

    operand: Node
    subscripts: tuple[Node, ...]


@dataclass(frozen=True)
class Differential(Node):
    r"""``\partial L``, ``dL`` under a fraction bar, ``\nabla_W L``: ``sign`` is ``∂ ∂⁺ d δ ∇``.

    ``order`` is 2 in ``\partial^2 L``; ``by`` is the subscript of a nabla.
    """

    sign: str
    operand: Node | None
    order: int = 1
    by: Node | None = None


@dataclass(frozen=True)
class BigOperator(Node):
    r"""``\sum_{t=1}^{T} a``, ``\prod_{j=k+1}^{t} J_j``, ``\sum_t a``, ``\sum_{t \in \{2, T\}} a``.

    ``kind`` is ``sum`` or ``prod``.  The body reaches as far as the products after the sign.
    Exactly one of (``lower``, ``upper``) and ``domain`` is given where the sign has bounds.
    """

    kind: str
    body: Node
    index: Node | None = None
    lower: Node | None = None
    upper: Node | None = None
    domain: Node | None = None


@dataclass(frozen=True)
class Cases(Node):
    r"""``\begin{cases} a & t = T \\ b & t < T \end{cases}``: values and their conditions."""

    values: tuple[Node, ...]
    conditions: tuple[Node | None, ...]


@dataclass(frozen=True)
class Relation(Node):
    r"""``a = b = c``: one operator fewer than sides, of ``= ≜ ≈ ∝ ← += -= *= /= < ≤ > ≥ ≠ ∈ →``."""

    sides: tuple[Node, ...]
    operators: tuple[str, ...]


def _kept(hashed: Callable[..., int]) -> Callable[[Node], int]:
    """A hash that is worked out once: trees are large, and asked for it often."""

    def kept(self: Node) -> int:
        known: dict[str, Any] = self.__dict__
        if "_hash" not in known:
            known["_hash"] = hashed(self)
        found: int = known["_hash"]
        return found

    return kept


for _class in (Node, *Node.__subclasses__()):
    type.__setattr__(_class, "__hash__", _kept(_class.__hash__))
