"""Symbols for gradients and their parts, which a document may leave undefined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symbptt.check.meaning.conventions import Reading
from symbptt.check.meaning.derivatives import LATER
from symbptt.check.networks.guessed import ARGUMENT, LOOSE, reading, shown
from symbptt.check.notation.marks import unmarked
from symbptt.check.notation.meant import Definition
from symbptt.check.notation.namings import label
from symbptt.check.notation.neighbours import ASSIGNED, FROM_LATER, UNSEEN
from symbptt.check.notation.scripts import is_step, scripts
from symbptt.check.notation.symbols import PREFIXES, Scope
from symbptt.formula.tree import (
    Differential,
    Node,
    Quotient,
    Sum,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.model import Model, Role

#: What tells the argument of an activation from its value: ``o_pre``.
PRE = frozenset({"pre", "raw", "in", "net", "lin", "linear"})


#: The marks that candidates bear.
_OF_CANDIDATES = frozenset({"tilde", "hat", "bar"})


def handed_back(name: str, scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """``dh_next``, ``δ_{h,future}`` as what later steps hand back to h_t, or as all of ∂L/∂h_t."""
    assigned = name.endswith(ASSIGNED)
    words = name.replace(UNSEEN, "").split("_")
    prefix = next((p for p in PREFIXES if words[0].startswith(p.rstrip("_"))), None)
    marks = FROM_LATER | {"prime"}  # dh'_t may also be by the pre-activation
    if prefix is None or not marks & set(words[1:]):
        return
    rest = [words[0].removeprefix(prefix.rstrip("_")), *words[1:]]
    of = "_".join(w for w in rest if w and w not in marks and w != "t")
    v = scope.quantity(of)
    if v is None or scope.model.variables[v].timeless:
        return
    if "prime" in words and scope.model.variables[v].role is not Role.STATE:
        return
    every = ((LATER, f"what later steps hand back to {of}_t"), ("∂", f"∂L/∂{of}_t"))
    for sign, what in every[:1] if is_of_later_alone(name) else every:
        yield (
            reading(
                f"{shown(name)} is {what}",
                f"nothing says what {shown(name)} stands for, and this makes the formula hold",
                f"{LOOSE if assigned else 'meaning of '}{shown(name)}",
            ),
            scope.with_definition(name, Definition(_slope(scope.model, v, sign))),
        )


def is_of_later_alone(name: str) -> bool:
    """Whether a name says that a gradient is what later steps hand back, and never the whole."""
    return bool({"future", "later", "recurrent", "rec"} & {*name.split("_")})


def adjoints(name: str, scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    r"""``\bar a_t`` as the gradient by a_t, where the model gives it no other meaning."""
    plain = unmarked(name)
    v = None if plain is None else scope.quantity(plain)
    if v is None or scope.model.variables[v].role is Role.TARGET:
        return
    steps = () if scope.model.variables[v].timeless else (Symbol("t"),)
    loss = Symbol(scope.model.loss_name)
    body = Quotient(Differential("∂", loss), Differential("∂", Symbol(v, subscripts=steps)))
    at = "_t" if steps else ""
    yield (
        reading(
            f"{shown(name)}{at} is ∂L/∂{shown(v)}{at}",
            f"nothing says what {shown(name)} stands for, and this makes the formula hold",
            f"{LOOSE}{shown(name)}",
        ),
        scope.with_definition(name, Definition(body, "t" if steps else None)),
    )


def signals(
    name: str,
    scope: Scope,
    at: Node | None = None,
    *,
    loose: bool = False,
    sides: Sequence[Node] = (),
) -> Iterator[tuple[Reading, Scope]]:
    """``δ_t`` as the gradient by each state and each computed quantity, or as its negative where
    the ``sides`` of a claim have a target from which an output is taken.

    ``at``: the step whose loss it is of; ``loose``: it may be anything else.
    """
    model = scope.model
    inner = _inner(model)
    states = [q.name for q in model.with_role(Role.STATE)]
    others = [n for n in model.order if n not in states and n not in inner]
    hint = name.partition("_")[2]
    ordered = sorted([*states, *inner, *others], key=lambda v: not (hint and hint in v))
    signs = ((1, ""), (-1, "-")) if _is_descent(sides, scope) else ((1, ""),)
    for sign, minus in signs:
        for v in ordered:
            loss = "L" if at is None else f"L_{label(at)}"
            by = f"(pre-activation of {v[4:]}_t)" if v in inner else f"{v}_t"
            what = f"∂{loss}/∂{by}"
            yield (
                reading(
                    f"{shown(name)}_t is {minus}{what}",
                    f"nothing says what {shown(name)} stands for, and this makes the formula hold",
                    f"{LOOSE}{shown(name)}" if loose else f"meaning of {name}",
                ),
                scope.with_definition(name, Definition(_gradient(model, v, sign, at))),
            )


def _is_descent(sides: Sequence[Node], scope: Scope) -> bool:
    """Whether a claim has ``d_t - y_t``, the negative of the gradient of an error."""
    for n in (n for side in sides for n in side.walk()):
        match n:
            case Sum((Symbol() as first, Symbol()), (1, -1)):
                meant = scope.meant(first)
                v = None if meant is None else scope.model.variables.get(meant.name)
                if v is not None and v.role is Role.TARGET:
                    return True
    return False


def jacobians(name: str, scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """``P_t`` as the derivative of a state by a parameter."""
    model = scope.model
    behind = behind_states(model)
    for state in model.with_role(Role.STATE):
        for p in model.with_role(Role.PARAMETER):
            if p.name not in behind:
                continue
            at_t = Symbol(state.name, subscripts=(Symbol("t"),))
            body = Quotient(Differential("∂", at_t), Differential("∂", Symbol(p.name)))
            yield (
                reading(
                    f"{shown(name)}_t is ∂{state.name}_t/∂{p.name}",
                    f"nothing says what {shown(name)} stands for, and this makes the formula hold",
                    f"{LOOSE}{name}",
                ),
                scope.with_definition(name, Definition(body)),
            )


def _is_factor(name: str, node: Node, scope: Scope) -> bool:
    """Whether a formula has a value of what a name stands for, and not only its derivative."""
    if isinstance(node, Differential):
        return False
    if isinstance(node, Symbol):
        return scope.meant(node) is None and scope.unknown(node) == name
    return any(_is_factor(name, n, scope) for n in node.children())


def _has_steps(name: str, sides: Sequence[Node], scope: Scope) -> bool:
    """Whether what a name stands for bears a step, or nothing in a formula does."""
    symbols = [n for side in sides for n in side.walk() if isinstance(n, Symbol)]
    own = [n for n in symbols if scope.meant(n) is None and scope.unknown(n) == name]
    stepped = [n for n in symbols if any(map(is_step, scripts(n)))]
    return any(n in stepped for n in own) or not stepped


def arguments(name: str, sides: Sequence[Node], scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """``z_t`` as the argument of an activation; as a factor beside gates it may be their input."""
    inner = activated(scope.model)
    hint = name.partition("_")[2]
    plain = "_".join(w for w in name.split("_") if w not in PRE)  # o_pre
    hinted = [v for v in inner if inner[v] in (hint, plain)]
    alike = [] if hinted else [v for v in inner if hint and _is_candidate(inner[v], hint)]
    if hint not in scope.model.variables:  # z_c, by the weights W_c
        hinted = hinted or [v for v in alike if hint in _labels(inner[v], scope.model)]
    if alike and not hinted:
        inner = {v: inner[v] for v in alike}  # a_c: of the candidate, or of c itself
    elif not hinted and hint.casefold() in map(str.casefold, scope.model.variables):
        return  # a_C: of C, whatever it is
    layers = _of_layers(name, inner, scope)
    if layers is not None:
        says = f"nothing says what {shown(name)} stands for, and this makes the formula hold"
        every = replace(scope, aliases={**scope.aliases, **layers}, _found={})
        what, of = (x.rpartition("_")[0] for x in (name, inner[layers[name]]))
        yield reading(f"{shown(what)}{ARGUMENT}{of}, in every layer", says), every
        return
    factor = len(inner) > 1 and any(_is_factor(name, s, scope) for s in sides)
    gates = len(behind_states(scope.model) & {*inner.values()}) > 1
    unclear = not hinted and (factor or gates or bool(alike) or not _has_steps(name, sides, scope))
    for v in hinted or inner:
        body = Symbol(v, subscripts=(Symbol("t"),))
        yield (
            reading(
                f"{shown(name)}{ARGUMENT}{inner[v]}",
                f"nothing says what {shown(name)} stands for, and this makes the formula hold",
                f"{LOOSE}{name}" if unclear else f"meaning of {name}",
            ),
            # what its name says holds for the rest of the document too
            scope.with_definition(name, Definition(body)) if hinted else scope.with_alias(name, v),
        )


def _is_candidate(v: str, hint: str) -> bool:
    """Whether the candidate of a state is meant by its letter: ``C̃`` by the c of ``a_c``."""
    letter, _, mark = v.partition("_")
    return mark in _OF_CANDIDATES and letter.casefold() == hint.casefold()


def _of_layers(name: str, inner: Mapping[str, str], scope: Scope) -> dict[str, str] | None:
    """``z^{(l)}`` as the argument of the one activation of its layer, in every layer."""
    if scope.layers is None:
        return None
    head, found = name.rpartition("_")[0], dict[str, str]()
    for v, value in inner.items():
        of, _, layer = value.rpartition("_")
        if of and layer.isdigit() and found.setdefault(f"{head}_{layer}", v) != v:
            return None
    return found if name in found else None


def activated(model: Model) -> dict[str, str]:
    """The arguments of activations, each with what the activation gives: pre_h, h."""
    found: dict[str, str] = {}
    for e in model.equations:
        match e.rhs:
            case tm.Mapped(operand=tm.Ref(name, tm.Index("t", 0))) if name != e.name:
                found.setdefault(name, e.name)
    others = {v: v[4:] for v in _inner(model) if v not in found}
    return {**found, **others}


def by_argument(v: str, name: str, model: Model) -> Iterator[tuple[Reading, Definition]]:
    """``δ_{z_t}`` as the gradient by the argument of the activation that gives z."""
    for inner, given in activated(model).items():
        if given == v:
            says = f"nothing but its name says what {shown(name)} stands for"
            row = reading(
                f"{shown(name)} is by the pre-activation of {v}", says, f"meaning of {name}"
            )
            yield row, Definition(_gradient(model, inner, 1, None))


def by_argument_of_candidate(
    v: str, name: str, model: Model
) -> Iterator[tuple[Reading, Definition]]:
    """``δ_{h_t}`` as the gradient by the argument of h̃_t, the candidate that h_t is made of."""
    for candidate in sorted(_made_of(v, model)):
        if candidate.partition("_")[0] == v.partition("_")[0] or v in _labels(candidate, model):
            yield from by_argument(candidate, name, model)


def _labels(v: str, model: Model) -> set[str]:
    """What the parameters are labelled with that the argument of an activation is made of."""
    inner = [name for name, given in activated(model).items() if given == v]
    used = {x for name in inner for x in _made_of(name, model) if model.variables[x].timeless}
    return {label for name in used for label in name.split("_")[1:]}


def _made_of(v: str, model: Model) -> set[str]:
    """What the equation of a quantity has."""
    return {x.name for e in model.equations if e.name == v for x in e.rhs.walk()
            if isinstance(x, tm.Ref)}  # fmt: skip


#: So many others of its pattern tell what a name stands for.
_SIBLINGS = 2


def by_siblings(name: str, given: Mapping[str, Definition], model: Model) -> Definition | None:
    """``δ_{ĝ_t}`` as the gradient by the argument of g, where ``δ_{f̂_t}`` and ``δ_{î_t}`` are by
    those of f and i."""
    outputs = {*activated(model).values()}
    for v in sorted(outputs):
        before, found, after = f"_{name}_".partition(f"_{v}_")
        alike = ((w, f"{before}_{w}_{after}".strip("_")) for w in sorted(outputs - {v}))
        same = [
            w for w, other in alike if other in given
            and any(given[other].body == k.body for _, k in by_argument(w, other, model))
        ]  # fmt: skip
        if found and len(same) >= _SIBLINGS:
            return next((k for _, k in by_argument(v, name, model)), None)
    return None


def _inner(model: Model) -> list[str]:
    """The names that the model gives to arguments of activations."""
    return [n for n in model.order if n.startswith("pre_")]


def _gradient(model: Model, v: str, sign: int, at: Node | None) -> Node:
    slope = _slope(model, v, at=at)
    return slope if sign > 0 else Sum((slope,), (-1,))


def _slope(model: Model, v: str, sign: str = "∂", at: Node | None = None) -> Node:
    """``∂L/∂v_t``, or ``∂L_s/∂v_t`` of the loss of a step."""
    loss = Symbol(model.loss_name, subscripts=() if at is None else (at,))
    by = Symbol(v, subscripts=(Symbol("t"),))
    return Quotient(Differential(sign, loss), Differential(sign, by))


def behind_states(model: Model) -> set[str]:
    """What states depend on; θ is a parameter of the recurrence."""
    wanted = [q.name for q in model.with_role(Role.STATE)]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        if any(e.name == name for e in model.equations):
            wanted += [x.name for x in model.equation(name).rhs.walk() if isinstance(x, tm.Ref)]
    return seen
