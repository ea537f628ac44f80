"""From drafts to terms, once every dimension is settled and has a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import chain, count
from typing import cast

from symbptt.model import terms as tm
from symbptt.model.draft import Draft
from symbptt.model.shapes import Dimensions
from symbptt.model.sums import expanded

#: Letters for a dimension, by what it is the size of first: states, then inputs, then the rest.
POOLS = {"state": "npqr", "input": "mluv", "output": "kjhw"}


def name_dimensions(
    dims: Dimensions, wanted: Iterable[tuple[int, str]], taken: frozenset[str]
) -> Callable[[int], tm.Dim]:
    """Letters for all dimensions that are not a known number: n, m, k, …

    ``wanted`` lists dimensions with the pool they prefer, most deserving first.  A letter
    that a symbol of the model uses is not taken again.
    """
    names: dict[int, str] = {}
    used = set(taken) | {str(d) for d in dims.constants}
    for dim, pool in wanted:
        for root in expanded(dims, [(1, dim)])[0]:  # the dimension itself, or what it adds up
            if dims.value(root) is None and root not in names:
                spare = (f"{POOLS[pool][0]}{i}" for i in count(1))
                names[root] = next(c for c in chain(POOLS[pool], spare) if c not in used)
                used.add(names[root])

    def dim_of(dim: int) -> tm.Dim:
        known = dims.value(dim)
        if dims.root(dim) in dims.solved:
            form, number = expanded(dims, [(1, dim)])
            terms = sorted((order.index(root), str(dim_of(root)), k) for root, k in form.items())
            return tm.summed(((name, k) for _, name, k in terms), number)
        return known if known is not None else names[dims.root(dim)]

    # A sum has its letters in the order in which they were given, after those of the user.
    order = [*map(dims.root, dims.constants.values()), *names]

    return dim_of


def finish(draft: Draft, dim_of: Callable[[int], tm.Dim]) -> tm.Term:
    """The term a settled draft stands for."""
    shape = (dim_of(draft.rows), dim_of(draft.cols))
    below = tuple(finish(child, dim_of) for child in draft.children)
    span, data = draft.span, draft.data
    kind = draft.kind
    if kind is tm.Ref:
        name, index = cast(tuple[str, tm.Index | None], data)
        return tm.Ref(name, index, shape=shape, span=span)
    if kind is tm.Extent:
        return tm.Extent(dim_of(cast(int, data[0])), shape=shape, span=span)
    if kind is tm.Horizon:
        return tm.Horizon(shape=shape, span=span)
    if kind is tm.Constant:
        return tm.Constant(cast(Fraction, data[0]), shape=shape, span=span)
    if kind is tm.Raised:
        return tm.Raised(below[0], cast(Fraction, data[0]), shape=shape, span=span)
    if kind is tm.Plus:
        return tm.Plus(_flat(tm.Plus, below), shape=shape, span=span)
    if kind is tm.Matmul:
        return tm.Matmul(_flat(tm.Matmul, below), shape=shape, span=span)
    if kind is tm.Odot:
        return tm.Odot(_flat(tm.Odot, below), shape=shape, span=span)
    if kind is tm.Scaled:
        return _scaled(below[0], below[1], shape, draft)
    if kind is tm.Mapped or kind is tm.VectorMapped:
        return kind(cast(str, data[0]), below[0], shape=shape, span=span)
    if kind is tm.Abstract:
        return tm.Abstract(cast(str, data[0]), below, shape=shape, span=span)
    if kind is tm.Named:
        return tm.Named(cast(str, data[0]), below[:-1], below[-1], shape=shape, span=span)
    if kind is tm.Stack:
        return tm.Stack(below, shape=shape, span=span)
    if kind is tm.Part:
        which, of = cast(tuple[int, int], data)
        return tm.Part(below[0], which, of, shape=shape, span=span)
    if kind is tm.Total:
        return tm.Total(below[0], shape=shape, span=span)
    if kind is tm.Transposed:
        return tm.Transposed(below[0], shape=shape, span=span)
    raise AssertionError(f"no term for {kind}")


def _flat(kind: type[tm.Term], below: tuple[tm.Term, ...]) -> tuple[tm.Term, ...]:
    """Sums in sums and products in products of the same kind, as one."""
    parts: list[tm.Term] = []
    for term in below:
        parts += term.children() if isinstance(term, kind) else [term]
    return tuple(parts)


def _scaled(scalar: tm.Term, operand: tm.Term, shape: tm.Shape, draft: Draft) -> tm.Term:
    if shape == tm.SCALAR and operand.span.start < scalar.span.start:
        scalar, operand = operand, scalar  # of two scalars, the one written first comes first
    if isinstance(scalar, tm.Constant) and scalar.value == 1:
        return operand
    inner = operand.scalar if isinstance(operand, tm.Scaled) else None
    if isinstance(scalar, tm.Constant) and isinstance(inner, tm.Constant):
        # 1/2 · (-1 · a) is -1/2 · a
        assert isinstance(operand, tm.Scaled)
        operand = operand.operand
        scalar = tm.Constant(scalar.value * inner.value, shape=tm.SCALAR, span=scalar.span)
        if scalar.value == 1:
            return operand
    return tm.Scaled(scalar, operand, shape=shape, span=draft.span)
