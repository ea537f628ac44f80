r"""Activations that a label tells apart: ``\sigma_h(a_t)`` of states, ``\sigma_y`` of outputs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from symbptt.check.notation.scripts import ENTRY_LETTERS, is_time
from symbptt.check.notation.symbols import ACTIVATION_NAMES
from symbptt.formula.tree import Call, Group, Node, Product, Symbol, Text


def labelled_activation(node: Node, timed: frozenset[str]) -> Node:
    """A call of an activation with its label as a part of its name; ``timed`` are the names of
    what has steps."""
    match node:
        case Call(Symbol() as f) if (name := _name(f, timed)) is not None:
            return replace(node, function=name)
        case Product(factors, operators):
            found = list(factors)
            for at, (a, b) in enumerate(pairwise(factors)):
                if isinstance(a, Symbol) and isinstance(b, Group) and operators[at] == "":
                    found[at] = _name(a, timed) or a
            return replace(node, factors=tuple(found))
    return node


def _name(f: Symbol, timed: frozenset[str]) -> Symbol | None:
    """``sigma_h`` as one name."""
    if f.base not in ACTIVATION_NAMES or f.base in timed or f.superscripts or f.indices:
        return None
    match f.subscripts:
        case (Symbol(base) as label,) if label.is_bare and not is_time(label):
            counts = base in ENTRY_LETTERS and base not in timed
            return None if counts else Symbol(f"{f.base}_{base}", primes=f.primes, span=f.span)
        case (Text(word),) if word.strip().isalpha():
            return Symbol(f"{f.base}_{word.strip()}", primes=f.primes, span=f.span)
    return None
