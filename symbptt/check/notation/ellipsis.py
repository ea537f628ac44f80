"""What ``…`` abbreviates: in ``J_T J_{T-1} … J_1``, the factors between those beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

from symbptt.check.notation.quantities import MissingError
from symbptt.check.notation.scripts import Steps, is_step, scripts, step_value, unbracketed
from symbptt.check.notation.symbols import UnknownError
from symbptt.formula.tree import Call, Differential, Node, Number, Quotient, Sum, Symbol, Text

#: How many parts ``…`` may leave out.
MOST_LEFT_OUT = 64


@dataclass(frozen=True)
class Pattern:
    """The part before ``…``, the one after it, and where they differ: pairs of steps, which run
    up, ``sign`` 1, or down, -1."""

    first: Node
    last: Node
    pairs: tuple[tuple[Node, Node], ...]
    sign: int


def pattern(parts: Sequence[Node], at: int) -> Pattern | None:
    """The pattern of the parts on both sides of the ``…`` at an index."""
    if not 0 < at < len(parts) - 1:
        return None
    first, last = parts[at - 1], parts[at + 1]
    pairs: list[tuple[Node, Node]] = []
    if not _differ(first, last, pairs) or not pairs:
        return None
    beside = [(a, a + 1) for a in (at - 2, at + 1) if 0 <= a < len(parts) - 1]
    signs = (_sign_between(parts[a], parts[b]) for a, b in beside)
    sign = next((x for x in signs if x is not None), None)
    return Pattern(first, last, tuple(pairs), _direction(*pairs[0]) if sign is None else sign)


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
    if sign != found.sign or not gap:
        raise MissingError("… runs the other way here")
    for j in range(1, abs(gap)):
        moved = {
            id(a): Number(Fraction(start + sign * j))
            for (a, _), start in zip(found.pairs, starts, strict=True)
        }
        yield _moved(found.first, moved)


def short_run(parts: Sequence[Node], at: int, steps: Steps) -> tuple[int, list[Node]] | None:
    """What ``J_t J_{t-1} … J_{s+1}`` is where it has fewer factors than it writes: where its
    first part stands, and the factors, for none the identity; None where it has enough."""
    found = pattern(parts, at)
    if found is None or len(found.pairs) != 1:
        return None
    ((step, end),), sign = found.pairs, found.sign
    first, last = step_value(step, steps), step_value(end, steps)
    if first is None or last is None:
        return None
    begin = at - 1
    while begin and _step_before(parts[begin - 1], parts[begin], steps) == -sign:
        begin -= 1
    start = first - sign * (at - 1 - begin)
    count = sign * (last - start) + 1
    if not 0 <= count <= at - begin:
        return None
    if not count:  # one of both ends may be beyond the last step
        ends = sorted(((start, begin), (last, at + 1)), key=lambda end: (end[0] < 1, end[0]))
        return begin, [Call(Symbol("eye"), (parts[ends[0][1]],))]
    moved = [{id(step): Number(Fraction(start + sign * j))} for j in range(count)]
    return begin, [_moved(found.first, to) for to in moved]


def _step_before(a: Node, b: Node, steps: Steps) -> int | None:
    """How far a part stands behind another that differs in its step alone."""
    apart = _steps_apart(a, b)
    if apart is None or a == b:
        return None
    one, other = (step_value(x, steps) for x in apart)
    return None if one is None or other is None else one - other


def continued(parts: Sequence[Node], at: int, steps: Steps) -> list[Node] | None:
    """The derivatives that ``…`` leaves out of a chain whose ends are of other kinds.

    In ``∂h_T/∂h_{T-1} … ∂h_1/∂W`` the chain goes on to ``∂h_2/∂h_1``, in
    ``∂L/∂h_T … ∂h_2/∂h_1`` it begins with ``∂h_T/∂h_{T-1}``; None if no chain is there.
    """
    if not 0 < at < len(parts) - 1:
        return None
    before, after = _derivative(parts[at - 1]), _derivative(parts[at + 1])
    if before is None or after is None:
        return None
    for one, other, here in ((before, after, at - 1), (after, before, at + 1)):
        link = _steps_apart(*one)
        if link is None:
            continue
        for i in (1, 0):  # the end of this derivative that the chain leads from
            met = _steps_apart(one[i], other[1 - i])
            above, below = (step_value(x, steps) for x in link)
            if met is None or above is None or below is None or above - below != 1:
                continue
            last = step_value(met[1], steps)
            if last is None:
                return None
            sign = -1 if i else 1
            count = sign * (last - (below if i else above))
            if count < 0:
                raise MissingError("… runs the other way here")
            if count > MOST_LEFT_OUT:
                raise UnknownError(f"… that leaves out {count} parts is not tried", parts[at])
            shifts = [sign * j for j in range(1, count + 1)]
            return [
                _moved(parts[here], {id(link[0]): Number(Fraction(above + j)),
                                     id(link[1]): Number(Fraction(below + j))})
                for j in (shifts if here < at else reversed(shifts))
            ]  # fmt: skip
    return None


def _derivative(node: Node) -> tuple[Node, Node] | None:
    """What a derivative is of, and what by."""
    match unbracketed(node):
        case Quotient(Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)):
            return of, by
    return None


def _steps_apart(a: Node, b: Node) -> tuple[Node, Node] | None:
    """The steps of two symbols that differ in nothing else."""
    if a == b and isinstance(a, Symbol):
        counted = [x for x in scripts(a) if is_step(x)]
        return (counted[0], counted[0]) if len(counted) == 1 else None
    pairs: list[tuple[Node, Node]] = []
    return pairs[0] if _differ(a, b, pairs) and len(pairs) == 1 else None


def _moved(node: Node, moved: Mapping[int, Number]) -> Node:
    """A part with other steps, each known by the place in the tree where it stands."""
    if id(node) in moved:
        return moved[id(node)]
    return node.rebuilt(lambda n: _moved(n, moved))


#: Steps far apart, in the order that people mean: T after t after k.
_USUAL = {**dict.fromkeys(("T", "tau", "n", "N"), 90), "t": 60, "s": 45, "k": 30, "j": 25, "i": 20,
          "l": 15, "m": 5}  # fmt: skip


def _direction(first: Node, last: Node) -> int:
    """Whether steps run up or down from one to another: in ``J_{t+1} … J_s`` t + 1 is the lower
    end, whatever the letters; else t is after k."""
    above = [_is_above(x) for x in (first, last)]
    if above[0] is not above[1]:
        return 1 if above[0] else -1
    a, b = step_value(first, _USUAL), step_value(last, _USUAL)
    return 1 if a is None or b is None or b > a else -1


def _is_above(step: Node) -> bool:
    """``k + 1``."""
    match step:
        case Sum((Symbol(), Number(by)), (1, 1)):
            return by == 1
    return False


def _sign_between(a: Node, b: Node) -> int | None:
    """Which way the steps of two parts run that stand side by side: ``J_s J_{s-1}`` down."""
    pairs: list[tuple[Node, Node]] = []
    if not _differ(a, b, pairs) or not pairs:
        return None
    one, other = (step_value(x, _USUAL) for x in pairs[0])
    apart = 0 if one is None or other is None else other - one
    return apart if abs(apart) == 1 else None


def is_dots(node: Node) -> bool:
    """Whether a part is ``…``."""
    return isinstance(node, Text) and node.words.strip() in {"...", "…"}
