r"""One grammar for mathematics, LaTeX and plain text, to a syntax tree with source positions.

>>> from symbptt.formula import parse
>>> parse(r"\delta_t = W_{hh}^\top \delta_{t+1}") == parse("δ_t = W_hh^T δ_{t+1}")
True
"""

from symbptt.formula.calls import resolve_calls
from symbptt.formula.names import spelling
from symbptt.formula.parser import parse, parse_equations

__all__ = ["parse", "parse_equations", "resolve_calls", "spelling"]
