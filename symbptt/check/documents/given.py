"""What a caller gives to be checked, as a document: a path, a text, or one formula."""

from __future__ import annotations

import re
from pathlib import Path

from symbptt.check.documents.delimiters import delimited
from symbptt.check.documents.document import Document, format_of, read_document
from symbptt.errors import RequestError

_COMMAND = re.compile(r"\\[A-Za-z]+\*?")
#: Three words in a row: no formula.
_PROSE = re.compile(r"(?:[^\W\d_]{2,}[,;:]?\s+){2}[^\W\d_]{2,}")


def document_of(given: str | Path) -> Document:
    r"""The document that a path names, or else a text: a document or one formula.

    >>> document_of(r"\frac{a}{b} = c").format, document_of("Let $a = b$.").format
    ('formula', 'markdown')
    """
    if isinstance(given, Path) or _is_path(given):
        path = Path(given)
        if path.is_dir():
            raise RequestError(f"'{given}' is a folder; name the documents in it")
        return read_document(path)
    if not given.strip():
        raise RequestError("there is nothing to check: give a path, a document or a formula")
    return document_of_text(given)


def document_of_text(text: str, file: str | None = None) -> Document:
    """A text without a file of its own: one formula if it has no delimiters and no prose."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Document(text, file, "formula" if is_formula(text) else format_of(text, file))


def is_formula(text: str) -> bool:
    r"""Whether a text is one formula, written without delimiters.

    >>> [is_formula(s) for s in (r"\delta_t = W^T \delta_{t+1}", "$a$", "a = b\nc = d")]
    [True, False, False]
    """
    bare = text.strip()
    if next(delimited(text), None) is not None or format_of(text) == "notebook":
        return False
    if "\n" in bare and "\\" not in bare:  # lines of plain text
        return False
    return _PROSE.search(_COMMAND.sub(" ", bare)) is None


def _is_path(text: str) -> bool:
    """Whether a text names a file: one that exists, or a name that could be nothing else."""
    if "\n" in text or "\0" in text or not text.strip() or len(text) > 1000:
        return False
    try:
        if Path(text).exists():
            return True
    except OSError:
        return False
    return re.fullmatch(r"(?:[\w.~-]+[/\\])*[\w.~ -]*\.[A-Za-z]{2,8}", text.strip()) is not None
