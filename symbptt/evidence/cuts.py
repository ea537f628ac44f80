"""The forward pass of a window of truncated BPTT, from the definition of the scheme.

A window ends at each multiple of k1 and at T.  It bears the losses of the steps since the window
before, and whatever was computed more than k2 steps before its end does not change; in a
recurrence from T to 1, whatever was more than k2 steps after the first of these losses, and in a
pass whose last value starts another one, whatever was more than k2 steps before T.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from symbptt.evidence.complex_step import Array, Sample
from symbptt.model.model import LossTerm, Model
from symbptt.model.steps import Steps
from symbptt.model.terms import Index

Gradients = tuple[float, Mapping[str, Array]]


class Differentiate(Protocol):
    """A way to differentiate the loss of a sample, with what is ``held`` a constant."""

    def __call__(
        self, s: Sample, *, inputs: bool, held: Callable[[str, int], bool] = ...
    ) -> Gradients: ...


@dataclass(frozen=True)
class Cut:
    """A window with the losses of the steps ``taken`` to ``end``: the ``model`` with these, and
    what is held in a sequence of T steps."""

    model: Model
    taken: int
    end: int
    k2: int
    T: int

    @property
    def start(self) -> int:
        """The first step at which anything changes."""
        return max(1, self.end - self.k2 + 1)

    @property
    def ahead(self) -> int:
        """The last step at which anything of a recurrence from T to 1 changes."""
        return min(self.T, self.taken + self.k2 - 1)

    @property
    def tail(self) -> int:
        """The first step at which anything changes of a pass whose last value starts another."""
        return max(1, self.T - self.k2 + 1)

    @cached_property
    def behind(self) -> frozenset[str]:
        """The symbols of passes whose last value starts another: what these values need."""
        alive = self._needed(name for part in self.model.loss for name, _ in part.term.symbols)
        return self._needed(
            start.name
            for (name, _), start in self.model.initial.items()
            if start is not None and start.step is not None and name in alive
        )

    def _needed(self, names: Iterable[str]) -> frozenset[str]:
        """The computed symbols that some need, themselves included."""
        starts = [(name, start.name) for (name, _), start in self.model.initial.items() if start]
        found = {name for name in names if self.model.variables[name].computed}
        queue = list(found)
        while queue:
            name = queue.pop()
            used = [n for n, _ in self.model.equation(name).rhs.symbols]
            used += [source for started, source in starts if started == name]
            more = {n for n in used if self.model.variables[n].computed} - found
            found |= more
            queue += more
        return frozenset(found)

    def reverse(self, name: str) -> bool:
        """Whether a symbol is computed from T to 1."""
        return self.model.stages[self.model.stage_of(name)].reverse

    def held(self, name: str, step: int) -> bool:
        """Whether a computed symbol stands outside the window; before step 1 and after step T
        nothing is cut unless something at 1…T is."""
        if not self.model.variables[name].computed:
            return False
        if self.reverse(name):
            return step > self.ahead and self.ahead < self.T
        first = self.tail if name in self.behind else self.start
        return step < first and first > 1

    def inside(self, name: str, step: int) -> bool:
        """Whether the derivative by a computed symbol can differ from zero."""
        if self.reverse(name):
            return self.taken <= step <= self.ahead
        if name in self.behind:
            return self.start == 1 and self.tail <= step <= self.T
        ways = any(stage.reverse for stage in self.model.stages)
        return self.start <= step <= (self.ahead if ways else self.end)


def cuts(model: Model, T: int, k1: int, k2: int) -> Iterator[Cut]:
    """The windows of a sequence of T steps."""
    borne = 0
    for t in range(1, T + 1):
        if t % k1 == 0 or t == T:
            yield Cut(with_losses_of(model, T, range(borne + 1, t + 1)), borne + 1, t, k2, T)
            borne = t


def with_losses_of(model: Model, T: int, steps: range) -> Model:
    """A model whose loss is borne at some steps of a sequence of length T only."""
    return replace(
        model,
        loss=tuple(
            LossTerm(
                Steps(
                    members=tuple(Index("", t) for t in part.steps.at(T) if t in steps),
                    once=part.steps.once,
                ),
                part.term,
            )
            for part in model.loss
        ),
    )


def of_windows(
    differentiate: Differentiate, s: Sample, k1: int, k2: int, *, inputs: bool = False
) -> Gradients:
    """The loss, and the sum of the gradients of all windows."""
    loss, gradient = 0.0, dict[str, Array]()
    for cut in cuts(s.model, s.T, k1, k2):
        part, slopes = differentiate(replace(s, model=cut.model), inputs=inputs, held=cut.held)
        loss += part
        for name, slope in slopes.items():
            gradient[name] = np.add(gradient.get(name, 0.0), slope)
    return loss, gradient
