"""Special cases of a network that a text speaks of, and for which a claim may hold alone.

They are rows of a table: what the text says, and what then holds.  A claim that fails, but holds
in such a case, is left undecided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.parts import Part
from symbptt.check.notation.language import said
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import Differential, Number, Relation, Symbol
from symbptt.model import terms as tm
from symbptt.model.model import Role
from symbptt.model.steps import LAST, Steps

_STEP, _LAST = Symbol("t"), Symbol("T")


class Where(Enum):
    """Where a text speaks of a case."""

    SECTION = "under the heading of a claim, before it or right behind it"
    BEFORE = "in the words right before a claim"


@dataclass(frozen=True)
class Case:
    """A case: the words that speak of it, where, and a claim with the model, in that case."""

    says: str
    words: re.Pattern[str]
    where: Where
    changed: Callable[[Part, Epoch], tuple[Part, Epoch] | None]


def case_meant(
    part: Part, epoch: Epoch, words: Mapping[Where, str], holds: Callable[[Part, Epoch], bool]
) -> str | None:
    """Why a claim that fails may be about a case of which the words around it speak: it holds for
    that."""
    for row in CASES:
        if row.words.search(words[row.where]):
            changed = row.changed(part, epoch)
            if changed is not None and holds(*changed):
                return row.says
    return None


def with_gates_held(part: Part, epoch: Epoch, scope: Scope) -> tuple[list[str], Epoch] | None:
    """The gates that the right side of a claim writes and doesn't differentiate, and the network
    in which they are given from outside; None if there are none."""
    model, moved = epoch.model, [n for n in part.right.walk() if isinstance(n, Differential)]
    inside = {x for d in moved for x in d.walk()}
    named = (scope.meant(n) for n in part.right.walk() if isinstance(n, Symbol) and n not in inside)
    written = {m.name for m in named if m is not None and m.kind == "quantity"}
    gates = sorted(
        e.name for e in model.equations
        if e.name in written and isinstance(e.rhs, tm.Mapped) and e.rhs.function == "sigmoid"
    )  # fmt: skip
    if not gates:
        return None
    variables = {name: replace(v, role=Role.INPUT) if name in gates else v
                 for name, v in model.variables.items()}  # fmt: skip
    stages = tuple(replace(s, names=tuple(n for n in s.names if n not in gates))
                   for s in model.stages)  # fmt: skip
    equations = tuple(e for e in model.equations if e.name not in gates)
    return gates, _with(epoch, variables=variables, stages=stages, equations=equations)


def _of_last_loss(part: Part, epoch: Epoch) -> tuple[Part, Epoch]:
    """A loss at the last step alone."""
    loss = tuple(
        x if x.steps.once else replace(x, steps=Steps(members=(LAST,))) for x in epoch.model.loss
    )
    return part, _with(epoch, loss=loss)


def _linear(part: Part, epoch: Epoch) -> tuple[Part, Epoch]:
    """A network without activations."""

    def linear(term: tm.Term) -> tm.Term:
        term = term.rebuilt(linear)
        return term.operand if isinstance(term, tm.Mapped) else term

    equations = tuple(replace(e, rhs=linear(e.rhs)) for e in epoch.model.equations)
    return part, _with(epoch, equations=equations)


def _at_step(step: Symbol | Number) -> Callable[[Part, Epoch], tuple[Part, Epoch] | None]:
    def at_step(part: Part, epoch: Epoch) -> tuple[Part, Epoch] | None:
        """A claim about step t, at one step."""
        if not any(n == _STEP for n in part.left.walk()) or part.conditions:
            return None
        return replace(part, conditions=(Relation((_STEP, step), ("=",)),)), epoch

    return at_step


def _with(epoch: Epoch, **changed: object) -> Epoch:
    return replace(epoch, model=replace(epoch.model, **changed), worlds={}, _bound={})  # type: ignore[arg-type]


def _or_formula(words: re.Pattern[str], formula: str) -> re.Pattern[str]:
    """What says something in words, or by a formula of its own."""
    return re.compile(rf"{words.pattern}|(?<![{{A-Za-z_]){formula}(?![\w+-])", re.IGNORECASE)


_AT_END = said("speaks of the last step")
_LINEAR = re.compile(rf"(?<!non-)(?<!非)(?:{said('speaks of a linear network').pattern})", re.I)
CASES: tuple[Case, ...] = (
    Case("it holds for a loss at the last step alone, of which the text speaks",
         _AT_END, Where.SECTION, _of_last_loss),
    Case("it holds for a network without activations, of which the text speaks",
         _LINEAR, Where.SECTION, _linear),
    Case("it holds at the last step, of which the words before it speak",
         _or_formula(_AT_END, r"t\s*=\s*T"), Where.BEFORE, _at_step(_LAST)),
    Case("it holds at the first step, of which the words before it speak",
         _or_formula(said("speaks of the first step"), r"t\s*=\s*1"), Where.BEFORE,
         _at_step(Number(Fraction(1)))),
)  # fmt: skip
