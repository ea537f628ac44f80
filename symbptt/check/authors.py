"""What an author writes: the pieces of formulas that edits may use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, Unparsed, one_letter_names
from symbptt.check.edits.places import is_slope
from symbptt.check.edits.retimed import retimed, retiming, skeleton, steps_in
from symbptt.check.edits.step_rows import step_letters
from symbptt.check.networks.parts import notation_of
from symbptt.check.notation.normal import Known, Notation, normal
from symbptt.check.notation.symbols import Scope
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Product,
    Relation,
    Sum,
    Symbol,
)
from symbptt.model.names import symbols

#: How many pieces of other formulas an edit may put in.
MOST_SLOPES, MOST_QUANTITIES, MOST_TERMS, MOST_SIBLINGS = 12, 24, 16, 8
#: How many formulas show the author's hand, and how many offer pieces.
MOST_FORMULAS, MOST_NEAR = 40, 400
#: A line break in front of a letter, ``\\E``, where one backslash too many was written.
BROKEN = re.compile(r"\\\\(?=[A-Za-z])")


@dataclass(frozen=True)
class Written:
    """A piece of a formula: its tree, the text that its spans count in, the formula."""

    node: Node
    formula: Formula

    @property
    def text(self) -> str:
        return self.formula.text

    def __str__(self) -> str:
        return self.text[self.node.span.start : self.node.span.end]


@dataclass(frozen=True)
class Author:
    """How a document writes: what its formulas are made of."""

    document: Document
    found: Sequence[Formula | Unparsed]

    @cached_property
    def formulas(self) -> list[Formula]:
        return [f for f in self.found if isinstance(f, Formula)]

    @cached_property
    def letters(self) -> bool:
        """Whether each letter in TeX is a name of its own in this document."""
        return one_letter_names(self.document)

    @cached_property
    def notation(self) -> Notation:
        """How the document writes names."""
        return notation_of(self.found)

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {id(f): i for i, f in enumerate(self.formulas)}

    def near(self, f: Formula) -> tuple[int, list[Formula]]:
        """The formulas around one, all of them in a document of usual length, and its own place."""
        at = self._positions.get(id(f), 0)
        first = max(0, min(at - MOST_NEAR // 2, len(self.formulas) - MOST_NEAR))
        return at - first, self.formulas[first : first + MOST_NEAR]

    def alike(self, f: Formula) -> list[Formula]:
        """The formulas written as this one is, TeX or text, the nearest first."""
        at, around = self.near(f)
        text = f.fragment.form == "text"
        near = sorted(enumerate(around), key=lambda pair: abs(pair[0] - at))
        return [g for _, g in near if (g.fragment.form == "text") is text]

    def sample(self, f: Formula) -> list[tuple[Node, str]]:
        """Formulas that show the hand which wrote this one."""
        return [(g.tree, g.text) for g in self.alike(f)[:MOST_FORMULAS]]

    def quantities(self, scope: Scope, f: Formula) -> tuple[str, ...]:
        """The quantities of the model, as formulas like this one write them."""
        text = f.fragment.form == "text"
        found: dict[tuple[Node, bool], str] = {}
        for g in self.near(f)[1]:
            if (g.fragment.form == "text") is text:
                letters = step_letters(g.tree)
                for n in symbols(g.tree):
                    meant = scope.meant(n)
                    if meant is not None and meant.kind == "quantity":
                        key = skeleton(n, letters), _is_earlier(n)
                        found.setdefault(key, g.text[n.span.start : n.span.end])
        return tuple(islice(found.values(), MOST_QUANTITIES))

    def plain(self, node: Node, f: Formula, known: Known | None = None) -> Node:
        """A tree as the formulas of this document are taken."""
        notation = self.notation if f.fragment.form == "text" else self.notation.tex()
        return normal(node, notation, known)


def _is_earlier(symbol: Symbol) -> bool:
    """Whether a name stands at the step before: ``h_{t-1}``."""
    return any(
        isinstance(e, Sum) and e.signs[-1] < 0
        for e in (*symbol.subscripts, *symbol.superscripts, *symbol.indices)
    )


@dataclass(frozen=True)
class Pieces:
    """What other formulas of a document offer to one of its claims, at the steps of the claim."""

    author: Author
    claim: Relation
    formula: Formula

    @cached_property
    def numbered(self) -> frozenset[str]:
        text = self.formula.fragment.form == "text"
        return self.author.notation.numbered if text else frozenset()

    @cached_property
    def letters(self) -> tuple[Symbol, ...]:
        return step_letters(self.claim)

    @cached_property
    def sides(self) -> list[tuple[Node, Written]]:
        """Left sides, each with a right side, of all formulas."""
        return [
            (f.tree.sides[0], Written(side, f))
            for f in self.author.alike(self.formula)
            if isinstance(f.tree, Relation) and {*f.tree.operators} <= {"="}
            for side in f.tree.sides[1:]
            if f is not self.formula or side.span != self.claim.sides[-1].span
        ]

    def at_steps(self, piece: Written, left: Node) -> Iterator[str]:
        """A piece at the steps of the claim's left side, where ``left`` has other steps."""
        letters = (*self.letters, *step_letters(left))
        there = [*steps_in(left, letters, self.numbered)]
        here = [*steps_in(self.claim.sides[0], letters, self.numbered)]
        if there and here and there[0] != here[0]:
            change = retiming(there[0], here[0])
            words = retimed(piece.node, piece.text, change, letters, self.numbered)
            if words is not None:
                yield words
        else:
            yield str(piece)

    @cached_property
    def siblings(self) -> tuple[str, ...]:
        """What other formulas say that the same left side is."""
        letters = self.letters
        mine = skeleton(self.claim.sides[0], letters, self.numbered)
        found: dict[str, None] = {}
        for left, right in self.sides:
            if skeleton(left, (*letters, *step_letters(left)), self.numbered) == mine:
                found |= dict.fromkeys(self.at_steps(right, left))
        return tuple(islice(found, MOST_SIBLINGS))

    @cached_property
    def terms(self) -> dict[str, bool]:
        """Terms of other formulas, and whether each stands first there."""
        found: dict[str, bool] = {}
        if not isinstance(self.claim.sides[-1], BigOperator):
            for left, right in self.sides:
                for term, first in _terms(right.node):
                    for words in self.at_steps(Written(term, right.formula), left):
                        found.setdefault(words, first)
        return dict(islice(found.items(), MOST_TERMS))

    @cached_property
    def slopes(self) -> tuple[str, ...]:
        """The derivatives of activations, at the steps that stand in the claim."""
        found: dict[str, None] = {}
        own = steps_in(self.claim, self.letters, self.numbered)
        beside = ((letter, n + by) for by in (-1, 1) for letter, n in own)
        steps = dict.fromkeys((*own, *beside))
        kinds: dict[Node, Written] = {}
        for f in self.author.alike(self.formula):
            letters = (*self.letters, *step_letters(f.tree))
            for node in _slopes(f.tree):
                kinds.setdefault(skeleton(node, letters, self.numbered), Written(node, f))
        named = any(map(_is_diagonal, self.claim.walk()))
        likely = sorted(
            kinds.values(), key=lambda s: (_is_long(s.node), named is not _is_diagonal(s.node))
        )
        for slope in likely:
            letters = (*self.letters, *step_letters(slope.node))
            there = [*steps_in(slope.node, letters, self.numbered)]
            if len(there) != 1:
                found.setdefault(str(slope))
                continue
            for here in steps:
                change = retiming(there[0], here)
                words = retimed(slope.node, slope.text, change, letters, self.numbered)
                if words is not None:
                    found.setdefault(words)
        return tuple(islice(found, MOST_SLOPES))


def _is_diagonal(node: Node) -> bool:
    return isinstance(node, Call) and node.function.base.lower() == "diag"


def _is_long(slope: Node) -> bool:
    """Whether a pre-activation is written out in it."""
    calls = (n for n in slope.walk() if isinstance(n, Call) and not _is_diagonal(n))
    return any(isinstance(x, Sum) for n in calls for x in n.arguments)


def _terms(node: Node) -> Iterator[tuple[Node, bool]]:
    """The terms of a sum, also of one in brackets; anything else is its own one term."""
    match node:
        case Sum(terms=terms, signs=signs):
            for i, (term, sign) in enumerate(zip(terms, signs, strict=True)):
                if sign > 0 and not isinstance(term, Number):
                    yield term, i == 0
        case Product(factors=factors):
            yield node, True
            for factor in factors:
                match factor:
                    case Group(items=(Sum(terms=(first, *_)) as inner,)) if not is_slope(factor):
                        if isinstance(first, Product):
                            yield from _terms(inner)
                    case _:
                        pass
        case Group(items=(inner,)):
            yield from _terms(inner)


def _slopes(tree: Node) -> Iterator[Node]:
    """``1 - h^2`` and the like; ``f ⊙ (1 - f)`` as a whole."""
    pairs: set[int] = set()
    for n in tree.walk():
        if isinstance(n, Product):
            for a, b, op in zip(n.factors, n.factors[1:], n.operators, strict=False):
                match b:
                    case Group(items=(Sum(terms=(Number(), x), signs=(1, -1)),)) if x == a:
                        pairs.add(id(b))
                        span = type(n.span)(a.span.start, b.span.end)
                        yield Product((a, b), (op,), span=span)
        if is_slope(n) and id(n) not in pairs:
            yield n
