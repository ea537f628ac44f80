"""The command that judges the gradient formulas and the gradient code of files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbptt.commands.ends import FOUND_WRONG, OK, Progress, deliver

if TYPE_CHECKING:
    from symbptt.check.code import CodeReport
    from symbptt.check.documents.document import Document
    from symbptt.check.sidecar import Sidecar


def check(args: argparse.Namespace) -> int:
    if args.run_code is not None:
        return _check_code(args)
    from symbptt import __version__, api
    from symbptt.check.reports import Options, format_for, written
    from symbptt.check.reports.options import selected
    from symbptt.errors import RequestError

    format = format_for(args.format, args.output)
    select = frozenset() if args.select is None else selected(args.select)
    given = _given(args)
    if args.documents.count("-") > 1:
        raise RequestError("standard input can be read once; name '-' once")
    documents = [(name, _document(name)) for name in args.documents]  # none missing, or no report
    reports = []
    with Progress() as tell:
        for name, document in documents:
            tell(f"checking {name}")
            model, progress = _first(args.model, given.model), _of(name, tell)
            reports.append(api.check(document, model, given.names, progress=progress))
    options = Options(
        quiet=args.quiet,
        verbose=args.verbose,
        strict=args.strict,
        select=select,
        version=__version__,
        **(_terminal() if args.output is None else {}),
    )
    deliver(written(reports, format, options), args.output)
    return FOUND_WRONG if any(r.faults(strict=args.strict) for r in reports) else OK


def _of(name: str, tell: Callable[[str], None]) -> Callable[[str], None]:
    """How the progress in one document is told."""
    return lambda what: tell(f"checking {name}: {what}")


def _check_code(args: argparse.Namespace) -> int:
    from symbptt import api
    from symbptt.check.code import check_code
    from symbptt.check.reports import format_for
    from symbptt.check.sidecar import beside
    from symbptt.errors import RequestError

    format = format_for(args.format, args.output)
    if format not in ("text", "json"):
        raise RequestError(f"a report on code is text or json, not {format}")
    if args.select is not None or args.quiet or args.verbose:
        raise RequestError("--run-code lists every gradient; leave out --select, -q and -v")
    if "-" in args.documents:
        raise RequestError("--run-code needs a file, not standard input")
    given = _given(args)
    jobs = []
    for name in args.documents:
        said = beside(Path(name))
        model = _first(args.model, given.model, said.model)
        if model is None:
            raise RequestError("--run-code compares with a model; name it with --model")
        jobs.append((name, api.load(model), {**said.names, **given.names}))
    with Progress() as tell:
        reports = [check_code(name, args.run_code, m, names, tell) for name, m, names in jobs]
    deliver(_written(reports, format), args.output)
    strange = args.strict and any(r.summary["right-under"] for r in reports)
    return OK if all(r.passed for r in reports) and not strange else FOUND_WRONG


def _written(reports: list[CodeReport], format: str) -> str:
    """Reports on code; as JSON, one is an object and several an object with ``reports``."""
    if format == "text":
        return "\n".join(map(str, reports))
    found = [r.as_dict() for r in reports]
    whole = found[0] if len(found) == 1 else {"reports": found}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _given(args: argparse.Namespace) -> Sidecar:
    """What ``--names`` says; the report is not to be written over a document."""
    from symbptt.check.sidecar import Sidecar, read_sidecar
    from symbptt.errors import RequestError

    if args.output is not None and args.output.resolve() in {
        Path(name).resolve() for name in args.documents
    }:
        raise RequestError(f"'{args.output}' is a document to check; write the report elsewhere")
    return Sidecar() if args.names is None else read_sidecar(args.names)


def _first(*given: str | None) -> str | None:
    """The first that was given, be it empty."""
    return next((one for one in given if one is not None), None)


def _document(name: str) -> Document:
    """The document of a path, or of standard input."""
    from symbptt.check.documents.given import document_of, document_of_text
    from symbptt.errors import RequestError

    if name != "-":
        return document_of(Path(name))
    try:
        return document_of_text(sys.stdin.buffer.read().decode("utf-8-sig"), "<stdin>")
    except UnicodeDecodeError:
        raise RequestError("standard input is no text in UTF-8; convert it") from None


def _terminal() -> dict[str, Any]:
    """How standard output shows a report, where it is a terminal."""
    if not sys.stdout.isatty():
        return {}
    from rich.console import Console

    console = Console()
    colour = console.color_system is not None and not console.no_color
    return {"colour": colour, "excerpts": True, "width": max(console.width, 40)}
