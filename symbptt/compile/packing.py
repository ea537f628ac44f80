"""Parameters put together as a schedule needs them, and their gradients taken apart, as source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import sympy as sp

from symbptt.calculus import nodes as nd
from symbptt.compile.code import linear
from symbptt.compile.operands import Piece
from symbptt.model import Model

Packs = Mapping[str, tuple[Piece, ...]]


def packed(name: str, packs: Packs, size: Callable[[str], str]) -> str:
    """Source for a parameter; ``size`` gives the variable of a dimension."""
    pieces = [_piece(p, size) for p in packs.get(name, (Piece(name),))]
    return pieces[0] if len(pieces) == 1 else f"np.concatenate([{', '.join(pieces)}])"


def _piece(p: Piece, size: Callable[[str], str]) -> str:
    array = f'given["{p.name}"]'
    if p.width is None:
        return array
    start = nd.dimension(p.start)
    first, stop = linear(start, size), linear(start + nd.dimension(p.width), size)
    if p.width == 1:
        return f"{array}[:, {first}]"
    if first == "0":
        return f"{array}[:, :{stop}]" if stop.isidentifier() else f"{array}[:, : {stop}]"
    return f"{array}[:, {first} : {stop}]"


def unpacked(
    model: Model, packs: Packs, gradients: Mapping[str, str], entries: Callable[..., str]
) -> Iterator[tuple[str, str]]:
    """Source for the gradient by each parameter that is a piece of others; ``entries`` writes a
    slice: where it starts, its size and that of the whole."""
    columns: dict[str, dict[int, str]] = {}
    for name, pieces in packs.items():
        height = nd.dimension(model.variables[name].shape[0])
        each = sp.expand(height / len(pieces))
        for i, p in enumerate(pieces):
            part = f"[{entries(i * each, each, height)}]" if len(pieces) > 1 else ""
            columns.setdefault(p.name, {})[p.which] = gradients[name] + part
    for name, found in columns.items():
        parts = [found[which] for which in sorted(found)]
        yield name, parts[0] if len(parts) == 1 else f"np.column_stack([{', '.join(parts)}])"
