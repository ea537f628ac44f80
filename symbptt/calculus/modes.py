"""A derivation in one of the modes, refused where there is nothing to derive."""

from __future__ import annotations

from symbptt.calculus.derivation import derive
from symbptt.calculus.forward_derivation import ForwardDerivation
from symbptt.calculus.sensitivities import forward
from symbptt.calculus.truncated import AnyDerivation, truncate
from symbptt.errors import DerivationError, RequestError, did_you_mean
from symbptt.model.model import Model

Derived = AnyDerivation | ForwardDerivation

#: The ways through a network: back from the loss, or forward with the sensitivities.
MODES = ("reverse", "forward")


def derive_in(
    mode: str,
    model: Model,
    T: int | None = None,
    *,
    inputs: bool = False,
    windows: int | tuple[int, int] | None = None,
) -> Derived:
    """A derivation in a mode; with ``windows``, that of truncated BPTT.

    Raises :class:`RequestError` for a mode that there is not, :class:`DerivationError` where every
    gradient is zero, and for what a mode can't be asked.
    """
    if mode not in MODES:
        raise RequestError(f"no mode '{mode}'{did_you_mean(str(mode), MODES)}")
    if mode == "forward":
        if T is not None:
            raise DerivationError("forward mode is derived for every T at once; leave T out")
        if inputs:
            raise DerivationError(
                "forward mode gives no gradients by inputs: there is one for each step, and all "
                "would be carried; use reverse mode"
            )
        if windows is not None:
            raise DerivationError("forward mode goes back no step; leave out truncate (--truncate)")
    found = derive(model, T, inputs=inputs)
    if found.is_zero:
        raise DerivationError(
            f"{model.name}: no parameter and no initial value moves the loss, "
            "so every gradient is zero"
        )
    if mode == "forward":
        return forward(found)
    return found if windows is None else truncate(found, windows)
