"""At how many points two sides are equal, under one convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random

from symbptt.check.meaning.agreement import agree, is_vector_for_diagonal
from symbptt.check.meaning.claims import (
    Claim,
    a_point,
    has_empty_products,
    least_length,
    points,
)
from symbptt.check.meaning.conventions import STANDARD, Convention
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.recall import once
from symbptt.check.meaning.setting import LENGTHS, Setting
from symbptt.check.meaning.sides import both_sides
from symbptt.check.meaning.tensors import ShapeClashError
from symbptt.check.meaning.work import Seen
from symbptt.check.notation.quantities import MissingError, NoPathError, OutOfRangeError
from symbptt.check.notation.scripts import Steps, unbracketed
from symbptt.check.notation.symbols import Scope, UnknownError
from symbptt.evidence.residues import UnluckyError
from symbptt.formula.tree import Node, Number

#: Random points of the length that tells most; the others have the first alone.
SEEDS = (0, 1)
#: More points than this are not tried at one length.
MOST_POINTS = 60

#: What stands for a count of points where both sides are zero at every one.
ALL_ZERO = -1

#: The values of a claim's letters at each length of a sequence.
Points = dict[int, list[dict[str, int]]]


def lengths_for(claim: Claim, setting: Setting) -> Sequence[int]:
    """The lengths of a sequence in which every step exists that a claim names."""
    least = least_length(claim)
    if setting.lengths != LENGTHS:
        return [T for T in setting.lengths if least <= T]
    return [*(T for T in LENGTHS if least <= T), *range(max(6, least), least + 3)]


def points_equal(
    claim: Claim,
    setting: Setting,
    convention: Convention,
    lengths: Sequence[int],
    where: Points,
) -> int | None:
    """At how many points the sides were compared, and equal; None if they differ at one, and
    ``ALL_ZERO`` if both are zero at all of them.

    One point of the length that tells most is tried before the others.
    """
    first = _equal_in(claim, setting, convention, lengths[:1], SEEDS[:1], where)
    if first is None:
        return None
    return _equal_in(claim, setting, convention, lengths, SEEDS, where)


def not_refuted(
    claim: Claim, setting: Setting, taken: Sequence[Convention], lengths: Sequence[int]
) -> list[Convention]:
    """The conventions under which a claim doesn't fail at one point: most of what is wrong does,
    and it is soon found."""
    if not lengths or not taken:
        return [*taken]
    T = lengths[0]
    try:
        steps = a_point(claim, setting.meaning(taken[0], T, SEEDS[0]))
    except MissingError:
        return [*taken]
    except (ShapeClashError, UnknownError, OutOfRangeError, UnluckyError):
        return []
    return [c for c in taken if steps is None or not _fails_at(claim, setting, c, T, steps)]


def _fails_at(claim: Claim, setting: Setting, convention: Convention, T: int, steps: Steps) -> bool:
    meaning = setting.meaning(convention, T, SEEDS[0])
    try:
        return not _compared(claim, meaning, steps)[0]
    except MissingError:
        return False
    except (ShapeClashError, UnknownError, OutOfRangeError, UnluckyError):
        return True


def _compared(claim: Claim, meaning: Meaning, steps: Steps) -> tuple[bool, bool]:
    """Whether both sides are equal at some steps, and whether the left one is zero."""

    def found() -> tuple[bool, bool]:
        a, b = both_sides(claim, meaning, steps)
        return agree(a, b, meaning.convention), not a.array.any()

    return once(claim, (*steps.items(),), meaning.convention, found)


def _equal_in(
    claim: Claim,
    setting: Setting,
    convention: Convention,
    lengths: Sequence[int],
    seeds: Sequence[int],
    where: Points,
) -> int | None:
    compared = 0
    only_last = not claim.conditions
    only_empty = True
    empty = convention != STANDARD or not says_zero(claim)  # 0 = 0 tells nothing
    for T in lengths:
        for seed in seeds if T in lengths[:1] else seeds[:1]:
            meaning = setting.meaning(convention, T, seed)
            if T not in where:
                where[T] = _spread(list(points(claim, meaning)))
            for steps in where[T]:
                try:
                    equal, zero = _compared(claim, meaning, steps)
                except MissingError:
                    continue
                except NoPathError:
                    raise
                except OutOfRangeError:
                    return None
                if not equal:
                    return None
                empty = empty and zero
                only_last = only_last and _is_last(steps, setting.scope, T)
                only_empty = only_empty and has_empty_products(claim, meaning, steps)
                compared += 1
    if max(lengths, default=1) > 1 and (only_last or only_empty):
        return 0  # whatever it says of other steps was never seen
    return ALL_ZERO if empty and compared else compared


def has_vector_for_diagonal(claim: Claim, setting: Setting, convention: Convention) -> bool:
    """Whether a convention takes a side for the diagonal that the other is, whatever it holds."""
    T = max(lengths_for(claim, setting), default=1)
    meaning = setting.meaning(convention, T, SEEDS[0])
    for steps in _spread([*points(claim, meaning)]):
        with suppress(MissingError, ShapeClashError, UnknownError, OutOfRangeError):
            return is_vector_for_diagonal(*both_sides(claim, meaning, steps), convention)
    return False


def says_zero(claim: Claim) -> bool:
    """Whether a claim is that something is zero: ``∂L_1/∂h_2 = 0``."""
    sides = map(unbracketed, claim.sides)
    return any(isinstance(x, Number) and x.value == 0 for x in sides)


def is_vacuous(claim: Claim, setting: Setting, convention: Convention, where: Points) -> bool:
    """Whether a reading makes a derivative on the right zero everywhere that is not zero as it
    stands, so that nothing is said of it."""
    empty = seen_in(claim, setting, convention, where).zero_at
    return any(_is_something(node, places) for node, places in empty.items() if places)


def seen_in(claim: Claim, setting: Setting, convention: Convention, where: Points) -> Seen:
    """What is seen of the derivatives on the right at all points."""
    seen = Seen()
    for T, every in where.items():
        noted = replace(setting.meaning(convention, T, SEEDS[0]), seen=seen)
        for steps in every:
            with suppress(MissingError):
                both_sides(claim, noted, steps)
    return seen


def _is_something(node: Node, places: Sequence[tuple[Meaning, Steps]]) -> bool:
    """Whether a derivative as it stands is anything but zero at one of some places."""
    for meaning, steps in places:
        with suppress(MissingError, ShapeClashError, UnknownError):
            plain = replace(meaning, convention=STANDARD, seen=None)
            if plain.value(node, steps).array.any():
                return True
    return False


def _spread(points: list[dict[str, int]]) -> list[dict[str, int]]:
    """As many points as are tried, all over the range of every letter: from the middle on, which
    tells most, as nothing begins or ends there."""
    if len(points) > MOST_POINTS:
        chosen = Random(len(points)).sample(range(len(points)), MOST_POINTS)
        points = [points[i] for i in sorted(chosen)]
    middle = len(points) // 2
    return points[middle:] + points[:middle]


def _is_last(steps: Mapping[str, int], scope: Scope, T: int) -> bool:
    """Whether every letter that counts steps stands for the last one."""
    free = [at for letter, at in steps.items() if letter not in scope.horizons]
    if "t" in steps:
        free = [steps["t"]]
    return bool(free) and all(at == T for at in free)
