"""A derivation to a report: every witness asked, exact and in floating point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from types import MappingProxyType

from symbptt.calculus import Derivation, Derived, ForwardDerivation, TruncatedDerivation
from symbptt.evidence.claims import Decided, landmarks
from symbptt.evidence.exact import exact_witness
from symbptt.evidence.floating import HasGradients, floating_witness
from symbptt.evidence.frameworks import frameworks
from symbptt.evidence.hessian import HasProducts, hessian_witness
from symbptt.evidence.induction import induction
from symbptt.evidence.report import Report
from symbptt.evidence.sensitivities import forward_witness
from symbptt.evidence.truncated import truncated_witness
from symbptt.model.model import Model

#: The lengths that are checked unless one is asked for.
EXACT_T = (1, 2, 3, 4, 5)
FLOAT_T = (1, 2, 5)

#: The longest sequence whose every step is proved exactly; the induction covers the others.
LONGEST = 12

#: The longest sequence for which a truncated function is compared, unless one is asked for.
LONGEST_FLOAT = 100

#: Sizes put in for the dimensions, in the order in which they first occur: all different, so
#: that a lost transpose is a shape that doesn't fit.
SIZES = (3, 2, 5, 4, 7, 6)

NONE: Mapping[str, HasGradients] = MappingProxyType({})


def assignments(model: Model) -> tuple[dict[str, int], ...]:
    """Sizes for the dimensions: all different, and all 2, where a lost transpose still fits."""
    names = model.dimensions
    different = dict(zip(names, chain(SIZES, count(8)), strict=False))
    return (different, dict.fromkeys(names, 2)) if names else ({},)


def verify(
    derivation: Derived,
    functions: Mapping[str, HasGradients] = NONE,
    *,
    abstract: Derived | None = None,
    seed: int = 0,
    T: int | None = None,
    witnesses: Iterable[str] = (),
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Prove a derivation, and compare functions compiled from its model with it.

    The derivation, and ``abstract`` where it is given (the same model with functions known by
    name alone), are proved exactly for ``T`` (by default 1…5) and by induction for every T.
    ``functions`` maps a backend's name to ``f(params, inputs) -> (loss, grads)`` with the
    attributes ``model``, whose functions are all bound, and ``T``, None if it takes any.
    ``witnesses`` names frameworks, ``torch`` and ``jax``, whose autograd they are compared with.
    A truncated derivation is proved for given T only, one of them long enough to be cut; one in
    forward mode also to have the gradients of reverse mode.

    Raises :class:`RequestError` for a witness that is unknown or not installed.

    >>> from symbptt.calculus import derive
    >>> from symbptt.model import load
    >>> report = verify(derive(load("elman")))
    >>> report.passed, report.counts["exact"] > 100, report.bound < 1e-12
    (True, True, True)
    """
    tell = progress or (lambda line: None)
    asked = frameworks(witnesses)
    model = derivation.model
    steps = T if T is not None else derivation.T
    found = Decided()
    for label, d in (("", derivation), ("abstract ", abstract)):
        if d is not None:
            tell(f"{model.name}: exact arithmetic for given T, induction for all")
            found = sum(_labelled(_exact(d, steps, seed), label), found)
    for place, f in functions.items():
        tell(f"{model.name}: {place} against {', '.join(('complex step', 'numeric BPTT', *asked))}")
        sizes = assignments(f.model)[0]
        lengths = (steps,) if steps is not None else _cut(FLOAT_T, derivation, LONGEST_FLOAT)
        found = sum(floating_witness(place, f, lengths, sizes, seed, asked), found)
    cut = derivation.truncation
    pair = None if cut is None else (cut.k1, cut.k2)
    return Report(model.name, found.checks, seed, found.bound, found.undecided, pair)


def verify_products(f: HasProducts, *, T: int = 3, seed: int = 0) -> Report:
    """Compare Hessian-vector products with differences of complex-step gradients."""
    found = sum(hessian_witness("numpy", f, T, assignments(f.model)[0], seed), Decided())
    return Report(f.model.name, found.checks, seed, found.bound, found.undecided)


def _lengths(d: Derivation, steps: int | None) -> tuple[int, ...]:
    """The lengths that a derivation is proved for, step by step."""
    Ts: tuple[int, ...] = (steps,) if steps is not None and steps <= LONGEST else EXACT_T
    if steps is None and landmarks(d).apart > max(EXACT_T):
        return (*Ts, landmarks(d).apart)
    return Ts


def _cut(Ts: tuple[int, ...], d: Derived, longest: int) -> tuple[int, ...]:
    """Lengths, and for a truncated derivation one with a cut, if it may be as long."""
    if d.truncation is None:
        return Ts
    T = min(d.truncation.k1 + d.truncation.k2, longest)
    return Ts if T in Ts or d.truncation.k2 >= T else (*Ts, T)


def _exact(d: Derived, steps: int | None, seed: int) -> Iterator[Decided]:
    sizes = assignments(d.model)
    if isinstance(d, ForwardDerivation):
        yield from forward_witness(d, _lengths(d.reverse, steps), sizes, seed)
        return
    if isinstance(d, TruncatedDerivation):
        Ts: tuple[int, ...] = (steps,) if steps is not None and steps <= LONGEST else EXACT_T
        Ts = _cut(Ts, d, LONGEST) if steps is None else Ts
        k2 = d.truncation.k2
        if k2 >= max(Ts):
            found = f"no T checked in exact arithmetic is above k2 = {k2}: nothing is cut"
            yield Decided(undecided=(found,))
        yield from truncated_witness(d, Ts, sizes, seed)
        return
    yield from exact_witness(d, _lengths(d, steps), sizes, seed)
    for each in sizes:
        yield from induction(d, each, seed)


def _labelled(parts: Iterable[Decided], label: str) -> Iterator[Decided]:
    for part in parts:
        checks = (replace(c, place=label + c.place) for c in part.checks)
        yield replace(part, checks=tuple(checks)) if label else part
