"""Claims and how they are decided: equal at a random point, or different."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbptt.calculus import Derivation
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.degrees import DegreeArithmetic, chance, difference
from symbptt.evidence.expressions import UndecidedError
from symbptt.evidence.report import Check, sizes_tuple
from symbptt.evidence.residues import (
    BrokenClaimError,
    P,
    ResidueArithmetic,
    Residues,
    UnluckyError,
    size_text,
)
from symbptt.model.steps import FIRST, Steps

#: Random points tried before giving up on one where nothing divides by zero.
ATTEMPTS = 8


@dataclass(frozen=True)
class Claim:
    """Something the derivation says (``value``) next to what is true (``truth``)."""

    what: str
    place: str
    value: Callable[[], X]
    truth: Callable[[], X]


#: Claims at one random point, for T and sizes already chosen.
Claims = Callable[[Arithmetic], Iterable[Claim]]


@dataclass(frozen=True)
class Setting:
    """Where claims are decided: the witness that asks, T, the sizes, and the seed."""

    witness: str
    T: int
    sizes: Mapping[str, int]
    seed: int
    normalised: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decided:
    """Checks, with the chance that they passed by accident."""

    checks: tuple[Check, ...] = ()
    bound: Fraction = Fraction(0)
    undecided: tuple[str, ...] = ()

    def __add__(self, other: Decided) -> Decided:
        return Decided(
            self.checks + other.checks,
            self.bound + other.bound,
            tuple(dict.fromkeys(self.undecided + other.undecided)),
        )


def decide(claims: Claims, at: Setting) -> Decided:
    """Decide claims at a random point, and bound the chance of an accident.

    The chance of one check is the degree of the tested identity's numerator over p.  To their
    sum comes that of two different arguments of a function meeting by accident, which would
    give them one value: (pairs of arguments) × (degree of their difference) / p.
    """
    for attempt in range(ATTEMPTS):
        A = ResidueArithmetic(
            (at.seed, at.witness, at.T, *at.sizes.values(), attempt), at.normalised
        )
        try:
            found = [(claim, *_compare(claim)) for claim in claims(A)]
        except UnluckyError:
            continue
        checks = tuple(
            Check(at.witness, c.what, c.place, at.T, sizes_tuple(at.sizes), error is None, error)
            for c, error, undecided in found
            if undecided is None
        )
        unknown = [f"{c.what} ({c.place}): {why}" for c, _, why in found if why is not None]
        return Decided(checks, accident(claims, len(A.atoms)), tuple(unknown))
    return Decided(undecided=(f"{at.witness}, T = {at.T}: every random point divides by zero",))


def _compare(claim: Claim) -> tuple[str | None, str | None]:
    """What is wrong with a claim, and why it can't be decided; None where nothing is."""
    try:
        truth: Residues = claim.truth()  # may rest on another claim
        value: Residues = claim.value()
    except BrokenClaimError as wrong:
        return str(wrong), None
    except UndecidedError as undecided:
        return None, str(undecided)
    if value.size != truth.size:
        return f"the shape is {size_text(value.size)} and should be {size_text(truth.size)}", None
    if value.agrees(truth):
        return None, None
    rows, cols = truth.size
    wrong_at = [
        f"({i + 1},{j + 1})"
        for i in range(rows)
        for j in range(cols)
        if value.array[i, j] != truth.array[i, j]
    ]
    return f"differs from the forward-mode derivative in entries {', '.join(wrong_at)}", None


def accident(claims: Claims, atoms: int) -> Fraction:
    """The chance that any of these claims holds at a random point though it is false."""
    A = DegreeArithmetic()
    bound = Fraction(0)
    for claim in claims(A):
        try:
            bound += chance(difference(claim.value(), claim.truth()))
        except (BrokenClaimError, UndecidedError):
            continue  # no claim that could pass by accident
    return bound + Fraction(atoms * (atoms - 1) // 2 * A.arguments, P)


# -- the places in time that a derivation names ---------------------------------------------------


@dataclass(frozen=True)
class Landmarks:
    """How far from the start (``first``) and from the end (``last``) a step can be told apart
    from any other, and the longest ``lag``.  ``numbered`` says whether any steps are named by
    their number, as in ``t = 2``."""

    first: int
    last: int
    lag: int
    numbered: bool

    def reached(self, T: int) -> bool:
        """Whether all named steps exist."""
        return T >= max(self.first, self.last + 1, self.lag)  # noqa: SIM300

    @property
    def apart(self) -> int:
        """A T from which steps named by number precede all named from the end.

        From there on no two cases of a recursion, as it is printed, can meet; and from the
        start, where no steps are named by number.
        """
        return self.first + self.last + self.lag + 1 if self.numbered else 1


def landmarks(d: Derivation) -> Landmarks:
    """The landmarks of a model and its derivation."""
    every = list(_all_steps(d))
    ends = [i for steps in every for i in (steps.members or (steps.first, steps.last))]
    numbers = [i for steps in every for i in (steps.members or (steps.last,)) if not i.anchor] + [
        steps.first for steps in every if steps.first != FIRST
    ]
    return Landmarks(
        first=max((1, *(i.offset for i in ends if not i.anchor))),
        last=max((0, *(-i.offset for i in ends if i.anchor))),
        lag=max((abs(lag) for v in d.model.variables.values() for lag in v.lags), default=0),
        numbered=bool(numbers),
    )


def _all_steps(d: Derivation) -> Iterator[Steps]:
    yield from (part.steps for part in d.model.loss)
    for parts in (d.sweep, d.condensed):
        for r in (*parts.recursions.values(), *parts.inputs.values()):
            yield r.support
            yield from (c.steps for c in r.contributions)
        for g in parts.gradients.values():
            yield from (c.steps for c in g.contributions)
