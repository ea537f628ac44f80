"""Both sides of a claim, each as the convention takes it."""

from __future__ import annotations

from dataclasses import replace

from symbptt.check.meaning.claims import Claim, stands_bare
from symbptt.check.meaning.conventions import lengthened, regroup
from symbptt.check.meaning.derivatives import slope
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.tensors import Derivative, Value, chained
from symbptt.check.notation.quantities import MissingError, Place
from symbptt.check.notation.scripts import Steps, step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import P
from symbptt.formula.tree import Differential, Node, Quotient, Symbol


def both_sides(claim: Claim, meaning: Meaning, steps: Steps) -> tuple[Value, Value]:
    """Both sides of a claim where its letters stand for given steps."""
    c = meaning.convention
    left, right = (regroup(x) if c.regrouped else x for x in claim.sides)
    left, right = (lengthened(x) if c.lengthened else x for x in (left, right))
    own = replace(meaning, seen=None)
    if c.left_total or c.right_own:
        total = c.immediate_parameters and not c.left_total
        own = replace(own, convention=replace(c, immediate_parameters=total, right_own=False))
    if c.latest_immediate:
        latest = _latest_by_parameter(right, meaning, steps)
        meaning = replace(meaning, convention=replace(c, immediate_from=latest))
    if c.later_right or c.later_both:
        meaning = replace(meaning, convention=replace(c, later_of=_by(left, meaning, steps)))
        own = replace(meaning, seen=None) if c.later_both else own
    first = own.value(left, steps)
    if claim.share and not c.left_carried:
        first = _own_share(first, own) or _share(first, own, steps.get("t"))
    elif c.left_carried:
        first = _carried(first, own)
    elif c.left_later:
        first = _from_later(first, own)
    elif c.left_share:
        first = _share(first, own, _latest(right, meaning, steps))
    return first, meaning.value(right, steps)


def _share(gradient: Value, meaning: Meaning, at: int | None) -> Value:
    """What a step adds to a gradient: that by the copy of the parameter which the step uses."""
    match gradient:
        case Derivative(of, by) if at is not None and of is not None and by is not None:
            if by.step is None:
                return slope(meaning, of, replace(by, step=at))
    return gradient


def _own_share(gradient: Value, meaning: Meaning) -> Value | None:
    """What its own step adds to the gradient by a state: all but what later steps do."""
    match gradient:
        case Derivative(of, by) if of is not None and by is not None and by.step is not None:
            later = slope(meaning, of, replace(by, later=True))
            return replace(gradient, array=(gradient.array - later.array) % P)
    return None


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
            return slope(meaning, of, replace(by, later=True))
    return gradient


def _by(node: Node, meaning: Meaning, steps: Steps) -> str | None:
    """The name of what a derivative is by."""
    match meaning.value(node, steps):
        case Derivative(by=Place(name)):
            return name
    return None


def _latest_by_parameter(right: Node, meaning: Meaning, steps: Steps) -> int | None:
    """The latest step of what is differentiated by a parameter."""
    found: list[int] = []
    for n in right.walk():
        match n:
            case Quotient(Differential(operand=Node() as of), Differential(operand=Node() as by)):
                try:
                    a, b = meaning.place(of, steps), meaning.place(by, steps)
                except (MissingError, UnknownError):
                    continue
                if a is None or b is None or a.step is None or not meaning.world.exists(a):
                    continue
                if meaning.world.is_parameter(b.name) and not meaning.world.is_loss(a):
                    found.append(a.step)
    return max(found, default=None)


def _latest(right: Node, meaning: Meaning, steps: Steps) -> int | None:
    """The last step that something on the right side is at."""
    found: list[int] = []
    for n in right.walk():
        meant = meaning.scope.meant(n) if isinstance(n, Symbol) else None
        at = step_value(meant.step, steps) if meant is not None and meant.step is not None else None
        if at is None and stands_bare(n, meaning.scope):
            at = steps.get("t")
        if at is not None:
            found.append(at)
    return max(found, default=None)
