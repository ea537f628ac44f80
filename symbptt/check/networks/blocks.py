"""Symbols for blocks of a weight that a document stacks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbptt.check.meaning.conventions import Reading
from symbptt.check.networks.guessed import LOOSE, reading, shown
from symbptt.check.notation.meant import Definition
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import (
    Call,
    Number,
    Symbol,
)
from symbptt.model import terms as tm
from symbptt.model.model import Model


def blocks(name: str, scope: Scope) -> Iterator[tuple[Reading, Scope]]:
    """``W_{z,h}`` as the part of W_z that h is multiplied with, where z is of ``W_z [h, x]``."""
    for weight, stack in _stacked(scope.model):
        refs = [[x for x in part.walk() if isinstance(x, tm.Ref)] for part in stack.parts]
        for k, inside in enumerate(refs):
            for q in sorted({x.name for x in inside}):
                alone = not any(x.name == q for other in refs if other != inside for x in other)
                if not alone or name not in _names_of_block(weight, q):
                    continue
                sized = (
                    Symbol(next(x.name for x in r if x.shape == part.shape), (), (Symbol("T"),))
                    for r, part in zip(refs, stack.parts, strict=True)
                )
                body = Call(Symbol("block"), (Number(Fraction(k)), Symbol(weight), *sized))
                row = reading(
                    f"{shown(name)} is the part of {shown(weight)} for {q}",
                    f"{shown(weight)} is multiplied with {q} and more, stacked",
                    f"{LOOSE}{name}",
                )
                yield row, scope.with_definition(name, Definition(body, None))


def _names_of_block(weight: str, q: str) -> set[str]:
    """What the part of a matrix for a vector is called: ``W_zh``, ``W_{h,z}``."""
    base, _, of = weight.partition("_")
    return {f"{base}_{a}{sep}{b}" for a, b in ((of, q), (q, of)) for sep in ("", "_") if of}


def _stacked(model: Model) -> Iterator[tuple[str, tm.Stack]]:
    """The parameters that are multiplied with stacked vectors."""
    for e in model.equations:
        for x in e.rhs.walk():
            match x:
                case tm.Matmul(factors):
                    weights = [f.name for f in factors if isinstance(f, tm.Ref)]
                    stacks = [f for f in factors if isinstance(f, tm.Stack)]
                    if len(factors) == 2 and len(weights) == len(stacks) == 1:
                        yield weights[0], stacks[0]
