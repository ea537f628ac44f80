"""What a statement computes, as one line of mathematics: the comments of generated code."""

from __future__ import annotations

from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile.plain import factor, plain, signed_sum
from symbptt.compile.program import Program, Quantity, Statement


def comment(s: Statement, program: Program) -> str:
    """What a statement of a program computes."""
    L = program.model.loss_name
    right = signed_sum([plain(p.expression) for p in s.parts]) or "0"
    match s.quantity:
        case Quantity.LOSS if s.steps.once:
            return f"{L} = … + {right}, once for all steps and samples"
        case Quantity.VALUE | Quantity.LOSS:
            return s.source
        case Quantity.ADJOINT | Quantity.SHARED:
            if s.factor is not None:
                right = f"({right}) ⊙ {factor(s.factor)}"
            return f"{plain(s.symbol)} = {right}"
        case Quantity.GRADIENT:
            like = (g for g in program.statements if (g.key, g.quantity) == (s.key, s.quantity))
            more = "" if s is next(like) else "… + "
            return f"∂{L}/∂{s.key} = {more}{time_sum(s)}"
    return f"∂{L}/∂{plain(s.symbol).removeprefix('δ^')} = {right}"


def time_sum(s: Statement) -> str:
    """``Σ_t …``, or the one summand."""
    if s.steps.members is not None and len(s.steps.members) == 1:
        (step,) = s.steps.members
        return signed_sum([plain(al.at(p.expression, nd.step(step))) for p in s.parts])
    return signed_sum([f"Σ_t {factor(p.expression)}" for p in s.parts])
