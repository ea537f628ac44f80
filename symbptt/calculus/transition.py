r"""``∂h_t/∂h_k``: the derivative of a state by an earlier one, as an ordered product.

Over one step, ``∂u_t/∂v_{t-1}`` follows from the recursion of sensitivities with ``θ = v_{t-1}``:
nothing that is used at step t depends on it immediately, and of the states of the step before it
is itself alone that does.  Over several, ``∂h_t/∂h_k = J_t J_{t-1} ⋯ J_{k+1}``, the latest first:
R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks,
ICML (2013), eq. 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.forms import letters
from symbptt.calculus.forward_derivation import ForwardDerivation
from symbptt.errors import DerivationError


@dataclass(frozen=True)
class Transition:
    """The Jacobian of all states by those of the step before.

    ``blocks`` maps (u, v) to ``∂u_t/∂v_{t-1}``, in terms of ``∂w_t/∂v_{t-1}`` for states w that
    step t computes first; what is zero is left out.
    """

    states: tuple[str, ...]
    blocks: Mapping[tuple[str, str], MatrixExpr]

    def product(self, taken: frozenset[str] = frozenset()) -> nd.TimeProduct:
        """``∂h_t/∂h_k`` for the only state there is.  ``taken`` are letters already in use.

        Raises :class:`DerivationError` for several states: the factors are then block matrices.

        >>> from symbptt.calculus import derive, forward
        >>> from symbptt.model import load
        >>> transition(forward(derive(load("elman-linear")))).product()
        Π_{j=t}^{k+1} DiagMatrix(-HadamardPower(h_j, 2) + 1)*W_hh
        """
        if len(self.states) != 1:
            raise DerivationError(
                f"∂{self.states[0]}_t/∂{self.states[0]}_k is a block of a product of block "
                f"matrices, for the states are {', '.join(self.states)}"
            )
        j, k = letters(taken)
        (state,) = self.states
        return nd.TimeProduct(al.at(self.blocks[state, state], j), j, sp.Range(nd.t, k, -1))


def transition(d: ForwardDerivation) -> Transition:
    """The Jacobian of a model's states over one step.

    Raises :class:`DerivationError` for a model without states, or with a longer lag: what is
    carried from step to step is then more than the states of one step.
    """
    if len(d.model.stages) > 1:
        raise DerivationError("∂h_t/∂h_k is written for a model of one pass over time")
    used = {s.of for line in d.condensed.values() for s in line.sensitivities}
    used |= {of for of, _, _ in d.contractions}
    earlier = {of for of in used if of.index != nd.t and d.model.variables[of.name].computed}
    states = tuple(n for n in d.condensed if any(of.name == n for of in earlier))
    if not states or any(of.index != nd.t - 1 for of in earlier):
        raise DerivationError("∂h_t/∂h_k is written for states that are used one step later")
    blocks: dict[tuple[str, str], MatrixExpr] = {}
    for v in states:
        source = nd.At(v, nd.t - 1, *map(nd.dimension, d.model.variables[v].shape))
        whole: dict[str, MatrixExpr] = {}
        for name, line in d.condensed.items():
            whole[name] = _by(line.expression, source, whole, states)
            if name in states and not al.is_zero(whole[name]):
                blocks[name, v] = whole[name]
    if not blocks:
        raise DerivationError("no state depends on those of the step before")
    return Transition(states, blocks)


def _by(
    e: MatrixExpr, source: nd.At, whole: Mapping[str, MatrixExpr], states: tuple[str, ...]
) -> MatrixExpr:
    """A recursion for any θ, for the value of one state at the step before."""

    def value(s: jn.Sensitivity) -> MatrixExpr:
        if s.of == source:
            return al.identity(nd.entries(source))
        zero = al.zeros((nd.entries(s.of), nd.entries(source)))
        if isinstance(s, jn.Immediate) or s.of.index != nd.t or s.of.name not in whole:
            return zero
        known = whole[s.of.name]
        named = s.of.name in states and not al.is_zero(known)
        return jn.Sensitivity(s.of, source) if named else known

    found = {s: value(s) for s in al.find(e, jn.Sensitivity)}
    result = al.substitute(e, found)
    return al.zeros((e.shape[0], nd.entries(source))) if al.is_zero(result) else result
