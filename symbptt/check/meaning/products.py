"""Sums and products, as a convention takes their signs.

Each function takes first the :class:`Meaning` that says how formulas are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from symbptt.check.meaning import norms
from symbptt.check.meaning.pairs import by_diagonal, times
from symbptt.check.meaning.tensors import (
    Derivative,
    Matrix,
    Value,
    number,
    plus,
    power,
    scaled,
    spread,
)
from symbptt.check.notation.ellipsis import between, continued, is_dots, pattern, short_run
from symbptt.check.notation.prefixes import with_prefixes
from symbptt.check.notation.quantities import MissingError
from symbptt.check.notation.scripts import Steps, step_value, unbracketed
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence import atoms
from symbptt.evidence.residues import P, Residues
from symbptt.formula.tree import Call, Node, Number, Power, Sum, Symbol, Transpose

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning


# -- sums ---------------------------------------------------------------------------------------


def summed(m: Meaning, terms: Sequence[Node], signs: Sequence[int], steps: Steps) -> Value:
    """``a - b + … + c``."""
    found: list[tuple[Value, int]] = []
    for i, (term, sign) in enumerate(zip(terms, signs, strict=True)):
        for x in _abbreviated(terms, i, steps) if is_dots(term) else (term,):
            found.append((m.value(x, steps), sign))
    return total(m, found)


def _abbreviated(parts: Sequence[Node], at: int, steps: Steps) -> Iterator[Node]:
    """What ``…`` stands for between the parts beside it."""
    found = pattern(parts, at)
    if found is None and (chain := continued(parts, at, steps)) is not None:
        yield from chain
        return
    if found is None:
        raise UnknownError("what … abbreviates is not clear", parts[at])
    yield from between(found, steps)


def total(m: Meaning, terms: Sequence[tuple[Value, int]]) -> Value:
    """The sum of values, each with its sign."""
    (first, sign), *rest = terms
    found = scaled(first, number(sign)) if sign < 0 else first
    for x, s in rest:
        found = _plus(m, found, x, s)
    return found


def _plus(m: Meaning, a: Value, b: Value, sign: int) -> Value:
    if (
        isinstance(a, Derivative)
        and isinstance(b, Derivative)
        and (a.array.shape, a.transposed) == (b.array.shape, b.transposed)
    ):
        return Derivative(
            a.of if a.of == b.of else None,
            a.by if a.by == b.by else None,
            (a.array + sign * b.array) % P,
            a.transposed,
        )
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Matrix) and x.is_number and not x.array.any():
            return scaled(y, number(sign)) if y is b else y
    left, right = m.laid_out(a), m.laid_out(b)
    if left.size != right.size and m.convention.diagonals:
        left, right = spread(left, right.size), spread(right, left.size)
    return plus(left, right, sign)


# -- products -----------------------------------------------------------------------------------


def multiplied(
    m: Meaning, factors: Sequence[Node], operators: Sequence[str], steps: Steps
) -> Value:
    """``a b ⊙ c … d``: the values of the factors, multiplied as the convention takes the signs."""
    written = list(_factors(*with_prefixes(factors, operators, m.scope), steps))
    values: list[Value] = []
    kinds: list[str] = []
    beyond = stood = False
    missing: MissingError | None = None
    for i, (sign, factor) in enumerate(written):
        try:
            if _is_row_of_ones(factor):
                x: Value = _ones(m, factor, [f for _, f in written[i + 1 :]], steps)
            else:
                x = m.value(factor, steps)
        except MissingError as error:
            missing = error
            continue
        beyond = beyond or (isinstance(x, Derivative) and x.beyond)
        stands = isinstance(factor, Transpose) and _is_column(m, x)
        kind = m.convention.means(sign)
        turned = [isinstance(f, Transpose) for _, f in written[max(i - 1, 0) : i + 1]]
        if kind == "outer where vectors" and any(turned):
            kind = "outer where columns"
        if (stood or stands) and kind == "outer where columns":
            kind = "matrix"
        elif stands and kind == "fitting" and _is_name(factor, x):
            kind = "fitting, not outer"
        kinds.append(kind)
        values.append(x)
        stood = stands
    if missing is not None:
        if beyond:  # nothing goes on beyond the last step, whatever it is multiplied by
            return number(0)
        raise missing
    if m.convention.diagonals:
        values = _with_slopes(m, written, values, kinds)
    return _grouped(m, values, kinds[1:])


#: Signs of the entrywise product.
_ENTRYWISE = frozenset("⊙∘⊗*")


def _with_slopes(
    m: Meaning,
    factors: Sequence[tuple[str, Node]],
    values: Sequence[Value],
    kinds: Sequence[str],
) -> list[Value]:
    """The values of ``Wᵀ (1 - h²) g`` with the slopes behind a matrix as a diagonal matrix; not
    those of ``Wᵀ ⊙ (1 - h²)``, which is no Jacobian in any layout."""
    found = [*values]
    for i in range(1, len(values)):
        (sign, factor), before, v = factors[i], values[i - 1], values[i]
        if (
            kinds[i] == "matrix"
            and sign not in _ENTRYWISE
            and isinstance(v, Matrix)
            and _is_slope(factor)
            and (isinstance(before, Matrix) or before.fits_a_matrix)
        ):
            n, across = v.size
            rows, columns = m.laid_out(before).size
            if across == 1 and rows > 1 and columns == n > 1:
                found[i] = spread(v, (n, n))
    return found


def _is_slope(node: Node) -> bool:
    """Whether a factor is written as the slopes of a function: ``(1 - h²)``, ``f'(z)``."""
    match unbracketed(node):
        case Sum((Number(one), *_), (1, -1)):
            return one == 1
        case Call(Symbol(primes=primes)) | Symbol(primes=primes):
            return primes > 0
    return False


def _is_row_of_ones(node: Node) -> bool:
    """``1ᵀ``, which the parser takes for a power."""
    match node:
        case Transpose(Number(one)) | Power(Number(one), Symbol("T")) if one == 1:
            return True
    return False


def _ones(m: Meaning, node: Node, behind: Sequence[Node], steps: Steps) -> Matrix:
    """A row of as many ones as what it is multiplied with has rows: ``1ᵀ d``, the sum of ``d``."""
    if not behind:
        raise UnknownError("how many ones there are is not known", node)
    rows, _ = m.laid_out(m.value(behind[0], steps)).size
    return Matrix(np.ones((1, rows), dtype=int).astype(object))


def _is_name(node: Node, x: Value) -> bool:
    """Whether what is transposed is the name of a quantity, which no layout turns."""
    return (
        isinstance(node, Transpose) and isinstance(node.operand, Symbol) and isinstance(x, Matrix)
    )


def _is_column(m: Meaning, x: Value) -> bool:
    """Whether a vector that is written with a transpose stands upright: a product that leaves
    transposes out has no such factor."""
    if isinstance(x, Derivative) and not x.fits_a_matrix:
        return False
    rows, columns = m.laid_out(x).size
    return columns == 1 and rows > 1


def _factors(
    factors: Sequence[Node], operators: Sequence[str], steps: Steps
) -> Iterator[tuple[str, Node]]:
    """Each factor with the sign before it; ``…`` written out."""
    signs = ("", *operators)
    for i, factor in enumerate(factors):
        short = short_run(factors, i, steps) if is_dots(factor) else None
        if short is not None:
            begin, run = short
            between_run = [signs[begin], *(signs[i] for _ in run[1:])]
            fewer = (*factors[:begin], *run, *factors[i + 2 :])
            joined = (*signs[:begin], *between_run, *signs[i + 2 :])
            yield from _factors(fewer, joined[1:], steps)
            return
    for i, (sign, factor) in enumerate(zip(signs, factors, strict=True)):
        for x in _abbreviated(factors, i, steps) if is_dots(factor) else (factor,):
            yield sign, x


def _grouped(m: Meaning, values: Sequence[Value], kinds: Sequence[str]) -> Value:
    """The product from left to right; the kind that binds tighter comes first."""
    if _stand_between(kinds) and m.convention.diagonals:
        values, kinds = _with_diagonals(m, values, kinds)
    mixed = "entrywise" in kinds and {*kinds} != {"entrywise"}
    loose = {"matrix", "outer"} if mixed and m.convention.entrywise_first else {"entrywise"}
    runs = [values[0]]
    between_runs: list[str] = []
    for kind, x in zip(kinds, values[1:], strict=True):
        if kind in loose:
            runs.append(x)
            between_runs.append(kind)
        else:
            runs[-1] = times(m, kind, runs[-1], x)
    found = runs[0]
    for kind, x in zip(between_runs, runs[1:], strict=True):
        found = times(m, kind, found, x)
    return found


def _stand_between(kinds: Sequence[str]) -> bool:
    """Whether a factor stands between two products of matrices."""
    return ("matrix", "matrix") in pairwise(kinds)


def _with_diagonals(
    m: Meaning, factors: Sequence[Value], kinds: Sequence[str]
) -> tuple[list[Value], list[str]]:
    """``A v B`` with what stands between two matrices as the diagonal of one: ``A (v ⊙ B)``."""
    values, signs = [*factors], [*kinds]
    for i in range(len(values) - 2, 0, -1):
        if signs[i - 1 : i + 1] != ["matrix", "matrix"] or not all(
            isinstance(x, Matrix) or x.fits_a_matrix for x in values[i - 1 : i + 2]
        ):
            continue
        before, v, behind = (m.laid_out(x) for x in values[i - 1 : i + 2])
        if before.size[1] == behind.size[0] == v.size[0] and 1 not in (*before.size, *behind.size):
            as_diagonal = by_diagonal(v, behind)
            if as_diagonal is not None:
                values[i : i + 2], signs[i : i + 1] = [as_diagonal], []
    return values, signs


# -- what else is made of values ----------------------------------------------------------------


def transposed(x: Value) -> Value:
    """``xᵀ``."""
    return x.T if isinstance(x, Matrix) else replace(x, transposed=not x.transposed)


def raised(m: Meaning, base: Node, exponent: Node, steps: Steps) -> Value:
    """``A^n`` of a square matrix; else the power of each entry."""
    q = exponent.value if isinstance(exponent, Number) else step_value(exponent, steps)
    if q is None:
        raise UnknownError("an exponent that is no number", exponent)
    square = norms.squared(m, base, steps) if q == 2 else None
    if square is not None:
        return square
    x = m.matrix(base, steps)
    if 1 not in x.size and x.size[0] == x.size[1] and q == int(q) and q >= 0:
        return power(x, int(q))
    if q == 0 and x.is_number:
        return number(1)
    return Matrix(atoms.power(m.world.A, Residues(x.array), Fraction(q)).array)


def stacked(m: Meaning, items: Sequence[Node], steps: Steps) -> Value:
    """``[a; b]``, ``[a, b]``: one column on another (or one row after another)."""
    parts = [m.matrix(x, steps).array for x in items]
    if all(p.shape[1] == 1 for p in parts):
        return Matrix(np.concatenate(parts, axis=0))
    if all(p.shape[0] == 1 for p in parts):
        return Matrix(np.concatenate(parts, axis=1))
    raise UnknownError("a list of matrices is not read here", items[0])
