"""Whether the d's of a document are differentials, ``dh_t = d(tanh(a_t))``, and no gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbptt.check.networks.links import prefix_of
from symbptt.check.networks.parts import Part
from symbptt.check.notation.language import said
from symbptt.check.notation.scripts import is_step, scripts, unbracketed
from symbptt.check.notation.symbols import LOSSES, Scope
from symbptt.formula.tree import Call, Differential, Group, Node, Product, Quotient, Sum, Symbol
from symbptt.model.model import Model

_SPEAKS = said("speaks of differentials")
#: What stands before what it is the differential of.
D = Symbol("d")


def has_differentials(links: Sequence[Part], words: str, model: Model) -> bool:
    """Whether a document speaks of differentials, or has those of expressions, and doesn't say
    that its d's are gradients."""
    if any(map(_names_a_gradient, links)):
        return False
    sides = (side for p in links for side in (p.left, p.right))
    return _SPEAKS.search(words) is not None or any(is_of_expression(x, model) for x in sides)


def is_of_expression(node: Node, model: Model) -> bool:
    """Whether a formula has the differential of an expression, ``d(W h_t + b)``."""
    return "d" not in model.variables and any(map(_is_expression, after_d(node)))


def after_d(node: Node) -> Iterator[Node]:
    """What a d that is a symbol of its own stands before: ``h_t`` in ``d h_t``."""
    for n in node.walk():
        match n:
            case Product(factors, operators):
                pairs = zip(factors, factors[1:], operators, strict=False)
                yield from (x for d, x, sign in pairs if (d, sign) == (D, ""))


def has_d(node: Node, scope: Scope) -> bool:
    """Whether a formula has what may be a differential."""
    if any(isinstance(n, Symbol) and is_differential(n, scope) for n in node.walk()):
        return True
    return "d" not in scope.model.variables and any(True for _ in after_d(node))


def is_differential(symbol: Symbol, scope: Scope) -> bool:
    """Whether a symbol is called as the differential of a quantity: ``dh_t``."""
    meant = scope.meant(symbol) if len(symbol.base) > 1 and prefix_of(symbol) == "d" else None
    return meant is not None and meant.kind == "gradient"


def _is_expression(node: Node) -> bool:
    """Whether a d before it is its differential: ``(W h_t + b)``, ``log y_t``, no ``(t - 1)``."""
    match node:
        case Call():
            return True
        case Group("(" | "[" | "{", (_,)):
            inner = unbracketed(node)
            has_scripts = isinstance(inner, Symbol) and bool(scripts(inner))
            return not is_step(inner) and (has_scripts or isinstance(inner, Sum | Product | Call))
    return False


def _names_a_gradient(part: Part) -> bool:
    """``dh_t = ∂L/∂h_t``."""
    match part.right:
        case Quotient(Differential(operand=Symbol(of)), Differential()):
            left = part.left
            named = isinstance(left, Symbol) and len(left.base) > 1 and left.base[1:] not in LOSSES
            return named and of in LOSSES and prefix_of(left) == "d"
    return False
