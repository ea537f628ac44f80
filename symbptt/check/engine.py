"""The engine's own formula for what a wrong claim is about."""

from __future__ import annotations

import json
from functools import lru_cache

from symbptt.check.notation.symbols import Scope
from symbptt.errors import SymbpttError
from symbptt.formula import parse
from symbptt.formula.tree import Differential, Node, Quotient, Symbol
from symbptt.model.model import Model
from symbptt.model.names import Naming

#: Names that a document's model has and the document has not.
HELPERS = ("pre", "part")


def engine_formula(left: Node, scope: Scope) -> str | None:
    r"""``\frac{\partial L}{\partial h_t} = …`` where a left side is that gradient."""
    name = _gradient_by(left, scope)
    return None if name is None else _formulas(_Same(scope.model)).get(name)


class _Same:
    """A model as a key: itself, not what it is equal to."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __hash__(self) -> int:
        return id(self.model)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.model is self.model


def _gradient_by(left: Node, scope: Scope) -> str | None:
    """The quantity that a left side is the gradient of the whole loss by."""
    match left:
        case Quotient(Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)):
            a, b = scope.meant(of), scope.meant(by)
            if a is None or b is None or a.kind != "loss" or a.step is not None:
                return None
            return b.name if b.kind == "quantity" and not b.entry else None
        case Symbol():
            meant = scope.meant(left)
            if meant is None or meant.entry:
                return None
            if meant.kind == "gradient":
                return meant.name
            if meant.kind == "defined":
                return _gradient_by(scope.definitions[meant.name].body, scope)
    return None


def _is_derivative(formula: str) -> bool:
    match parse(formula):
        case Quotient(Differential(), Differential()):
            return True
    return False


@lru_cache(maxsize=8)
def _formulas(key: _Same) -> dict[str, str]:
    """The engine's formula for the gradient by each quantity, in general t."""
    from symbptt.calculus import derive  # SymPy is slow to import, and most checks do without
    from symbptt.render.formats import render_derivation

    try:
        steps = json.loads(render_derivation(derive(key.model), "json", "partial"))["steps"]
    except SymbpttError:
        return {}
    found: dict[str, str] = {}
    for step in steps:
        right = step["cases"][-1]["formula"]
        if right == step["left"] or _is_derivative(right):  # of an abstract loss: it says nothing
            continue
        formula = f"{step['left']} = {right}"
        if any(f"\\mathrm{{{helper}" in formula or f"{helper}_" in formula for helper in HELPERS):
            continue
        match parse(step["left"]):
            case Quotient(Differential(), Differential(operand=Symbol() as by)):
                found.setdefault(Naming().read(by)[0], formula)
    return found
