"""What a readable model can still have wrong."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from symbptt.errors import ModelError, did_you_mean
from symbptt.formula.tree import Call
from symbptt.model import terms as tm
from symbptt.model.elaborate import unknown_function
from symbptt.model.functions import CONVENTIONAL, LETTER_NAMES, PRIMITIVES, canonical
from symbptt.model.inference import Inference, uses
from symbptt.model.model import Model, Role, initial_key
from symbptt.model.outline import Outline, check_use


def functions(known: Outline) -> None:
    """Every function that is called must be known, declared, or a letter books use for one."""
    for owner in (*known.defined.values(), known.loss_statement):
        assert owner is not None
        for node in owner.node.walk():
            if not isinstance(node, Call):
                continue
            name, index = known.naming.read(node.function)
            free = name in (*known.functions, *known.formulas) or name in CONVENTIONAL
            if free or (canonical(name) is not None and name not in PRIMITIVES):
                continue
            one_letter = len(name) == 1 or name in LETTER_NAMES
            if not one_letter or (index is None and len(node.arguments) == 1):
                raise unknown_function(name, owner.source.place(node.function.span))


def definitions(found: Inference, known: Outline, lags: Mapping[str, set[int]]) -> None:
    for owner, draft, name, _ in uses(found):
        check_use(name, draft.place)
        defined = name in found.equations
        if name == known.loss_name and not defined:
            raise ModelError(f"the loss {name} can't be used in an equation", draft.place)
        if not defined and name in lags and 0 not in lags[name]:
            near = did_you_mean(name, found.equations)
            raise ModelError(
                f"{name} is used at another step but no equation defines {name}_t{near}; "
                f"if {name} is an input, use {name}_t at its own step",
                draft.place,
            )
        if not defined and name in known.naming.indexed and owner is None:
            twins = [n for n in found.equations if n.lower() == name.lower()]
            if twins:
                raise ModelError(f"{name} is not defined; is {twins[0]} meant?", draft.place)


def initial_values(model: Model, known: Outline) -> None:
    for (name, step), _ in known.initial.items():
        if step not in model.variables[name].initial_steps:
            raise ModelError(
                f"{name}_{step} is never used: {name} has no such lag", known.defined[name].place
            )
    for name in {name for name, _ in known.initial}:
        for step in model.variables[name].initial_steps:
            if (name, step) not in known.initial:
                raise ModelError(
                    f"the state {name} needs a value at step {step} too; add {name}_{step} = 0, "
                    "or leave all its initial values to the caller",
                    known.defined[name].place,
                )


def arguments(model: Model, known: Outline) -> None:
    """A vector function known by name alone takes vectors, so that its Jacobian is a matrix."""
    right_sides = ((e.rhs, known.defined[e.name]) for e in model.equations)
    losses = ((part.term, known.loss_statement) for part in model.loss)
    for term, statement in chain(right_sides, losses):
        for call in (x for x in term.walk() if isinstance(x, tm.Abstract)):
            matrix = any(1 not in a.shape for a in (call, *call.arguments))
            if call.shape != tm.SCALAR and matrix:
                assert statement is not None
                raise ModelError(
                    f"{call.function} has no formula, so neither its value nor an argument can be "
                    "a matrix; declare them as vectors under [shapes], or give it a formula",
                    statement.place,
                )


def keys(model: Model, known: Outline) -> None:
    """A symbol's name may not be the key of an initial value too."""
    for v, step in model.initial_values:
        key = initial_key(v.name, step)
        statement = known.defined.get(v.name, known.loss_statement)
        if key in model.variables:
            raise ModelError(
                f"'{key}' is both a symbol and the initial value of {v.name}; rename the symbol",
                statement.place if statement else None,
            )


def loss(model: Model, known: Outline) -> None:
    """The loss must depend on a parameter, directly or through what is computed."""
    reached: dict[str, None] = {}
    queue = [r.name for loss in model.loss for r in loss.term.walk() if isinstance(r, tm.Ref)]
    while queue:
        name = queue.pop(0)
        if name in reached:
            continue
        reached[name] = None
        if model.variables[name].computed:
            rhs = model.equation(name).rhs
            queue += [r.name for r in rhs.walk() if isinstance(r, tm.Ref)]
            starts = ((n, start) for (n, _), start in model.initial.items() if start is not None)
            queue += [start.name for n, start in starts if n == name]
    assert known.loss_statement is not None
    if not any(model.variables[n].role is Role.PARAMETER for n in reached):
        taken = " and ".join(f"{n}_{known.naming.time}" for n in reached if _is_given(model, n))
        raise ModelError(
            "the loss depends on no parameter: there is nothing to differentiate"
            f"{f'; no equation defines {taken}, taken as given' if taken else ''}",
            known.loss_statement.place,
        )


def _is_given(model: Model, name: str) -> bool:
    return model.variables[name].role in (Role.INPUT, Role.TARGET)
