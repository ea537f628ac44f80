"""Bounds, and equations of norms: searched for a counterexample in floating point.

What is not refuted is not proved: at best a bound is ``inconclusive``, with the number of points
at which it held.  A bound is wrong only where it fails under every reading, in every norm that
``‖·‖`` may be, and for every function that an open one may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import numpy as np

from symbptt.check.bounds.assumptions import speaks_of_loss
from symbptt.check.bounds.reals import INSTANCES, SCALES, RealWorld, floats
from symbptt.check.bounds.signs import ABSOLUTE, FAILS, RELATIVE, beyond
from symbptt.check.counterexamples import FINE, given_at, numbers_of, shown_steps
from symbptt.check.findings import Counterexample, Evidence
from symbptt.check.judge import Judgement, permitted
from symbptt.check.meaning.claims import Claim, free_letters, least_length, points
from symbptt.check.meaning.comparison import MOST_POINTS
from symbptt.check.meaning.conventions import Convention, Reading
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.norms import UNNAMED, norms_in
from symbptt.check.meaning.ranges import runs_back
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.sides import both_sides
from symbptt.check.meaning.tensors import ShapeClashError
from symbptt.check.meaning.work import Work
from symbptt.check.networks.bindings import open_functions
from symbptt.check.notation.quantities import MissingError, OutOfRangeError
from symbptt.check.notation.scripts import Steps, step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import UnluckyError
from symbptt.formula.tree import BigOperator, Node, Power, Sum, Symbol
from symbptt.model.model import Model

#: A counterexample that is plainer to see is looked for first.
PLAIN = 0.01
#: Worlds to try, the smallest first, and steps uphill from the one where a bound is tightest.
MOST_WORLDS, CLIMBS = 40, 16
#: How many ways to read a bound are tried.
MOST_WAYS = 64
#: Conditions on what is given that a random point seldom meets are tried at so many.
MOST_DRAWS = 160

#: How what is said of a bound begins that held wherever it was tried.
NOT_REFUTED = "not refuted"

#: A relation that a document states: two sides, and the sign between them.
Stated = tuple[Node, str, Node]


@dataclass(frozen=True)
class Way:
    """One way to take a bound: the convention, and the function that an open one is."""

    convention: Convention
    instance: str
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Tried:
    """A place where a bound was tried, and how near it came to failing: more than 0 is beyond."""

    near: float
    world: RealWorld
    steps: dict[str, int]


@dataclass
class Search:
    """A bound, what the document assumes besides it, and the worlds it was tried in so far."""

    claim: Claim
    sign: str
    setting: Setting
    assumed: Sequence[Stated] = ()
    worlds: dict[tuple[str, int], RealWorld] = field(default_factory=dict)
    places: dict[tuple[int, ...], list[dict[str, int]]] = field(default_factory=dict)
    tried: int = 0
    longest: int = 1
    witness: int = 0

    @np.errstate(all="ignore")
    def judged(self) -> Judgement:
        """``wrong`` where the bound fails every way that it may be taken; else not refuted."""
        first: Counterexample | None = None
        clash: str | None = None
        for way in islice(self.ways(), MOST_WAYS):
            try:
                found = self.counterexample(way)
            except ShapeClashError as error:
                clash = clash or str(error)
                continue
            except UnknownError as unknown:
                return Judgement("inconclusive", reason=str(unknown), unknown=unknown.name)
            if found is None:
                return Judgement("inconclusive", way.readings, self.not_refuted, self.evidence)
            first = first or found
        if first is None:
            return Judgement("inconclusive", reason=f"it can't be evaluated: {clash}")
        reason = FAILS.get(self.sign, "both sides differ")
        return Judgement("wrong", reason=reason, evidence=self.evidence, shown=first)

    @property
    def not_refuted(self) -> str:
        """What is said of a bound that held wherever it was tried."""
        if not self.tried:
            return "nothing in it can be evaluated where what the document assumes holds"
        return f"{NOT_REFUTED}: {self.tried} points, T up to {self.longest}"

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.tried, tuple(self.setting.lengths), self.setting.sizes)

    def ways(self) -> Iterator[Way]:
        """The ways to take the bound, the standard first."""
        norms = UNNAMED if "" in norms_in(self.claim.relation) else UNNAMED[:1]
        instances = INSTANCES if open_functions(self.setting.model) else INSTANCES[:1]
        for readings, convention in permitted(self.claim, self.setting):
            if len(readings) > 1:
                return
            if any(r.group == "share" for r in readings):
                continue
            for norm in norms:
                for instance in instances:
                    yield Way(replace(convention, norm=norm), instance, readings)

    # -- the search -----------------------------------------------------------------------------

    def counterexample(self, way: Way) -> Counterexample | None:
        """Where the bound fails; None if it is found nowhere."""
        self.tried = 0
        self.try_in(way, self.distinct(way))  # sizes that clash, clash here
        best: Tried | None = None
        kept = 0
        for at in (self.witness, *range(MOST_DRAWS if self.assumed else MOST_WORLDS)):
            found = self.try_in(way, self.world(way, at))
            if found is None:
                continue
            kept += 1
            if best is None or found.near > best.near:
                best, self.witness = found, at
            if best.near > PLAIN or kept > MOST_WORLDS:
                break
        if best is None:
            return None
        for step in range(CLIMBS if best.near <= RELATIVE else 0):
            found = self.try_in(way, best.world.moved(step))
            if found is not None and found.near > best.near:
                best = found
        if best.near <= RELATIVE:
            return None
        meaning = Meaning(best.world, way.convention, self.setting.scope, work=Work())
        return self.shown(meaning, best.steps)

    def try_in(self, way: Way, world: RealWorld) -> Tried | None:
        """How near the bound comes to failing in a world, and at which steps; None: not tried."""
        meaning = Meaning(world, way.convention, self.setting.scope, work=Work())
        if not self.holds(meaning):
            return None
        nearest: Tried | None = None
        for steps in self.steps(meaning):
            try:
                near = self.nearness(meaning, steps)
            except (MissingError, OutOfRangeError, UnluckyError):
                continue
            if near is None:
                continue
            self.tried += 1
            self.longest = max(self.longest, world.T)
            if nearest is None or near > nearest.near:
                nearest = Tried(near, world, steps)
        return nearest

    def nearness(self, meaning: Meaning, steps: dict[str, int]) -> float | None:
        """How far the sides are beyond the bound, as a share of the larger; None for no number."""
        a, b = (meaning.laid_out(x) for x in both_sides(self.claim, meaning, steps))
        if a.size != b.size:
            raise ShapeClashError("sides of different sizes")
        if self.sign in FAILS and not a.is_number:
            raise UnknownError("a bound of what is no number", self.claim.left)
        return beyond(self.sign, floats(a.array), floats(b.array))

    def holds(self, meaning: Meaning) -> bool:
        """Whether all that the document assumes holds in a world."""
        for left, sign, right in self.assumed:
            claim = Claim(left, right)
            try:
                for steps in islice(points(claim, meaning), MOST_POINTS):
                    a, b = (meaning.matrix(x, steps) for x in claim.sides)
                    far = beyond(sign, floats(a.array), floats(b.array))
                    if far is None or far > 0:
                        return False
            except (UnknownError, ShapeClashError, UnluckyError):
                return False
            except (MissingError, OutOfRangeError):
                continue
        return True

    def steps(self, meaning: Meaning) -> list[dict[str, int]]:
        """The values of the letters: different ones, if there are such."""
        key = meaning.world.T, *meaning.world.sizes.values()
        if key not in self.places:
            self.places[key] = self.apart(meaning)
        return self.places[key]

    def apart(self, meaning: Meaning) -> list[dict[str, int]]:
        """The points at which no two steps of the bound are the same: ``t = k`` is seldom meant."""
        every = islice(points(self.claim, meaning), MOST_POINTS)
        letters = [x for x, n in free_letters(self.claim, meaning).items() if n is None]
        used = [n for side in self.claim.sides for n in side.walk() if isinstance(n, Symbol)]
        letters += {n.base for n in used if n.base in meaning.scope.horizons}
        meant = (meaning.scope.meant(n) for n in used)
        numbers = {step_value(m.step, {}) for m in meant if m is not None and m.step is not None}
        fixed = [n for n in numbers if n is not None]
        found: list[dict[str, int]] = []
        for steps in every:
            at = [steps[x] for x in letters] + fixed
            back = any(_runs_back(s, steps, meaning.scope.horizons) for s in self.claim.sides)
            if len(set(at)) == len(at) and not back:
                found.append(steps)
        return found

    # -- worlds ---------------------------------------------------------------------------------

    @cached_property
    def model(self) -> Model:
        """The model; without its loss, where the bound doesn't speak of it."""
        model, scope = self.setting.model, self.setting.scope
        speaks = any(speaks_of_loss(side, scope) for side in self.claim.sides)
        return model if speaks else replace(model, loss=())

    def distinct(self, way: Way) -> RealWorld:
        """A world in which all sizes are different."""
        key = way.instance, -1
        if key not in self.worlds:
            T = max(3, least_length(self.claim))
            world = RealWorld(self.model, T, self.setting.sizes, 0, {}, way.instance)
            self.worlds[key] = world
        return self.worlds[key]

    def world(self, way: Way, at: int) -> RealWorld:
        """The world of a number: the sizes grow, and T goes round."""
        key = way.instance, at
        if key not in self.worlds:
            least = least_length(self.claim)
            lengths = sorted(T for T in self.setting.lengths if least <= T) or [least]
            sizes = self.setting.sizes
            largest = (1, 2, 5)[min(at // 12, 2)]
            small = {name: min(size, largest) for name, size in sizes.items()}
            if largest == 2:
                small = dict.fromkeys(small, min(2, max(sizes.values(), default=1)))
            T = lengths[at % len(lengths)]
            self.worlds[key] = RealWorld(
                self.model, T, small, at, {}, way.instance, SCALES[at % len(SCALES)]
            )
        return self.worlds[key]

    def shown(self, meaning: Meaning, steps: dict[str, int]) -> Counterexample:
        a, b = (meaning.laid_out(x) for x in both_sides(self.claim, meaning, steps))
        left, right = numbers_of(a), numbers_of(b)
        if left == right:
            left, right = numbers_of(a, FINE), numbers_of(b, FINE)
        assert left is not None
        assert right is not None
        differ = np.argwhere(np.abs(floats(a.array) - floats(b.array)) > ABSOLUTE)
        return Counterexample(
            dict(meaning.world.sizes), shown_steps(self.claim, meaning, steps),
            dict(given_at(self.claim, meaning, steps)), left, right,
            tuple((int(i) + 1, int(j) + 1) for i, j in differ),
        )  # fmt: skip


def _runs_back(node: Node, steps: Steps, horizons: frozenset[str]) -> bool:
    """Whether a range ends before it begins, or a power is negative: ``γ^{t-k}`` with t < k."""
    for n in node.walk():
        match n:
            case BigOperator() if runs_back(n, steps, horizons):
                return True
            case Power(_, Sum() as exponent) | Symbol(superscripts=(Sum() as exponent,)):
                power = step_value(exponent, steps)
                if power is not None and power < 0:
                    return True
    return False
