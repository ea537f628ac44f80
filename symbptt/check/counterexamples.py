"""The smallest numbers found for which the two sides of a claim differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from symbptt.check.bounds.reals import Real
from symbptt.check.findings import Counterexample, Numbers
from symbptt.check.meaning.agreement import agree
from symbptt.check.meaning.claims import Claim, least_length, points, unbound_letters
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.ranges import range_of
from symbptt.check.meaning.readings import conventions
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.sides import both_sides
from symbptt.check.meaning.tensors import Derivative, Matrix, ShapeClashError
from symbptt.check.meaning.world import World
from symbptt.check.notation.letters import printed
from symbptt.check.notation.quantities import MissingError, OutOfRangeError
from symbptt.check.notation.scripts import step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import (
    P,
    ResidueArithmetic,
    Residues,
    Size,
    UnluckyError,
    fraction,
    residue,
)
from symbptt.formula.tree import BigOperator, Differential, Node, Quotient, Symbol

#: Sizes to try: all one, all two, then different ones.
SIZES = ((1, 1, 1, 1, 1), (2, 2, 2, 2, 2), (2, 1, 3, 2, 3))
#: Numbers that are drawn for what is given, and for what functions give.
GIVEN = (1, 2, -1, 3, -2)
VALUES = (Fraction(1, 2), Fraction(-1, 2), Fraction(1, 3), Fraction(2, 3), Fraction(1, 4))
#: The digits that are shown of a float, and of floats that are nearly the same.
DIGITS, FINE = 4, 9
#: How many terms of a sum are shown.
MOST_SHOWN = 3
#: Random points to try at each size and length.
TRIES = 2


@dataclass(frozen=True)
class SmallArithmetic(ResidueArithmetic):
    """Draws small numbers: whole ones for what is given, fractions for what functions give."""

    def _draw(self, key: tuple[object, ...], size: Size) -> Residues:
        r, c = size
        entries = [GIVEN[residue(self.seed, key, i) % len(GIVEN)] % P for i in range(r * c)]
        if key[0] in self.normalised:
            entries = [0] * (r * c)
            entries[residue(self.seed, key) % (r * c)] = 1
        return Residues(np.array(entries, dtype=object).reshape(r, c))

    def _atom(self, name: str, argument: object) -> int:
        key = name, argument
        if key not in self.atoms:
            q = VALUES[residue(self.seed, "atom", name, argument) % len(VALUES)]
            self.atoms[key] = q.numerator * pow(q.denominator, -1, P) % P
        return self.atoms[key]


@dataclass(frozen=True)
class SmallWorld(World):
    """A world of small numbers."""

    @cached_property
    def A(self) -> ResidueArithmetic:
        return SmallArithmetic(("small", self.seed, self.T), self._distributions)


def counterexample(claim: Claim, setting: Setting) -> Counterexample | None:
    """The first place, from the smallest, where both sides have values that differ."""
    for meaning, steps in _places(claim, setting):
        try:
            a, b = both_sides(claim, meaning, steps)
            if agree(a, b, meaning.convention):
                continue
            left, right = meaning.laid_out(a), meaning.laid_out(b)
        except (MissingError, OutOfRangeError, ShapeClashError, UnknownError, UnluckyError):
            continue
        found = numbers_of(left), numbers_of(right)
        if found[0] is None or found[1] is None or left.size != right.size:
            continue
        differ = tuple((int(i) + 1, int(j) + 1) for i, j in np.argwhere(left.array != right.array))
        return Counterexample(
            dict(meaning.world.sizes), shown_steps(claim, meaning, steps),
            dict(given_at(claim, meaning, steps)), found[0], found[1], differ,
        )  # fmt: skip
    return None


def _places(claim: Claim, setting: Setting) -> Iterator[tuple[Meaning, dict[str, int]]]:
    dimensions = setting.model.dimensions
    least = least_length(claim)
    lengths = [T for T in sorted(setting.lengths) if least <= T][:3] or [least]
    taken = [c for readings, c in conventions(claim.relation) if len(readings) <= 1][:12]
    for sizes in SIZES:
        for T in lengths:
            for seed in range(TRIES):
                named = dict(zip(dimensions, (*sizes, *([2] * len(dimensions))), strict=False))
                world = SmallWorld(setting.model, T, named, seed)
                for convention in taken if sizes == SIZES[-1] else taken[:1]:
                    meaning = Meaning(world, convention, setting.scope)
                    try:
                        yield from ((meaning, steps) for steps in points(claim, meaning))
                    except (UnknownError, MissingError):
                        return


def shown_steps(claim: Claim, meaning: Meaning, steps: Mapping[str, int]) -> dict[str, int]:
    """The letters that the claim uses, and T."""
    names = unbound_letters(claim, meaning.scope)
    return {k: v for k, v in steps.items() if k in names and k != "T"} | {"T": meaning.world.T}


def given_at(
    claim: Claim, meaning: Meaning, steps: Mapping[str, int]
) -> Iterator[tuple[str, Numbers]]:
    """The values of the quantities and the derivatives that the claim names at these steps."""
    for side in claim.sides:
        yield from _named(side, meaning, steps)


def _named(node: Node, meaning: Meaning, steps: Mapping[str, int]) -> Iterator[tuple[str, Numbers]]:
    name = None
    match node:
        case BigOperator(index=Symbol(letter), body=body, domain=None):
            for at in _range(node, letter, meaning, steps):
                yield from _named(body, meaning, {**steps, letter: at})
            return
        case Quotient(Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)):
            a, b = _label(of, meaning, steps), _label(by, meaning, steps)
            name = f"∂{a}/∂{b}" if a and b else None
        case Symbol():
            name = _label(node, meaning, steps)
            meant = meaning.scope.meant(node)
            if meant is not None and meant.power is not None:
                node = replace(node, superscripts=())  # γ^{t-k} is a power of what is named
    if name is not None:
        try:
            x = meaning.value(node, steps)
            if not isinstance(x, Derivative) or x.fits_a_matrix:
                shown = numbers_of(meaning.laid_out(x))
                if shown is not None:
                    yield name, shown
        except (MissingError, OutOfRangeError, ShapeClashError, UnknownError, UnluckyError):
            pass
        return
    if not isinstance(node, Symbol):
        for child in node.children():
            yield from _named(child, meaning, steps)


def _range(
    node: BigOperator, letter: str, meaning: Meaning, steps: Mapping[str, int]
) -> Sequence[int]:
    """What the index of a sum runs over, if that is known and not much."""
    try:
        return range_of(meaning, node, letter, steps)[:MOST_SHOWN]
    except (MissingError, UnknownError):
        return ()


def _label(symbol: Symbol, meaning: Meaning, steps: Mapping[str, int]) -> str | None:
    """``h_2``, ``W_hh``: a name with its step."""
    meant = meaning.scope.meant(symbol)
    if meant is None:
        return None
    at = None
    if meant.step is not None:
        at = step_value(meant.step, steps)
        if at is None:
            return None
    name = printed(
        f"∂{meaning.world.model.loss_name}/∂{meant.name}"
        if meant.kind == "gradient"
        else symbol.base
        if meant.span is not None
        else meant.name
    )
    return name if at is None else f"{name}_{at}"


def numbers_of(x: Matrix, digits: int = DIGITS) -> Numbers | None:
    """A matrix of residues as small fractions, if they are that; floats are rounded."""
    rows: list[tuple[Fraction, ...]] = []
    for row in x.array:
        entries = [
            _rounded(float(v), digits) if isinstance(v, Real) else fraction(int(v)) for v in row
        ]
        if any(q is None for q in entries):
            return None
        rows.append(tuple(q for q in entries if q is not None))
    return tuple(rows)


def _rounded(v: float, digits: int) -> Fraction:
    """A float to a few digits."""
    return Fraction(f"{v:.{digits}g}")
