r"""Forward mode: real-time recurrent learning, and forward accumulation in several passes.

With ``θ`` any parameter or initial value, the chain rule carries ``∂v_t/∂θ`` along with ``v_t``:

    ∂u_t/∂θ = ∂⁺u_t/∂θ + Σ_{(v,ℓ)} (∂⁺u_t/∂v_{t-ℓ}) ∂v_{t-ℓ}/∂θ,                            (1)

summed over what the equation of ``u_t`` names, from ``∂v_s/∂θ``, ``s ≤ 0``, which is the identity
where θ is ``v_s`` itself, else 0.  A recurrence that runs from T to 1 (``ℓ < 0``) is followed in
its own direction, from ``s > T``; the passes over time come one after the other, and what a later
one reads at each step is kept for all steps: memory then grows with T, and nothing is real-time.
What no other step and no later pass depends on is not carried: such outputs (a
readout, its softmax) are differentiated within their step, from the loss back, which leaves
``a^v_t``, the derivative of step t's loss by each carried v.  Then

    vec(∂L/∂θ) = Σ_t Σ_v (∂v_t/∂θ)ᵀ vec(a^v_t) + vec(what θ adds within step t).

Source: R. J. Williams, D. Zipser, A learning algorithm for continually running fully recurrent
neural networks, Neural Computation 1 (1989), eqs. 5-8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.derivation import Derivation
from symbptt.calculus.forms import compose, linear_map
from symbptt.calculus.forward_derivation import Carried, ForwardDerivation
from symbptt.calculus.recursion import Contribution, Gradient, Recursion
from symbptt.calculus.sweep import Sweep, merged, uses
from symbptt.calculus.tangent import pushforward, rules_used
from symbptt.calculus.translate import adjoint
from symbptt.model.model import Model
from symbptt.model.steps import EVERY, Steps
from symbptt.model.terms import Ref, Term


def forward(reverse: Derivation) -> ForwardDerivation:
    """Derive forward mode for the model of a derivation.

    Raises :class:`DerivationError` for a model whose Jacobians can't be written as matrices.
    """
    model = reverse.model
    theta = MatrixSymbol(_letter(model), nd.dimension("|θ|"), 1)
    names = _carried_names(model)
    carried: dict[str, Carried] = {}
    immediate: dict[tuple[str, str], MatrixExpr] = {}
    for v in model.given:
        if v.name in names:
            x = reverse.engine.symbol(v.name)
            carried[v.name] = Carried(x, al.zeros((nd.entries(x), theta.shape[0])))
    alive = _alive(reverse)
    for name in model.order:
        if name in names and name in alive:
            own = dict(_immediate(reverse, name))
            immediate |= {(name, key): slope for key, slope in own.items()}
            carried[name] = _carried(reverse, name, theta, names, immediate=bool(own))
    within = _within(reverse, frozenset(carried))
    last = (s.name for s in model.initial.values() if s is not None and s.step is not None)
    condensed, eliminated = _condensed(model, carried, frozenset((*within.inputs, *last)))
    return ForwardDerivation(reverse, theta, carried, condensed, eliminated, immediate, within)


def _computed(model: Model, term: Term) -> Iterator[Ref]:
    """The uses of computed symbols in a term."""
    return (r for r in term.walk() if isinstance(r, Ref) and model.variables[r.name].computed)


def _letter(model: Model) -> str:
    """A name for any parameter that means nothing else in the model."""
    letters = ("theta", "xi", "chi", "omega", "zeta", "kappa", "rho", "eta", "nu", "lambda")
    return next((c for c in letters if c not in model.variables), "theta")


def _carried_names(model: Model) -> frozenset[str]:
    """What another step or a later pass depends on: symbols used there, and all that those are
    made of."""
    found = {r.name for r in model.references() if r.index is not None and r.index.offset}
    found |= set(_handed_on(model))
    found |= {s.name for s in model.initial.values() if s is not None and s.step is not None}
    queue = [name for name in found if model.variables[name].computed]
    while queue:
        new = {r.name for r in _computed(model, model.equation(queue.pop()).rhs)} - found
        found |= new
        queue += new
    return frozenset(found)


def _handed_on(model: Model) -> Iterator[str]:
    """What a pass over time reads of those before it at each step."""
    for body in (*(e.rhs for e in model.equations), *(part.term for part in model.loss)):
        used = {r.name: model.stage_of(r.name) for r in _computed(model, body)}
        own = [model.stage_of(e.name) for e in model.equations if e.rhs is body]
        latest = max((*own, *used.values()), default=0)
        yield from (name for name, stage in used.items() if stage != latest)


def _alive(reverse: Derivation) -> set[str]:
    """What reaches the loss, or something else that does: of some only the initial value does."""
    model = reverse.model
    found = {r.name for part in model.loss for r in _computed(model, part.term)}
    queue = list(found | set(reverse.adjoints))
    while queue:
        name = queue.pop()
        found.add(name)
        queue += {r.name for r in _computed(model, model.equation(name).rhs)} - found
    return found


def jacobian(reverse: Derivation, name: str, leaf: MatrixExpr) -> MatrixExpr:
    """``∂⁺v_t/∂leaf`` of the equation of v, in numerator layout."""
    hole = MatrixSymbol("∂", *leaf.shape)

    def tangent(e: MatrixExpr) -> MatrixExpr:
        return hole if e == leaf else al.zeros(e.shape)

    engine = reverse.engine
    change = pushforward(engine.right_sides[name], tangent, engine.symbol(name))
    if al.is_zero(change):
        return al.zeros((nd.entries(engine.symbol(name)), nd.entries(leaf)))
    return linear_map(change, hole)


def _carried(
    reverse: Derivation,
    name: str,
    theta: MatrixSymbol,
    names: frozenset[str],
    *,
    immediate: bool,
) -> Carried:
    """Equation (1) of the module's text."""
    symbol, rhs = reverse.engine.symbol(name), reverse.engine.right_sides[name]
    terms: list[MatrixExpr] = [jn.Immediate(symbol, theta)] if immediate else []
    for leaf in al.find(rhs, nd.At):
        given = not reverse.model.variables[leaf.name].computed
        if leaf.name in names and not (given and leaf.index == nd.t):
            terms.append(compose(jacobian(reverse, name, leaf), jn.Sensitivity(leaf, theta)))
    whole = al.plus(al.zeros((nd.entries(symbol), theta.shape[0])), *terms)
    adjoint = reverse.adjoints.get(name)
    support = adjoint.support if adjoint is not None else Steps(members=())
    return Carried(symbol, whole, support, rules_used(rhs))


def _immediate(reverse: Derivation, name: str) -> Iterator[tuple[str, MatrixExpr]]:
    """The parameters that an equation names, each with its Jacobian."""
    parameters = {v.name for v in reverse.model.parameters}
    for leaf in al.find(reverse.engine.right_sides[name], MatrixSymbol):
        if leaf.name in parameters:
            slope = jacobian(reverse, name, leaf)
            if not al.is_zero(slope):
                yield leaf.name, slope


def _within(reverse: Derivation, carried: frozenset[str]) -> Sweep:
    """The backward pass from the loss of step t to what is carried, and to parameters on the way.

    The contributions to the carried quantities, its ``inputs``, are written in the step t of the
    loss: one of lag ℓ is the derivative by ``v_{t-ℓ}``.
    """
    model, engine = reverse.model, reverse.engine
    found: dict[str, list[Contribution]] = {}
    for use in merged(uses(model, engine)):
        if use.user is not None and (use.user in carried or use.user not in reverse.adjoints):
            continue
        steps = use.steps if use.user is None else reverse.adjoints[use.user].support
        lag = int(nd.t - use.leaf.index) if isinstance(use.leaf, nd.At) else 0
        if isinstance(use.leaf, nd.At | MatrixSymbol):
            loss = 0 if use.user is None else None
            c = Contribution(use.user, lag, use.share, steps, use.rules, loss=loss)
            found.setdefault(use.leaf.name, []).append(c)
    ordered = {
        name: tuple(sorted(cs, key=lambda c: (c.steps.once, c.lag))) for name, cs in found.items()
    }
    outputs = [n for n in reversed(model.order) if n in reverse.adjoints and n not in carried]
    inputs: dict[str, Recursion] = {}
    for v in model.variables.values():
        if v.name in carried:
            reached = tuple(
                c for c in ordered.get(v.name, ()) if v.computed or c.lag
            )  # ∂x_t/∂θ = 0
            if reached:
                inputs[v.name] = Recursion(adjoint(v, nd.t), reached, EVERY)
    return Sweep(
        recursions={n: replace(reverse.adjoints[n], contributions=ordered[n]) for n in outputs},
        gradients={
            v.name: Gradient(engine.symbol(v.name), ordered.get(v.name, ()))
            for v in model.parameters
        },
        initial={},
        inputs=inputs,
    )


def _condensed(
    model: Model, lines: Mapping[str, Carried], needed: frozenset[str]
) -> tuple[dict[str, Carried], dict[str, str]]:
    """The recursions with each put in that stands alone in one other, at the same step and in the
    same pass."""
    kept, gone = dict(lines), {}
    for name, line in lines.items():
        users = [u for u in kept.values() if any(s.of.name == name for s in u.sensitivities)]
        if name in needed or len(users) != 1 or users[0].name == name:
            continue
        (user,) = users
        if name in model.order and model.stage_of(name) != model.stage_of(user.name):
            continue
        if [s.of for s in user.sensitivities] == [line.symbol]:
            (old,) = user.sensitivities
            whole = al.substitute(user.expression, {old: kept.pop(name).expression})
            kept[user.name] = replace(user, expression=whole)
            gone[name] = user.name
    return kept, gone
