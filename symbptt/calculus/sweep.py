"""The adjoint sweep over one symbolic step.

``δ^v_t`` collects one contribution from every use of v: at step t itself, at a later step
t + ℓ in an equation that looks ℓ steps back, and in the loss.  A contribution is there only
for the steps at which its user exists and matters; that is what makes t = T a case of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sympy.matrices.expressions import MatrixExpr, MatrixSymbol

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.recursion import Contribution, Gradient, Recursion
from symbptt.calculus.rules import Rule, pullback
from symbptt.calculus.translate import Engine, adjoint
from symbptt.model.model import Model, Start
from symbptt.model.steps import EVERY, Steps
from symbptt.model.terms import Index

ONE = al.ones((1, 1))


@dataclass(frozen=True)
class Sweep:
    """All recursions in the order the backward pass computes them, and all gradients."""

    recursions: Mapping[str, Recursion]
    gradients: Mapping[str, Gradient]
    initial: Mapping[tuple[str, Index], MatrixExpr]
    inputs: Mapping[str, Recursion]


@dataclass(frozen=True)
class Use:
    """A use of a symbol in an equation or in the loss, with the share of the cotangent."""

    leaf: MatrixExpr
    user: str | None
    share: MatrixExpr
    steps: Steps
    rules: tuple[Rule, ...]


def uses(model: Model, engine: Engine) -> Iterator[Use]:
    """Every use of every symbol: first in the loss, then in the equations, as written."""
    for part, scalar in zip(model.loss, engine.losses, strict=True):
        for leaf, share, rules in pullback(scalar, ONE, scalar):
            yield Use(leaf, None, share, part.steps, tuple(dict.fromkeys(rules)))
    for equation in model.equations:
        rhs = engine.right_sides[equation.name]
        value = engine.symbol(equation.name)
        g = adjoint(model.variables[equation.name], nd.t)
        for leaf, share, rules in pullback(rhs, g, value):
            yield Use(leaf, equation.name, share, EVERY, tuple(dict.fromkeys(rules)))


def sweep(model: Model) -> Sweep:
    """Differentiate the loss by every symbol, for a symbolic step t of a symbolic T."""
    engine = Engine(model)
    found = merged(uses(model, engine))
    support = _supports(model, found)
    shares: dict[MatrixExpr | str, list[Contribution]] = {}
    for use in found:
        if isinstance(use.leaf, MatrixSymbol):
            steps = use.steps if use.user is None else support.get(use.user)
            key: str = use.leaf.name
            lag = 0
        elif isinstance(use.leaf, nd.At):
            lag = int(nd.t - use.leaf.index)
            steps = use.steps if use.user is None else support.get(use.user)
            steps = steps.shifted(-lag) if steps is not None else None
            key = use.leaf.name
        else:
            continue
        if steps is None:
            continue  # its user never reaches the loss
        share = al.at(use.share, nd.t + lag)
        loss = lag if use.user is None else None
        shares.setdefault(key, []).append(
            Contribution(use.user, lag, share, steps, use.rules, loss=loss)
        )
    for (name, s), start in model.initial.items():
        if start is not None and start.step is not None:
            started = _through_start(shares.get(name, ()), name, s, start.step)
            shares.setdefault(start.name, []).extend(started)
    # its own step first, then others, then penalties
    ordered = {
        name: tuple(sorted(cs, key=lambda c: (c.steps.once, abs(c.lag))))
        for name, cs in shares.items()
    }
    backward = [n for n in reversed(model.order) if n in support]
    return Sweep(
        recursions={
            name: Recursion(adjoint(model.variables[name], nd.t), ordered[name], support[name])
            for name in backward
        },
        gradients={
            v.name: Gradient(
                engine.symbol(v.name),
                (*ordered.get(v.name, ()), *_learned(model, v.name, ordered)),
            )
            for v in model.parameters
        },
        initial={
            (v.name, s): _initial(engine.symbol(v.name), ordered.get(v.name, ()), s)
            for v, s in model.initial_values
        },
        inputs={
            v.name: Recursion(adjoint(v, nd.t), ordered[v.name], _union(ordered[v.name]))
            for v in model.given
            if ordered.get(v.name)
        },
    )


def merged(uses: Iterable[Use]) -> list[Use]:
    """Uses by one equation as one, ``h ⊙ h`` uses h twice; without those that cancel."""
    found: dict[tuple[MatrixExpr, str | None, Steps], Use] = {}
    for use in uses:
        key = (use.leaf, use.user, use.steps)
        if key in found:
            both = al.plus(found[key].share, use.share)
            rules = tuple(dict.fromkeys((*found[key].rules, *use.rules)))
            use = replace(use, share=both, rules=rules)
        found[key] = use
    return [use for use in found.values() if not al.is_zero(use.share)]


def _union(contributions: tuple[Contribution, ...]) -> Steps:
    steps = contributions[0].steps
    for c in contributions[1:]:
        steps = steps | c.steps
    return steps


def _supports(model: Model, found: list[Use]) -> dict[str, Steps]:
    """For each computed symbol that reaches the loss, the steps at which it can."""
    direct: dict[str, list[Steps]] = {}
    flows: dict[str, set[tuple[str, int]]] = {}
    for use in found:
        if isinstance(use.leaf, nd.At) and model.variables[use.leaf.name].computed:
            lag = int(nd.t - use.leaf.index)
            if use.user is None:
                direct.setdefault(use.leaf.name, []).append(use.steps)
            else:
                flows.setdefault(use.user, set()).add((use.leaf.name, lag))
    # What a symbol is reached from at its last step alone: by the start of another.
    ends: dict[str, set[tuple[str, Index]]] = {}
    for (name, _), start in model.initial.items():
        if start is not None and start.step is not None:
            for user in (user for user, used in flows.items() if name in {n for n, _ in used}):
                ends.setdefault(user, set()).add((start.name, start.step))
    cyclic = {name for name in flows if name in _reached(name, flows)}
    reverse = {name for stage in model.stages if stage.reverse for name in stage.names}
    support: dict[str, Steps] = {}
    queue = [(name, steps) for name, all_steps in direct.items() for steps in all_steps]
    while queue:
        name, steps = queue.pop()
        joined = support[name] | steps if name in support else steps
        if name in cyclic:
            joined = joined.filled(reverse=name in reverse)
        if joined == support.get(name):
            continue
        support[name] = joined
        earlier = [(used, joined.shifted(-lag)) for used, lag in flows.get(name, ())]
        earlier += [(used, Steps(members=(step,))) for used, step in ends.get(name, ())]
        queue += [(used, steps) for used, steps in earlier if not steps.is_empty]
    return support


def _reached(start: str, flows: Mapping[str, set[tuple[str, int]]]) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        for used, _ in flows.get(queue.pop(), ()):
            if used not in seen:
                seen.add(used)
                queue.append(used)
    return seen


def _initial(symbol: MatrixExpr, contributions: tuple[Contribution, ...], s: Index) -> MatrixExpr:
    """The gradient by a value from outside 1…T: only the steps near it use it."""
    there = [al.at(c.expression, nd.step(s)) for c in contributions if _user(c, s) is not None]
    return al.plus(al.zeros(symbol.shape), *there)


def _user(c: Contribution, s: Index) -> Index | None:
    """The step that uses an initial value of step s; None if that is none of 1…T."""
    step = Index(s.anchor, s.offset + c.lag)
    return step if (step.offset <= 0 if step.anchor else step.offset >= 1) else None


def _through_start(
    contributions: Iterable[Contribution], name: str, s: Index, last: Index
) -> Iterator[Contribution]:
    """What reaches the last value of a symbol from which another one starts."""
    for c in contributions:
        if _user(c, s) is not None:
            share = al.at(c.expression, nd.step(s))
            only = Steps(members=(last,))
            yield Contribution(c.user, 0, share, only, c.rules, starts=(name, s))


def _learned(
    model: Model, parameter: str, merged: Mapping[str, tuple[Contribution, ...]]
) -> Iterator[Contribution]:
    """What reaches a parameter through the initial values that it provides."""
    for (name, s), start in model.initial.items():
        for c in merged.get(name, ()) if start == Start(parameter) else ():
            step = _user(c, s)
            if step is not None:
                share = al.at(c.expression, nd.t - c.lag)
                loss = None if c.user else 0
                only = Steps(members=(step,))
                yield Contribution(c.user, c.lag, share, only, c.rules, loss=loss)
