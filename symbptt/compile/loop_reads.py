"""Numbers that a loop reads more than once, by a name of their own.

Where all arrays lie in one, a compiler must take each number that is written for a change of every
other one, and reads those again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from symbptt.compile.languages import Block, For, If, Language, Line, Node, Place


@dataclass
class Reads:
    """Gives numbers names; ``new`` finds one that is free."""

    language: Language
    new: Callable[[str], str]
    names: dict[tuple[str, int], str] = field(default_factory=dict)

    def once(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """Nodes that read no number of an array twice in one turn of a loop.

        >>> line = Line("y[i] = x[i] * x[i]", ("y", "i"), frozenset({("y", "i"), ("x", "i")}))
        >>> (loop,) = Reads(Language(), str).once([For("i", "0", "n", (line,))])
        >>> loop.body
        ('x_i = x[i]', 'y[i] = x_i * x_i')
        """
        return tuple(map(self._node, nodes))

    def _node(self, node: Node) -> Node:
        match node:
            case For(body=body) if all(isinstance(line, Line) for line in body):
                lines = (line for line in body if isinstance(line, Line))
                return replace(node, body=tuple(self._lines(tuple(lines))))
            case For() | If() | Block():
                return replace(node, body=self.once(node.body))
        return node

    def _lines(self, lines: tuple[Line, ...]) -> Iterator[Node]:
        reads = self._reads(lines)
        changes: Counter[Place] = Counter()
        called: dict[Place, str] = {}
        for line in lines:
            left, sign, right = self._sides(line)
            for place in sorted(line.touched, key=lambda p: right.find(self.language.entry(*p))):
                entry = self.language.entry(*place)
                if entry in right and place not in called and reads[place, changes[place]] > 1:
                    called[place] = self._name(place, called)
                    yield f"{called[place]} = {entry}"
                right = right.replace(entry, called.get(place, entry))
            called.pop(line.changed, None)
            changes[line.changed] += 1
            if sign == "=" and reads[line.changed, changes[line.changed]]:
                called[line.changed] = self._name(line.changed, called)
                yield f"{called[line.changed]} = {right}"
                right = called[line.changed]
            yield f"{left} {sign} {right}"

    def _reads(self, lines: tuple[Line, ...]) -> Counter[tuple[Place, int]]:
        """How often each number is read, between one change of it and the next."""
        found: Counter[tuple[Place, int]] = Counter()
        changes: Counter[Place] = Counter()
        for line in lines:
            _, _, right = self._sides(line)
            for place in line.touched:
                found[place, changes[place]] += right.count(self.language.entry(*place))
            changes[line.changed] += 1
        return found

    def _sides(self, line: Line) -> tuple[str, str, str]:
        left = self.language.entry(*line.changed)
        sign, _, right = line.text.removeprefix(left).strip().partition(" ")
        return left, sign, right

    def _name(self, place: Place, called: Mapping[Place, str]) -> str:
        """A name for a number of an array that no other one has now."""
        array, _ = place
        wanted = re.sub("__+", "_", f"{array}_i")
        for number in count(1):
            key = array, number
            if key not in self.names:
                self.names[key] = self.new(wanted if number == 1 else f"{wanted}{number}")
            if self.names[key] not in called.values():
                break
        return self.names[key]
