"""LaTeX to PDF, where pdflatex is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from symbptt.errors import RequestError


def pdf(latex: str) -> bytes:
    """The PDF of a LaTeX document.

    Raises :class:`RequestError` without pdflatex, or with the line that it stumbled over.
    """
    command = shutil.which("pdflatex")
    if command is None:
        raise RequestError(
            "a PDF needs pdflatex, of TeX Live or MiKTeX, which is not installed; "
            "write LaTeX with -o derivation.tex"
        )
    with TemporaryDirectory() as folder:
        source = Path(folder) / "derivation.tex"
        source.write_text(latex, encoding="utf-8")
        options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", source.name]
        done = subprocess.run([command, *options], cwd=folder, capture_output=True, check=False)
        made = source.with_suffix(".pdf")
        if done.returncode or not made.exists():
            log = done.stdout.decode("utf-8", "replace").splitlines()
            line = next((x for x in log if x.startswith("!")), "no reason given")
            raise RequestError(f"pdflatex failed: {line.removeprefix('! ')}")
        return made.read_bytes()
