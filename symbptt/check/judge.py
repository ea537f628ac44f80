"""From a claim to a verdict: under which reading, if any, both sides are always equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from random import Random

from symbptt.check.findings import Counterexample, Evidence
from symbptt.check.meaning.agreement import agree
from symbptt.check.meaning.claims import Claim, least_length, points
from symbptt.check.meaning.conventions import STANDARD, Convention, Reading
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.readings import conventions
from symbptt.check.meaning.setting import LENGTHS, Setting
from symbptt.check.meaning.sides import both_sides
from symbptt.check.meaning.tensors import ShapeClashError
from symbptt.check.meaning.work import Seen
from symbptt.check.networks.guessed import LOOSE
from symbptt.check.networks.guesses import candidates, generic, is_labelled, is_of_letters
from symbptt.check.notation.quantities import MissingError, NoPathError, OutOfRangeError
from symbptt.check.notation.scripts import Steps, unbracketed
from symbptt.check.notation.symbols import Definition, Scope, UnknownError
from symbptt.evidence.residues import P, UnluckyError
from symbptt.formula.tree import Node, Number, Symbol

#: Why a claim is wrong, where nothing more is known.
DIFFER = "both sides differ under every reading"
#: Why nothing is said of a claim of zeros.
BOTH_ZERO = "both sides are zero wherever they are compared"
#: How many undefined symbols a claim may have.
MOST_GUESSES = 2
#: How many sets of readings are tried.
MOST_CONVENTIONS = 400
#: How many guesses at what symbols mean are tried.
MOST_SETTINGS = 24
#: Random points for each length.
SEEDS = (0, 1)
#: More points than this are not tried at one length.
MOST_POINTS = 60
#: The degree, in what is drawn, up to which the error bound of a verdict counts; it is taken,
#: not worked out.
DEGREE = 200
#: What stands for a count of points where both sides are zero at every one.
ALL_ZERO = -1

#: The values of a claim's letters at each length of a sequence.
Points = dict[int, list[dict[str, int]]]


@dataclass(frozen=True)
class Judgement:
    """What was found of a claim, under which readings, and at how many points."""

    verdict: str
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    evidence: Evidence | None = None
    unknown: str | None = None
    guessed: tuple[str, Definition] | None = None
    convention: Convention = STANDARD
    shown: Counterexample | None = None

    @property
    def holds(self) -> bool:
        """Whether the claim is right, perhaps under a reading."""
        return self.verdict in {"right", "right-under"}

    @property
    def gravity(self) -> int:
        """Of guesses that fail the lightest counts, of parameters the gravest."""
        return ("right", "right-under", "inconclusive", "wrong", "shape-error").index(self.verdict)


def judge(claim: Claim, setting: Setting) -> Judgement:
    """The verdict on a claim: that of the reading nearest to the standard convention.

    A symbol that the document leaves undefined is tried as what it may stand for, which is a
    reading too.
    """
    scopes = generic(claim.sides, setting.scope)
    if scopes is not None:
        every = [judge(claim, setting.of(scope)) for scope in scopes]
        return max(every, key=lambda j: j.gravity)
    failed: list[Judgement] = []
    for rows, guessed in islice(guessed_settings(claim, setting), MOST_SETTINGS):
        found = _judged(claim, guessed)
        if found.holds:
            return _with_guesses(found, rows, guessed, setting)
        failed.append(found)
        loose = next((g.group for g in rows if g.group.startswith(LOOSE)), None)
        if loose is not None:
            name = loose.removeprefix(LOOSE)
            failed.append(Judgement("inconclusive", reason=f"{name} is not defined", unknown=name))
    found = min(failed, key=lambda j: j.gravity)
    missing = _undefined(claim, setting) if found.gravity > 2 and len(failed) > 1 else None
    scope = setting.scope
    if missing is not None and (
        is_labelled(missing, scope)
        or is_of_letters(claim.sides, scope)
        or not _writes(claim, missing, scope)
    ):
        return Judgement("inconclusive", reason=f"{missing} is not defined", unknown=missing)
    return found


def _writes(claim: Claim, name: str, scope: Scope) -> bool:
    """Whether a claim has an undefined symbol itself, not only in what its symbols stand for."""
    symbols = (n for side in claim.sides for n in side.walk() if isinstance(n, Symbol))
    return any(scope.meant(n) is None and scope.unknown(n) == name for n in symbols)


def _with_guesses(
    found: Judgement, guesses: tuple[Reading, ...], guessed: Setting, setting: Setting
) -> Judgement:
    """A claim that holds, where symbols stand for what was guessed."""
    readings = (*(g for g in guesses if g.cost), *found.readings)
    known = setting.scope.definitions
    new = ((name, d) for name, d in guessed.scope.definitions.items() if name not in known)
    verdict = "right-under" if readings else "right"
    return replace(found, verdict=verdict, readings=readings, guessed=next(new, None))


def held_everywhere(claim: Claim, setting: Setting, taken: Sequence[Convention]) -> bool:
    """Whether a claim holds at every point under one of some conventions, and there is one."""
    where: Points = {}
    lengths = _lengths(claim, setting)
    for convention in taken:
        try:
            if (_points_equal(claim, setting, convention, lengths, where) or 0) > 0:
                return True
        except (ShapeClashError, UnknownError, UnluckyError, MissingError, OutOfRangeError):
            continue
    return False


# -- what undefined symbols may stand for -------------------------------------------------------


def guessed_settings(
    claim: Claim, setting: Setting, depth: int = 0
) -> Iterator[tuple[tuple[Reading, ...], Setting]]:
    """The setting, or settings in which undefined symbols stand for something."""
    missing = _undefined(claim, setting) if depth < MOST_GUESSES else None
    tried = False
    if missing is not None:
        for reading, scope in candidates(missing, claim.sides, setting.scope):
            for more, further in guessed_settings(claim, setting.of(scope), depth + 1):
                tried = True
                yield (reading, *more), further
    if not tried:
        yield (), setting


def _undefined(claim: Claim, setting: Setting) -> str | None:
    """A symbol of a claim that means nothing."""
    T = max(3, least_length(claim))
    meaning = setting.meaning(STANDARD, T, 0)
    for steps in islice(points(claim, meaning), MOST_POINTS):
        for side in claim.sides:
            try:
                meaning.value(side, steps)
            except UnknownError as unknown:
                if unknown.name is not None:
                    return unknown.name
            except (MissingError, OutOfRangeError, UnluckyError, ShapeClashError):
                continue
    return None


# -- one meaning of every symbol ----------------------------------------------------------------


def _judged(claim: Claim, setting: Setting) -> Judgement:
    """The verdict where every symbol stands for one thing: readings are tried in turn."""
    clash: str | None = None
    differs = zero = vacuous = False
    lengths = _lengths(claim, setting)
    where: Points = {}
    for readings, convention in permitted(claim, setting):
        try:
            count = _points_equal(claim, setting, convention, lengths, where)
        except ShapeClashError as error:
            clash = clash or str(error)
            continue
        except NoPathError:
            continue
        except UnknownError as unknown:
            return Judgement("inconclusive", reason=str(unknown), unknown=unknown.name)
        except UnluckyError:
            return Judgement("inconclusive", reason="a value that can't be inverted")
        if count is None or (count == ALL_ZERO and convention != STANDARD):
            differs = True
        elif count == ALL_ZERO:
            zero = True
        elif readings and count and _is_vacuous(claim, setting, convention, where):
            vacuous = True
        elif count:
            evidence = Evidence(count, tuple(sorted(lengths)), setting.sizes, count * DEGREE / P)
            verdict = "right-under" if readings else "right"
            return Judgement(verdict, readings, evidence=evidence, convention=convention)
    evidence = Evidence(1, tuple(lengths[:1]), setting.sizes)
    if zero:
        return Judgement("inconclusive", reason=BOTH_ZERO)
    if vacuous:
        reason = "it would hold if a derivative in it were zero, which it isn't"
        return Judgement("inconclusive", reason=reason, evidence=evidence)
    if differs:
        return Judgement("wrong", reason=DIFFER, evidence=evidence)
    if clash is not None:
        return Judgement("shape-error", reason=clash, evidence=evidence)
    return Judgement("inconclusive", reason="nothing in it can be evaluated at any step")


def permitted(claim: Claim, setting: Setting) -> Iterator[tuple[tuple[Reading, ...], Convention]]:
    """The readings that leave what the document states untouched, the nearest first."""
    permits = cache(lambda reading: setting.permits(reading, claim))
    for readings, convention in islice(conventions(claim.relation), MOST_CONVENTIONS):
        if all(map(permits, readings)):
            yield readings, convention


def _lengths(claim: Claim, setting: Setting) -> Sequence[int]:
    """The lengths of a sequence in which every step exists that a claim names."""
    least = least_length(claim)
    if setting.lengths != LENGTHS:
        return [T for T in setting.lengths if least <= T]
    return [*(T for T in LENGTHS if least <= T), *range(max(6, least), least + 3)]


def _points_equal(
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
    empty = convention != STANDARD or not _says_zero(claim)  # 0 = 0 tells nothing
    for T in lengths:
        for seed in seeds:
            meaning = setting.meaning(convention, T, seed)
            if T not in where:
                where[T] = _spread(list(points(claim, meaning)))
            for steps in where[T]:
                try:
                    a, b = both_sides(claim, meaning, steps)
                except MissingError:
                    continue
                except NoPathError:
                    raise
                except OutOfRangeError:
                    return None
                if not agree(a, b, convention):
                    return None
                empty = empty and not a.array.any()
                only_last = only_last and _is_last(steps, setting.scope, T)
                compared += 1
    if only_last and max(lengths, default=1) > 1:
        return 0  # whatever it says of other steps was never seen
    return ALL_ZERO if empty and compared else compared


def _says_zero(claim: Claim) -> bool:
    """Whether a claim is that something is zero: ``∂L_1/∂h_2 = 0``."""
    sides = map(unbracketed, claim.sides)
    return any(isinstance(x, Number) and x.value == 0 for x in sides)


def _is_vacuous(claim: Claim, setting: Setting, convention: Convention, where: Points) -> bool:
    """Whether a reading makes a derivative on the right zero everywhere that is not zero as it
    stands, so that nothing is said of it."""
    seen = Seen()
    for T, every in where.items():
        noted = replace(setting.meaning(convention, T, SEEDS[0]), seen=seen)
        for steps in every:
            with suppress(MissingError):
                both_sides(claim, noted, steps)
    return any(_is_something(node, places) for node, places in seen.zero_at.items() if places)


def _is_something(node: Node, places: Sequence[tuple[Meaning, Steps]]) -> bool:
    """Whether a derivative as it stands is anything but zero at one of some places."""
    for meaning, steps in places:
        with suppress(MissingError, ShapeClashError, UnknownError):
            plain = replace(meaning, convention=STANDARD, seen=None)
            if plain.value(node, steps).array.any():
                return True
    return False


def _spread(points: list[dict[str, int]]) -> list[dict[str, int]]:
    """As many points as are tried, all over the range of every letter, in order."""
    if len(points) <= MOST_POINTS:
        return points
    chosen = Random(len(points)).sample(range(len(points)), MOST_POINTS)
    return [points[i] for i in sorted(chosen)]


def _is_last(steps: Mapping[str, int], scope: Scope, T: int) -> bool:
    """Whether every letter that counts steps stands for the last one."""
    free = [at for letter, at in steps.items() if letter not in scope.horizons]
    if "t" in steps:
        free = [steps["t"]]
    return bool(free) and all(at == T for at in free)
