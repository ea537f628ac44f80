"""TeX's tokens, as pylatexenc reads them, and the arguments that they make."""

from __future__ import annotations

import re

from pylatexenc.latexwalker import LatexToken, LatexWalker, LatexWalkerError
from pylatexenc.macrospec import LatexContextDb

_CONTEXT = LatexContextDb()


class Tokens:
    """The tokens of a text, from a position on."""

    def __init__(self, text: str, position: int = 0) -> None:
        self._walker = LatexWalker(text, latex_context=_CONTEXT, tolerant_parsing=True)
        self.text = text
        self.position = position

    def next(self) -> LatexToken | None:
        try:
            token = self._walker.get_token(self.position, environments=False)
        except LatexWalkerError:
            return None
        self.position = token.pos + token.len
        return token

    def argument(self) -> slice | None:
        """The argument that follows: what is in braces, or else one token."""
        token = self.next()
        while token is not None and token.tok == "comment":
            token = self.next()
        if token is None or token.tok == "brace_close":
            return None
        if token.tok != "brace_open":
            return slice(token.pos, token.pos + token.len - len(token.post_space or ""))
        start, depth = token.pos + 1, 1
        while (token := self.next()) is not None:
            depth += {"brace_open": 1, "brace_close": -1}.get(token.tok, 0)
            if not depth:
                return slice(start, token.pos)
        return None

    def optional(self) -> slice | None:
        """What stands in square brackets here, if anything does."""
        before = self.position
        token = self.next()
        if token is None or token.tok != "char" or token.arg != "[" or "\n\n" in token.pre_space:
            self.position = before
            return None
        start, depth = token.pos + 1, 0
        while (token := self.next()) is not None:
            depth += {"brace_open": 1, "brace_close": -1}.get(token.tok, 0)
            if token.tok == "char" and token.arg == "]" and not depth:
                return slice(start, token.pos)
        self.position = before
        return None

    def skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        m = pattern.match(self.text, self.position)
        if m is not None:
            self.position = m.end()
        return m
