"""Sums over the examples of a batch: a model is of one example, so what they sum is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from symbptt.formula.tree import BigOperator, Differential, Group, Node, Subscripted, Symbol

#: What a sum over the examples of a batch runs over.
_EXAMPLES = frozenset({"batch", "minibatch", "batchsize", "examples", "samples"})
_BATCH = re.compile(r"\b(?:mini-?)?batch", re.IGNORECASE)
#: ``a batch size $N$``, ``batches of size B``.
_SIZE = re.compile(
    r"\bbatch(?:es)?(?:[ -]size)?(?: of)?(?: size)?\s*[$`(\\]{0,3}([A-Z])\b", re.IGNORECASE
)


def sizes_of_batches(texts: Iterable[str]) -> frozenset[str]:
    """The letters that a text calls the size of a batch, and B where it speaks of one."""
    found: set[str] = set()
    for text in texts:
        found |= {letter for letter in _SIZE.findall(text) if letter.isupper()}
        found |= {"B"} if _BATCH.search(text) else set()
    return frozenset(found)


def of_one_example(node: Node, sizes: frozenset[str]) -> Node:
    """A sum of gradients over the examples of a batch as what it sums.

    ``sizes`` are the letters for how many there are: ``Σ_B``, ``Σ_{i=1}^N``.
    """
    match node:
        case BigOperator("sum", index=Symbol(index), lower=None, upper=None, domain=None) if (
            index in _EXAMPLES or (index in sizes and _is_gradient(node.body))
        ):
            return node.body
        case BigOperator("sum", index=Symbol(index), upper=Symbol(many) as upper) if (
            many in sizes and upper == Symbol(many) and _is_gradient(node.body)
        ):
            body = _without(node.body, Symbol(index))
            if body != node.body and not any(n == Symbol(index) for n in body.walk()):
                return body
    return node


def _is_gradient(node: Node) -> bool:
    """Whether something is a derivative, or called as one: ``dZ_t``, ``δ_t``."""
    return any(
        isinstance(n, Differential)
        or (isinstance(n, Symbol) and re.fullmatch(r"d|delta|(d_?|delta_)[A-Za-z]\w*", n.base))
        for n in node.walk()
    )


def _without(node: Node, letter: Symbol) -> Node:
    """What is summed without the letter that counts the examples: ``δ_t`` for ``δ_t^{(i)}``."""
    match node:
        case Subscripted(operand, (part,)) if _is(part, letter):
            inner = operand.items[0] if isinstance(operand, Group) else operand
            return _without(inner, letter)
        case Symbol():
            below, above, at = (
                tuple(p for p in parts if not _is(p, letter))
                for parts in (node.subscripts, node.superscripts, node.indices)
            )
            return replace(node, subscripts=below, superscripts=above, indices=at)
    return node.rebuilt(lambda n: _without(n, letter))


def _is(part: Node, letter: Symbol) -> bool:
    inner = part.items[0] if isinstance(part, Group) and len(part.items) == 1 else part
    return inner == letter
