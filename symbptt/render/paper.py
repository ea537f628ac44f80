"""LaTeX to PDF, where pdflatex is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from symbptt.errors import RequestError


def pdf(latex: str, names: Sequence[str] = ()) -> bytes:
    """The PDF of a LaTeX document that writes these names of symbols and functions.

    Raises :class:`RequestError` without pdflatex, or with what it stumbled over: a letter that it
    lacks, with the names that have it, or a line of its log.
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
            raise RequestError(_reason(done.stdout.decode("utf-8", "replace"), names))
        return made.read_bytes()


def _reason(log: str, names: Sequence[str]) -> str:
    """Why pdflatex failed, in a sentence.

    >>> _reason("! LaTeX Error: Unicode character ж (U+0436)", ["W_h", "ж_h"])
    "pdflatex has no letter 'ж'; rename ж_h"
    >>> _reason("! Missing { inserted.", ["W_ж"])
    'pdflatex failed: Missing { inserted; rename W_ж, if it is for a letter that TeX lacks'
    """
    if found := re.search(r"Unicode character (\S)", log):
        having = ", ".join(name for name in names if found[1] in name)
        change = f"rename {having}" if having else "take it out of the title and the reference"
        return f"pdflatex has no letter '{found[1]}'; {change}"
    line = next((x for x in log.splitlines() if x.startswith("!")), "no reason given")
    reason = f"pdflatex failed: {line.removeprefix('! ').rstrip('.')}"
    # In an index it stumbles over a letter without a word about it; Greek ones are ASCII in names.
    having = ", ".join(name for name in names if not name.isascii())
    return f"{reason}; rename {having}, if it is for a letter that TeX lacks" if having else reason
