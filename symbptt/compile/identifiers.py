"""Names for generated code: every symbol of a model as a Python identifier, no two alike.

The one gate between a user's names and code: what is no identifier never gets through.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from symbptt.errors import BindingError


def identifier(name: str) -> str:
    """A name as Python itself would read it; refused unless it is an identifier.

    >>> identifier("W_hh")
    'W_hh'
    """
    # Python compares identifiers after NFKC, so two spellings of φ are one variable.
    normal = unicodedata.normalize("NFKC", name)
    if not normal.isidentifier() or "__" in normal:
        raise BindingError(f"'{name}' can't be a variable in code; rename it")
    return normal


@dataclass
class Names:
    """Identifiers given out so far; a trailing underscore keeps a new one apart.

    >>> names = Names(["t", "np"])
    >>> names.new("h"), names.new("lambda"), names.new("np"), names.new("h")
    ('h', 'lambda_', 'np_', 'h_')
    """

    taken: Iterable[str] = ()
    used: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.used = {*keyword.kwlist, *keyword.softkwlist, *self.taken}

    def new(self, wanted: str) -> str:
        """An identifier for ``wanted``, unlike any before."""
        name = identifier(wanted)
        while name in self.used:
            name += "_"
        self.used.add(name)
        return name


def step_label(key: str) -> str:
    """The key of an initial value as part of an identifier.

    >>> step_label("h_0"), step_label("h_-1"), step_label("h_T+1")
    ('h_0', 'h_m1', 'h_Tp1')
    """
    return key.replace("-", "m").replace("+", "p")


def ascii_name(name: str) -> str:
    """A name in ASCII: Greek letters by theirs, everything else by its number.

    >>> ascii_name("W_hφ"), ascii_name("h_t"), ascii_name("ж")
    ('W_hphi', 'h_t', 'u436')
    """

    def spelled(c: str) -> str:
        if c.isascii():
            return c
        words = unicodedata.name(c, "").split()
        if words[:1] == ["GREEK"] and "LETTER" in words and len(words) == 4:
            return words[3].lower() if words[1] == "SMALL" else words[3].title()
        return f"u{ord(c):x}"

    return "".join(map(spelled, name))
