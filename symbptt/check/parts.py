"""Formulas to the statements in them: the links of a chain, the cases of a brace, conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbptt.check.conditions import is_condition
from symbptt.check.ellipsis import is_dots
from symbptt.check.formulas import Formula, Unparsed
from symbptt.check.normal import families, normal, prefixed_names, superscripted, timed_names
from symbptt.formula.tree import (
    Cases,
    Differential,
    Group,
    Node,
    Product,
    Quotient,
    Relation,
    Span,
    Symbol,
    Text,
)

#: Relation signs that say that two sides are the same.
EQUAL = frozenset({"=", "≜", "≡", ":="})
#: Signs that add to what is there.
ADDING = frozenset({"+=", "-="})
#: Signs that say that a name is being given.
NAMING = frozenset({"≜", "≡", ":="})
#: Words before a formula that give a name.
_DEFINES = re.compile(
    r"\b(let|lets|define|defines|defined|defining|denote|denotes|denoted|call|write|introduce|"
    r"abbreviat\w*|set)\b", re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One link of a formula: two sides, the sign between them, and the conditions on steps.

    ``raw`` is the link as the parser read it.  ``first``: it opens its formula.  ``names``: the
    document says that it gives a name.
    """

    formula: Formula
    left: Node
    sign: str
    right: Node
    conditions: tuple[Node, ...] = ()
    first: bool = True
    names: bool = False
    raw: Relation | None = None

    @property
    def span(self) -> Span:
        return Span(self.left.span.start, max(self.left.span.end, self.right.span.end))

    @property
    def relation(self) -> Relation:
        return Relation((self.left, self.right), (self.sign,), span=self.span)


@dataclass(frozen=True)
class Mention:
    """A formula that states nothing: a symbol that the text speaks of, a condition, a list."""

    formula: Formula | Unparsed


def parts(found: Sequence[Formula | Unparsed]) -> list[list[Part] | Mention]:
    """What each formula states, in order."""
    done: list[list[Part] | Mention] = []
    plain = (f.tree for f in found if isinstance(f, Formula) and f.fragment.form == "text")
    numbered = families(plain)
    trees = [f.tree for f in found if isinstance(f, Formula)]
    joined, above, timed = prefixed_names(trees), superscripted(trees), timed_names(trees)
    for i, f in enumerate(found):
        if isinstance(f, Unparsed):
            done.append(Mention(f))
            continue
        conditions = tuple(_conditions_after(f, found[i + 1 :]))
        links = list(_links(f, conditions, numbered, above, joined, timed))
        done.append(links or Mention(f))
    return done


def _conditions_after(f: Formula, rest: Sequence[Formula | Unparsed]) -> Iterator[Node]:
    """The conditions that stand behind a formula in the same fragment."""
    if is_condition(f.tree):
        return
    for g in rest:
        if isinstance(g, Unparsed) or g.fragment is not f.fragment:
            return
        if is_condition(g.tree):
            yield g.tree
        elif isinstance(g.tree, Relation):
            return


def _links(
    f: Formula,
    conditions: tuple[Node, ...],
    numbered: frozenset[str],
    above: frozenset[str],
    joined: frozenset[str],
    timed: frozenset[str],
) -> Iterator[Part]:
    numbered = numbered if f.fragment.form == "text" else frozenset()
    tree = normal(f.tree, numbered, above, joined, timed)
    if not isinstance(tree, Relation) or is_condition(tree):
        return
    names = _DEFINES.search(f.fragment.before[-120:]) is not None
    links = zip(tree.sides, tree.operators, tree.sides[1:], strict=False)
    assert isinstance(f.tree, Relation)
    for i, (a, sign, b) in enumerate(links):
        if isinstance(b, Group) and b.opening == "":
            continue
        left, right = _plain(a), _plain(b)
        ends = f.tree.sides[i : i + 2]
        span = Span(ends[0].span.start, ends[1].span.end)
        raw = Relation(ends, (sign,), span=span) if left is a and right is b else None
        given = names or sign in NAMING
        part = Part(f, left, sign, right, conditions, i == 0, given, raw)
        if isinstance(right, Cases):
            for value, condition in zip(right.values, right.conditions, strict=True):
                own = () if condition is None else (condition,)
                yield replace(part, right=value, conditions=(*conditions, *own), raw=None)
        else:
            yield part


def _plain(node: Node) -> Node:
    """A side without words at its ends: ``therefore``, a full stop."""
    if not isinstance(node, Product):
        return node
    factors, signs = node.factors, node.operators
    for end, kept, joined in ((0, factors[1:], signs[1:]), (-1, factors[:-1], signs[:-1])):
        if isinstance(factors[end], Text) and not is_dots(factors[end]):
            if len(kept) == 1:
                return kept[0]
            return _plain(replace(node, factors=kept, operators=joined))
    return node


def has_derivative(node: Node) -> bool:
    """Whether a formula holds a derivative: ``∂L/∂h``, ``∇_W L``, ``f'(z)``."""
    return any(
        isinstance(n, Differential)
        or (isinstance(n, Quotient) and isinstance(n.numerator, Differential))
        or (isinstance(n, Symbol) and n.primes > 0)
        for n in node.walk()
    )
