"""The derivatives that a formula writes: ``∂L/∂h_t``, ``∂h_t/∂h_k``, ``∇_W L``, ``∂f(z)/∂z``.

Each function takes first the :class:`Meaning` that says how formulas are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, overload

import numpy as np

from symbptt.check.meaning import entries
from symbptt.check.meaning.shares import Share
from symbptt.check.meaning.tensors import Derivative, Matrix, Stacking, Value, chained, odot, scaled
from symbptt.check.meaning.weights import weight
from symbptt.check.notation.quantities import MissingError, NoPathError, Place
from symbptt.check.notation.scripts import Steps, is_time, step_value, unbracketed
from symbptt.check.notation.symbols import UnknownError
from symbptt.evidence.residues import Array, P, Residues, Size
from symbptt.formula.tree import Call, Differential, Node, Product, Quotient, Relation, Symbol
from symbptt.model import terms as tm

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning


#: The sign of a derivative along the paths through later steps alone.
LATER = "∂→"
#: The sign of a derivative by what an equation itself names, all else in it held fixed.
DIRECT = "∂|"


def quotient(m: Meaning, node: Quotient, steps: Steps) -> Value:
    """A derivative, or one value over another entry by entry."""
    match node:
        case Quotient(Differential(sign, Node() as of, 1), Differential(_, Node() as by, 1)):
            if sign == "∂" and m.convention.partial_immediate:
                sign = "∂⁺"
            return derivative(m, of, by, sign, steps)
        case Quotient(Differential(_, None, 1), Differential(_, Node(), 1)):
            raise UnknownError("a derivative of nothing", node)
        case Quotient(Differential(sign, Node() as of, 1), Symbol() as by):
            return derivative(m, of, by, sign, steps)  # a ∂ is missing
        case Quotient(Symbol() as of, Differential(sign, Node() as by, 1)):
            return derivative(m, of, by, sign, steps)
        case Quotient(_, Product((*front, Differential() as by))) if front:  # ∂l/(T ∂o)
            inner = m.value(replace(node, denominator=by), steps)
            for x in front:
                below = m.matrix(x, steps)
                if not below.is_number:
                    raise UnknownError("a derivative over what is no number", node)
                inner = scaled(inner, Matrix(Residues(below.array).inverse().array))
            return inner
        case Quotient(Differential(), _) | Quotient(_, Differential()):
            raise UnknownError("a derivative with one ∂", node)
    above, below = m.matrix(node.numerator, steps), m.matrix(node.denominator, steps)
    return odot(above, Matrix(Residues(below.array).inverse().array))


def at_step(m: Meaning, node: Quotient, part: Node, steps: Steps) -> Value:
    """``∂L/∂W|_{(t)}``: what step t adds, through the copy of W that it uses; and a derivative
    with one step put for another, ``∂h_t/∂h_{t-1}|_{t=k}``."""
    match part:
        case Relation((Symbol(letter) as s, at), ("=",)) if s.is_bare and letter in steps:
            step = step_value(at, steps)
            if step is not None:
                return m.value(node, {**steps, letter: step})
    found, at_copy = m.value(node, steps), step_value(part, steps)
    match found:
        case Derivative(Place(), Place(step=None) as by) if at_copy is not None:
            if min(m.world.size(by)) > 1 or is_time(part):
                return share_of(m, Share.STEP, found, at_copy)
    return entries.entry(m, node, part, steps)


def derivative(m: Meaning, of: Node, by: Node, sign: str, steps: Steps) -> Derivative:
    """``∂of/∂by`` for what the two sides of the bar name; ``∂⁺`` is the immediate one, ``∂→`` that
    through later steps."""
    if isinstance(of, Call) and of.arguments == (by,):
        return _of_call(m, of, steps)
    if isinstance(by, Call) and by.function == Symbol("vec") and len(by.arguments) == 1:
        return derivative(m, of, by.arguments[0], sign, steps).stacked(Stacking.COLUMNS)
    a, b = m.place(of, steps), m.place(by, steps)
    if a is None and b is not None:
        known = _equation_of(m, of, b, steps)
        if known is not None:
            return Derivative(known, b, m.world.direct(known, b))
    match of:
        case Call(_, (inner,)) if a is None and b is not None:  # ∂tanh(c_t)/∂W
            outside, inside = _of_call(m, of, steps), derivative(m, inner, by, sign, steps)
            product = np.tensordot(outside.array, inside.array, axes=((2, 3), (0, 1))) % P
            return Derivative(None, inside.by, product)
    if a is None or b is None:
        raise _nameless(m, of if a is None else by)
    if a.later and m.world.is_loss(a):  # ∂L_future/∂c_t
        if b.step is None:
            raise UnknownError("what later steps add to it is not told from the whole", of)
        a, sign = replace(a, later=False), LATER
    if sign == DIRECT:
        return Derivative(a, b, m.world.direct(a, b))
    if sign == LATER:
        return Derivative(a, b, m.world.total(a, replace(b, later=True)))
    if m.world.is_loss(a) and a.step is None and _is_of_a_step(m, of):  # ∂ℓ/∂o_t
        a = replace(a, step=steps.get("t") if b.step is None else b.step, own=True)
    return slope(m, a, b, immediate=sign == "∂⁺" and not m.world.is_loss(a))


def _is_of_a_step(m: Meaning, of: Node) -> bool:
    """Whether a name without a step is that of the loss of a step, which the whole weighs."""
    share = m.scope.share
    named = isinstance(of, Symbol) and m.scope.is_share(of)
    return named and share is not None and share.weighs(m.world.model.loss_name)


def _equation_of(m: Meaning, of: Node, by: Place, steps: Steps) -> Place | None:
    """What an equation gives by a call: ``h_2`` for ``f(x_2, h_1, w)``, where that is h_t.

    Without arguments, ``∂f/∂h_1`` is of the step whose equation has h_1, ``∂f/∂w`` of step t.
    """
    function = of.function if isinstance(of, Call) else of
    given = [m.place(x, steps) for x in of.arguments] if isinstance(of, Call) else None
    if given is not None and None in given:
        return None
    found: list[Place] = []
    for e in m.world.model.equations:
        match e.rhs:
            case tm.Abstract(function=name, arguments=terms) if function == Symbol(name):
                for t in range(1, m.world.T + 1):
                    places = [_place_of_term(m, x, t) for x in terms]
                    at_t = by.step is not None or t == steps.get("t")
                    if by.whole in places and (places == given or (given is None and at_t)):
                        found.append(Place(e.name, t))
    return found[0] if len(found) == 1 else None


def _place_of_term(m: Meaning, term: tm.Term, t: int) -> Place | None:
    match term:
        case tm.Ref(name=name, index=index):
            return Place(name, None if index is None else index.at(t, m.world.T))
    return None


def _nameless(m: Meaning, node: Node) -> UnknownError:
    node = unbracketed(node)
    name = m.scope.unknown(node) if isinstance(node, Symbol) else None
    what = name or "an expression"
    message = f"a derivative of or by {what}, which the model doesn't name"
    return UnknownError(message, node, name)


def _of_call(m: Meaning, of: Call, steps: Steps) -> Derivative:
    """``∂f(z)/∂z``: the diagonal of f', or the Jacobian of a function of vectors."""
    size = m.matrix(of.arguments[0], steps).size
    change = m.matrix(replace(of, function=replace(of.function, primes=1)), steps)
    array = change.array if change.size != size else np.diag(change.array.reshape(-1))
    return Derivative(None, None, array.reshape(*size, *size))


def slope(m: Meaning, a: Place, b: Place, *, immediate: bool = False) -> Derivative:
    """``da/db``, or what of it the convention says; the immediate one where that is asked for."""
    for x in m.convention.written if m.world.is_loss(a) and not m.world.is_loss(b) else ():
        if x.speaks_of(a, b):
            plain = replace(m, convention=replace(m.convention, written=()))
            return share_of(plain, x.share, slope(plain, a, b))
    if not _reaches(m, a) or not _reaches(m, b):
        size = (*_extent(m, a), *_extent(m, b))
        return Derivative(a, b, np.zeros(size, dtype=object), beyond=True)
    if a.span is not None and b.later:
        raise NoPathError("a loss of several steps is that of all of them")
    if m.world.is_loss(b) and (a.span or b.span):
        raise UnknownError("a derivative by the loss of several steps", Symbol(b.name))
    if m.world.is_loss(a) and m.world.is_loss(b):
        same = a.step in (None, b.step)
        if same and b.own and not a.own:
            return Derivative(a, b, weight(m, b).array.reshape(1, 1, 1, 1))
        return Derivative(a, b, np.full((1, 1, 1, 1), int(same), dtype=object))
    if m.world.is_loss(b):
        raise UnknownError("a derivative by the loss", Symbol(b.name))
    if immediate or _is_immediate(m, a, b):
        return Derivative(a, b, _immediate(m, a, b))
    whole = Derivative(a, b, m.world.total(a.plain, b))
    at_step = a.step is None and b.step is not None and not m.world.is_parameter(b.name)
    if at_step and m.world.is_loss(a) and m.convention.undivided:
        return replace(whole, array=whole.array * m.world.T % P)
    if not a.own or m.scope.share is None:
        return whole
    if any(m.place(n, {"t": 1}) == b.whole for f in m.scope.share.factors for n in f.walk()):
        raise UnknownError("the weight of a loss is not differentiated", Symbol(b.name))
    return replace(whole, array=whole.array * weight(m, a, -1).array[0, 0] % P)


@overload
def share_of(m: Meaning, share: Share, found: Derivative, at: int | None = None) -> Derivative: ...
@overload
def share_of(m: Meaning, share: Share, found: Value, at: int | None = None) -> Value: ...
def share_of(m: Meaning, share: Share, found: Value, at: int | None = None) -> Value:
    """A share of a derivative by a state, or that of step ``at`` of one by a parameter; of
    anything else, all of it.  What the state hands back may come from a later step, ``at``."""
    match found:
        case Derivative(Place() as of, Place() as by) if not np.array_equal(
            found.array, slope(m, of, by).array
        ):
            return found  # a product of others, which may be anything
        case Derivative(Place() as of, Place(step=None) as by):
            if share is Share.STEP and at is not None:
                return replace(slope(m, of, replace(by, step=at)), transposed=found.transposed)
        case Derivative(Place() as of, Place(step=int(step)) as by) if share is not Share.STEP:
            if share is Share.NEXT:
                after = replace(by, step=step + 1 if at is None else at)
                link = slope(m, after, by, immediate=True)
                handed = chained(slope(m, of, after), link)
                return found if handed is None else replace(handed, transposed=found.transposed)
            later = slope(m, of, replace(by, later=True))
            if share is Share.LATER:
                return replace(later, transposed=found.transposed)
            return replace(found, array=(found.array - later.array) % P)
    return found


def _is_immediate(m: Meaning, of: Place, by: Place) -> bool:
    """Whether the convention takes a derivative as the immediate one."""
    if m.world.is_loss(of):
        return False
    c, by_what = m.convention, m.world.model.variables[by.name]
    if of.name in m.scope.parts and c.expressions_held:
        return True
    if not by_what.timeless:
        return c.immediate_states
    from_step = c.immediate_from
    return c.immediate_parameters or (from_step is not None and (of.step or 0) >= from_step)


def _immediate(m: Meaning, a: Place, b: Place) -> Array:
    """The immediate derivative; by a much earlier step of the same state, a product of them."""
    if (a.name, a.step) == (b.name, b.step):
        return m.world.total(a, b)
    one = _one_step(m, a)
    if a.name == b.name and a.step is not None and b.step is not None and a.step - b.step > 1:
        links = [
            Derivative(p, q, one(p, q))
            for s in range(a.step, b.step, -1)
            for p, q in [(replace(a, step=s), replace(a, step=s - 1))]
        ]
        return reduce(lambda x, y: chained(x, y) or x, links).array
    found = one(a, b)
    none = not (found.any() or _has_no_path(m, a, b)) and m.convention.immediate_states
    if none and not m.convention.gaps_zero:
        raise NoPathError(f"no direct path leads from {b.name} to {a.name}")
    return found


def _has_no_path(m: Meaning, a: Place, b: Place) -> bool:
    """Whether a quantity depends on another along no path at all; losses and parameters aside."""
    aside = m.world.is_loss(a) or m.world.is_parameter(b.name)
    return aside or not m.world.total(a, b).any()


def _one_step(m: Meaning, of: Place) -> Callable[[Place, Place], Array]:
    """The derivative within a step, or within one equation."""
    if of.name in m.scope.parts:
        return m.world.direct
    if not m.world.is_loss(of) and m.convention.immediate_states:
        return m.world.direct
    return m.world.immediate


def _extent(m: Meaning, place: Place) -> Size:
    return (1, 1) if place.entry is not None else m.world.size(place)


def _reaches(m: Meaning, place: Place) -> bool:
    """Whether a quantity exists; what stands beyond the last step has no share in the loss."""
    if m.world.exists(place.whole):
        return True
    if place.step is not None and place.step > m.world.T and m.within_sum:
        return False
    raise MissingError(f"there is no {place.name}_{place.step}")
