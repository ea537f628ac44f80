"""The words of a line of text: what is prose, what is mathematics, and what may be either."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from symbptt.check.documents.layout import HOLE
from symbptt.check.notation.language import phrases
from symbptt.formula.lexicon import (
    FUNCTIONS,
    GREEK,
    PROSE,
    SUBSCRIPT_CHARACTERS,
    SUPERSCRIPT_CHARACTERS,
)

SIGN = r"(?:[:+\-*/.]{0,2}=|==|≜|≈|≔|≡|∝|←|<=|>=|≤|≥)"
RELATION = re.compile(rf"(?<![<>=!]){SIGN}(?!=)")
DERIVATIVE = re.compile(
    r"[∂∇]|(?<![A-Za-z0-9_/])d[A-Za-zα-ωΑ-Ω][\w{}^+\-]*\s*/\s*\(?d[A-Za-zα-ωΑ-Ω]"
)
_GREEK = frozenset(GREEK.values()) | {name.lower() for name in GREEK.values()}
#: A word is a run of characters of one kind of script; CJK stands beside formulas unspaced.
CJK = r"\u1100-\u11ff\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_WORD = re.compile(rf"[{CJK}]+|[^\s{CJK}]+")
_IS_CJK = re.compile(rf"[{CJK}]")
_LETTERS = re.compile(r"[(\"'“‘*_\[]*([^\W\d_]{2,}(?:[-'’][^\W\d_]+)*)[)\"'”’*_\]]*[.,:;?!]*\Z")
_SINGLE = re.compile(r"(?:a|I|A)\Z")
#: Short words that are no symbols, unless the document's mathematics has them: the matrix Why.
ENGLISH = PROSE | phrases("is short")
#: What names of vectors and matrices look like where nothing else says so: Whh, bh, dz, hT, dWhh.
_SYMBOL = re.compile(
    r"[A-Z][hxyzocifgrsu]{1,2}|[bdh][hxyzocifgrs]|[hxyzcsod][tT]|[a-z]{1,2}[A-Z]{1,2}[a-z]{0,3}"
)
#: Names in a line of mathematics, where no word of a sentence would stand: Why.
_WEIGHTS = re.compile(r"[WUV][a-z]{1,2}")
_SCRIPTS = frozenset(SUBSCRIPT_CHARACTERS) | frozenset(SUPERSCRIPT_CHARACTERS)
_ORDINAL = re.compile(r"ᵗʰ|ˢᵗ|ⁿᵈ|ʳᵈ")
_PRIMED = re.compile(r"[(\[]*([^\W\d_]{2,4})['′]+[)\].,:;]*")
_NEVER = re.compile(r"://|[\"“”‘`@#?]{2}|\w@\w+\.\w|" + HOLE)
LEAD = re.compile(
    r"[ \t]*(?:(?:[-*+•>|]|\(?\d{1,2}(?:\.\d{1,2})?[.)]|\(?[a-z]\)|#+|//+|%+|[→⇒])[ \t]+)*"
)
_SUM_IN_WORDS = re.compile(r"\b(?:sum|prod)\s+\w+\s+from\s+\S+\s+to\s+\S+")
_COMPREHENSION = re.compile(r"\bfor\s+\w+\s+in\s+(?:reversed\()?range\(")


@dataclass(frozen=True)
class Word:
    start: int
    stop: int
    text: str
    kind: str  # prose, mathematics, symbol (a name, by its look), letters (any of these)

    @property
    def name(self) -> str:
        """The letters of a word."""
        return self.text.strip("()[].,:;")

    @property
    def ends(self) -> bool:
        """Whether a comma or a stop follows it."""
        return self.text[-1] in ".,:;"


def words_of(line: str, *, lead: bool = True) -> list[Word]:
    """The words of a line; with ``lead``, without the sign of a list that it begins with.

    >>> [(w.text, w.kind) for w in words_of("- so h_t = Whh")]
    [('so', 'prose'), ('h_t', 'mathematics'), ('=', 'mathematics'), ('Whh', 'symbol')]
    """
    m = LEAD.match(line) if lead else None
    begin = m.end() if m else 0
    counted = [m.span() for m in _SUM_IN_WORDS.finditer(line)]
    counted += [m.span() for m in _COMPREHENSION.finditer(line)]
    words: list[Word] = []
    for m in _WORD.finditer(line, begin):
        inside = any(a <= m.start() < b for a, b in counted)
        words.append(
            Word(m.start(), m.end(), m.group(), "mathematics" if inside else _kind(m.group()))
        )
    return words


def _kind(word: str) -> str:
    if _NEVER.search(word):
        return "prose"
    if _IS_CJK.match(word):
        return "prose"
    if not _SCRIPTS.isdisjoint(word) and not _ORDINAL.search(word):
        return "mathematics"
    primed = _PRIMED.fullmatch(word)
    if primed is not None and _SYMBOL.fullmatch(primed.group(1)):
        return "symbol"
    if word in FUNCTIONS or word.lower() in _GREEK:
        return "mathematics"
    letters = _LETTERS.match(word)
    if letters is not None:
        inner = letters.group(1)
        if inner.lower() in PROSE:
            return "prose"
        if not re.fullmatch(r"[(\[]*[^\W\d_]+[)\],.;:]*", word):
            return "prose"
        looks = _SYMBOL.fullmatch(inner) is not None and inner.lower() not in ENGLISH
        return "symbol" if looks else "letters"
    if re.fullmatch(r"[^\W\d_]{2,}(?:[/-][^\W\d_]{2,})+[.,:;]*", word) and not DERIVATIVE.search(
        word
    ):
        return "prose"
    if re.search(r"[^\W\d_]{2,}[.!?]\Z", word) and not re.search(r"[=_^/(]", word):
        return "prose"
    if _SINGLE.match(word):
        return "letters"
    return "mathematics"


def all_mathematics(words: list[Word], names: frozenset[str]) -> bool:
    """Whether a line is mathematics and nothing else."""
    return all(
        w.kind in ("mathematics", "symbol")
        or (w.kind == "letters" and w.name in names)
        or (w is not words[0] and _WEIGHTS.fullmatch(w.text))
        for w in words
    )


def names_in(text: str, spans: Iterable[tuple[int, int]]) -> frozenset[str]:
    """The words of letters in some formulas: ``Whh`` of ``dL/dWhh = dL/dh2 h1^T``.

    >>> sorted(names_in("dL/dWhh = diag(a) Why", [(0, 21)]))
    ['Whh', 'Why', 'dL', 'dWhh']
    """
    found: set[str] = set()
    for start, stop in spans:
        part = _SUM_IN_WORDS.sub(" ", _COMPREHENSION.sub(" ", text[start:stop]))
        for word in _NAME.findall(part):
            found |= {word, word[1:]} if _DIFFERENTIAL.fullmatch(word) else {word}
    return frozenset(w for w in found - FUNCTIONS if len(w) > 1 and w.lower() not in PROSE)


_NAME = re.compile(r"(?<![\w.])[^\W\d_]{2,}(?!\w|\()")
_DIFFERENTIAL = re.compile(r"d[A-Z][^\W\d_]*|d[^\W\d_]{1,2}")
