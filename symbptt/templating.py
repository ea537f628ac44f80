"""The Jinja environment: where the templates are, and how they are written.

Templates hold every word of prose and every skeleton of code.  Their marks are ``<< >>`` and
``<% %>``, which neither LaTeX nor code uses.  A template is ours, never a user's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def folder() -> Path:
    """The templates: in the package once installed, at the top of the repository before."""
    here = Path(__file__).resolve().parent
    return next(p for p in (here / "templates", here.parent / "templates") if p.is_dir())


@cache
def environment() -> Environment:
    """The environment all templates share."""
    return Environment(
        loader=FileSystemLoader(folder()),
        undefined=StrictUndefined,
        autoescape=False,  # the output is LaTeX, Markdown or code; each printer escapes its own
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )


def fill(template: str, values: Mapping[str, Any], **filters: Callable[..., str]) -> str:
    """A template with its values put in."""
    return _filled(environment().overlay(), template, values, filters)


def fill_markup(template: str, values: Mapping[str, Any], **filters: Callable[..., str]) -> str:
    """A template of HTML with its values put in, all that they hold escaped."""
    return _filled(environment().overlay(autoescape=True), template, values, filters)


def _filled(
    env: Environment,
    template: str,
    values: Mapping[str, Any],
    filters: Mapping[str, Callable[..., str]],
) -> str:
    env.filters = {**env.filters, **filters}
    return env.get_template(template).render(**values)


def words(template: str, macro: str, *values: Any, **named: Any) -> str:
    """What one of the macros of a template says."""
    said: str = getattr(environment().get_template(template).module, macro)(*values, **named)
    return said.strip()
