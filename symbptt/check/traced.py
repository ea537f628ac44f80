r"""A text that remembers where in the file each of its characters stands.

A formula is read after entities are decoded, quotation marks taken off and macros expanded,
and yet every message points at what the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Traced:
    """``text[i]`` comes from the file's characters ``starts[i]`` up to ``stops[i]``."""

    text: str
    starts: Sequence[int]
    stops: Sequence[int]

    @classmethod
    def whole(cls, text: str) -> Traced:
        """A text that is its own source.

        >>> Traced.whole("a = b").stretch(4, 5)
        (4, 5)
        """
        return cls(text, range(len(text)), range(1, len(text) + 1))

    @classmethod
    def joined(cls, pieces: Iterable[Traced]) -> Traced:
        texts: list[str] = []
        starts: list[int] = []
        stops: list[int] = []
        for piece in pieces:
            texts.append(piece.text)
            starts.extend(piece.starts)
            stops.extend(piece.stops)
        return cls("".join(texts), starts, stops)

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, part: slice) -> Traced:
        return Traced(self.text[part], self.starts[part], self.stops[part])

    def stretch(self, start: int, stop: int) -> tuple[int, int]:
        """The file's characters that ``text[start:stop]`` comes from."""
        if start >= len(self.text):
            end = self.stops[-1] if self.stops else 0
            return end, end
        first = self.starts[start]
        if stop <= start:
            return first, first
        return first, max(first, self.stops[min(stop, len(self.text)) - 1])

    def standing(self, words: str, start: int, stop: int) -> Traced:
        """Other words for ``text[start:stop]``: each character stands where the whole did."""
        first, last = self.stretch(start, stop)
        return Traced(words, [first] * len(words), [last] * len(words))

    def replaced(self, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> Traced:
        r"""Each match replaced; what is as long as what it replaces keeps its positions.

        >>> page = Traced.whole("a &lt; b").replaced(re.compile("&lt;"), lambda m: "<")
        >>> page.text, page.stretch(2, 3), page.stretch(4, 5)
        ('a < b', (2, 6), (7, 8))
        """
        pieces: list[Traced] = []
        done = 0
        for m in pattern.finditer(self.text):
            words = change(m)
            if words == m.group():
                continue
            pieces.append(self[done : m.start()])
            piece = self[m.start() : m.end()]
            if len(words) == len(piece):
                pieces.append(Traced(words, piece.starts, piece.stops))
            else:
                pieces.append(self.standing(words, m.start(), m.end()))
            done = m.end()
        if not pieces:
            return self
        return Traced.joined([*pieces, self[done:]])

    def stripped(self) -> Traced:
        """Without white space at the ends."""
        start = len(self.text) - len(self.text.lstrip())
        return self[start : max(start, len(self.text.rstrip()))]


def blank(text: str) -> str:
    """White space as long as a text, with its line breaks."""
    return re.sub(r"[^\n]", " ", text)
