"""From a layout to fragments: what is delimited, what stands in lines of text and in code."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from symbptt.check.documents.broken import lines
from symbptt.check.documents.definers import without_definitions
from symbptt.check.documents.delimiters import Found, delimited
from symbptt.check.documents.fragments import File, Fragment, Heading
from symbptt.check.documents.layout import HOLE, INLINE, Code, Layout
from symbptt.check.documents.macros import Macros
from symbptt.check.documents.plain import COMMENT, code_formulas, text_formulas
from symbptt.check.documents.traced import Traced
from symbptt.check.documents.words import RELATION, names_in

#: How many characters of its surroundings a fragment keeps, on each side.
MAX_WORDS = 240

#: Languages whose lines are text and not code.
_TEXTS = frozenset({"", "text", "txt", "plain", "plaintext", "ascii", "none", "console", "unicode"})
#: Languages in which ∂ is no part of a name; it may be one in Julia.
_WITHOUT_SIGN = frozenset(
    {"python", "py", "python3", "c", "cpp", "c++", "java", "javascript", "js", "typescript", "go",
     "rust", "matlab", "r", "pseudo", "pseudocode", "algorithm"}
)  # fmt: skip
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_DOCSTRING = re.compile(r'"""|\'\'\'')
_SENTENCE_END = re.compile(
    r"[.!?](?:\s+(?=[A-Z0-9$\\*(])|\s*\Z)|\n[ \t]*\n|\n(?=[ \t]*(?:[-*+#>]|\d+[.)])\s)"
)
#: What lines of comments begin with.
_MARKS = frozenset({"#", "##", "//", "///", "//!", "*", "--", ";"})
#: The line that opens a block of code.
_FENCE = re.compile(r"\n[ \t]*(?:```|~~~)\w*\Z")
_ENVIRONMENT = re.compile(
    r"\\begin\s*\{[A-Za-z]+\*?\}(?:\{[^{}\n]*\}|\[[^\]\n]*\])*|[\s&]+|\\label\s*\{[^{}]*\}"
)


def fragments(
    layout: Layout, file: File, macros: Macros, names: frozenset[str] = frozenset()
) -> Iterator[Fragment]:
    """The fragments of one page, in order; ``names``: words of letters that are symbols."""
    found = [*layout.found, *delimited(layout.visible)]
    found += _undelimited(layout, found, names)
    found.sort(key=lambda f: (f.start, f.stop))
    offsets = [h.offset for h in layout.headings]
    for f in found:
        fragment = _fragment(layout, f, file, macros, offsets)
        if fragment is not None:
            yield fragment


def names(layout: Layout) -> frozenset[str]:
    """The words of letters that the undelimited formulas of a page use as symbols."""
    known: frozenset[str] = frozenset()
    found = _undelimited(layout, [*layout.found, *delimited(layout.visible)], known)
    return names_in(layout.page.text, ((f.start, f.stop) for f in found))


def _undelimited(layout: Layout, found: list[Found], names: frozenset[str]) -> list[Found]:
    """What stands in lines of text and of code."""
    taken = sorted((f.outer_start, f.outer_stop) for f in found)
    more: list[Found] = []
    if layout.prose:
        more += _in_lines(_without(layout.visible, taken), names)
    for code in layout.code:
        more += _in_code(layout.page.text, code, names)
    return more


def hidden(layout: Layout, file: File, macros: Macros) -> Iterator[Fragment]:
    """The fragments that stand in comments."""
    offsets = [h.offset for h in layout.headings]
    for start, stop in layout.hidden:
        for f in delimited(layout.page.text, start, stop):
            fragment = _fragment(layout, f, file, macros, offsets)
            if fragment is not None:
                yield fragment


def _without(visible: str, taken: Sequence[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, stop in taken:
        if start >= done:
            hole = re.sub(r"[^\n]", HOLE, visible[start:stop])
            pieces += [visible[done:start], hole]
            done = stop
    return "".join(pieces) + visible[done:]


def _in_lines(text: str, names: frozenset[str]) -> Iterator[Found]:
    for start, stop in lines(text, 0, len(text), names):
        yield from _text(start, text_formulas(text[start:stop], names=names))


def _in_code(text: str, code: Code, names: frozenset[str]) -> Iterator[Found]:
    if code.language == INLINE:
        inner = text[code.start : code.stop]
        if RELATION.search(inner) and "\n" not in inner:
            yield from _text(code.start, text_formulas(inner, sure=True, names=names))
        return
    if code.language not in _TEXTS and not _is_pseudocode(text[code.start : code.stop], code):
        for start, stop in lines(text, code.start, code.stop, code=True):
            yield from _text(start, code_formulas(text[start:stop]), code.language)
        return
    for start, stop in lines(text, code.start, code.stop, names):
        line = text[start:stop]
        spans = [*text_formulas(line, sure=True, names=names)] or [*code_formulas(line)]
        yield from _text(start, iter(spans))


def _is_pseudocode(lines: str, code: Code) -> bool:
    """Whether a listing is no program: it has the sign of a derivative, ``∂L/∂h_t = …``, outside
    comments and strings."""
    if code.language not in _WITHOUT_SIGN or _DOCSTRING.search(lines):
        return False
    return any("∂" in _STRING.sub("", COMMENT.split(line)[0]) for line in lines.splitlines())


def _text(
    at: int, spans: Iterator[tuple[int, int]], language: str | None = None
) -> Iterator[Found]:
    for start, stop in spans:
        start, stop = at + start, at + stop
        yield Found(start, stop, start, stop, "text", language=language)


def _without_marks(part: Traced, f: Found, text: str) -> Traced:
    """A display over lines of comments, ``# $$``, without the marks that these begin with."""
    before = text[text.rfind("\n", 0, f.outer_start) + 1 : f.outer_start].strip()
    if before not in _MARKS or f.form != "display":
        return part
    mark = re.compile(
        rf"(?<=\n)[ \t]*{re.escape(before)}(?=[ \t]|$)|\A{re.escape(before)}[ \t]", re.M
    )
    return part.replaced(mark, lambda m: "")


def _fragment(
    layout: Layout, f: Found, file: File, macros: Macros, offsets: Sequence[int]
) -> Fragment | None:
    page = layout.page
    part = without_definitions(_without_marks(page[f.start : f.stop], f, page.text)).stripped()
    if not part.text:
        return None
    text, notes = macros.expanded(part) if f.form != "text" else (part, ())
    start, stop = part.stretch(0, len(part))
    first = 0
    if part.text.startswith("\\begin"):
        while (m := _ENVIRONMENT.match(part.text, first)) and m.end() > first:
            first = m.end()
    line, column = file.position(part.stretch(first if first < len(part) else 0, len(part))[0])
    above = bisect_right(offsets, start) - 1
    return Fragment(
        text=text.text,
        source=file.text[start:stop],
        form=f.form,
        line=line,
        column=column,
        before=_before(page.text, f.outer_start, lines=f.form == "text"),
        after=_after(page.text, f.outer_stop, lines=f.form == "text"),
        heading=_title(layout.headings, above),
        cell=layout.cell,
        language=f.language,
        notes=f.notes + notes,
        traced=text,
        file=file,
    )


def _title(headings: Sequence[Heading], above: int) -> str:
    return headings[above].title if above >= 0 else ""


def _before(text: str, start: int, *, lines: bool) -> str:
    """The words of the sentence before a formula, across the line break before a display.

    With ``lines`` those of its own line, or else of the line above.
    """
    window = text[max(0, start - MAX_WORDS) : start].rstrip()
    window = _FENCE.sub("", window)
    if lines:
        return " ".join(window[window.rfind("\n") + 1 :].split())
    ends = [m.end() for m in _SENTENCE_END.finditer(window) if m.end() < len(window)]
    return " ".join(window[ends[-1] if ends else 0 :].split())


def _after(text: str, stop: int, *, lines: bool) -> str:
    """The words of the sentence after a formula; with ``lines``, of its own line."""
    window = text[stop : stop + MAX_WORDS]
    if lines:
        return " ".join(window.partition("\n")[0].split())
    first = len(window) - len(window.lstrip())
    end = _SENTENCE_END.search(window, first)
    return " ".join(window[: end.start() + 1 if end else None].split())
