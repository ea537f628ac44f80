"""Edits of a formula that may mend it: one edit each, in the author's own notation."""

from symbptt.check.edits.repairs import Edit, repairs

__all__ = ["Edit", "repairs"]
