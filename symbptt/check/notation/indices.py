r"""Letters that count entries as some books have them: ``w_{hh'}``, and one letter per layer.

``a_h^t = Σ_i w_{ih} x_i^t + Σ_{h'} w_{h'h} b_{h'}^{t-1}`` and ``a_k^t = Σ_h w_{hk} b_h^t`` are
about two vectors a and three matrices w: the letters say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from symbptt.check.notation.scripts import ENTRY_LETTERS, MARK, is_time, scripts
from symbptt.check.notation.symbols import ACTIVATION_NAMES, ERRORS
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Product,
    Relation,
    Symbol,
    Text,
)

#: Letters that count steps wherever they stand.
OF_TIME = frozenset("tsT")
#: A letter with its primes: h'.
Letter = tuple[str, int]


@dataclass(frozen=True)
class Indices:
    """The letters that count entries in a document: those of sums, and ``given``, which say what
    layer a quantity is of, where letters do.  ``pairs``: those that stand beside others, ``ij``,
    and are no names of what has steps."""

    letters: frozenset[Letter]
    given: tuple[str, ...] = ()
    pairs: frozenset[Letter] = frozenset()

    def rewritten(self, node: Node) -> Node:
        """A node with its letters in one spelling, and names of layers with theirs."""
        match node:
            case Symbol():
                return self._symbol(node)
            case BigOperator(index=Symbol() as index) if (found := self._alone(index)) is not None:
                return replace(node, index=found)
            case Call(Symbol() as f, (argument,)) if name := self._function(f, argument):
                return replace(node, function=name)
            case Product(factors):
                found_factors = list(factors)
                for at, (a, b) in enumerate(pairwise(factors)):
                    if isinstance(a, Symbol) and isinstance(b, Group) and node.operators[at] == "":
                        found_factors[at] = self._function(a, b) or a
                if found_factors != list(factors):
                    return replace(node, factors=tuple(found_factors))
        return node

    def generic(self, tree: Node) -> list[tuple[str, str]]:
        """The letters that stand for one of any layer, each with a layer: j in δ_j."""
        left = tree.sides[0] if isinstance(tree, Relation) else None
        if not self.given or not isinstance(left, Symbol) or left.base not in ERRORS:
            return []
        alone = [p.base for p in scripts(left) if isinstance(p, Symbol) and _is_plain((p.base, 0))
                 and len(p.base) == 1]  # fmt: skip
        if len(alone) != 1 or (alone[0], 0) in self.letters:
            return []
        return [(alone[0], layer) for layer in self.given]

    def _alone(self, symbol: Symbol) -> Symbol | None:
        letter = _letter(symbol)
        return _spelled(letter, symbol) if letter in self.letters else None

    def _symbol(self, node: Symbol) -> Symbol:
        def parts(found: tuple[Node, ...]) -> tuple[Node, ...]:
            return tuple(x for part in found for x in self._part(part))

        return replace(
            node,
            subscripts=parts(node.subscripts),
            superscripts=parts(node.superscripts),
            indices=parts(node.indices),
        )

    def _part(self, part: Node) -> Iterator[Node]:
        """A script, in letters of one spelling."""
        letters = [*_letters(part)]
        known = letters and len(letters) <= 2 and all(x in self.letters for x in letters)
        if not known or (not self.given and all(map(_is_plain, letters))):
            yield part
            return
        if self.given:
            yield Text("".join(base for base, _ in letters), span=part.span)
        spelled = tuple(_spelled(x, part) for x in letters)
        if len(spelled) == 1:
            yield spelled[0]
        else:
            yield Product(spelled, ("",), span=part.span)

    def _function(self, f: Symbol, argument: Node) -> Symbol | None:
        """``θ_h(a_h)``: the function of a layer."""
        match f.subscripts:
            case (Text(), Symbol() as entry) | (Symbol() as entry,) if not f.superscripts:
                known = entry.base.endswith(MARK) or (
                    f.base in ACTIVATION_NAMES and _letter(entry) in self.pairs
                )
                if known and any(n == entry for n in argument.walk()):
                    return replace(f, subscripts=())
        return None


NO_INDICES = Indices(frozenset())


def _is_plain(letter: Letter) -> bool:
    return letter[0] in ENTRY_LETTERS and not letter[1]


def _spelled(letter: Letter, at: Node) -> Symbol:
    base, primes = letter
    mark = "" if _is_plain(letter) else MARK
    return Symbol(base + "′" * primes + mark, span=at.span)


def _letter(node: Node) -> Letter | None:
    """A letter, perhaps with primes."""
    if isinstance(node, Symbol) and len(node.base) == 1 and not scripts(node) and not node.accents:
        return node.base, node.primes
    return None


def _letters(part: Node) -> Iterator[Letter]:
    """The letters of a script: h and h' in ``w_{hh'}``."""
    match part:
        case Symbol(base) if not scripts(part) and not part.accents and base.isalpha():
            if len(base) <= 2:
                yield from ((x, 0) for x in base[:-1])
                yield base[-1], part.primes
        case Product(factors, operators) if not any(operators):
            for f in factors:
                yield from _letters(f)


def indices_of(trees: Iterable[Node]) -> Indices:
    """The letters that count entries in a document."""
    every = list(trees)
    pairs = {
        x for tree in every for n in tree.walk() if isinstance(n, Symbol)
        for part in scripts(n) if len(found := {*_letters(part)}) == 2 for x in found
    }  # fmt: skip
    summed = {
        letter for tree in every for n in tree.walk()
        if isinstance(n, BigOperator) and n.index is not None
        and (letter := _letter(n.index)) is not None and letter[0] not in OF_TIME
        and letter in pairs
    }  # fmt: skip
    given: dict[str, dict[str, None]] = {}
    for base, name in _given(every):
        if (name, 0) in pairs:
            given.setdefault(base, {}).setdefault(name)
    layered = next((tuple(letters) for letters in given.values() if len(letters) > 1), ())
    if any(letter in layered and letter not in given[base] for base, letter in _borne(every)
           if base in given):  # fmt: skip
        layered = ()  # one letter counts what is in several layers
    letters = frozenset(summed | {(x, 0) for x in layered})
    return Indices(letters, layered, frozenset(x for x in pairs if x[0] not in _timed(every)))


def _timed(trees: Iterable[Node]) -> set[str]:
    """The names that have steps: what ``σ_h`` is of, where there is ``h_t``."""
    return {
        n.base for tree in trees for n in tree.walk()
        if isinstance(n, Symbol) and any(map(is_time, scripts(n)))
    }  # fmt: skip


def _borne(trees: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """The names in formulas, each with the letter of an element that it bears."""
    for tree in trees:
        for n in tree.walk():
            if isinstance(n, Symbol):
                yield from ((n.base, x[0]) for p in scripts(n) if (x := _letter(p)) is not None)


def _given(trees: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """What equations give the elements of, and the letter of those: a and h for ``a_h^t = …``."""
    for tree in trees:
        if not isinstance(tree, Relation) or not isinstance(tree.sides[0], Symbol):
            continue
        left, right = tree.sides[0], tree.sides[1]
        if left.base in ERRORS or any(isinstance(n, Differential) for n in right.walk()):
            continue
        parts = scripts(left)
        alone = [x for p in parts if (x := _letter(p)) is not None and x[0] != "t" and not x[1]]
        timed = any(map(is_time, parts))
        sums = any(isinstance(n, BigOperator) for n in right.walk())
        if timed and sums and len(parts) == 2 and len(alone) == 1:
            yield left.base, alone[0][0]


def entries_in_brackets(trees: Iterable[Node]) -> frozenset[str]:
    """The letters that stand in brackets behind names with a step: i in ``o_t[i]``."""
    return frozenset(
        part.base
        for tree in trees
        for n in tree.walk()
        if isinstance(n, Symbol) and any(map(is_time, (*n.subscripts, *n.superscripts)))
        for part in n.indices
        if isinstance(part, Symbol) and _is_plain((part.base, 0)) and part == Symbol(part.base)
    )


def steps_above(trees: Iterable[Node]) -> frozenset[str]:
    """The letters that bear their steps as superscripts, ``h^{(t)}``, and nowhere else."""
    above, below = set[str](), set[str]()
    for tree in trees:
        for n in tree.walk():
            if isinstance(n, Symbol) and any(map(is_time, n.superscripts)):
                above.add(n.base)
            elif isinstance(n, Symbol) and any(map(is_time, n.subscripts)):
                below.add(n.base)
    return frozenset(above - below)


def relettered(node: Node, old: str, new: str) -> Node:
    """A formula with another letter in its scripts."""
    if node == Symbol(old):
        return Symbol(new, span=node.span)
    return node.rebuilt(lambda n: relettered(n, old, new))
