"""Terms of a sum of paths: which of its derivatives go along the direct path alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symbptt.check.meaning.derivatives import DIRECT
from symbptt.check.meaning.work import in_other_signs
from symbptt.check.notation.scripts import is_time, scripts
from symbptt.formula.tree import Differential, Group, Node, Product, Quotient, Sum, Symbol


def with_direct_paths(left: Node, right: Node) -> Node:
    """A right side with the direct path for each derivative beside which another term goes along
    what it would hold fixed: ``∂n/∂h`` in ``∂n/∂h + ∂n/∂r ∂r/∂h``."""
    if isinstance(right, Sum):
        paths = [t for t in right.terms if not in_other_signs(left, t)]
        if len(paths) == len(right.terms) - 1 and all(map(_has_derivative, paths)):
            return replace(right, terms=tuple(t if t in paths else _direct(t) for t in right.terms))
    return _held(right)


def _held(node: Node) -> Node:
    node = node.rebuilt(_held)
    if not isinstance(node, Sum):
        return node
    chains = [list(_factors(t)) for t in node.terms]

    def change(n: Node) -> Node:
        if any(_goes_along(chain, n) for chain in chains):
            return _direct(n)
        return n.rebuilt(change) if isinstance(n, Product | Group) else n

    return replace(node, terms=tuple(map(change, node.terms)))


def _factors(term: Node) -> Iterator[Node]:
    match term:
        case Product(factors):
            for x in factors:
                yield from _factors(x)
        case Group(items=(inner,)):
            yield from _factors(inner)
        case _:
            yield term


def _goes_along(chain: list[Node], node: Node) -> bool:
    """Whether a product leads, by derivatives, from what a derivative by a state is of to what it
    is by, and not at once."""
    match node:
        case Quotient(Differential(operand=Node() as of), Differential(operand=Symbol() as by)):
            if not any(is_time(x) for x in scripts(by)):
                return False
            links = {
                x.numerator.operand: x.denominator.operand
                for x in chain
                if isinstance(x, Quotient)
                and isinstance(x.numerator, Differential)
                and isinstance(x.denominator, Differential)
            }
            at, many = of, 0
            while at != by and many < len(links) and (after := links.get(at)) is not None:
                at, many = after, many + 1
            return at == by and many > 1
    return False


def _direct(node: Node) -> Node:
    match node:
        case Quotient(numerator=Differential() as of):
            return replace(node, numerator=replace(of, sign=DIRECT))
    return node


def _has_derivative(node: Node) -> bool:
    return any(isinstance(n, Differential) for n in node.walk())


def path_between(left: Node, right: Node) -> tuple[Quotient, Node] | None:
    """``∂c_T/∂c_0`` and ``∏_t f_t`` for ``∂L/∂c_0 = ∂L/∂c_T ⊙ ∏_t f_t``: what hands a gradient
    back, as a claim of its own."""
    match left, right:
        case Quotient(Differential() as of, Differential() as by), Product(factors, operators):
            for i, factor in enumerate(factors):
                match factor:
                    case Quotient(Differential() as whole, Differential() as later) if (
                        whole == of and later != by
                    ):
                        rest = (*factors[:i], *factors[i + 1 :])
                        signs = operators[1:] if i == 0 else (*operators[: i - 1], *operators[i:])
                        handed = rest[0] if len(rest) == 1 else Product(rest, signs)
                        return replace(left, numerator=later), handed
    return None
