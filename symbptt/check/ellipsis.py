"""What ``…`` abbreviates: in ``J_T J_{T-1} … J_1``, the factors between those beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

from symbptt.check.quantities import MissingError
from symbptt.check.scripts import Steps, is_step, step_value
from symbptt.check.symbols import UnknownError
from symbptt.formula.tree import Node, Number, Text

#: How many parts ``…`` may leave out.
MOST_LEFT_OUT = 64


@dataclass(frozen=True)
class Pattern:
    """The part before ``…``, the one after it, and where they differ: pairs of steps."""

    first: Node
    last: Node
    pairs: tuple[tuple[Node, Node], ...]


def pattern(parts: Sequence[Node], at: int) -> Pattern | None:
    """The pattern of the parts on both sides of the ``…`` at an index."""
    if not 0 < at < len(parts) - 1:
        return None
    first, last = parts[at - 1], parts[at + 1]
    pairs: list[tuple[Node, Node]] = []
    if not _differ(first, last, pairs) or not pairs:
        return None
    return Pattern(first, last, tuple(pairs))


def _differ(a: object, b: object, pairs: list[tuple[Node, Node]]) -> bool:
    """Whether two trees differ in steps alone; which, into ``pairs``."""
    if a == b:
        return True
    if isinstance(a, Node) and isinstance(b, Node):
        if is_step(a) and is_step(b):
            pairs.append((a, b))
            return True
        if type(a) is not type(b):
            return False
        return all(_differ(getattr(a, f.name), getattr(b, f.name), pairs)
                   for f in fields(a) if f.name != "span")  # fmt: skip
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        return all(_differ(x, y, pairs) for x, y in zip(a, b, strict=True))
    return False


def between(found: Pattern, steps: Steps) -> Iterator[Node]:
    """The parts that were left out, where the letters stand for given steps."""
    ends = [(step_value(a, steps), step_value(b, steps)) for a, b in found.pairs]
    starts = [a for a, b in ends if a is not None and b is not None]
    gaps = {b - a for a, b in ends if a is not None and b is not None}
    if len(gaps) != 1 or len(starts) < len(ends):
        return
    (gap,) = gaps
    sign = 1 if gap > 0 else -1
    if abs(gap) > MOST_LEFT_OUT:
        raise UnknownError(f"… that leaves out {abs(gap)} parts is not tried", found.first)
    if sign != _direction(found) or not gap:
        raise MissingError("… runs the other way here")
    for j in range(1, abs(gap)):
        moved = {
            id(a): Number(Fraction(start + sign * j))
            for (a, _), start in zip(found.pairs, starts, strict=True)
        }
        yield _moved(found.first, moved)


def _moved(node: Node, moved: Mapping[int, Number]) -> Node:
    """A part with other steps, each known by the place in the tree where it stands."""
    if id(node) in moved:
        return moved[id(node)]
    return node.rebuilt(lambda n: _moved(n, moved))


#: Steps far apart, in the order that people mean: T after t after k.
_USUAL = {**dict.fromkeys(("T", "tau", "n", "N"), 90), "t": 60, "s": 45, "k": 30, "j": 25, "i": 20,
          "l": 15, "m": 5}  # fmt: skip


def _direction(found: Pattern) -> int:
    """Whether the steps of a pattern run up or down."""
    a, b = found.pairs[0]
    first, last = step_value(a, _USUAL), step_value(b, _USUAL)
    return 1 if first is None or last is None or last > first else -1


def is_dots(node: Node) -> bool:
    """Whether a part is ``…``."""
    return isinstance(node, Text) and node.words.strip() in {"...", "…"}
