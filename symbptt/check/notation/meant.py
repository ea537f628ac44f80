"""What a symbol of a document may stand for."""

from __future__ import annotations

from dataclasses import dataclass

from symbptt.check.notation.quantities import Span
from symbptt.formula.tree import Differential, Node, Quotient, Symbol


@dataclass(frozen=True)
class Definition:
    """What a document lets a symbol stand for: ``δ_t := ∂L/∂h_t``, with t its parameter.

    ``entries`` are the letters of the entry that is defined: i in ``δ_i^t := ∂L/∂z_i^t``;
    ``derivative`` is what the symbol was given for, where ``body`` is what the document says that
    its value is: ``∂h_t/∂h_{t-1}``, where that is laid out as ``diag(1 - h_t²) W``.
    """

    body: Node
    parameter: str | None = "t"
    entries: tuple[str, ...] = ()
    line: int | None = None
    derivative: Node | None = None

    @property
    def given_for(self) -> Node:
        """What the symbol was given for."""
        return self.body if self.derivative is None else self.derivative

    @property
    def is_constant(self) -> bool:
        """Whether it is one value at all steps."""
        return self.parameter is None and not self.entries

    @property
    def is_name(self) -> bool:
        """Whether it is another name of a symbol or of a derivative, whose entries are its own."""
        match self.body:
            case Symbol() | Quotient(Differential(), Differential()):
                return not self.entries
        return False


@dataclass(frozen=True)
class Meant:
    """What a symbol stands for: ``kind`` is ``quantity``, ``loss``, ``defined``, ``gradient`` or
    ``unit``.

    A gradient is that of the loss by the quantity named, a unit is 1 where its entries are one;
    ``own``: the loss of a step as it is called, not what it adds to the whole; ``later``: as later
    steps see it; ``span``: the steps of a loss of several.
    """

    kind: str
    name: str
    step: Node | None = None
    entry: tuple[Node, ...] = ()
    power: Node | None = None
    own: bool = False
    later: bool = False
    span: Span | None = None
