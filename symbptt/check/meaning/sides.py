"""Both sides of a claim, each as the convention takes it."""

from __future__ import annotations

from dataclasses import replace

from symbptt.check.meaning.claims import Claim, stands_bare
from symbptt.check.meaning.derivatives import share_of
from symbptt.check.meaning.meaning import Meaning
from symbptt.check.meaning.paths import with_direct_paths
from symbptt.check.meaning.regrouped import begun, lengthened, regroup
from symbptt.check.meaning.shares import Share, Side, Written
from symbptt.check.meaning.tensors import Derivative, Value
from symbptt.check.notation.quantities import MissingError, Place
from symbptt.check.notation.scripts import Steps, step_value
from symbptt.check.notation.symbols import UnknownError
from symbptt.formula.tree import Differential, Node, Quotient, Symbol


def both_sides(claim: Claim, meaning: Meaning, steps: Steps) -> tuple[Value, Value]:
    """Both sides of a claim where its letters stand for given steps."""
    c = meaning.convention
    left, right = (regroup(x) if c.regrouped else x for x in claim.sides)
    left, right = (lengthened(x) if c.lengthened else x for x in (left, right))
    left, right = (begun(x) if c.begun else x for x in (left, right))
    if c.own_path:
        right = with_direct_paths(left, right)
    own = replace(meaning, seen=None)
    if c.left_total:
        own = replace(own, convention=replace(c, immediate_parameters=False))
    if c.latest_immediate:
        latest = _latest_by_parameter(right, meaning, steps)
        meaning = replace(meaning, convention=replace(c, immediate_from=latest))
    for x in c.counted:
        if x.side is not Side.LEFT:
            bound = x.bound(None if x.at_t else _by(left, own, steps), steps.get("t"))
            meaning = _counting(meaning, bound)
            own = _counting(own, bound) if x.side is Side.BOTH else own
    at = steps.get("t")
    first = own.value(left, steps if at is None or not c.left_before else {**steps, "t": at - 1})
    share = next((x.share for x in c.counted if x.side is Side.LEFT), None)
    if claim.share and share is not Share.NEXT:
        share = Share.OWN if _is_by_state(first) else Share.STEP
    elif share is Share.STEP:
        at = _latest(right, meaning, steps)
    elif share is Share.NEXT:
        at = _handed_from(right, first, meaning, steps)
    if share is not None:
        first = share_of(own, share, first, at)
    return first, meaning.value(right, steps)


def _counting(meaning: Meaning, bound: Written) -> Meaning:
    """The same where no more than a share counts of some gradients that are written."""
    c = meaning.convention
    return replace(meaning, convention=replace(c, written=(*c.written, bound)))


def _is_by_state(value: Value) -> bool:
    return isinstance(value, Derivative) and value.by is not None and value.by.step is not None


def _by(node: Node, meaning: Meaning, steps: Steps) -> str | None:
    """The name of what a derivative is by."""
    match meaning.value(node, steps):
        case Derivative(by=Place(name)):
            return name
    return None


def _handed_from(right: Node, first: Value, meaning: Meaning, steps: Steps) -> int | None:
    """The step at which the right side has the gradient by what the left side is by."""
    if not isinstance(first, Derivative) or first.by is None or first.by.step is None:
        return None
    for n in right.walk():
        if isinstance(n, Quotient | Symbol):
            try:
                found = _by_place(n, meaning, steps)
            except (MissingError, UnknownError):
                continue
            if found is not None and found.name == first.by.name:
                return found.step if (found.step or 0) > first.by.step else None
    return None


def _by_place(node: Node, meaning: Meaning, steps: Steps) -> Place | None:
    """What a gradient of the loss is by."""
    match node:
        case Quotient(Differential(operand=Node() as of), Differential(operand=Node() as by)):
            place = meaning.place(of, steps)
            is_loss = place is not None and meaning.world.is_loss(place)
            return meaning.place(by, steps) if is_loss else None
        case Symbol():
            meant = meaning.meant(node, steps)
            if meant is not None and meant.kind == "gradient":
                return meaning.place_of(replace(meant, kind="quantity"), steps)
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
