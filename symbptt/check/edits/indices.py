"""Texts with pieces replaced, and time indices written as an author writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from symbptt.check.edits.hand import Hand
from symbptt.formula.lexicon import GREEK, SUBSCRIPT_CHARACTERS, SUPERSCRIPT_CHARACTERS
from symbptt.formula.tree import (
    Node,
    Number,
    Sum,
    Symbol,
)

#: What stands instead of ``text[start:stop]``.
Patch = tuple[int, int, str]

_SMALL = (SUBSCRIPT_CHARACTERS, SUPERSCRIPT_CHARACTERS)
_LETTERS = {name: character for character, name in reversed(GREEK.items())}


class UnspelledError(Exception):
    """There is no way to write this in the author's hand."""


class Indices:
    """Writes indices into a text in its author's hand."""

    def __init__(self, text: str, hand: Hand) -> None:
        self.text, self.hand = text, hand

    def patched(
        self, start: int, stop: int, patches: Iterable[Patch], source: str | None = None
    ) -> str:
        text = self.text if source is None else source
        out = ""
        for first, last, words in sorted(patches):
            if first < start:
                raise UnspelledError
            out = glued(out, text[start:first], words, exact=True)
            start = last
            if last < stop and _is_word(words[-1:]) and _is_word(text[last]):
                out += "" if _is_word(text[last - 1]) else " "
        if start > stop:
            raise UnspelledError
        return glued(out, "", text[start:stop], exact=True)

    # ---------------------------------------------------------------- scripts

    def script(self, old: Node, new: Node, source: str | None = None) -> Patch:
        """Another index where one stands, with the braces that it needs."""
        text = self.text if source is None else source
        start, stop = old.span.start, old.span.end
        there = text[start:stop]
        if not there:
            raise UnspelledError
        words = self.plain(new)
        for table in _SMALL:
            if all(c in table for c in there):
                small = {plain: c for c, plain in table.items()}
                words = words.replace(self.hand.index_minus, "-")
                if any(c not in small for c in words):
                    beside = text[start - 1 : start] + text[stop : stop + 1]
                    if any(c in table for c in beside):
                        raise UnspelledError
                    words = words if is_one_token(words) else f"{{{words}}}"
                    return start, stop, ("_" if table is SUBSCRIPT_CHARACTERS else "^") + words
                return start, stop, "".join(small[c] for c in words)
        before = text[:start].rstrip()[-1:]
        if before in ("_", "^", "*") and not is_one_token(words):
            words = f"({words})" if self._parenthesised() else f"{{{words}}}"
        elif len(words) == 1 and not self.hand.braced:
            braces = re.search(r"_\s*\{\s*\Z", text[:start]), re.match(r"\s*\}", text[stop:])
            if braces[0] and braces[1]:  # `h_t` for `h_{t+1}`
                return braces[0].start() + 1, stop + braces[1].end(), words
        return start, stop, words

    def _parenthesised(self) -> bool:
        return not self.hand.latex and "_(" in self.text and "_{" not in self.text

    def plain(self, node: Node, *, spaced: bool = False) -> str:
        """An index on one line: ``t-1``."""
        match node:
            case Number(value=value) if value.denominator == 1:
                return str(value)
            case Symbol() if node.is_bare:
                return self._letter(node.base)
            case Sum(terms=terms, signs=signs):
                wide = " " if self.hand.spaced or spaced else ""
                words = self.plain(terms[0])
                words = words if signs[0] > 0 else self.hand.index_minus + words
                for term, sign in zip(terms[1:], signs[1:], strict=True):
                    words += wide + ("+" if sign > 0 else self.hand.index_minus) + wide
                    words += self.plain(term)
                return words
        raise UnspelledError

    def _letter(self, base: str) -> str:
        if base in _LETTERS:
            return f"\\{base}" if self.hand.latex and base != "omicron" else _LETTERS[base]
        if base in {"infinity", "ell"}:
            raise UnspelledError
        return base


def is_one_token(words: str) -> bool:
    return len(words) == 1 or words.isdecimal() or re.fullmatch(r"\\[A-Za-z]+", words) is not None


def glued(left: str, between: str, right: str, *, exact: bool = False) -> str:
    r"""Two texts side by side, with a space where they would run into one word (``\delta x``)."""
    if between:
        return glued(glued(left, "", between, exact=True), "", right, exact=exact)
    if not left or not right:
        return left + right
    command = re.search(r"\\[A-Za-z]+\Z", left) is not None and right[0].isalpha()
    word = _is_word(left[-1]) and _is_word(right[0]) and not exact
    return f"{left} {right}" if command or word else left + right


def _is_word(character: str) -> bool:
    return character.isalnum() and not any(character in table for table in _SMALL)


def shifted(node: Node, by: int) -> Node | None:
    """An index some steps later: ``t - 1`` and 1 make ``t``."""
    match node:
        case Number(value=value):
            return Number(value + by) if value + by >= 0 else None
        case Sum(terms=(*terms, Number(value=value)), signs=(*signs, sign)):
            value = sign * value + by
            if value == 0:
                return terms[0] if signs == [1] else Sum(tuple(terms), tuple(signs))
            last = Number(abs(value))
            return Sum((*terms, last), (*signs, 1 if value > 0 else -1))
        case Sum(terms=terms, signs=signs):
            return Sum((*terms, Number(Fraction(abs(by)))), (*signs, 1 if by > 0 else -1))
        case Symbol():
            return Sum((node, Number(Fraction(abs(by)))), (1, 1 if by > 0 else -1))
    return None
