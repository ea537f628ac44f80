"""Both sides of a claim, each as the convention takes it."""

from __future__ import annotations

from dataclasses import replace

from symbptt.check.claims import Claim
from symbptt.check.conventions import regroup
from symbptt.check.derivatives import slope
from symbptt.check.meaning import Meaning
from symbptt.check.scripts import Steps, step_value
from symbptt.check.tensors import Derivative, Value, chained
from symbptt.formula.tree import Differential, Node, Quotient, Symbol


def both_sides(claim: Claim, meaning: Meaning, steps: Steps) -> tuple[Value, Value]:
    """Both sides of a claim where its letters stand for given steps."""
    c = meaning.convention
    left, right = (regroup(x) if c.regrouped else x for x in claim.sides)
    if c.again_immediate:
        right = _immediate(right, left)
    own = meaning
    if c.left_total or c.right_own:
        total = c.immediate_parameters and not c.left_total
        c = replace(c, immediate_parameters=total, right_own=False)
        own = replace(meaning, convention=c)
    first = own.value(left, steps)
    if claim.share:
        first = _share(first, own, steps.get("t"))
    elif c.left_carried:
        first = _carried(first, own)
    elif c.left_later:
        first = _from_later(first, own)
    elif c.left_share:
        first = _share(first, own, _latest(right, meaning, steps))
    return first, meaning.value(right, steps)


def _immediate(node: Node, derivative: Node) -> Node:
    """A formula in which a derivative is the immediate one."""
    if node == derivative and isinstance(node, Quotient):
        assert isinstance(node.numerator, Differential)
        return replace(node, numerator=replace(node.numerator, sign="∂⁺"))
    return node if isinstance(node, Symbol) else node.rebuilt(lambda n: _immediate(n, derivative))


def _share(gradient: Value, meaning: Meaning, at: int | None) -> Value:
    """What a step adds to a gradient: that by the copy of the parameter which the step uses."""
    match gradient:
        case Derivative(of, by) if at is not None and of is not None and by is not None:
            if by.step is None:
                return slope(meaning, of, replace(by, step=at))
    return gradient


def _carried(gradient: Value, meaning: Meaning) -> Value:
    """What a state hands to its own step before: ``∂L/∂c_{t+1} ∂⁺c_{t+1}/∂c_t``."""
    match gradient:
        case Derivative(of, by) if of is not None and by is not None and by.step is not None:
            later = replace(by, step=by.step + 1)
            link = slope(meaning, later, by, immediate=True)
            return chained(slope(meaning, of, later), link) or gradient
    return gradient


def _from_later(gradient: Value, meaning: Meaning) -> Value:
    """What all later steps hand back to a quantity."""
    match gradient:
        case Derivative(of, by) if of is not None and by is not None and by.step is not None:
            return Derivative(of, by, meaning.world.later(of, by))
    return gradient


def _latest(right: Node, meaning: Meaning, steps: Steps) -> int | None:
    """The last step that something on the right side is at."""
    found: list[int] = []
    for n in right.walk():
        meant = meaning.scope.meant(n) if isinstance(n, Symbol) else None
        at = step_value(meant.step, steps) if meant is not None and meant.step is not None else None
        if at is not None:
            found.append(at)
    return max(found, default=None)
