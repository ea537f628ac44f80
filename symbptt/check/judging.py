"""A document to a report: its model, what its symbols stand for, and a verdict on each claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from symbptt.check.bounds.assumptions import BOUNDS, is_bound, speaks_of_loss
from symbptt.check.bounds.comparisons import COMPARING, approximate, bounded, has_norms
from symbptt.check.corrections import Author, correction
from symbptt.check.counterexamples import counterexample
from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, Unparsed, formulas
from symbptt.check.edits import Edit
from symbptt.check.engine import engine_formula
from symbptt.check.findings import FAULTS, Correction, Finding, Reading, Report, Verdict
from symbptt.check.judge import Judgement, judge
from symbptt.check.meaning.claims import Claim, least_length
from symbptt.check.meaning.conventions import Convention
from symbptt.check.meaning.conventions import Reading as Row
from symbptt.check.meaning.layouts import Need, contradiction, needs
from symbptt.check.meaning.setting import Setting
from symbptt.check.networks.epochs import Epoch, NoModelError, epochs
from symbptt.check.networks.equations import layers_in
from symbptt.check.networks.guesses import by_argument, reading
from symbptt.check.networks.links import (
    claim_of,
    horizons,
    is_chain,
    is_dependence,
    is_forward_claim,
    is_gradient_name,
    is_of_data,
    is_of_loss,
    is_of_two_networks,
    links_of,
)
from symbptt.check.networks.names import Names, announces
from symbptt.check.networks.parts import ADDING, EQUAL, Mention, Part, has_derivative, parts
from symbptt.check.networks.roles import by_role
from symbptt.check.notation.namings import namings
from symbptt.check.notation.symbols import Scope, UnknownError
from symbptt.check.suppression import suppressed
from symbptt.errors import did_you_mean
from symbptt.formula.tree import BigOperator, Group, Node, Number, Relation, Symbol
from symbptt.model.model import Model

#: How many other models of a document are asked about a claim.
MOST_OTHERS = 8


def check_document(
    document: Document,
    model: Model | None = None,
    names: Mapping[str, str] | None = None,
    model_name: str | None = None,
) -> Report:
    """The verdicts on a document's formulas.

    ``model``: judge by this one rather than by the document's forward equations; ``names``: what
    the document calls its quantities, to what the model does.
    """
    found = formulas(document)
    checking = _Checking(document, found, parts(found), model, dict(names or {}), model_name)
    return suppressed(checking.report())


def undecided(reason: str, like: Verdict | None = None) -> Verdict:
    """A verdict that can't be had, on the evidence of another."""
    return Verdict("inconclusive", reason=reason, evidence=None if like is None else like.evidence)


@dataclass
class _Checking:
    """The formulas of a document in order, with what is known so far.

    ``conventions``: those that claims so far are right under; ``needs``: the layouts they need.
    """

    document: Document
    found: list[Formula | Unparsed]
    stated: list[list[Part] | Mention]
    model: Model | None
    aliases: dict[str, str]
    model_name: str | None
    notes: list[str] = field(default_factory=list)
    conventions: list[Convention] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    verdicts: dict[object, Verdict] = field(default_factory=dict)

    @cached_property
    def epochs(self) -> list[Epoch]:
        """The models of the document, in order."""
        letters = horizons(self.stated)
        try:
            return epochs(self.stated, self.model, self.document.text, letters)
        except NoModelError as error:
            self.notes.append(f"{error}; give one with --model")
            return []

    @cached_property
    def names(self) -> Names:
        """What symbols stand for."""
        aliases = self.aliases
        if self.model is not None:
            trees = (f.tree for f in self.found if isinstance(f, Formula))
            aliases = {**by_role(self.model, trees), **aliases}
        names = Names(aliases, horizons(self.stated), layers_in(self.stated))
        names.look_ahead(self.stated, self.epoch_at)
        return names

    @cached_property
    def author(self) -> Author:
        return Author(self.document, self.found)

    def report(self) -> Report:
        findings: list[Finding] = []
        for i, (f, stated) in enumerate(zip(self.found, self.stated, strict=True)):
            if isinstance(f, Unparsed):
                findings.append(_finding(f, "unparsed"))
            elif isinstance(stated, Mention):
                findings.append(_finding(f, "prose"))
            else:
                findings += self.judged(i, stated)
        if not self.epochs and not self.notes:
            self.notes.append("no forward equations that make a model; give one with --model")
        opposite = contradiction(self.needs)
        notes = (*self.notes, *(e.note for e in self.epochs if e.note), *self.unmet(), opposite)
        equations = dict.fromkeys(q for epoch in self.epochs for q in epoch.equations)
        return Report(
            self.document, tuple(findings), tuple(equations), self.model_name,
            tuple(note for note in notes if note is not None),
        )  # fmt: skip

    def unmet(self) -> Iterator[str]:
        """The names that were given for what no model of the document has."""
        known = [name for epoch in self.epochs for name in epoch.model.variables]
        for symbol, of in self.aliases.items():
            if self.epochs and of not in known:
                hint = did_you_mean(of, known)
                yield f"[names] '{symbol}' = '{of}': the model has no '{of}'{hint}"

    # -- one formula ----------------------------------------------------------------------------

    def judged(self, at: int, stated: list[Part]) -> Iterator[Finding]:
        for part in stated:
            try:
                kind, verdict = self.part(at, part)
            except (ArithmeticError, LookupError, ValueError, RecursionError) as error:
                reason = str(error) if isinstance(error, UnknownError) else "it is not understood"
                kind, verdict = "claim", undecided(reason)
            yield _finding(part.formula, kind, verdict, part if len(stated) > 1 else None)

    def part(self, at: int, part: Part) -> tuple[str, Verdict | None]:
        """The kind of one link of a formula, and its verdict if it is a claim."""
        epoch = self.epoch_at(at)
        derived = has_derivative(part.left) or has_derivative(part.right)
        if part.sign not in EQUAL and not (part.sign in ADDING and epoch is not None):
            return self.compared(part, epoch)
        if self.gives_an_equation(part):
            return _DEFINITION
        if is_dependence(part):
            return _PROSE
        if epoch is None:
            named = isinstance(part.left, Symbol) and is_gradient_name(part.left)
            return ("claim", undecided(_NO_MODEL)) if derived or named else _PROSE
        given = self.names.definitions(part, epoch, lambda: self.judgement(part, epoch).holds)
        if given:
            again = self.by_argument(part, epoch, next(iter(given)))
            if again is not None:
                readings = tuple(Reading(r.name, r.says) for r in again.readings)
                return "claim", Verdict("right-under", readings, evidence=again.evidence)
            self.names.given.update(given)
            return _DEFINITION
        verdict = self.verdict(part, epoch)
        settled = verdict.verdict in {"right", "inconclusive"} or is_of_loss(
            part, self.names.scope(epoch)
        )
        if settled and not derived and part.first and part.formula in epoch.given:
            return _DEFINITION  # a forward equation that was there already
        if verdict.verdict in FAULTS and is_forward_claim(part, self.names.scope(epoch)):
            verdict = undecided("it isn't what the forward equations say; is it of another model?")
        if verdict.verdict in FAULTS and is_of_data(part, self.names.scope(epoch)):
            verdict = undecided("it is about what is given, of which the equations say nothing")
        return "claim", verdict

    def compared(self, part: Part, epoch: Epoch | None) -> tuple[str, Verdict | None]:
        """The kind of a comparison, ``a ≤ b``, and its verdict if it is a claim."""
        derived = has_derivative(part.left) or has_derivative(part.right)
        if part.sign not in COMPARING:
            return _PROSE
        if epoch is None:
            return ("claim", undecided(_NO_MODEL)) if derived else _PROSE
        if part.sign in BOUNDS:
            if not is_bound(part, self.names.scope(epoch)):
                return _PROSE
            return "claim", self.bounded(part, epoch)
        if not derived and not (isinstance(part.left, Symbol) and is_gradient_name(part.left)):
            return _PROSE
        equal = self.judgement(part, epoch)
        return "claim", approximate(part, epoch, self.setting(epoch), equal)

    def bounded(self, part: Part, epoch: Epoch) -> Verdict:
        """The verdict on a bound, or on an equation of norms, from a search in floats."""
        others = [p for p in links_of(self.stated) if p is not part]
        setting = self.setting(epoch)
        return bounded(part, others, epoch, setting, _doubt(part, epoch, setting.scope))

    def gives_an_equation(self, part: Part) -> bool:
        """Whether a link is an equation that a model is made of."""
        return (
            part.first
            and not has_derivative(part.right)
            and any(part.formula is f for e in self.epochs for f in e.formulas)
            and any(part.left == left for e in self.epochs for left in e.lefts)
        )

    def epoch_at(self, at: int) -> Epoch | None:
        """The model that holds where a formula stands."""
        before = [e for e in self.epochs if e.start <= at]
        return before[-1] if before else next(iter(self.epochs), None)

    # -- verdicts -------------------------------------------------------------------------------

    def setting(self, epoch: Epoch) -> Setting:
        return Setting(
            self.names.scope(epoch), epoch.loss_stated, epoch.lengths, epoch.by_elements,
            epoch.worlds,
        )  # fmt: skip

    def judgement(self, part: Part, epoch: Epoch) -> Judgement:
        """What is found of a link by one model, or by that with its open functions bound."""
        claim = claim_of(part, epoch)
        found = judge(claim, self.setting(epoch))
        kept = epoch.kept() if epoch.gated else None
        if kept is not None:
            other = judge(claim, self.setting(kept))
            if found.holds != other.holds:  # the first claim that tells settles it
                settled = kept if other.holds else replace(epoch, gated="")
                self.epochs[:] = [settled if e is epoch else e for e in self.epochs]
                return max(found, other, key=lambda j: j.holds)
        if found.holds:
            return found
        for row, bound in (*epoch.bound(claim.relation), *self.as_long_as_written(claim, epoch)):
            again = judge(claim, self.setting(bound))
            if again.holds:
                readings = (row, *again.readings)
                return replace(again, verdict="right-under", readings=readings)
        return found

    def as_long_as_written(self, claim: Claim, epoch: Epoch) -> Iterator[tuple[Row, Epoch]]:
        """The model in as many steps as a sum counts, ``Σ_{t=1}^{3}``, where that is the last
        step that the document writes."""
        n = least_length(claim)
        ends = (x.upper for x in claim.relation.walk() if isinstance(x, BigOperator))
        if n == self.last_written and n > 1 and Number(Fraction(n)) in ends:
            says = f"the sequence has {n} steps"
            yield reading(f"{n} steps", says), replace(epoch, lengths=(n,))

    @cached_property
    def last_written(self) -> int:
        """The largest step that the document writes as a number."""
        return max((least_length(Claim(p.left, p.right)) for p in links_of(self.stated)), default=1)

    def verdict(self, part: Part, epoch: Epoch) -> Verdict:
        """The verdict on a claim; that of one which stands there again is not sought again."""
        known = frozenset((name, d.line) for name, d in self.names.given.items())
        key = part.relation, part.conditions, part.sign, epoch.start, known
        if key not in self.verdicts:
            self.verdicts[key] = self.sought(part, epoch)
        return self.verdicts[key]

    def sought(self, part: Part, epoch: Epoch) -> Verdict:
        found = self.judgement(part, epoch)
        if not found.holds:
            found = self.renamed(part, epoch, found)
        if not found.holds and found.verdict == "inconclusive":
            found = self.elsewhere(part, epoch, found)
        if not found.holds and part.origin is not None:
            found = self.by_the_first(part, part.origin, epoch, found)
        if found.holds and found.guessed is not None and part.left != part.right:
            self.names.given[found.guessed[0]] = replace(found.guessed[1], line=part.formula.line)
        if found.holds and epoch.loss_unread and is_of_loss(part, self.names.scope(epoch)):
            return undecided(_UNREAD)
        if found.verdict == "wrong" and has_norms(part):
            return self.bounded(part, epoch)
        readings = tuple(Reading(r.name, r.says) for r in found.readings)
        verdict = Verdict(found.verdict, readings, found.reason, evidence=found.evidence)
        if found.holds:
            if found.convention not in self.conventions:
                self.conventions.append(found.convention)
            sides = part.left, part.right
            self.needs += needs(sides, found.convention.layout, part.formula.line)
        return self.explained(part, epoch, verdict) if verdict.verdict in FAULTS else verdict

    def by_the_first(self, part: Part, origin: Node, epoch: Epoch, found: Judgement) -> Judgement:
        """A link from a chain of derivatives, judged by the side that the formula opens with."""
        if part.sign not in EQUAL or not (is_chain(part.left) and has_derivative(part.left)):
            return found
        again = self.judgement(replace(part, left=origin), epoch)
        if not again.holds:
            return found
        says = "the derivatives that it is said to equal may be laid out in several ways"
        row = reading("equal to the first side", says)
        return replace(again, verdict="right-under", readings=(row, *again.readings))

    def elsewhere(self, part: Part, epoch: Epoch, found: Judgement) -> Judgement:
        """A claim with names that only another model of the document has."""
        for other in self.epochs[:MOST_OTHERS]:
            again = self.judgement(part, other) if other is not epoch else found
            if again.holds:
                lines = [e.line for e in other.equations if e.line is not None]
                where = f"the equations from line {min(lines)} on" if lines else "other equations"
                row = reading(f"by {where}", "they name what stands here")
                return replace(again, verdict="right-under", readings=(row, *again.readings))
        return found

    def renamed(self, part: Part, epoch: Epoch, found: Judgement) -> Judgement:
        """A claim about a symbol that has come to mean something else: δ for ∂L/∂z, not ∂L/∂h.

        Where the text announces that, the new meaning holds from here on; where it doesn't, the
        claim stays wrong, and the reason says what it would be right for.
        """
        left = part.left
        meant = self.names.scope(epoch).meant(left) if isinstance(left, Symbol) else None
        if meant is not None and meant.kind == "gradient" and isinstance(left, Symbol):
            called = next((n.name for n in namings(left) if n.step is not None), None)
            again = None if called is None else self.by_argument(part, epoch, called)
            return again or found
        if meant is None or meant.kind != "defined":
            return found
        old = self.names.forget(meant.name)
        again = self.judgement(part, epoch)
        if again.holds and again.guessed is not None and announces(part):
            self.names.given[meant.name] = again.guessed[1]
            return again
        self.names.given[meant.name] = old
        if again.holds and again.guessed is not None and again.readings:
            where = f"line {old.line}" if old.line is not None else "its definition"
            supposed = again.readings[0].name.replace(" is ", " were ", 1)
            reason = f"it would be right if {supposed}, but {where} says otherwise"
            return replace(found, reason=reason)
        return found

    def by_argument(self, part: Part, epoch: Epoch, name: str) -> Judgement | None:
        """``δ_{z_t} = … σ'(z_t)`` where it holds for δ_z by the argument of z, from here on."""
        meant = self.names.scope(epoch).meant(part.left) if isinstance(part.left, Symbol) else None
        if meant is None or meant.kind != "gradient" or meant.entry or name in self.names.given:
            return None
        for row, known in by_argument(meant.name, name, epoch.model):
            self.names.given[name] = replace(known, line=part.formula.line)
            again = self.judgement(part, epoch)
            if again.holds:
                readings = (row, *again.readings)
                return replace(again, verdict="right-under", readings=readings, guessed=None)
            self.names.given.pop(name)
        return None

    def explained(self, part: Part, epoch: Epoch, verdict: Verdict) -> Verdict:
        """A verdict of a wrong claim with a counterexample and a correction.

        Without a correction, what may be misread is not called wrong.
        """
        setting = self.setting(epoch)

        def taken(left: Node, right: Node) -> Claim:
            return claim_of(replace(part, left=left, right=right), epoch)

        if part.sign in ADDING and not self.adds_to_parameter(part, epoch):
            return undecided("what one path adds is not told from the whole", verdict)
        if is_of_two_networks(part, setting.scope):
            return undecided(_TWO_NETWORKS, verdict)
        found = correction(part, self.author, setting, taken, self.conventions)
        if found is not None and not self.corrects(found[1], part, epoch):
            found = None
        if found is None:
            doubt = _doubt(part, epoch, self.names.scope(epoch))
            if doubt is not None:
                return undecided(doubt, verdict)
            own = None
            if part.formula.fragment.form != "text":
                own = engine_formula(part.left, self.names.scope(epoch))
            if own is not None:
                verdict = replace(verdict, correction=Correction(own, "engine"))
        else:
            says = found[1].says
            reason = "; ".join(
                filter(None, (says[0].lower() + says[1:].rstrip("."), verdict.reason))
            )
            verdict = replace(verdict, reason=reason, correction=found[0])
        return replace(verdict, counterexample=counterexample(claim_of(part, epoch), setting))

    def adds_to_parameter(self, part: Part, epoch: Epoch) -> bool:
        """Whether ``+=`` adds to the gradient by a parameter, a step at a time."""
        meant = (self.names.scope(epoch).meant(n) for n in part.left.walk()
                 if isinstance(n, Symbol))  # fmt: skip
        variables = epoch.model.variables
        return any(m is not None and m.name in variables and variables[m.name].timeless
                   for m in meant)  # fmt: skip

    def corrects(self, edit: Edit, part: Part, epoch: Epoch) -> bool:
        """Whether an edited formula holds when it is judged as the document's are."""
        plain = self.author.plain(edit.node, part.formula)
        assert isinstance(plain, Relation)
        left, right = plain.sides
        if isinstance(right, Number) and left != part.left:
            return False  # what else is zero tells nothing
        return left != right and self.judgement(replace(part, left=left, right=right), epoch).holds


_PROSE = "prose", None
_DEFINITION = "definition", None
_UNREAD = "the document's loss isn't read, so what depends on it isn't decided"
_TWO_NETWORKS = "it joins quantities that no equation joins; are there two models?"
_NO_MODEL = "the document has no forward equations"


def _doubt(part: Part, epoch: Epoch, scope: Scope) -> str | None:
    """Why a claim that fails, and that no edit mends, may not be wrong."""
    if epoch.loss_unread and speaks_of_loss(part.relation, scope):
        return _UNREAD
    if any(isinstance(n, Symbol) and n.base.startswith("Delta") for n in part.left.walk()):
        return "a Δ may be a step of learning rather than a gradient"
    if epoch.assumed:
        return "it doesn't hold for the equations that are assumed here"
    sides = [s.items[0] if isinstance(s, Group) else s for s in (part.left, part.right)]
    if all(is_chain(side) and has_derivative(side) for side in sides) and part.sign not in BOUNDS:
        return "a chain rule that no reading makes hold; are all paths in the equations?"
    return None


def _finding(
    f: Formula | Unparsed, kind: str, verdict: Verdict | None = None, part: Part | None = None
) -> Finding:
    if part is None or isinstance(f, Unparsed):
        return Finding(f, kind, verdict, "", f.line, f.column)
    place = f.place(part.span)
    text = place.text[place.start : place.end]
    return Finding(f, kind, verdict, text, place.line, place.column)
