"""A small file beside a document: the model it is about, and the model's names of its symbols.

``notes.symbptt.toml`` beside ``notes.md`` is read without being asked for::

    model = "elman"

    [names]
    "s" = "h"
    "U" = "W_xh"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbptt.errors import RequestError, did_you_mean
from symbptt.model import Model, builtin_names

#: The keys of the file, and what each holds.
KEYS: dict[str, tuple[type, str]] = {
    "model": (str, "the name or the path of a model, as text"),
    "names": (dict, "a table, [names]"),
}


@dataclass(frozen=True)
class Sidecar:
    """What is said about a document outside it; ``names`` are the document's to the model's."""

    model: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def read_sidecar(path: Path) -> Sidecar:
    """Read and validate a file; a model's path in it counts from the file's own folder."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise RequestError(f"'{path}' is not a text file in UTF-8") from None
    except OSError as error:
        raise RequestError(f"can't read '{path}': {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path}: not a TOML file: {error}") from None
    except (RecursionError, ValueError):
        raise RequestError(f"{path}: not a TOML file that can be read") from None
    for key, value in data.items():
        if key not in KEYS:
            raise RequestError(f"{path}: no key '{key}'{did_you_mean(key, KEYS)}")
        kind, what = KEYS[key]
        if not isinstance(value, kind):
            raise RequestError(f"{path}: '{key}' must be {what}")
    names = checked_names(data.get("names", {}), str(path))
    return Sidecar(_model(data.get("model"), path), names)


def checked_names(names: Mapping[Any, Any], where: str) -> dict[str, str]:
    """Names that are text, neither side empty."""
    for symbol, name in names.items():
        if not isinstance(symbol, str) or not isinstance(name, str):
            raise RequestError(f'{where}: [names] {symbol!r}: write "{symbol}" = "h", as text')
        if not symbol.strip() or not name.strip():
            raise RequestError(f"{where}: [names] '{symbol}' = '{name}' has an empty side")
    return {symbol.strip(): name.strip() for symbol, name in names.items()}


def of_model(names: Mapping[str, str], model: Model) -> None:
    """Refuse the names in a file that the model in it doesn't have."""
    known = [*model.variables, model.loss_name]
    for symbol, name in names.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise RequestError(f"[names] '{symbol}' = '{name}': the model has no '{name}'{hint}")


def beside(document: Path) -> Sidecar:
    """The sidecar of a document: ``notes.symbptt.toml`` for ``notes.md``, if there is one."""
    path = document.with_name(f"{document.stem}.symbptt.toml")
    return read_sidecar(path) if path.is_file() else Sidecar()


def _model(name: str | None, path: Path) -> str | None:
    if name is None or name in builtin_names() or "=" in name:
        return name
    near = path.parent / name
    return str(near) if near.exists() else name
