r"""What stands beside a formula in TeX: ``\text{for } t < T``, ``\quad (t < T)``, ``\quad (3)``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from symbptt.check.documents.traced import Traced
from symbptt.check.notation.conditions import is_condition
from symbptt.check.notation.language import alternatives
from symbptt.formula.tree import Group, Node, Number, Product, Relation, Span

_WORDS = alternatives("stands beside a formula")
_ASIDE = re.compile(
    r"(?<![_^])(?<![_^] )\\(?:text|mbox|hbox|textrm|textnormal|textit|mathrm)\s*"
    rf"\{{(?P<words>[\s,;:.(~]*(?:{_WORDS})(?![A-Za-z0-9_\-])[^{{}}]*)\}}"
    r"|(?P<comment>(?:&&|\\q?quad)\s*\\(?:text|mbox|textrm|textit|textnormal)\s*"
    rf"\{{(?![\s,;:.(~]*(?:{_WORDS})(?![A-Za-z0-9_\-]))[^{{}}$]*\}}"
    r"|(?<=[}\w)\]] )\\(?:text|mbox)\s*\{[^{}$]*[^\x00-\x7f\s][^{}$]*\}(?=\s*$))"
    r"|\\forall(?![A-Za-z])"
    r"|\\l?eqno\s*(?:\{[^{}]*\}|\([^()]*\))"
    r"|(?P<colon>:(?!=))"
    r"|(?P<open>\\begin\s*\{(?:d?cases|[bp]?matrix|smallmatrix|array)\*?\}|(?<!\\)\{)"
    r"|(?P<close>\\end\s*\{(?:d?cases|[bp]?matrix|smallmatrix|array)\*?\}|(?<!\\)\})"
    r"|\\(?:begin|end)\s*\{[A-Za-z]+\*?\}"
    r"|\\(?:text|mbox|textrm|mathrm)\s*\{[^{}]*\}",
    re.IGNORECASE,
)
_INNER = re.compile(r"\$([^$]*)\$")
_GAP = re.compile(r"\\(?:quad|qquad|hfill|hspace|;|\s|text|mbox)|~")


#: Punctuation as it is typed in Chinese and Japanese.
_WIDE = str.maketrans("，、；（）＝＋", ",,;()=+")
_WIDE_SIGN = re.compile("[，、；（）＝＋]")
_INTERVAL = re.compile(r"(?:\\in(?![A-Za-z])|∈)[\s~]*[(\[][^()\[\]]*[)\]]")
_OPEN_ENDS = str.maketrans("()", "[]")
#: A sum or a product in plain text, with a range in brackets or without one.
_TYPED_RANGE = re.compile(
    r"(?P<sign>[∑∏ΣΠ])\s*\(\s*(?P<from>[a-z]\s*=\s*[^()=,]+?)\s*(?:\bto\b|\.{2,3}|…|→)"
    r"\s*(?P<to>[^()=,]+?)\s*\)"
)
#: ``y*_t``, the y that is wanted.
_TYPED_STAR = re.compile(r"(?<=[^\W\d_])\*(?=_)")
_TYPED_SUM = re.compile(r"Σ(?=\s*[(\[∂])")
#: A frame with its colour and its margin.
_FRAME = re.compile(r"\\bbox\s*(?:\[[^\[\]]*\])?\s*(?=\{)")
#: The space of a line's end, ``\\`` before it, as Markdown wants a row to end.
_THIRD_BACKSLASH = re.compile(r"(?<=\\\\)\\(?=[ \t]*\n)")
#: The mark of an item in a list, which stands where no factor is before it.
_ITEM = re.compile(r"\A\s*(?:\\bullet(?![A-Za-z])|•)")
#: The index of a sum beside its sign: ``\sideset{}{_l}\sum``.
_SIDE_SET = re.compile(
    r"\\sideset\s*\{\}\s*\{(?P<scripts>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*\\(?P<sign>sum|prod)"
)
#: A matrix of dots, and where a cell of it is empty: that is a zero.
_MATRIX = re.compile(
    r"\\begin\s*\{(?P<kind>[bp]matrix)\}(?:(?!\\(?:begin|end)).)*?\\ddots(?:(?!\\(?:begin|end)).)*"
    r"\\end\s*\{(?P=kind)\}",
    re.DOTALL,
)
_EMPTY = re.compile(r"(?:(?<!\\)&|\\\\|matrix\})(?=\s*(?:&|\\\\|\\end))")
#: Words under a brace that are typed as mathematics, with spaces between them.
_WORDS_UNDER = re.compile(
    r"\}\s*_\s*\{(?P<words>[^{}$=\\]*[A-Za-z]{2,}[^{}$=\\]*\\space(?![A-Za-z])(?:[^{}$=\\]|\\space(?![A-Za-z]))*)\}"
)


def _typed_words(words: str) -> str:
    return " ".join(words.replace("\\space", " ").split())


def plainly(text: Traced, *, typed: bool) -> Traced:
    r"""A formula with the punctuation of mathematics: wide commas, half-open intervals.

    ``typed``: it is plain text, where ``∏(k=1 to t)`` has a range and ``Σ (a)`` none.

    >>> print(plainly(Traced.whole(r"a，b \in (0, 1]"), typed=False).text)
    a,b \in [0, 1]
    >>> plainly(Traced.whole("∏(k=1 to t) J_k"), typed=True).text
    '∏_{k=1}^{t} J_k'
    """
    text = text.replaced(_ITEM, lambda m: " ")
    text = text.replaced(_THIRD_BACKSLASH, lambda m: " ")
    text = text.replaced(_MATRIX, lambda m: _EMPTY.sub(r"\g<0> 0 ", m.group()))
    text = text.replaced(_SIDE_SET, lambda m: rf"\{m['sign']}{m['scripts']}")
    text = text.replaced(_WORDS_UNDER, lambda m: rf"}}_{{\text{{{_typed_words(m['words'])}}}}}")
    text = text.replaced(_FRAME, lambda m: r"\boxed")
    text = text.replaced(_WIDE_SIGN, lambda m: m.group().translate(_WIDE))
    text = text.replaced(_INTERVAL, lambda m: m.group().translate(_OPEN_ENDS))
    if typed:
        ranged = "{}_{{{}}}^{{{}}}"
        text = text.replaced(_TYPED_RANGE, lambda m: ranged.format(*m.group("sign", "from", "to")))
        text = text.replaced(_TYPED_SUM, lambda m: "∑")
        text = text.replaced(_TYPED_STAR, lambda m: "^*")
    return text


def separated(text: Traced) -> Traced:
    r"""A formula with a comma for the words that part it from what they say about it.

    >>> separated(Traced.whole(r"a = b \text{ if } t < T")).text
    'a = b , t < T'
    """
    pieces: list[Traced] = []
    done = depth = 0
    for m in _ASIDE.finditer(text.text):
        if m.group("open") or m.group("close"):
            depth = max(0, depth + (1 if m.group("open") else -1))
        elif not depth and (
            m.group("words") or m.group("comment") or _parts(m.group(), bool(pieces))
        ):
            pieces += [text[done : m.start()], text.standing(",", *m.span())]
            inner = _INNER.search(m.group("words") or "")
            if inner is not None:  # \text{if $t < T$}
                at = m.start("words")
                pieces.append(text[at + inner.start(1) : at + inner.end(1)])
            done = m.end()
    return Traced.joined([*pieces, text[done:]]) if pieces else text


def _parts(sign: str, aside: bool) -> bool:
    r"""Whether a sign parts formulas: a colon does after ``\text{for } t < T``."""
    return sign.startswith(("\\forall", "\\eqno", "\\leqno")) or (sign == ":" and aside)


def apart(tree: Node, text: str) -> Iterator[Node]:
    r"""A relation and the condition that stands behind it in brackets, as two trees."""
    last = tree.sides[-1] if isinstance(tree, Relation) else None
    if not isinstance(tree, Relation) or not isinstance(last, Product):
        yield tree
        return
    *factors, aside = last.factors
    bracketed = isinstance(aside, Group) and aside.opening == "(" and len(aside.items) == 1
    gap = text[factors[-1].span.end : aside.span.start]
    if not bracketed or last.operators[-1] or not _GAP.search(gap):
        yield tree
        return
    assert isinstance(aside, Group)
    (said,) = aside.items
    if not (is_condition(said) or (isinstance(said, Number) and "quad" in gap)):
        yield tree
        return
    span = Span(last.span.start, factors[-1].span.end)
    side = replace(last, factors=tuple(factors), operators=last.operators[:-1], span=span)
    own = factors[0] if len(factors) == 1 else side
    yield replace(
        tree, sides=(*tree.sides[:-1], own), span=Span(tree.span.start, factors[-1].span.end)
    )
    if is_condition(said):
        yield said
