r"""The certificate for every T: the adjoint recursion proved by induction.

**What is proved.**  Let ``δ^v_t`` be what the derivation's recursions compute, and ``∂L/∂v_t``
the true derivative.  The chain rule for a network of equations is

    ∂L/∂v_t = ∂⁺L/∂v_t + Σ_{(u,s)} (∂⁺u_s/∂v_t)ᵀ ∂L/∂u_s,                                   (1)

summed over the equations (u, s) that name ``v_t``, each ``s ≥ t``, where ∂⁺ holds all else fixed
(P. J. Werbos, Proc. IEEE 78 (1990), the chain rule for ordered derivatives).  For given t and T
it is checked that the recursion's right side is that of (1) with the adjoints ``δ^u_s`` in place
of ``∂L/∂u_s`` — as an identity in adjoints, parameters, inputs and all values of earlier steps,
every one of them a free residue.  Values of step t and later are computed by the equations.
(In a model that is not computed in one pass from t = 1 to T, values within a margin of t, of
the first and of the last step are computed by the equations, and all others are free.)
``∂⁺`` is taken by forward mode, one equation at a time.  Outside its support an adjoint is
claimed to be zero, and (1) must then be zero.

**Why that covers every T.**  The sides of (1), and the presence of each contribution, depend on
t and T only through comparisons of t with numbers up to F, and of T - t with numbers up to E: the
landmarks of the model and of the derivation (steps named, ends of ranges, lags, margins).  So the
identity at (t, T) is, up to renaming of steps, the one at ``min(t, F + 1)`` and
``min(T - t, E + 1)``, and checking ``t = 1…F+1`` with ``T - t = 0…E+1`` is checking all.  The base
is t = T, where no later adjoint exists; from there ``δ^v_t = ∂L/∂v_t`` follows backwards through
time and, within a step, in the order of the recursions, which must not name an adjoint that
comes later in it.

**Gradients.**  ``∂L/∂W = Σ_s ∂⁺L/∂W|_s + Σ_{(u,s)} (∂⁺u_s/∂W)ᵀ δ^u_s``, and the contributions at
step s are checked against the s-th summand, for the same (t, T); the sum with its range, as it is
printed, against the sum of all summands, for T up to the landmarks' sum.  Initial values and
inputs go by (1).

**Printed lines.**  What a derivation prints in cases must agree with (1) too, for the same (t, T):
the first case that fits holds.  Where a loss names steps by number (``t = 2``) the cases are
claimed, and proved, for sequences long enough that those steps come before all that are named
from the end; the recursions themselves, and so the gradients, hold for every T all the same.

**What is not proved:** sizes.  The identities are checked at the sizes that the report names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from operator import add

from symbptt.calculus import Derivation, Line, Why
from symbptt.calculus.condense import Condensed
from symbptt.calculus.recursion import Recursion
from symbptt.calculus.sweep import Sweep
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import (
    Claim,
    Decided,
    Landmarks,
    Setting,
    decide,
    landmarks,
)
from symbptt.evidence.exact import contributed, distributions, initial_value, line_at
from symbptt.evidence.expressions import Scene
from symbptt.evidence.window import Window, margin
from symbptt.model.model import initial_key


@dataclass(frozen=True)
class Part:
    """One of the two backward passes of a derivation, and how its adjoints are read."""

    place: str
    parts: Sweep | Condensed
    adjoint: Callable[[str, int], X]


def parts_of(window: Window) -> tuple[Part, Part]:
    """All adjoints, each by its own recursion; and those that are left once others are put in."""
    return (
        Part("recursion", window.d.sweep, window.free_adjoint),
        Part("condensed", window.d.condensed, window.eliminated_adjoint),
    )


def step_claims(window: Window, known: Landmarks) -> Iterator[Claim]:
    """At the window's first step: each adjoint, and what each gradient gets from this step."""
    d, t, T = window.d, window.start, window.T
    for part in parts_of(window):
        recursions: Mapping[str, Recursion] = part.parts.recursions
        everything = part.place == "recursion"
        for name in d.model.order if everything else recursions:
            yield _recursion_claim(window, part, name, recursions.get(name), recursions)
        if d.inputs:
            for v in d.model.given:
                yield _recursion_claim(
                    window, part, v.name, part.parts.inputs.get(v.name), recursions
                )
        scene = window.scene(recursions, part.adjoint)
        for name, g in part.parts.gradients.items():
            yield Claim(
                f"∂L/∂{name}, step {t}",
                part.place,
                partial(contributed, g, scene, t, window.size(name)),
                partial(window.by_parameter, name, t, part.adjoint),
            )
    if known.apart <= T:
        yield from line_claims(window, distribution=False)


def line_claims(window: Window, *, distribution: bool) -> Iterator[Claim]:
    """The lines as printed, at the window's first step.

    ``distribution`` asks for the lines that hold where a target's entries sum to 1.
    """
    t = window.start
    every, condensed = parts_of(window)
    for step in window.d.steps:
        kind = step.reason.kind
        if step.of is not None or (kind is Why.DISTRIBUTION) is not distribution:
            continue
        name, part = step.left.name, every if kind is Why.USES else condensed
        scene = window.scene(part.parts.recursions, part.adjoint, (name, t))
        yield Claim(
            f"δ^{name}_{t}",
            f"line, {kind}",
            partial(_line_value, window, line_at(step, t, window.T), name, scene),
            partial(window.by_place, name, t, part.adjoint),
        )


def _line_value(window: Window, line: Line | None, name: str, scene: Scene) -> X:
    if line is None:
        return window.A.constant(0, window.size(name))
    return scene.value(line.expression, window.start)


def _recursion_claim(
    window: Window, part: Part, name: str, r: Recursion | None, kept: Mapping[str, Recursion]
) -> Claim:
    t = window.start
    scene = window.scene(kept, part.adjoint, (name, t) if name in kept else None)

    def value() -> X:
        if r is None or t not in r.support.at(window.T):
            return window.A.constant(0, window.size(name))
        return contributed(r, scene, t, window.size(name))

    return Claim(f"δ^{name}_{t}", part.place, value, lambda: window.by_place(name, t, part.adjoint))


def sum_claims(window: Window, known: Landmarks) -> Iterator[Claim]:
    """For the whole sequence: gradients as printed, with their sums; initial values."""
    T = window.T
    for part in parts_of(window):
        scene = window.scene(part.parts.recursions, part.adjoint)
        for (name, s), e in part.parts.initial.items():
            yield Claim(
                f"∂L/∂{initial_key(name, s)}",
                part.place,
                partial(initial_value, e, scene, part.parts.recursions),
                partial(window.by_place, name, s.at(0, T), part.adjoint),
            )
        if not known.reached(T):
            continue
        for name, g in part.parts.gradients.items():
            yield Claim(
                f"∂L/∂{name}",
                f"{part.place}, summed",
                partial(scene.value, g.expression),
                partial(_summed, window, name, part),
            )


def _summed(window: Window, name: str, part: Part) -> X:
    steps = range(1, window.T + 1)
    return reduce(add, (window.by_parameter(name, s, part.adjoint) for s in steps))


def windows(known: Landmarks, margin: int = 0) -> Iterator[tuple[int, int]]:
    """The (t, T) that stand for all: see the module's text."""
    first = max(known.first, 2 * margin + 2 if margin else 0)
    last = max(known.last, 2 * margin + 1 if margin else 0)
    for t in range(1, max(first + known.lag + 1, known.apart) + 1):
        for after in range(last + known.lag + 2):
            yield t, t + after


def induction(d: Derivation, sizes: Mapping[str, int], seed: int) -> Iterator[Decided]:
    """The certificate that the recursions and sums hold for every T, window by window."""
    known, width = landmarks(d), margin(d)
    for t, T in windows(known, width):

        def steps(A: Arithmetic, t: int = t, T: int = T) -> Iterator[Claim]:
            return step_claims(Window(d, T, t, sizes, A, width), known)

        def lines(A: Arithmetic, t: int = t, T: int = T) -> Iterator[Claim]:
            return line_claims(Window(d, T, t, sizes, A, width), distribution=True)

        yield decide(steps, Setting("induction", T, sizes, seed))
        if distributions(d) and known.apart <= T:
            yield decide(lines, Setting("induction", T, sizes, seed, distributions(d)))
    for T in range(1, known.first + known.last + 2 * known.lag + 3):

        def sums(A: Arithmetic, T: int = T) -> Iterator[Claim]:
            return sum_claims(Window(d, T, 1, sizes, A, T if width else 0), known)

        yield decide(sums, Setting("induction", T, sizes, seed))
