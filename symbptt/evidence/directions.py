"""Derivatives by every parameter and initial value at once, and lines for any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import Any

from symbptt.calculus import ForwardDerivation
from symbptt.calculus import jacobian_nodes as jn
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.expressions import Scene
from symbptt.evidence.forward import Place, size_of
from symbptt.evidence.residues import Size
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Directions:
    """Every entry of every θ as a direction of its own, those of one θ column by column."""

    d: ForwardDerivation
    sizes: Mapping[str, int]
    A: Arithmetic

    def size(self, name: str) -> Size:
        return size_of(self.d.model.variables[name].shape, self.sizes)

    @cached_property
    def indices(self) -> dict[str, tuple[str, Index | None]]:
        """What each θ is: a parameter, or a quantity at a step outside 1…T."""
        model = self.d.model
        found: dict[str, tuple[str, Index | None]] = {
            v.name: (v.name, None) for v in model.parameters
        }
        starts = zip(list(self.d.places)[len(found) :], model.initial_values, strict=True)
        return found | {key: (v.name, s) for key, (v, s) in starts}

    def places(self, T: int) -> dict[str, Place]:
        """The same for sequences of T steps."""
        return {
            key: (name, None if s is None else s.at(0, T))
            for key, (name, s) in self.indices.items()
        }

    def entries(self, name: str) -> int:
        rows, cols = self.size(name)
        return rows * cols

    @property
    def count(self) -> int:
        return sum(self.entries(name) for name, _ in self.indices.values())

    def unit(self, key: str) -> X:
        """The change of one θ in each direction."""
        keys = list(self.indices)
        before = (self.indices[k][0] for k in keys[: keys.index(key)])
        rows, cols = self.size(self.indices[key][0])
        return self.A.units(sum(map(self.entries, before)), self.count, (cols, rows)).T

    def columns(self, change: X | None, name: str) -> X:
        """The derivative of a value by all θ: one column for each direction."""
        size = self.size(name)
        zero = self.A.constant(0, size)
        return self.A.columns(zero if change is None else change, self.count, size)

    def only(self, columns: X, key: str) -> X:
        """The columns of one θ."""
        unit = self.columns(self.unit(key), self.indices[key][0])  # entries × count
        return columns @ unit.T


@dataclass(frozen=True)
class Sensitivities:
    """Where a line for any θ is evaluated: all θ at once; ``known`` holds sensitivities."""

    on: Directions
    known: Callable[[str, int], X]

    def scene(self, T: int, read: Callable[[str, int | None], X], adjoint: Any) -> Scene:
        def sensitivity(e: jn.Sensitivity, t: int) -> X:
            d = self.on.d
            if e.by != d.theta:
                key = next(k for k, place in d.places.items() if place == e.by)
                return self.on.only(self.known(e.of.name, t), key)
            if not isinstance(e, jn.Immediate):
                return self.known(e.of.name, t)
            parts = [
                plain.value(slope, t) @ self.on.columns(self.on.unit(key), key)
                for (name, key), slope in d.immediate.items()
                if name == e.of.name
            ]
            zero = self.on.A.constant(0, (self.on.entries(e.of.name), self.on.count))
            return reduce(add, parts, zero)

        sizes = {**self.on.sizes, str(self.on.d.theta.shape[0]): self.on.count}
        plain = Scene(self.on.d.model, self.on.A, sizes, T, read, adjoint)
        return replace(plain, sensitivity=sensitivity)
