r"""The certificate for every T: the adjoint recursion proved by induction.

**What is proved.**  Let ``δ^v_t`` be what the derivation's recursions compute, and ``∂L/∂v_t``
the true derivative.  The chain rule for a network of equations is

    ∂L/∂v_t = ∂⁺L/∂v_t + Σ_{(u,s)} (∂⁺u_s/∂v_t)ᵀ ∂L/∂u_s,                                   (1)

summed over the equations (u, s) that name ``v_t``, each ``s ≥ t``, where ∂⁺ holds all else fixed
(P. J. Werbos, Proc. IEEE 78 (1990), the chain rule for ordered derivatives).  For given t and T
it is checked that the recursion's right side is that of (1) with the adjoints ``δ^u_s`` in place
of ``∂L/∂u_s`` — as an identity in adjoints, parameters, inputs and all values of earlier steps,
every one of them a free residue.  Values of step t and later are computed by the equations.
``∂⁺`` is taken by forward mode, one equation at a time.  Outside its support an adjoint is
claimed to be zero, and (1) must then be zero.

**Why that covers every T.**  The sides of (1), and the presence of each contribution, depend on
t and T only through comparisons of t with numbers up to F, and of T - t with numbers up to E:
the landmarks of the model and of the derivation (steps named, ends of ranges, lags).  So the
identity at (t, T) is, up to renaming of steps, the one at ``min(t, F + 1)`` and
``min(T - t, E + 1)``, and checking ``t = 1…F+1`` with ``T - t = 0…E+1`` is checking all.  The base
is t = T, where no later adjoint exists; from there ``δ^v_t = ∂L/∂v_t`` follows backwards through
time and, within a step, in the order of the recursions, which must not name an adjoint that
comes later in it.

**Gradients.**  ``∂L/∂W = Σ_s ∂⁺L/∂W|_s + Σ_{(u,s)} (∂⁺u_s/∂W)ᵀ δ^u_s``, and the contributions at
step s are checked against the s-th summand, for the same (t, T); the sum with its range, as it is
printed, against the sum of all summands, for T up to the landmarks' sum.  Initial values and
inputs go by (1).

**What is not proved:** sizes.  The identities are checked at the sizes that the report names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from symbptt.calculus import Derivation
from symbptt.calculus.condense import Condensed
from symbptt.calculus.sweep import Gradient, Recursion, Sweep
from symbptt.evidence.atoms import Arithmetic, X
from symbptt.evidence.claims import Claim, Decided, Landmarks, Setting, decide, free_values, landmarks
from symbptt.evidence.duals import Dual, DualArithmetic
from symbptt.evidence.exact import contributed, initial_value, line_at
from symbptt.evidence.expressions import Scene
from symbptt.evidence.forward import Place, evaluate, fixed_initial, size_of
from symbptt.evidence.residues import Size, Wrong
from symbptt.model import terms as tm
from symbptt.model.model import initial_key


@dataclass(frozen=True)
class Window:
    """The steps from ``start`` on, with everything before them, and every adjoint, free."""

    d: Derivation
    T: int
    start: int
    sizes: Mapping[str, int]
    A: Arithmetic
    values: dict[Place, X] = field(default_factory=dict)

    def size(self, name: str) -> Size:
        return size_of(self.d.model.variables[name].shape, self.sizes)

    # -- values -------------------------------------------------------------------------------

    def read(self, name: str, step: int | None) -> X:
        """A symbol's value: by its equation from ``start`` on, free before."""
        key = name, step
        if key not in self.values:
            self.values[key] = self._value(name, step)
        return self.values[key]

    def _value(self, name: str, step: int | None) -> X:
        model = self.d.model
        free = free_values(self.A, model, self.sizes)
        if step is not None and step < 1 and (name, step) in model.initial:
            arithmetic = DualArithmetic(self.A, self.sizes)
            initial: X = fixed_initial(model, name, step, lambda n, s: Dual(free(n, s)), arithmetic)
            return initial.value
        if step is None or step < self.start or not model.variables[name].computed:
            return free(name, step)
        return self._with(model.equation(name).rhs, step, lambda name, step: False).value

    def _with(self, term: tm.Term, s: int, changes: Callable[[str, int | None], bool]) -> Dual:
        """A term at step s as a dual number, with all that ``changes`` varying at once."""

        def read(name: str, index: tm.Index | None) -> Dual:
            step = None if index is None else index.at(s, self.T)
            value = self.read(name, step)
            if not changes(name, step):
                return Dual(value)
            entries = value.size[0] * value.size[1]
            return Dual(value, self.A.units(0, entries, value.size))

        return evaluate(term, read, DualArithmetic(self.A, self.sizes))  # type: ignore[no-any-return]

    # -- adjoints ---------------------------------------------------------------------------------

    def free_adjoint(self, name: str, step: int) -> X:
        """A free residue, in the steps where the derivation says that there can be one."""
        r = self.d.sweep.recursions.get(name)
        if r is None or step not in r.support.at(self.T):
            return self.A.constant(0, self.size(name))
        return self.A.free(("δ", name, step), self.size(name))

    def eliminated_adjoint(self, name: str, step: int) -> X:
        """An adjoint that the condensed pass has put in for: what its own recursion says."""
        if name in self.d.condensed.recursions or name not in self.d.sweep.recursions:
            return self.free_adjoint(name, step)
        r = self.d.sweep.recursions[name]
        if step not in r.support.at(self.T):
            return self.A.constant(0, self.size(name))
        scene = self.scene(self.d.sweep.recursions, self.eliminated_adjoint)
        return contributed(r, scene, step, self.size(name))

    def scene(
        self,
        kept: Iterable[str],
        adjoint: Callable[[str, int], X],
        before: tuple[str, int] | None = None,
    ) -> Scene:
        """Where a recursion is evaluated; it may name only what is computed ``before`` it."""
        order = list(kept)

        def known(name: str, step: int) -> X:
            if name not in order:
                raise Wrong(f"reads δ^{name}, which the backward pass doesn't compute")
            if not 1 <= step <= self.T:
                raise Wrong(f"reads δ^{name}_{step}, but the steps are 1…{self.T}")
            if before is not None:
                v, t = before
                if (-step, order.index(name)) >= (-t, order.index(v)):
                    raise Wrong(f"reads δ^{name}_{step} before it is computed")
            return adjoint(name, step)

        return Scene(self.A, self.sizes, self.T, self.read, known)

    # -- the right side of (1) ----------------------------------------------------------------------

    def local(
        self,
        size: Size,
        changes: Callable[[str, int | None], bool],
        steps: Iterable[int],
        adjoint: Callable[[str, int], X],
    ) -> X:
        """``∂⁺L + Σ (∂⁺u_s)ᵀ δ^u_s`` by all that ``changes``, over the equations of ``steps``."""
        model = self.d.model
        found: list[X] = []
        for s in steps:
            for equation in model.equations:
                if self._names(equation.rhs, s, changes):
                    du = self._with(equation.rhs, s, changes).tangent
                    if du is not None:
                        found.append((adjoint(equation.name, s) * du).total())
            for part in model.loss:
                if s in part.steps.at(self.T) and self._names(part.term, s, changes):
                    dL = self._with(part.term, s, changes).tangent
                    found += [] if dL is None else [dL]
        slopes = (self.A.gradient(dL, 0, size) for dL in found)
        return reduce(add, slopes, self.A.constant(0, size))

    def _names(self, term: tm.Term, s: int, changes: Callable[[str, int | None], bool]) -> bool:
        return any(
            changes(x.name, None if x.index is None else x.index.at(s, self.T))
            for x in term.walk()
            if isinstance(x, tm.Ref)
        )

    def by_place(self, name: str, t: int, adjoint: Callable[[str, int], X]) -> X:
        """The right side of (1) for ``v_t``."""
        lag = max((0, *self.d.model.variables[name].lags))
        steps = range(max(1, t), min(self.T, t + lag) + 1)
        return self.local(self.size(name), lambda n, s: (n, s) == (name, t), steps, adjoint)

    def by_parameter(self, name: str, s: int, adjoint: Callable[[str, int], X]) -> X:
        """The summand of step s in the gradient by a parameter, where it is an initial value too."""
        initial = self.d.model.initial

        def changes(n: str, step: int | None) -> bool:
            if step is None:
                return n == name
            return step < 1 and initial.get((n, step)) == name

        return self.local(self.size(name), changes, (s,), adjoint)


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
    d, t, T, A = window.d, window.start, window.T, window.A
    for part in parts_of(window):
        recursions: Mapping[str, Recursion] = part.parts.recursions
        everything = part.place == "recursion"
        for name in d.model.order if everything else recursions:
            yield _recursion_claim(window, part, name, recursions.get(name), recursions)
        if d.inputs:
            for v in d.model.given:
                yield _recursion_claim(window, part, v.name, part.parts.inputs.get(v.name), recursions)
        scene = window.scene(recursions, part.adjoint)
        for name, g in part.parts.gradients.items():
            yield Claim(
                f"∂L/∂{name}, step {t}",
                part.place,
                lambda g=g, scene=scene, name=name: contributed(g, scene, t, window.size(name)),  # type: ignore[misc]
                lambda name=name, part=part: window.by_parameter(name, t, part.adjoint),  # type: ignore[misc]
            )
    if T >= known.apart:
        for step in d.steps:
            if step.of is None and not step.reason.about:
                name = step.left.name
                scene = window.scene(d.sweep.recursions, window.free_adjoint, (name, t))
                line = line_at(step, t, T)
                yield Claim(
                    f"δ^{name}_{t}",
                    f"line, {step.reason.kind}",
                    lambda line=line, scene=scene, name=name: A.constant(0, window.size(name))  # type: ignore[misc]
                    if line is None
                    else scene.value(line.expression, t),
                    lambda name=name: window.by_place(name, t, window.free_adjoint),  # type: ignore[misc]
                )


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
    d, T = window.d, window.T
    for part in parts_of(window):
        scene = window.scene(part.parts.recursions, part.adjoint)
        for (name, s), e in part.parts.initial.items():
            yield Claim(
                f"∂L/∂{initial_key(name, s)}",
                part.place,
                lambda e=e, scene=scene: initial_value(e, scene, known),  # type: ignore[misc]
                lambda name=name, s=s, part=part: window.by_place(name, s, part.adjoint),  # type: ignore[misc]
            )
        if T < known.enough:
            continue
        for name, g in part.parts.gradients.items():
            yield Claim(
                f"∂L/∂{name}",
                f"{part.place}, summed",
                lambda g=g, scene=scene: scene.value(g.expression),  # type: ignore[misc]
                lambda name=name, part=part: _summed(window, name, part),  # type: ignore[misc]
            )


def _summed(window: Window, name: str, part: Part) -> X:
    steps = range(1, window.T + 1)
    return reduce(add, (window.by_parameter(name, s, part.adjoint) for s in steps))


def windows(known: Landmarks) -> Iterator[tuple[int, int]]:
    """The (t, T) that stand for all: see the module's text."""
    for t in range(1, known.first + known.lag + 2):
        for after in range(known.last + known.lag + 2):
            yield t, t + after


def induction(d: Derivation, sizes: Mapping[str, int], seed: int) -> Decided:
    """The certificate that the recursions and sums hold for every T."""
    known = landmarks(d)
    found = Decided()
    for t, T in windows(known):
        at = Setting(f"induction", T, sizes, seed)
        claims: Any = lambda A, t=t, T=T: step_claims(Window(d, T, t, sizes, A), known)  # noqa: E731
        found += decide(claims, at)
    for T in range(1, known.apart + known.lag + 2):
        at = Setting("induction", T, sizes, seed)
        claims = lambda A, T=T: sum_claims(Window(d, T, 1, sizes, A), known)  # noqa: E731
        found += decide(claims, at)
    return found
