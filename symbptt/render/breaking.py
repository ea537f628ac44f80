"""Long formulas broken into lines where a person would: at the signs of the outermost sum."""

from __future__ import annotations

import re
from unicodedata import combining

from symbptt.render.views import Formula

#: How wide a line may be, in characters as printed.
LINE = 64


def printed_width(latex: str) -> int:
    """About how many characters a formula prints, commands and brackets of the source left out.

    >>> printed_width(r"W_{hh}^T\\,\\delta_{t+1}")
    8
    """
    upright = re.sub(r"\\(left|right|mathrm|operatorname|mathbf|mathsf|,)", "", _flat(latex))
    fractions = re.sub(r"\\frac\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}\{", r"{", upright)
    return len(re.sub(r"[{}^_ ]", "", re.sub(r"\\[a-zA-Z]+", "x", fractions)))


def _flat(latex: str) -> str:
    """A formula with each stack replaced by its widest part."""

    def widest(stack: re.Match[str]) -> str:
        return max(re.split(r"\\\\(?:\[2pt\])?", stack[1]), key=printed_width)

    return re.sub(r"\\begin\{bmatrix\} (.*?) \\end\{bmatrix\}", widest, latex)


def broken(right: str, width: int = LINE) -> str:
    """A long right side in LaTeX broken into lines, aligned behind the relation sign."""
    return (r" \\ " + "\n  &").join(_latex_lines(right, width))


def boxed(value: str, width: int = LINE) -> str:
    """A long formula in LaTeX broken into lines within a box of its own, as a case needs."""
    lines = _latex_lines(value, width)
    if len(lines) == 1:
        return value
    return r"\begin{aligned}[t] &" + r" \\ &".join(lines) + r" \end{aligned}"


def fitted(formula: str, width: int = LINE) -> str:
    """A formula in LaTeX that even broken into lines is too wide, scaled down to the page."""
    flat = re.sub(r"\\(begin|end)\{\w+\}(\[t\])?", "", _flat(formula))
    rows = re.split(r"\\\\(?:\[\w+\])?", flat)
    beside = 14 if "cases" in formula else 0  # the conditions, in a column of their own
    if max(map(printed_width, rows)) + beside <= width + 6:
        return formula
    scaled = r"\resizebox{\ifdim\width>0.92\linewidth 0.92\linewidth\else\width\fi}{!}"
    return rf"{scaled}{{$\displaystyle {formula}$}}"


def _latex_lines(value: str, width: int) -> list[str]:
    if printed_width(value) <= width:
        return [value]
    terms = top_level_terms(value)
    lines = [terms[0]]
    for term in terms[1:]:
        if printed_width(lines[-1] + term) > width:
            lines.append(r"\quad " + term)
        else:
            lines[-1] += " " + term
    return lines


def top_level_terms(sum_text: str, signs: tuple[str, ...] = (" + ", " - ")) -> list[str]:
    """The terms of a sum as set, each with its sign, brackets left whole.

    >>> top_level_terms("a + (b - c) - d")
    ['a', '+ (b - c)', '- d']
    """
    depth, start, terms = 0, 0, []
    for i, c in enumerate(sum_text):
        depth += (c in "({[") - (c in ")}]")
        depth += sum_text.startswith(r"\begin", i) - sum_text.startswith(r"\end", i)
        if depth == 0 and sum_text.startswith(signs, i):
            terms.append(sum_text[start:i])
            start = i + 1
    return [*terms, sum_text[start:]]


def padded(text: str, width: int) -> str:
    """A text with blanks up to a width, accents that combine with a letter not counted."""
    return text + " " * (width - sum(not combining(c) for c in text))


def text_block(formula: Formula, width: int = 92) -> str:
    """``left = right`` as text, one line per case; a case that is too long, one line per term."""
    blank = " " * len(formula.left)
    values = [_folded(value, width - len(blank) - 3) for value, _ in formula.rights]
    column = max(len(lines[-1]) for lines in values)
    rows: list[str] = []
    for lines, (_, condition) in zip(values, formula.rights, strict=True):
        lead = blank if rows else formula.left
        *upper, last = lines
        if condition:
            last = f"{last:<{column}}   {condition}"
        first, *others = [*upper, last]
        rows += [f"{lead} = {first}", *(f"{blank}   {line}" for line in others)]
    return "\n".join(rows)


def _folded(value: str, width: int) -> list[str]:
    if len(value) <= width:
        return [value]
    terms = top_level_terms(value)
    if len(terms) == 1 and value[0] + value[-1] == "[]":  # a stack, one line per part
        *upper, last = top_level_terms(value[1:-1], ("; ",))
        first, *others = (f"{part};" for part in upper)
        return [f"[{first}", *others, f"{last}]"]
    return terms
