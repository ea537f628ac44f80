r"""A text that remembers where in the file each of its characters stands.

A formula is read after entities are decoded, quotation marks taken off and macros expanded,
and yet every message points at what the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple


class Argument(NamedTuple):
    """An argument of a macro's call, which stands at ``start..stop`` of the file."""

    start: int
    stop: int
    number: int


@dataclass(frozen=True)
class Traced:
    """``text[i]`` comes from the file's characters ``starts[i]`` up to ``stops[i]``.

    ``within[i]``: the arguments of macros that it stands in, outermost first; a ``within`` that
    is empty is one that has none for any character.
    """

    text: str
    starts: Sequence[int]
    stops: Sequence[int]
    within: Sequence[tuple[Argument, ...]] = ()

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
        within: list[tuple[Argument, ...]] = []
        for piece in pieces:
            texts.append(piece.text)
            starts.extend(piece.starts)
            stops.extend(piece.stops)
            within.extend(piece.within or [()] * len(piece))
        return cls("".join(texts), starts, stops, within if any(within) else ())

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, part: slice) -> Traced:
        return Traced(self.text[part], self.starts[part], self.stops[part], self.within[part])

    def stretch(self, start: int, stop: int) -> tuple[int, int]:
        """The file's characters that ``text[start:stop]`` comes from.

        Whole calls of macros, or else what stands within one argument.
        """
        if start >= len(self.text):
            end = self.stops[-1] if self.stops else 0
            return end, end
        stop = min(stop, len(self.text))
        if stop <= start:
            return self.starts[start], self.starts[start]
        first, last = min(self.starts[start:stop]), max(self.stops[start:stop])
        shared = len(self._shared(start, stop))
        for arguments in self.within[start:stop]:
            if len(arguments) > shared:
                first = min(first, arguments[shared].start)
                last = max(last, arguments[shared].stop)
        return first, max(first, last)

    def _shared(self, start: int, stop: int) -> tuple[Argument, ...]:
        """The arguments of macros that all of ``text[start:stop]`` stands in."""
        paths = self.within[start:stop]
        if not paths:
            return ()
        least, most = min(paths), max(paths)  # what these two share, all do
        n = next((i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), None)
        return least[:n]

    def standing(self, words: str, start: int, stop: int) -> Traced:
        """Other words for ``text[start:stop]``: each character stands where the whole did."""
        first, last = self.stretch(start, stop)
        n, shared = len(words), self._shared(start, stop)
        return Traced(words, [first] * n, [last] * n, [shared] * n if shared else ())

    def argument(self, number: int, start: int, stop: int) -> Traced:
        """This text as an argument of a macro whose call stands at ``start..stop`` of the file."""
        path = (Argument(start, stop, number),)
        within = [p + path for p in self.within or [()] * len(self)]
        return replace(self, within=within)

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
                pieces.append(replace(piece, text=words))
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
