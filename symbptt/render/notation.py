r"""Notations: how ∂, δ, transposes, products and names are written.  A notation is a row of data.

The conventions of the mathematics (columns, numerator layout, ``δ^v := ∂L/∂v``) don't change
with the notation; only what is put on paper does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from symbptt.errors import RequestError, did_you_mean
from symbptt.model.model import Model


@dataclass(frozen=True)
class Notation:
    r"""How a derivation is written.

    ``adjoint`` is ``delta`` (``\delta^v_t``) or ``partial`` (``\partial L / \partial v_t``).
    ``spelled_out`` names those written as a derivative all the same.  ``deltas`` gives chosen
    adjoints a superscript of their own: an empty one for the symbol whose δ carries no name.
    ``eliminate`` names the adjoints that the recursion is written without (by default those
    that nothing else needs).  ``layout`` is that of Jacobians.  ``written_out`` lists the T for
    which everything is also written step by step.
    """

    name: str
    sentence: str = ""
    adjoint: str = "delta"
    spelled_out: tuple[str, ...] = ()
    deltas: Mapping[str, str] = field(default_factory=dict)
    eliminate: tuple[str, ...] | None = None
    transpose: str = r"\mathsf{T}"
    hadamard: str = r"\odot"
    differential: str = r"\partial"
    symbols: Mapping[str, str] = field(default_factory=dict)
    layout: str = "numerator"
    written_out: tuple[int, ...] = ()


STANDARD = Notation("standard", "δ with the name of its symbol: δ^v is the derivative by v")

_T = replace(STANDARD, transpose="T")

NOTATIONS: dict[str, Notation] = {
    n.name: n
    for n in (
        STANDARD,
        replace(STANDARD, name="partial", adjoint="partial", sentence="∂L/∂v written out"),
        replace(_T, name="elman", deltas={"z": ""}, sentence="δ_t for the pre-activation z_t"),
        replace(
            _T,
            name="elman-generic",
            deltas={"z": "", "o": "y"},
            spelled_out=("y", "h"),
            sentence="δ_t for the pre-activation z_t, δ^y_t for that of the output",
        ),
        replace(
            _T, name="elman-linear", adjoint="partial", sentence="∂L/∂h_t and ∂L/∂y_t written out"
        ),
        replace(
            _T,
            name="elman-many-to-one",
            adjoint="partial",
            differential="d",
            eliminate=("z",),
            written_out=(2, 4),
            sentence="dL/dh_t written out, T = 2 and T = 4 step by step",
        ),
        replace(
            _T, name="elman-uvw", adjoint="partial", sentence="∂E/∂s_t and ∂E/∂O_t written out"
        ),
        replace(
            _T,
            name="elman-wfr",
            adjoint="partial",
            eliminate=("y_hat", "z"),
            sentence="∂E/∂o_t, with o_t the hidden output",
        ),
    )
}

LAYOUTS = ("numerator", "denominator")


def notation_for(model: Model, name: str | None = None, layout: str | None = None) -> Notation:
    """The notation asked for, else the model's own, else the standard one.

    Raises :class:`RequestError` for a notation or layout that doesn't exist.
    """
    wanted = name or model.notation or STANDARD.name
    if wanted not in NOTATIONS:
        raise RequestError(f"no notation '{wanted}'{did_you_mean(wanted, NOTATIONS)}")
    if layout is not None and layout not in LAYOUTS:
        raise RequestError(f"no layout '{layout}'{did_you_mean(layout, LAYOUTS)}")
    found = NOTATIONS[wanted]
    return replace(found, layout=layout) if layout else found
