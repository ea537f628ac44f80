"""Compiled functions against floating-point witnesses: complex step, numeric BPTT, frameworks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from symbptt.errors import SymbpttError
from symbptt.evidence.claims import Decided
from symbptt.evidence.complex_step import Array, Sample, complex_step, sample
from symbptt.evidence.cuts import Differentiate, Gradients, of_windows
from symbptt.evidence.frameworks import Framework, autograd
from symbptt.evidence.numeric_bptt import NUMERIC_BPTT
from symbptt.evidence.report import Check, sizes_tuple
from symbptt.model import builtin_names, load
from symbptt.model import terms as tm
from symbptt.model.model import Model

#: How far a float64 gradient may be off, relative to its largest entry.
TOLERANCE = 1e-10

#: What is far smaller than the loss, its largest gradient and the arguments (which are about 1)
#: is compared on their scale: of terms that cancel, rounding error is left.
NEGLIGIBLE = 1e-3

BATCHES: tuple[int | None, ...] = (None, 3)

NONE: Mapping[str, Framework] = MappingProxyType({})


class HasGradients(Protocol):
    """What is compared: loss and gradients of a model whose functions are all bound.

    One that takes a single length T says so in an attribute ``T``, one that is truncated in an
    attribute ``truncation``.
    """

    @property
    def model(self) -> Model: ...

    def __call__(self, params: Any, inputs: Any) -> tuple[Any, Mapping[str, Any]]: ...


def floating_witness(
    place: str,
    f: HasGradients,
    Ts: Iterable[int],
    sizes: Mapping[str, int],
    seed: int,
    frameworks: Mapping[str, Framework] = NONE,
) -> Iterator[Decided]:
    """Compare a function for each T and batch with the complex step, and by hand where we can.

    A function compiled for one T is compared for that one.  ``frameworks`` are those whose
    autograd is a witness too, by name.
    """
    only = getattr(f, "T", None)
    for T in Ts if only is None else (only,):
        for batch in BATCHES:
            yield compared(place, f, T, batch, sizes, seed, frameworks)


def compared(
    place: str,
    f: HasGradients,
    T: int,
    batch: int | None,
    sizes: Mapping[str, int],
    seed: int,
    frameworks: Mapping[str, Framework] = NONE,
) -> Decided:
    """One function at random arguments of one length and batch size."""
    model = f.model
    if batch is not None and not (model.given or model.initial_values):
        return Decided()  # nothing that is given comes in batches
    # Initial values may be left out, and here they are, unless they alone say the batch size.
    given = T != 2 or batch is None or not model.given
    drawn = sample(model, T, batch, sizes, seed, initial=given)
    if drawn is None:
        return Decided(undecided=(f"{place}, T = {T}: no random arguments give a finite loss",))
    try:
        with np.errstate(all="ignore"):
            # nothing else says how long the sequence is, how large a state
            length = {} if model.given else {"T": T}
            size = {d: sizes[d] for d in model.free_dimensions}
            claimed = f(drawn.params, {**drawn.inputs, **length, **size})
    except (SymbpttError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        message = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        check = Check(
            "complex step", "L", place, T, sizes_tuple(sizes), False, message, np.inf, batch
        )
        return Decided((check,))
    inputs = any(v.name in claimed[1] for v in model.given)
    cut = getattr(f, "truncation", None)
    witnesses: dict[str, Differentiate] = {"complex step": complex_step}
    witnesses |= {name: partial(autograd, framework) for name, framework in frameworks.items()}
    found: list[Check] = []
    for name, differentiate in witnesses.items():
        if cut is None:
            truth = differentiate(drawn, inputs=inputs)
        else:
            truth = of_windows(differentiate, drawn, cut.k1, cut.k2, inputs=inputs)
        found += differences(name, truth, claimed, place, drawn)
    by_hand = numeric_bptt(drawn) if cut is None else None
    if by_hand is not None:
        found += differences("numeric BPTT", by_hand, claimed, place, drawn)
    return Decided(tuple(found))


def differences(
    witness: str, truth: Gradients, claimed: Gradients, place: str, at: Sample
) -> list[Check]:
    """A check for the loss and one for each gradient."""
    sizes = (float(np.abs(a).max(initial=0)) for a in truth[1].values())
    largest = max(1.0, abs(truth[0]), *sizes)

    def check(what: str, true: Any, value: Any) -> Check:
        scale = max(float(np.abs(true).max(initial=0)), NEGLIGIBLE * largest)
        error, deviation = deviates(np.asarray(true), value, scale)
        return Check(
            witness,
            what,
            place,
            at.T,
            sizes_tuple(at.sizes),
            error is None,
            error,
            deviation,
            at.batch,
        )

    gradients = ((f"∂L/∂{k}", true, claimed[1].get(k)) for k, true in truth[1].items())
    return [check("L", truth[0], claimed[0]), *(check(*g) for g in gradients)]


def deviates(
    true: Array, value: Any, scale: float, tolerance: float = TOLERANCE
) -> tuple[str | None, float]:
    """What is wrong with a value, and by how much it is off, relative to ``scale``."""
    if value is None:
        return "no such gradient was returned", float("inf")
    array = np.asarray(value)
    if array.shape != true.shape:
        return f"the shape is {array.shape} and should be {true.shape}", float("inf")
    off = float(np.abs(array - true).max(initial=0)) / scale
    if not off <= tolerance:  # NaN too
        return f"off by {off:.1e}, relative", off
    return None, off


# -- which model a hand-written gradient is for -----------------------------------------------


def numeric_bptt(s: Sample) -> Gradients | None:
    """The gradient by hand, for a built-in Elman model whose functions are written by hand too."""
    if s.model.name not in NUMERIC_BPTT or s.model.name not in builtin_names():
        return None
    bindings = bindings_between(load(s.model.name), s.model)
    if bindings is None:
        return None
    try:
        return NUMERIC_BPTT[s.model.name](s.params, s.inputs, bindings)
    except KeyError:
        return None


def bindings_between(free: Model, bound: Model) -> dict[str, str] | None:
    """What a model's abstract functions stand for in a bound copy; None if it is no copy."""
    found: dict[str, str] = {}
    if free.order != bound.order or len(free.loss) != len(bound.loss):
        return None
    pairs = [(free.equation(n).rhs, bound.equation(n).rhs) for n in free.order]
    pairs += [(a.term, b.term) for a, b in zip(free.loss, bound.loss, strict=True)]
    steps = all(a.steps == b.steps for a, b in zip(free.loss, bound.loss, strict=True))
    return found if steps and all(_matches(a, b, found) for a, b in pairs) else None


def _matches(free: tm.Term, bound: tm.Term, found: dict[str, str]) -> bool:
    if isinstance(free, tm.Mapped) and isinstance(bound, tm.Mapped | tm.VectorMapped):
        if free.function != bound.function:
            found[free.function] = bound.function
        return _matches(free.operand, bound.operand, found)
    if isinstance(free, tm.Abstract) and isinstance(bound, tm.Named):
        found[free.function] = bound.function
        pairs = zip(free.arguments, bound.arguments, strict=True)
        return all(_matches(a, b, found) for a, b in pairs)
    below = list(zip(free.children(), bound.children(), strict=False))
    if not below:
        return free == bound
    return type(free) is type(bound) and all(_matches(a, b, found) for a, b in below)
