"""The forward pass of a window of truncated BPTT, from the definition of the scheme.

A window ends at each multiple of k1 and at T.  It bears the losses of the steps since the window
before, and whatever was computed more than k2 steps before its end does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
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
    """A window that ends at step ``end``: the ``model`` with its losses, and what is held."""

    model: Model
    end: int
    k2: int

    @property
    def start(self) -> int:
        """The first step at which anything changes."""
        return max(1, self.end - self.k2 + 1)

    def held(self, name: str, step: int) -> bool:
        """Whether a computed symbol stands before the window; before step 1 nothing is cut."""
        return self.model.variables[name].computed and step < self.start and self.start > 1


def cuts(model: Model, T: int, k1: int, k2: int) -> Iterator[Cut]:
    """The windows of a sequence of T steps."""
    borne = 0
    for t in range(1, T + 1):
        if t % k1 == 0 or t == T:
            yield Cut(with_losses_of(model, T, range(borne + 1, t + 1)), t, k2)
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
