"""The only mathematics: expressions, rules, unrolling, the adjoint sweep, the derivation."""

from symbptt.calculus.derivation import Derivation, Line, Reason, Step, Why, derive
from symbptt.calculus.translate import Engine, Graph, unroll

__all__ = ["Derivation", "Engine", "Graph", "Line", "Reason", "Step", "Why", "derive", "unroll"]
