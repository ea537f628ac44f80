"""Equations to a model: roles, shapes, recurrences and order, or one clear line why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from symbptt.errors import ModelError
from symbptt.model import checks
from symbptt.model import terms as tm
from symbptt.model.elaborate import Elaborator
from symbptt.model.finish import finish, name_dimensions
from symbptt.model.inference import Inference, best_inference, check_sizes, uses
from symbptt.model.model import Equation, LossTerm, Model, Role, Stage, Variable
from symbptt.model.notes import notes
from symbptt.model.outline import Outline, Statement, outline
from symbptt.model.stages import stages

#: Each step of lag is an initial value to give and a case to write.
LONGEST_LAG = 64


def build(
    statements: Sequence[Statement],
    loss: Statement | None,
    *,
    functions: Iterable[str] = (),
    shapes: Mapping[str, tuple[tm.Dim, tm.Dim]] | None = None,
    hyperparameters: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Model:
    """The model that these equations define.

    Raises :class:`ModelError`, at the place, for what is no recurrent model.
    """
    known = outline(statements, loss, functions=frozenset(functions), shapes=shapes or {})
    return _assemble(known, frozenset(hyperparameters), labels or {})


def _assemble(known: Outline, hyperparameters: frozenset[str], labels: Mapping[str, str]) -> Model:
    found, rows = best_inference(known)
    e = found.elaborator
    lags = _lags(found)
    checks.functions(known)
    checks.definitions(found, known, lags)
    lagged = frozenset(n for n, used in lags.items() if any(used))
    check_sizes(found, known, lagged, rows)
    roles = {name: _role(name, found, lags, hyperparameters) for name in e.symbols}
    dim_of = name_dimensions(e.dims, _wanted(e, roles), frozenset(e.symbols) | {"t", "T", "L"})
    variables = {
        name: Variable(
            name,
            roles[name],
            (dim_of(d.rows), dim_of(d.cols)),
            e.spelled[name],
            tuple(sorted(lags.get(name, {0}))),
        )
        for name, d in e.symbols.items()
    }
    equations = tuple(
        Equation(
            name, finish(draft, dim_of), known.defined[name].text, known.defined[name].place.line
        )
        for name, draft in found.equations.items()
    )
    loss = tuple(LossTerm(part.steps, finish(draft, dim_of)) for part, draft in found.loss)
    assert known.loss_statement is not None
    model = Model(
        equations=equations,
        stages=_stages(equations, known),
        loss=loss,
        loss_name=known.loss_name,
        variables=variables,
        abstract={**e.abstract},
        initial=known.initial,
        row_vectors=rows,
        text="\n".join((*known.function_texts, *(s.text for s in known.defined.values()))),
        functions_text=tuple(known.function_texts),
        loss_text=known.loss_statement.text,
        name=labels.get("name", "model"),
        title=labels.get("title", ""),
        reference=labels.get("reference", ""),
        notation=labels.get("notation"),
    )
    model = replace(model, notes=tuple(notes(found, model)))
    checks.initial_values(model, known)
    checks.keys(model, known)
    checks.arguments(model, known)
    checks.loss(model, known)
    return model


def _lags(found: Inference) -> dict[str, set[int]]:
    lags: dict[str, set[int]] = {}
    at_t = {name for _, _, name, index in uses(found) if index is not None and index.anchor == "t"}
    for owner, draft, name, index in uses(found):
        if index is None:
            if name in found.elaborator.naming.indexed:
                t = found.elaborator.naming.time
                if name not in at_t | found.equations.keys():
                    raise ModelError(
                        f"{name} stands here without a time index, and elsewhere at a step: "
                        f"{name}_T is {name} at step T; {_renamed(name)}",
                        draft.place,
                    )
                raise ModelError(
                    f"{name} has a time index elsewhere; write {name}_{t}", draft.place
                )
            continue
        if index.anchor != "t":
            fixed = f"{name}_{index} is a fixed step; an equation names steps relative to t"
            if str(index) == "T" and name not in at_t | found.equations.keys():
                fixed = f"{name}_T is read as {name} at the last step T; {_renamed(name)}"
            raise ModelError(fixed, draft.place)
        if abs(index.offset) > LONGEST_LAG:
            raise ModelError(f"a lag of at most {LONGEST_LAG} steps is supported", draft.place)
        if owner is None and index.offset:
            raise ModelError(
                "the loss of step t uses quantities of step t only; give what goes to another "
                f"step a name in an equation, r_t = … {name}_{{{index}}} …, and use r_t",
                draft.place,
            )
        lags.setdefault(name, set()).add(-index.offset)
    return lags


def _renamed(name: str) -> str:
    """What to do about a label T, as in the weights ``W_T`` of a transform gate."""
    return f"if T is a label, rename it, for example {name}_tr"


def _role(
    name: str,
    found: Inference,
    lags: Mapping[str, set[int]],
    hyperparameters: frozenset[str],
) -> Role:
    if name in found.equations:
        return Role.STATE if any(lags.get(name, ())) else Role.COMPUTED
    if name not in found.given:
        return Role.HYPERPARAMETER if name in hyperparameters else Role.PARAMETER
    e = found.elaborator
    owners = {owner for owner, _, used, _ in uses(found) if used == name}
    scalar = {n for n in found.equations if e.is_scalar(e.symbols[n])}
    return Role.TARGET if owners <= {None} | scalar else Role.INPUT


def _wanted(e: Elaborator, roles: Mapping[str, Role]) -> Iterable[tuple[int, str]]:
    """Dimensions in the order in which they get letters, each with the pool it prefers."""
    pools = [
        ((Role.STATE,), "state"),
        ((Role.INPUT,), "input"),
        ((Role.TARGET,), "output"),
        ((Role.COMPUTED, Role.PARAMETER, Role.HYPERPARAMETER), "state"),
    ]
    for wanted, pool in pools:
        for name, draft in e.symbols.items():
            if roles[name] in wanted:
                yield draft.rows, pool
                yield draft.cols, pool
    for dim in range(len(e.dims.parent)):
        yield dim, "state"


def _stages(equations: tuple[Equation, ...], known: Outline) -> tuple[Stage, ...]:
    """The passes over time in which the model is computed."""
    needs = {
        e.name: [
            (r.name, r.index.offset)
            for r in e.rhs.walk()
            if isinstance(r, tm.Ref) and r.index is not None and r.name in known.defined
        ]
        for e in equations
    }
    needs_last = {
        name: source.name
        for (name, _), source in known.initial.items()
        if source is not None and source.step is not None
    }
    return stages(needs, needs_last, {name: s.place for name, s in known.defined.items()})
