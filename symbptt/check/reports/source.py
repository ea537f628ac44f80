"""The text of a formula in one line, and its line of the document with carets."""

from __future__ import annotations

import re

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Unparsed
from symbptt.check.findings import Finding
from symbptt.check.places import stretch, written
from symbptt.errors import Place

_LAYOUT = re.compile(
    r"\\(?:begin|end)\s*\{(?:equation|align|aligned|alignat|split|gather|gathered|multline|eqnarray)"
    r"\*?\}|\\(?:label|tag)\s*\{[^{}]*\}|\\(?:nonumber|notag|displaystyle)(?![A-Za-z])"
)
_ALIGNED = re.compile(r"&\s*(?=[=+\-<>]|\\(?:approx|leq?|geq?|equiv|propto)\b)|(?<=[=+\-])\s*&")
_COMMAND_CUT = re.compile(r"\\?[A-Za-z]*\Z")
_CUT = " …"


def safe(text: str) -> str:
    """A text in one line, without characters that steer a terminal.

    >>> safe("a\\x1b[31m\\n b")
    'a [31m b'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def one_line(finding: Finding, document: Document, width: int = 100) -> str:
    """A formula in one line: without what only sets it, and cut where it is long."""
    text = written(finding, document)
    if finding.formula.fragment.form != "text":
        text = unaligned(text)
    return shortened(safe(text), width)


def unaligned(text: str) -> str:
    r"""A formula in TeX without what only sets it in lines and columns.

    >>> unaligned(r"\begin{align} a &= b \label{c} \\\\")
    'a = b'
    """
    text = _ALIGNED.sub("", _LAYOUT.sub(" ", text))
    return re.sub(r"\A(?:\s|&)+|(?:\s|&|\\\\)+\Z", "", text) or text


def shortened(text: str, width: int) -> str:
    r"""A text cut at a space, or at least not within a command.

    >>> shortened(r"a = \frac{1}{2} + \alpha", 20)
    'a = \\frac{1}{2} + …'
    """
    if len(text) <= width:
        return text
    head = text[: width - len(_CUT)]
    space = head.rfind(" ")
    if text[len(head)] != " ":
        head = head[:space] if space > width // 2 else _COMMAND_CUT.sub("", head) or head
    return head.rstrip() + _CUT


def drawn(place: Place, width: int) -> tuple[str, str]:
    """The line of a place and the carets under it, cut to a width round the place.

    >>> drawn(Place("x " * 40 + "y = z and so on", 80, 85), 12)
    ('…x y = z an…', '   ^^^^^')
    """
    from rich.cells import cell_len

    begin = place.text.rfind("\n", 0, place.start) + 1
    line = place.text[begin:].partition("\n")[0]
    line = "".join(c if c.isprintable() else " " for c in line)
    start = min(place.start - begin, len(line))
    stop = max(start + 1, min(place.end - begin, len(line)))
    left = 0
    if len(line) > width:
        left = max(0, min(start - max(0, (width - (stop - start)) // 2), len(line) - width, start))
        right = min(len(line), left + width)
        shown = line[left:right]
        if right < len(line):
            shown = shown[:-1] + "…"
        if left:
            shown = "…" + shown[1:]
        line, start, stop = shown, start - left, min(stop - left, len(shown))
    carets = "^" * max(1, cell_len(line[start:stop]))
    return line.rstrip(), " " * cell_len(line[:start]) + carets


def place_of(finding: Finding) -> Place:
    """Where a finding stands; of what can't be read, the part that stops the reader."""
    if isinstance(finding.formula, Unparsed):
        return finding.formula.place
    where = stretch(finding)
    return finding.formula.fragment.file.place(where.start, where.stop)
