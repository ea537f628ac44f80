"""The models of a document: its forward equations, from where they stand until they change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbptt.check.documents.formulas import Formula, Unparsed
from symbptt.check.findings import ForwardEquation
from symbptt.check.meaning.claims import Claim, least_length
from symbptt.check.meaning.setting import LENGTHS
from symbptt.check.networks.assumed import assumed
from symbptt.check.networks.besides import besides
from symbptt.check.networks.bindings import (
    begins_at_zero,
    called_in,
    is_squared,
    leaves_sigma_open,
    may_be_identity,
    qualifies_loss,
    spoken_loss,
)
from symbptt.check.networks.differentials import has_differentials
from symbptt.check.networks.epoch import Epoch, NoModelError, Rival, Stated
from symbptt.check.networks.equations import equations
from symbptt.check.networks.forward import Forward, forward
from symbptt.check.networks.gaps import gaps
from symbptt.check.networks.given import Given, relation
from symbptt.check.networks.kept import at_single_steps
from symbptt.check.networks.links import function_defined, given_values, names_part, writes_loss
from symbptt.check.networks.objectives import (
    goes_beyond,
    has_other_base,
    is_entropy,
    usual_of,
)
from symbptt.check.networks.parts import ADDING, Mention, has_derivative, links_of, trees_of
from symbptt.check.networks.refused import lagged, refused, stepped, told
from symbptt.check.networks.running import apart, spans_of
from symbptt.check.networks.runs import Run, runs
from symbptt.check.networks.written import at_last, written_out
from symbptt.check.notation.normal import Notation, normal
from symbptt.check.notation.scripts import is_time, scripts, unbracketed
from symbptt.check.notation.symbols import LOSSES
from symbptt.errors import SymbpttError
from symbptt.formula import parse_equations
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Node,
    Number,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
)
from symbptt.model.draft import Source
from symbptt.model.model import Model
from symbptt.model.names import Naming
from symbptt.model.outline import Statement

#: A letter in a script font, ``\mathcal{L}``, and one in none.
_SCRIPT = re.compile(r"\\(?:mathcal|mathscr|cal)\s*\{?\s*([A-Z])(?![A-Za-z])")
_PLAIN = re.compile(r"(?<![A-Za-z{\\])([A-Z])_")


def epochs(
    stated: Stated,
    model: Model | None = None,
    words: str = "",
    horizons: frozenset[str] = frozenset(),
) -> list[Epoch]:
    """The models of a document in the order in which they come to hold.

    ``model``: the one to take instead; ``words``: the text of the document, which may say what
    its loss is; ``horizons``: the letters that stand for the number of steps.  Raises
    ``NoModelError`` if there are forward equations and none make a model.
    """
    every = [*links_of(stated)]
    if model is not None:
        d = has_differentials(every, words, model)
        return [Epoch(0, model, frozenset({model.loss_name}), loss_stated=True, differentials=d)]
    given, several = apart(equations(stated, horizons))
    general = besides(given)
    given = [g for g in given if g not in general]
    spans = spans_of(several, given)
    parts = _named_parts(stated, given)
    unread = any(isinstance(m, Mention) and _is_unread_loss(m) for m in stated)
    of_loss = [p.right for p in every if writes_loss(p)]
    qualified = qualifies_loss(words)
    is_usual = all(map(is_entropy, of_loss)) and not unread and not qualified
    loss = spoken_loss(words) if is_usual else None
    may_be = usual_of(of_loss) if of_loss or not (unread or qualified) else frozenset()
    every_run = runs(given, stated)
    made = [_with_rival(run, parts, loss) for run in every_run]
    lost = [
        (run.start, run.change) for run, epoch in zip(every_run, made, strict=True)
        if run.change is not None and not isinstance(epoch, Epoch)
    ]  # fmt: skip
    found = [epoch for epoch in made if isinstance(epoch, Epoch)]
    if not found and all(g.left.base in LOSSES for g in given):
        found = _usual(stated)
    problem = next((e for e in made if isinstance(e, SymbpttError)), None)
    if not found and problem is not None:
        raise NoModelError(problem, _line_of(problem, given))
    formulas = tuple(g.formula for g in (*given, *several, *general))
    names = frozenset(g.name for g in general)
    single = at_single_steps(given)
    assigned = frozenset(p.left for p in every if p.sign == "←")
    sums = (p.left for p in every if p.sign in ADDING and isinstance(p.left, Symbol))
    added = frozenset(n.base for n in sums if any(map(is_time, scripts(n))))
    differentiated = _differentiated(stated)
    formulas_of = frozenset(filter(None, map(function_defined, every)))
    identity = may_be_identity(words)
    T = _last_number(stated)
    equal = [*_said_equal(stated)]
    other_base = any(map(has_other_base, every))
    valued = frozenset(name for p in every for name in given_values(p))
    otherwise, at_steps = told(stated), (lagged(stated), stepped(stated))
    script = frozenset(_SCRIPT.findall(words)) & frozenset(_PLAIN.findall(words))

    def known(epoch: Epoch) -> Epoch:
        rival = epoch.rival
        return replace(
            epoch,
            given=formulas,
            sigma_open=leaves_sigma_open(words),
            assigned=assigned,
            added=added,
            valued=valued & {*epoch.model.variables},
            differentials=has_differentials(every, words, epoch.model),
            in_two_fonts=script & {*epoch.model.variables},
            formulas=(*epoch.formulas, *(g.formula for g in several)),
            lefts=(*epoch.lefts, *(left for g in several for left in g.lefts)),
            from_zero=begins_at_zero(words),
            spans=spans,
            besides=names,
            single=single,
            formulas_of=formulas_of.union(epoch.model.abstract if identity else ()),
            loss_unread=epoch.loss_unread
            or (unread and not epoch.loss_stated)
            or (bool(of_loss) and epoch.loss_by_name and not epoch.loss_stated),
            loss_beyond=other_base
            or (qualified and not epoch.loss_stated)
            or goes_beyond(epoch.model, equal, stated=epoch.loss_stated),
            may_be=may_be,
            is_squared=is_squared(words),
            lost=tuple((g.formula.line, g.name) for at, g in lost if at >= epoch.start),
            gaps=None
            if epoch.gaps is None
            else epoch.gaps.with_equations_for(differentiated)
            .with_told(otherwise, at_steps[1])
            .with_doubtful_inputs(*at_steps),
            lengths=(T,) if T and epoch.lengths == LENGTHS else epoch.lengths,
            rival=None if rival is None else replace(rival, epoch=known(rival.epoch)),
        )

    return [known(epoch) for epoch in found]


def _line_of(problem: SymbpttError, given: Sequence[Given]) -> int:
    """The line of the equation that a failure is about, or of the first."""
    place = getattr(problem, "place", None)
    about = (g for g in given if place is not None and g.formula.text == place.text)
    return next(about, given[0]).formula.line


#: How a formula of the loss begins.
_LOSS = re.compile(
    r"\s*(?:\\mathcal\s*)?\{?\s*(?:[LEJ]|\\ell)\s*\}?(?:\s*\([^()]*\)|[_^]\S*)?\s*&?="
)


def _is_unread_loss(m: Mention) -> bool:
    """Whether a formula that can't be read says what the loss is."""
    return isinstance(m.formula, Unparsed) and _LOSS.match(m.formula.source) is not None


def _last_number(stated: Stated) -> int | None:
    """The number of steps, where a document has ``Σ_{t=1}^6``, no later step and never T."""
    found: set[int] = set()
    last = 1
    for tree in trees_of(stated):
        last = max(last, least_length(Claim(tree, tree)))
        for n in tree.walk():
            if n == Symbol("T"):
                return None
            match n:
                case BigOperator("sum", index=Symbol("t"), lower=Number(a), upper=Number(b)):
                    found.add(int(b) if a in (0, 1) and b.denominator == 1 else 0)
    return last if last > 1 and found == {last} else None


def _with_rival(
    run: Run, parts: tuple[tuple[Node, Symbol], ...], loss: str | None
) -> Epoch | SymbpttError | None:
    """The model of a run, with that in which the equation that began it is what it was."""
    found, old, replaced = _epoch(run, parts, loss), run.rival, run.replaced
    other = None if old is None else _epoch(old, parts, loss)
    if not (isinstance(found, Epoch) and isinstance(other, Epoch) and replaced is not None):
        return found
    one, two = (g.formula for g in replaced)
    return replace(found, rival=Rival(other, one, two, is_case=bool(run.cases)))


def _epoch(
    run: Run, parts: tuple[tuple[Node, Symbol], ...], loss: str | None
) -> Epoch | SymbpttError | None:
    """The model of equations that hold together; None if what is new in it makes no equation."""
    chosen = run.equations
    if not chosen:
        return None
    relations = [relation(g) for g in chosen]
    source = chosen[0].statement.source
    general = written_out(relations)
    last = at_last(relations) if general is None else None
    if general is not None:
        statements = [Statement(e, source) for e in general.equations]
    elif last is not None:
        statements = [replace(g.statement, node=e) for g, e in zip(chosen, last, strict=True)]
    else:
        statements = [g.statement for g in chosen]
    helpers = [Statement(Relation((s, e), ("=",)), source) for e, s in parts]
    is_last = last is not None or general is not None
    made = forward([*helpers, *statements], loss, last=is_last)
    if helpers and not isinstance(made, Forward):
        made, parts = forward(statements, loss, last=is_last), ()
    if not isinstance(made, Forward):
        return made
    sources = {s.source for s in made.statements}
    losses = LOSSES | made.losses
    used = [
        g for g in chosen
        if general is not None or g.statement.source in sources or g.left.base in losses
    ]  # fmt: skip
    if run.change is not None and run.change not in used and general is None:
        return None
    return Epoch(
        run.start,
        made.model,
        made.losses,
        {a: f"pre_{g}" for a, g in run.arguments.items() if f"pre_{g}" in made.model.variables},
        loss_stated=made.loss_stated and not any(map(_of_a_step_too, chosen)),
        lengths=LENGTHS if general is None else (general.T,),
        equations=tuple(ForwardEquation(g.formula.source, g.formula.line) for g in used),
        formulas=tuple(g.formula for g in used),
        lefts=tuple(left for g in used for left in g.lefts),
        functions=made.functions | called_in(made.model),
        named=parts,
        bare_is_last=is_last,
        assumed=made.completed,
        loss_unread=made.loss_unread,
        share=made.share,
        gated=made.gated,
        note=made.gated
        and f"no equation for {made.gated}_t; its gate may let in the new or keep the old",
        statements=tuple(statements),
        by_elements=any(g.elements for g in used if g.left.base not in losses),
        gaps=gaps(made.model, refused(chosen, made.model)),
    )


def _of_a_step_too(g: Given) -> bool:
    """Whether the loss of a step bears the letter of the whole: ``L(ŷ_t, y_t) = …``."""
    return isinstance(g.stated, Call) and g.stated.function.base in LOSSES


def _said_equal(stated: Stated) -> Iterator[tuple[Node, Node]]:
    """The two sides of all equations, of those in the text too."""
    for part in stated:
        if not isinstance(part, Mention):
            yield from ((p.left, p.right) for p in part if p.first)
        elif isinstance(part.formula, Formula) and isinstance(part.formula.tree, Relation):
            left, right, *_ = part.formula.tree.sides
            yield left, right


def _differentiated(stated: Stated) -> frozenset[str]:
    """What a document has derivatives of at some step, so that some equation must give it."""
    tops = (
        unbracketed(n.numerator.operand) for tree in trees_of(stated) for n in tree.walk()
        if isinstance(n, Quotient) and isinstance(n.numerator, Differential)
        and n.numerator.operand is not None
    )  # fmt: skip
    read = (Naming().read(top) for top in tops if isinstance(top, Symbol))
    return frozenset(name for name, index in read if index is not None)


def _usual(stated: Stated) -> list[Epoch]:
    """The network that a document without forward equations must mean, by its letters."""
    if not any(map(has_derivative, trees_of(stated))):
        return []
    usual = assumed(trees_of(stated))
    if usual is None:
        return []
    statements = [
        Statement(normal(r, Notation()), Source(e))
        for e in usual.equations
        for r in parse_equations(e, lines=False, letters=False)
    ]
    made = forward(statements)
    assert isinstance(made, Forward)
    return [
        Epoch(
            0,
            made.model,
            made.losses,
            equations=tuple(ForwardEquation(e) for e in usual.equations),
            functions=made.functions | called_in(made.model),
            assumed=True,
            note="no forward equations that make a model; judged by "
            f"{usual.name}, as its letters suggest",
            statements=tuple(statements),
        )
    ]


def _named_parts(stated: Stated, given: Sequence[Given]) -> tuple[tuple[Node, Symbol], ...]:
    """The parts of forward equations that the document differentiates, each with a name.

    ``∂z_t/∂(r_t ⊙ h_{t-1})``, or ``δ_{r ⊙ h}``, needs ``r_t ⊙ h_{t-1}`` to be a quantity.
    """
    whole = [relation(g).sides[1] for g in given]
    inside = [n for right in whole for n in right.walk()]
    found: dict[Node, Symbol] = {}
    for tree in trees_of(stated):
        for d in tree.walk():
            if isinstance(d, Symbol):
                meant = {p for p in inside if names_part(d, p)}
                part = next(iter(meant)) if len(meant) == 1 else d
            elif isinstance(d, Differential) and d.operand is not None:
                part = unbracketed(d.operand)
            else:
                continue
            if isinstance(part, Product | Sum) and part in inside and part not in (*whole, *found):
                label = Symbol(f"part{len(found) + 1}", subscripts=(Symbol("t"),), span=part.span)
                found[part] = label
    return tuple(found.items())
