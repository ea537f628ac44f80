"""Equations without steps beside a network: ``y = W x``, ``z = f(y)``, of functions in general."""

from __future__ import annotations

from collections.abc import Sequence

from symbptt.check.networks.given import Given, relation
from symbptt.check.notation.scripts import is_value
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import Symbol
from symbptt.model.names import Naming, symbols


def besides(given: Sequence[Given]) -> list[Given]:
    """The equations that bear no step and share no quantity with those of a network that do.

    What the network computes, or uses without a step, or what is compared in a loss is of it.
    """
    naming = Naming()
    if not any(map(_goes_on, given)):
        return []
    apart = [
        g for g in given
        if not (_has_steps(g) or g.left.base in LOSSES or is_value(relation(g).sides[1]))
    ]  # fmt: skip
    rest = [g for g in given if g not in apart]
    while True:
        computed = {g.name for g in rest if g.left.base not in LOSSES}
        bare = {
            name for g in rest for n in symbols(relation(g).sides[1])
            for name, index in [naming.read(n)] if index is None
        }  # fmt: skip
        joined = [
            g for g in apart
            if g.name in bare
            or computed & {naming.read(n)[0] for n in symbols(relation(g).sides[1])}
        ]  # fmt: skip
        if not joined:
            return apart
        apart = [g for g in apart if g not in joined]
        rest += joined


def _goes_on(g: Given) -> bool:
    """Whether an equation gives a quantity of a step from the step before."""
    steps = [Naming().read(n)[1] for n in symbols(relation(g).sides[1])]
    index = Naming().read(g.left)[1]
    return index is not None and any(s is not None and s.offset < index.offset for s in steps)


def _has_steps(g: Given) -> bool:
    return any(isinstance(n, Symbol) and Naming().steps(n) for n in g.statement.node.walk())
