r"""An edited formula in the author's own notation.

What an edit leaves alone is the author's text; what it moves, moves as it was written; only
what is new is spelled here, in the author's hand.
"""

from __future__ import annotations

import re
from fractions import Fraction

from symbptt.check.edits.hand import is_short
from symbptt.check.edits.indices import Patch, UnspelledError, glued, is_one_token, shifted
from symbptt.check.edits.own_words import OwnWords
from symbptt.check.edits.places import aligned, ends, pairs_of, script_shape, scripts
from symbptt.formula.lexicon import CLOSING
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Differential,
    Group,
    Node,
    Number,
    Power,
    Primed,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Transpose,
)

_SIGNS = {"sum": ("\\sum", "∑", "sum"), "prod": ("\\prod", "∏", "prod")}
_TWO = Number(Fraction(2))


class Speller(OwnWords):
    """Writes edits of one formula: ``text[claim.span]`` with what an edit changes."""

    # ---------------------------------------------------------------- the whole formula

    def edited(self, new: Relation) -> str:
        """The claim's text after an edit."""
        left, right = self.claim.span.start, self.claim.span.end
        return self.patched(left, right, self._changes(self.claim, new))

    # ---------------------------------------------------------------- changes in place

    def _changes(self, old: Node, new: Node) -> list[Patch]:
        """What to replace in the text of ``old`` so that it says ``new``."""
        if new is old:
            return []
        if type(old) is type(new) and id(new) not in self.written:
            if isinstance(old, Symbol) and isinstance(new, Symbol):
                found = self._entries(old, new)
                if found is not None:
                    return found
            elif isinstance(old, Product | Sum) and not aligned(old, new):
                pass
            elif isinstance(old, BigOperator) and isinstance(new, BigOperator):
                return self._bounds(old, new)
            else:
                found = self._children(old, new)
                if found is not None:
                    return found
        return [(*ends(old), self.spelled(new, old))]

    def _children(self, old: Node, new: Node) -> list[Patch] | None:
        pairs = pairs_of(old, new)
        if pairs is None:
            return None
        patches: list[Patch] = []
        for a, b in pairs:
            if a is b:
                continue
            if isinstance(old, Differential) and a is old.by:
                words = self.spelled(b)
                single = is_one_token(words) or self.text[a.span.start - 1] != "_"
                patches.append((a.span.start, a.span.end, words if single else f"{{{words}}}"))
                continue
            found = self._changes(a, b)
            whole = [words for start, stop, words in found if (start, stop) == ends(a)]
            if whole and (id(a) in self.cut or (isinstance(old, Transpose) and "^" in whole[0])):
                return None
            patches += found
        return patches

    def _entries(self, old: Symbol, new: Symbol) -> list[Patch] | None:
        """A name with another index."""
        a, b = scripts(old), scripts(new)
        same = (old.base, old.accents, old.primes) == (new.base, new.accents, new.primes)
        if not same or script_shape(old) != script_shape(new):
            return None
        return [self.script(x, y) for x, y in zip(a, b, strict=True) if x is not y and x != y]

    def _bounds(self, old: BigOperator, new: BigOperator) -> list[Patch]:
        if old.kind != new.kind:
            raise UnspelledError
        patches = self._changes(old.body, new.body)
        limits = [(getattr(old, n), getattr(new, n)) for n in ("index", "lower", "upper", "domain")]
        looped = re.compile(r"range\s*\((.*)\)\s*\)\s*\Z", re.DOTALL)
        loop = looped.search(self.text, old.span.start, old.span.end)
        if (loop and old.lower != new.lower) or (loop and old.upper != new.upper):
            assert loop is not None
            if new.lower is None or new.upper is None:
                raise UnspelledError
            stop = shifted(new.upper, 1)
            if stop is None:
                raise UnspelledError
            words = f"{self.plain(new.lower)}, {self.plain(stop, spaced=True)}"
            return [*patches, (loop.start(1), loop.end(1), words)]
        for a, b in limits:
            if (a is None) != (b is None):
                raise UnspelledError
            if a is not None and b is not None and a != b:
                patches.append(self.script(a, b))
        return patches

    # ---------------------------------------------------------------- whole nodes

    def spelled(self, new: Node, old: Node | None = None) -> str:
        """A node as it was written, or else in the author's hand; ``old`` stood in its place."""
        if id(new) in self.cut:
            return self.cut[id(new)]
        if id(new) in self.written:
            node, source = self.written[id(new)]
            if not node.span.end:
                raise UnspelledError
            return source[node.span.start : node.span.end]
        if old is not None and type(old) is type(new) and not isinstance(new, Product | Sum):
            pairs = pairs_of(old, new)
            if pairs is not None and not isinstance(new, Symbol) and id(old) not in self.cut:
                found = self._children(old, new)
                if found is not None:
                    return self.patched(old.span.start, old.span.end, found)
        match new:
            case Symbol():
                return self._symbol(new)
            case Number(value=value) if value.denominator == 1:
                return str(value)
            case Product():
                return self._product(new, old)
            case Sum():
                return self._sum(new, old)
            case Group(opening=opening, items=items, separators=separators):
                inner = self.spelled(items[0])
                for separator, item in zip(separators, items[1:], strict=True):
                    inner += f"{separator} {self.spelled(item)}"
                left, right = opening, CLOSING[opening]
                if opening == "(":
                    left, right = self._brackets(items[0])
                return left + inner + right
            case Transpose(operand=operand):
                return self._transposed(operand)
            case Primed(operand=operand, count=count):
                return self.spelled(operand) + "'" * count
            case Power(base=base, exponent=exponent):
                return self._power(base, exponent)
            case Quotient(numerator=a, denominator=b):
                return self._quotient(new, self.spelled(a), self.spelled(b))
            case BigOperator():
                return self._big(new)
            case Call(function=function, arguments=arguments):
                name = self.spelled(function)
                return f"{name}({', '.join(map(self.spelled, arguments))})"
        raise UnspelledError

    def _product(self, new: Product, old: Node | None) -> str:
        beside: dict[tuple[int, int, str], str] = {}
        pairs: dict[int, Node] = {}
        if isinstance(old, Product):
            for a, b, op in zip(old.factors, old.factors[1:], old.operators, strict=False):
                beside[id(a), id(b), op] = self.text[a.span.end : b.span.start]
            if len(old.factors) == len(new.factors):
                pairs = dict(enumerate(old.factors))
        words = self._part(new.factors[0], pairs.get(0), beside)
        for i, (factor, op) in enumerate(zip(new.factors[1:], new.operators, strict=True), 1):
            between = beside.get((id(new.factors[i - 1]), id(factor), op))
            if between is None or re.search(r"[{}\n]|\\\\", between):
                between = self.hand.separator(op)
            words = glued(words, between, self._part(factor, pairs.get(i), beside))
        return words

    def _part(self, node: Node, pair: Node | None, beside: dict[tuple[int, int, str], str]) -> str:
        """A factor; a product inside new brackets keeps what stood between its factors."""
        paired = pair is not None and type(pair) is type(node)
        match node:
            case Group(items=(Product(factors=factors, operators=ops),)) if (
                id(node) not in self.written and not paired
            ):
                words = self.spelled(factors[0])
                for a, b, op in zip(factors, factors[1:], ops, strict=False):
                    between = beside.get((id(a), id(b), op), self.hand.separator(op))
                    words = glued(words, between, self.spelled(b))
                left, right = self._brackets(node.items[0])
                return left + words + right
        return self.spelled(node, pair)

    def _brackets(self, inner: Node) -> tuple[str, str]:
        return self.hand.bracket if is_short(inner) else self.hand.tall

    def _sum(self, new: Sum, old: Node | None) -> str:
        beside: dict[tuple[int, int], str] = {}
        pairs: dict[int, Node] = {}
        if isinstance(old, Sum):
            if len(old.terms) == len(new.terms):
                pairs = dict(enumerate(old.terms))
            rows = zip(old.terms, old.terms[1:], old.signs[1:], strict=False)
            for a, b, sign in rows:
                beside[id(b), sign] = self.text[a.span.end : b.span.start]
        else:
            pairs = {} if old is None else {0: old}
        words = "" if new.signs[0] > 0 else self.hand.minus
        words = glued(words, "", self.spelled(new.terms[0], pairs.get(0)))
        for i, (term, sign) in enumerate(zip(new.terms[1:], new.signs[1:], strict=True), 1):
            between = beside.get((id(term), sign))
            if between is None or "\\\\" in between:
                between = self.hand.sign(sign)
            words = glued(words, between, self._term(term, pairs.get(i), old))
        return words

    def _term(self, term: Node, pair: Node | None, old: Node | None) -> str:
        """A term; one at another step as that stands at its own."""
        if pair is None and id(term) not in self.written and old is not None:
            for known in old.terms if isinstance(old, Sum) else (old,):
                if type(known) is type(term):
                    found = self._changes(known, term)
                    if all((start, stop) != ends(known) for start, stop, _ in found):
                        return self.patched(*ends(known), found)
        return self.spelled(term, pair)

    def _transposed(self, operand: Node) -> str:
        words, mark = self.spelled(operand), self.hand.transpose
        if mark == "call":
            return f"transpose({words})"
        if mark[0] == "^" and self.hand.latex and re.search(r"\^[^_]*\Z", words):
            # TeX takes one superscript
            label = re.search(r"\^\s*\{\s*(?:\(.*\)|\\langle.*\\rangle)\s*\}\Z", words)
            if label and isinstance(operand, Symbol):
                inner = mark[1:].strip()
                inner = inner[1:-1] if inner[0] == "{" else inner
                return f"{words[:-1].rstrip()} {inner.strip()}}}"
            return f"{{{words}}}{mark}"
        return words + mark

    def _power(self, base: Node, exponent: Node) -> str:
        words = self.spelled(base)
        if "**" in self.text:
            return f"{words}**{self.spelled(exponent)}"
        if exponent == _TWO:
            return words + self.hand.square
        raised = self.spelled(exponent)
        return f"{words}^{raised}" if len(raised) == 1 else f"{words}^{{{raised}}}"

    def _quotient(self, new: Quotient, above: str, below: str) -> str:
        if new.style == "frac":
            if not self.hand.latex:
                raise UnspelledError
            return rf"\frac{{{above}}}{{{below}}}"
        return f"{above}/{below}"

    def _big(self, new: BigOperator) -> str:
        sign = _SIGNS[new.kind][0 if self.hand.latex else 2 if self.hand.ascii else 1]
        if new.index is None or new.domain is not None:
            raise UnspelledError
        below = self.plain(new.index)
        if new.lower is not None:
            below += f"={self.plain(new.lower)}"
        sign += f"_{{{below}}}"
        if new.upper is not None:
            above = self.plain(new.upper)
            braces = self.hand.latex or len(above) > 1
            sign += f"^{{{above}}}" if braces else f"^{above}"
        return glued(sign, " ", self.spelled(new.body))
