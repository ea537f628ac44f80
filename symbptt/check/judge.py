"""From a claim to a verdict: under which reading, if any, both sides are always equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from symbptt.check.findings import Counterexample, Evidence
from symbptt.check.meaning.claims import Claim, least_length, points
from symbptt.check.meaning.comparison import (
    ALL_ZERO,
    MOST_POINTS,
    Points,
    is_vacuous,
    lengths_for,
    not_refuted,
    points_equal,
    says_zero,
    seen_in,
)
from symbptt.check.meaning.conventions import STANDARD, Convention, Reading
from symbptt.check.meaning.readings import conventions
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.tensors import Derivative, ShapeClashError
from symbptt.check.networks.generic import Generic, generic
from symbptt.check.networks.guessed import LOOSE, reading, shown
from symbptt.check.networks.guesses import SIGNALS, candidates, is_labelled, is_of_letters
from symbptt.check.notation.meant import Definition, Meant
from symbptt.check.notation.quantities import MissingError, NoPathError, OutOfRangeError
from symbptt.check.notation.scripts import is_time, scripts
from symbptt.check.notation.symbols import Scope, UnknownError
from symbptt.evidence.residues import P, UnluckyError
from symbptt.formula.tree import Differential, Node, Quotient, Sum, Symbol

#: Why a claim is wrong, where nothing more is known.
DIFFER = "both sides differ under every reading"
#: Why nothing is said of a claim of zeros.
BOTH_ZERO = "both sides are zero wherever they are compared"
#: Why nothing is said of a claim that a guess leaves empty.
EMPTIED = "if {}, a derivative in it is zero"
#: How many undefined symbols a claim may have.
MOST_GUESSES = 2
#: How many guesses at what symbols mean are tried.
MOST_SETTINGS = 24
#: The degree, in what is drawn, up to which the error bound of a verdict counts; it is taken,
#: not worked out.
DEGREE = 200

#: Readings, and the convention that they make.
Taken = tuple[tuple[Reading, ...], Convention]


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
    any_of = generic(claim.sides, setting.scope)
    if any_of is not None:
        return _of_any(claim, setting, any_of)
    failed: list[Judgement] = []
    for rows, guessed in islice(guessed_settings(claim, setting), MOST_SETTINGS):
        found = _judged(claim, guessed)
        alike = _cancels(claim, setting, guessed) if found.holds and rows else None
        if alike is not None:
            why = f"{alike} is not defined, and may be a part of a gradient that has another name"
            found = Judgement("inconclusive", reason=why, unknown=alike)
        if found.holds and any(row.cost for row in rows) and _empties(claim, guessed, found):
            found = Judgement("inconclusive", reason=EMPTIED.format(rows[0].name))
        if found.holds:
            return _with_guesses(found, rows, guessed, setting)
        failed.append(found)
        loose = next((g.group for g in rows if g.group.startswith(LOOSE)), None)
        if loose is not None:
            name = loose.removeprefix(LOOSE)
            failed.append(Judgement("inconclusive", reason=f"{name} is not defined", unknown=name))
    found = min(failed, key=lambda j: j.gravity)
    missing = _undefined(claim, setting) if found.gravity > 2 else None
    scope = setting.scope
    if missing is not None and (
        _is_lettered(claim, missing, scope)
        or (len(failed) > 1 and (
            _are_parts(claim, scope)
            or is_labelled(missing, scope)
            or is_of_letters(claim.sides, scope)
            or not _writes(claim, missing, scope)
        ))
    ):  # fmt: skip
        return Judgement("inconclusive", reason=f"{missing} is not defined", unknown=missing)
    return found


def _of_any(claim: Claim, setting: Setting, any_of: Generic) -> Judgement:
    """The verdict on a claim about any parameter: that of the gravest of those behind states; it
    may fail for others if nothing says that it is of them."""
    every = [judge(claim, setting.of(scope)) for scope in any_of.of_states.values()]
    found = max(every, key=lambda j: j.gravity)
    if not found.holds:
        return found
    alike = [((), STANDARD), (found.readings, found.convention)]  # one reading for all of them
    fails = [p for p, scope in any_of.others.items()
             if _judged(claim, setting.of(scope), alike).gravity > 2]  # fmt: skip
    if not fails:
        return found
    letter, which = shown(any_of.letter), ", ".join(map(shown, fails))
    if any_of.listed:
        why = f"it doesn't hold for {which}, which {letter} may be by the document"
        return Judgement("inconclusive", reason=why)
    row = reading(f"{letter} is a parameter behind a state", f"it doesn't hold for {which}")
    return replace(found, verdict="right-under", readings=(row, *found.readings))


def _are_parts(claim: Claim, scope: Scope) -> bool:
    """Whether undefined gradients in a claim may be parts of one: there are several, and one bears
    a word that says which, ``ε_t + δ_{h,future}``."""
    symbols = {n for side in claim.sides for n in side.walk() if isinstance(n, Symbol)}
    names = {scope.unknown(n) for n in symbols if scope.meant(n) is None}
    signals = {name for name in names if name.partition("_")[0] in SIGNALS}
    return len(signals) > 1 and any(is_labelled(name, scope) for name in signals)


def _cancels(claim: Claim, setting: Setting, guessed: Setting) -> str | None:
    """An undefined symbol that is taken as all of a gradient for which another name stands at the
    same step: another undefined one, ``2 δ_a - δ_b``, or ``δ_h`` beside ``δ_{h,local}``."""
    known, scope = setting.scope.definitions, guessed.scope
    new = {name for name in scope.definitions if name not in known}
    called: dict[tuple[str, Node], set[str]] = {}
    for n in (n for side in claim.sides for n in side.walk()) if new else ():
        meant = scope.meant(n) if isinstance(n, Symbol) else None
        of = None if meant is None else _gradient_by(meant, scope)
        if meant is not None and of is not None:
            called.setdefault((of, meant.step or Symbol("t")), set()).add(
                f"{meant.kind} {meant.name}"
            )
    for names in called.values():
        own = sorted(name for name in new if f"defined {name}" in names)
        if len(names) > 1 and (own[1:] or any(is_labelled(name, setting.scope) for name in own)):
            return own[0]
    return None


def _gradient_by(meant: Meant, scope: Scope) -> str | None:
    """What all of a gradient is by that a symbol stands for."""
    if meant.kind != "defined":
        return meant.name if meant.kind == "gradient" and not meant.later else None
    match scope.definitions[meant.name].body:
        case Quotient(Differential("∂"), Differential("∂", Symbol(v))) | Sum(
            (Quotient(Differential("∂"), Differential("∂", Symbol(v))),), (-1,)
        ):
            return v
    return None


def _writes(claim: Claim, name: str, scope: Scope) -> bool:
    """Whether a claim has an undefined symbol itself, not only in what its symbols stand for."""
    symbols = (n for side in claim.sides for n in side.walk() if isinstance(n, Symbol))
    return any(scope.meant(n) is None and scope.unknown(n) == name for n in symbols)


#: The letter of unit vectors, as of errors.
_UNIT = "e"


def _is_lettered(claim: Claim, name: str, scope: Scope) -> bool:
    """Whether an undefined symbol bears a letter that is no step: ``e_i`` with ``W_ij``, a unit
    vector, or one that is nowhere else, ``a_g``."""
    symbols = [n for side in claim.sides for n in side.walk() if isinstance(n, Symbol)]
    meant = [m for n in symbols if (m := scope.meant(n)) is not None]
    own = [n for n in symbols if scope.meant(n) is None and scope.unknown(n) == name]
    letters = {x.base for n in own for x in scripts(n) if isinstance(x, Symbol) and not is_time(x)}
    if name == _UNIT and letters & {x.base for m in meant for x in m.entry
                                    if isinstance(x, Symbol)}:  # fmt: skip
        return True
    others = (s for n in symbols if n not in own for s in scripts(n))
    used = {x.base for s in others for x in s.walk() if isinstance(x, Symbol)}
    return not letters <= {*used, *name.split("_")}


def _with_guesses(
    found: Judgement, guesses: tuple[Reading, ...], guessed: Setting, setting: Setting
) -> Judgement:
    """A claim that holds, where symbols stand for what was guessed."""
    readings = (*(g for g in guesses if g.cost), *found.readings)
    known = setting.scope.definitions
    new = ((name, d) for name, d in guessed.scope.definitions.items() if name not in known)
    verdict = "right-under" if readings else "right"
    return replace(found, verdict=verdict, readings=readings, guessed=next(new, None))


def held_everywhere(
    claim: Claim,
    setting: Setting,
    taken: Sequence[Convention],
    *,
    in_full: bool = False,
    of_zero: bool = False,
) -> bool:
    """Whether a claim holds at every point under one of some conventions, and there is one;
    ``in_full``: no derivative in it is zero at all of them, and no product over steps at any;
    ``of_zero``: it may be that both sides are zero."""
    where: Points = {}
    lengths = lengths_for(claim, setting)
    for convention in not_refuted(claim, setting, taken, lengths):
        try:
            count = points_equal(claim, setting, convention, lengths, where) or 0
            holds = count > 0 or (of_zero and count == ALL_ZERO)
            if holds and not (in_full and _is_hollow(claim, setting, convention, where)):
                return True
        except (ShapeClashError, UnknownError, UnluckyError, MissingError, OutOfRangeError):
            continue
    return False


def _empties(claim: Claim, guessed: Setting, found: Judgement) -> bool:
    """Whether what was guessed makes a derivative on the right zero everywhere, so that nothing is
    said of it: a term more or less would hold as well."""
    where: Points = {}
    points_equal(claim, guessed, found.convention, lengths_for(claim, guessed), where)
    seen = seen_in(claim, guessed, found.convention, where)
    return any(seen.zero_at.values())


def _is_hollow(claim: Claim, setting: Setting, convention: Convention, where: Points) -> bool:
    """Whether a claim holds by what is zero in it."""
    seen = seen_in(claim, setting, convention, where)
    return seen.vanishes or any(seen.zero_at.values())


def is_beyond(claim: Claim, setting: Setting, T: int) -> bool:
    """Whether a claim says of a gradient beyond step T, the last one, that it is zero."""
    if not says_zero(claim):
        return False
    meaning = replace(setting.meaning(STANDARD, T, 0), within_sum=True)
    try:
        found = meaning.value(claim.left, {})
    except (ShapeClashError, UnknownError, UnluckyError, MissingError, OutOfRangeError):
        return False
    if not isinstance(found, Derivative) or found.of is None:
        return False
    return found.beyond and meaning.world.is_loss(found.of)


# -- what undefined symbols may stand for -------------------------------------------------------


def guessed_settings(
    claim: Claim, setting: Setting, depth: int = 0
) -> Iterator[tuple[tuple[Reading, ...], Setting]]:
    """The setting, or settings in which undefined symbols stand for something."""
    missing = _undefined(claim, setting) if depth < MOST_GUESSES else None
    tried = False
    if missing is not None:
        for row, scope in candidates(missing, claim.sides, setting.scope):
            for more, further in guessed_settings(claim, setting.of(scope), depth + 1):
                tried = True
                yield (row, *more), further
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


def _judged(claim: Claim, setting: Setting, taken: Iterable[Taken] | None = None) -> Judgement:
    """The verdict where every symbol stands for one thing: readings are tried in turn, all that
    are permitted if none are ``taken``."""
    clash: str | None = None
    differs = zero = vacuous = False
    lengths = lengths_for(claim, setting)
    where: Points = {}
    for readings, convention in permitted(claim, setting) if taken is None else taken:
        try:
            count = points_equal(claim, setting, convention, lengths, where)
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
        elif readings and count and is_vacuous(claim, setting, convention, where):
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


def permitted(claim: Claim, setting: Setting) -> Iterator[Taken]:
    """The readings that leave what the document states untouched, the nearest first."""
    permits, row = cache(lambda reading: setting.permits(reading, claim)), setting.always
    for readings, convention in conventions(claim.relation):
        if all(map(permits, readings)):
            if row is None:
                yield readings, convention
            else:
                yield (row, *readings), row.change(convention)
