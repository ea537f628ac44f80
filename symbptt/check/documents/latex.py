r"""LaTeX documents: comments, listings and the preamble hold no mathematics."""

from __future__ import annotations

import re

from symbptt.check.documents.definers import definitions
from symbptt.check.documents.layout import Code, Layout
from symbptt.check.documents.traced import Traced

_LISTING = (
    "verbatim Verbatim lstlisting minted alltt comment filecontents python pycode jlcode "
    "algorithmic tikzpicture"
)
_BLOCK = re.compile(
    r"(?<!\\)(?:\\\\)*(?P<comment>%[^\n]*)"
    rf"|\\begin\s*\{{(?P<name>{'|'.join(_LISTING.split())})(?P<star>\*?)\}}"
    r"(?P<options>(?:\[[^\]\n]*\]|\{[^{}\n]*\})*)"
    r"(?P<code>.*?)(?:\\end\s*\{(?P=name)\*?\}|\Z)"
    r"|\\iffalse(?![A-Za-z])(?P<off>.*?)(?:\\fi(?![A-Za-z])|\Z)"
    r"|\\(?:verb|lstinline)\*?(?P<bar>[^A-Za-z\s*{])(?P<verb>[^\n]*?)(?P=bar)",
    re.DOTALL,
)
_BEGIN = re.compile(r"\\begin\s*\{document\}")
_END = re.compile(r"\\end\s*\{document\}")
_SECTION = re.compile(
    r"\\(?:part|chapter|(?:sub){0,2}section|paragraph|title|frametitle)\*?\s*(?:\[[^\]]*\])?"
    r"\s*\{(?P<title>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}"
)
_LANGUAGE = re.compile(r"language\s*=\s*\{?(\w+)|\{(\w+)\}")
_DROPPED = re.compile(
    r"\\(?:label|cite[a-z]*|ref|eqref|autoref|cref|url|href|includegraphics|input|include|"
    r"usepackage|documentclass|bibliography)\*?\s*(?:\[[^\]\n]*\])?\s*\{[^{}]*\}"
)
_COLUMNS = re.compile(r"\\(begin|end)\s*\{IEEEeqnarray(\*?)\}(?:(?:\[[^\]\n]*\])?\{[^{}\n]*\})?")
_BETWEEN = re.compile(
    r"(?P<open>\\(?:short)?intertext\s*\{)[^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*(?P<close>\})"
)
_ROWS = re.compile(
    r"\\begin\s*\{((?:align|alignat|flalign|gather|multline|eqnarray)\*?)\}(?:\{\d+\})?"
)


def without_words_between(page: Traced) -> Traced:
    r"""A text in which ``\intertext{so that}`` ends its environment, which begins anew behind."""
    pieces: list[Traced] = []
    done = 0
    for m in _BETWEEN.finditer(page.text):
        *_, name = ["", *_ROWS.findall(page.text, 0, m.start())]
        if name:
            dollars = "$$" * (page.text.count("$$", 0, m.start()) % 2)
            pieces += [
                page[done : m.start("open")],
                page.standing(f"\\end{{{name}}}{dollars} ", *m.span("open")),
                page[m.end("open") : m.start("close")],
                page.standing(f" {dollars}\\begin{{{name}}}", *m.span("close")),
            ]
            done = m.end("close")
    return Traced.joined([*pieces, page[done:]]) if pieces else page


def latex(page: Traced) -> Layout:
    """The layout of a LaTeX document."""
    page = page.replaced(_COLUMNS, lambda m: rf"\{m.group(1)}{{eqnarray{m.group(2)}}}")
    page = without_words_between(page)
    layout = Layout(page, prose=False)
    for m in _BLOCK.finditer(page.text):
        if m.group("comment") is not None:
            layout.hidden.append((m.start("comment") + 1, m.end("comment")))
            layout.erase(*m.span("comment"))
            continue
        if m.group("code") is not None and m.group("name") not in {"comment", "tikzpicture"}:
            language = _LANGUAGE.search(m.group("options"))
            named = (language.group(1) or language.group(2)).lower() if language else ""
            layout.code.append(Code(*m.span("code"), named))
        elif m.group("name") == "comment":
            layout.hidden.append(m.span("code"))
        elif m.group("off") is not None:
            layout.hidden.append(m.span("off"))
        layout.erase(*m.span())
    layout.settle()
    for m in _SECTION.finditer(layout.visible):
        layout.heading(m.start(), m.group("title"))
    if begin := _BEGIN.search(layout.visible):
        layout.erase(0, begin.end())
    if end := _END.search(layout.visible):
        layout.erase(end.start(), len(layout.visible))
    layout.settle()
    if "\\" in layout.visible:
        for _, start, stop in definitions(Traced.whole(layout.visible)):
            layout.erase(start, stop)
        layout.settle()
    layout.blanked(_DROPPED)
    return layout
