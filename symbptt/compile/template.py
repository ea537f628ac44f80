"""The skeletons of generated code: Jinja templates from ``templates/compiled``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2


@cache
def environment() -> jinja2.Environment:
    """The templates; in an installed package they lie inside it, in a checkout beside it."""
    package = Path(str(files("symbptt")))
    places = [package / "templates", package.parent / "templates"]
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([place / "compiled" for place in places]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Python, not HTML; what may reach it is decided in numpy_module
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill(template: str, **values: Any) -> str:
    """A template with its gaps filled."""
    return environment().get_template(template).render(**values)
