"""Functions known by name alone, given a meaning: ``f`` is tanh, ``L_t`` is cross_entropy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from string import ascii_lowercase

from symbptt.errors import BindingError, did_you_mean
from symbptt.model import terms as tm
from symbptt.model.functions import ACTIVATIONS, LOSSES, VECTOR_FUNCTIONS, canonical
from symbptt.model.model import LossTerm, Model
from symbptt.model.scalars import expand_loss


def check_bindings(model: Model, bindings: Mapping[str, str]) -> None:
    """Refuse a binding of a name the model lacks, or to a function that doesn't fit it."""
    if not isinstance(bindings, Mapping):
        raise BindingError('functions are a dict of names, such as {"f": "tanh"}')
    for name, function in bindings.items():
        if name not in model.abstract:
            if not model.abstract:
                raise BindingError(f"can't bind '{name}': {model.name} has no abstract function")
            raise BindingError(f"can't bind '{name}'{did_you_mean(name, model.abstract)}")
        table = _candidates(model, name)
        if canonical(str(function)) in table:
            continue
        refused = f"can't bind '{name}' to '{function}': "
        if not table:
            raise BindingError(refused + _no_candidate(model, name, canonical(str(function))))
        wanted = model.abstract[name]
        kind = "function" if wanted == 1 else f"function of {wanted} arguments"
        raise BindingError(f"{refused}no such {kind}{did_you_mean(str(function), table)}")
    _in_one_size(model, {name: canonical(str(f)) or str(f) for name, f in bindings.items()})


def _calls(model: Model, name: str) -> Iterator[tm.Mapped | tm.Abstract]:
    """Every call of a function known by name alone."""
    for term in (*(e.rhs for e in model.equations), *(part.term for part in model.loss)):
        for node in term.walk():
            if isinstance(node, tm.Mapped | tm.Abstract) and node.function == name:
                yield node


def _candidates(model: Model, name: str) -> tuple[str, ...]:
    """The functions of the tables that a name can stand for, as the model calls it.

    One argument, taken entry by entry, is an activation's or a vector function's; a scalar of
    several is a loss.  No table has vector functions of several arguments.
    """
    calls = tuple(_calls(model, name))
    if all(isinstance(call, tm.Mapped) for call in calls) and model.abstract[name] == 1:
        return (*ACTIVATIONS, *VECTOR_FUNCTIONS)
    if any(call.shape != tm.SCALAR for call in calls):
        return ()
    return tuple(n for n, row in LOSSES.items() if len(row.arguments) == model.abstract[name])


def _no_candidate(model: Model, name: str, wanted: str | None = None) -> str:
    """Why nothing can be bound to a name, and what to do."""
    count = model.abstract[name]
    arguments = ", ".join(ascii_lowercase[:count]) if count <= 6 else "a, b, …"
    formula = f"give it a formula, {name}({arguments}) = …, among the equations"
    value = next((call.shape for call in _calls(model, name) if call.shape != tm.SCALAR), None)
    many = ("one argument", "two arguments", "three arguments", "four arguments")
    having = many[count - 1] if count <= len(many) else f"{count} arguments"
    if value is None:
        what = "is a scalar of" if count == 1 else "has"
        return f"nothing known {what} {having}; {formula}"
    if wanted in LOSSES:
        return (
            f"a loss is a scalar, and the value of {name} is {tm.shape_text(value)} here; {formula}"
        )
    return f"nothing known of {having} has a value that is {tm.shape_text(value)}; {formula}"


def bind(
    model: Model, functions: Mapping[str, str] | None = None, *, only_given: bool = False
) -> Model:
    """The model with its abstract functions replaced, by ``functions`` or its own bindings.

    With ``only_given`` its own bindings are left for later.

    The derivation of the bound model is a new one: a vector function such as softmax has
    another Jacobian than the entrywise function its name stood for.
    """
    own = {} if only_given else model.bindings
    check_bindings(model, functions or {})
    chosen = {**own, **(functions or {})}
    check_bindings(model, chosen)
    if not chosen:
        return model
    names = {name: canonical(function) or function for name, function in chosen.items()}
    model = _in_one_size(model, names)

    def change(term: tm.Term) -> tm.Term:
        term = term.rebuilt(change)
        if isinstance(term, tm.Mapped) and term.function in names:
            kind = tm.VectorMapped if names[term.function] in VECTOR_FUNCTIONS else tm.Mapped
            return kind(names[term.function], term.operand, shape=term.shape, span=term.span)
        if isinstance(term, tm.Abstract) and term.function in names:
            expansion = expand_loss(names[term.function], term.arguments)
            return tm.Named(
                names[term.function], term.arguments, expansion, shape=tm.SCALAR, span=term.span
            )
        return term

    return replace(
        model,
        equations=tuple(replace(e, rhs=change(e.rhs)) for e in model.equations),
        loss=tuple(LossTerm(part.steps, change(part.term)) for part in model.loss),
        abstract={n: k for n, k in model.abstract.items() if n not in names},
        bindings={n: f for n, f in model.bindings.items() if n not in names},
        bound={**model.bound, **names},
    )


def _in_one_size(model: Model, names: Mapping[str, str]) -> Model:
    """The model with the arguments of each newly named loss in one shape.

    ``L_t(y_t, d_t)`` says nothing of the size of d; once L_t is a loss of the table, which
    compares entry by entry, d is as long as y.
    """
    merged: dict[str, tm.Dim] = {}

    def now(shape: tm.Shape) -> tm.Shape:
        return tm.put_in(shape[0], merged), tm.put_in(shape[1], merged)

    for part in (*(e.rhs for e in model.equations), *(part.term for part in model.loss)):
        for node in part.walk():
            if not isinstance(node, tm.Abstract) or node.function not in names:
                continue
            first, *others = node.arguments
            for other in others:
                for a, b in zip(now(first.shape), now(other.shape), strict=True):
                    if a == b:
                        continue
                    keep, gone = (a, b) if isinstance(b, str) and b not in tm.letters(a) else (b, a)
                    if not isinstance(gone, str) or gone in tm.letters(keep):
                        raise BindingError(
                            f"can't bind '{node.function}' to '{names[node.function]}': its "
                            f"arguments are {tm.shape_text(now(first.shape))} and "
                            f"{tm.shape_text(now(other.shape))}, and must have one shape"
                        )
                    merged = {d: tm.put_in(e, {gone: keep}) for d, e in merged.items()}
                    merged[gone] = keep
    if not merged:
        return model

    def change(term: tm.Term) -> tm.Term:
        if isinstance(term, tm.Extent):
            term = replace(term, dim=tm.put_in(term.dim, merged))
        return replace(term.rebuilt(change), shape=now(term.shape))

    return replace(
        model,
        variables={n: replace(v, shape=now(v.shape)) for n, v in model.variables.items()},
        equations=tuple(replace(e, rhs=change(e.rhs)) for e in model.equations),
        loss=tuple(LossTerm(part.steps, change(part.term)) for part in model.loss),
    )


def require_bound(model: Model) -> None:
    """Refuse a model that can't be run because a function is known by name alone."""
    if not model.abstract:
        return
    for name in model.abstract:
        if not _candidates(model, name):
            raise BindingError(
                f"{model.name}: {name} is not bound to a function, and {_no_candidate(model, name)}"
            )
    free = ", ".join(model.abstract)
    name = next(iter(model.abstract))
    known = _candidates(model, name)
    example = next(e for e in ("tanh", "squared_error", *known) if e in known)
    raise BindingError(
        f"{model.name}: {free} {'is' if len(model.abstract) == 1 else 'are'} not bound to "
        f'a function; say functions={{"{name}": "{example}"}}, or --let {name}={example}'
    )
