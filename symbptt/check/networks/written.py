"""Forward equations that are written out for each step, ``h_1 = …``, ``h_2 = …``, in general t."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbptt.check.notation.scripts import is_time, scripts
from symbptt.check.notation.symbols import LOSSES
from symbptt.formula.tree import Call, Node, Number, Relation, Sum, Symbol
from symbptt.model.names import Naming


@dataclass(frozen=True)
class WrittenOut:
    """Equations in t, and the last step that the document writes."""

    equations: tuple[Relation, ...]
    T: int


def written_out(equations: Sequence[Relation]) -> WrittenOut | None:
    """The equations in general t, if each step has its own; None if they are general already.

    >>> from symbptt.formula import parse
    >>> steps = "h_1 = tanh(W h_0 + U x_1)", "h_2 = tanh(W h_1 + U x_2)"
    >>> found = written_out([parse(step) for step in steps])
    >>> len(found.equations), found.T
    (1, 2)
    """
    steps: dict[str, dict[int, Node]] = {}
    others: list[Relation] = []
    for e in equations:
        left, right = e.sides
        split = numbered(left) if isinstance(left, Symbol) else None
        if split is None:
            others.append(e)
        else:
            steps.setdefault(split[0], {})[split[1]] = right
    if not any(len(rights) > 1 for rights in steps.values()):
        return None
    T = max(s for rights in steps.values() for s in rights)
    found: list[Relation] = []
    for e in equations:
        split = numbered(e.sides[0]) if isinstance(e.sides[0], Symbol) else None
        if split is None or split[1] != min(steps[split[0]]):
            continue
        first, *rest = (_shifted(r, s) for s, r in steps[split[0]].items())
        if any(other != first for other in rest):
            return None
        left = Symbol(split[0], subscripts=(Symbol("t"),), span=e.sides[0].span)
        found.append(replace(e, sides=(left, first)))
    bare: set[str] = set()
    for e in others:
        left, right = e.sides
        if not isinstance(left, Symbol):
            continue
        if left.base in LOSSES:
            general = any(n == Symbol("t") for n in e.walk())  # Σ_t L_t
            found.append(e if general else replace(e, sides=(left, _at_last(right))))
        elif not scripts(left):  # ŷ = V h_2, p = softmax(ŷ)
            at = _steps_in(right)
            used = {Naming("").read(n)[0] for n in right.walk() if isinstance(n, Symbol)}
            if at != {T} and (at or not used & bare):
                return None
            named = replace(left, subscripts=(Symbol("t"),))
            right = _timed(_shifted(right, T), bare, Symbol("t"))
            bare.add(Naming("").read(left)[0])
            found.append(replace(e, sides=(named, right)))
    return WrittenOut(tuple(found), T)


def at_last(equations: Sequence[Relation]) -> tuple[Relation, ...] | None:
    """Equations of which one gives a quantity of the last step alone, ``y = V h_T`` or
    ``y_T = V h_T``; they are in t then, and a loss of it is one of the last step.

    None if there is none.
    """
    naming = Naming()
    found: list[Relation] = []
    bare: set[str] = set()
    given = {
        name for e in equations if isinstance(e.sides[0], Symbol)
        for name, index in [naming.read(e.sides[0])] if index is not None
    }  # fmt: skip
    for e in equations:
        left, right = e.sides
        anchors = {
            index.anchor for n in right.walk() if isinstance(n, Symbol)
            for _, index in naming.steps(n)
        }  # fmt: skip
        named = isinstance(left, Symbol) and naming.read(left)[1] is None
        own = _of_last(left) if isinstance(left, Symbol) else None
        if own is not None:  # y_T = V h_T
            named = own not in given and not _looks_back(right)
        names = [n for n in right.walk() if isinstance(n, Symbol)]
        used = {_of_last(n) or naming.read(n)[0] for n in names}
        if (
            isinstance(left, Symbol)
            and named
            and left.base not in LOSSES
            and (anchors == {"T"} or (not anchors and used & bare))
        ):
            bare.add(own or naming.read(left)[0])
            if own is not None:
                left = _timed(left, bare, Symbol("t"))
            else:
                left = replace(left, subscripts=(*left.subscripts, Symbol("t")))
            e = replace(e, sides=(left, _timed(right, bare, Symbol("t"))))
        elif bare and isinstance(left, Symbol) and left.base in LOSSES and used & bare:
            e = replace(e, sides=(left, _at_last(right)))
        found.append(e)
    return tuple(found) if bare else None


def _of_last(symbol: Symbol) -> str | None:
    """The name of what is at the last step: y for ``y_T``."""
    found = [name for name, i in Naming().steps(symbol) if (i.anchor, i.offset) == ("T", 0)]
    return found[0] if found else None


def _looks_back(node: Node) -> bool:
    """Whether a formula names a step before the last: ``h_{T-1}``."""
    found = (i for n in node.walk() if isinstance(n, Symbol) for _, i in Naming().steps(n))
    return any(i.anchor == "T" and i.offset for i in found)


def _timed(node: Node, bare: set[str], at: Node) -> Node:
    """T as t, and names without a step at t."""
    if isinstance(node, Symbol):
        name, _ = Naming().read(node)
        if not any(index.anchor == "T" for _, index in Naming().steps(node)):
            return replace(node, subscripts=(*node.subscripts, at)) if name in bare else node

        def change(n: Node) -> Node:
            return at if n == Symbol("T") else n.rebuilt(change)

        return node.rebuilt(change)
    if isinstance(node, Call):
        return replace(node, arguments=tuple(_timed(a, bare, at) for a in node.arguments))
    return node.rebuilt(lambda n: _timed(n, bare, at))


def numbered(symbol: Symbol) -> tuple[str, int] | None:
    """The name and the step of ``h_2``; the 2 of ``h_t^{(2)}`` is no step."""
    if any(is_time(part) for part, _ in Naming("").parts(symbol)):
        return None
    for part, rest in Naming("").parts(symbol):
        if isinstance(part, Number) and part.value.denominator == 1:
            return rest, int(part.value)
    return None


def _steps_in(node: Node) -> set[int]:
    found = (numbered(n) for n in node.walk() if isinstance(n, Symbol))
    return {s[1] for s in found if s is not None}


def _shifted(node: Node, by: int) -> Node:
    """A formula at one step in general t: 2 becomes t, and 1 becomes t - 1."""
    if isinstance(node, Symbol):
        split = numbered(node)
        if split is None:
            return node
        n = split[1] - by
        t: Node = Symbol("t")
        if n:
            t = Sum((t, Number(Fraction(abs(n)))), (1, 1 if n > 0 else -1))
        return Symbol(split[0], subscripts=(t,), span=node.span)
    if isinstance(node, Call):
        return replace(node, arguments=tuple(_shifted(a, by) for a in node.arguments))
    return node.rebuilt(lambda n: _shifted(n, by))


def _at_last(node: Node) -> Node:
    """The loss of what the last step gives: every name in it is one at step T."""
    if isinstance(node, Symbol):
        if _of_last(node) is not None:
            return node
        split = numbered(node)
        name = split[0] if split else Naming("").read(node)[0]
        return Symbol(name, subscripts=(Symbol("T"),), span=node.span)
    if isinstance(node, Call):
        return replace(node, arguments=tuple(_at_last(a) for a in node.arguments))
    return node.rebuilt(_at_last)
