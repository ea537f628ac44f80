"""Small numbers set in lines of text: a matrix with its brackets, several side by side."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symbptt.check.findings import Numbers

#: Decimal fractions with a larger denominator are written with a point.
LEAST_DECIMAL = 16
#: The brackets of one line; of the first, the middle and the last of several.
_ONE, _TALL = ("[", "]"), (("⎡", "⎤"), ("⎢", "⎥"), ("⎣", "⎦"))


def number(value: Fraction) -> str:
    """
    >>> number(Fraction(-1, 2)), number(Fraction(3))
    ('-1/2', '3')
    >>> number(Fraction(624, 1000))  # a float, rounded
    '0.624'
    """
    is_decimal = value.denominator > LEAST_DECIMAL and 10**12 % value.denominator == 0
    return f"{float(value):.10g}" if is_decimal else str(value)


def matrix(values: Numbers) -> list[str]:
    """The lines of a matrix; a scalar has no brackets.

    >>> print(*matrix(((Fraction(1), Fraction(-2)), (Fraction(10), Fraction(0)))), sep="\\n")
    ⎡  1  -2 ⎤
    ⎣ 10   0 ⎦
    """
    cells = [[number(value) for value in row] for row in values]
    if not cells or (len(cells) == 1 and len(cells[0]) == 1):
        return cells[0] if cells else []
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    top, middle, bottom = _TALL
    signs = [_ONE] if len(lines) == 1 else [top, *[middle] * (len(lines) - 2), bottom]
    return [f"{a} {line} {b}" for line, (a, b) in zip(lines, signs, strict=True)]


def assigned(name: str, values: Numbers) -> list[str]:
    """``name = values``, the name beside the middle line.

    >>> assigned("b", ((Fraction(1),), (Fraction(2),), (Fraction(3),)))
    ['    ⎡ 1 ⎤', 'b = ⎢ 2 ⎥', '    ⎣ 3 ⎦']
    """
    lines = matrix(values)
    middle = (len(lines) - 1) // 2
    start = f"{name} = "
    return [(start if i == middle else " " * len(start)) + line for i, line in enumerate(lines)]


def beside(blocks: Iterable[list[str]], width: int, gap: str = "    ") -> str:
    """Blocks of lines side by side, as many as fit into a width, the others below."""
    bands: list[list[list[str]]] = []
    free = 0
    for block in blocks:
        wide = max(map(len, block), default=0)
        if not bands or wide > free:
            bands.append([])
            free = width
        bands[-1].append(block)
        free -= wide + len(gap)
    return "\n".join(line for band in bands for line in _joined(band, gap))


def _joined(band: list[list[str]], gap: str) -> list[str]:
    height = max(map(len, band))
    columns = []
    for block in band:
        wide = max(map(len, block), default=0)
        above = (height - len(block)) // 2
        lines = [""] * above + block + [""] * (height - len(block) - above)
        columns.append([line.ljust(wide) for line in lines])
    return [gap.join(parts).rstrip() for parts in zip(*columns, strict=True)]
