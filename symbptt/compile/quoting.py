"""A user's text made safe to stand in generated source: as a comment, or in a raw docstring."""

from __future__ import annotations

import textwrap


def quoted(text: str) -> str:
    r"""A text that can end neither a comment nor a raw docstring.

    No double quote is left to close the string, and no character but a space to end the line.

    >>> quoted('h_t = \\tanh(z_t)\n"' + '""; import os')
    "h_t = \\tanh(z_t) '''; import os"
    """
    shown = "".join(c if c.isprintable() else " " for c in text.replace('"', "'"))
    return " ".join(shown.split()).rstrip("\\")


def quoted_lines(text: str, width: int) -> list[str]:
    """The lines of a text, each safe and wrapped at spaces."""
    return [
        line
        for one in text.splitlines()
        for line in textwrap.wrap(
            quoted(one), width, subsequent_indent="    ", break_long_words=False,
            break_on_hyphens=False,
        )
    ]  # fmt: skip
