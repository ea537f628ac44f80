"""What a document holds: stretches of mathematics, each with its place and its surroundings."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from symbptt.check.documents.traced import Traced
from symbptt.errors import Place

#: How a fragment stands in its document.
FORMS = ("display", "inline", "environment", "text")


@dataclass(frozen=True)
class File:
    """A file's text; lines and columns count from 1."""

    text: str
    name: str | None = None

    @cached_property
    def _lines(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character.

        >>> File("ab\\ncd").position(4)
        (2, 2)
        """
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The character at a line and column; the nearest one if there is none.

        >>> File("ab\\ncd").offset(2, 2)
        4
        """
        starts = self._lines
        start = starts[min(max(line, 1), len(starts)) - 1]
        return min(start + max(column, 1) - 1, len(self.text))

    def place(self, start: int, stop: int) -> Place:
        """A stretch of the file, for a message.

        The place holds its own lines only, so that many places are cheap.
        """
        line, _ = self.position(start)
        last, _ = self.position(max(start, stop - 1))
        begin = self._lines[line - 1]
        end = self._lines[last] if last < len(self._lines) else len(self.text)
        return Place(self.text[begin:end], start - begin, stop - begin, self.name, line)


@dataclass(frozen=True)
class Fragment:
    r"""A stretch of mathematics in a document.

    ``text`` is what the parser reads: macros expanded, entities decoded; ``source`` is what
    the file has.  ``line`` and ``column`` are those of the first character of the mathematics.
    ``before`` and ``after`` are the words of its sentence; ``heading`` stands nearest above.
    ``cell`` counts the cells of a notebook.  ``language`` is that of a block of code that the
    line stands in.  ``notes`` say what was repaired or couldn't be expanded.
    """

    text: str
    source: str
    form: str
    line: int
    column: int
    before: str = ""
    after: str = ""
    heading: str = ""
    cell: int | None = None
    language: str | None = None
    notes: tuple[str, ...] = ()
    traced: Traced = field(default=Traced("", (), ()), repr=False, compare=False)
    file: File = field(default=File(""), repr=False, compare=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, in the document, of a character of ``text``."""
        return self.file.position(self.traced.stretch(offset, offset + 1)[0])

    def place(self, start: int = 0, stop: int | None = None) -> Place:
        """Where in the document ``text[start:stop]`` stands."""
        end = len(self.text) if stop is None else stop
        return self.file.place(*self.traced.stretch(start, end))


@dataclass(frozen=True)
class Comment:
    """A comment at ``start..stop`` of a page, without its delimiters where it has some."""

    page: Traced
    start: int
    stop: int

    @property
    def text(self) -> str:
        return self.page.text[self.start : self.stop]


@dataclass(frozen=True)
class Heading:
    """A heading of a document, at an offset into its file."""

    offset: int
    title: str


@dataclass(frozen=True)
class Note:
    """Something about a document that a reader of the report should know."""

    message: str
    place: Place


@dataclass(frozen=True)
class Scan:
    """What a document holds; ``hidden`` are the formulas that stand in comments."""

    fragments: tuple[Fragment, ...]
    hidden: tuple[Fragment, ...]
    notes: tuple[Note, ...]
