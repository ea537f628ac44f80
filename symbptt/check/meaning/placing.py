"""The quantities that formulas name, where their letters stand for given steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbptt.check.meaning.conventions import Convention
from symbptt.check.meaning.world import World
from symbptt.check.notation.ellipsis import is_dots
from symbptt.check.notation.meant import Definition, Meant
from symbptt.check.notation.quantities import MissingError, Place
from symbptt.check.notation.scripts import Steps, step_value
from symbptt.check.notation.symbols import Scope, UnknownError
from symbptt.formula.tree import (
    Call,
    Group,
    Node,
    Product,
    Symbol,
)
from symbptt.model.names import Naming

#: A name that stands for another name is followed so far.
MOST_NAMES = 8


@dataclass(frozen=True)
class Placing:
    """Finds the quantities that formulas name in a world.

    ``depth`` counts the definitions that this stands in.
    """

    world: World
    convention: Convention
    scope: Scope
    depth: int = 0

    def meant(self, node: Symbol, steps: Steps) -> Meant | None:
        """What a symbol stands for; :class:`MissingError` in a layer that doesn't have it."""
        here = self.scope.in_layer(node, steps)
        meant = self.scope.meant(here)
        if meant is None and here != node and self.scope.meant(node) is not None:
            raise MissingError(f"there is no {self.scope.unknown(here)}")
        return meant

    def place(self, node: Node, steps: Steps) -> Place | None:
        """The quantity that a formula names, if it names one."""
        match node:
            case Group("(" | "{" | "[", (inner,)):
                return self.place(inner, steps)
            case Product((Symbol() as name, Group("(", arguments)), ("",)):  # L(θ)
                return self._loss_place(name, arguments, steps)
            case Call(Symbol() as name, arguments) if not name.primes:
                return self._loss_place(name, arguments, steps)
            case Symbol():
                meant = self.meant(node, steps)
                if meant is None or meant.kind not in ("quantity", "loss"):
                    return self._place_by_definition(meant, steps)
                if meant.power is not None:  # ∂L/∂W^{(k)}: by the copy that step k uses
                    meant = replace(meant, step=meant.power, power=None)
                return self.place_of(meant, steps)
        return None

    def _loss_place(self, name: Symbol, arguments: Sequence[Node], steps: Steps) -> Place | None:
        """The loss that a call names: ``ℓ(y_t, d_t)`` is that of step t."""
        meant = self.scope.meant(name)
        if meant is None or meant.kind != "loss":
            return None
        found = self.place_of(meant, steps)
        if found.step is None:
            places = [self.place(a, steps) for a in arguments if isinstance(a, Symbol)]
            at = {p.step for p in places if p is not None and p.step is not None}
            if len(at) > 1 and not any(map(is_dots, arguments)):
                raise UnknownError("a loss of several steps is not read", name)
            if len(at) == 1:
                return replace(found, step=at.pop(), own=self.scope.is_share(name))
        return found

    def _place_by_definition(self, meant: Meant | None, steps: Steps) -> Place | None:
        """The quantity that a symbol is another name of: ``a_t := h_t``."""
        if meant is None or meant.kind != "defined" or self.depth > MOST_NAMES:
            return None
        known = self.scope.definitions[meant.name]
        if not isinstance(known.body, Symbol):
            return None
        inner = replace(self, depth=self.depth + 1)
        found = inner.place(known.body, self.inside(known, meant, steps))
        if found is None or not meant.entry or known.entries:
            return found
        return self._entry_place(found, meant, steps) if found.entry is None else None

    def place_of(self, meant: Meant, steps: Steps) -> Place:
        """The place of a quantity or of the loss, where the letters stand for given steps."""
        step = meant.step if meant.power is None else meant.power  # ∂L/∂W^{(k)}: by no power
        at = None if step is None else self._at(step, steps)
        if meant.kind == "loss":
            if at is None and self.convention.of_last_step:
                at = self.world.T
            if at is None and self.convention.of_one_step:
                at = steps.get("t", self.world.T)
            own = meant.own and at is not None
            return Place(
                self.world.model.loss_name, at, own=own, later=meant.later, span=meant.span
            )
        if at is None and not self.world.model.variables[meant.name].timeless:
            at = self.world.T if self.scope.bare_is_last else steps.get("t")
            if at is None:
                raise MissingError(f"{meant.name} at no step")
        place = Place(meant.name, at, later=meant.later)
        return self._entry_place(place, meant, steps) if meant.entry else place

    def _entry_place(self, place: Place, meant: Meant, steps: Steps) -> Place:
        size = self.world.size(place)
        indices = [self._at(e, steps) for e in meant.entry]
        if len(indices) == 1:
            indices = [*indices, 1] if size[1] == 1 else [1, *indices]
        row, column = indices
        if not (1 <= row <= size[0] and 1 <= column <= size[1]):
            raise MissingError(f"{meant.name} has no entry {row}, {column}")
        return replace(place, entry=(row - 1, column - 1))

    def _at(self, node: Node, steps: Steps) -> int:
        at = step_value(node, steps)
        if at is None:
            raise UnknownError(f"the step {Naming('').label(node)} is not known", node)
        return at

    def inside(self, known: Definition, meant: Meant, steps: Steps) -> Steps:
        """The letters of a definition, where its symbol is written at a step."""
        written = ((known.parameter, meant.step), *zip(known.entries, meant.entry, strict=False))
        inside = {
            letter: self._at(node, steps)
            for letter, node in written
            if letter is not None and node is not None
        }
        return {**steps, **inside}
