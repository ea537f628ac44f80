"""Whether a model's loss is all that its document says of it.

What is read of a loss may be a part of it: ``L = Σ_t L_t + R`` with an R that nothing of the
network is in, ``J = L + λ‖W‖²`` beside L, ``Σ_t w_t L_t`` where no weights are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symbptt.check.networks.bindings import USUAL_LOSSES
from symbptt.check.networks.parts import Part, has_derivative
from symbptt.check.notation.scripts import is_time, scripts
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.functions import canonical
from symbptt.model.model import Model

#: A cell, or what is read as one, is no loss by its letter.
_LETTERS = LOSSES - {"C", "l", "error"}


def goes_beyond(model: Model, given: Iterable[tuple[Node, Node]], *, stated: bool) -> bool:
    """Whether a document says more of its loss than a model has; ``given``: what it says equals
    what; ``stated``: the model's is by a formula of the document."""
    own = frozenset({model.loss_name} if stated else ())
    return has_foreign_summand(model) or any(
        is_of_another(*sides, own) or is_a_part(*sides) for sides in given
    )


def has_foreign_summand(model: Model) -> bool:
    """Whether a summand of the loss has nothing of the network: ``R`` in ``Σ_t L_t + R``."""
    inside = {e.name for e in model.equations}
    inside |= {x.name for e in model.equations for x in _refs(e.rhs)}
    return any(
        names and not names & inside
        for part in model.loss for term in _summands(part.term)
        for names in [{x.name for x in _refs(term)}]
    )  # fmt: skip


def _refs(term: tm.Term) -> Iterator[tm.Ref]:
    return (x for x in term.walk() if isinstance(x, tm.Ref))


def _summands(term: tm.Term) -> Iterator[tm.Term]:
    match term:
        case tm.Plus(terms):
            for x in terms:
                yield from _summands(x)
        case _:
            yield term


def is_a_part(left: Node, right: Node) -> bool:
    """Whether a formula gives a part of the loss that has a number, as steps have: ``L_2 = Σ_t …``,
    and not ``L_2 = ½ ‖y_2 - d_2‖²``."""
    match left:
        case Symbol(base, subscripts=(Number(),)) if base in _LETTERS:
            return any(isinstance(n, BigOperator) and n.index == Symbol("t") for n in right.walk())
    return False


def is_of_another(left: Node, right: Node, stated: frozenset[str]) -> bool:
    """Whether a formula makes an objective of a loss, other than by adding up the steps, that is
    not the one ``stated``: ``J = -L``."""
    if _base(left) not in _LETTERS - stated or has_derivative(right):
        return False
    return _has_loss(right) and not _adds_up(right)


def compares_what_is_computed(model: Model) -> bool:
    """Whether a cross-entropy is one with what an equation gives, whose entries may sum to 1:
    smoothed targets."""
    entropies = (
        x for part in model.loss for x in part.term.walk()
        if isinstance(x, tm.Named) and x.function.endswith("cross_entropy")
    )  # fmt: skip
    given = {e.name for e in model.equations}
    return any(x.name in given for e in entropies for x in _refs(e.arguments[1]))


def has_other_base(part: Part) -> bool:
    """Whether a loss has a logarithm to another base than e: ``log_2``."""
    calls = (n.function for n in part.right.walk() if isinstance(n, Call))
    logarithms = (f for f in calls if canonical(f.base) == "log")
    return _base(part.left) in _LETTERS and any(f.subscripts for f in logarithms)


def _has_loss(node: Node) -> bool:
    return any(isinstance(n, Symbol) and n.base in _LETTERS for n in node.walk())


def _base(node: Node) -> str | None:
    match node:
        case Symbol(base) | Call(Symbol(base)) | Product((Symbol(base), Group()), ("",)):
            return base
    return None


def _adds_up(node: Node, scaled: bool = False) -> bool:
    """Whether a formula is a loss, that of all steps as a sum or as a mean, or of some by name."""
    match node:
        case Symbol(base) | Call(Symbol(base)) | Product((Symbol(base), Group()), ("",)):
            return base in _LETTERS and not scaled
        case Group(_, (inner,)) | Sum((inner,), (1,)):
            return _adds_up(inner, scaled)
        case BigOperator("sum", inner) | Sum((BigOperator("sum", inner),), (-1,)):
            return _adds_up(inner)  # the minus of a sum of entropies is often said twice
        case Quotient(above, below):
            return not _has_loss(below) and _adds_up(above, scaled=True)
        case Product((Quotient() | Number() as factor, inner)):
            return not _has_loss(factor) and _adds_up(inner, scaled=True)
        case Sum(terms):
            steps = all(isinstance(x, Symbol) and _has_step(x) for x in terms)
            return steps and {_base(x) for x in terms} <= _LETTERS
    return False


def _has_step(s: Symbol) -> bool:
    """Whether a loss is that of a step, or one by its number."""
    return any(is_time(x) or isinstance(x, Number) for x in scripts(s))


def usual_of(formulas: Sequence[Node]) -> frozenset[str]:
    """The usual losses that one may be, where none of its formulas is read as the loss: a
    cross-entropy, by the logarithms of one thing and nothing else than another."""
    if not formulas:
        return frozenset(USUAL_LOSSES)
    return frozenset({"cross_entropy"} if all(map(is_entropy, formulas)) else ())


#: The functions that a cross-entropy may be of.
_OUTPUTS = frozenset({"log", "softmax", "sigmoid"})


def is_entropy(formula: Node) -> bool:
    """Whether a formula has a logarithm, and nothing but two things that are compared, at all
    steps and each at its own: neither ``y_{t+1}`` nor a sum up to ``T - 1``."""
    every = [*formula.walk()]
    functions = {canonical(n.function.base) for n in every if isinstance(n, Call)}
    letters = {(n.base, n.accents) for n in _values(formula)}
    numbers = {abs(n.value) for n in every if isinstance(n, Number)}
    return (
        {"log"} <= functions <= _OUTPUTS
        and len(letters) < 3
        and numbers <= {0, 1}
        and not any(isinstance(n, Power | Quotient) for n in every)
        and all(_is_whole(n) for n in every if isinstance(n, BigOperator))
        and not any(isinstance(x, Sum) for n in every if isinstance(n, Symbol) for x in scripts(n))
    )


def _is_whole(total: BigOperator) -> bool:
    """Whether a sum is over all that there is."""
    match total:
        case BigOperator(
            "sum", lower=None | Number(), upper=None | Number() | Symbol(), domain=None
        ):
            return True
    return False


def _values(node: Node) -> Iterator[Symbol]:
    """The symbols of a formula that are no functions, letters of sums, or scripts."""
    match node:
        case Symbol():
            yield node
        case Call(arguments=inner):
            for x in inner:
                yield from _values(x)
        case BigOperator(body=body):
            yield from _values(body)
        case _:
            for x in node.children():
                yield from _values(x)
