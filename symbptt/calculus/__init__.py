"""The only mathematics: expressions, rules, unrolling, the adjoint sweep, the derivation."""

from symbptt.calculus.derivation import Derivation, derive
from symbptt.calculus.lines import Line, Reason, Step, Why
from symbptt.calculus.translate import Engine, Graph, unroll

__all__ = ["Derivation", "Engine", "Graph", "Line", "Reason", "Step", "Why", "derive", "unroll"]
