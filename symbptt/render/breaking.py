"""Long formulas broken into lines where a person would: at the signs of the outermost sum."""

from __future__ import annotations

import re

from symbptt.render.document import Formula

#: How wide a line may be, in characters as printed.
LINE = 64


def printed_width(latex: str) -> int:
    """About how many characters a formula prints, commands and brackets of the source left out.

    >>> printed_width(r"W_{hh}^T\\,\\delta_{t+1}")
    8
    """
    upright = re.sub(r"\\(left|right|mathrm|operatorname|mathbf|mathsf|,)", "", latex)
    fractions = re.sub(r"\\frac\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}\{", r"{", upright)
    return len(re.sub(r"[{}^_ ]", "", re.sub(r"\\[a-zA-Z]+", "x", fractions)))


def broken(formula: Formula, width: int = LINE) -> str:
    """A long right side in LaTeX broken into lines, aligned behind the relation sign."""
    right = formula.right
    if printed_width(right) <= width:
        return right
    terms = top_level_terms(right)
    lines = [terms[0]]
    for term in terms[1:]:
        if printed_width(lines[-1] + term) > width:
            lines.append(r"\quad " + term)
        else:
            lines[-1] += " " + term
    return (r" \\ " + "\n  &").join(lines)


def top_level_terms(sum_text: str) -> list[str]:
    """The terms of a sum as set, each with its sign, brackets left whole.

    >>> top_level_terms("a + (b - c) - d")
    ['a', '+ (b - c)', '- d']
    """
    depth, start, terms = 0, 0, []
    for i, c in enumerate(sum_text):
        depth += (c in "({") - (c in ")}")
        if depth == 0 and sum_text[i : i + 3] in (" + ", " - "):
            terms.append(sum_text[start:i])
            start = i + 1
    return [*terms, sum_text[start:]]
