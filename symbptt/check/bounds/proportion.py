"""``a ∝ b``: whether one side is a number times the other, and always the same number."""

from __future__ import annotations

from itertools import islice

from symbptt.check.findings import Evidence
from symbptt.check.judge import Judgement, permitted
from symbptt.check.meaning.claims import Claim, points
from symbptt.check.meaning.comparison import MOST_POINTS, SEEDS
from symbptt.check.meaning.conventions import Convention
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.sides import both_sides
from symbptt.check.meaning.tensors import Matrix, ShapeClashError
from symbptt.check.notation.quantities import MissingError, OutOfRangeError
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import P, UnluckyError, size_text

_HELD = "not refuted: each side is a number times the other, but not always the same number"
_FAILED = "neither side is a number times the other"


def proportional(claim: Claim, setting: Setting) -> Judgement:
    """Right where the factor is one number; undecided where it changes, or there is none."""
    clash: str | None = None
    differs = False
    for readings, convention in permitted(claim, setting):
        if len(readings) > 1:
            break
        try:
            found = _factors(claim, setting, convention)
        except ShapeClashError as error:
            clash = clash or str(error)
            continue
        except (OutOfRangeError, UnluckyError):
            continue
        except UnknownError as unknown:
            return Judgement("inconclusive", reason=str(unknown), unknown=unknown.name)
        if not found:
            differs = True
            continue
        if len(set(found)) == 1 and found[0]:
            evidence = Evidence(len(found), setting.lengths, setting.sizes)
            verdict = "right-under" if readings else "right"
            return Judgement(verdict, readings, evidence=evidence, convention=convention)
        return Judgement("inconclusive", readings, _HELD)
    return Judgement("inconclusive", reason=_FAILED if differs else clash or _FAILED)


def _factors(claim: Claim, setting: Setting, convention: Convention) -> list[int] | None:
    """The factor at each point; None if at one there is none."""
    found: list[int] = []
    for T in setting.lengths:
        for seed in SEEDS:
            meaning = setting.meaning(convention, T, seed)
            for steps in islice(points(claim, meaning), MOST_POINTS):
                try:
                    a, b = (meaning.laid_out(x) for x in both_sides(claim, meaning, steps))
                except MissingError:
                    continue
                factor = _factor(a, b)
                if factor is None:
                    return None
                found.append(factor)
    return found


def _factor(a: Matrix, b: Matrix) -> int | None:
    """c with ``a = c b``, if there is one."""
    if a.size != b.size:
        raise ShapeClashError(f"{size_text(a.size)} on the left, {size_text(b.size)} on the right")
    pairs = [(int(x), int(y)) for x, y in zip(a.array.flat, b.array.flat, strict=True)]
    x, y = next(((x, y) for x, y in pairs if y), (0, 0))
    if not y:
        return None
    c = x * pow(y, -1, P) % P
    return c if all(u == c * v % P for u, v in pairs) else None
