"""A formula that looks like a forward equation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symbptt.check.documents.formulas import Formula
from symbptt.check.networks.statements import left_of
from symbptt.formula.tree import (
    Node,
    Relation,
    Symbol,
)
from symbptt.model.outline import Statement


@dataclass(frozen=True)
class Given:
    """A forward equation: the number of its formula, the formula, the relation, its name, and its
    left side as it is stated.

    ``written``: what it is of before it was one of vectors (``elements``), or of one layer.
    """

    at: int
    formula: Formula
    statement: Statement
    name: str
    stated: Node
    written: Symbol | None = None
    elements: bool = False

    @property
    def lefts(self) -> tuple[Node, ...]:
        """What it defines, and how the document writes that."""
        written = () if self.written is None else (self.written,)
        return (self.left, self.stated, *written)

    @property
    def left(self) -> Symbol:
        """What it defines."""
        return left_of(self.statement)


def relation(g: Given) -> Relation:
    node = g.statement.node
    assert isinstance(node, Relation)
    return replace(node, sides=node.sides[:2], operators=("=",))
