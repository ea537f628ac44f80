"""Gradients in memory that grows with √T: only the states before each stretch of 2√T are kept.

The values of a stretch are computed again when its turn comes backwards, so all but the last ones
are computed twice: some 1.4 times the time.  The module has three functions: ``states`` and
``of_stretch`` are schedules of a stretch, forward alone and whole, and ``loss_and_gradients`` goes
through the stretches.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

from symbptt.calculus import AnyDerivation, Derivation, derive
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.conditions import condition
from symbptt.compile.function import GradientFunction
from symbptt.compile.gates import gathered
from symbptt.compile.loader import load_module
from symbptt.compile.numpy_module import TAKEN, dims, literal, module_text
from symbptt.compile.program import Program, Quantity, Statement, program
from symbptt.compile.schedule import schedule
from symbptt.compile.scheduled_writer import TAKEN_ROWS, ScheduledWriter
from symbptt.compile.share import share
from symbptt.compile.stretches import Stretch, stretch_of
from symbptt.errors import RequestError
from symbptt.model import Model, initial_key

#: More names of the template.
TAKEN_STRETCHES = ("Stretch", "states", "of_stretch", "stretch")


def compile_checkpoints(derivation: AnyDerivation, T: int | None = None) -> GradientFunction:
    """The derivation as a NumPy function in memory that grows with √T."""
    source = checkpoints_module(derivation, T=T)
    module = load_module(source, "numpy_checkpoints")
    return GradientFunction(
        derivation.model, "numpy", source, T, module.loss_and_gradients, module.ArrayError
    )


def checkpoints_module(derivation: AnyDerivation, version: str = "", T: int | None = None) -> str:
    """The text of a module that computes the loss and its gradients, in memory O(√T B n).

    Raises :class:`RequestError` for gradients by inputs, of which there are T anyway, and for
    models that no stretch can be taken from.
    """
    if not isinstance(derivation, Derivation) or derivation.inputs:
        raise RequestError(
            "checkpoints are for the gradients by parameters and initial values, the whole of "
            "reverse mode; leave out inputs, mode and truncate (--mode, --truncate)"
        )
    stretch = stretch_of(derivation.model)
    found = gathered(stretch.model)
    whole = program(derive(found.model))
    taken = (*TAKEN, *TAKEN_ROWS, *TAKEN_STRETCHES)
    forward = replace(whole, statements=_values(whole))
    carried = frozenset(v.name for v, _ in stretch.carried)
    before = StatesWriter(
        forward, taken, schedule=schedule(forward, carried), public=stretch.model,
        packs=found.packs, stretch=stretch,
    )  # fmt: skip
    backward = share(replace(whole, statements=_without_handed_back(whole, stretch)))
    writer = StretchWriter(
        backward, taken, schedule=schedule(backward), public=stretch.model, packs=found.packs,
        whole=derivation.model, stretch=stretch, before=before,
    )  # fmt: skip
    return module_text("compiled/numpy_checkpoints.py.j2", writer, version, T)


def _values(whole: Program) -> tuple[Statement, ...]:
    return tuple(s for s in whole.statements if s.quantity is Quantity.VALUE)


def _without_handed_back(whole: Program, stretch: Stretch) -> tuple[Statement, ...]:
    """The statements without the loss that stands for what later stretches hand back."""

    def is_own(s: Statement) -> bool:
        named = (str(a.name) for p in s.parts for a in al.find(p.expression, nd.At))
        return s.quantity is not Quantity.LOSS or stretch.handed_back.keys().isdisjoint(named)

    return tuple(filter(is_own, whole.statements))


@dataclass
class StatesWriter(ScheduledWriter):
    """Writes what computes the states at the end of a ``stretch``, and no more."""

    stretch: Stretch = field(kw_only=True)

    def sums(self) -> Iterator[str]:
        yield ""

    def body(self) -> Iterator[str]:
        """All lines, without the parameters that no state needs."""
        lines = list(super().body())
        words = Counter(w for line in lines for w in {*re.findall(r"\w+", line.partition("#")[0])})
        names = {self.variables[v.name] for v in self.program.model.timeless}
        unused = {name for name in names if words[name] == 1}
        yield from (line for line in lines if line.partition(" = ")[0] not in unused)

    def results(self) -> Iterator[str]:
        yield "return {"
        for v, s in self.stretch.carried:
            last = nd.T + s.offset
            yield f'    "{initial_key(v.name, s)}": {self.part(v.name, (last, last))}.copy(),'
        yield "}"


@dataclass
class StretchWriter(ScheduledWriter):
    """Writes the loss and the gradients of a stretch; ``before`` writes the states before it."""

    whole: Model = field(kw_only=True)
    stretch: Stretch = field(kw_only=True)
    before: StatesWriter = field(kw_only=True)
    imports: ClassVar[tuple[str, ...]] = ("math", "threading")

    @property
    def public_model(self) -> Model:
        return self.whole

    def called(self) -> list[str]:
        return list(dict.fromkeys([*super().called(), *self.before.called()]))

    def facts(self) -> dict[str, object]:
        own = self.stretch
        back = {
            name: {initial_key(v.name, s): s.offset for v, s in own.carried if v.name == state}
            for name, state in own.handed_back.items()
        }
        earlier = {
            initial_key(v.name, s): (v.name, s.offset)
            for v, s in own.model.initial_values if not v.computed
        }  # fmt: skip
        starts = {
            initial_key(name, s): start.name
            for (name, s), start in own.starts.items() if start is not None
        }  # fmt: skip
        return {
            **super().facts(),
            "before": list(self.before.body()),
            "lag": own.lag,
            "gradients": replace(self.program, model=self.whole).gradient_keys,
            "states": literal({initial_key(v.name, s): dims(v) for v, s in own.carried}),
            "back": back,
            "earlier": earlier,
            "starts": starts,
            "present": {name: condition(steps) for name, steps in own.present.items()},
            "horizon": own.horizon,
            "once": own.once,
        }
