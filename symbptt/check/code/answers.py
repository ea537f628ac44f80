"""What a program returned: the loss, and which array is the gradient by which parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from symbptt.check.code.names import LOSSES, Names, plain

Array = npt.NDArray[np.float64]


@dataclass
class Answer:
    """Gradients by symbol, with the names they have in the program, and the loss."""

    gradients: dict[str, Array] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    loss: Array | None = None
    loose: list[Array] = field(default_factory=list)
    in_order: bool = False


def answer(
    tree: Any,
    arrays: Sequence[Array],
    written: ast.expr | None,
    names: Names,
    order: Sequence[str],
) -> Answer:
    """Read what was returned, by the keys of dicts and the names after ``return``.

    Where no name says anything, as many arrays as there are parameters are their gradients in
    their ``order`` among the arguments.
    """
    found = Answer()
    weak: set[str] = set()
    for value, label, first in _leaves(tree, written):
        array = arrays[value]
        pairs = ((g, word) for word in label if (g := names.gradient(word)) is not None)
        by, word = next(pairs, (None, ""))
        called = any(plain(w) in LOSSES for w in label)
        if by is not None and not (called and array.ndim == 0):
            meaning = names.meaning(word)
            bare = meaning is not None and meaning.name == by  # W, which dW beside it outdoes
            if by not in found.gradients or (by in weak and not bare):
                found.gradients[by], found.labels[by] = array, word
                weak = weak | {by} if bare else weak - {by}
        elif array.size == 1 and found.loss is None and (called or first):
            found.loss = array.reshape(())
        elif array.ndim:
            found.loose.append(array)
    if not found.gradients and order and len(found.loose) == len(order):
        found.gradients = dict(zip(order, found.loose, strict=True))
        found.in_order = True
    return found


def _leaves(
    tree: Any, written: ast.expr | None, label: tuple[str, ...] = (), first: bool = True
) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """The arrays that were returned: number, names, and whether it is the first thing."""
    kind = tree[0]
    if kind == "array":
        yield tree[1], label or _words(written), first
    elif kind == "dict":
        for key, value in tree[1]:
            yield from _leaves(value, None, (key,), False)
    elif kind == "list":
        parts: Sequence[ast.expr | None] = [None] * len(tree[1])
        if isinstance(written, ast.Tuple | ast.List) and len(written.elts) == len(parts):
            parts = written.elts
        for i, (value, part) in enumerate(zip(tree[1], parts, strict=True)):
            yield from _leaves(value, part, () if part is not None else label, first and i == 0)


def _words(written: ast.expr | None) -> tuple[str, ...]:
    """The names in an expression: ``np.clip(dW, -5, 5)`` has np and dW."""
    if written is None or isinstance(written, ast.Tuple | ast.List):
        return ()
    words: list[str] = []
    for node in ast.walk(written):
        if isinstance(node, ast.Name):
            words.append(node.id)
        elif isinstance(node, ast.Attribute):
            words.append(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.append(node.value)
    return tuple(words)


def settled(array: Array, true: Array, given: Array, *, transposed: bool) -> tuple[Array, str]:
    """A returned gradient in the shape of the derived one, if it can be, and what is wrong with
    its own shape.

    ``given`` is the parameter as the program had it, ``transposed`` if matrices were.
    """
    if true.ndim == 2:
        return (array.T if transposed and array.ndim == 2 else array), ""
    if array.size == true.size and sum(n > 1 for n in array.shape) <= 1:
        fits = array.shape == given.shape
        says = "" if fits else f"its shape is {array.shape} where the parameter's is {given.shape}"
        return array.reshape(true.shape), says
    return array, ""
