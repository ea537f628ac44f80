"""Where a program is compared with the derivation: random arguments, and the true gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import numpy as np
import numpy.typing as npt

from symbptt.check.code.names import dimensions
from symbptt.compile import GradientFunction
from symbptt.evidence.complex_step import FloatArithmetic, Floats, Sample, layout, sample
from symbptt.evidence.forward import run
from symbptt.model import Model
from symbptt.model import terms as tm
from symbptt.model.model import Role, initial_key

Array = npt.NDArray[np.float64]
Gradients = Mapping[str, Array]

#: Sizes put in for dimensions: none is a length T that is tried, or the size of the batch.
SIZES = (4, 6, 7, 8, 9)
LENGTHS = (1, 2, 5)
BATCH = 3
#: Small enough for gradients that clipping leaves alone.
SCALE = 0.3


@dataclass(frozen=True, eq=False)
class Point:
    """Random arguments of a model, the loss there and its derived gradients."""

    at: Sample
    f: GradientFunction

    @cached_property
    def truth(self) -> tuple[float, Gradients]:
        loss, gradients = self.f(self.at.params, self.at.inputs)
        return float(loss), gradients

    @property
    def T(self) -> int:
        return self.at.T

    @cached_property
    def values(self) -> Mapping[str, Array]:
        """Each symbol with a time index, at the steps 0…T where it has a value: (T+1, B, n)."""
        at = self.at
        trace = run(at.model, at.T, lambda n, s: Floats(at.matrix(n, s)), FloatArithmetic(at.sizes))
        started = {v.name for v, step in at.model.initial_values if str(step) == "0"}
        started |= {name for name, step in at.model.initial if str(step) == "0"}

        def value(name: str, t: int) -> Array:
            a = np.real(trace.read(name, t).array)
            return np.broadcast_to(a, (at.samples, *a.shape[-2:])).reshape(at.samples, -1)

        found: dict[str, Array] = {}
        for name in (v.name for v in at.model.variables.values() if not v.timeless):
            rows = [value(name, t) for t in range(1, at.T + 1)]
            first = value(name, 0) if name in started else np.zeros_like(rows[0])
            found[name] = np.stack([first, *rows])
        return found

    def after(self, s: int) -> Gradients:
        """The sums over t > s that the gradients by parameters are: of the steps after s alone."""
        return self._after[s]

    @cached_property
    def _after(self) -> tuple[Gradients, ...]:
        at = self.at
        starts = [(v, initial_key(v.name, step)) for v, step in at.model.initial_values]
        lead = () if at.batch is None else (at.batch,)
        found: list[Gradients] = [self.truth[1]]
        for s in range(1, self.T):
            inputs = {v.name: at.inputs[v.name][s:] for v in at.model.given}
            for v, key in starts:
                inputs[key] = self.values[v.name][s].reshape(*lead, *layout(v, at.sizes))
            found.append(self.f(at.params, inputs)[1])
        return (*found, {name: np.zeros_like(g) for name, g in self.truth[1].items()})

    @property
    def divisible(self) -> bool:
        """Whether the loss is a sum over steps whose parts :meth:`after` can tell."""
        model = self.at.model
        steps = all(part.steps.is_every or part.steps.at(3) == (3,) for part in model.loss)
        starts = all(str(step) == "0" for _, step in model.initial_values)
        forward = model.is_causal and len(model.stages) == 1
        return steps and starts and forward and not model.initial


def sizes_of(model: Model, *, one_vocabulary: bool = False) -> dict[str, int]:
    """Sizes for the dimensions; with ``one_vocabulary``, inputs and targets are of one size."""
    sizes = dict(zip(model.dimensions, (*SIZES, *_more()), strict=False))
    if one_vocabulary:
        own = set(dimensions(model, "vocabulary")) - set(dimensions(model, "state"))
        sizes |= dict.fromkeys(own, SIZES[2])
    return sizes


def _more() -> Iterator[int]:
    for n in count(10):
        yield n
        if n > 200:
            return


def compares_distributions(model: Model) -> bool:
    """Whether the loss is a cross-entropy, whose targets are a distribution or one-hot."""
    return any("log" in name or name == "cross_entropy" for name in _functions(model)) and not any(
        name.startswith("binary") for name in _functions(model)
    )


def _functions(model: Model) -> set[str]:
    terms = [*(e.rhs for e in model.equations), *(part.term for part in model.loss)]
    nodes = (node for term in terms for node in term.walk())
    kinds = tm.Mapped | tm.VectorMapped | tm.Named | tm.Abstract
    return {node.function for node in nodes if isinstance(node, kinds)}


def vectors_in(model: Model) -> bool:
    """Whether inputs are vectors."""
    return all(not v.is_scalar for v in model.with_role(Role.INPUT))


def point(
    f: GradientFunction,
    T: int,
    sizes: Mapping[str, int],
    *,
    batched: bool,
    one_hot: bool,
    initial: frozenset[str],
    seed: int = 0,
) -> Point | None:
    """A point with random arguments; None where none gives a finite loss.

    ``initial`` are the initial values that the program is given; the others are zero.
    """
    model = f.model
    batch = BATCH if batched else None
    found = _drawn(model, T, batch, sizes, seed, one_hot)
    with np.errstate(all="ignore"):
        if not all(np.isfinite(a).all() for a in found.losses()):
            drawn = sample(model, T, batch, sizes, seed)
            if drawn is None:
                return None
            found = drawn
    keys = {initial_key(v.name, step) for v, step in model.initial_values}
    kept = {n: np.zeros_like(a) if n in keys - initial else a for n, a in found.inputs.items()}
    return Point(replace(found, inputs=kept), f)


def _drawn(
    model: Model, T: int, batch: int | None, sizes: Mapping[str, int], seed: int, one_hot: bool
) -> Sample:
    rng = np.random.default_rng([seed, T, batch or 0, one_hot])
    lead = () if batch is None else (batch,)
    distributions = compares_distributions(model)

    def given(role: Role, shape: tuple[int, ...]) -> Array:
        a = rng.normal(scale=2 * SCALE, size=shape)
        if role is Role.TARGET and any(n.startswith("binary") for n in _functions(model)):
            return (a > 0).astype(float) if one_hot else 1 / (1 + np.exp(-a))
        if len(shape) <= len(lead) + 1 or (role is Role.TARGET and not distributions):
            return a
        if one_hot:
            return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
        if role is Role.TARGET:
            whole: Array = np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True)
            return whole
        return a

    inputs = {v.name: given(v.role, (T, *lead, *layout(v, sizes))) for v in model.given}
    for v, step in model.initial_values:
        shape = (*lead, *layout(v, sizes))
        inputs[initial_key(v.name, step)] = rng.normal(scale=SCALE, size=shape)
    params = {v.name: rng.normal(scale=SCALE, size=layout(v, sizes)) for v in model.timeless}
    return Sample(model, T, batch, sizes, params, inputs)
