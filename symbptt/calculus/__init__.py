"""The only mathematics: expressions, rules, unrolling, the adjoint sweep, the derivation."""

from symbptt.calculus.derivation import Derivation, derive
from symbptt.calculus.lines import Line, Reason, Step, Why
from symbptt.calculus.translate import Engine, Graph, unroll
from symbptt.calculus.truncated import AnyDerivation, TruncatedDerivation, truncate

__all__ = [
    "AnyDerivation",
    "Derivation",
    "Engine",
    "Graph",
    "Line",
    "Reason",
    "Step",
    "TruncatedDerivation",
    "Why",
    "derive",
    "truncate",
    "unroll",
]
