r"""Letters above a symbol that look like exponents, where the grammar reads them as a name.

A superscript is a label, ``W^{hh}`` and ``h^f_t``, or the time, ``h^t``; only a number is an
exponent.  ``x_t^p`` beside ``x_t`` and ``\gamma^t`` beside ``h_t`` are more likely meant as powers.
In brackets, ``x_t^{(p)}``, a superscript is a label beyond doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from symbptt.errors import ModelError
from symbptt.formula.lexicon import GREEK
from symbptt.formula.tree import Node, Product, Quotient, Sum, Symbol
from symbptt.model.draft import Formula, Source
from symbptt.model.names import Naming, symbols

_RULE = "and only a number is read as an exponent"


@dataclass(frozen=True)
class Written:
    """A symbol where it stands: in an equation, or in the loss."""

    symbol: Symbol
    source: Source
    in_loss: bool

    @property
    def text(self) -> str:
        return self.source.text[self.symbol.span.start : self.symbol.span.end]

    def labels(self, part: Node) -> bool:
        r"""Whether a superscript is marked as a label: in brackets, or set as a word."""
        text, start = self.source.text, part.span.start
        bracketed = text[:start].rstrip().endswith(("(", "[", "⟨", r"\langle"))
        return bracketed or text.startswith((r"\text", r"\mathrm", r"\operatorname"), start)

    def error(self, message: str) -> ModelError:
        return ModelError(f"'{self.text}' {message}", self.source.place(self.symbol.span))


def check_exponents(written: Sequence[Written], naming: Naming, defined: Collection[str]) -> None:
    """Refuse a given quantity whose name has a letter above it that looks like an exponent."""
    for use in written:
        _check_label(use, naming, defined)
    timed = [(use, *naming.read(use.symbol), _time_above(use, naming)) for use in written]
    if any(above is not None and name in defined for _, name, _, above in timed):
        return  # time stands above in this model
    beyond_doubt = {n for use, n, _, above in timed if above is None or use.labels(above)}
    for use, name, index, _ in timed:
        if index is not None and name not in beyond_doubt:
            known = f"{name}_{{{index}}}"
            raise use.error(f"is read as a quantity of each step, {known}, {_RULE}")


def check_formula(formula: Formula, naming: Naming) -> None:
    """Refuse ``f(z) = z^p``, which would have a parameter z_p."""
    for symbol in symbols(formula.body):
        use = Written(symbol, formula.source, in_loss=False)
        if symbol.base in formula.arguments and any(map(_looks_raised, symbol.superscripts)):
            raise use.error(f"is read as a name, {naming.read(symbol)[0]}, {_RULE}")


def _check_label(use: Written, naming: Naming, defined: Collection[str]) -> None:
    symbol = use.symbol
    name, index = naming.read(symbol)
    if index is None or name in defined:
        return
    for part in symbol.superscripts:
        if naming.index(part) is not None or use.labels(part) or not _looks_raised(part):
            continue
        rest = tuple(p for p in symbol.superscripts if p is not part)
        base = naming.read(replace(symbol, superscripts=rest))[0]
        # In a loss y^d_t is what the computed y_t should be.
        if base in naming.indexed and not (use.in_loss and base in defined):
            label = use.source.text[part.span.start : part.span.end]
            raise use.error(f"is read as a name, {name}, {_RULE}; a name has ^({label})")


def _looks_raised(part: Node) -> bool:
    """Whether a superscript is a letter or a formula, not a word or a mark."""
    match part:
        case Symbol(base):
            return part.is_bare and (len(base) == 1 or base in GREEK.values())
        case Sum() | Product() | Quotient():
            return True
    return False


def _time_above(use: Written, naming: Naming) -> Node | None:
    """The superscript that is the time index of a symbol."""
    rest = naming.bare(use.symbol).superscripts
    return next((p for p in use.symbol.superscripts if p not in rest), None)
