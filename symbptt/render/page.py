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


#: LaTeX that the converter or a browser sets badly, and what reads the same and is set well.
_PLAINER = (
    # An operator with an underscore comes out letter by letter, a text as a word.
    (re.compile(r"\\operatorname\{([^}]*)\}"), r"\\text{\1}"),
    (re.compile(r"\\_"), "_"),
    # Browsers know no bold digits but those of Unicode.
    (re.compile(r"\\mathbf\{1\}"), "𝟏"),
    (re.compile(r":="), "≔"),
    (re.compile(r"\\(log|exp|sin|cos)(?=[ _^])"), r"\\text{\1}\\,"),
    (re.compile(r"\\\\\[2pt\]"), r"\\\\"),
    # Lines within a case: the converter knows an array there, but no alignment.
    (re.compile(r"\\begin\{aligned\}\[t\] &"), r"\\begin{array}{l} "),
    (re.compile(r"\\\\ &"), r"\\\\ "),
    (re.compile(r"\\end\{aligned\}"), r"\\end{array}"),
)


def _mathml(latex: str, display: str) -> str:
    from latex2mathml.converter import convert

    for pattern, plainer in _PLAINER:
        latex = pattern.sub(plainer, latex)
    converted: str = convert(latex, display=display)
    return converted
