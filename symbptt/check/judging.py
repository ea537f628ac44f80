"""A document to a report: its model, what its symbols stand for, and a verdict on each claim."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from symbptt.check.bounds.assumptions import BOUNDS, is_bound
from symbptt.check.bounds.comparisons import COMPARING, approximate
from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, Unparsed, formulas
from symbptt.check.findings import Finding, Reading, Report, Verdict
from symbptt.check.known import Known
from symbptt.check.meaning.layouts import contradiction
from symbptt.check.meaning.work import Work
from symbptt.check.networks.epoch import Epoch
from symbptt.check.networks.links import (
    begin_at_zero,
    begins_at_zero,
    is_dependence,
    is_gradient_name,
    is_of_loss,
    prefix_of,
)
from symbptt.check.networks.losses import says_again
from symbptt.check.networks.parts import (
    ADDING,
    EQUAL,
    Mention,
    Part,
    has_derivative,
    links_of,
    parts,
)
from symbptt.check.networks.signals import by_siblings
from symbptt.check.notation.letters import printed
from symbptt.check.notation.symbols import UnknownError
from symbptt.check.suppression import suppressed
from symbptt.check.verdicts import Verdicts, undecided
from symbptt.errors import did_you_mean
from symbptt.formula.names import written
from symbptt.formula.tree import Differential, Node, Number, Quotient, Relation, Symbol
from symbptt.model.model import Model

#: As many claims about gradients are right by their names before a definition that is named alike
#: may be one.
ALIKE = 2


def check_document(
    document: Document,
    model: Model | None = None,
    names: Mapping[str, str] | None = None,
    model_name: str | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """The verdicts on a document's formulas.

    ``model``: judge by this one rather than by the document's forward equations; ``names``: what
    the document calls its quantities, to what the model does; ``progress`` is told how far it is.
    """
    found = formulas(document)
    known = Known(document, found, parts(found), model, dict(names or {}))
    return suppressed(_Checking(known, model_name, progress or (lambda what: None)).report())


@dataclass
class _Checking:
    """A document's formulas, each with its kind and, for a claim, the verdict."""

    known: Known
    model_name: str | None
    progress: Callable[[str], None]
    judged_by_name: Counter[str] = field(default_factory=Counter)

    @cached_property
    def verdicts(self) -> Verdicts:
        return Verdicts(self.known)

    def report(self) -> Report:
        known = self.known
        findings: list[Finding] = []
        for i, (f, stated) in enumerate(zip(known.found, known.stated, strict=True)):
            self.progress(f"formula {i + 1} of {len(known.found)}")
            if isinstance(f, Unparsed):
                findings.append(_finding(f, "unparsed"))
            elif isinstance(stated, Mention):
                findings.append(_finding(f, "prose"))
            else:
                findings += self.judged(i, stated)
        in_doubt = any(map(_is_open, findings))
        parts = {name.base: written(x) for epoch in known.epochs for x, name in epoch.named}
        findings = [
            f if f.verdict is None
            else replace(f, verdict=_in_its_letters(
                self.verdicts.consistent(f.verdict, in_doubt=in_doubt), parts))
            for f in findings
        ]  # fmt: skip
        if not known.epochs and not known.notes:
            known.notes.append("no forward equations that make a model; give one with --model")
        of_models = (e.note for e in known.epochs if e.note)
        notes = (*known.notes, *of_models, *self.unmet(), contradiction(known.needs))
        equations = dict.fromkeys(q for epoch in known.epochs for q in epoch.equations)
        return Report(
            known.document, tuple(findings), tuple(equations), self.model_name,
            tuple(note for note in notes if note is not None),
        )  # fmt: skip

    def unmet(self) -> Iterator[str]:
        """The names that were given for what no model of the document has."""
        known = [name for epoch in self.known.epochs for name in epoch.model.variables]
        for symbol, of in self.known.aliases.items():
            if self.known.epochs and of not in known:
                hint = did_you_mean(of, known)
                yield f"[names] '{symbol}' = '{of}': the model has no '{of}'{hint}"

    def judged(self, at: int, stated: list[Part]) -> Iterator[Finding]:
        for part in stated:
            try:
                begin = len(stated) > 1 and begin_at_zero(stated)
                kind, verdict = _DEFINITION if begin else self.part(at, part)
            except (ArithmeticError, LookupError, ValueError, RecursionError) as error:
                reason = str(error) if isinstance(error, UnknownError) else "it is not understood"
                kind, verdict = "claim", undecided(reason)
            yield _finding(part.formula, kind, verdict, part if len(stated) > 1 else None)

    def part(self, at: int, part: Part) -> tuple[str, Verdict | None]:
        """The kind of one link of a formula, and its verdict if it is a claim."""
        self.known.work = Work()
        epoch = self.known.epoch_at(at)
        derived = has_derivative(part.left) or has_derivative(part.right)
        if part.sign not in EQUAL and not (part.sign in ADDING and epoch is not None):
            return self.compared(part, epoch)
        if self.gives_an_equation(part):
            return _DEFINITION
        if (
            epoch is not None
            and part.formula in epoch.formulas
            and (says_again(part.left, part.right, epoch.statements))
        ):
            return _DEFINITION
        if is_dependence(part):
            return _PROSE
        if epoch is None:
            named = isinstance(part.left, Symbol) and is_gradient_name(part.left)
            return ("claim", undecided(self.known.no_model)) if derived or named else _PROSE
        names = self.known.names
        if begins_at_zero(part.left, part.right) and not self.names_a_gradient(part, epoch):
            return _DEFINITION  # of its first value
        given = names.definitions(part, epoch, lambda: self.verdicts.judgement(part, epoch).holds)
        if given:
            again = self.verdicts.by_argument(part, epoch, next(iter(given)))
            if again is not None:
                readings = tuple(Reading(r.name, r.says) for r in again.readings)
                return "claim", Verdict("right-under", readings, evidence=again.evidence)
            alike = self.as_its_like(part, epoch)
            if alike is None and self.is_meant_by_name(part, epoch):
                alike = self.as_claim(part, epoch)
            if alike is None:
                alike = self.as_its_siblings(part, epoch, next(iter(given)))
            if alike is not None:
                return "claim", alike
            names.given.update(given)
            self.verdicts.give_values(part, epoch)
            return _DEFINITION
        verdict = self.verdicts.verdict(part, epoch)
        if verdict.verdict in {"right", "right-under"} and self.names_a_gradient(part, epoch):
            self.judged_by_name[prefix_of(part.left)] += 1
        settled = verdict.verdict in {"right", "right-under", "inconclusive"} or is_of_loss(
            part, self.known.names.scope(epoch)
        )
        if settled and not derived and part.first and part.formula in epoch.given:
            return _DEFINITION  # a forward equation that was there already
        return "claim", self.verdicts.doubted(part, epoch, verdict)

    def names_a_gradient(self, part: Part, epoch: Epoch) -> bool:
        """Whether a left side is a gradient by what its name says: ``δ_{f_t}``."""
        left = part.left
        meant = self.known.names.scope(epoch).meant(left) if isinstance(left, Symbol) else None
        return part.first and meant is not None and meant.kind == "gradient"

    def as_its_like(self, part: Part, epoch: Epoch) -> Verdict | None:
        """The verdict on what would be a definition, ``δ_{g_t} = …``, where others that are named
        alike are right by their names: it is a claim if it holds for some quantity, and if one
        edit makes it hold."""
        bare = isinstance(part.right, Quotient | Symbol | Number)
        if part.names or bare or self.judged_by_name[prefix_of(part.left)] < ALIKE:
            return None
        known = dict(self.known.names.given)
        found = self.verdicts.verdict(part, epoch)
        mended = found.correction is not None and found.correction.origin == "repair"
        if found.verdict in {"right", "right-under"} or mended:
            return found
        self.known.names.given = known
        return None

    def as_its_siblings(self, part: Part, epoch: Epoch, name: str) -> Verdict | None:
        """The verdict on what would be a definition, ``δ_{ĝ_t} = …``, where others of its pattern
        stand for gradients by arguments, if it doesn't hold as that."""
        known = dict(self.known.names.given)
        meaning = None if part.names else by_siblings(name, known, epoch.model)
        if meaning is None or _has_differential(part.right):
            return None
        self.known.names.given[name] = replace(meaning, line=part.formula.line)
        found = self.verdicts.doubted(part, epoch, self.verdicts.verdict(part, epoch))
        if found.verdict not in {"right", "right-under"}:
            return found
        self.known.names.given = known
        return None

    def is_meant_by_name(self, part: Part, epoch: Epoch) -> bool:
        """Whether a left side, ``δ_{o_t} = δ_{h_t} ⊙ σ'(z_t)``, is the gradient that its name says:
        all gradients on the right are, and some other formula is right by its name."""
        scope, prefix = self.known.names.scope(epoch), prefix_of(part.left)
        right = [n for n in part.right.walk() if isinstance(n, Symbol)]
        meant = [m for m in map(scope.meant, right) if m is not None]
        if part.names or prefix in ("", "Delta") or not self.names_a_gradient(part, epoch):
            return False
        if _has_differential(part.right):
            return False
        if any(m.kind == "defined" for m in meant) or not any(map(is_gradient_name, right)):
            return False
        return self.judged_by_name[prefix] > 0 or any(
            other.relation != part.relation
            and prefix_of(other.left) == prefix
            and self.names_a_gradient(other, epoch)
            and self.verdicts.judgement(other, epoch).verdict == "right"
            for other in links_of(self.known.stated)
        )

    def as_claim(self, part: Part, epoch: Epoch) -> Verdict | None:
        """The verdict on what would be a definition, if it is wrong as a claim."""
        known = dict(self.known.names.given)
        found = self.verdicts.doubted(part, epoch, self.verdicts.verdict(part, epoch))
        if found.verdict == "wrong":
            return found
        self.known.names.given = known
        return None

    def compared(self, part: Part, epoch: Epoch | None) -> tuple[str, Verdict | None]:
        """The kind of a comparison, ``a ≤ b``, and its verdict if it is a claim."""
        derived = has_derivative(part.left) or has_derivative(part.right)
        if part.sign not in COMPARING:
            return _PROSE
        if epoch is None:
            return ("claim", undecided(self.known.no_model)) if derived else _PROSE
        if part.sign in BOUNDS:
            if not is_bound(part, self.known.names.scope(epoch)):
                return _PROSE
            return "claim", self.verdicts.bounded(part, epoch)
        if not derived and not (isinstance(part.left, Symbol) and is_gradient_name(part.left)):
            return _PROSE
        equal = self.verdicts.judgement(part, epoch)
        return "claim", approximate(part, epoch, self.known.setting(epoch), equal)

    def gives_an_equation(self, part: Part) -> bool:
        """Whether a link is an equation that a model is made of."""
        return (
            part.first
            and not has_derivative(part.right)
            and any(part.formula is f for e in self.known.epochs for f in e.formulas)
            and any(part.left == left for e in self.known.epochs for left in e.lefts)
        )


def _has_differential(node: Node) -> bool:
    return any(isinstance(n, Differential) for n in node.walk())


_PROSE = "prose", None
_DEFINITION = "definition", None


def _in_its_letters(verdict: Verdict, parts: Mapping[str, str]) -> Verdict:
    """A verdict in the letters that the document has; ``parts``: the parts of equations that have
    names here."""

    def spelled(text: str) -> str:
        for name, of in parts.items():
            text = re.sub(rf"\b{name}(?=_|\b)(_t\b)?", f"({of})", text)
        return text

    fix, shown = verdict.correction, verdict.counterexample
    correct = None if fix is None else replace(fix, text=printed(fix.text))
    if parts and shown is not None:
        shown = replace(shown, given={spelled(name): x for name, x in shown.given.items()})
    readings = tuple(Reading(spelled(r.name), spelled(r.says)) for r in verdict.readings)
    return replace(
        verdict, readings=readings, reason=printed(spelled(verdict.reason)), correction=correct,
        counterexample=shown,
    )  # fmt: skip


def _is_open(found: Finding) -> bool:
    """Whether a formula is not read, or one about derivatives that is no bound is not decided."""
    f, verdict = found.formula, found.verdict
    if isinstance(f, Unparsed) or verdict is None or verdict.verdict != "inconclusive":
        return found.kind == "unparsed"
    if isinstance(f.tree, Relation) and not BOUNDS.keys().isdisjoint(f.tree.operators):
        return False
    return has_derivative(f.tree) or any(
        isinstance(n, Symbol) and is_gradient_name(n) for n in f.tree.walk()
    )


def _finding(
    f: Formula | Unparsed, kind: str, verdict: Verdict | None = None, part: Part | None = None
) -> Finding:
    if part is None or isinstance(f, Unparsed):
        return Finding(f, kind, verdict, "", f.line, f.column)
    place = f.place(part.span)
    text = place.text[place.start : place.end]
    return Finding(f, kind, verdict, text, place.line, place.column)
