"""How a command ends: its exit code, what it delivers, and what it says meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

OK, FOUND_WRONG, BAD_REQUEST = 0, 1, 2


def deliver(content: str | bytes, output: Path | None) -> int:
    """Write to a file whole, or to standard output."""
    from symbptt.files import write_whole

    if output is not None:
        write_whole(output, content)
    elif isinstance(content, str):
        print(content, end="")
    else:
        sys.stdout.buffer.write(content)
    return OK


class Progress:
    """A line on standard error that says what is being done; silent unless on a terminal."""

    def __enter__(self) -> Callable[[str], None]:
        if not sys.stderr.isatty():
            return lambda what: None
        from rich.console import Console

        self._status = Console(stderr=True).status("starting")
        self._status.start()
        return lambda what: self._status.update(what)

    def __exit__(self, *exc: object) -> None:
        if hasattr(self, "_status"):
            self._status.stop()
