"""Generated source as a module: the only place in symbptt that runs text."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import ModuleType


def load_module(source: str, name: str, path: Path | None = None) -> ModuleType:
    """The module that our own templates wrote, and kept in a file if there is a path.

    This runs no text of a user: every name of a model has passed
    :func:`symbptt.compile.identifiers.identifier`, every piece of its text stands in a comment
    or a raw docstring, cleaned by :mod:`symbptt.compile.quoting`, and all else is ours.

    One that is kept is known to Python by the folder it is in: what Numba compiled in another
    process it finds by that name.
    """
    file = str(path or f"<symbptt {name}>")
    # So that a traceback, and inspect.getsource, show the generated lines.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType(f"symbptt_compiled_{name}")
    if path is not None:
        module.__name__ = f"symbptt_compiled_{path.parent.name.replace('-', '_')}"
        sys.modules[module.__name__] = module
    exec(compile(source, file, "exec"), module.__dict__)
    return module
