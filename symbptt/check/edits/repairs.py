r"""One-edit repairs of a formula: what its author may have meant.

A mistake in a gradient formula is most often one of a few dozen: a transpose lost, an index
off by one, a carry term forgotten.  Each is a row of a table; an edit undoes one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, islice, product

from symbptt.check.edits import (
    step_rows,
)
from symbptt.check.edits.hand import hand
from symbptt.check.edits.indices import UnspelledError
from symbptt.check.edits.parts import Hints
from symbptt.check.edits.places import Path, Place, difference, placed, places
from symbptt.check.edits.respell import Speller
from symbptt.check.edits.rows import LEFT, ROWS, Row
from symbptt.errors import FormulaError
from symbptt.formula import parse
from symbptt.formula.tree import Node, Quotient, Relation, Span, Symbol

_NAMESPACE = re.compile(
    r"(?<![A-Za-z0-9_.])(?:self|this|np|numpy|jnp|torch|tf|nn|math)\.(?=[A-Za-z_])"
)


@dataclass(frozen=True)
class Edit:
    """A formula with one thing changed: what the mistake is called, and in a sentence.

    ``node`` is what the parser reads in ``text``.
    """

    mistake: str
    says: str
    node: Relation
    text: str


@dataclass(frozen=True)
class Candidate:
    """An edit before its text is spelled: the row, and the tree."""

    row: Row
    node: Relation


def repairs(
    claim: Relation,
    text: str,
    holds: Callable[[Relation], bool],
    *,
    letters: bool,
    functions: Collection[str] = (),
    factors: Sequence[str] = (),
    terms: Sequence[str] = (),
    quantities: Sequence[str] = (),
    siblings: Sequence[str] = (),
    leading: Collection[str] = (),
    sample: Sequence[tuple[Node, str]] = (),
    numbered: Collection[str] = (),
    limit: int = 400,
) -> Iterator[Edit]:
    r"""The edits of a claim that hold, likeliest first, in the author's notation.

    ``claim`` is what the parser read in ``text``, with the same ``letters`` and ``functions``;
    an edit's text reads back as its tree.  ``factors`` and ``terms`` are what may be missing,
    ``leading`` the terms that stand first where they come from, ``quantities`` the names that
    may be meant instead of others, ``siblings`` the right sides that other formulas have for the
    same left side: all in the author's notation.  ``sample``: other formulas in the author's
    hand, each with its text; ``numbered``: the names that bear their step as a number.
    At most ``limit`` edits are asked about.

    >>> claim = parse(r"\delta_t = W_{hh} \delta_{t+1}", letters=True)
    >>> meant = parse(r"\delta_t = W_{hh}^T \delta_{t+1}", letters=True)
    >>> for edit in repairs(claim, r"\delta_t = W_{hh} \delta_{t+1}", meant.__eq__, letters=True):
    ...     print(edit.mistake, "-", edit.text)
    transpose missing - \delta_t = W_{hh}^T \delta_{t+1}
    """
    author = writing(
        claim,
        text,
        letters=letters,
        functions=functions,
        factors=factors,
        terms=terms,
        quantities=quantities,
        siblings=siblings,
        leading=leading,
        sample=sample,
        numbered=numbered,
    )
    if author is None:
        return
    for candidate in islice(candidates(author.claim, author.hints), limit):
        if holds(candidate.node):
            edit = author.edit(candidate)
            if edit is not None:
                yield edit


@dataclass(frozen=True)
class Writing:
    """A claim with what it takes to edit it and to write the edits down."""

    claim: Relation
    hints: Hints
    speller: Speller
    read: Callable[[str], Node | None]

    def edit(self, candidate: Candidate) -> Edit | None:
        """An edit with its text, if that text says what the tree does."""
        row, node = candidate.row, candidate.node
        try:
            text = self.speller.edited(node)
        except UnspelledError:
            return None
        again = self.read(text)
        if again != node or not isinstance(again, Relation):
            return None
        return Edit(row.mistake, row.says, again, text)


def writing(
    claim: Relation,
    text: str,
    *,
    letters: bool,
    functions: Collection[str] = (),
    factors: Sequence[str] = (),
    terms: Sequence[str] = (),
    quantities: Sequence[str] = (),
    siblings: Sequence[str] = (),
    leading: Collection[str] = (),
    sample: Sequence[tuple[Node, str]] = (),
    numbered: Collection[str] = (),
) -> Writing | None:
    """A claim made ready for edits; None where its text alone doesn't say what its tree does."""

    known = frozenset(functions)

    def read(words: str) -> Node | None:
        return _parsed(words, letters, known)

    source = _own(claim, text, read)
    if source is None:
        return None
    claim, text = source
    given = [
        [(node, words) for words in some if (node := _read(words, read)) is not None]
        for some in (factors, terms, quantities, siblings)
    ]
    extra = [pair for some in given for pair in some]
    written = hand([(claim, text), *sample, *extra], letters=letters)
    pieces = [tuple(node for node, _ in some) for some in given]
    hints = Hints(
        written,
        step_rows.step_letters(claim),
        factors=pieces[0],
        terms=pieces[1],
        quantities=pieces[2],
        siblings=pieces[3],
        numbered=frozenset(numbered),
        entries=step_rows.entry_letters(claim),
        steps=step_rows.steps_of(claim),
        left=frozenset(n for n in claim.sides[0].walk() if isinstance(n, Symbol)),
        leading=frozenset(node for node, words in given[1] if words in leading),
    )
    return Writing(claim, hints, Speller(claim, text, written, extra), read)


def candidates(claim: Relation, hints: Hints) -> Iterator[Candidate]:
    """Every edit of a claim once, by the cost of its row and then by its place."""
    right = list(places(claim))
    left = [Place(claim.sides[0], (("sides", 0),), claim)]
    seen: set[tuple[Path, Node]] = set()
    for table, everywhere in ((ROWS, right), (LEFT, left)):
        for _, alike in groupby(table, key=lambda row: row.cost):
            level = list(alike)
            for place, row in product(everywhere, level):
                for new in row.make(place, hints):
                    key = difference(place.node, new, place.path)
                    if key is not None and key not in seen:
                        seen.add(key)
                        node = placed(claim, place.path, new)
                        if not _is_idle(node, claim):
                            yield Candidate(row, node)


def _is_idle(node: Relation, claim: Relation) -> bool:
    """Whether an edit says nothing: ``a = a``, or by way of ``∂a/∂a``."""
    if node.sides[0] in node.sides[1:]:
        return True
    by_itself = [
        sum(isinstance(n, Quotient) and n.numerator == n.denominator for n in tree.walk())
        for tree in (node, claim)
    ]
    return by_itself[0] > by_itself[1]


@lru_cache(maxsize=2000)
def _parsed(words: str, letters: bool, functions: frozenset[str]) -> Node | None:
    """What the parser reads: the same pieces go into the edits of many formulas."""
    try:
        return parse(words, letters=letters, functions=functions)
    except FormulaError:
        return None


def _own(
    claim: Relation, text: str, read: Callable[[str], Node | None]
) -> tuple[Relation, str] | None:
    """A claim and a text that is its own; a part of a chain is put together from its sides."""
    whole = text[claim.span.start : claim.span.end]
    sides = [text[s.span.start : s.span.end] for s in claim.sides]
    signs = [f" {op} " for op in claim.operators]
    pieced = sides[0] + "".join(a + b for a, b in zip(signs, sides[1:], strict=True))
    for source in (whole, pieced):
        node = _read(source, read)
        if node == claim and isinstance(node, Relation):
            return node, source
    return None


def _read(text: str, read: Callable[[str], Node | None]) -> Node | None:
    """A tree in which ``np.`` belongs to what it stands before."""
    node = read(text)
    starts = {m.end(): m.start() for m in _NAMESPACE.finditer(text)}
    return _widened(node, starts) if node is not None and starts else node


def _widened(node: Node, starts: Mapping[int, int]) -> Node:
    node = node.rebuilt(lambda child: _widened(child, starts))
    start = node.span.start
    return replace(node, span=Span(starts.get(start, start), node.span.end))
