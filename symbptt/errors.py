"""The kinds of failure a user can meet.

Every message is one line that says what is wrong, where, and what to do.  A
message about a place in a text also carries that place, drawn with a caret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


def _in_one_line(text: str) -> str:
    """A text without line breaks or characters that steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class SymbpttError(Exception):
    """Something the user asked for can't be done; the message is one line."""

    @property
    def headline(self) -> str:
        """The message in one line: what the command line prints."""
        return _in_one_line(str(self))


@dataclass(frozen=True)
class Place:
    """A stretch of a source text: what an error points at.

    >>> print(Place("h_t = tanh(z_t))", 15, 16).drawn())
    h_t = tanh(z_t))
                   ^
    """

    text: str
    start: int
    end: int
    file: str | None = None
    first_line: int = 1

    @property
    def line(self) -> int:
        return self.first_line + self.text.count("\n", 0, self.start)

    @property
    def column(self) -> int:
        return self.start - (self.text.rfind("\n", 0, self.start) + 1) + 1

    @property
    def label(self) -> str:
        """``file:line:column``, or ``line L, column C`` for a text without a file."""
        if self.file is not None:
            return f"{self.file}:{self.line}:{self.column}"
        if "\n" in self.text:
            return f"line {self.line}, column {self.column}"
        return f"column {self.column}"

    def drawn(self) -> str:
        """The source line with carets under the place."""
        begin = self.text.rfind("\n", 0, self.start) + 1
        stop = self.text.find("\n", self.start)
        source = self.text[begin : stop if stop >= 0 else None]
        width = max(1, min(self.end - self.start, len(source) - (self.start - begin)))
        return f"{source}\n{' ' * (self.start - begin)}{'^' * width}"


class PlacedError(SymbpttError):
    """A failure at a place in a text: ``file:line:column: what``, then the line with a caret."""

    @property
    def headline(self) -> str:
        return _in_one_line(f"{self.place.label}: {self.message}" if self.place else self.message)

    def __init__(self, message: str, place: Place | None = None) -> None:
        self.place = place
        self.message = message
        super().__init__(message if place is None else f"{place.label}: {message}\n{place.drawn()}")


class ModelWarning(UserWarning):
    """A model can be read, but perhaps not as it is meant."""


class FormulaError(PlacedError):
    """A text can't be read as mathematics."""


class ModelError(PlacedError):
    """The equations are readable, but they are no recurrent model."""


class DerivationError(SymbpttError):
    """The request can't be derived: a form or an option that doesn't apply to this model."""


class BindingError(SymbpttError):
    """Arrays or functions handed to compiled code don't fit the model."""


class RequestError(SymbpttError):
    """The request itself is wrong: an unknown name, format, file or option."""


def with_article(noun: str) -> str:
    """A noun with ``a`` or ``an`` before it, as it is said; letters in capitals are spelled out.

    >>> [with_article(noun) for noun in ("list", "int", "Linear", "LSTMCell", "GRU")]
    ['a list', 'an int', 'a Linear', 'an LSTMCell', 'a GRU']
    """
    vowels = "AEFHILMNORSX" if noun[:2].isupper() else "AEIOUaeiou"
    return f"{'an' if noun[:1] in vowels else 'a'} {noun}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A closing phrase that names the nearest known name and lists them all.

    >>> did_you_mean("elmann", ["elman", "lstm"])
    "; did you mean 'elman'? Known: elman, lstm"
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"{hint} Known: {', '.join(names)}"
