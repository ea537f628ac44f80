"""Markdown, in the dialects that notes on the web are written in."""

from __future__ import annotations

import html
import re

from symbptt.check.documents.delimiters import Found
from symbptt.check.documents.latex import without_words_between
from symbptt.check.documents.layout import INLINE, Code, Layout
from symbptt.check.documents.traced import Traced, blank

_BLOCK = re.compile(
    r"\A---[ \t]*\n(?P<matter>.*?)\n(?:---|\.\.\.)[ \t]*(?=\n|\Z)"
    r"|^[ \t>]*```math[ \t]+(?P<line>[^`\n][^`]{0,3000}(?<!\s))[ \t]*`{2,3}"  # a fence in a line
    r"|^(?P<lead>[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n"
    r"(?P<code>.*?)(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|<!--(?P<comment>.*?)(?:-->|\Z)"
    r"|^!bc\b(?P<kind>[^\n]*)\n(?P<listing>.*?)(?:^!ec\b|\Z)"
    r"|\{%-?\s*highlight\s+(?P<name>\w+).*?%\}(?P<jekyll>.*?)(?:\{%-?\s*endhighlight.*?%\}|\Z)"
    r"|<(?P<tag>script|style)\b(?P<attributes>[^>]*)>(?P<script>.*?)(?:</(?P=tag)\s*>|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
#: Fences that hold mathematics, or a text in TeX.
_TEX = frozenset({"math", "latex", "tex", "katex", "{math}", "mathjax"})
_OPTIONS = re.compile(r"(?:[ \t]*:[\w-]+:[^\n]*\n)+|---[ \t]*\n.*?\n---[ \t]*\n", re.DOTALL)
_INNER_DELIMITER = re.compile(r"\$|\\\[|\\\(|\\begin\s*\{")
_ROLE = re.compile(r"(?:\{math\}|:math:)`(?P<role>[^`]{1,3000})`")
_TICKS = re.compile(r"(?<!\\)`+")
_HEADING = re.compile(
    r"^[ \t]{0,3}#{1,6}[ \t]+(?P<atx>[^\n]+)$"
    r"|^(?=[^\n]*[^\W_])(?P<setext>[^\n]+)\n[ \t]{0,3}(?:={3,}|-{3,})[ \t]*$"
    r"|^[ \t]*={3,9}[ \t]+(?P<doconce>[^\n]+)={3,9}[ \t]*$"
    r"|^\[(?P<bracketed>[A-Z][^\]\n=]*)\][ \t]*$",
    re.MULTILINE,
)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_QUOTED = re.compile(r"^(?:[ \t]{0,3}>[ \t]?)+", re.MULTILINE)
_LINK = re.compile(r"(?<=\])\((?:<[^<>\n]*>|[^()\s]*)(?:\s+\"[^\"\n]*\")?\)|https?://[^\s)>\]]+")

_TAGS = (
    "a abbr article aside b big blockquote body br button center cite code col dd details div dl "
    "dt em figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img "
    "input ins kbd label li link main mark meta nav ol option p pre q s samp section select small "
    "source span strike strong sub summary sup table tbody td tfoot th thead title tr tt u ul var "
    "video"
)
#: A tag of HTML, with at least a bracket or an attribute after its name: ``a<b`` is none.
TAG = re.compile(rf"</?(?:{'|'.join(_TAGS.split())})(?:\s[^<>]*)?/?>", re.IGNORECASE)


def decoded(page: Traced) -> Traced:
    """A page with its HTML entities as the characters that they stand for."""
    return page.replaced(ENTITY, lambda m: html.unescape(m.group()))


def markdown(page: Traced, cell: int | None = None) -> Layout:
    """The layout of a Markdown text."""
    page = without_words_between(decoded(page).replaced(_QUOTED, lambda m: blank(m.group())))
    layout = Layout(page, cell=cell)
    for m in _BLOCK.finditer(page.text):
        _block(layout, m)
    layout.settle()
    for m in _HEADING.finditer(layout.visible):
        layout.heading(m.start(), next(g for g in m.groups() if g).strip(" \t#="))
    roles(layout)
    _inline_code(layout)
    layout.blanked(TAG)
    layout.blanked(_LINK, hole=True)
    return layout


def roles(layout: Layout) -> None:
    """Mathematics in roles: ``:math:`h_t` `` in reStructuredText, ``{math}`` in MyST."""
    for m in _ROLE.finditer(layout.visible):
        layout.found.append(Found(*m.span("role"), *m.span(), "inline"))
        layout.erase(*m.span())
    layout.settle()


def _block(layout: Layout, m: re.Match[str]) -> None:
    groups = m.groupdict()
    if groups["comment"] is not None:
        layout.hidden.append(m.span("comment"))
    elif groups["fence"] is not None:
        language = (groups["info"].strip().split() or [""])[0].lower()
        if language in _TEX:
            _tex_fence(layout, m)
            return
        layout.code.append(Code(*m.span("code"), language.strip("{}.")))
    elif groups["line"] is not None:
        layout.found.append(Found(*m.span("line"), *m.span(), "display"))
    elif groups["listing"] is not None:
        language = groups["kind"].strip()[:-3] if groups["kind"].strip().endswith("cod") else ""
        layout.code.append(Code(*m.span("listing"), {"py": "python"}.get(language, language)))
    elif groups["jekyll"] is not None:
        layout.code.append(Code(*m.span("jekyll"), groups["name"].lower()))
    elif groups["script"] is not None and "math/tex" in groups["attributes"]:
        form = "display" if "display" in groups["attributes"] else "inline"
        layout.found.append(Found(*m.span("script"), *m.span(), form))
    layout.erase(*m.span())


def _tex_fence(layout: Layout, m: re.Match[str]) -> None:
    start, stop = m.span("code")
    if options := _OPTIONS.match(m.group("code")):
        start += options.end()
    if _INNER_DELIMITER.search(m.group("code")):
        layout.erase(m.start(), start)
        layout.erase(stop, m.end())
        return
    if layout.page.text[start:stop].strip():
        layout.found.append(Found(start, stop, *m.span(), "display"))
    layout.erase(*m.span())


def _inline_code(layout: Layout) -> None:
    """Code between backticks, but not ``$`h_t`$``; what is there may be a formula as text."""
    text = layout.visible
    runs = list(_TICKS.finditer(text))
    i = 0
    while i < len(runs):
        opening = runs[i]
        i += 1
        if text[opening.start() - 1 : opening.start()] == "$":
            continue
        for j in range(i, min(i + 20, len(runs))):
            closing = runs[j]
            if closing.start() - opening.end() > 1000:
                break
            if len(closing.group()) == len(opening.group()):
                inner = text[opening.end() : closing.start()]
                if "\n\n" in inner:
                    break
                layout.code.append(Code(opening.end(), closing.start(), INLINE))
                layout.erase(opening.start(), closing.end())
                i = j + 1
                break
    layout.settle()
