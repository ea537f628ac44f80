r"""Marks on a name that tell the gradient by a quantity from the quantity: ``\bar a_t`` beside a_t.

Such a gradient is called an adjoint.
"""

from __future__ import annotations

#: What is written above the name of a quantity, or behind it, where it is the gradient by it.
MARKS = frozenset({"bar", "dot", "tilde", "star"})


def mark_of(name: str) -> str | None:
    """The mark that a name bears, the last of several.

    >>> mark_of("a_bar"), mark_of("W_bar_hh"), mark_of("W_hh")
    ('bar', 'bar', None)
    """
    found = [word for word in name.split("_")[1:] if word in MARKS]
    return found[-1] if found else None


def unmarked(name: str) -> str | None:
    """A name without the mark that it bears; None if it bears none.

    >>> unmarked("W_bar_hh"), unmarked("c_tilde_bar"), unmarked("h")
    ('W_hh', 'c_tilde', None)
    """
    mark = mark_of(name)
    if mark is None:
        return None
    before, _, after = name.rpartition(f"_{mark}")
    return before + after
