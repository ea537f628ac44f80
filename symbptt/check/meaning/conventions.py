"""What a formula may leave open, and how one reader takes it: a convention.

A *reading* is a named departure from the standard convention.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from symbptt.check.meaning.shares import Counted, Share, Side, Written
from symbptt.check.meaning.tensors import Layout, Stacking
from symbptt.formula.tree import (
    Node,
)

#: What each product sign means where nothing else is said.
STANDARD_SIGNS = MappingProxyType(
    {"": "matrix", "·": "matrix", "*": "fitting", "@": "matrix", "×": "matrix",
     "⊙": "entrywise", "∘": "entrywise", "⊗": "outer", "⟨⟩": "inner"}
)  # fmt: skip
#: Each sign as whatever the sizes allow.
FITTING = MappingProxyType(
    {sign: meaning if meaning in ("entrywise", "outer", "inner") else "fitting"
     for sign, meaning in STANDARD_SIGNS.items()}
)  # fmt: skip


@dataclass(frozen=True)
class Convention:
    """One way to take what a formula leaves open.

    ``signs`` maps a product sign to ``matrix``, ``entrywise``, ``outer`` or ``fitting``, which
    is whichever of them the sizes allow, in this order (``fitting, not outer``: of the first
    two).  ``entrywise_first`` groups
    ``A b ⊙ c`` as ``A (b ⊙ c)``.  ``partial`` says of a derivative by a parameter, or by an
    earlier state, whether it is total.  ``descending`` multiplies ``∏`` from its upper bound.
    ``norm`` is that of a matrix, ``‖A‖`` without a subscript.  ``counted`` are the shares that
    stand for whole derivatives.  ``immediate_from`` and ``written`` are for the claim at hand: the
    step from which derivatives by parameters are immediate, and what counts of the gradients that
    are written.  ``undivided``: a gradient of the mean by what has steps is that of the sum.
    ``gaps_zero``: an immediate derivative is zero where no direct path leads, which is else not
    taken to be meant.
    """

    layout: Layout = Layout.GRADIENT
    signs: Mapping[str, str] = field(default_factory=lambda: STANDARD_SIGNS)
    entrywise_first: bool = False
    immediate_parameters: bool = False
    immediate_states: bool = False
    descending: bool = False
    diagonals: bool = False
    factors: bool = False
    turned: bool = False
    of_one_step: bool = False
    missing_left_out: bool = False
    left_total: bool = False
    left_before: bool = False
    own_path: bool = False
    regrouped: bool = False
    lengthened: bool = False
    begun: bool = False
    slopes_by_value: bool = False
    counted: tuple[Counted, ...] = ()
    partial_immediate: bool = False
    expressions_held: bool = False
    stacking: Stacking = Stacking.NONE
    of_last_step: bool = False
    norm: str = "spectral norm"
    latest_immediate: bool = False
    immediate_from: int | None = None
    written: tuple[Written, ...] = ()
    undivided: bool = False
    gaps_zero: bool = False

    def means(self, sign: str) -> str:
        """What a product sign means."""
        return self.signs[sign]


STANDARD = Convention()
#: What one step adds to a gradient, ``∂L/∂W = δ_t x_tᵀ``, as people write it.
SHARE_OF_STEP = Convention(counted=(Counted(Share.STEP, Side.LEFT),))


@dataclass(frozen=True)
class Reading:
    """A departure from the standard convention: its name, what it says, and how far it goes."""

    name: str
    says: str
    cost: int
    change: Callable[[Convention], Convention]
    applies: Callable[[Node], bool]
    group: str = ""

    @property
    def counted(self) -> tuple[Counted, ...]:
        """The shares that stand for whole derivatives under this reading."""
        return self.change(STANDARD).counted
