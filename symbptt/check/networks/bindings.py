"""What a document leaves open in its model, taken as what its formulas write.

A function known by name alone is tanh where ``1 - h²`` stands for its derivative; a loss is the
cross-entropy where ``ŷ - y`` stands for its gradient.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from symbptt.check.meaning.regrouped import is_square
from symbptt.check.notation.language import said
from symbptt.check.notation.scripts import ENTRY_LETTERS
from symbptt.formula.tree import (
    Call,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Subscripted,
    Sum,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.functions import ACTIVATIONS
from symbptt.model.model import Model, Role

#: The squared error without a half.
WHOLE = "the squared error"
#: What a loss usually is, by its name.
USUAL_LOSSES = {
    "cross_entropy": "the cross-entropy",
    "squared_error": "half the squared error",
    "whole_squared_error": WHOLE,
}


def difference(node: Node) -> tuple[Symbol, ...]:
    """The output and the target of ``ŷ - y``, or of ``ŷ_i - 1_{i=y}``; nothing of another sum."""
    match node:
        case Sum((Symbol() as a, Symbol() as b), (1, -1) | (-1, 1)):
            return a, b
        case Sum((Symbol() as a, Subscripted(Number(), (Relation(sides, ("=",)),))), (1, -1)):
            y = tuple(x for x in sides if isinstance(x, Symbol) and x.base not in ENTRY_LETTERS)
            below = tuple(p for p in a.subscripts if p not in sides)
            return replace(a, subscripts=below), *y
    return ()


def _logistic(node: Node) -> bool:
    """``h ⊙ (1 - h)``."""
    match node:
        case Product(factors):
            return any(
                isinstance(f, Group) and isinstance(f.items[0], Sum)
                and f.items[0].terms == (Number(Fraction(1)), g)
                for f in factors for g in factors
            )  # fmt: skip
    return False


#: What a document says that its loss is.
LOSS_WORDS = {
    "cross_entropy": said("names the cross-entropy"),
}


#: How the derivative of an activation looks where it is written by its value.
ACTIVATION_SIGNS = {"tanh": is_square, "sigmoid": _logistic}


def with_activation(model: Model, names: frozenset[str], function: str) -> Model:
    """A model in which functions known by name alone are an activation; the last ones stay."""

    def change(term: tm.Term) -> tm.Term:
        term = term.rebuilt(change)
        if isinstance(term, tm.Mapped) and term.function in names and term.function in inner:
            return replace(term, function=function)
        return term

    states = {q.name for q in model.with_role(Role.STATE)}
    inner = {
        t.function for e in model.equations if e.name in states
        for t in e.rhs.walk() if isinstance(t, tm.Mapped)
    }  # fmt: skip
    return replace(model, equations=tuple(replace(e, rhs=change(e.rhs)) for e in model.equations))


#: Where one thing that a text says ends.
_ENDS = re.compile(r"[.;!?。；！？](?=\s|$)|\n\s*\n")
#: What says that a loss is another than the one that is named, or more than it.
_QUALIFIED = said("qualifies a loss")


_ENTROPY, _SQUARED = said("speaks of an entropy"), said("speaks of a squared error")


def is_squared(words: str) -> bool:
    """Whether a text speaks of a squared error, and of no entropy.

    >>> is_squared("The loss is the MSE."), is_squared("MSE, or the cross-entropy.")
    (True, False)
    """
    return _SQUARED.search(words) is not None and _ENTROPY.search(words) is None


def spoken_loss(words: str) -> str | None:
    """The loss that a text names."""
    return next((name for name, sign in LOSS_WORDS.items() if sign.search(words)), None)


#: What says that states begin at zero, in words and in formulas that are not read.
_FROM_ZERO = said("begins at zero")
_ZEROS = re.compile(r"_\{?(?:0|-1)\}?\s*=\s*(?:\[\s*0|\\(?:vec|mathbf|boldsymbol|bm)\s*\{?\s*0)")


def begins_at_zero(words: str) -> bool:
    """Whether a text says that states begin at zero."""
    return any(sign.search(words) for sign in (_FROM_ZERO, _ZEROS))


def qualifies_loss(words: str) -> bool:
    """Whether a text names a loss and says that it is weighted, divided, or not the one.

    >>> qualifies_loss("The loss is the cross-entropy. The mean of x is zero.")
    False
    >>> qualifies_loss("The loss is the cross-entropy, averaged over the steps.")
    True
    """
    said = (x for x in _ENDS.split(words) if any(s.search(x) for s in LOSS_WORDS.values()))
    return any(_QUALIFIED.search(x) for x in said)


def signs_in(claim: Node) -> list[str]:
    """The activations whose derivatives a claim seems to write by their values."""
    return [
        f for f, sign in ACTIVATION_SIGNS.items()
        if any(sign(n) or (isinstance(n, Call) and n.function.base == f) for n in claim.walk())
    ]  # fmt: skip


#: What a text calls tanh, and what it calls the sigmoid.
_TANH = said("names tanh")
_SIGMOID = said("names the sigmoid")
#: What says that a function known by name may be the identity.
_IDENTITY = said("says what a function may be")


def leaves_sigma_open(words: str) -> bool:
    """Whether a text speaks of tanh and never of the sigmoid, so that σ may be any activation."""
    return _TANH.search(words) is not None and _SIGMOID.search(words) is None


def may_be_identity(words: str) -> bool:
    """Whether a text says that a function may be the identity: ``softmax or identity``."""
    return _IDENTITY.search(words) is not None


def open_functions(model: Model) -> list[str]:
    """The functions that nothing says more of than a name."""
    return sorted(f for f in called_in(model) if f not in ACTIVATIONS)


def called_in(model: Model) -> frozenset[str]:
    """The functions that a model knows by name alone."""
    terms = [t for e in model.equations for t in e.rhs.walk()]
    return frozenset(t.function for t in terms if isinstance(t, tm.Mapped | tm.Abstract))
