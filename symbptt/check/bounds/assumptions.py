"""What a document assumes rather than claims: bounds on what is given, constants that bounds make.

``‖W‖ < 1`` says which networks are meant, and ``‖W‖ ≤ γ`` what γ is: the least number of which
that is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from symbptt.check.meaning.norms import norms_in
from symbptt.check.networks.guesses import arguments_in
from symbptt.check.networks.links import outside_ranges
from symbptt.check.networks.parts import Part, has_derivative
from symbptt.check.notation.language import said
from symbptt.check.notation.meant import Definition, Meant
from symbptt.check.notation.scripts import letters
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import BigOperator, Call, Node, Number, Product, Symbol
from symbptt.model.names import Naming

#: Signs of bounds, each with its mirror.
BOUNDS = {"≤": "≥", "<": ">", "≥": "≤", ">": "<"}
#: Letters that count rather than bound.
STEPS = frozenset({"t", "k", "i", "j", "s", "n", "m", "l", "r"})
#: Definitions that use definitions are followed so far.
DEEPEST = 4
#: How many bounds on a constant are tried as what it is.
MOST_VALUES = 3
#: Words of a sentence that make a bound a condition, or restrict what it is claimed of.
_CONDITIONAL = said("makes a condition")


def is_computed(node: Node, scope: Scope) -> bool:
    """Whether a formula speaks of what a network computes: a state, a derivative."""
    return has_derivative(node) or any(
        meant.kind in ("gradient", "loss") or meant.name in scope.model.order
        for meant in _meant_in(node, scope)
    )


def speaks_of_loss(node: Node, scope: Scope) -> bool:
    """Whether a formula speaks of the loss, or of a gradient of it."""
    return any(meant.kind in ("gradient", "loss") for meant in _meant_in(node, scope))


def _meant_in(node: Node, scope: Scope, depth: int = 0) -> Iterator[Meant]:
    """What the symbols of a formula stand for, and those of the definitions that it uses."""
    for n in outside_ranges(node):
        meant = scope.meant(n)
        if meant is None:
            continue
        yield meant
        if meant.kind == "defined" and depth < DEEPEST:
            yield from _meant_in(scope.definitions[meant.name].body, scope, depth + 1)


def is_bound(part: Part, scope: Scope) -> bool:
    """Whether a comparison bounds what a network computes."""
    if has_derivative(part.relation):
        return True
    names = any(_is_unknown(side, scope) for side in (part.left, part.right))  # ‖h_t‖ ≤ B
    return bool(norms_in(part.relation)) and is_computed(part.relation, scope) and not names


def is_conditional(part: Part, others: Sequence[Part]) -> bool:
    """Whether a bound may be a condition, or one that only holds under one.

    So says its sentence, or a comparison in the same fragment; ``‖∂h_t/∂h_{t-1}‖ < 1`` is one
    that people speak of rather than claim.
    """
    f = part.formula
    if _CONDITIONAL.search(f"{f.fragment.before[-300:]} {f.fragment.after[:200]}"):
        return True
    if part.sign in "<>" and any(_is_one(x) for x in (part.left, part.right)):
        return True
    beside = (p for p in others if p.formula is not f and p.formula.fragment is f.fragment)
    return any(p.sign in BOUNDS for p in beside)


def _is_one(node: Node) -> bool:
    return isinstance(node, Number) and node.value in (0, 1)


def assumed(
    others: Sequence[Part], part: Part, plain: Scope, scope: Scope
) -> tuple[list[Part], bool]:
    """The bounds on what is given in the section of a formula, and whether any isn't read.

    ``plain`` is the scope in which constants mean nothing, ``scope`` that in which they do.
    """
    heading = part.formula.fragment.heading
    found: list[Part] = []
    unread = False
    for p in others:
        if p.sign not in BOUNDS or p.formula.fragment.heading != heading:
            continue
        if is_computed(p.relation, plain):
            continue
        if not any(_is_unknown(n, scope) for n in arguments_in(p.relation)):
            found.append(p)
        elif not any(norms_in(a) and _is_unknown(b, scope) for a, _, b in _bounds(p)):
            unread = True  # λ < 1; but ‖x‖ ≤ B only gives a name
    return found, unread


# -- constants ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """A symbol that stands for a number, and what the document says that it is, or bounds."""

    name: str
    values: tuple[Definition, ...]


def scopes(before: Sequence[Part], part: Part, scope: Scope) -> Iterator[Scope]:
    """The scopes in which constants of a bound stand for what the document says of them.

    ``γ = 1`` in one place and ``γ = 1/4`` in another make two; else the bounds on γ give it.
    """
    found = [_constant(name, before, scope) for name in _constants_in(part, before, scope)]
    for values in product(*(c.values for c in found if c.values)):
        inner = scope
        for constant, value in zip((c for c in found if c.values), values, strict=True):
            inner = inner.with_definition(constant.name, value)
        yield inner


def _constants_in(part: Part, before: Sequence[Part], scope: Scope) -> list[str]:
    symbols = list(arguments_in(part.relation))
    said = {_name(p.left) for p in before if _is_number(p)}
    names = (_name(n) for n in symbols if _is_unknown(n, scope) or _name(n) in said)
    return list(dict.fromkeys(name for name in names if name is not None))


def _constant(name: str, before: Sequence[Part], scope: Scope) -> Constant:
    numbers = {p.right: None for p in before if _is_number(p) and _name(p.left) == name}
    bounds = (s for p in before for _, _, s in _bounds(p))
    if numbers and name not in map(_name, bounds):  # with a bound, they are of a case
        return Constant(name, tuple(Definition(n, None) for n in numbers))
    bodies = [
        _over_steps(bounded, sign, scope)
        for p in before
        for bounded, sign, symbol in _bounds(p)
        if _name(symbol) == name
        and name not in map(_name, bounded.walk())
        and (norms_in(bounded) or has_derivative(bounded))
    ]
    kept = list(dict.fromkeys(bodies))[:MOST_VALUES]
    return Constant(name, tuple(Definition(body, None) for body in kept))


def _bounds(p: Part) -> Iterator[tuple[Node, str, Symbol]]:
    """What a link bounds by symbols: ``‖W‖ ≤ γ``, and factor by factor ``‖A‖‖B‖ ≤ α β``."""
    if p.sign not in BOUNDS:
        return
    for a, sign, b in ((p.left, p.sign, p.right), (p.right, BOUNDS[p.sign], p.left)):
        match b:
            case Symbol(superscripts=()):
                yield a, sign, b
            case Product(symbols) if isinstance(a, Product) and len(a.factors) == len(symbols):
                if norms_in(a) and all(
                    isinstance(s, Symbol) and not s.superscripts for s in symbols
                ):
                    for x, s in zip(a.factors, symbols, strict=True):
                        assert isinstance(s, Symbol)
                        yield x, sign, s


def _is_bare(node: Node) -> bool:
    return isinstance(node, Symbol) and not node.superscripts


def _over_steps(node: Node, sign: str, scope: Scope) -> Node:
    """The largest that something is at any step, or the smallest."""
    kind = "max" if sign in "≤<" else "min"
    for letter in dict.fromkeys(_step_letters(node, scope)):
        node = Call(Symbol(kind, subscripts=(Symbol(letter),)), (node,))
    return node


def _step_letters(node: Node, scope: Scope) -> Iterator[str]:
    bound = {n.index.base for n in node.walk()
             if isinstance(n, BigOperator) and isinstance(n.index, Symbol)}  # fmt: skip
    for n in node.walk():
        meant = scope.meant(n) if isinstance(n, Symbol) else None
        if meant is not None and meant.step is not None:
            yield from (x for x in letters(meant.step) if x not in bound | scope.horizons)


def _is_number(p: Part) -> bool:
    return p.sign == "=" and isinstance(p.left, Symbol) and isinstance(p.right, Number)


def _is_unknown(node: Node, scope: Scope) -> bool:
    """Whether a symbol means nothing so far, and is no step."""
    if not isinstance(node, Symbol) or scope.meant(node) is not None or node.primes:
        return False
    return node != Symbol(node.base) or node.base not in STEPS | scope.horizons


def _name(node: Node) -> str | None:
    if not isinstance(node, Symbol):
        return None
    return Naming("").read(replace(node, superscripts=()))[0]
