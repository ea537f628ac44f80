"""What a document gives by formulas that its model is not made of.

A quantity that the model has as given may have an equation in another form, ``g_t ≈ …``, by cases,
by entries, one that can't be read; and an initial value may be computed, ``h_0 = tanh(W a)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from symbptt.check.documents.formulas import Unparsed
from symbptt.check.networks.epoch import Stated
from symbptt.check.networks.given import Given, relation
from symbptt.check.networks.links import is_gradient_name
from symbptt.check.networks.parts import EQUAL, Mention, has_derivative, trees_of
from symbptt.check.networks.statements import name_of
from symbptt.check.notation.scripts import ENTRY_LETTERS, is_value
from symbptt.check.notation.symbols import ERRORS, LOSSES
from symbptt.errors import SymbpttError
from symbptt.formula import parse
from symbptt.formula.tree import Group, Node, Product, Sum, Symbol
from symbptt.model.model import Model
from symbptt.model.names import Naming
from symbptt.model.terms import Index

#: Signs between a quantity and what it is made of.
_GIVING = EQUAL | {"≈", "∝", "←", "∼", "~", "→"}
#: A formula that can't be read: its left side, and the rest.
_HALVES = re.compile(
    r"\s*&?(?P<left>[^=&]{1,60}?)\s*&?(?:=|:=|\\approx\b|\\propto\b|\\sim\b|\\leftarrow\b)(?P<right>.*)",
    re.DOTALL,
)
_DERIVATIVE = re.compile(r"\\partial|∂|\\nabla|∇|\bd[A-Z]\w*\s*/\s*d")
_LETTERS = re.compile(r"\\?[A-Za-z]+")


def refused(chosen: Sequence[Given], model: Model) -> dict[str, frozenset[str]]:
    """What has an equation that the model was not made of, with the names in it."""
    found: dict[str, set[str]] = {}
    for g in chosen:
        name, right = name_of(g.statement), relation(g).sides[1]
        v = model.variables.get(name)
        if is_value(right) or (g.left.base in LOSSES if v is None else v.computed):
            continue
        found.setdefault(name, set()).update(_names(right))
    return with_all_behind(found)


def told(stated: Stated) -> dict[str, frozenset[str]]:
    """What any formula gives at a step, or before the first, with the names in it; an entry of a
    vector is the vector.  A name without a step is not that of a quantity with steps."""
    found: dict[str, set[str]] = {}
    at_t, giving = stepped(stated), [*_giving(stated)]
    used = {x for left, names in giving if not _is_loss(left) for x in names - _names(left)}
    for left, names in giving:
        if not isinstance(left, Symbol) or left.base in ERRORS or is_gradient_name(left):
            continue
        if _is_loss(left) and left.base not in used:  # the C_t that a state is made of is none
            continue
        (name, index), inside = Naming().read(left), {*names, *map(_whole, names)}
        if index is None and name in at_t:
            continue
        for one in {name, _whole(name)}:
            found.setdefault(one, set()).update(inside - {one})
    return with_all_behind(found)


def lagged(stated: Stated) -> frozenset[str]:
    """What a document writes at a step before or after t too: it may go on from step to step."""
    return frozenset(
        name for tree in trees_of(stated) for n in tree.walk() if isinstance(n, Symbol)
        for name, index in [Naming().read(n)]
        if index is not None and index.anchor == "t" and index.offset
    )  # fmt: skip


def stepped(stated: Stated) -> frozenset[str]:
    """What a document writes at t."""
    found = (Naming().read(n) for t in trees_of(stated) for n in t.walk() if isinstance(n, Symbol))
    return frozenset(name for name, index in found if index == Index("t"))


def with_all_behind(found: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Names that stand in equations, with those in the equations for these."""
    behind = {name: {*inside} for name, inside in found.items()}
    for _ in behind:
        for inside in behind.values():
            inside |= {x for name in inside & {*behind} for x in behind[name]}
    return {name: frozenset(inside) for name, inside in behind.items()}


def _giving(stated: Stated) -> Iterator[tuple[Node, set[str]]]:
    """The left sides of all formulas that may give something, each with the names on the right."""
    for part in stated:
        if not isinstance(part, Mention):
            for p in part:
                if p.sign in _GIVING and not (has_derivative(p.left) or has_derivative(p.right)):
                    yield part[0].left, _names(p.right)
                    sides = [part[0].left, *(q.right for q in part)]
                    if any(isinstance(side, Sum | Product) for side in sides):
                        inside = {name for side in sides for name in _names(side)}
                        yield from ((piece, inside) for piece in _pieces(p.right))
        elif isinstance(part.formula, Unparsed) and not _DERIVATIVE.search(part.formula.source):
            halves = _HALVES.match(part.formula.source)
            left = None if halves is None else _read(halves["left"])
            if halves is not None and left is not None:
                letters = (x.removeprefix("\\") for x in _LETTERS.findall(halves["right"]))
                yield left, {*letters}


def _is_loss(left: Node) -> bool:
    return isinstance(left, Symbol) and left.base in LOSSES


def _pieces(node: Node) -> Iterator[Node]:
    """The parts that a vector is split into: ``W x_t + b = [i_t, f_t]``."""
    if isinstance(node, Group) and len(node.items) > 1 and node.opening in "[(":
        yield from (x for x in node.items if isinstance(x, Symbol))


def _read(text: str) -> Node | None:
    try:
        return parse(text)
    except SymbpttError:
        return None


def _names(node: Node) -> set[str]:
    if is_value(node):
        return set()
    return {Naming().read(n)[0] for n in node.walk() if isinstance(n, Symbol)}


def _whole(name: str) -> str:
    """The vector of an entry: ``g`` for ``g_i``."""
    first, _, last = name.rpartition("_")
    return first if first and last in ENTRY_LETTERS else name
