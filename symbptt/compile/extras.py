"""Libraries that a backend needs and a core install does not have."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from symbptt.errors import RequestError


def needed(backend: str, said: str, *modules: str) -> Any:
    """The first of the modules, once all are imported; in one line what to install where one is
    not there."""
    try:
        first, *_ = map(import_module, modules)
    except ImportError:
        raise RequestError(
            f"the backend {backend} needs {said}; pip install 'symbptt[{backend}]'"
        ) from None
    return first
