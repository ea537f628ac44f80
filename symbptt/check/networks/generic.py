"""A letter for any parameter: θ in ``∂L/∂θ = Σ_t ∂L_t/∂θ``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symbptt.check.networks.signals import behind_states
from symbptt.check.notation.scripts import is_time, scripts
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import Differential, Group, Node, Relation, Symbol
from symbptt.model.model import Role

#: What stands for any parameter.
GENERIC = frozenset({"theta", "Theta", "w", "W", "omega", "vartheta", "psi", "phi", "p"})


@dataclass(frozen=True)
class Generic:
    """What a letter for any parameter may be: the scope in which it is each of those that states
    depend on, and of the ``others``; ``listed``: the document says that it is any of these."""

    letter: str
    of_states: dict[str, Scope]
    others: dict[str, Scope]
    listed: bool = False


def generic(sides: Sequence[Node], scope: Scope) -> Generic | None:
    """What θ may be in a claim about any parameter."""
    wanted = {
        n.operand.base
        for side in sides
        for n in side.walk()
        if isinstance(n, Differential) and isinstance(n.operand, Symbol)
        and n.operand.base in GENERIC and all(map(is_time, scripts(n.operand)))
        and scope.meant(n.operand) is None
    }  # fmt: skip
    if len(wanted) != 1:
        return None
    (letter,) = wanted
    parameters = [q.name for q in scope.model.with_role(Role.PARAMETER)]
    listed = [m.name for s in scope.members.get(letter, ()) if (m := scope.meant(s)) is not None]
    listed = [p for p in parameters if p in listed]
    behind = behind_states(scope.model)
    every = {p: scope.with_alias(letter, p) for p in listed or parameters}
    inner = {p: s for p, s in every.items() if p in behind}
    others = {p: s for p, s in every.items() if p not in behind}
    return Generic(letter, inner, others, bool(listed)) if inner else None


def members(trees: Iterable[Node]) -> dict[str, tuple[Symbol, ...]]:
    """The sets that letters for any parameter are of, ``θ ∈ {W, U, b}``, where a document gives
    each but one."""
    found: dict[str, set[tuple[Symbol, ...]]] = {}
    for tree in trees:
        match tree:
            case Relation((Symbol(base), Group("{" | "(" | "[", items)), ("∈" | "=" | "≔",)) if (
                base in GENERIC and all(isinstance(x, Symbol) for x in items)
            ):
                of = tuple(x for x in items if isinstance(x, Symbol))
                found.setdefault(base, set()).add(of)
    return {base: next(iter(sets)) for base, sets in found.items() if len(sets) == 1}
