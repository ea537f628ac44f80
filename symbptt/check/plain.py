"""Formulas that stand in a line without delimiters: ``Thus, dL/dh2 = dL/dy ⋅ Why``.

A conservative test, word by word: mathematics is a run of words that are no prose, with a
relation sign in it that has mathematics on both sides, or a derivative.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symbptt.check.layout import HOLE
from symbptt.errors import FormulaError
from symbptt.formula import parse_equations
from symbptt.formula.lexicon import FUNCTIONS, GREEK, PROSE

_GREEK = frozenset(GREEK.values()) | {name.lower() for name in GREEK.values()}
_RELATION = r"(?:[:+\-*/.]{0,2}=|==|≜|≈|≔|≡|∝|←|<=|>=|≤|≥)"
RELATION = re.compile(rf"(?<![<>=!]){_RELATION}(?!=)")
_DERIVATIVE = re.compile(
    r"[∂∇]|(?<![A-Za-z0-9_/])d[A-Za-zα-ωΑ-Ω][\w{}^+\-]*\s*/\s*\(?d[A-Za-zα-ωΑ-Ω]"
)
_STRONG = re.compile(r"[∂∇ΣΠ∑∏⊙⊗∘⋅·×√₀-₉ₜ²³ᵀ⊤]|[A-Za-z)\]][_^]|\\[A-Za-z]+|\.T\b|@")
_OPERATOR_END = re.compile(rf"(?:[-+*/@⋅·×⊙∘⊗(,\[]|{_RELATION})\Z")
_OPERATOR_START = re.compile(rf"(?:[-+*/@⋅·×⊙∘⊗)\]]|{_RELATION})")
#: A word is a run of characters of one kind of script; CJK stands beside formulas unspaced.
_CJK = r"\u1100-\u11ff\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_WORD = re.compile(rf"[{_CJK}]+|[^\s{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
_LETTERS = re.compile(r"[(\"'“‘*_\[]*([^\W\d_]{2,}(?:[-'’][^\W\d_]+)*)[)\"'”’*_\]]*[.,:;?!]*\Z")
_SINGLE = re.compile(r"(?:a|I|A)\Z")
_NEVER = re.compile(r"://|[\"“”‘`@#?]{2}|\w@\w+\.\w|" + HOLE)
_BOXES = re.compile(r"[─-◿⎡-⎿⏞-⏡]")
_ARROW_COMMENT = re.compile(r"\s(?:←|<-{1,2}|⟵|⇐)\s.*|\s{2,}(?:#|//|%).*|\s(?:#|//)\s.*")
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+•>|]|\d{1,2}[.)]|\(?[a-z]\)|#+|//+|%+|[→⇒])[ \t]+)*")
_SUM_IN_WORDS = re.compile(r"\b(?:sum|prod)\s+\w+\s+from\s+\S+\s+to\s+\S+")
_COMPREHENSION = re.compile(r"\bfor\s+\w+\s+in\s+(?:reversed\()?range\(")
_TRAILING = " \t,.:;|&\\"
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "if for while return def class import from print assert with elif else elseif try except "
        "end function using raise yield lambda struct mutable let const var begin do in not and "
        "or local global public static new throw switch case",
    )
)
#: A line of code that assigns: a name with what hangs on it, a sign, an expression.
_ASSIGNMENT = re.compile(
    r"[ \t]*(?P<left>[^\W\d][\w.′']*(?:\[[^\[\]=]*\])?)\s*\.?[-+*/]?=(?!=)\s*\S.*\Z"
)
_COMMENT = re.compile(r"(?:^|\s)(?:#|//|--|%)\s?")
_QUOTE = re.compile(r"[\"'`][^\"'`]*[\"`]|'[A-Za-z0-9_ ]*'")

MAX_LINE = 2_000


@dataclass(frozen=True)
class _Word:
    start: int
    stop: int
    text: str
    kind: str  # prose, mathematics, letters (either), number


def text_formulas(line: str, *, sure: bool = False) -> Iterator[tuple[int, int]]:
    """Where formulas stand in a line of text.

    With ``sure``, only what could hardly be anything else.

    >>> line = "Thus, dL/dh2 = dL/dy ⋅ dy/dh2 where dy/dh2 = Why"
    >>> [line[a:b] for a, b in text_formulas(line)]
    ['dL/dh2 = dL/dy ⋅ dy/dh2', 'dy/dh2 = Why']
    """
    if len(line) > MAX_LINE or not (RELATION.search(line) or _DERIVATIVE.search(line)):
        return
    shown = _BOXES.sub(" ", line)
    comment = _ARROW_COMMENT.search(shown)
    if comment is not None and RELATION.search(shown, 0, comment.start()):
        shown = shown[: comment.start()]
    for start, stop in _runs(shown):
        found = _trimmed(shown, start, stop)
        if found is not None and _is_formula(shown, *found, sure=sure):
            yield found


def _words(line: str) -> list[_Word]:
    lead = _LEAD.match(line)
    begin = lead.end() if lead else 0
    counted = [m.span() for m in _SUM_IN_WORDS.finditer(line)]
    counted += [m.span() for m in _COMPREHENSION.finditer(line)]
    words: list[_Word] = []
    for m in _WORD.finditer(line, begin):
        inside = any(a <= m.start() < b for a, b in counted)
        words.append(
            _Word(m.start(), m.end(), m.group(), "mathematics" if inside else _kind(m.group()))
        )
    return words


def _kind(word: str) -> str:
    if _NEVER.search(word):
        return "prose"
    if _IS_CJK.match(word):
        return "prose"
    if word in FUNCTIONS or word.lower() in _GREEK:
        return "mathematics"
    letters = _LETTERS.match(word)
    if letters is not None:
        inner = letters.group(1)
        if inner.lower() in PROSE:
            return "prose"
        return "letters" if re.fullmatch(r"[(\[]*[^\W\d_]+[)\],.;:]*", word) else "prose"
    if re.fullmatch(r"[^\W\d_]{2,}(?:[/-][^\W\d_]{2,})+[.,:;]*", word) and not _DERIVATIVE.search(
        word
    ):
        return "prose"
    if re.search(r"[^\W\d_]{2,}[.!?]\Z", word) and not re.search(r"[=_^/(]", word):
        return "prose"
    if _SINGLE.match(word):
        return "letters"
    return "mathematics"


def _runs(line: str) -> Iterator[tuple[int, int]]:
    """Maximal runs of words that are no prose."""
    words = _words(line)
    run: list[_Word] = []
    depth = 0
    for i, w in enumerate(words):
        before = words[i - 1] if i else None
        after = words[i + 1] if i + 1 < len(words) else None
        if _belongs(w, before, after, run, depth):
            run.append(w)
            opened = len(re.findall(r"[(\[{]", w.text))
            closed = len(re.findall(r"[)\]}]", w.text))
            depth = max(0, depth + opened - closed)
            if depth or w.text[-1] not in ":;" or i + 1 == len(words):
                continue
        if run:
            yield run[0].start, run[-1].stop
            run, depth = [], 0
    if run:
        yield run[0].start, run[-1].stop


def _belongs(
    w: _Word, before: _Word | None, after: _Word | None, run: list[_Word], depth: int
) -> bool:
    if w.kind == "mathematics":
        return True
    if w.kind == "prose":
        return False
    joined = bool(run) and before is run[-1] and _OPERATOR_END.search(before.text) is not None
    ends = w.text[-1] in ".,:;"
    joins = not ends and after is not None and _OPERATOR_START.match(after.text) is not None
    # "the next step - the last - is": a dash is no operator between words
    if joins and not joined and after is not None and after.text in {"-", "–", "—", "*", "/"}:
        return False
    return joined or joins or (depth > 0 and len(w.text) < 12 and ends)


def _trimmed(line: str, start: int, stop: int) -> tuple[int, int] | None:
    while stop > start and line[stop - 1] in _TRAILING:
        if line[stop - 1] == "|" and line.count("|", start, stop) % 2 == 0:
            break
        stop -= 1
    while start < stop and (line[start] in _TRAILING + "*" or line[start : start + 2] == "- "):
        start += 1
    part = line[start:stop]
    if part.startswith("(") and part.count("(") > part.count(")"):
        start += 1
    elif part.endswith(")") and part.count(")") > part.count("("):
        stop -= 1
    if line[start:stop].startswith("**") or line[start:stop].endswith("**"):
        return _trimmed(
            line,
            start + 2 * line.startswith("**", start),
            stop - 2 * line.endswith("**", start, stop),
        )
    return (start, stop) if stop - start > 2 else None


def _is_formula(line: str, start: int, stop: int, *, sure: bool) -> bool:
    part = line[start:stop]
    derivative = _DERIVATIVE.search(part) is not None
    strong = derivative or _STRONG.search(part) is not None
    relation = RELATION.search(part)
    if relation is None:
        # an expression of derivatives, `dL/dh1 + dL/dh2 ⋅ dh2/dh1`
        return derivative and len(re.findall(r"\S", part)) > 8 and bool(re.search(r"[+⋅·×*]", part))
    left, right = part[: relation.start()].strip(), part[relation.end() :].strip()
    if not right:
        return False
    if not left:
        return strong and not line[:start].strip(" \t|&")
    if sure and not strong:
        return False
    if strong and re.search(r"[A-Za-z∂α-ω]", left):
        return True
    # `step = 1` in a sentence says nothing; on a line of its own it may
    alone = not line[:start].strip() or re.search(r"[:,;]\s*\Z", line[:start]) is not None
    if re.fullmatch(r"[^\W\d_]{3,}", left) and not alone and left not in FUNCTIONS:
        return False
    if not re.match(r"[^\W\d]", left) or not re.search(r"[\w)\]]\Z", right):
        return False
    return _parses(part)


def _parses(part: str) -> bool:
    try:
        return bool(parse_equations(part, lines=False))
    except FormulaError:
        return False


def code_formulas(line: str) -> Iterator[tuple[int, int]]:
    """Where formulas stand in a line of code: an assignment, or a formula in a comment.

    >>> line = "    dWy = h.T @ dy  # dL/dWy = h^T dL/dy"
    >>> [line[a:b] for a, b in code_formulas(line)]
    ['dWy = h.T @ dy', 'dL/dWy = h^T dL/dy']
    """
    if len(line) > MAX_LINE:
        return
    comment = _COMMENT.search(line)
    code = line if comment is None else line[: comment.start()]
    m = _ASSIGNMENT.match(code)
    if m is not None and not _QUOTE.search(code):
        first = re.match(r"\w+", m.group("left"))
        if first is not None and first.group() not in _KEYWORDS:
            part = code.rstrip().rstrip(";")
            start = m.start("left")
            if re.search(r"[A-Za-z]", part[start:]) and _parses(part[start:]):
                yield start, len(part)
    if comment is not None:
        for start, stop in text_formulas(line[comment.end() :], sure=True):
            yield comment.end() + start, comment.end() + stop
