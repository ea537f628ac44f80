r"""Layers that a letter counts: ``h_t^{(l)} = f(W^{(l)} h_t^{(l-1)} + …)`` for l = 1, …, L.

Such a document is tried with a few layers, each with equations of its own; a claim about l is one
about each of them, where what it names exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.notation.scripts import is_time, scripts, step_value
from symbptt.formula.tree import Node, Number, Relation, Sum, Symbol

#: How many layers are tried where the document doesn't say how many there are.
COUNT = 3
#: The most that are, where it does.
MOST = 4
#: Letters that count layers.
LETTERS = frozenset({"l", "ell"})


@dataclass(frozen=True)
class Layers:
    """The letter that counts layers, that of the last one, and how many there are."""

    letter: str
    top: str = "L"
    count: int = COUNT

    def values(self, steps: Mapping[str, int]) -> dict[str, int]:
        """What the letters stand for."""
        known = {self.top: self.count}
        return {**known, self.letter: steps[self.letter]} if self.letter in steps else known

    def each(self, node: Node) -> list[Node]:
        """A formula for each layer; a formula of one layer stays one."""
        if not self.counts(node):
            return [at_layer(node, self.values({}))]
        every = range(1, self.count + 1)
        return [at_layer(node, self.values({self.letter: n})) for n in every]

    def counts(self, node: Node) -> bool:
        """Whether the letter of layers is in a script of a symbol."""
        return any(
            part_has(part, self.letter)
            for n in node.walk() if isinstance(n, Symbol) for part in scripts(n)
        )  # fmt: skip


def part_has(part: Node, letter: str) -> bool:
    """Whether a script counts by a letter."""
    return any(isinstance(x, Symbol) and x == Symbol(letter) for x in part.walk())


def layers_of(trees: Iterable[Node]) -> Layers | None:
    """What counts layers in a document, if a letter does."""
    every = [tree for tree in trees if isinstance(tree, Relation)]
    letter = next((letter for letter in LETTERS if _counted(every, letter)), None)
    if letter is None:
        return None
    stated = [
        int(n.value) for tree in every for top, n in [tree.sides[:2]]
        if top == Symbol("L") and isinstance(n, Number) and n.value in range(2, MOST + 1)
    ]  # fmt: skip
    return Layers(letter, count=stated[0] if stated else COUNT)


def _counted(relations: Sequence[Relation], letter: str) -> bool:
    """Whether equations give quantities of layer l by those of the layer below: ``h^{(l-1)}``."""
    given: set[str] = set()
    used: set[str] = set()
    below = Sum((Symbol(letter), Number(Fraction(1))), (1, -1))
    for r in relations:
        left = r.sides[0]
        if not isinstance(left, Symbol) or Symbol(letter) not in scripts(left):
            continue
        if any(map(is_time, scripts(left))):
            given.add(left.base)
            used |= {
                n.base for n in r.sides[1].walk() if isinstance(n, Symbol) and below in scripts(n)
            }
    return not given.isdisjoint(used)


def at_layer(node: Node, values: Mapping[str, int]) -> Node:
    """A formula where the letters of layers, in scripts, stand for numbers."""
    if not isinstance(node, Symbol):
        return node.rebuilt(lambda n: at_layer(n, values))

    def put(part: Node) -> Node:
        if not any(part_has(part, letter) for letter in values):
            return part.rebuilt(lambda n: at_layer(n, values))
        n = step_value(part, values)
        return part if n is None else Number(Fraction(n), span=part.span)

    return replace(
        node,
        subscripts=tuple(map(put, node.subscripts)),
        superscripts=tuple(map(put, node.superscripts)),
        indices=tuple(map(put, node.indices)),
    )
