r"""Fragments to formulas: each with its tree and its place, or with the reason it has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from symbptt.check.documents.asides import apart, plainly, separated
from symbptt.check.documents.document import Document
from symbptt.check.documents.fragments import Fragment
from symbptt.check.documents.repair import repairs
from symbptt.check.documents.rows import (
    CONTINUES,
    RELATION_SIGN,
    are_relations,
    as_cases,
    columns,
    of_size,
    rows_of,
    unframed,
    with_ends,
    with_what_goes_on,
)
from symbptt.check.documents.traced import Traced
from symbptt.check.notation.conditions import is_condition
from symbptt.errors import FormulaError, Place
from symbptt.formula import parse_equations
from symbptt.formula.lexicon import BIG_OPERATORS, PRODUCTS, RELATIONS
from symbptt.formula.tree import Group, Node, Relation, Span, Symbol, Text


@dataclass(frozen=True)
class Formula:
    r"""A formula of a document.

    Spans in ``tree`` count in ``text``, what the parser read; ``place`` leads to the document.
    ``carried``: the left side stands with the formula above, and this one begins with its
    relation sign, at ``begin`` of its text; ``between`` are the words between the two.  ``notes``
    say what was repaired.
    """

    tree: Node
    fragment: Fragment
    source: str
    line: int
    column: int
    carried: bool = False
    begin: int = 0
    notes: tuple[str, ...] = ()
    traced: Traced = field(default=Traced("", (), ()), repr=False, compare=False)
    between: str = ""

    @property
    def text(self) -> str:
        """What the parser read."""
        return self.traced.text

    def place(self, span: Span | None = None) -> Place:
        """Where in the document a part of the tree stands; without one, the formula."""
        span = self.tree.span if span is None else span
        start = max(span.start, self.begin) if span.end > self.begin else span.start
        return self.fragment.file.place(*self.traced.stretch(start, span.end))


@dataclass(frozen=True)
class Unparsed:
    """Mathematics that can't be read, and why, in one line."""

    fragment: Fragment
    source: str
    line: int
    column: int
    reason: str
    place: Place


_UNBRACED = re.compile(r"_(?:hh|xh|hx|hy|yh)(?![A-Za-z])")

#: Spaces and references to other formulas, which are no formula.
_NOTHING = re.compile(
    r"(?:[\s&~]|\\[,;:! ]|\\q?quad(?![A-Za-z])|\\(?:eq|auto|c|C)?ref\s*\{[^{}]*\}|\\displaystyle"
    r"|(?<!\\)%[^\n]*|(?:Eq|Eqs|Eqn|Fig|Sec|Ref)\.(?:[\s~]|\\space)*\(?[\w.]+\)?)*"
)

#: From where to where a function goes, ``f: \mathbb{R}^n \to \mathbb{R}``: no formula.
_MAPPING = re.compile(
    r"[^:=&]*[\w})]\s*(?:\\colon|:)(?!=)[^:=&]*(?:\\mathbb|\\mathcal|ℝ)[^:=&]*"
    r"(?:\\(?:long)?rightarrow|\\to|→)(?![A-Za-z])[^:=&]*"
)

#: What ends a formula in the words before another one.
MATHEMATICS_END = re.compile(r"\$|\\[\])]|\\end\s*\{[^{}]*\}|</math>")
DOTS = Text("...")
_STEPS = frozenset({"t", "s", "k", "i", "j", "l", "n", "tau", "T"})
#: Signs that may stand alone between dollars.
SIGNS = (
    PRODUCTS | RELATIONS | BIG_OPERATORS | {"+": "+", "-": "-", "\\partial": "∂", "\\nabla": "∇"}
)


def formulas(document: Document, *, letters: bool | None = None) -> list[Formula | Unparsed]:
    r"""Every formula of a document, in order; a lone symbol is one too.

    ``letters``: in TeX, each letter is a name of its own, as it is printed; by default so,
    unless the document writes ``W_hh`` without braces.

    >>> page = Document("$$a = b$$\n$$= c + d$$\nand $x + $\n")
    >>> [(f.line, f.column, f.source) for f in formulas(page)]
    [(1, 3, 'a = b'), (2, 3, '= c + d'), (3, 6, 'x +')]
    """
    if letters is None:
        letters = one_letter_names(document)
    reading = _Reading(letters)
    found: list[Formula | Unparsed] = []
    for fragment in document.fragments:
        found += reading.read(fragment)
    return found


def one_letter_names(document: Document) -> bool:
    """Whether each letter in TeX is a name of its own: not where ``W_hh`` stands unbraced."""
    return not any(f.form != "text" and _UNBRACED.search(f.text) for f in document.fragments)


@dataclass
class _Reading:
    """The formulas of a document, one after another: some go on from the one before."""

    letters: bool
    #: the left side that a formula may go on from, and the heading that it stands under
    left: Traced | None = None
    heading: str = ""
    #: the words between that left side and the fragment at hand
    between: str = ""
    #: the left side of the display above, and the words since then
    above: Traced | None = None
    since: str = ""

    def read(self, fragment: Fragment) -> list[Formula | Unparsed]:
        found = self.rows(fragment)
        if fragment.form != "inline":
            self.above, self.since = self.left, self.between
        return found

    def rows(self, fragment: Fragment) -> list[Formula | Unparsed]:
        if fragment.heading != self.heading:
            self.left, self.above, self.heading = None, None, fragment.heading
        words = MATHEMATICS_END.split(fragment.before)[-1]
        self.since = f"{self.since} {words}".strip()
        if fragment.form in ("display", "environment"):
            self.between = f"{self.between} {words}".strip()
        plain = plainly(fragment.traced, typed=fragment.form == "text")
        plain = as_cases(unframed(plain))
        if _NOTHING.fullmatch(plain.text):
            return []
        text = plain if fragment.form == "text" else separated(plain)
        rows = rows_of(text)
        cells = [cell for row in rows for cell in columns(row)]
        if len(cells) > len(rows):
            rows = cells
        elif text is plain or not are_relations(rows):
            try:
                if whole := [*self.parsed(fragment, text)]:
                    return [*whole]
            except FormulaError as e:
                if len(rows) < 2:
                    return [self.lost(fragment, text, e)]
        found: list[Formula | Unparsed] = []
        for row in with_what_goes_on(with_ends(rows)):
            try:
                found += self.parsed(fragment, row)
            except FormulaError as e:
                found.append(self.lost(fragment, row, e))
        return found or [self.lost(fragment, text, _no_formula(text))]

    def lost(self, fragment: Fragment, text: Traced, e: FormulaError) -> Unparsed:
        """What can't be read; what goes on from it has its left side, if that is read, or none."""
        sign = re.search(RELATION_SIGN, text.text)
        if sign is not None and not CONTINUES.match(text.text):
            left = text[: sign.start()]
            try:
                self.remember(left, self.trees(fragment, left))
                self.between = ""
            except FormulaError:
                self.left = None
        return _unparsed(fragment, text, e)

    def parsed(self, fragment: Fragment, text: Traced) -> Iterator[Formula]:
        """The formulas of a text, with a bracket repaired where that is all it takes."""
        text = of_size(text)
        continues = CONTINUES.match(text.text)
        start = 0
        if continues is not None and self.left is not None:
            at = continues.start("sign")
            start = at + len(self.left) + 1
            space = text.standing(" ", at, at)
            text = Traced.joined([text[:at], self.left, space, text[at:]])
        notes = fragment.notes
        try:
            trees = self.trees(fragment, text)
        except FormulaError:
            for candidate, note in repairs(text):
                try:
                    trees = self.trees(fragment, candidate)
                except FormulaError:
                    continue
                text, notes = candidate, (*notes, note)
                break
            else:
                raise
        for i, tree in enumerate(trees):
            carried = start > 0 and i == 0
            found = _formula(fragment, text, tree, start if carried else 0, notes, carried)
            yield replace(found, between=self.between) if carried else found
        if fragment.form == "inline" and self.above is not None and _is_aside(fragment, trees):
            self.left, self.between = self.above, self.since
            return
        if not start:
            self.between = ""
        self.remember(text, trees)

    def trees(self, fragment: Fragment, text: Traced) -> list[Node]:
        if _MAPPING.fullmatch(text.text):
            return [Text(text.text.strip(), span=Span(0, len(text)))]
        sign = SIGNS.get(text.text.strip())
        if sign is not None:  # `$\odot$`: a sign that the sentence talks about
            return [Text(sign, span=Span(0, len(text)))]
        letters = self.letters and fragment.form != "text"
        found = parse_equations(text.text, lines=False, letters=letters)
        if not found:
            raise _no_formula(text)
        return [part for tree in gathered(found) for part in apart(tree, text.text)]

    def remember(self, text: Traced, trees: Sequence[Node]) -> None:
        stated = [tree for tree in trees if not _is_about_steps(tree)]
        last = (stated or trees)[-1]
        side = last.sides[0] if isinstance(last, Relation) else last
        self.left = text[side.span.start : side.span.end]


def _is_aside(fragment: Fragment, trees: Sequence[Node]) -> bool:
    r"""Whether a formula in a sentence has no value that a display would go on from: a list, or
    what a comma parts from it, "because $s_t$ only affects $L_t$, \[= …\]"."""
    last = trees[-1]
    listed = isinstance(last, Group) and last.opening == ""
    parted = fragment.after.lstrip().startswith((",", "，"))
    return listed or (parted and not isinstance(last, Relation))


def _is_about_steps(tree: Node) -> bool:
    """Whether a formula is a condition on what usually counts steps, and not ``a = b``."""
    letters = {n.base for n in tree.walk() if isinstance(n, Symbol)}
    return is_condition(tree) and not letters.isdisjoint(_STEPS)


def gathered(trees: Sequence[Node]) -> list[Node]:
    r"""The parts of ``t = 1, 2, \dots, T`` and of ``x_1, \dots, x_T`` as one list each.

    The list is a ``Group`` whose ``opening`` is empty.
    """
    done: list[Node] = []
    i = 0
    while i < len(trees):
        stop = i + 1
        while stop < len(trees) and not isinstance(trees[stop], Relation):
            stop += 1
        items = list(trees[i:stop])
        head = items[0]
        i = stop
        trails_off = items[1:] == [DOTS] and not is_condition(head)  # a row of dots below it
        if len(items) == 1 or (isinstance(head, Relation) and (trails_off or DOTS not in items)):
            done += items
        elif isinstance(head, Relation):
            bare = _list([head.sides[-1], *items[1:]])
            span = Span(head.span.start, bare.span.end)
            done.append(replace(head, sides=(*head.sides[:-1], bare), span=span))
        else:
            done.append(_list(items))
    return done


def _list(items: Sequence[Node]) -> Group:
    span = Span(items[0].span.start, items[-1].span.end)
    return Group("", tuple(items), (",",) * (len(items) - 1), span=span)


def _formula(
    fragment: Fragment,
    text: Traced,
    tree: Node,
    start: int,
    notes: tuple[str, ...],
    carried: bool,
) -> Formula:
    begin = max(start, tree.span.start)
    first, last = text.stretch(begin, tree.span.end)
    line, column = fragment.file.position(first)
    source = fragment.file.text[first:last]
    return Formula(tree, fragment, source, line, column, carried, start, notes, text)


def _unparsed(fragment: Fragment, text: Traced, e: FormulaError) -> Unparsed:
    part = text.stripped()
    first, last = part.stretch(0, len(part))
    line, column = fragment.file.position(first)
    place = e.place or Place(text.text, 0, len(text))
    exact = fragment.file.place(*text.stretch(place.start, place.end))
    source = fragment.file.text[first:last]
    return Unparsed(fragment, source, line, column, e.message, exact)


def _no_formula(text: Traced) -> FormulaError:
    return FormulaError("there is no formula here", Place(text.text, 0, len(text)))
