"""Returned gradients beside the derived ones: what is right, and by which mistake what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from symbptt.check.code.answers import Answer, settled
from symbptt.check.code.mistakes import (
    FACTORS,
    Factor,
    Mistake,
    agrees,
    distance,
    mistakes,
    off_by_one,
)
from symbptt.check.code.points import Gradients, Point
from symbptt.check.code.readings import Reading
from symbptt.check.code.report import CodeComparison, Difference

Array = npt.NDArray[np.float64]

SAME = Factor("", lambda p: 1.0)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a function returned at a point, for one reading."""

    point: Point
    reading: Reading
    answer: Answer

    def gradient(self, name: str) -> tuple[Array | None, str]:
        """A gradient in the shape of the derived one, if it can be; what is wrong with its own."""
        array = self.answer.gradients.get(name)
        if array is None:
            return None, ""
        at = self.point.at
        argument = at.params[name] if name in at.params else at.inputs[name]
        initial = name not in at.params
        given = self.reading.initial(argument) if initial else self.reading.parameter(argument)
        transposed = self.reading.style.transposed and not initial
        if initial and self.reading.batched and array.shape == given.shape:
            return (array if given.shape == argument.shape else array.T), ""
        return settled(array, self.point.truth[1][name], given, transposed=transposed)


def score(outcome: Outcome, names: Sequence[str]) -> tuple[int, int, int, int]:
    """How well a reading fits: gradients that are right, also in their shapes, the loss, and
    gradients that are of some use."""
    loss, truth = outcome.point.truth
    found = {name: outcome.gradient(name) for name in names}
    shaped = {n: g for n, (g, _) in found.items() if g is not None and g.shape == truth[n].shape}
    right = 0
    for factor in (SAME, *FACTORS):
        c = factor.at(outcome.point)
        right = max(right, sum(agrees(g, c * truth[n]) for n, g in shaped.items()))
        if right == len(names):
            break
    value = outcome.answer.loss
    same = value is not None and agrees(value, np.asarray(loss))
    return right, sum(not found[n][1] for n in shaped), int(same), len(shaped)


def compared(
    outcomes: Sequence[Outcome], names: Sequence[str], place: Callable[[str], str]
) -> tuple[CodeComparison, ...]:
    """The comparisons of the loss, if there is one, and of each gradient.

    A factor that loss and gradients share is a convention; without a loss it is a mistake.
    """
    factor = _factor_of_loss(outcomes)
    found: list[CodeComparison] = []
    if outcomes[0].answer.loss is not None:
        found.append(_loss(outcomes, factor, place("")))
    wrong: list[str] = []
    for name in names:
        label = outcomes[0].answer.labels.get(name, "")
        where = place(label)
        values = [o.gradient(name) for o in outcomes]
        c = _judged(outcomes, name, label, [g for g, _ in values], factor or SAME, where)
        says = values[-1][1]
        if c is not None and c.verdict.startswith("right") and says:
            c = CodeComparison(name, c.name, "shape", where, says, c.error)
        if c is None:
            wrong.append(name)
            c = _differing(outcomes, name, label, [g for g, _ in values], factor or SAME, where)
        found.append(c)
    causes = _named(outcomes, wrong, factor or SAME)
    done = [_with(c, causes[c.by]) if c.by in causes and c.verdict == "wrong" else c for c in found]
    return tuple(done)


def _with(c: CodeComparison, says: str) -> CodeComparison:
    return CodeComparison(c.by, c.name, c.verdict, c.place, says, c.error, c.difference)


def _factor_of_loss(outcomes: Sequence[Outcome]) -> Factor | None:
    """The factor of the returned loss, and of a gradient at least; None if there is none."""
    losses = [(o.point, o.answer.loss, o.point.truth[0]) for o in outcomes]
    for factor in (SAME, *FACTORS):
        if all(v is not None and agrees(v, np.asarray(factor.at(p) * L)) for p, v, L in losses):
            return factor
    return None


def _loss(outcomes: Sequence[Outcome], factor: Factor | None, where: str) -> CodeComparison:
    error = max(
        distance(o.answer.loss, np.asarray(o.point.truth[0]))
        for o in outcomes
        if o.answer.loss is not None
    )
    if factor is SAME:
        return CodeComparison(None, "the loss", "right", where, error=error)
    if factor is not None:
        says = f"{factor.says} the model's"
        return CodeComparison(None, "the loss", "right-under", where, says)
    worst = max(outcomes, key=lambda o: abs(float(o.answer.loss or 0) - o.point.truth[0]))
    value = float(worst.answer.loss) if worst.answer.loss is not None else float("nan")
    difference = Difference(worst.point.T, (1,), value, worst.point.truth[0])
    return CodeComparison(
        None, "the loss", "wrong", where, "not the model's loss", error, difference
    )


def _judged(
    outcomes: Sequence[Outcome],
    name: str,
    label: str,
    values: Sequence[Array | None],
    factor: Factor,
    where: str,
) -> CodeComparison | None:
    """A gradient that is right, missing, or of another shape; None for one that is wrong."""
    called = label or name
    true = [factor.at(o.point) * o.point.truth[1][name] for o in outcomes]
    arrays = [v for v in values if v is not None]
    if len(arrays) < len(values):
        return CodeComparison(name, f"the gradient by {name}", "missing", where, "not returned")
    if all(v.shape == t.shape for v, t in zip(arrays, true, strict=True)):
        error = max(distance(v, t) for v, t in zip(arrays, true, strict=True))
        if all(agrees(v, t) for v, t in zip(arrays, true, strict=True)):
            verdict = "right" if factor is SAME else "right-under"
            says = f"{factor.says} the derived one, as the loss is" if factor is not SAME else ""
            return CodeComparison(name, called, verdict, where, says, error)
        return None
    if all(v.ndim == 2 and agrees(v.T, t) for v, t in zip(arrays, true, strict=True)):
        return CodeComparison(name, called, "wrong", where, "transposed")
    if all(v.ndim > t.ndim and agrees(v.sum(axis=0), t)
           for v, t in zip(arrays, true, strict=True)):  # fmt: skip
        return CodeComparison(name, called, "wrong", where, "not summed over the batch")
    given = next(
        (v.shape, t.shape) for v, t in zip(arrays, true, strict=True) if v.shape != t.shape
    )
    says = f"its shape is {given[0]} where that of {name} is {given[1]}"
    return CodeComparison(name, called, "shape", where, says)


def _differing(
    outcomes: Sequence[Outcome],
    name: str,
    label: str,
    values: Sequence[Array | None],
    factor: Factor,
    where: str,
) -> CodeComparison:
    """A gradient that is wrong, with the entry where it is most."""
    worst: tuple[float, Difference] | None = None
    for o, value in zip(outcomes, values, strict=True):
        assert value is not None
        true = factor.at(o.point) * o.point.truth[1][name]
        off = np.nan_to_num(np.abs(value - true), nan=np.inf)
        at = np.unravel_index(int(off.argmax()), off.shape)
        entry = tuple(int(i) + 1 for i in at) or (1,)
        difference = Difference(o.point.T, entry, float(value[at]), float(true[at]))
        error = distance(value, true)
        if worst is None or error > worst[0]:
            worst = error, difference
    assert worst is not None
    says = "not a number" if not all(np.isfinite(v).all() for v in values if v is not None) else ""
    return CodeComparison(name, label or name, "wrong", where, says, worst[0], worst[1])


# -- which mistake ------------------------------------------------------------------------------


def _named(outcomes: Sequence[Outcome], wrong: Sequence[str], factor: Factor) -> dict[str, str]:
    """The mistake that explains each wrong gradient: the one that explains the most of them."""
    found: dict[str, str] = {}
    if not wrong:
        return found
    values = {
        n: [np.asarray(o.gradient(n)[0]) / factor.at(o.point) for o in outcomes] for n in wrong
    }
    points = [o.point for o in outcomes]
    for name in wrong:
        says = _of_itself(points, values[name], name)
        if says:
            found[name] = says
    rest = [n for n in wrong if n not in found]
    explained: list[tuple[str, list[str]]] = []
    for row in mistakes(points[0].at.model) if rest else ():
        which = _explains(row, points, {n: values[n] for n in rest})
        if which:
            explained.append((row.says, which))
        if len(which) == len(rest):
            break
    for says, which in sorted(explained, key=lambda pair: -len(pair[1])):
        for name in which:
            found.setdefault(name, says)
    for name in (n for n in wrong if n not in found):
        c = _ratio(points, values[name], name)
        if c is not None:
            found[name] = f"{c:.6g} times the derived one"
    return found


def _of_itself(points: Sequence[Point], values: Sequence[Array], name: str) -> str:
    """A mistake that can be told from one gradient alone: its layout, its sign, its scale."""
    true = [p.truth[1][name] for p in points]
    if all(v.ndim == 2 and agrees(v.T, t) for v, t in zip(values, true, strict=True)):
        return "transposed"
    for factor in FACTORS:
        pairs = zip(points, values, true, strict=True)
        if all(agrees(v, factor.at(p) * t) for p, v, t in pairs):
            return f"{factor.says} the derived one"
    if not any(v.any() for v in values):
        return "zero"
    bounds = {round(float(np.abs(v).max()), 12) for v in values}
    bound = max(bounds)
    if all(agrees(v, np.clip(t, -bound, bound)) for v, t in zip(values, true, strict=True)):
        return f"clipped to [-{bound:g}, {bound:g}]"
    if name in points[0].at.params:
        changed = [v - p.at.params[name] for p, v in zip(points, values, strict=True)]
        c = _ratio(points, changed, name)
        if not any(v.any() for v in changed):
            return f"{name} itself, not its gradient"
        if c is not None:
            return f"{name} itself, changed by {c:.6g} times its gradient"
    for says, products in off_by_one(points, name):
        if all(
            p in products and agrees(v, products[p]) for p, v in zip(points, values, strict=True)
        ):
            return says
    return ""


def _explains(
    row: Mistake, points: Sequence[Point], values: Mapping[str, Sequence[Array]]
) -> list[str]:
    """The gradients that a mistake explains at every point."""
    left = list(values)
    with np.errstate(all="ignore"):
        # Two steps are the fewest at which mistakes show.
        for i, p in sorted(enumerate(points), key=lambda pair: (pair[1].T != 2, -pair[1].T)):
            made: Gradients | None = row.gradients(p) if left else None
            left = [n for n in left if made and n in made and agrees(values[n][i], made[n])]
    return left


def _ratio(points: Sequence[Point], values: Sequence[Array], name: str) -> float | None:
    """The number that the derived gradient is multiplied by at every point, if there is one."""
    v = np.concatenate([a.ravel() for a in values])
    t = np.concatenate([p.truth[1][name].ravel() for p in points])
    norm = float(t @ t)
    if not norm or not np.isfinite(v).all():
        return None
    c = float(v @ t) / norm
    return c if agrees(v, c * t) else None
