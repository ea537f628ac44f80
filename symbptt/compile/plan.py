"""From a derivation to the schedule that every backend prints."""

from __future__ import annotations

from symbptt.calculus import Derivation, derive
from symbptt.compile.gates import gathered
from symbptt.compile.operands import Gathered
from symbptt.compile.program import program
from symbptt.compile.schedule import Schedule, schedule
from symbptt.compile.share import share


def plan(derivation: Derivation) -> tuple[Gathered, Schedule]:
    """The model with its gates gathered, derived anew, and what of it runs where."""
    found = gathered(derivation.model)
    return found, schedule(share(program(derive(found.model, inputs=derivation.inputs))))
