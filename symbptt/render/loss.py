"""The loss as the model states it: which scalar is added, with which weight, at which steps."""

from __future__ import annotations

from collections.abc import Iterator

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.translate import translate
from symbptt.model import terms as tm
from symbptt.model.functions import ACTIVATIONS, LOSSES
from symbptt.model.model import LossTerm, Model
from symbptt.model.terms import Index
from symbptt.render.printer import Printer


def written_loss(model: Model, printer: Printer) -> str:
    """The right side of ``L = …``."""
    parts = [_part(part, model, printer) for part in model.loss]
    text = parts[0]
    for part in parts[1:]:
        text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
    return text


def _part(part: LossTerm, model: Model, printer: Printer) -> str:
    """One sum over time, one step's term, or a penalty."""
    steps, dialect = part.steps, printer.dialect
    weights, term = _weights(part.term)
    weight = "".join(_term(w, Index("t"), model, printer) + dialect.space for w in weights)
    weight = "-" + weight[2:].lstrip() if weight.startswith("-1 ") else weight
    when = Index("t")
    if steps.members is not None and len(steps.members) == 1:
        head, when = "", steps.members[0]
    elif steps.members is not None:
        head = dialect.sum_in("t", [str(m) for m in steps.members])
    else:
        head = dialect.sum_over("t", str(steps.first), str(steps.last))
    body = _term(term, when, model, printer)
    loose = " + " in body or body.startswith("-") or " - " in body
    return weight + head + (dialect.bracket(body) if loose and weight + head else body)


def _weights(term: tm.Term) -> tuple[list[tm.Term], tm.Term]:
    """The factors of a loss that are the same at every step, and the rest."""
    found: list[tm.Term] = []
    while isinstance(term, tm.Scaled) and not any(
        isinstance(x, tm.Ref) and x.index is not None for x in term.scalar.walk()
    ):
        found.append(term.scalar)
        term = term.operand
    return found, term


def _term(term: tm.Term, when: Index, model: Model, printer: Printer) -> str:
    """A scalar of the loss, a named one by its name."""
    if isinstance(term, tm.Named):
        inside = ", ".join(_term(a, when, model, printer) for a in term.arguments)
        name = printer.dialect.function(term.function, 0)
        return name + printer.dialect.bracket(inside)
    return printer(al.at(translate(model, term), nd.step(when)))


def named_losses(model: Model) -> Iterator[str]:
    """The losses of the table that a model uses, wherever it does."""
    for term in (*(e.rhs for e in model.equations), *(p.term for p in model.loss)):
        named = (x.function for x in term.walk() if isinstance(x, tm.Named))
        yield from (name for name in named if name in LOSSES)


def primed_activations(model: Model) -> Iterator[str]:
    """The activations of a model whose derivative prints as ``f'(z)``."""
    for term in (*(e.rhs for e in model.equations), *(p.term for p in model.loss)):
        for x in term.walk():
            row = ACTIVATIONS.get(x.function) if isinstance(x, tm.Mapped) else None
            if isinstance(x, tm.Mapped) and row and row.in_output is None and not row.shown:
                yield x.function
