"""What a format's reader hands on: which characters of a file may be mathematics, and where.

A layout never moves characters: what is no mathematics is blanked where it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from symbptt.check.documents.delimiters import Found
from symbptt.check.documents.fragments import Heading
from symbptt.check.documents.traced import Traced, blank

#: Stands for something that is neither words nor mathematics, so that nothing joins over it.
HOLE = "\x00"
#: The language of code in a line.
INLINE = "`"


@dataclass(frozen=True)
class Code:
    """Lines of code or plain text at ``start..stop``; ``language`` is empty where none is said."""

    start: int
    stop: int
    language: str = ""


@dataclass
class Layout:
    """A page of a document on its way to fragments; positions count in ``page.text``."""

    page: Traced
    visible: str = ""
    code: list[Code] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    cell: int | None = None
    #: whether lines of the text itself may be formulas
    prose: bool = True

    def __post_init__(self) -> None:
        self.visible = self.visible or self.page.text
        self._pieces: list[tuple[int, int, str]] = []

    def blanked(self, pattern: re.Pattern[str], hole: bool = False) -> None:
        """Blank all that matches."""
        self.visible = pattern.sub(
            lambda m: _hole(m.group()) if hole else blank(m.group()), self.visible
        )

    def erase(self, start: int, stop: int) -> None:
        """Blank a stretch, once all stretches are known."""
        self._pieces.append((start, stop, blank(self.visible[start:stop])))

    def settle(self) -> None:
        """Do what ``erase`` asked for: one pass over the text."""
        pieces: list[str] = []
        done = 0
        for start, stop, words in sorted(self._pieces):
            if start >= done:
                pieces += [self.visible[done:start], words]
                done = stop
        self.visible = "".join(pieces) + self.visible[done:]
        self._pieces.clear()

    def heading(self, at: int, title: str) -> None:
        words = " ".join(title.split())
        if words:
            self.headings.append(Heading(self.page.stretch(at, at + 1)[0], words))


def _hole(text: str) -> str:
    return HOLE + blank(text[1:]) if text[0] != "\n" else blank(text)
