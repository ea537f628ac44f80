"""A forward derivation as a document: what it adds to the document of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any

import sympy as sp
from sympy.matrices.expressions import MatrixExpr

from symbptt.calculus import ForwardDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.cost import Cost, forward_cost, leading, reverse_cost
from symbptt.calculus.forward_lines import put_in
from symbptt.calculus.lines import Step, Why
from symbptt.calculus.transition import transition
from symbptt.errors import DerivationError, RequestError
from symbptt.render.dialect import Dialect
from symbptt.render.document import Author, Document
from symbptt.render.notation import Notation
from symbptt.render.printer import Printer
from symbptt.render.views import Formula, LineView


@dataclass(frozen=True)
class Jacobians:
    """``∂h_j/∂h_{j-1}`` for all states; ``product`` is ``∂h_t/∂h_k`` where there is one state."""

    states: tuple[str, ...]
    blocks: tuple[Formula, ...]
    product: Formula | None


@dataclass(frozen=True)
class CostView:
    """Memory and time of one mode; of the time the terms that outgrow all others."""

    memory: str
    time: str


@dataclass(frozen=True)
class ForwardDocument:
    """What the templates need besides the :class:`Document` of the model.

    ``order`` has the numbers of the lines that each pass over time computes by, and ``passes`` the
    quantities that each carries; ``permutation`` and ``columns`` are the letters of the constant
    matrices that occur.  ``kept`` are the quantities that a later pass reads at each step.
    """

    document: Document
    theta: str
    kinds: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    carried: tuple[LineView, ...]
    start: tuple[Formula, ...]
    immediate: tuple[LineView, ...]
    put_in: tuple[Formula, ...]
    within: tuple[LineView, ...]
    gradients: tuple[tuple[LineView, ...], ...]
    order: tuple[tuple[int, ...], ...]
    passes: tuple[tuple[bool, tuple[str, ...]], ...]
    kept: tuple[str, ...]
    real_time: bool
    causal: bool
    jacobians: Jacobians | None
    permutation: str
    columns: str
    reverse: CostView
    forward: CostView

    def as_dict(self) -> dict[str, Any]:
        """The document as plain data, for JSON."""
        lines = (*self.carried, *self.immediate, *self.within, *chain(*self.gradients))
        return {
            **self.document.as_dict(),
            "mode": "forward",
            "steps": [
                {**line.formula.as_dict(), "number": line.formula.number, "reason": line.kind}
                for line in lines
            ],
        }


def forward_document(
    d: ForwardDerivation, notation: Notation, dialect: Dialect, *, evidence: Any = None
) -> ForwardDocument:
    """The document of a forward derivation in a notation and a dialect.

    Raises :class:`RequestError` for Jacobians in denominator layout.
    """
    if notation.layout != "numerator":
        raise RequestError(
            "forward mode is written in numerator layout; leave out layout (--layout)"
        )
    return ForwardAuthor(d, notation, dialect).forward_document(evidence)


class ForwardAuthor(Author):
    """Sets one forward derivation."""

    def __init__(self, d: ForwardDerivation, notation: Notation, dialect: Dialect) -> None:
        super().__init__(d.within_step, replace(notation, eliminate=None), dialect)
        self.forward = d

    def forward_document(self, evidence: Any) -> ForwardDocument:
        d, p = self.forward, self.printer
        views = tuple(self._views())
        carried = {Why.CARRIED, Why.SUBSTITUTED}

        def of(*kinds: Why, by: bool | None = None) -> tuple[LineView, ...]:
            return tuple(
                v for v, step in zip(views, d.steps, strict=True)
                if step.reason.kind in kinds and (by is None or by is _carries(step))
            )  # fmt: skip

        return ForwardDocument(
            document=self.document(evidence, None),
            theta=p(d.theta),
            kinds=tuple(self._kinds()),
            carried=of(*carried, by=True),
            start=tuple(self._sensed()),
            immediate=of(Why.IMMEDIATE),
            put_in=tuple(Formula(p(left), ((p(e), ""),)) for left, e in put_in(d)),
            within=of(Why.USES, Why.SUBSTITUTED, Why.DISTRIBUTION, by=False),
            gradients=_grouped(of(Why.CONTRACTED, Why.WITHIN, Why.UNUSED)),
            order=tuple(self._order()),
            jacobians=self._jacobians(),
            permutation=self._letter(jn.Commutation),
            columns=self._letter(jn.Placing),
            passes=tuple(self._carrying()),
            kept=tuple(self._kept()),
            real_time=d.real_time,
            causal=d.model.is_causal,
            reverse=self._cost(reverse_cost(d)),
            forward=self._cost(forward_cost(d)),
        )

    def _letter(self, kind: type) -> str:
        """The letter of a constant matrix, if a line has it."""
        return self.printer.letter(kind) if any(al.find(e, kind) for e in self._right()) else ""

    def _right(self) -> Iterator[MatrixExpr]:
        """Every right side."""
        yield from (line.expression for step in self.forward.steps for line in step.lines)

    def _opaque(self) -> Iterator[str]:
        maps = (node for e in self._right() for node in al.find(e, nd.Map))
        yield from dict.fromkeys(node.function for node in maps if node.order)

    def _order(self) -> Iterator[tuple[int, ...]]:
        """The numbers of the lines that the algorithm computes by, in its order, by pass."""
        latest: dict[str, int] = {}
        for number, step in enumerate(self.forward.steps, 1):
            if step.of is None and step.reason.kind not in (Why.IMMEDIATE, Why.DISTRIBUTION):
                latest[step.left.of.name if _carries(step) else step.left.name] = number
        computed = [
            n for n, line in self.forward.condensed.items() if line.sensitivities or line.immediates
        ]
        for stage in self.model.stages:
            names = (n for n in (*computed, *self.forward.outputs.recursions) if n in stage.names)
            yield tuple(latest[name] for name in names)

    def _carrying(self) -> Iterator[tuple[bool, tuple[str, ...]]]:
        """Whether each pass runs from T to 1, and what it carries; nothing for one without."""
        for stage in self.model.stages:
            names = (n for n in stage.names if n in self.forward.carried)
            if carried := tuple(self.printer.symbol(n, "t") for n in names):
                yield stage.reverse, carried

    def _kept(self) -> Iterator[str]:
        """What is kept for every step."""
        kept = self.forward.kept_values | self.forward.kept_sensitivities
        return (self.printer.symbol(n, "t") for n in self.model.order if n in kept)

    def _views(self) -> Iterator[LineView]:
        latest: dict[str, int] = {}
        sensed: dict[str, int] = {}
        for number, step in enumerate(self.forward.steps, 1):
            if isinstance(step.left, nd.Adjoint) and step.of is None:
                yield self._line(step, number, latest)
                latest[step.left.name] = number
            else:
                yield self._forward_line(step, number, sensed)

    def _forward_line(self, step: Step, number: int, latest: dict[str, int]) -> LineView:
        d, p, reason = self.forward, self.printer, step.reason
        (line,) = step.lines
        about = tuple(p(d.places[n]) if n in d.places else n for n in reason.about)
        formula = Formula(self._left(step), ((p(line.expression), ""),), number)
        rules = tuple(rule.__name__ for rule in reason.rules)
        if step.of is not None:
            whole = bool(al.find(line.expression, nd.TimeSum))
            uses = tuple(map(self._use, reason.uses))
            return LineView(formula, str(reason.kind), p(step.of), uses, about=about, summed=whole)
        name = step.left.of.name
        sources: tuple[int, ...] = ()
        if reason.kind is Why.SUBSTITUTED:
            sources = tuple(latest[n] for n in (*reason.about, name))
        latest[name] = number
        names = d.carried[name].sensitivities if reason.kind is Why.CARRIED else ()
        return LineView(
            formula,
            str(reason.kind),
            p.symbol(name, "t"),
            rules=rules,
            about=tuple(dict.fromkeys(p(s.of) for s in names)),
            from_lines=sources,
            symbols=tuple(p(d.places[k]) for v, k in d.immediate if v == name),
        )

    def _left(self, step: Step) -> str:
        p = self.printer
        if step.of is None:
            return p(step.left)
        left = p.gradient(step.of)
        return (
            left
            if step.right.shape == step.of.shape or step.of == self.forward.theta
            else p.vec(left)
        )

    def _kinds(self) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Quantities, and the θ that they depend on: those that share them together."""
        d, p = self.forward, self.printer
        alike: dict[tuple[str, ...], list[str]] = {}
        for name in (n for n in d.condensed if d.model.variables[n].computed):
            alike.setdefault(d.depends[name], []).append(name)
        for keys, names in alike.items():
            yield (
                tuple(p.symbol(name, "t") for name in names),
                tuple(p(d.places[key]) for key in keys),
            )

    def _sensed(self) -> Iterator[Formula]:
        """The sensitivities of initial values that aren't zero."""
        d, p = self.forward, self.printer
        for name in d.carried:
            for s in d.model.variables[name].initial_steps:
                value, start = d.reverse.engine.symbol(name, s), d.start(name, s)
                if isinstance(start, nd.At):
                    left, right = (jn.Sensitivity(v, d.theta) for v in (value, start))
                    yield Formula(p(left), ((p(right), ""),))
                elif start is not None:
                    left = jn.Sensitivity(value, d.places[start])
                    yield Formula(p(left), ((p(al.identity(left.shape[0])), ""),))

    def _jacobians(self) -> Jacobians | None:
        d, p = self.forward, self.printer
        variables = d.model.variables
        taken = frozenset(variables) | {str(dim) for v in variables.values() for dim in v.shape}
        try:
            found = transition(d)
        except DerivationError:
            return None

        def slope(u: str, v: str) -> str:
            later, earlier = (d.reverse.engine.symbol(*at) for at in ((u, nd.t), (v, nd.t - 1)))
            return p(jn.Sensitivity(later, earlier))

        blocks = tuple(Formula(slope(u, v), ((p(e), ""),)) for (u, v), e in found.blocks.items())
        product = None
        if len(found.states) == 1:
            whole = found.product(taken)
            k = whole.steps.stop
            symbol = d.reverse.engine.symbol(found.states[0])
            left = jn.Sensitivity(symbol, al.at(symbol, k))
            product = Formula(p(left), ((p(whole), ""),))
        return Jacobians(tuple(p.symbol(s, "t") for s in found.states), blocks, product)

    def _cost(self, cost: Cost) -> CostView:
        return CostView(
            polynomial(cost.memory, self.printer), polynomial(leading(cost.time), self.printer)
        )


def _grouped(lines: tuple[LineView, ...]) -> tuple[tuple[LineView, ...], ...]:
    """The gradients, those with one reason together; the first of a group names them all."""

    def reason(view: LineView) -> tuple[Any, ...]:
        about = view.about if view.kind == "contracted" else ()
        return view.kind, about, *map({u.penalty for u in view.uses}.__contains__, (False, True))

    groups = [tuple(g) for _, g in groupby(lines, reason)]
    return tuple(
        (replace(first, about=tuple(chain(first.about, *(v.about for v in rest)))), *rest)
        for first, *rest in groups
    )


def _carries(step: Step) -> bool:
    """Whether a line states a sensitivity."""
    return isinstance(step.left, jn.Sensitivity)


def polynomial(e: sp.Expr, p: Printer) -> str:
    """A polynomial in sizes and T, the terms of the highest degree first, T in front of all."""
    terms = sp.Add.make_args(sp.expand(e))
    timed = all(term.has(nd.T) for term in terms)
    if not timed and e.has(nd.T):
        longer = sp.Add(*(term for term in terms if term.has(nd.T)))
        return f"{polynomial(longer, p)} + {polynomial(sp.expand(e - longer), p)}"
    shown = [_monomial(term / nd.T if timed else term, p) for term in sorted(terms, key=_rank)]
    text = " + ".join(shown)
    if not timed:
        return text
    if len(shown) > 1:
        return f"T{p.dialect.space}{p.dialect.bracket(text)}"
    return "T" if text == "1" else f"T{p.dialect.space}{text}"


def _rank(term: sp.Expr) -> tuple[int, list[tuple[int, str]]]:
    powers = sorted((-int(n), str(s)) for s, n in term.as_powers_dict().items() if s.is_Symbol)
    return sum(n for n, _ in powers), powers


def _monomial(term: sp.Expr, p: Printer) -> str:
    number, rest = term.as_coeff_Mul()
    powers = sorted((-int(n), str(s)) for s, n in rest.as_powers_dict().items() if s.is_Symbol)
    factors = [name if n == -1 else p.dialect.power(name, str(-n)) for n, name in powers]
    if number != 1 or not factors:
        factors.insert(0, str(number))
    return p.dialect.space.join(factors)
