"""Where an edit can take place: the parts of a formula's right side that are values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from symbptt.formula.tree import (
    BigOperator,
    Call,
    Cases,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Relation,
    Subscripted,
    Sum,
    Symbol,
    Text,
    Transpose,
)

Piece = TypeVar("Piece", bound=Node)
#: A step down a tree: a field, and the place in its tuple (-1 where it is no tuple).
Step = tuple[str, int]
Path = tuple[Step, ...]

#: Which fields of a node hold values: not scripts, bounds, exponents or names of functions.
VALUES: dict[type[Node], tuple[str, ...]] = {
    Sum: ("terms",),
    Product: ("factors",),
    Group: ("items",),
    Call: ("arguments",),
    Quotient: ("numerator", "denominator"),
    Power: ("base",),
    Transpose: ("operand",),
    Primed: ("operand",),
    BigOperator: ("body",),
    Cases: ("values",),
    Differential: ("operand",),
    Subscripted: ("operand",),
}


@dataclass(frozen=True)
class Place:
    """A value in a formula, how to get there, and what it is a part of."""

    node: Node
    path: Path
    parent: Node
    #: inside an activation's derivative
    in_slope: bool = False

    @property
    def is_side(self) -> bool:
        return isinstance(self.parent, Relation)

    @property
    def is_differential(self) -> bool:
        """Whether this stands behind a differential: its index may change, it may not."""
        return isinstance(self.parent, Differential)


def places(claim: Relation) -> Iterator[Place]:
    """Every value on the right of a claim, in reading order, the whole before its parts."""
    for i, side in enumerate(claim.sides[1:], 1):
        yield from _below(Place(side, (("sides", i),), claim))


def _below(place: Place) -> Iterator[Place]:
    yield place
    inside = place.in_slope or is_slope(place.node)
    for step, child in values(place.node):
        yield from _below(Place(child, (*place.path, step), place.node, inside))


def is_slope(node: Node) -> bool:
    """Whether a factor is an activation's derivative: ``f'(z)``, ``diag(..)``, ``(1 - h^2)``."""
    match node:
        case Call(function=function):
            return function.primes > 0 or function.base.lower() == "diag"
        case Group(items=(Sum(terms=(Number(), *_)),)):
            return True
    return False


def values(node: Node) -> Iterator[tuple[Step, Node]]:
    """The values directly below a node."""
    for name in VALUES.get(type(node), ()):
        held = getattr(node, name)
        if isinstance(held, tuple):
            yield from (((name, i), item) for i, item in enumerate(held))
        elif isinstance(held, Node) and not isinstance(held, Text):
            yield (name, -1), held


def changed_in(node: Piece, changes: Mapping[str, Any]) -> Piece:
    """A node with other things in some of its fields."""
    return replace(node, **changes)


def placed(root: Piece, path: Path, new: Node) -> Piece:
    """The tree with another node at the end of a path, which is not empty."""
    (name, i), *rest = path
    held = getattr(root, name)
    item = held if i < 0 else held[i]
    item = placed(item, tuple(rest), new) if rest else new
    return changed_in(root, {name: item if i < 0 else (*held[:i], item, *held[i + 1 :])})


def difference(old: Node, new: Node, path: Path = ()) -> tuple[Path, Node] | None:
    """The smallest part in which two trees differ, and its place; None where they are equal.

    Equal trees differ from a third in the same part, so that the part stands for the tree.
    """
    if type(old) is not type(new):
        return path, new
    found: tuple[Step, Node, Node] | None = None
    for f in fields(old):
        if not f.compare:
            continue
        a, b = getattr(old, f.name), getattr(new, f.name)
        if a is b or a == b:
            continue
        if isinstance(a, tuple) and isinstance(b, tuple):
            if len(a) != len(b):
                return path, new
            apart = [
                ((f.name, i), x, y) for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y
            ]
        else:
            apart = [((f.name, -1), a, b)]
        step, x, y = apart[0]
        if len(apart) > 1 or found or not isinstance(x, Node) or not isinstance(y, Node):
            return path, new
        found = (step, x, y)
    if found is None:
        return None
    step, x, y = found
    return difference(x, y, (*path, step))


def factors_of(node: Node) -> tuple[Node, ...]:
    """The factors of a product; anything else is its own one factor."""
    return node.factors if isinstance(node, Product) else (node,)


def operators_of(node: Node) -> tuple[str, ...]:
    return node.operators if isinstance(node, Product) else ()


def product_of(factors: tuple[Node, ...], operators: tuple[str, ...]) -> Node:
    """A product; of one factor, the factor."""
    return factors[0] if len(factors) == 1 else Product(factors, operators)


def sum_of(terms: tuple[Node, ...], signs: tuple[int, ...]) -> Node:
    """A sum; of one term that is added, the term."""
    return terms[0] if signs == (1,) else Sum(terms, signs)


def grouped(node: Node) -> Node:
    """Brackets round what is no single thing."""
    single = Symbol | Group | Call | Transpose | Power | Primed
    return node if isinstance(node, single) else Group("(", (node,))


def ends(node: Node) -> tuple[int, int]:
    return node.span.start, node.span.end


def scripts(symbol: Symbol) -> tuple[Node, ...]:
    return (*symbol.subscripts, *symbol.superscripts, *symbol.indices)


def script_shape(symbol: Symbol) -> tuple[int, int, int]:
    return len(symbol.subscripts), len(symbol.superscripts), len(symbol.indices)


def aligned(old: Node, new: Node) -> bool:
    """Whether two sums or products have as many parts and the same signs between them."""
    match old, new:
        case Product(), Product():
            return old.operators == new.operators and len(old.factors) == len(new.factors)
        case Sum(), Sum():
            return old.signs == new.signs and len(old.terms) == len(new.terms)
    return False


def pairs_of(old: Node, new: Node) -> list[tuple[Node, Node]] | None:
    """The children of two nodes that differ in nothing else; None where they do."""
    for f in fields(old):
        a, b = getattr(old, f.name), getattr(new, f.name)
        if not f.compare or a is b or (isinstance(a, Node) and isinstance(b, Node)):
            continue
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            if all(
                x is y or (isinstance(x, Node) and isinstance(y, Node)) or x == y
                for x, y in zip(a, b, strict=True)
            ):
                continue
        elif a == b:
            continue
        return None
    return list(zip(old.children(), new.children(), strict=True))
