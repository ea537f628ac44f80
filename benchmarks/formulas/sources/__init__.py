"""One source per notation and model."""

from importlib import import_module
from pathlib import Path

SOURCES = tuple(
    import_module(f"sources.{path.stem}").SOURCE
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
)
