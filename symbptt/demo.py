"""``symbptt demo``: every built-in model derived, exported and verified into a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from symbptt import api
from symbptt.errors import RequestError
from symbptt.evidence.report import Report
from symbptt.files import write_whole
from symbptt.model import builtin_names
from symbptt.render.drawing import drawn, shown_steps
from symbptt.templating import fill


def demo(folder: Path) -> int:
    """Write every model's derivation, module and report; 1 if a verification failed."""
    from rich.console import Console
    from rich.progress import track

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"can't make the folder '{folder}': {error.strerror}") from None
    names = builtin_names()
    errors = Console(stderr=True)
    failed = 0
    rows: list[str] = []
    for name in track(
        names, "deriving", console=errors, disable=not sys.stderr.isatty(), transient=True
    ):
        files, report = outputs(name)
        (folder / name).mkdir(exist_ok=True)
        for file, text in files.items():
            write_whole(folder / name / file, text)
        failed += not report.passed
        rows.append(str(report))
    print("\n".join(rows))
    print(f"\n{len(names)} models in {folder}/: derivation.tex, .md and .html, unrolled.svg, "
          "gradient.py, verification.txt")  # fmt: skip
    return 1 if failed else 0


def outputs(name: str) -> tuple[dict[str, str], Report]:
    """The files of a model, by name, and the report that vouches for them."""
    model = api.load(name)
    report = api.verify(model)
    d = api.derive(model)
    files = {
        "derivation.tex": api.render(d, "latex", evidence=report),
        "derivation.md": api.render(d, "markdown", evidence=report, figure="unrolled.svg"),
        "derivation.html": api.render(d, "html", evidence=report),
        "unrolled.svg": drawn(model, shown_steps(model), "svg"),
        "gradient.py": api.export(model, check=False),  # verified just above
        "verification.txt": fill("verify.txt.j2", {"r": report}),
    }
    return files, report
