r"""The author's hand: how a formula writes transposes, products, brackets and minus signs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from symbptt.formula.lexicon import SUBSCRIPT_CHARACTERS, SUPERSCRIPT_CHARACTERS
from symbptt.formula.tree import (
    BigOperator,
    Call,
    Group,
    Node,
    Number,
    Primed,
    Product,
    Sum,
    Symbol,
    Transpose,
)

#: A transpose as a superscript: alone, or after a label (``h^{(t) \top}``).
TRANSPOSE = (
    r"(?:\\(?:top|intercal|transpose)(?![A-Za-z])|⊤|⊺"
    r"|\\(?:mathsf|mathrm|mathbf|mathit|text|textsf|top)\s*\{?\s*T\s*\}?|(?<![A-Za-z])T(?![A-Za-z]))"
)
MARK = re.compile(rf"\s*(?:\^\s*(?:\{{\s*{TRANSPOSE}\s*\}}|{TRANSPOSE})|\.T(?!\w)|ᵀ|')\s*\Z")
_CLEAN = re.compile(
    r"(?:\s|\\[,;:! ]|~|\\(?:odot|circ|cdot|times|ast|otimes|star)\b|[*@·⋅•∙×⊙∘○⊗∗]|\.\*)*\Z"
)

#: How a product sign is written where the author has not written one.
_SEPARATORS = {
    "": (" ", " ", " "),
    "⊙": (r" \odot ", " ⊙ ", " .* "),
    "∘": (r" \circ ", " ∘ ", " ∘ "),
    "·": (r" \cdot ", " · ", " · "),
    "×": (r" \times ", " × ", " × "),
    "⊗": (r" \otimes ", " ⊗ ", " ⊗ "),
    "*": (" * ", " * ", " * "),
    "@": (" @ ", " @ ", " @ "),
}


@dataclass(frozen=True)
class Hand:
    r"""How an author writes.

    ``transpose`` is the sign behind a name, ``^\top``, ``.T``; or ``call``, ``transpose(W)``.
    ``elementwise`` and ``matrix`` are keys of ``OPERATORS``.  ``braced``: also an index of one
    letter stands in braces.  ``bracket`` is for a name or a short sum, ``tall`` for the rest.
    """

    latex: bool
    ascii: bool
    code: bool
    transpose: str
    elementwise: str
    matrix: str
    minus: str = "-"
    index_minus: str = "-"
    spaced: bool = False
    braced: bool = False
    square: str = "^2"
    bracket: tuple[str, str] = ("(", ")")
    tall: tuple[str, str] = ("(", ")")
    separators: dict[str, str] = field(default_factory=dict)
    signs: dict[int, str] = field(default_factory=dict)

    def separator(self, operator: str) -> str:
        """What stands between two factors."""
        default = _SEPARATORS[operator][0 if self.latex else 2 if self.ascii else 1]
        return self.separators.get(operator, default)

    def sign(self, sign: int) -> str:
        """What stands between two terms."""
        return self.signs.get(sign) or (" + " if sign > 0 else f" {self.minus} ")


def hand(texts: Iterable[tuple[Node, str]], *, letters: bool) -> Hand:
    """The hand that wrote some formulas: what the first doesn't show, the others do."""
    read = list(texts)
    node, _ = read[0]
    written = [text[node.span.start : node.span.end] for node, text in read]
    latex = letters or re.search(r"\\[A-Za-z]", written[0]) is not None
    own = Counter(_operators(node))
    operators = own + Counter(op for tree, _ in read[1:] for op in _operators(tree))
    calls = {n.function.base for n in node.walk() if isinstance(n, Call)}
    code = not latex and (
        "@" in operators
        or bool(calls & {"dot", "matmul", "outer"})
        or re.search(r"\.T\b|\*\*|\w\[", written[0]) is not None
    )
    separators: dict[str, str] = {}
    signs: dict[int, str] = {}
    for tree, source in read:
        for operator, between in _between(tree, source):
            if _CLEAN.match(between) and not separators.get(operator):
                separators[operator] = between
        for sign, between in _signs(tree, source):
            if re.fullmatch(r"\s*[-+−–]\s*", between):
                signs.setdefault(sign, between)
    minus = _minus(signs, written)
    indices = [m for words in written for m in _INDEX_MINUS.findall(words)]
    spaced = [" " in m for words in written for m in _INDEX_SIGN.findall(words)]
    return Hand(
        latex,
        all(map(str.isascii, written)),
        code,
        _transpose(read, latex, code),
        _elementwise(own, operators, code),
        "@" if "@" in operators else "·" if "·" in operators and not operators[""] else "",
        minus,
        next(iter(indices), minus),
        next(iter(spaced), False),
        _is_braced(written),
        _square(written, latex),
        _bracket(read, short=True),
        _bracket(read, short=False),
        separators,
        _both(signs, minus),
    )


_INDEX_MINUS = re.compile(r"(?:[_^]\s*[{(]|\[)\s*\w+\s*([-−–])\s*\w")
_INDEX_SIGN = re.compile(r"(?:[_^]\s*[{(]|\[)\s*\w+(\s*[-+−–]\s*)\w")


def _minus(signs: dict[int, str], written: list[str]) -> str:
    """The sign before a term; failing that, any."""
    if -1 in signs:
        return signs[-1].strip()
    found = (re.search("[-−–]", words) for words in written)
    return next((m[0] for m in found if m), "-")


def _is_braced(written: list[str]) -> bool:
    for words in written:
        if re.search(r"_\s*\{\s*\w\s*\}", words):
            return True
        if re.search(r"_\s*[A-Za-z]", words):
            return False
    return False


def _square(written: list[str], latex: bool) -> str:
    for words in () if latex else written:
        if "²" in words:
            return "²"
        if "^2" in words:
            return "^2"
    small = SUBSCRIPT_CHARACTERS.keys() | SUPERSCRIPT_CHARACTERS.keys()
    return "²" if not latex and small & {*written[0]} else "^2"


def is_short(node: Node) -> bool:
    """What stands in plain brackets: a name, ``1 - h^2``, ``y - d``."""
    terms = node.terms if isinstance(node, Sum) else (node,)
    if isinstance(node, Sum) and isinstance(terms[0], Number):
        return True
    return all(isinstance(t, Symbol) for t in terms)


def _bracket(read: list[tuple[Node, str]], *, short: bool) -> tuple[str, str]:
    """The author's commonest brackets, in the first formula that has any of this kind."""
    for wanted in (short, not short):
        for tree, text in read:
            found = Counter(
                (m[0], " \\right)" if m[0][-1:].isspace() else "\\right)") if m else ("(", ")")
                for n in tree.walk()
                if isinstance(n, Group) and n.opening == "(" and len(n.items) == 1
                and is_short(n.items[0]) is wanted
                for m in [re.compile(r"\\left\(\s?").match(text, n.span.start)]
            )  # fmt: skip
            if found:
                return found.most_common(1)[0][0]
    return "(", ")"


def _both(signs: dict[int, str], minus: str) -> dict[int, str]:
    """Spaces round one sign are spaces round the other."""
    for there, missing, to in ((1, -1, minus), (-1, 1, "+")):
        if there in signs and missing not in signs:
            signs[missing] = re.sub(r"[-+−–]", to, signs[there])
    return signs


def _operators(node: Node) -> Iterator[str]:
    for n in node.walk():
        if isinstance(n, Product):
            yield from n.operators


def _elementwise(own: Counter[str], operators: Counter[str], code: bool) -> str:
    for known in (own, operators):
        for sign in ("⊙", "∘"):
            if sign in known:
                return sign
    return "*" if code or ("*" in operators and operators[""]) else "⊙"


def _between(node: Node, text: str) -> Iterator[tuple[str, str]]:
    for n in node.walk():
        if isinstance(n, Product):
            pairs = zip(n.factors, n.factors[1:], n.operators, strict=False)
            yield from ((op, text[a.span.end : b.span.start]) for a, b, op in pairs)


def _signs(node: Node, text: str) -> Iterator[tuple[int, str]]:
    """The signs between terms of value: those in scripts stand closer."""
    if isinstance(node, Sum):
        for a, b, sign in zip(node.terms, node.terms[1:], node.signs[1:], strict=False):
            yield sign, text[a.span.end : b.span.start]
    scripts = isinstance(node, Symbol)
    for child in node.children() if not scripts else ():
        if not (isinstance(node, BigOperator) and child is not node.body):
            yield from _signs(child, text)


def _transpose(read: list[tuple[Node, str]], latex: bool, code: bool) -> str:
    """The sign that the author writes; failing that, the one that the notation suggests."""
    for tree, text in read:
        functions = {id(n.function) for n in tree.walk() if isinstance(n, Call)}
        for n in tree.walk():
            if isinstance(n, Transpose):
                mark = MARK.search(text, n.span.start, n.span.end)
                if mark:
                    return mark[0].strip()
                inner = re.search(TRANSPOSE, text[n.operand.span.start : n.span.end])
                if inner:
                    return "^" + inner[0]
            if isinstance(n, Call) and n.function == Symbol("transpose"):
                return "call"
            if isinstance(n, Symbol) and n.primes == 1 and id(n) not in functions:
                return "'"
            if isinstance(n, Primed) and isinstance(n.operand, Group):
                return "'"
    small = SUBSCRIPT_CHARACTERS.keys() | SUPERSCRIPT_CHARACTERS.keys()
    if latex:
        return "^T"
    if small & {*read[0][1]}:
        return "ᵀ"
    return ".T" if code else "^T"
