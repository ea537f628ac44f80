"""Reading a document: its format, and the mathematics in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from symbptt.check.documents import scan
from symbptt.check.documents.delimiters import Found
from symbptt.check.documents.fragments import Comment, File, Fragment, Heading, Note, Scan
from symbptt.check.documents.latex import latex
from symbptt.check.documents.layout import Layout
from symbptt.check.documents.macros import Macros
from symbptt.check.documents.markdown import markdown
from symbptt.check.documents.notebook import markdown_cells
from symbptt.check.documents.rst import rst
from symbptt.check.documents.traced import Traced, blank
from symbptt.check.documents.webpage import webpage
from symbptt.errors import RequestError

#: The sides of a box that is drawn around lines of text.
_BORDER = re.compile(r"^[ \t]*[│┃║](?=[ \t])|(?<=[ \t])[│┃║](?=[ \t]*$)", re.MULTILINE)


def _blank(m: re.Match[str]) -> str:
    """As many blanks."""
    return " " * len(m.group())


def _notebook(text: str, name: str | None) -> list[Layout]:
    return [markdown(page, cell) for cell, page in markdown_cells(text, name)]


def _one(read: Callable[[Traced], Layout]) -> Callable[[str, str | None], list[Layout]]:
    return lambda text, name: [read(Traced.whole(text).replaced(_BORDER, _blank))]


def _formula(page: Traced) -> Layout:
    """A text that is one formula, in TeX or in plain notation."""
    form = "display" if "\\" in page.text or "{" in page.text else "text"
    whole = Found(0, len(page), 0, len(page), form)
    return Layout(page, visible=blank(page.text), found=[whole], prose=False)


#: The formats of documents, and how each is read: a plain text is Markdown that nobody renders,
#: and a formula is one without delimiters.
FORMATS: dict[str, Callable[[str, str | None], list[Layout]]] = {
    "markdown": _one(markdown),
    "latex": _one(latex),
    "notebook": _notebook,
    "rst": _one(rst),
    "html": _one(webpage),
    "text": _one(markdown),
    "formula": _one(_formula),
}

#: File name extensions to formats; anything else is a plain text.
EXTENSIONS: dict[str, str] = {
    **dict.fromkeys((".md", ".markdown", ".mkd", ".mdx", ".rmd", ".qmd", ".mdown"), "markdown"),
    **dict.fromkeys((".tex", ".latex", ".ltx", ".sty"), "latex"),
    ".ipynb": "notebook",
    **dict.fromkeys((".rst", ".rest"), "rst"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
}

#: What the beginning of a plain text says about its format, first match first.
SIGNS: dict[str, re.Pattern[str]] = {
    "notebook": re.compile(r'\A\s*\{\s*"(?:cells|metadata|nbformat|worksheets)"'),
    "latex": re.compile(r"^[ \t]*\\(?:documentclass|begin\s*\{document\})", re.MULTILINE),
    "html": re.compile(r"\A\s*<(?:!doctype html|html)\b", re.IGNORECASE),
    "rst": re.compile(r"^[ \t]*\.\. math::|:math:`", re.MULTILINE),
    "markdown": re.compile(r"\$|\\\[|\\\(|^#{1,6} |^```|\*\*", re.MULTILINE),
}


def format_of(text: str, file: str | None = None) -> str:
    r"""The format of a document, by its name or else by what it looks like.

    >>> format_of("", "notes.ipynb"), format_of("Let \\( h_t \\) be", "notes.txt")
    ('notebook', 'markdown')
    """
    known = EXTENSIONS.get(Path(file).suffix.lower()) if file else None
    if known is not None:
        return known
    return next((name for name, sign in SIGNS.items() if sign.search(text)), "text")


@dataclass(frozen=True)
class Document:
    r"""A document; ``format`` is a key of ``FORMATS``.

    >>> document = Document("Let $h_t = f(z_t)$.\n", "notes.md")
    >>> [(f.text, f.line, f.column) for f in document.fragments]
    [('h_t = f(z_t)', 1, 6)]
    """

    text: str
    file: str | None = None
    format: str = ""

    def __post_init__(self) -> None:
        if not self.format:
            object.__setattr__(self, "format", format_of(self.text, self.file))
        if self.format not in FORMATS:
            known = ", ".join(FORMATS)
            raise RequestError(f"no document format {self.format!r}. Known: {known}")

    @cached_property
    def _layouts(self) -> list[Layout]:
        return FORMATS[self.format](self.text, self.file)

    @cached_property
    def macros(self) -> Macros:
        """The macros that the document defines."""
        if self.format == "latex":  # also those of the preamble
            return Macros.of(Traced.whole(self.text))
        return Macros.of(Traced.joined(layout.page for layout in self._layouts))

    @cached_property
    def scan(self) -> Scan:
        """The fragments of the document, those in comments, and notes about both."""
        file = File(self.text, self.file)
        names = frozenset[str]().union(*map(scan.names, self._layouts))
        found = [
            f for layout in self._layouts for f in scan.fragments(layout, file, self.macros, names)
        ]
        covered = [f for layout in self._layouts for f in scan.hidden(layout, file, self.macros)]
        notes = [Note(note, f.place()) for f in found for note in f.notes]
        return Scan(tuple(found), tuple(covered), tuple(notes))

    @property
    def fragments(self) -> tuple[Fragment, ...]:
        """The mathematics of the document, in order."""
        return self.scan.fragments

    @property
    def hidden(self) -> tuple[Fragment, ...]:
        """The mathematics in its comments, which nobody sees and nobody judges."""
        return self.scan.hidden

    @property
    def comments(self) -> tuple[Comment, ...]:
        """The comments of the document, in order."""
        return tuple(
            Comment(layout.page, start, stop)
            for layout in self._layouts
            for start, stop in sorted(layout.hidden)
        )

    @property
    def headings(self) -> tuple[Heading, ...]:
        """The headings of the document, in order."""
        return tuple(h for layout in self._layouts for h in layout.headings)


def read_document(path: str | Path, *, format: str = "") -> Document:
    """Read a document from a file; its format is that of its extension, unless said."""
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise RequestError(f"can't read {path}: {reason}") from None
    except UnicodeDecodeError:
        raise RequestError(f"can't read {path}: it is no text in UTF-8; convert it") from None
    return Document(text.replace("\r\n", "\n").replace("\r", "\n"), str(path), format)
