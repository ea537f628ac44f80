"""What is known of a document while its formulas are judged one after another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from symbptt.check.authors import Author
from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, Unparsed
from symbptt.check.judge import judge
from symbptt.check.meaning.claims import Claim, least_length
from symbptt.check.meaning.conventions import Convention
from symbptt.check.meaning.layouts import Need
from symbptt.check.meaning.setting import Setting
from symbptt.check.meaning.tensors import Layout
from symbptt.check.meaning.work import Work
from symbptt.check.networks.adjoints import adjoints
from symbptt.check.networks.epoch import Epoch, NoModelError
from symbptt.check.networks.epochs import epochs
from symbptt.check.networks.equations import layers_in
from symbptt.check.networks.generic import members
from symbptt.check.networks.links import claim_of, horizons
from symbptt.check.networks.names import Names
from symbptt.check.networks.parts import Mention, Part, links_of
from symbptt.check.networks.roles import by_role
from symbptt.check.networks.running import is_whole_loss, loss_defined
from symbptt.check.notation.indices import entries_in_brackets, steps_above
from symbptt.check.notation.language import said
from symbptt.check.notation.letters import differentiated_by
from symbptt.check.notation.quantities import Span
from symbptt.check.notation.scripts import scripts
from symbptt.check.notation.symbols import LOSSES
from symbptt.errors import SymbpttError
from symbptt.formula import parse
from symbptt.formula.tree import Node, Number, Relation, Sum, Symbol
from symbptt.model.model import Model
from symbptt.model.names import Naming

#: How a text says how many steps there are.
_LENGTH = re.compile(r"(?<![A-Za-z_^\\])T\s*=\s*(\d+)(?!\d|\.\d)")
#: Code in a text, and what ends a sentence.
_CODE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r"[.!?:;]\s|\n\s*\n|^#+ ", re.MULTILINE)
_ROWS = said("says that gradients are rows")
_NUMBERS = said("says that all are numbers")
_OF_LOSS = said("names the loss")
#: ``h_t ∈ ℝ``, and ``W ∈ ℝ^{1×1}``.
_IN_REALS = re.compile(
    r"(?<![A-Za-z\\])[hsUVW](?:[_^](?:\{[^{}$]*\}|\w))*\s*(?:\\in(?![a-z])|∈)\s*"
    r"(?:\\mathbb\s*(?:\{\s*R\s*\}|R)|\\R(?![a-z])|ℝ)"
    r"(?!\s*\^(?!\s*\{?\s*1\s*(?:\}|\$|(?:\\times|×)\s*1(?!\d))))"
)
_ONE_CASE = said("speaks of one case")
#: Why claims are not judged where a document has forward equations.
_UNREAD = (
    "none of the forward equations could be read into a network; "
    "that of line {} was the first that could not"
)


@dataclass
class Known:
    """The formulas of a document in order, with what is known so far.

    ``conventions``: those that claims so far are right under; ``needs``: the layouts they need;
    ``work``: what is left to spend on the claim at hand; ``no_model``: why there is no model, where
    there is none.
    """

    document: Document
    found: list[Formula | Unparsed]
    stated: list[list[Part] | Mention]
    model: Model | None
    aliases: dict[str, str]
    notes: list[str] = field(default_factory=list)
    conventions: list[Convention] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    work: Work = field(default_factory=Work)
    no_model: str = "the document has no forward equations"

    @cached_property
    def epochs(self) -> list[Epoch]:
        """The models of the document, in order."""
        letters = horizons(self.stated)
        try:
            found = epochs(self.stated, self.model, self.document.text, letters)
        except NoModelError as error:
            self.notes.append(f"{error}; give one with --model")
            self.no_model = _UNREAD.format(error.line)
            return []
        return [replace(e, spans=self._spans(e, letters)) for e in found]

    def _spans(self, epoch: Epoch, horizons: frozenset[str]) -> dict[str, Span | None]:
        """The losses of several steps in a model, and the losses that are not what the document
        says of them: their steps are not known."""
        found = {**epoch.spans}
        plain = Names({}, horizons, layers_in(self.stated))
        links = [p for p in links_of(self.stated) if p.formula in epoch.formulas and p.first]
        apart = epoch.share is None and any(map(is_whole_loss, links))
        for part in links_of(self.stated):
            name = loss_defined(part) if part.formula in epoch.formulas else None
            if name is None or not (name in epoch.spans or (epoch.loss_stated and apart)):
                continue
            claim = claim_of(part, epoch)
            setting = Setting(
                plain.scope(epoch), epoch.loss_stated, epoch.lengths, epoch.by_elements
            )
            verdict = judge(claim, setting).verdict
            if verdict == "wrong" or (name in epoch.spans and verdict == "inconclusive"):
                found[name] = None
        return found

    @cached_property
    def names(self) -> Names:
        """What symbols stand for."""
        aliases = {_read(symbol): of for symbol, of in self.aliases.items()}
        if self.model is not None:
            found = (f.tree for f in self.found if isinstance(f, Formula))
            aliases = {**by_role(self.model, found), **aliases}
        trees = [f.tree for f in self.found if isinstance(f, Formula)]
        names = Names(
            aliases, horizons(self.stated), layers_in(self.stated),
            entries=entries_in_brackets(trees), adjoints=adjoints(self.stated),
            above=steps_above(trees), variables=differentiated_by(trees),
            members=members(trees),
        )  # fmt: skip
        names.look_ahead(self.stated, self.epoch_at)
        return names

    @cached_property
    def author(self) -> Author:
        return Author(self.document, self.found)

    def epoch_at(self, at: int) -> Epoch | None:
        """The model that holds where a formula stands."""
        before = [e for e in self.epochs if e.start <= at]
        return before[-1] if before else next(iter(self.epochs), None)

    def setting(self, epoch: Epoch) -> Setting:
        return Setting(
            self.names.scope(epoch), epoch.loss_stated, epoch.lengths, epoch.by_elements,
            worlds=epoch.worlds, work=self.work, rows=self.lays_out_rows,
        )  # fmt: skip

    @property
    def lays_out_rows(self) -> bool:
        """Whether gradients are rows, by the words of the document or a claim so far."""
        shown = any(c.layout is Layout.NUMERATOR for c in self.conventions)
        return shown or self._says_rows

    @cached_property
    def _says_rows(self) -> bool:
        return _ROWS.search(self.document.text) is not None

    def length_said(self, f: Formula) -> int | None:
        """The number of steps that the text says under the heading of a formula, or in it:
        ``Written out for $T = 2$``."""
        found = [int(n) for n in _LENGTH.findall(f.fragment.heading)]
        above = (g for g in self.found if isinstance(g, Formula) and g.line <= f.line)
        for tree in (g.tree for g in above if g.fragment.heading == f.fragment.heading):
            match tree:
                case Relation((Symbol("T"), Number(value)), ("=",)) if value > 0:
                    found.append(int(value))
                case Relation((Symbol(whole), Sum(terms, signs)), ("=",)) if (
                    whole in LOSSES and {*signs} == {1} and _are_losses(terms)
                ):
                    found.append(len(terms))
        return found[-1] if found else None

    def words_of_section(self, f: Formula) -> str:
        """The text from the heading that a formula stands under to two lines below it."""
        text = self.document.text
        lines = (text.count("\n", 0, heading.offset) for heading in self.document.headings)
        begin = max((n for n in lines if n < f.line), default=0)
        return "\n".join(text.splitlines()[begin : f.line + 2])

    @cached_property
    def length_throughout(self) -> int | None:
        """The one number of steps that a text ever says, if not of one case: ``The sequence has T =
        3 steps``."""
        text = _CODE.sub("", self.document.text)
        found = set()
        for m in _LENGTH.finditer(text):
            before = text[max(0, m.start() - 300) : m.start()]
            if _ONE_CASE.search(_SENTENCE.split(before)[-1]) is None:
                found.add(int(m[1]))
        return found.pop() if len(found) == 1 else None

    def is_of_numbers(self, f: Formula) -> bool:
        """Whether the text under the heading of a formula says that all are numbers, ``scalars``,
        or the document of its states, ``h_t ∈ ℝ``."""
        if _IN_REALS.search(self.document.text):
            return True
        text = self.words_of_section(f)
        said = (m.start() for m in _NUMBERS.finditer(text))
        sentences = (_SENTENCE.split(text[max(0, at - 300) : at])[-1] for at in said)
        return any(_OF_LOSS.search(words) is None for words in sentences)

    @cached_property
    def last_written(self) -> int:
        """The largest step that the document writes as a number."""
        return max((least_length(Claim(p.left, p.right)) for p in links_of(self.stated)), default=1)


def _are_losses(terms: Sequence[Node]) -> bool:
    """Whether the terms of a sum are the losses of the first steps: ``ℓ_1 + ℓ_2``."""
    bases = {n.base for n in terms if isinstance(n, Symbol)}
    steps = [scripts(n) for n in terms if isinstance(n, Symbol)]
    numbered = [(Number(Fraction(i + 1)),) for i in range(len(terms))]
    return len(bases) == 1 and bases <= LOSSES and steps == numbered


def _read(symbol: str) -> str:
    r"""A name as it was given: ``\hat{y}`` is y_hat."""
    try:
        tree = parse(symbol)
    except SymbpttError:
        return symbol
    return Naming().read(tree)[0] if isinstance(tree, Symbol) else symbol
