"""The failure that the stages of reading pass up to the parser, which knows the whole text."""

from __future__ import annotations


class UnreadableError(Exception):
    """Something at ``start..end`` that is no mathematics this grammar reads."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
