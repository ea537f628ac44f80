"""The constant factors of a loss: ``1/T`` of a mean, ½ of a squared error, the 2 of a square."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

from symbptt.formula.tree import Node, Number, Product, Quotient, Symbol
from symbptt.model import terms as tm
from symbptt.model.model import Model

_ONE = Number(Fraction(1))
#: One over the number of steps.
MEAN = Quotient(_ONE, Symbol("T"))


def scales(model: Model) -> list[Node]:
    """The constant factors that all of a loss has, alone and together."""
    terms = [part.term for part in model.loss]
    if not terms:
        return []
    first, *others = ([*_factors(term)] for term in terms)
    every = [f for f in first if all(f in other for other in others)]
    return [
        chosen[0] if many == 1 else Product(chosen, ("",) * (many - 1))
        for many in range(1, len(every) + 1) for chosen in combinations(every, many)
    ]  # fmt: skip


def _factors(term: tm.Term) -> Iterator[Node]:
    numbers = False
    for x in _leaves(term):
        match x:
            case tm.Constant(value=value) if abs(value) != 1:
                numbers = True
                yield Number(abs(value))
            case tm.Raised(base=tm.Horizon(), exponent=Fraction(numerator=-1, denominator=1)):
                yield MEAN
            case tm.Raised(base=tm.Ref(name, None), exponent=Fraction(numerator=-1, denominator=1)):
                yield Quotient(_ONE, Symbol(name))
    if not numbers and any(map(_is_square, _leaves(term))):
        yield Number(Fraction(2))


def _leaves(term: tm.Term) -> Iterator[tm.Term]:
    """What is multiplied by numbers, and these numbers."""
    match term:
        case tm.Scaled(scalar=scalar, operand=operand):
            yield from _leaves(scalar)
            yield from _leaves(operand)
        case _:
            yield term


def _is_square(term: tm.Term) -> bool:
    """Whether a term is a squared error without a factor."""
    match term:
        case tm.Matmul(factors=(tm.Transposed(operand=a), b)):
            return a == b
        case tm.Total(operand=tm.Raised(exponent=exponent)) | tm.Raised(exponent=exponent):
            return exponent == 2
    return False
