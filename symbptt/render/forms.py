"""The same derivation in its other forms: the double sum over Jacobians, and written out."""

from __future__ import annotations

from symbptt.calculus import AnyDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus.condense import Condensed
from symbptt.calculus.derivation import Derivation
from symbptt.calculus.forms import double_sum
from symbptt.calculus.translate import unroll
from symbptt.errors import DerivationError
from symbptt.model.model import initial_key
from symbptt.render.printer import Printer
from symbptt.render.views import DoubleSumView, Formula, WrittenOut


def double_sum_view(d: Derivation, parts: Condensed, p: Printer) -> DoubleSumView | None:
    """``Σ_t Σ_k … ∂h_t/∂h_k …``, for the models that have this form."""
    variables = d.model.variables
    taken = frozenset((*variables, *d.model.dimensions))
    try:
        form = double_sum(parts, taken)
    except DerivationError:
        return None
    above, below = p.symbol(form.carrier, str(form.j)), p.symbol(form.carrier, f"{form.j}-1")
    jacobian = form.jacobian
    if p.notation.layout == "denominator":
        jacobian = al.transpose(jacobian)
    slope = p.dialect.fraction(above, below, p.notation)
    direct = p.dialect.scripts(p.dialect.base("a"), ["t"], [])
    return DoubleSumView(
        Formula(slope, ((p(jacobian), ""),)),
        Formula(direct, ((p(form.direct), ""),)),
        tuple(
            Formula(p.gradient(d.engine.symbol(name)), ((p(e), ""),))
            for name, e in form.gradients.items()
        ),
    )


def written_view(d: AnyDerivation, parts: Condensed, p: Printer, T: int) -> WrittenOut:
    """The forward and the backward pass for T steps, nothing left symbolic."""
    graph = unroll(d.model, T)
    gradients = {n: g.expression for n, g in parts.gradients.items()}
    symbols = {n: d.engine.symbol(n) for n in gradients}
    for (name, s), expression in parts.initial.items():
        gradients[initial_key(name, s)] = expression
        symbols[initial_key(name, s)] = d.engine.symbol(name, s)
    return WrittenOut(
        T,
        tuple(Formula(p(node), ((p(rhs), ""),)) for node, rhs in graph.nodes.items()),
        Formula(p.loss(), ((" + ".join(map(p, graph.loss)), ""),)),
        tuple(Formula(p(a), ((p(e), ""),)) for a, e in d.written(parts, T).items()),
        tuple(
            Formula(p.gradient(symbols[n]), ((p(e), ""),))
            for n, e in d.written_out(gradients, parts, T).items()
        ),
    )
