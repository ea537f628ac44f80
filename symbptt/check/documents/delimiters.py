r"""Mathematics between delimiters, as TeX, Markdown, MathJax and their mixtures have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from symbptt.formula.lexicon import DISPLAYS, FUNCTIONS, MATRICES

#: How long a display, and mathematics in a line, may be.
MAX_DISPLAY = 20_000
MAX_INLINE = 3_000
#: How deep environments of one name stand in one another.
MAX_DEPTH = 5

#: Environments that hold mathematics without other delimiters round them.
ENVIRONMENTS = DISPLAYS | MATRICES | {"cases", "dcases"}


@dataclass(frozen=True)
class Found:
    """Mathematics at ``start..stop``, with its delimiters at ``outer_start..outer_stop``."""

    start: int
    stop: int
    outer_start: int
    outer_stop: int
    form: str
    notes: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True)
class Pair:
    """Delimiters: what opens, what closes (patterns), and the form of what is between."""

    opening: str
    closing: str
    form: str
    name: str


_LENGTH = r"(?!\s*-?[\d.]+\s*(?:ex|em|pt|mm|cm|in)\s*\])"  # \\[4ex] is the end of a row
#: Tried in this order at each place.
PAIRS = (
    Pair(r"\$\s*\\\[", r"\\\]\s*\$(?!\$)", "display", r"$\["),
    Pair(r"\$\s*\\\(", r"\\\)\s*\$(?!\$)", "inline", r"$\("),
    Pair(rf"\\\\\[{_LENGTH}", r"\\\\\]", "display", r"\\["),
    Pair(r"\\\\\((?=[^\n]*\\\\\))", r"\\\\\)", "inline", r"\\("),
    Pair(r"\\\[", r"(?<!\\)\\\]", "display", r"\["),
    Pair(r"\\\(", r"(?<!\\)\\\)", "inline", r"\("),
    Pair(r"\$\$", r"(?<!\\)\$\$", "display", "$$"),
    Pair(r"(?m:^[ \t]*!bt\b)(?!\s*\\begin|\s*\\\[|\s*\$)", r"(?m:^[ \t]*!et\b)", "display", "!bt"),
    Pair(r"<math>", r"</math>", "inline", "<math>"),
    Pair(r"(?m:^[ \t]*\[[ \t]*$)(?=\n[^\n]*[\\_^=])", r"(?m:^[ \t]*\][ \t]*$)", "display", "["),
)
_CLOSING = tuple(re.compile(pair.closing) for pair in PAIRS)
_OPEN = re.compile(
    "|".join(f"(?P<p{i}>{pair.opening})" for i, pair in enumerate(PAIRS))
    + r"|\\begin\s*\{\s*(?P<environment>[A-Za-z]+)\*?\s*\}|\\.|(?P<dollar>\$)",
    re.DOTALL,
)
_DOLLAR_OR_PARAGRAPH = re.compile(r"(?<!\\)\$|\n[ \t]*\n")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_PROSE = re.compile(r"(?:[^\W\d_]{2,}[ ,]+){4}[^\W\d_]{2,}")
_WORDS_IN_MATHEMATICS = re.compile(r"\\[a-z]+\s*\{[^{}]*\}")
_SIGNS = re.compile(r"[\\_^={}<>+*/|']")
_MONEY = re.compile(r"\d[\d.,]*\s*(?:[KMBkmb]\b|[^\W\d_]{2,}|[-–—]|\Z)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_WORDS_ABOUT = re.compile(r"[^\W_]")


def delimited(text: str, start: int = 0, stop: int | None = None) -> Iterator[Found]:
    r"""The delimited mathematics of a text, in order.

    >>> page = r"It costs $5 or $6; let $h_t$ be \(f(z_t)\)."
    >>> [page[f.start : f.stop] for f in delimited(page)]
    ['h_t', 'f(z_t)']
    """
    at, end = start, len(text) if stop is None else stop
    closings = _Closings(text)
    while (m := _OPEN.search(text, at, end)) is not None:
        found: Found | None = None
        if m.group("environment") is not None:
            found = _environment(text, m, end)
        elif m.group("dollar") is not None:
            found = _dollars(text, m, end)
        elif m.lastgroup is not None:
            found = _paired(text, m, int(m.lastgroup[1:]), end, closings)
        if found is None:
            # `$\[` without its partner may be `$` or `\[` with theirs
            mixed = m.lastgroup in {"p0", "p1"}
            found = _dollars(text, m, end) if mixed else None
            at = m.start() + 1 if mixed and found is None else m.end()
        if found is not None:
            at = found.outer_stop
            if found.stop > found.start:
                yield found


def _trimmed(
    text: str, inner: tuple[int, int], outer: tuple[int, int], form: str, *notes: str
) -> Found:
    start, stop = inner
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    if stop - start > 1 and text[start] == text[stop - 1] == "`":  # $`h_t`$
        start, stop = start + 1, stop - 1
    return Found(start, stop, *outer, form, notes)


@dataclass
class _Closings:
    """The next closing delimiter of each pair, looked for once in each stretch of the text."""

    text: str
    next: dict[int, re.Match[str]] = field(default_factory=dict)
    searched: dict[int, int] = field(default_factory=dict)

    def find(self, i: int, start: int, limit: int) -> re.Match[str] | None:
        known = self.next.get(i)
        if known is None or known.start() < start:
            begin = max(start, self.searched.get(i, 0) - 4)
            known = _CLOSING[i].search(self.text, begin, limit) if begin < limit else None
            self.searched[i] = limit
            if known is None:
                return None
            self.next[i] = known
            self.searched[i] = known.start()
        return known if known.end() <= limit else None


def _paired(text: str, m: re.Match[str], i: int, end: int, closings: _Closings) -> Found | None:
    pair = PAIRS[i]
    limit = min(end, m.end() + (MAX_INLINE if pair.form == "inline" else MAX_DISPLAY))
    closing = closings.find(i, m.end(), limit)
    if closing is None or _runs_into_prose(text, m.end(), closing.start()):
        if i < 2:
            return None
        return _unclosed(text, m, limit, pair.name)
    outer = (m.start(), closing.end())
    form = pair.form
    if form == "display" and not _stands_alone(text, *outer):
        form = "inline"
    return _trimmed(text, (m.end(), closing.start()), outer, form)


def _runs_into_prose(text: str, start: int, stop: int) -> bool:
    """Whether sentences follow an empty line between two delimiters: one of them is lost."""
    paragraph = _PARAGRAPH.search(text, start, stop)
    if paragraph is None:
        return False
    rest = text[paragraph.end() : min(stop, paragraph.end() + 400)]
    return _PROSE.search(_WORDS_IN_MATHEMATICS.sub(" ", rest)) is not None


def _unclosed(text: str, m: re.Match[str], limit: int, name: str) -> Found | None:
    paragraph = _PARAGRAPH.search(text, m.end(), limit)
    stop = limit if paragraph is None else paragraph.start()
    inner = text[m.end() : stop]
    if not _SIGNS.search(inner) or _PROSE.search(_WORDS_IN_MATHEMATICS.sub(" ", inner)):
        return None
    outer = (m.start(), stop)
    return _trimmed(text, (m.end(), stop), outer, "display", f"the '{name}' is never closed")


def _environment(text: str, m: re.Match[str], end: int) -> Found | None:
    name = m.group("environment")
    if name not in ENVIRONMENTS:
        return None
    limit = min(end, m.end() + MAX_DISPLAY)
    edges = re.compile(rf"\\(begin|end)\s*\{{\s*{name}\*?\s*\}}")
    depth = 0
    for edge in edges.finditer(text, m.start(), limit):
        depth += 1 if edge.group(1) == "begin" else -1
        if depth > MAX_DEPTH:
            break
        if not depth:
            outer = (m.start(), edge.end())
            return _trimmed(text, outer, outer, "environment")
    return _unclosed(text, m, limit, f"\\begin{{{name}}}")


def _dollars(text: str, m: re.Match[str], end: int) -> Found | None:
    start = m.start() + 1
    limit = min(end, start + MAX_INLINE)
    first: int | None = None
    for _, closing in zip(
        range(6), _DOLLAR_OR_PARAGRAPH.finditer(text, start, limit), strict=False
    ):
        if closing.group() != "$":
            break
        if first is None:
            first = closing.start()
        inner = text[start : closing.start()]
        if inner.count("{") - inner.count("\\{") <= inner.count("}") - inner.count("\\}"):
            first = closing.start()
            break
    if first is None or not is_mathematics(text[start:first], text[first + 1 : first + 2]):
        return None
    return _trimmed(text, (start, first), (m.start(), first + 1), "inline")


def is_mathematics(inner: str, after: str = "") -> bool:
    """Whether what stands between two dollar signs is mathematics, and not money or prose.

    >>> [is_mathematics(s) for s in ("h_t", "5 and ", "PATH or ", "2.5", " T ")]
    [True, False, False, True, True]
    """
    if not inner.strip():
        return False
    if inner[0].isdigit() and (after.isdigit() or inner != inner.rstrip()):
        return False
    if _SIGNS.search(inner):
        return not (_MONEY.match(inner) and _PROSE.search(inner))
    words = [w for w in _WORD.findall(inner) if w not in FUNCTIONS]
    if words and _MONEY.match(inner):
        return False
    return len(words) < 2 and not (len(words) == 1 and inner != inner.strip() and " " in inner)


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Whether no words stand beside a display on its lines."""
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", stop)
    beside = (
        text[max(begin, start - 200) : start]
        + text[stop : min(end, stop + 200) if end >= 0 else stop + 200]
    )
    return _WORDS_ABOUT.search(re.sub(r"^\s*\d+[.)]\s", " ", beside)) is None
