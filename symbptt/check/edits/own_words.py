"""What the author of a formula wrote: its nodes, and names at other steps."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symbptt.check.edits.hand import TRANSPOSE, Hand
from symbptt.check.edits.indices import Indices, UnspelledError
from symbptt.check.edits.places import script_shape, scripts
from symbptt.formula.tree import (
    Node,
    Power,
    Relation,
    Symbol,
    Transpose,
)

_EXPONENT = re.compile(r"\s*(?:(?:\^|\*\*)\s*(?:\{[^{}]*\}|\w)|[⁰¹²³⁴-⁹]+)")


class OwnWords(Indices):
    """Knows how each node of one formula, and of others, is written."""

    def __init__(
        self, claim: Relation, text: str, hand: Hand, extra: Iterable[tuple[Node, str]] = ()
    ) -> None:
        super().__init__(text, hand)
        self.claim = claim
        #: each node that somebody wrote, kept so that its identity stays its own
        self.written: dict[int, tuple[Node, str]] = {}
        #: names and powers that a script of something round them cuts in two: ``W^T_{hh}``
        self.cut: dict[int, str] = {}
        self.symbols: list[tuple[Symbol, str]] = []
        for tree, source in ((claim, text), *extra):
            for n in tree.walk():
                self.written[id(n)] = (n, source)
                if isinstance(n, Symbol):
                    self.symbols.append((n, source))
                self._find_cut(n, source)

    def _find_cut(self, node: Node, source: str) -> None:
        match node:
            case Transpose(operand=inner) | Power(base=inner):
                whole = source[node.span.start : node.span.end]
                part = source[inner.span.start : inner.span.end]
                sign = rf"\^\s*(?:\{{\s*{TRANSPOSE}\s*\}}|{TRANSPOSE})"
                if isinstance(node, Power):
                    sign = _EXPONENT.pattern
                if inner.span.end >= node.span.end:
                    self.cut[id(inner)] = re.sub(sign, "", part, count=1)
                elif isinstance(inner, Symbol) and any(
                    e.span.end > inner.span.end for e in (*inner.superscripts, *inner.indices)
                ):
                    self.cut[id(inner)] = re.sub(rf"\s*{TRANSPOSE}(\s*\}})\Z", r"\1", whole)

    def _symbol(self, new: Symbol) -> str:
        """A name that somebody wrote, with another index or one prime more or less."""
        for known, source in self.symbols:
            a, b = scripts(known), scripts(new)
            alike = known.base == new.base and known.accents == new.accents and len(a) == len(b)
            if not alike or script_shape(known) != script_shape(new) or known.span.end == 0:
                continue
            start, stop = known.span.start, known.span.end
            if id(known) in self.cut or any(e.span.end > stop for e in a):
                continue
            pairs = zip(a, b, strict=True)
            found = [self.script(x, y, source) for x, y in pairs if x != y]
            words = self.patched(start, stop, found, source)
            bare = words.rstrip("'")
            if len(words) - len(bare) == known.primes:
                return bare + "'" * new.primes
        if new == Symbol(new.base):
            return "transpose" if new.base == "transpose" else self._letter(new.base)
        raise UnspelledError
