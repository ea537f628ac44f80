"""The derivatives that a formula writes: ``∂L/∂h_t``, ``∂h_t/∂h_k``, ``∇_W L``, ``∂f(z)/∂z``.

Each function takes first the :class:`Meaning` that says how formulas are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from symbptt.check.quantities import MissingError, Place
from symbptt.check.scripts import Steps, unbracketed
from symbptt.check.symbols import UnknownError
from symbptt.check.tensors import Derivative, Matrix, Value, chained, odot
from symbptt.evidence.residues import Array, P, Residues, Size
from symbptt.formula.tree import Call, Differential, Node, Quotient, Symbol

if TYPE_CHECKING:
    from symbptt.check.meaning import Meaning


def quotient(m: Meaning, node: Quotient, steps: Steps) -> Value:
    """A derivative, or one value over another entry by entry."""
    match node:
        case Quotient(Differential(sign, Node() as of, 1), Differential(_, Node() as by, 1)):
            if m.convention.partial_immediate and sign == "∂":
                sign = "∂⁺"
            return derivative(m, of, by, sign, steps)
        case Quotient(Differential(_, None, 1), Differential(_, Node(), 1)):
            raise UnknownError("a derivative of nothing", node)
        case Quotient(Differential(sign, Node() as of, 1), Symbol() as by):
            return derivative(m, of, by, sign, steps)  # a ∂ is missing
        case Quotient(Symbol() as of, Differential(sign, Node() as by, 1)):
            return derivative(m, of, by, sign, steps)
        case Quotient(Differential(), _) | Quotient(_, Differential()):
            raise UnknownError("a derivative with one ∂", node)
    above, below = m.matrix(node.numerator, steps), m.matrix(node.denominator, steps)
    return odot(above, Matrix(Residues(below.array).inverse().array))


def derivative(m: Meaning, of: Node, by: Node, sign: str, steps: Steps) -> Derivative:
    """``∂of/∂by`` for what the two sides of the bar name; ``∂⁺`` is the immediate one."""
    if isinstance(of, Call) and of.arguments == (by,):
        return _of_call(m, of, steps)
    a, b = m.place(of, steps), m.place(by, steps)
    match of:
        case Call(_, (inner,)) if a is None and b is not None:  # ∂tanh(c_t)/∂W
            outside, inside = _of_call(m, of, steps), derivative(m, inner, by, sign, steps)
            product = np.tensordot(outside.array, inside.array, axes=((2, 3), (0, 1))) % P
            return Derivative(None, inside.by, product)
    if a is None or b is None:
        raise _nameless(m, of if a is None else by)
    if m.convention.right_own and m.world.is_loss(a) and b.step == steps.get("t"):
        a = replace(a, step=b.step)
    return slope(m, a, b, immediate=sign == "∂⁺" and not m.world.is_loss(a))


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
    """``da/db``, or the immediate one where that is asked for or the convention says so."""
    if not _reaches(m, a) or not _reaches(m, b):
        size = (*_extent(m, a), *_extent(m, b))
        return Derivative(a, b, np.zeros(size, dtype=object), beyond=True)
    if m.world.is_loss(a) and m.world.is_loss(b):
        same = a.step in (None, b.step)
        return Derivative(a, b, np.full((1, 1, 1, 1), int(same), dtype=object))
    if m.world.is_loss(b):
        raise UnknownError("a derivative by the loss", Symbol(b.name))
    if immediate or _is_immediate(m, a, b):
        return Derivative(a, b, _immediate(m, a, b))
    later = m.world.is_loss(a) and b.step is not None and m.convention.later_of == b.name
    return Derivative(a, b, m.world.total(a, replace(b, later=True) if later else b))


def _is_immediate(m: Meaning, of: Place, by: Place) -> bool:
    """Whether the convention takes a derivative as the immediate one."""
    if m.world.is_loss(of):
        return False
    c, by_what = m.convention, m.world.model.variables[by.name]
    if not by_what.timeless:
        return c.immediate_states
    from_step = c.immediate_from
    return c.immediate_parameters or (from_step is not None and (of.step or 0) >= from_step)


def _immediate(m: Meaning, a: Place, b: Place) -> Array:
    """The immediate derivative; by a much earlier step of the same state, a product of them."""
    one = _one_step(m, a)
    if a.name == b.name and a.step is not None and b.step is not None and a.step - b.step > 1:
        links = [
            Derivative(p, q, one(p, q))
            for s in range(a.step, b.step, -1)
            for p, q in [(replace(a, step=s), replace(a, step=s - 1))]
        ]
        return reduce(lambda x, y: chained(x, y) or x, links).array
    return one(a, b)


def _one_step(m: Meaning, of: Place) -> Callable[[Place, Place], Array]:
    """The derivative within a step, or within one equation."""
    if m.convention.immediate_states and not m.world.is_loss(of):
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
