"""The notation of a document, and trees brought to the ordinary one: ``h1``, ``ht-1``.

A step never changes what a formula says: only how its tree says it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise

from symbptt.check.notation.bracketed import in_brackets
from symbptt.check.notation.counting import counts_from_zero
from symbptt.check.notation.indices import NO_INDICES, Indices, indices_of
from symbptt.check.notation.letters import no_losses, own_loss
from symbptt.check.notation.neighbours import NO_NEIGHBOURS, Neighbours, has_words, neighbours_of
from symbptt.check.notation.rewritings import NUMBERED, REWRITINGS, beside_time, entry_at_step
from symbptt.check.notation.scripts import scripts
from symbptt.check.notation.units import nests_entries, unnested
from symbptt.formula.tree import (
    Group,
    Node,
    Number,
    Power,
    Product,
    Relation,
    Symbol,
    Text,
    Transpose,
)
from symbptt.model.names import Naming
from symbptt.model.terms import Index


@dataclass(frozen=True)
class Notation:
    """How a document writes names.

    ``numbered``: the names that end in their step, ``h1``; ``above``: those that bear it as a
    superscript; ``joined``: what stands behind the d of a name; ``bracketed``: the names that
    have their step in brackets, ``h_i(t)``; ``timed``: those with the letter of time as a script;
    ``indices``: the letters that count entries; ``counted``: the names that a superscript tells
    apart, ``z_t^1`` and ``z_t^2``; ``neighbours``: those whose steps are words; ``stacks``:
    whether ``concat`` is the name of a stacked vector; ``batches``: the letters for the number of
    examples in a batch; ``from_zero``: whether the first step is 0;
    ``stars``: whether a star is the matrix product; ``numbered_errors``: whether numbers tell the
    δ apart, and count no steps; ``no_losses``: the letters of losses that are none here;
    ``own_loss``: the letter of the loss, if no usual one; ``beside``: the names that have the
    letter of time beside them, ``ht``; ``nested``: whether the letter of an entry hangs on that
    of time, ``y_{t_k}``.
    """

    numbered: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()
    bracketed: frozenset[str] = frozenset()
    timed: frozenset[str] = frozenset()
    indices: Indices = NO_INDICES
    counted: frozenset[str] = frozenset()
    neighbours: Neighbours = NO_NEIGHBOURS
    stacks: bool = False
    batches: frozenset[str] = frozenset()
    from_zero: bool = False
    numbered_errors: bool = False
    no_losses: frozenset[str] = frozenset()
    own_loss: str | None = None
    beside: frozenset[str] = frozenset()
    nested: bool = False
    stars: bool = False

    @classmethod
    def of(
        cls, trees: Iterable[Node], plain: Iterable[Node], batches: frozenset[str] = frozenset()
    ) -> Notation:
        """The notation of a document; ``plain`` are the formulas that are no TeX."""
        every, typed = [_with_entry_first(tree) for tree in trees], list(plain)
        beside = names_beside_time(every)
        nested = nests_entries(every)
        if nested:
            every = [_with_entries(tree) for tree in every]
        if beside:
            every = [_with_time(tree, beside) for tree in every]
        found = cls(families(typed), superscripted(every), prefixed_names(every),
                    in_brackets(every), timed_names(every), indices_of(every),
                    counted_names(every), stacks=any(map(_names_stack, every)),
                    batches=batches, from_zero=counts_from_zero(every),
                    numbered_errors=numbers_errors(every), no_losses=no_losses(every),
                    stars=tells_stars(typed),
                    own_loss=own_loss(every), beside=beside, nested=nested)  # fmt: skip
        if not any(map(has_words, every)):
            return found
        return replace(
            found, neighbours=neighbours_of([_normal(tree, found, {}) for tree in every])
        )

    def tex(self) -> Notation:
        """The same where it is TeX, in which ``h1`` is no step."""
        return replace(self, numbered=frozenset(), stars=False)


def tells_stars(trees: Iterable[Node]) -> bool:
    """Whether a text has products entry by entry, ``.*``, besides those with a star, or transposes
    behind stars: ``d * h^T``."""
    products = [n for tree in trees for n in tree.walk() if isinstance(n, Product)]
    outer = any(
        sign == "*" and isinstance(factor, Transpose)
        for n in products
        for sign, factor in zip(n.operators, n.factors[1:], strict=True)
    )
    signs = {s for n in products for s in n.operators}
    return "*" in signs and (outer or "⊙" in signs)


def families(trees: Iterable[Node]) -> frozenset[str]:
    """The names that stand with several numbers, ``h1`` and ``h2``: those are steps."""
    members: defaultdict[str, set[str]] = defaultdict(set)
    for tree in trees:
        for n in tree.walk():
            if isinstance(n, Symbol) and n.is_bare:
                m = NUMBERED.fullmatch(n.base)
                if m is not None:
                    members[m[1]].add(m[2])
    return frozenset(name for name, numbers in members.items() if len(numbers) > 1)


def superscripted(trees: Iterable[Node]) -> frozenset[str]:
    """The names that bear their step as a superscript, ``h^{t-1}``: their ``^T`` is the last."""
    return frozenset(
        n.base
        for tree in trees
        for n in tree.walk()
        if isinstance(n, Symbol)
        and not n.base[0].isupper()
        and any(x == Symbol("t") for part in n.superscripts for x in part.walk())
    )


def counted_names(trees: Iterable[Node]) -> frozenset[str]:
    """The names that a superscript tells apart: nobody writes a first power, ``z_t^1``."""
    return frozenset(
        n.base.base
        for tree in trees if isinstance(tree, Relation)
        for n in tree.sides[0].walk()
        if isinstance(n, Power) and n.exponent == Number(Fraction(1))
        and isinstance(n.base, Symbol) and n.base.subscripts
    )  # fmt: skip


def timed_names(trees: Iterable[Node]) -> frozenset[str]:
    """The names that bear the letter of time as a script of its own: z in ``z_t``."""
    return frozenset(
        Naming().bare(n).base
        for tree in trees
        for n in tree.walk()
        if isinstance(n, Symbol) and Naming().read(n)[1] == Index("t")
    )


def names_beside_time(trees: Sequence[Node]) -> frozenset[str]:
    """The letters that stand beside that of time and never alone, ``h_{t-1}`` apart, where a
    document gives such a product, ``ht = (1 - zt) nt``: it leaves out the underscores."""
    beside, given, alone = set[str](), set[str](), set[str]()
    for tree in trees:
        match tree:
            case Relation((Product((Symbol(base), Symbol("t")), ("",)), _, *_)):
                given.add(base)
        scripts_of = {part for n in tree.walk() if isinstance(n, Symbol) for part in scripts(n)}
        for n in tree.walk():
            if isinstance(n, Symbol) or n in scripts_of:
                continue
            factors = n.factors if isinstance(n, Product) else ()
            pairs = [x for x, t in pairwise(factors) if t == Symbol("t")]
            beside |= {x.base for x in pairs if isinstance(x, Symbol) and x == Symbol(x.base)}
            inside = [c for c in n.children() if not any(c is x for x in pairs)]
            alone |= {x.base for x in inside if isinstance(x, Symbol) and x == Symbol(x.base)}
    names = {x for x in beside - alone if len(x) == 1 and x.islower() and x != "d"}
    return frozenset(names) if given & names else frozenset()


def _with_entry_first(node: Node) -> Node:
    return entry_at_step(node if isinstance(node, Symbol) else node.rebuilt(_with_entry_first))


def _with_entries(node: Node) -> Node:
    return unnested(node if isinstance(node, Symbol) else node.rebuilt(_with_entries))


def _with_time(node: Node, names: frozenset[str]) -> Node:
    if not isinstance(node, Symbol):
        node = node.rebuilt(lambda n: _with_time(n, names))
    return beside_time(node, names)


def numbers_errors(trees: Iterable[Node]) -> bool:
    """Whether a document has ``δ_1``, ``δ_2`` and no δ at a step, nor other names by numbers."""
    symbols = {n for tree in trees for n in tree.walk() if isinstance(n, Symbol)}
    errors = {n for n in symbols if n.base == "delta"}
    numbers = {n for n in errors if n.subscripts and isinstance(n.subscripts[0], Number)}
    others = (x for n in symbols - errors if n.base[0].islower() for x in scripts(n))
    return (
        len(numbers) > 1
        and all(len(scripts(n)) == 1 for n in numbers)
        and errors == numbers
        and not any(isinstance(x, Number) and x.value > 0 for x in others)
    )


def prefixed_names(trees: Iterable[Node]) -> frozenset[str]:
    """What stands behind a d, δ or Δ on a left side: ``da_t = …`` gives a name."""
    found = set()
    for tree in trees:
        match tree:
            case Relation(
                (
                    Product((*words, Symbol("d" | "delta" | "Delta") as d, Symbol(base)), (*_, "")),
                    *_,
                )
            ):
                if d == Symbol(d.base) and all(isinstance(w, Text) for w in words):
                    found.add(base)
    return frozenset(found)


#: Trees that have been rewritten, by identity, each with what it became.
Known = dict[int, tuple[Node, Node]]


def normal(node: Node, notation: Notation, known: Known | None = None) -> Node:
    """A tree with names and steps taken apart, calls as calls, and differentials as fractions;
    trees that share parts are done sooner where these are ``known``."""
    return notation.neighbours.rewritten(_normal(node, notation, {} if known is None else known))


def _normal(node: Node, notation: Notation, known: Known) -> Node:
    if id(node) not in known:
        whole = node
        if not isinstance(node, Symbol):
            whole = node.rebuilt(lambda n: _normal(n, notation, known))
        known[id(node)] = node, reduce(lambda n, row: row.change(n, notation), REWRITINGS, whole)
    return known[id(node)][1]


def _names_stack(tree: Node) -> bool:
    """``concat_t = [h_{t-1}, x_t]``."""
    match tree:
        case Relation((Symbol("concat"), Group("[" | "(", (_, _, *_)), *_), ("=" | ":=", *_)):
            return True
    return False
