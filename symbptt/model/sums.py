"""Sizes that add up: ``[h; x]`` is as long as h and x together, a whole as c equal parts of it.

Each stack and each part makes one dimension a sum of multiples of others.  These equations are
solved one after the other, each for a dimension that it has once, in whole numbers from 1 up.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from symbptt.errors import ModelError
from symbptt.model.shapes import DECLARED, Dimensions, Form, Sum


class SizesError(ModelError):
    """Sizes that don't add up, or that a sum leaves open."""


def solve(dims: Dimensions) -> None:
    """Express every dimension that is a sum by those that it adds up.

    Raises :class:`SizesError` for sizes that don't add up, and where a sum leaves them open.
    """
    waiting = dims.sums
    while open_still := [equation for equation in waiting if not _solved(dims, equation)]:
        if len(open_still) == len(waiting):
            why = open_still[0].why
            raise SizesError(
                f"{why} leaves the sizes of its parts open; declare them under [shapes]", why.place
            )
        waiting = open_still  # what the others say may close them


def expanded(dims: Dimensions, terms: Iterable[tuple[int, int]]) -> tuple[Form, int]:
    """A sum of (multiple, dimension) as multiples of free dimensions, by root, and a number."""
    form: Form = {}
    number = 0
    waiting = list(terms)
    while waiting:
        k, dim = waiting.pop(0)
        root = dims.root(dim)
        known = dims.value(root)
        if root in dims.solved:
            below, rest = dims.solved[root]
            waiting += [(k * j, d) for d, j in below.items()]
            number += k * rest
        elif isinstance(known, int):
            number += k * known
        else:
            form[root] = form.get(root, 0) + k
    return {root: k for root, k in form.items() if k}, number


def _solved(dims: Dimensions, equation: Sum) -> bool:
    """Solve an equation for one of its dimensions; False if that takes more than is known."""
    left, rest = expanded(dims, [(1, equation.whole), *((-k, d) for k, d in equation.parts)])
    number = -rest  # what the sum on the left is equal to
    least = sum(left.values())  # what the left is if every size is 1
    too_small = number < least and all(k > 0 for k in left.values())
    too_large = number > least and all(k < 0 for k in left.values())
    common = gcd(*left.values()) or 1
    if too_small or too_large or number % common:
        raise _impossible(dims, equation)
    left, number = {dim: k // common for dim, k in left.items()}, number // common
    if not left:
        return True
    if sorted(left.values()) == [-1, 1] and not number:
        one, other = left
        dims.unify(one, other, equation.why)
        return True
    whole = dims.root(equation.whole)
    # First what the equation is about, then what the user has not named.
    for dim in sorted(left, key=lambda d: (d != whole, dims.value(d) is not None)):
        sign = left[dim]
        others = {d: -sign * k for d, k in left.items() if d != dim}
        if abs(sign) == 1 and min((*others.values(), sign * number)) >= 0:
            if others:
                dims.solved[dim] = others, sign * number
            else:
                dims.unify(dim, dims.constant(sign * number), equation.why)
            return True
    return False


def _impossible(dims: Dimensions, equation: Sum) -> SizesError:
    ((many, _), *more) = equation.parts
    whole = dims.value(equation.whole)
    if equation.why.rule.startswith(DECLARED):
        what = f"{equation.why.rule} is a sum that the equations contradict"
    elif many > 1 and not more:
        entries = f"a vector of {whole}" if isinstance(whole, int) else "this vector"
        what = f"{equation.why} is one of {many} equal parts, which {entries} does not have"
    else:
        sizes = [dims.value(dim) for dim in (equation.whole, *(dim for _, dim in equation.parts))]
        known = all(isinstance(size, int) for size in sizes)
        sum_text = f": {sizes[0]} is not {' + '.join(map(str, sizes[1:]))}" if known else ""
        what = f"{equation.why} can't be as long as its parts together{sum_text}"
    return SizesError(f"shape conflict: {what}", equation.why.place)
