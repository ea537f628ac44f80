"""reStructuredText: ``.. math::``, the ``:math:`` role, headings with a line under them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symbptt.check.documents.delimiters import Found, delimited
from symbptt.check.documents.layout import Code, Layout
from symbptt.check.documents.markdown import roles
from symbptt.check.documents.traced import Traced

_DIRECTIVE = re.compile(
    r"^(?P<indent>[ \t]*)\.\.[ \t]+(?P<name>math|code-block|code|sourcecode|doctest|parsed-literal)"
    r"::[ \t]*(?P<argument>[^\n]*)(?:\n|\Z)",
    re.MULTILINE,
)
_LITERAL = re.compile(r"^(?P<indent>[ \t]*)(?!\.\.)[^\n]*::[ \t]*\n(?=[ \t]*\n)", re.MULTILINE)
_COMMENT = re.compile(r"^(?P<indent>[ \t]*)\.\.(?:[ \t]+(?![^\n]*::)[^\n]*)?\n", re.MULTILINE)
_OPTION = re.compile(r"[ \t]*:\w[\w-]*:[^\n]*\n")
_HEADING = re.compile(
    r"^(?=[^\n]*[^\W_])(?P<title>[^\n]+)\n([=\-~^\"'`#*+.:])\2{2,}[ \t]*$", re.MULTILINE
)
_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<words>[^\n]*)(?:\n|\Z)")
_LITERAL_ROLE = re.compile(r"``[^`\n]+``|`[^`\n]+`_?")


def rst(page: Traced) -> Layout:
    """The layout of a reStructuredText document."""
    layout = Layout(page)
    text = page.text
    done = 0
    for m in _DIRECTIVE.finditer(text):
        if m.start() < done:
            continue
        start = m.end()
        stop = _block_end(text, start, len(m.group("indent")))
        raw = False
        while option := _OPTION.match(text, start, stop):
            raw = raw or option.group().strip() == ":nowrap:"
            start = option.end()
        if m.group("name") == "math":
            if m.group("argument").strip():
                layout.found.append(Found(*m.span("argument"), *m.span(), "display"))
            own = [*delimited(text, start, stop)] if raw else []
            layout.found += own
            for begin, end in _paragraphs(text, start, stop) if not own else ():
                layout.found.append(Found(begin, end, m.start(), stop, "display"))
        else:
            layout.code.append(Code(start, stop, m.group("argument").strip().lower()))
        layout.erase(m.start(), stop)
        done = stop
    layout.settle()
    for m in [*_LITERAL.finditer(layout.visible)]:
        stop = _block_end(layout.visible, m.end(), len(m.group("indent")))
        if layout.visible[m.end() : stop].strip():
            layout.code.append(Code(m.end(), stop))
            layout.erase(m.end(), stop)
    for m in _COMMENT.finditer(layout.visible):
        stop = _block_end(layout.visible, m.end(), len(m.group("indent")))
        layout.hidden.append((m.start(), stop))
        layout.erase(m.start(), stop)
    layout.settle()
    for m in _HEADING.finditer(layout.visible):
        layout.heading(m.start(), m.group("title"))
    roles(layout)
    layout.blanked(_LITERAL_ROLE, hole=True)
    return layout


def _block_end(text: str, start: int, indent: int) -> int:
    """Where the lines end that stand further right than ``indent``, or are empty."""
    stop = at = start
    while at < len(text):
        line = _LINE.match(text, at)
        assert line is not None
        words = line.group("words").strip()
        if words and len(line.group("indent").expandtabs()) <= indent:
            break
        at = line.end()
        if words:
            stop = at
    return stop


def _paragraphs(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """What empty lines part is one formula each."""
    for m in re.finditer(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+", text[start:stop]):
        yield start + m.start(), start + m.end()
