"""Matrices that multiply stacks, as a matrix for each part: ``W [h_{t-1}; x_t]`` has two.

What multiplies the input then leaves the loop over t, and what multiplies the state stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from symbptt.compile.rewriting import new_variable, rewritten, used_once
from symbptt.model import Model
from symbptt.model import terms as tm


@dataclass(frozen=True)
class Piece:
    """A parameter of the user's, or the columns of one from ``start`` on, ``width`` of them: the
    first, second, … ``which`` that it was taken apart to."""

    name: str
    which: int = 0
    start: tm.Dim = 0
    width: tm.Dim | None = None


@dataclass(frozen=True)
class Gathered:
    """A model whose gates are gathered; ``packs`` says which pieces, on top of one another, each
    new parameter has."""

    model: Model
    packs: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)


def without_stacks(model: Model) -> Gathered:
    """``W [h_{t-1}; x_t]`` as ``W_1 h_{t-1} + W_2 x_t``."""
    packs: dict[str, tuple[Piece, ...]] = {}
    variables, once = dict(model.variables), used_once(model)

    def change(term: tm.Term) -> tm.Term:
        match term:
            case tm.Matmul((tm.Ref(name, None), tm.Stack(parts))) if (
                name in once and term.shape[1] == 1
            ):
                whole, products, start = variables.pop(name), [], tm.summed((), 0)
                for i, part in enumerate(parts, start=1):
                    shape = whole.shape[0], part.shape[0]
                    new = new_variable(f"{name}_{i}", shape, variables)
                    packs[new.name] = (Piece(name, i, start, part.shape[0]),)
                    start = _added(start, part.shape[0])
                    matrix = tm.Ref(new.name, None, shape=shape)
                    products.append(_product(matrix, part, term.shape))
                return tm.Plus(tuple(products), shape=term.shape, span=term.span)
            case tm.Plus(terms):
                changed = [change(t) for t in terms]
                flat = (t.terms if isinstance(t, tm.Plus) else (t,) for t in changed)
                return replace(term, terms=tuple(t for ts in flat for t in ts))
        return term.rebuilt(change)

    return Gathered(replace(rewritten(model, change), variables=variables), packs)


def _product(matrix: tm.Term, operand: tm.Term, shape: tm.Shape) -> tm.Term:
    factors = operand.factors if isinstance(operand, tm.Matmul) else (operand,)
    return tm.Matmul((matrix, *factors), shape=shape)


def _added(a: tm.Dim, b: tm.Dim) -> tm.Dim:
    one, two = tm.as_sum(a), tm.as_sum(b)
    return tm.summed((*one.terms, *two.terms), one.number + two.number)
