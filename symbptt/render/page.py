"""Formulas for a web page: LaTeX to MathML, which browsers show without a script."""

from __future__ import annotations

import re
from functools import cache


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
    from latex2mathml.converter import convert

    # The converter sets an operator with an underscore letter by letter, a text as a word.
    plain = re.sub(r"\\operatorname\{([^}]*)\}", r"\\text{\1}", latex).replace(r"\_", "_")
    converted: str = convert(plain, display=display)
    return converted
