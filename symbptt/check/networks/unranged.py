r"""Products that leave out what they run over: ``∂h_T/∂h_k = \prod_t f'(z_t) w``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symbptt.check.meaning.claims import Claim
from symbptt.check.meaning.conventions import Reading
from symbptt.check.networks.guessed import reading
from symbptt.check.notation.scripts import is_step, letters, scripts
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import BigOperator, Differential, Node, Number, Quotient, Sum, Symbol

_ONE = Number(Fraction(1))


def with_ranges(claim: Claim, scope: Scope) -> Iterator[tuple[Reading, Claim]]:
    """A claim with its products over the steps between those of its derivatives: from that behind
    the first one, or from the first one to that before the last."""
    between = _between(claim, scope)
    if between is None or not any(map(_is_unranged, claim.right.walk())):
        return
    first, last = between
    says = "a product without a range runs over the steps between those of the derivatives"
    for lower, upper in ((_moved(first, 1), last), (first, _moved(last, -1))):
        right = _ranged(claim.right, lower, upper, {*letters(first), *letters(last)})
        yield reading("the range is left out", says), replace(claim, right=right)


def _between(claim: Claim, scope: Scope) -> tuple[Node, Node] | None:
    """The earlier and the later step of ``∂h_T/∂h_k``, or of ``∂L/∂h_k = ∂L/∂h_T …``."""
    of, by = _steps(claim.left, scope)
    if by is None:
        return None
    if of is not None:
        return by, of
    others = [step for n in claim.right.walk() for whole, step in [_steps(n, scope)]
              if whole is None and step is not None and step != by]  # fmt: skip
    return (by, others[0]) if len(others) == 1 else None


def _steps(node: Node, scope: Scope) -> Sequence[Node | None]:
    """The steps of what a derivative is of and by; that of a loss is left out."""
    match node:
        case Quotient(Differential(operand=Symbol() as of), Differential(operand=Symbol() as by)):
            meant = scope.meant(of), scope.meant(by)
            return [None if m is None or m.kind != "quantity" else m.step for m in meant]
    return None, None


def _is_unranged(node: Node) -> bool:
    match node:
        case BigOperator("prod", lower=None, upper=None, domain=None):
            return True
    return False


def _ranged(node: Node, lower: Node, upper: Node, taken: set[str]) -> Node:
    """A formula with a range for its products; their letter is one that counts nothing else."""
    if isinstance(node, Symbol):
        return node
    node = node.rebuilt(lambda n: _ranged(n, lower, upper, taken))
    if not (isinstance(node, BigOperator) and _is_unranged(node)):
        return node
    steps = (p for n in node.body.walk() if isinstance(n, Symbol) for p in scripts(n) if is_step(p))
    counted = {letter for p in steps for letter in letters(p)}
    free = sorted(counted - taken) or sorted(counted)
    index = node.index or (Symbol(free[0]) if len(free) == 1 else Symbol("t"))
    return replace(node, index=index, lower=lower, upper=upper)


def _moved(step: Node, by: int) -> Node:
    return Sum((step, _ONE), (1, by))
