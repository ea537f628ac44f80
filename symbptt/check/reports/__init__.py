"""The forms of a report, one file each, and which of them a request means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbptt.check.findings import Report
from symbptt.check.reports import data, sarif, text, webpage
from symbptt.check.reports.options import CLASSES, Options
from symbptt.errors import RequestError, did_you_mean

__all__ = ["CLASSES", "FORMATS", "Options", "format_for", "written"]


@dataclass(frozen=True)
class Form:
    """A form of reports: what writes it, and the extensions of its files."""

    write: Callable[[Sequence[Report], Options], str]
    extensions: tuple[str, ...]


FORMATS: dict[str, Form] = {
    "text": Form(text.write, (".txt", ".log")),
    "json": Form(data.write, (".json",)),
    "sarif": Form(sarif.write, (".sarif",)),
    "html": Form(webpage.write, (".html", ".htm")),
}


def format_for(name: str | None, output: Path | None) -> str:
    """The format asked for, else that of the output file's extension, else text.

    >>> format_for(None, Path("notes.sarif"))
    'sarif'
    """
    if name is not None:
        if name not in FORMATS:
            raise RequestError(f"no format '{name}'{did_you_mean(name, FORMATS)}")
        return name
    if output is None:
        return "text"
    for known, form in FORMATS.items():
        if output.suffix.lower() in form.extensions:
            return known
    raise RequestError(
        f"can't tell a format from '{output.name}'; say --format with one of {', '.join(FORMATS)}"
    )


def written(reports: Sequence[Report], format: str = "text", options: Options | None = None) -> str:
    """Reports on one document or several, in one of the formats."""
    return FORMATS[format_for(format, None)].write(reports, options or Options())
