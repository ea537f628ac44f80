"""Big operators, ``Σ`` and ``∏``, and what their index runs over.

Each function takes first the :class:`Meaning` that says how formulas are read.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from symbptt.check.meaning.entries import extent
from symbptt.check.meaning.pairs import times
from symbptt.check.meaning.products import total
from symbptt.check.meaning.tensors import Layout, Value, number
from symbptt.check.notation.quantities import MissingError, OutOfRangeError
from symbptt.check.notation.scripts import Steps, letters, step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.formula.bounds import bounded
from symbptt.formula.tree import BigOperator, Node, Number, Sum, Symbol

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning


#: How many terms a sum may have.
MOST_TERMS = 64
#: What the kinds of big operators are called.
WORDS = {"sum": "sum", "prod": "product"}


def big(m: Meaning, node: BigOperator, steps: Steps) -> Value:
    """The sum or the product over a range."""
    letter = node.index.base if isinstance(node.index, Symbol) else None
    if _is_bare(node) and node.domain is None:
        letter = "t"  # Σ δ_t: over the steps
    if letter is None:
        raise UnknownError("the range of this sum or product is not read", node)
    unordered = node.domain is not None  # ∏_{t ≥ i > k}: the factors stand as the layout wants
    node = bounded(node)
    if node.domain is not None:
        raise UnknownError("the range of this sum or product is not read", node)
    values: list[Value] = []
    inside = replace(m, within_sum=True)
    missing: MissingError | None = None
    over = range_of(m, node, letter, steps)
    down = runs_down(node, m.scope.horizons)
    if len(over) > MOST_TERMS:
        raise UnknownError(f"a {WORDS[node.kind]} over {len(over)} steps is not tried", node)
    for at in over:
        try:
            values.append(inside.value(node.body, {**steps, letter: at}))
        except MissingError as error:
            missing = error
    if missing is not None and not (node.kind == "sum" and m.convention.missing_left_out):
        if values and (over[0] >= 1 or isinstance(node.lower, Number)):  # the range is wrong
            raise OutOfRangeError(str(missing))
        raise missing
    if node.kind == "sum":
        return total(m, [(x, 1) for x in values]) if values else number(0)
    last_first = len(values) > 1 and m.convention.descending
    if unordered:
        last_first = m.convention.layout is not Layout.DENOMINATOR
    if last_first and not down:
        values.reverse()
    return reduce(lambda a, b: times(m, "matrix", a, b), values) if values else number(1)


def _is_bare(node: BigOperator) -> bool:
    return node.index is None and node.lower is None and node.upper is None


def range_of(m: Meaning, node: BigOperator, letter: str, steps: Steps) -> range:
    """The steps, or the entries, that the index of a sum or a product runs over."""
    layers = m.scope.layers
    size = None if letter in ("t", "tau") else extent(m, letter, node.body)
    if layers is not None and letter == layers.letter:
        size = layers.count
    last = m.world.T if size is None else size
    lower: int | None
    if node.lower is not None:
        lower = step_value(node.lower, steps)
    elif _is_bare(node) and size is None:
        lower = 1
    else:
        lower = 0 if m.convention.missing_left_out else 1
    upper = last if node.upper is None else step_value(node.upper, steps)
    if upper is None and size is not None:  # Σ_{j=1}^{n}: n is how many there are
        upper = size
    if lower is None or upper is None:
        raise UnknownError("the range of this sum or product is not read", node)
    if runs_down(node, m.scope.horizons):
        return range(lower, upper - 1, -1)
    return range(lower, upper + 1)


def runs_down(node: BigOperator, horizons: frozenset[str]) -> bool:
    """Whether a range is written from its last step down: ``∏_{j=t}^{k+1}``, ``Σ_{t=T}^{1}``."""
    first, last = node.lower, node.upper
    if first is None or last is None or isinstance(first, Number):
        return False
    if isinstance(last, Number):
        return last.value <= 1
    a, b = ({*letters(x)} for x in (first, last))
    if a & b or b & horizons:
        return False
    return bool(a & horizons) or _shift(last) - _shift(first) == 1


def runs_back(node: BigOperator, steps: Steps, horizons: frozenset[str]) -> bool:
    """Whether a range ends before it begins, as it is written: up, or down."""
    if node.lower is None or node.upper is None:
        return False
    first, last = step_value(node.lower, steps), step_value(node.upper, steps)
    if first is None or last is None:
        return False
    return last > first + 1 if runs_down(node, horizons) else last < first - 1


def _shift(node: Node) -> Fraction:
    """1 in ``k + 1``, -1 in ``t - 1``."""
    match node:
        case Sum((Symbol(), Number(value)), (1, sign)):
            return sign * value
    return Fraction(0)
