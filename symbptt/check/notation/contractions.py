"""Sums of products of elements as matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    Transpose,
)

#: Letters of a formula that count its entries, in the order of rows and columns.
Letters = tuple[str, ...]


class MixedError(ValueError):
    """A formula that is not one of elements throughout."""


@dataclass(frozen=True)
class Tensor:
    """A formula of vectors and matrices, and the letters that its rows and columns had."""

    node: Node
    letters: Letters = ()

    def over(self, letter: str) -> bool:
        """Whether a letter counts entries of it."""
        return letter in self.letters


def added(terms: Sequence[Tensor], signs: tuple[int, ...], at: Node) -> Tensor:
    """A sum of one kind; a number may stand beside vectors, ``1 - h_i²``."""
    kinds = {frozenset(x.letters) for x in terms if x.letters}
    bare = [x.node for x in terms if not x.letters]
    if len(kinds) > 1 or (kinds and not all(isinstance(n, Number) for n in bare)):
        raise MixedError
    letters = next((x.letters for x in terms if x.letters), ())
    if any(x.letters not in ((), letters) for x in terms):
        raise MixedError  # W_{ij} + W_{ji}
    return Tensor(Sum(tuple(x.node for x in terms), signs, span=at.span), letters)


def beside(factors: Sequence[Tensor], at: Node) -> Tensor:
    """Factors side by side, no letter of which is summed: entry by entry."""
    scalars = [x.node for x in factors if not x.letters]
    rest = [x for x in factors if x.letters]
    if any(x.letters != rest[0].letters for x in rest):
        raise MixedError
    letters = rest[0].letters if rest else ()
    return Tensor(_product([*scalars, *_odot([x.node for x in rest], at)], at), letters)


def _odot(nodes: Sequence[Node], at: Node) -> list[Node]:
    """Vectors multiplied entry by entry, as one factor; none stays none."""
    if len(nodes) < 2:
        return list(nodes)
    whole = Product(tuple(map(_bracketed, nodes)), ("⊙",) * (len(nodes) - 1), span=at.span)
    return [Group("(", (whole,), span=at.span)]


def _product(nodes: Sequence[Node], at: Node) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    return Product(tuple(map(_bracketed, nodes)), ("",) * (len(nodes) - 1), span=at.span)


def _bracketed(node: Node) -> Node:
    if isinstance(node, Sum | Product | BigOperator):
        return Group("(", (node,), span=node.span)
    return node


def contracted(factors: Sequence[Tensor], letter: str, at: Node) -> Tensor:
    """The sum over a letter of a product."""
    beyond = [x for x in factors if not x.over(letter)]
    within = [x.node for x in factors if x.letters == (letter,)]
    matrices = [x for x in factors if len(x.letters) == 2 and x.over(letter)]
    if (not within and not matrices) or len(matrices) > 1:
        raise MixedError
    if matrices:
        (m,) = matrices
        if not within:
            raise MixedError
        row, column = m.letters
        turned = Transpose(m.node, span=m.node.span) if row == letter else m.node
        vector = _odot(within, at)
        summed = Tensor(
            Group("(", (_product([turned, *vector], at),), span=at.span),
            (column if row == letter else row,),
        )
    else:
        summed = Tensor(_inner_product(within, at))
    return beside([*beyond, summed], at)


def _inner_product(vectors: Sequence[Node], at: Node) -> Node:
    """The sum over the entries of vectors multiplied."""
    *front, last = vectors
    if not front:
        match last:
            case Power(base, Number(value)) if value == 2:
                front, last = [base], base
            case _:
                return Call(Symbol("sum"), (last,), span=at.span)
    row = Transpose(_bracketed(_product(_odot(front, at), at)), span=at.span)
    return Product((row, _bracketed(last)), ("",), span=at.span)
