"""The model that a document's own forward equations define."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from symbptt.check.networks.inner import inner_products
from symbptt.check.networks.losses import attempts, is_loss, with_known_loss, with_softmax
from symbptt.check.networks.prepared import (
    completed,
    distinct,
    entrywise,
    gives_gate,
    linked,
    missing_update,
    one_spelling,
    split,
    timed,
    with_earlier_inputs,
)
from symbptt.check.networks.statements import left_of, name_of, right_of
from symbptt.check.notation.shares import Share
from symbptt.errors import ModelError, Place, SymbpttError
from symbptt.formula.lexicon import GREEK
from symbptt.formula.tree import (
    Call,
    Differential,
    Group,
    Product,
    Quotient,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.build import build
from symbptt.model.model import Model
from symbptt.model.names import Naming
from symbptt.model.outline import Statement


@dataclass(frozen=True)
class Forward:
    """A model read from a document: the statements that made it, and what its loss is called."""

    model: Model
    losses: frozenset[str]
    statements: tuple[Statement, ...]
    loss_stated: bool = False
    functions: frozenset[str] = frozenset()
    completed: bool = False
    loss_named: bool = False
    loss_unread: bool = False
    share: Share | None = None
    gated: str = ""


def forward(
    statements: Iterable[Statement], loss_name: str | None = None, *, last: bool = False,
    keeps: bool = False, open_outputs: bool = False,
) -> Forward | SymbpttError:  # fmt: skip
    """The model of the equations among the statements, or what was wrong with the best try.

    ``loss_name``: what the loss of a step is where the equations know it by name alone, and the
    output fits: ``cross_entropy`` of a softmax, and with ``open_outputs`` of a function known by
    name alone; ``last``: only the last step has an output; ``keeps``: a gate z whose use the
    document leaves out keeps the old state, where it else lets the new one in.

    A statement that makes no equation is left out, and the rest tried again.
    """
    stated = [*distinct(statements)]
    problem: SymbpttError | None = None
    left_out: list[Statement] = []
    while stated:
        made = _tried(stated, loss_name, last=last, keeps=keeps, open_outputs=open_outputs)
        if isinstance(made, Forward):
            unread = not made.loss_stated and any(_is_lost(s, stated) for s in left_out)
            return replace(made, loss_unread=made.loss_unread or unread)
        problem = problem or made.error
        refused = [s for s in stated if any(_stands_in(place, s) for place in made.places)]
        stated = [s for s in stated if s not in refused]
        if not refused or any(_joins(s, stated) for s in refused):
            break
        left_out += refused
    return problem or ModelError("no forward equations")


@dataclass(frozen=True)
class _Failed:
    """What was wrong first, and where statements stand that make no equation."""

    error: SymbpttError | None
    places: tuple[Place, ...]


def _stands_in(place: Place, s: Statement) -> bool:
    span = s.node.span
    return s.place.text == place.text and span.start <= place.start <= span.end


def _is_lost(s: Statement, rest: Sequence[Statement]) -> bool:
    """Whether nothing else gives what a statement does, be it with the letter of an entry."""
    left = left_of(s)
    return all((left_of(x).base, left_of(x).accents) != (left.base, left.accents) for x in rest)


def _joins(s: Statement, rest: Sequence[Statement]) -> bool:
    """Whether a statement is of several quantities that others give, and gives one that is lost:
    what is made of those is then not known."""
    given = {left_of(x).base for x in rest}
    used = {n.base for n in right_of(s).walk() if isinstance(n, Symbol)}
    return _is_lost(s, rest) and len(given & used) > 1


def _tried(
    stated: list[Statement], loss_name: str | None, *, last: bool, keeps: bool, open_outputs: bool
) -> Forward | _Failed:
    """The model of some definitions, with what documents leave out of them."""
    gates = frozenset(name_of(s) for s in stated if gives_gate(s))
    plain = one_spelling([entrywise(s, gates) for s in stated])
    update = missing_update(plain, keeps=keeps)
    complete = completed(plain) if update is None else [*plain, update]
    found = split(linked(timed(with_earlier_inputs(complete))))
    problem: SymbpttError | None = None
    places: list[Place] = []
    for attempt in attempts(found, last=last):
        chosen, loss = attempt.equations, attempt.loss
        known = loss if loss_name is None else with_known_loss(loss, found, loss_name)
        if open_outputs and known == loss and loss_name == "cross_entropy":
            chosen = with_softmax(loss, chosen)
            known = with_known_loss(loss, chosen, loss_name)
        named, loss = known != loss, known
        while chosen:
            try:
                functions = _functions(chosen)
                model = _built(chosen, loss, functions)
            except SymbpttError as error:
                problem = problem or error
                place = getattr(error, "place", None)
                fewer = [s for s in chosen if place is None or not _stands_in(place, s)]
                if place is None or len(fewer) == len(chosen):
                    break
                places.append(place)
                chosen = fewer
                continue
            names = {model.loss_name} | {name_of(s) for s in found if is_loss(s, found)}
            return Forward(
                elementwise(model), frozenset(names), tuple(chosen), attempt.stated,
                frozenset(functions), loss_unread=attempt.unread, share=attempt.share,
                completed=len(complete) > len(plain), loss_named=named,
                gated="" if update is None else name_of(update),
            )  # fmt: skip
    return _Failed(problem, tuple(places))


def _built(chosen: list[Statement], loss: Statement, functions: Iterable[str]) -> Model:
    """The model, in which what stands for a number by its notation is one, if that fits."""
    numbers = dict.fromkeys(_numbers(chosen), (1, 1))
    inner = dict.fromkeys(inner_products(chosen, loss), (1, 1))
    for shapes in ({**numbers, **inner}, inner, numbers):
        if shapes:
            with suppress(SymbpttError):
                return build(chosen, loss, functions=functions, shapes=shapes)
    return build(chosen, loss, functions=functions)


def _numbers(chosen: Iterable[Statement]) -> Iterator[str]:
    """What has no step and stands in a quotient, ``dt/τ``, or is a Greek letter that a function
    is of alone, ``σ(ζ)``."""
    for n in (n for s in chosen for n in right_of(s).walk()):
        match n:
            case Quotient() if not any(isinstance(x, Differential) for x in n.walk()):
                found = [x for x in n.walk() if isinstance(x, Symbol)]
            case Call(_, (Symbol(base) as of,)) if base in GREEK.values() and base[0].islower():
                found = [of]
            case _:
                continue
        names = {Naming().read(x) for x in found if x.base not in ("t", "T")}
        if all(index is None for _, index in names):
            yield from (name for name, _ in names)


def _functions(equations: Sequence[Statement]) -> set[str]:
    """Names that stand before a bracket and never alone."""
    before: set[str] = set()
    alone: set[str] = set()
    for s in equations:
        for n in s.node.walk():
            if isinstance(n, Call) and len(n.arguments) > 1 and n.function.subscripts:
                before.add(Naming().read(n.function)[0])  # F_θ(h_{t-1}, x_t)
            if not isinstance(n, Product):
                continue
            for a, b, sign in zip(n.factors, (*n.factors[1:], None), (*n.operators, "end"),
                                  strict=True):  # fmt: skip
                if isinstance(a, Symbol) and (a == Symbol(a.base) or _is_activation(a)):
                    calls = isinstance(b, Group) and b.opening == "(" and sign == ""
                    (before if calls else alone).add(Naming().read(a)[0])
    return {name for name in before - alone if name.islower() or len(name) > 1}


def _is_activation(symbol: Symbol) -> bool:
    """Whether what hangs on a symbol says that it is an activation: ``h_{act}``."""
    name, label = [*Naming().parts(symbol), (None, None)][0][1], symbol
    return name == symbol.base and Naming().read(label)[0] in {
        f"{symbol.base}_{word}" for word in ("act", "activation")
    }


def elementwise(model: Model) -> Model:
    """The model with its functions of one vector, known by name alone, taken entry by entry."""
    names = {
        t.function
        for t in _terms(model)
        if isinstance(t, tm.Abstract) and len(t.arguments) == 1 and t.shape == t.arguments[0].shape
    }

    def change(term: tm.Term) -> tm.Term:
        term = term.rebuilt(change)
        if isinstance(term, tm.Abstract) and term.function in names and len(term.arguments) == 1:
            return tm.Mapped(term.function, term.arguments[0], shape=term.shape, span=term.span)
        return term

    return replace(
        model,
        equations=tuple(replace(e, rhs=change(e.rhs)) for e in model.equations),
        loss=tuple(replace(part, term=change(part.term)) for part in model.loss),
    )


def _terms(model: Model) -> Iterator[tm.Term]:
    for e in model.equations:
        yield from e.rhs.walk()
    for part in model.loss:
        yield from part.term.walk()
