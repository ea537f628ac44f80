"""What a statement defines, and by what."""

from __future__ import annotations

from dataclasses import replace

from symbptt.check.notation.symbols import ERRORS
from symbptt.formula.tree import (
    Differential,
    Node,
    Relation,
    Symbol,
)
from symbptt.model.names import Naming
from symbptt.model.outline import Statement


def left_of(s: Statement) -> Symbol:
    """The symbol that a statement defines."""
    assert isinstance(s.node, Relation)
    assert isinstance(s.node.sides[0], Symbol)
    return s.node.sides[0]


def right_of(s: Statement) -> Node:
    """What a statement defines a symbol as."""
    assert isinstance(s.node, Relation)
    return s.node.sides[1]


def name_of(s: Statement) -> str:
    return Naming().read(left_of(s))[0]


def rewritten(s: Statement, right: Node) -> Statement:
    return replace(s, node=Relation((left_of(s), right), ("=",), span=s.node.span))


def defines(node: Node) -> tuple[Symbol, Node] | None:
    """The two sides of what may be a forward equation: ``h_t = tanh(W h_{t-1})``."""
    if not isinstance(node, Relation) or node.operators[0] not in {"=", "≜", "≡"}:
        return None
    left, right = node.sides[0], node.sides[1]
    if not isinstance(left, Symbol) or left.primes or left.base in ERRORS:
        return None
    if any(isinstance(n, Differential) for n in right.walk()):
        return None
    return left, right
