"""Derivations for people: LaTeX, Markdown, text, drawings."""

from symbptt.render.formats import FORMATS, format_for, render_derivation
from symbptt.render.notation import LAYOUTS, NOTATIONS, notation_for

__all__ = ["FORMATS", "LAYOUTS", "NOTATIONS", "format_for", "notation_for", "render_derivation"]
