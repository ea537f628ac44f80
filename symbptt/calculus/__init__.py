"""The only mathematics: expressions, rules, unrolling, the adjoint sweep, the derivation."""

from symbptt.calculus.derivation import Derivation, derive
from symbptt.calculus.forward_derivation import ForwardDerivation
from symbptt.calculus.lines import Line, Reason, Step, Why
from symbptt.calculus.modes import Derived, derive_in
from symbptt.calculus.sensitivities import forward
from symbptt.calculus.translate import Engine, Graph, unroll
from symbptt.calculus.truncated import AnyDerivation, TruncatedDerivation, truncate

__all__ = [
    "AnyDerivation",
    "Derivation",
    "Derived",
    "Engine",
    "ForwardDerivation",
    "Graph",
    "Line",
    "Reason",
    "Step",
    "TruncatedDerivation",
    "Why",
    "derive",
    "derive_in",
    "forward",
    "truncate",
    "unroll",
]
