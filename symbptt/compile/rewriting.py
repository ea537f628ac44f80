"""Models with other equations, for code: what changes a model term by term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from symbptt.calculus.translate import translate
from symbptt.compile.plain import plain
from symbptt.formula.tree import Symbol
from symbptt.model import Equation, Model, Role, Variable
from symbptt.model import terms as tm
from symbptt.model.model import Stage


def used_once(model: Model) -> set[str]:
    """The parameters that stand in one place alone."""
    times = Counter(r.name for r in model.references())
    starts = {start.name for start in model.initial.values() if start is not None}
    return {v.name for v in model.parameters if times[v.name] == 1 and v.name not in starts}


def rewritten(model: Model, change: Callable[[tm.Term], tm.Term]) -> Model:
    """The model with another right side for each equation, and other terms of the loss."""
    return replace(
        model,
        equations=tuple(replace(e, rhs=change(e.rhs)) for e in model.equations),
        loss=tuple(replace(part, term=change(part.term)) for part in model.loss),
    )


def with_equation(model: Model, equation: Equation, before: str) -> Model:
    """The model with another equation, computed before one that it has."""

    def names(stage: Stage) -> Stage:
        if before not in stage.names:
            return stage
        at = stage.names.index(before)
        return replace(stage, names=(*stage.names[:at], equation.name, *stage.names[at:]))

    at = next(i for i, e in enumerate(model.equations) if e.name == before)
    return replace(
        model,
        equations=(*model.equations[:at], equation, *model.equations[at:]),
        stages=tuple(map(names, model.stages)),
    )


def without(model: Model, gone: set[str]) -> Model:
    """The model without some of its equations."""
    stages = (replace(s, names=tuple(n for n in s.names if n not in gone)) for s in model.stages)
    return replace(
        model,
        equations=tuple(e for e in model.equations if e.name not in gone),
        stages=tuple(stages),
        variables={name: v for name, v in model.variables.items() if name not in gone},
    )


def new_variable(
    wanted: str, shape: tm.Shape, variables: dict[str, Variable], role: Role = Role.PARAMETER
) -> Variable:
    """A new variable, under a name that no other has."""
    name, i = wanted, 1
    while name in variables:
        i += 1
        name = f"{wanted}_{i}"
    variables[name] = Variable(name, role, shape, Symbol(name))
    return variables[name]


def equation(model: Model, name: str, rhs: tm.Term) -> Equation:
    """``name_t = rhs``, with the text of it that generated code shows."""
    return Equation(name, rhs, f"{name}_t = {plain(translate(model, rhs))}")
