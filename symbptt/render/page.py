"""Formulas for a web page: LaTeX to MathML, which browsers show without a script."""

from __future__ import annotations

import html
from functools import cache

from symbptt.render.mathml import mathml


@cache
def inline_mathml(latex: str) -> str:
    """A formula within a sentence.

    >>> inline_mathml("T").partition("<mrow>")[2]
    '<mi>T</mi></mrow></math>'
    """
    return _mathml(latex, "inline")


@cache
def displayed(latex: str) -> str:
    """A formula on a line of its own."""
    return _mathml(latex, "block")


def _mathml(latex: str, display: str) -> str:
    """A formula, or its LaTeX in letters where the converter doesn't know all of it."""
    made = mathml(latex, display, limit=None)
    return f"<code>{html.escape(latex)}</code>" if made is None else made
