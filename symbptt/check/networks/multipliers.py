"""Names that carry gradients back, ``λ_t = q_t + Rᵀ λ_{t+1}``, in a network that runs forwards.

They are linear in their own later values, and the loss doesn't depend on them: a state that runs
backwards in time is used by the outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symbptt.check.networks.parts import EQUAL, Mention, Part, has_derivative, links_of
from symbptt.check.networks.steps import in_t, letters_of_steps
from symbptt.check.notation.marks import mark_of
from symbptt.check.notation.symbols import ERRORS, LOSSES
from symbptt.formula.tree import Call, Group, Node, Product, Relation, Sum, Symbol, Transpose
from symbptt.model.names import Naming, symbols

#: How far apart the steps of a recursion may be.
_FARTHEST = 3
#: What every loss is called here.
_LOSS = "loss"
#: Functions that are linear in what they are of.
_LINEAR = frozenset({"diag", "Diag", "dot", "matmul", "outer", "hadamard", "transpose", "sum"})


@dataclass(frozen=True)
class _Line:
    """What a line gives at step t: the names that stand in no function there, and in some, each
    with its step."""

    name: str
    letter: str
    linear: frozenset[tuple[str, int]]
    bent: frozenset[tuple[str, int]]


def multipliers(stated: Sequence[list[Part] | Mention]) -> frozenset[str]:
    """The names that lines carry back, and those of what is made of them."""
    steps = letters_of_steps(stated)
    relations = [
        in_t(p.relation, steps) for p in links_of(stated)
        if p.first and p.sign in EQUAL and not has_derivative(p.right)
    ]  # fmt: skip
    lines = [line for r in relations for line in _line(r)]
    back = _backward(lines)
    if not back:
        return frozenset()
    bent = {name for line in lines for name, _ in line.bent}
    used = _behind_loss(relations)
    back -= bent | {line.name for line in lines if line.letter in used}
    given = {line.name for line in lines} - back
    forward = {
        line.name for line in lines
        if any(at < 0 and name in given for name, at in line.linear | line.bent)
    } & given  # fmt: skip
    if not any(line.name in back and _names(line) & given for line in lines) or not forward:
        return frozenset()
    grown = True
    while grown:
        more = {x.name for x in lines if any(name in back for name, _ in x.linear)} - bent
        grown = not more <= back
        back |= more
    return frozenset(back)


def _line(r: Relation) -> Iterator[_Line]:
    left, right = r.sides[0], r.sides[1]
    if not isinstance(left, Symbol) or left.base in ERRORS | LOSSES:
        return
    name, at = Naming().read(left)
    if at is not None and (at.anchor, at.offset) == ("t", 0) and mark_of(name) is None:
        found = [*_symbols(right)]
        yield _Line(
            name,
            _letter(left),
            frozenset(_at_steps(n for n, bent in found if not bent)),
            frozenset(_at_steps(n for n, bent in found if bent)),
        )


def _names(line: _Line) -> set[str]:
    return {name for name, _ in line.linear | line.bent}


def _symbols(node: Node, *, bent: bool = False) -> Iterator[tuple[Symbol, bool]]:
    """The symbols of a formula, each with whether it stands in a function."""
    if isinstance(node, Symbol):
        yield node, bent
    elif isinstance(node, Call):
        for x in node.arguments:
            yield from _symbols(x, bent=bent or node.function.base not in _LINEAR)
    else:
        for child in node.children():
            yield from _symbols(child, bent=bent)


def _at_steps(found: Iterable[Symbol]) -> Iterator[tuple[str, int]]:
    for n in found:
        name, at = Naming().read(n)
        if at is not None and at.anchor == "t":
            yield name, at.offset


def _backward(lines: Sequence[_Line]) -> set[str]:
    """The names that are linear in their own later values, through others too, and in no earlier
    ones."""
    reach: dict[str, set[tuple[str, int]]] = {}
    for line in lines:
        reach.setdefault(line.name, set()).update(line.linear)
    for _ in reach:
        for found in reach.values():
            found |= {
                (name, at + more) for via, at in [*found] for name, more in reach.get(via, ())
                if abs(at + more) <= _FARTHEST
            }  # fmt: skip
    own = {name: {at for to, at in found if to == name} for name, found in reach.items()}
    return {name for name, found in own.items() if found and min(found) > 0}


def _behind_loss(relations: Sequence[Relation]) -> set[str]:
    """The letters of all that the loss is of, by the equations; where none says what it is of,
    those of all that others are of."""
    inside: dict[str, set[str]] = {}
    for r in relations:
        left, names = r.sides[0], set(map(_letter, symbols(r.sides[1])))
        if isinstance(left, Call):
            names |= {_letter(n) for x in left.arguments for n in symbols(x)}
            left = left.function
        if isinstance(left, Symbol):
            name = _LOSS if left.base in LOSSES else _letter(left)
            if name == _LOSS:
                names -= _of_constraints(r.sides[1])
            inside.setdefault(name, set()).update(names)
    if inside.get(_LOSS, set()).isdisjoint(inside):
        return {name for of, names in inside.items() for name in names - {of}}
    wanted, seen = {_LOSS}, set[str]()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        wanted |= inside.get(name, set()) - seen
    return seen


def _of_constraints(node: Node) -> set[str]:
    """The letters that multiply differences, ``λ_tᵀ (f(h_{t-1}) - h_t)``: where a loss has them,
    it is a Lagrangian."""
    found: set[str] = set()
    for n in node.walk():
        if isinstance(n, Product):
            factors = [x.operand if isinstance(x, Transpose) else x for x in n.factors]
            if any(_is_difference(x) for x in factors):
                found |= {_letter(x) for x in factors if isinstance(x, Symbol)}
    return found


def _is_difference(node: Node) -> bool:
    match node:
        case Group(_, (Sum(_, signs),)):
            return min(signs) < 0
    return False


def _letter(symbol: Symbol) -> str:
    """What a symbol is called but for its scripts."""
    return "_".join((symbol.base, *symbol.accents))
