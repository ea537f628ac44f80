"""Files written whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from symbptt.errors import RequestError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; a link is followed, a device is written to.

    Raises ``RequestError``, in one line, where it can't be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path = path.resolve()
        if path.is_dir():
            raise RequestError(f"'{path}' is a folder; name a file in it")
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        beside = path.with_name(f".{os.getpid()}.part")
        try:
            beside.write_bytes(data)
            if path.exists():
                shutil.copymode(path, beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RequestError(f"can't write '{str(path)[-200:]}': {reason}") from None
