"""A derivation as a document: every formula set, every reason as data for the words around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from symbptt.calculus import AnyDerivation, Derivation, TruncatedDerivation
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.lines import Line, Reason, Step, Why, step_of
from symbptt.calculus.recursion import Contribution, Recursion
from symbptt.calculus.spans import Way, looped
from symbptt.model import terms as tm
from symbptt.model.model import Model, Role, Stage
from symbptt.model.steps import Steps
from symbptt.model.terms import Index
from symbptt.render.dialect import Dialect
from symbptt.render.drawing import shown_steps
from symbptt.render.forms import double_sum_view, written_view
from symbptt.render.loss import named_losses, primed_activations, written_loss
from symbptt.render.notation import Notation
from symbptt.render.printer import Printer
from symbptt.render.views import (
    DoubleSumView,
    Formula,
    LineView,
    PassView,
    SymbolView,
    TruncationView,
    UseView,
    WrittenOut,
)
from symbptt.render.windows import steps_of_loop, truncation_view

#: The letters in which the rules are stated, and those that stand in where a model has them.
RULE_LETTERS = (
    ("abc", "uvw", "pqr", "xyz", "ijk"),
    ("AC", "MN", "PQ", "GH"),
    ("f", "g", "F", "G"),
    ("s", "q", "r", "k"),
    ("p", "q", "r", "k"),
)

#: What stands for any quantity that has an adjoint.
QUANTITY_LETTERS = "vuwqgkm"


@dataclass(frozen=True)
class Document:
    """All that a template needs; templates add the words."""

    model: Model
    notation: Notation
    title: str
    equations: tuple[Formula, ...]
    loss: Formula
    losses: tuple[str, ...]
    primed: tuple[str, ...]
    abstract: tuple[str, ...]
    symbols: tuple[SymbolView, ...]
    backward: tuple[LineView, ...]
    starts: tuple[Formula, ...]
    passes: tuple[PassView, ...]
    gradients: tuple[LineView, ...]
    written: tuple[WrittenOut, ...]
    opaque: tuple[str, ...]
    T: int | None = None
    truncation: TruncationView | None = None
    evidence: Any = None
    figure: str | None = None
    stacks: bool = False
    author: Author | None = None

    @property
    def dialect(self) -> str:
        """How formulas are set: ``latex`` or ``text``."""
        return self.author.printer.dialect.name if self.author else "text"

    @cached_property
    def letters(self) -> dict[str, str]:
        """For each letter of a rule's statement, one that means nothing else in the model."""
        taken = set(self._taken)
        found: dict[str, str] = {"T": "T"}
        if self.dialect == "latex":
            found["T"] = self.notation.transpose
        for group in RULE_LETTERS:
            chosen = next((letters for letters in group if not taken & {*letters}), group[0])
            found |= dict(zip(group[0], chosen, strict=True))
            taken |= {*chosen}
        return found

    @cached_property
    def _taken(self) -> frozenset[str]:
        """The letters that mean something in the model."""
        variables = self.model.variables.values()
        windows = self.truncation.letters if self.truncation else ()
        return frozenset({v.spelled.base for v in variables} | {*self.model.dimensions, *windows})

    @cached_property
    def named_adjoints(self) -> tuple[tuple[str, str, str], ...]:
        """Each adjoint, what it is the derivative by, and the letter in it that stands for any
        quantity, if one says it of several."""
        letter = next((x for x in QUANTITY_LETTERS if x not in self._taken), "")
        return self.author.named_adjoints(letter) if self.author else ()

    @property
    def gradient_groups(self) -> tuple[tuple[LineView, ...], ...]:
        """The gradients, those with one reason together; the first of a group names them all."""
        groups: list[list[LineView]] = []
        for line in self.gradients:
            if groups and line.kind == "shared" and _alike(groups[-1][0], line):
                groups[-1].append(line)
            else:
                groups.append([line])
        return tuple(
            (replace(first, symbols=tuple(line.symbol for line in (first, *rest))), *rest)
            for first, *rest in groups
        )

    def as_dict(self) -> dict[str, Any]:
        """The document as plain data, for JSON."""
        return {
            "schema": "symbptt-derivation/1",
            "model": self.model.name,
            "title": self.title,
            "T": self.T,
            **({"truncate": [cut.k1, cut.k2]} if (cut := self.truncation) is not None else {}),
            "notation": self.notation.name,
            "equations": [e.as_dict() for e in self.equations],
            "loss": self.loss.as_dict(),
            "symbols": [
                {"name": s.name, "latex": s.symbol, "role": s.role, "shape": s.shape}
                for s in self.symbols
            ],
            "steps": [
                {**line.formula.as_dict(), "number": line.formula.number, "reason": line.kind}
                for line in (*self.backward, *self.gradients)
            ],
        }

    @cached_property
    def double(self) -> DoubleSumView | None:
        """The double-sum form, for the models that have one."""
        return self.author.double() if self.author else None

    @cached_property
    def unrolled(self) -> WrittenOut:
        """The network for a few steps, fewer the more equations there are."""
        assert self.author is not None
        return self.author.written_out(shown_steps(self.model, self.T))


def _alike(a: LineView, b: LineView) -> bool:
    """Whether two gradients have one reason: used by the same equations, summed alike."""
    users = [[u.user for u in line.uses] for line in (a, b)]
    return a.kind == b.kind and a.summed == b.summed and users[0] == users[1]


def document(
    d: AnyDerivation,
    notation: Notation,
    dialect: Dialect,
    *,
    evidence: Any = None,
    figure: str | None = None,
) -> Document:
    """The document of a derivation in a notation and a dialect."""
    return Author(d, notation, dialect).document(evidence, figure)


class Author:
    """Sets one derivation."""

    def __init__(self, d: AnyDerivation, notation: Notation, dialect: Dialect) -> None:
        self.d, self.notation = d, notation
        self.model = d.model
        windows = None if isinstance(d, Derivation) else d.windows
        self.printer = Printer(d.model, notation, dialect, windows)
        self.parts = d.condensed if notation.eliminate is None else d.without(*notation.eliminate)

    def document(self, evidence: Any, figure: str | None) -> Document:
        model, d = self.model, self.d
        backward, gradients = self._lines()
        own = (d.T,) if d.T is not None else self.notation.written_out
        return Document(
            model=model,
            notation=self.notation,
            title=model.title or model.name,
            equations=tuple(
                Formula(
                    self.printer.symbol(e.name, "t"),
                    ((self.printer(d.engine.right_sides[e.name]), ""),),
                    i,
                )
                for i, e in enumerate(model.equations, 1)
            ),
            loss=Formula(self.printer.loss(), ((written_loss(model, self.printer), ""),)),
            losses=tuple(dict.fromkeys(named_losses(model))),
            primed=tuple(dict.fromkeys(primed_activations(model))),
            abstract=tuple(model.abstract),
            symbols=tuple(self._symbols()),
            backward=backward,
            starts=tuple(map(self._start, model.initial)),
            passes=tuple(map(self._pass, model.stages)),
            gradients=gradients,
            written=tuple(map(self.written_out, own)),
            opaque=tuple(self._opaque()),
            T=d.T,
            truncation=None if isinstance(d, Derivation) else truncation_view(d, self.printer),
            evidence=evidence,
            figure=figure,
            stacks=any(isinstance(x, tm.Stack | tm.Part) for x in self._terms()),
            author=self,
        )

    # -- the model --------------------------------------------------------------------------

    def _terms(self) -> Iterator[tm.Term]:
        """Every term of the equations and the loss."""
        for top in (*(e.rhs for e in self.model.equations), *(p.term for p in self.model.loss)):
            yield from top.walk()

    def _symbols(self) -> Iterator[SymbolView]:
        for role in Role:
            for v in self.model.with_role(role):
                when = None if v.timeless else "t"
                yield SymbolView(
                    self.printer.symbol(v.name, when), role, self._shape(v.shape), v.name
                )

    def named_adjoints(self, letter: str) -> tuple[tuple[str, str, str], ...]:
        """``δ^z_t``, ``z_t`` for each adjoint; those that are named after their quantity together,
        with a letter for it, if there is one and no other adjoint could be taken for one of them.
        """
        named = {
            n: (self.printer(r.symbol), self.printer.symbol(n, "t"), "")
            for n, r in self.parts.recursions.items()
        }
        own = self.notation
        if not letter or own.adjoint != "delta" or any(own.deltas.get(n) for n in named):
            return tuple(named.values())
        alike = [n for n in named if n not in own.deltas and n not in own.spelled_out]
        if len(alike) < 2:
            return tuple(named.values())
        windows = None if isinstance(self.d, Derivation) else self.d.windows
        whole = nd.Adjoint(letter, nd.t, 1, 1)
        any_of_them = self.printer(windows.within(whole) if windows else whole)
        rest = (named[n] for n in named if n not in alike)
        return ((any_of_them, self.printer.symbol(letter, "t"), letter), *rest)

    def _shape(self, shape: tm.Shape) -> str:
        return tm.shape_text(shape, r" \times " if self.printer.dialect.name == "latex" else "×")

    def _opaque(self) -> Iterator[str]:
        """The activations whose derivative is written ``f'``."""
        found: dict[str, None] = {}
        for r in self.parts.recursions.values():
            for c in r.contributions:
                for node in al.find(c.expression, nd.Map):
                    if node.order:
                        found[node.function] = None
        yield from found

    # -- the backward pass ------------------------------------------------------------------

    def _lines(self) -> tuple[tuple[LineView, ...], tuple[LineView, ...]]:
        backward: list[LineView] = []
        gradients: list[LineView] = []
        latest: dict[str, int] = {}
        # For a given T, what is written out has its own part.
        for number, step in enumerate(self.d.general.steps_of(self.parts), 1):
            view = self._line(step, number, latest)
            if step.of is None:
                latest[step.left.name] = number
                backward.append(view)
            else:
                gradients.append(view)
        return tuple(backward), tuple(gradients)

    def _line(self, step: Step, number: int, latest: dict[str, int]) -> LineView:
        reason = step.reason
        left = self.printer.gradient(step.of) if step.of is not None else self.printer(step.left)
        rights = tuple(map(self._case, step.lines))
        about = reason.about
        sources: tuple[int, ...] = ()
        if reason.kind is Why.SUBSTITUTED:
            sources = tuple(latest[n] for n in (*about, step.left.name) if n in latest)
        if reason.kind is Why.DISTRIBUTION:
            sources = (latest[step.left.name],)
        name = step.left.name
        symbol = self.printer(step.of) if step.of is not None else self.printer.symbol(name, "t")
        return LineView(
            Formula(left, rights, number),
            str(reason.kind),
            symbol,
            tuple(self._use(c) for c in reason.uses),
            tuple(rule.__name__ for rule in reason.rules),
            tuple(self.printer.symbol(n, "t") for n in about),
            sources,
            any(c.steps.members is None or len(c.steps.members) > 1 for c in reason.uses),
            max((r.cases_from for r in self._stated(step)), default=1),
            ends_at=self._ends_at(step),
            reaches=max(
                (
                    int(a.index)
                    for x in step.lines
                    for a in al.find(x.expression, nd.Adjoint)
                    if a.index.is_Integer
                ),
                default=1,
            ),
            beyond=reason.kind is Why.INITIAL and step.of is not None and step.of.index.has(nd.T),
            zero_terms=any(x.zero_terms for x in step.lines),
        )

    def _ends_at(self, step: Step) -> str:
        """The end of the sequence, T or 1, at which a use falls away and so makes cases."""
        if self.d.truncation is not None:
            return ""  # it is the end of a window
        uses = step.reason.uses
        ranged = [c for c in uses if c.steps.members is None]
        for end, gone in (
            ("T", [c for c in ranged if c.lag > 0 and c.steps.last.anchor]),
            ("1", [c for c in ranged if c.lag < 0 and not c.steps.first.anchor]),
        ):
            if len(step.lines) > 1 and gone and len(gone) < len(uses):
                return end
        return ""

    def _stated(self, step: Step) -> Iterator[Recursion]:
        """The recursion that a line states in cases."""
        if step.of is None and len(step.lines) > 1:
            yield self.d.sweep.recursions[step.left.name]

    def _use(self, c: Contribution) -> UseView:
        user = ""
        if c.user is not None:
            when = c.looks[0] if c.starts else nd.t + c.lag
            user = self.printer.symbol(c.user, self.printer.step(when))
        return UseView(
            user,
            c.lag,
            self.printer(c.expression),
            tuple(rule.__name__ for rule in c.rules),
            "" if c.steps.is_every else self.printer.condition(c.steps),
            self._loss_step(c.steps),
            "" if c.starts is None else self.printer.symbol(c.starts[0], str(c.starts[1])),
            c.steps.once,
        )

    def _loss_step(self, steps: Steps) -> str:
        """The step whose loss a use is in: t for all steps, T for the last; empty for a set."""
        if steps.is_every:
            return "t"
        return str(steps.members[0]) if steps.members and len(steps.members) == 1 else ""

    def _start(self, key: tuple[str, Index]) -> Formula:
        """An initial value that the model fixes: ``h_0 = 0``, ``h_0 = e_T``."""
        start = self.model.initial[key]
        value = "0"
        if start is not None:
            value = self.printer.symbol(start.name, str(start.step) if start.step else None)
        return Formula(self.printer.symbol(key[0], str(key[1])), ((value, ""),))

    def _pass(self, stage: Stage) -> PassView:
        """What the algorithm says of a pass over time."""
        started = (
            (name, s)
            for (name, s), start in self.model.initial.items()
            if name in stage.names and start is not None and start.step is not None
        )
        return PassView(
            stage.reverse,
            tuple(map(self._start, started)),
            tuple(
                self.printer.symbol(e.name, "t")
                for e in self.model.equations
                if e.name in stage.names
            ),
            tuple(self._recursion(r) for n, r in self.parts.recursions.items() if n in stage.names),
            () if isinstance(self.d, Derivation) else tuple(self._windowed(self.d, stage)),
        )

    def _windowed(
        self, d: TruncatedDerivation, stage: Stage
    ) -> Iterator[tuple[str, tuple[Formula, ...], bool]]:
        """The recursions of a pass by the steps of a window, and whether only b = 1 has these."""
        found = looped(stage.names, d.spans_of(self.parts))
        for span in sorted(set(found.values()), key=lambda s: (list(Way).index(s.way), s.starts)):
            recursions = (r for n, r in self.parts.recursions.items() if found.get(n) == span)
            formulas = tuple(map(self._recursion, recursions))
            yield steps_of_loop(d, span, self.printer), formulas, bool(span.starts)

    def _recursion(self, r: Recursion) -> Formula:
        """A recursion as the algorithm states it: with all that was put in, in cases."""
        step = step_of(r, Reason(Why.USES))
        return Formula(self.printer(step.left), tuple(map(self._case, step.lines)))

    def _case(self, line: Line) -> tuple[str, str]:
        """A formula with the condition under which it holds."""
        dialect = self.printer.dialect
        if line.otherwise:
            return self.printer(line.expression), dialect.otherwise
        when = dialect.when + self.printer.condition(line.steps) if line.steps else ""
        return self.printer(line.expression), when

    def double(self) -> DoubleSumView | None:
        if not isinstance(self.d, Derivation):
            return None
        return double_sum_view(self.d, self.parts, self.printer)

    def written_out(self, T: int) -> WrittenOut:
        return written_view(self.d, self.parts, self.printer, T)
