"""A model that was given, in a document's own letters: which of its symbols is which."""

from __future__ import annotations

from collections.abc import Iterable

from symbptt.formula.tree import Node, Symbol
from symbptt.model.model import Model
from symbptt.model.names import Naming

#: What the quantities of the usual networks are called elsewhere, the commonest first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "h": ("s", "a", "H", "S"),
    "z": ("a", "net", "u", "pre"),
    "x": ("X", "u", "input"),
    "o": ("z", "logits", "O"),
    "y": ("y_hat", "haty", "yhat", "p", "o"),
    "target": ("y", "d", "y_true", "label", "ystar"),
    "W_hh": ("W", "W_rec", "W_ss", "W_aa", "W_h", "R", "W_R", "U"),
    "W_xh": ("U", "W_in", "W_hx", "W_ih", "W_xs", "W_ax", "W_x", "W_F", "W"),
    "W_hy": ("V", "W_out", "W_yh", "W_ho", "W_sy", "W_ya", "W_y", "W_o"),
    "b_h": ("b", "b_a", "b_s"),
    "b_y": ("c", "b_o"),
}


def by_role(model: Model, trees: Iterable[Node]) -> dict[str, str]:
    """What a document's names stand for in a model, where the model has none of that name.

    Each quantity of the model that the document doesn't write gets the first of its usual other
    names that the document does write.
    """
    written = {name for tree in trees for n in tree.walk() if isinstance(n, Symbol)
               for name in (Naming().read(n)[0],)}  # fmt: skip
    found: dict[str, str] = {}
    for name in model.variables:
        if name in written:
            continue
        for other in SYNONYMS.get(name, ()):
            if other in written and other not in model.variables and other not in found:
                found[other] = name
                break
    return found
