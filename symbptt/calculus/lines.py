"""The lines of a derivation, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sympy.matrices.expressions import MatAdd, MatrixExpr

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.condense import Condensed
from symbptt.calculus.recursion import Contribution, Recursion
from symbptt.calculus.rules import Rule
from symbptt.calculus.sweep import Sweep
from symbptt.calculus.tangent import Pushforward
from symbptt.calculus.translate import Engine
from symbptt.calculus.windows import Where
from symbptt.model.model import Model, Role, initial_key
from symbptt.model.steps import Steps


class Why(StrEnum):
    """The kinds of reason a line of a derivation has."""

    USES = "uses"  # an adjoint collects a share from every use of its symbol
    SUBSTITUTED = "substituted"  # other adjoints were put in, and the result simplified
    DISTRIBUTION = "distribution"  # the target's entries sum to 1
    SHARED = "shared"  # a parameter is used at every step, so its gradient is a sum
    INITIAL = "initial"  # an initial value is used by the first steps only
    INPUT = "input"  # an input is used at its own step
    UNUSED = "unused"  # nothing on the way to the loss uses it
    # Forward mode:
    CARRIED = "carried"  # a sensitivity follows from those of what its equation names
    IMMEDIATE = "immediate"  # what an equation itself says of a parameter
    CONTRACTED = "contracted"  # the loss's derivatives times the sensitivities
    WITHIN = "within"  # a parameter reaches the loss within a step


@dataclass(frozen=True)
class Reason:
    """Why a line holds: the kind, the uses that contribute, the rules that apply."""

    kind: Why
    uses: tuple[Contribution, ...] = ()
    rules: tuple[Rule | Pushforward, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One formula on part of the time line (everywhere, if ``steps`` is None).

    With ``zero_terms`` a term is zero where it names an adjoint that is not there.
    """

    expression: MatrixExpr
    steps: Steps | Where | None = None
    otherwise: bool = False
    zero_terms: bool = False


@dataclass(frozen=True)
class Step:
    """A line of a derivation: ``left = right``, in cases, with the reason.

    A gradient whose left side is of a window is the sum of all windows' gradients.
    """

    left: MatrixExpr
    lines: tuple[Line, ...]
    reason: Reason
    of: MatrixExpr | None = None  # for a gradient, what the loss is differentiated by

    def __str__(self) -> str:
        left = self.left if self.of is None else f"∂L/∂{self.of}"
        if self.of is not None and isinstance(self.left, nd.WindowAdjoint):
            left = f"Σ_{self.left.end} ∂L^({self.left.end})/∂{self.of}"
        elif self.of is not None and self.right.shape != self.of.shape and self.of.shape[1] != 1:
            left = f"vec({left})"
        return f"{left} = " + "; ".join(
            str(line.expression) + (f" ({line.steps})" if line.steps else "") for line in self.lines
        )

    @property
    def right(self) -> MatrixExpr:
        """The right side at a step with nothing special about it."""
        return self.lines[-1].expression


def step_of(recursion: Recursion, reason: Reason) -> Step:
    """``δ^v_t = …``, in cases where the steps differ."""
    cases = recursion.cases
    when = recursion.only
    if when is not None:
        return Step(
            al.at(recursion.symbol, when), (Line(al.at(cases[0].expression, when)),), reason
        )
    if len(cases) == 1 and cases[0].steps.is_every:
        line = Line(cases[0].expression, zero_terms=cases[0].zero_terms)
        return Step(recursion.symbol, (line,), reason)
    lines = tuple(Line(c.expression, c.steps, c.otherwise, c.zero_terms) for c in cases)
    return Step(recursion.symbol, lines, reason)


def adjoint_lines(model: Model, found: Sweep, parts: Condensed) -> Iterator[Step]:
    """Every recursion as its uses make it, and as it reads once others are put in."""
    stated: set[str] = set()
    waiting: dict[str, tuple[str, ...]] = {}  # recursions to rewrite, with what is put in
    for name, recursion in found.recursions.items():
        rules = tuple(dict.fromkeys(r for c in recursion.contributions for r in c.rules))
        yield step_of(recursion, Reason(Why.USES, recursion.contributions, rules))
        stated.add(name)
        if name not in parts.eliminated:
            inside = _inside(recursion, found, parts.eliminated)
            waiting[name] = tuple(n for n in parts.eliminated if n in inside)
        for ready in [n for n, gone in waiting.items() if stated.issuperset(gone)]:
            yield from _rewritten(
                model, found.recursions[ready], parts.recursions[ready], waiting.pop(ready)
            )


def _rewritten(
    model: Model, stated: Recursion, short: Recursion, gone: tuple[str, ...]
) -> Iterator[Step]:
    """A recursion with others put in or simplified, and where a target is a distribution."""
    if _unordered(short) != _unordered(stated):
        yield step_of(short, Reason(Why.SUBSTITUTED, about=gone))
    assumed, about = under_distribution(model, short)
    if about:
        yield step_of(assumed, Reason(Why.DISTRIBUTION, about=about))


def _unordered(recursion: Recursion) -> list[tuple[object, ...]]:
    """The cases of a recursion, whatever the order in which their terms stand."""
    return [
        (case.steps, case.otherwise, frozenset(MatAdd.make_args(case.expression)))
        for case in recursion.cases
    ]


def _inside(recursion: Recursion, found: Sweep, gone: tuple[str, ...]) -> set[str]:
    """The eliminated adjoints that stand in a recursion, directly or inside another one."""
    there = {a.name for c in recursion.contributions for a in al.find(c.expression, nd.Adjoint)}
    direct = there & set(gone) - {recursion.name}
    return direct.union(*(_inside(found.recursions[n], found, gone) for n in direct))


def under_distribution(model: Model, recursion: Recursion) -> tuple[Recursion, tuple[str, ...]]:
    """A recursion as it reads where a target's entries sum to 1, and the targets concerned."""
    used: dict[str, None] = {}

    def change(e: MatrixExpr) -> MatrixExpr:
        entries = e.operand if isinstance(e, nd.Total) else None
        if isinstance(entries, nd.At) and model.variables[entries.name].role is Role.TARGET:
            used[entries.name] = None
            return al.ones((1, 1))
        return al.rebuild(e, change)

    contributions = tuple(
        replace(c, expression=change(c.expression)) for c in recursion.contributions
    )
    return replace(recursion, contributions=contributions), tuple(used)


def gradient_lines(
    engine: Engine, parts: Condensed, values: Mapping[str, MatrixExpr], *, inputs: bool
) -> Iterator[Step]:
    """Every gradient, with the uses that add to it."""

    def step(key: str, of: MatrixExpr, reason: Reason) -> Step:
        return Step(nd.Adjoint(key, 0, *of.shape), (Line(values[key]),), reason, of=of)

    for name, gradient in parts.gradients.items():
        kind = Why.SHARED if gradient.contributions else Why.UNUSED
        rules = tuple(dict.fromkeys(r for c in gradient.contributions for r in c.rules))
        yield step(name, gradient.symbol, Reason(kind, gradient.contributions, rules))
    for name, s in parts.initial:
        yield step(initial_key(name, s), engine.symbol(name, s), Reason(Why.INITIAL))
    for v in engine.model.given if inputs else ():
        if v.name in parts.inputs:
            whole = step_of(parts.inputs[v.name], Reason(Why.INPUT))
            yield replace(whole, of=engine.symbol(v.name, whole.left.index))
        else:
            yield step(v.name, engine.symbol(v.name), Reason(Why.UNUSED))
