"""A schedule as text: what runs where, and what each part of it costs."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from sympy.matrices.expressions import MatMul

from symbptt.calculus import Derivation
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.compile import costs
from symbptt.compile.hoist import expressions
from symbptt.compile.plain import factor, plain, signed_sum
from symbptt.compile.plan import plan
from symbptt.compile.program import Part, Quantity, Statement
from symbptt.compile.schedule import Pace, Region
from symbptt.templating import fill

B = sp.Symbol("B", integer=True, positive=True)

#: What the gradient and the loss of each step and sample are added up to.
SUMMED = (Quantity.GRADIENT, Quantity.LOSS)

BYTES = 8  # of a float64


def explained(derivation: Derivation) -> str:
    """The schedule of a derivation, with operations and bytes in float64, as text."""
    found, schedule = plan(derivation)
    regions = [(r.pace.value, list(_rows(r))) for r in schedule.regions]
    every = [row for _, rows in regions for row in rows]
    widths = [max(len(row[i]) for row in every) for i in range(2)]
    total = sp.Add(*(_cost(s, r)[0] for r in schedule.regions for s in r.statements))
    return fill(
        "compiled/schedule.txt.j2",
        {
            "name": derivation.model.name,
            "packs": found.packs,
            "regions": regions,
            "widths": widths,
            "total": _polynomial(total),
            "products": _polynomial(_leading(total)),
        },
    )


def _rows(region: Region) -> Iterator[tuple[str, str, str]]:
    for s in region.statements:
        operations, moved = _cost(s, region)
        yield _polynomial(operations), _polynomial(BYTES * moved), _text(s)


def _text(s: Statement) -> str:
    right = signed_sum([_part(p) for p in s.parts]) or "0"
    match s.quantity:
        case Quantity.GRADIENT | Quantity.LOSS:
            left = "L" if s.quantity is Quantity.LOSS else f"∂L/∂{s.key}"
            return f"{left} = Σ_t {right}" if not s.steps.once else f"{left} = {right}"
        case Quantity.INPUT | Quantity.INITIAL:
            return f"∂L/∂{plain(s.symbol).removeprefix('δ^')} = {right}"
    if s.factor is not None:
        right = f"({right}) ⊙ {factor(s.factor)}"
    return f"{plain(s.symbol)} = {right}"


def _part(p: Part) -> str:
    text = plain(p.expression)
    return text if p.steps.is_every else f"{text} [{p.steps}]"


def _cost(s: Statement, region: Region) -> tuple[sp.Expr, sp.Expr]:
    """Operations, and numbers read and written, of a statement over all steps and samples."""
    times = sp.Integer(1) if region.pace is Pace.ONCE else nd.T * B
    rounds = nd.T if region.pace.is_loop else sp.Integer(1)  # how often parameters are read
    operations = sp.Add(*map(costs.operations, expressions(s)))
    summed = s.quantity in SUMMED and not s.steps.once
    outer = any(isinstance(al.coefficient(p.expression)[1], MatMul) for p in s.parts)
    # A sum of outer products is one product of matrices, whose sums are counted.
    adds = max(len(s.parts) - 1, 0) + (s.factor is not None) + (summed and not outer)
    reads = [costs.read(e) for e in expressions(s)]
    timed, still = (sp.Add(*column) for column in zip(*reads, strict=True)) if reads else (0, 0)
    written = nd.entries(s.symbol) * (1 if s.quantity in SUMMED else times)
    return times * (
        operations + adds * nd.entries(s.symbol)
    ), times * timed + rounds * still + written


def _leading(total: sp.Expr) -> sp.Expr:
    """The terms of highest degree: the products of matrices."""
    terms = sp.Add.make_args(sp.expand(total))
    degree = max(map(_degree, terms))
    return sp.Add(*(t for t in terms if _degree(t) == degree))


def _degree(term: sp.Expr) -> int:
    if not term.free_symbols:
        return 0
    return int(sp.Poly(term, *sorted(term.free_symbols, key=str)).total_degree())


def _polynomial(e: sp.Expr) -> str:
    """``2 B T n² + B T n``"""
    terms = sp.Add.make_args(sp.expand(e))
    ordered = sorted(
        terms, key=lambda term: (-_degree(term) if term.free_symbols else 0, str(term))
    )
    return " + ".join(_monomial(term) for term in ordered)


def _monomial(term: sp.Expr) -> str:
    number, rest = term.as_coeff_Mul()
    powers = sorted(rest.as_powers_dict().items(), key=lambda pair: str(pair[0]))
    letters = [f"{base}{'' if k == 1 else '²' if k == 2 else f'^{k}'}" for base, k in powers
               if base != 1]  # fmt: skip
    return " ".join([*([str(number)] if number != 1 or not letters else []), *letters])
