"""What a total takes the loss of a step by: ``1/T`` in ``L = 1/T Σ_t L_t``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbptt.check.meaning.tensors import Matrix, number
from symbptt.check.notation.quantities import Place
from symbptt.evidence.residues import Residues

if TYPE_CHECKING:
    from symbptt.check.meaning.meaning import Meaning


def weight(m: Meaning, place: Place, exponent: int = 1) -> Matrix:
    """What the whole takes the loss of a step by, or one over that."""
    share, found = m.scope.share, Residues(number(1).array)
    assert share is not None
    assert place.step is not None
    steps = {**dict.fromkeys(m.scope.horizons, m.world.T), "t": place.step}
    for factor in share.factors:
        found = found * Residues(m.matrix(factor, steps).array)
    return Matrix((found if exponent > 0 else found.inverse()).array)
