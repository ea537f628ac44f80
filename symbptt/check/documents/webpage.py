"""HTML pages with TeX for MathJax or KaTeX: tags and scripts aside, entities decoded."""

from __future__ import annotations

import html
import re

from symbptt.check.documents.delimiters import Found
from symbptt.check.documents.layout import INLINE, Code, Layout
from symbptt.check.documents.markdown import ENTITY, TAG
from symbptt.check.documents.traced import Traced

_BLOCK = re.compile(
    r"<!--(?P<comment>.*?)(?:-->|\Z)"
    r"|<(?P<tag>script|style|pre|code|svg|head|math)\b(?P<attributes>[^>]*)>"
    r"(?P<inner>.*?)(?:</(?P=tag)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_ANNOTATION = re.compile(
    r"<annotation[^>]*application/x-tex[^>]*>(?P<tex>.*?)</annotation", re.DOTALL | re.IGNORECASE
)
_HEADING = re.compile(r"<(h[1-6]|title)\b[^>]*>(?P<title>.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
_PARAGRAPH = re.compile(
    r"</?(?:p|div|li|ul|ol|h[1-6]|table|tr|td|th|section|article|blockquote|body|header|footer|"
    r"main|nav|dl|dd|dt|figure)(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")


def webpage(page: Traced) -> Layout:
    """The layout of an HTML page."""
    page = page.replaced(ENTITY, _decoded)
    raw = page.text
    layout = Layout(page)
    for m in _HEADING.finditer(raw):
        layout.heading(m.start(), _ANY_TAG.sub(" ", m.group("title")))
    for m in _BLOCK.finditer(raw):
        _block(layout, m)
    layout.settle()
    layout.visible = _PARAGRAPH.sub(_line_breaks, layout.visible)
    layout.visible = _BREAK.sub(lambda m: "\n" + " " * (len(m.group()) - 1), layout.visible)
    layout.blanked(TAG)
    return layout


def _decoded(m: re.Match[str]) -> str:
    """An entity's character; ``&lt;b`` must not become a tag."""
    character = html.unescape(m.group())
    return "< " if character == "<" else character


def _block(layout: Layout, m: re.Match[str]) -> None:
    tag = (m.group("tag") or "").lower()
    if m.group("comment") is not None:
        layout.hidden.append(m.span("comment"))
    elif tag == "math":
        if annotation := _ANNOTATION.search(m.group("inner")):
            start = m.start("inner")
            inner = start + annotation.start("tex"), start + annotation.end("tex")
            form = "display" if "block" in m.group("attributes") else "inline"
            layout.found.append(Found(*inner, *m.span(), form))
        elif "<" not in m.group("inner"):
            return  # TeX in a wiki's <math>
    elif tag == "script" and "math/tex" in m.group("attributes"):
        form = "display" if "display" in m.group("attributes") else "inline"
        layout.found.append(Found(*m.span("inner"), *m.span(), form))
    elif tag in {"pre", "code"}:
        several = "\n" in m.group("inner").strip()
        language = re.search(r"(?:language|lang|brush|class=\"?)[-:=\s\"]*(\w+)", m.group())
        named = language.group(1).lower() if language and several else ""
        layout.code.append(Code(*m.span("inner"), named if several else INLINE))
    layout.erase(*m.span())


def _line_breaks(m: re.Match[str]) -> str:
    return "\n\n" + " " * (len(m.group()) - 2)
