"""The forms of a report, one file each, and which of them a request means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from symbptt.check.findings import Report
from symbptt.check.reports.options import CLASSES, Options
from symbptt.errors import RequestError, did_you_mean

__all__ = ["CLASSES", "FORMATS", "Options", "format_for", "written"]


@dataclass(frozen=True)
class Form:
    """A form of reports: the module here that writes it, and the extensions of its files."""

    module: str
    extensions: tuple[str, ...]

    def write(self, reports: Sequence[Report], options: Options) -> str:
        """The reports in this form; pages need far more to be imported than the others."""
        found: str = import_module(f"{__name__}.{self.module}").write(reports, options)
        return found


FORMATS: dict[str, Form] = {
    "text": Form("text", (".txt", ".log")),
    "json": Form("data", (".json",)),
    "sarif": Form("sarif", (".sarif",)),
    "html": Form("webpage", (".html", ".htm")),
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
