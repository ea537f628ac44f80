r"""Macros that a document defines: found anywhere in it, expanded with positions kept.

What a definition looks like is a row of ``DEFINERS``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from symbptt.check.documents.tex import Tokens
from symbptt.check.documents.traced import Traced, blank

#: How deep macros may stand in macros, and how long what they expand to may be.
MAX_DEPTH = 30
MAX_LENGTH = 20_000
#: How many definitions without an end are looked through to the end of their window.
MAX_LOST = 20


@dataclass(frozen=True)
class Macro:
    r"""``\newcommand{\pd}[2][L]{\frac{\partial #1}{\partial #2}}``.

    ``default`` is that of an optional first argument; ``position`` is where in the file the
    definition stands.
    """

    name: str
    body: str
    arguments: int = 0
    default: str | None = None
    position: int = -1


def _macros(rows: Mapping[str, str]) -> dict[str, Macro]:
    return {
        name: Macro(name, body, max((int(d) for d in re.findall(r"#(\d)", body)), default=0))
        for row, body in rows.items()
        for name in row.split()
    }


#: What people use without saying what it is: from common packages, and by common custom.
COMMON = _macros(
    {
        "pd pdv pdiff pder fpd": r"\frac{\partial #1}{\partial #2}",
        "dv odv": r"\frac{d #1}{d #2}",
        "norm Norm": r"\left\| #1 \right\|",
        "abs": r"\left| #1 \right|",
        "bs bb bld vect vec mat bvec mbf mb": r"\boldsymbol{#1}",
        "red blue green orange purple gray grey teal cyan magenta": "#1",
        "set Set": r"\{ #1 \}",
        "paren": r"\left( #1 \right)",
        "ensuremath mathclap mathllap mathrlap smash hl": "#1",
        "intertext shortintertext": r" \\ ",
        "sfrac nicefrac": r"\frac{#1}{#2}",
    }
)
del COMMON["vec"]  # an accent

_NAME = re.compile(r"\\(?:[A-Za-z@]+|[^A-Za-z@\s])")
_BLANKS = re.compile(r"\s*")
_STAR = re.compile(r"\s*\*")
_PARAMETERS = re.compile(r"(?:#\d\s*)*")
_EQUALS = re.compile(r"\s*=?\s*")


def _defined_name(tokens: Tokens) -> str | None:
    named = tokens.argument()
    if named is None:
        return None
    m = _NAME.fullmatch(tokens.text[named].strip())
    return m and m.group()[1:]


def _new(tokens: Tokens) -> Macro | None:
    tokens.skip(_STAR)
    name = _defined_name(tokens)
    count = tokens.optional()
    default = tokens.optional()
    body = tokens.argument()
    if name is None or body is None:
        return None
    digits = "" if count is None else tokens.text[count].strip()
    arguments = int(digits) if re.fullmatch("[0-9]", digits) else 0
    return Macro(
        name, tokens.text[body], arguments, None if default is None else tokens.text[default]
    )


def _def(tokens: Tokens) -> Macro | None:
    name = _defined_name(tokens)
    tokens.skip(_BLANKS)
    parameters = tokens.skip(_PARAMETERS)
    if name is None or not tokens.text.startswith("{", tokens.position):
        return None
    body = tokens.argument()
    count = parameters.group().count("#") if parameters else 0
    return None if body is None else Macro(name, tokens.text[body], count)


def _let(tokens: Tokens) -> Macro | None:
    name = _defined_name(tokens)
    tokens.skip(_EQUALS)
    body = tokens.argument()
    return None if name is None or body is None else Macro(name, tokens.text[body])


def _operator(tokens: Tokens) -> Macro | None:
    tokens.skip(_STAR)
    name, body = _defined_name(tokens), tokens.argument()
    if name is None or body is None:
        return None
    return Macro(name, rf"\operatorname{{{tokens.text[body]}}}")


def _paired(tokens: Tokens) -> Macro | None:
    name, left, right = _defined_name(tokens), tokens.argument(), tokens.argument()
    if name is None or left is None or right is None:
        return None
    return Macro(name, rf"\left{tokens.text[left]} #1 \right{tokens.text[right]}", 1)


#: The commands that define, and how each is read.
DEFINERS = {
    "newcommand": _new,
    "renewcommand": _new,
    "providecommand": _new,
    "DeclareRobustCommand": _new,
    "def": _def,
    "gdef": _def,
    "let": _let,
    "DeclareMathOperator": _operator,
    "DeclarePairedDelimiter": _paired,
}
_DEFINITION = re.compile(rf"\\(?:{'|'.join(DEFINERS)})(?![A-Za-z@])")


def definitions(page: Traced) -> Iterator[tuple[Macro, int, int]]:
    r"""Each macro defined in a text, with where its definition begins and ends.

    >>> for macro, _, _ in definitions(Traced.whole(r"\newcommand{\pd}[2]{#1/#2} \def\Vh{h}")):
    ...     print(macro.name, macro.arguments, macro.body)
    pd 2 #1/#2
    Vh 0 h
    """
    done = lost = 0
    for m in _DEFINITION.finditer(page.text):
        if m.start() < done:
            continue
        window = page.text[m.end() : m.end() + MAX_LENGTH]
        tokens = Tokens(window)
        found = DEFINERS[m.group()[1:]](tokens)
        if found is None:
            lost += 1
            if lost > MAX_LOST:
                return
            continue
        done = m.end() + tokens.position
        at = page.stretch(m.start(), done)[0]
        yield (
            Macro(found.name, found.body, found.arguments, found.default, at),
            m.start(),
            done,
        )


@dataclass(frozen=True)
class Macros:
    """The macros of a document: at each place, the last definition above it, or the first."""

    table: Mapping[str, list[Macro]] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Traced) -> Macros:
        table: dict[str, list[Macro]] = {}
        for macro, _, _ in definitions(page):
            table.setdefault(macro.name, []).append(macro)
        return cls(table)

    def find(self, name: str, position: int) -> Macro | None:
        known = self.table.get(name)
        if known is None:
            return COMMON.get(name)
        at = bisect_right([m.position for m in known], position)
        return known[max(0, at - 1)]

    def expanded(self, text: Traced) -> tuple[Traced, tuple[str, ...]]:
        r"""A text without macros, and what couldn't be expanded, one note for each.

        >>> macros = Macros.of(Traced.whole(r"\newcommand{\d}[2]{\frac{#1}{#2}}"))
        >>> macros.expanded(Traced.whole(r"\d{a}{b} c"))[0].text
        '\\frac{a}{b} c'
        """
        if "\\" not in text.text:
            return text, ()
        done = _Expansion(self)
        return Traced.joined(done.pieces(text, ())), tuple(dict.fromkeys(done.notes))


@dataclass
class _Expansion:
    macros: Macros
    notes: list[str] = field(default_factory=list)
    length: int = 0
    #: how many arguments stand round what is being expanded
    depth: int = 0

    def pieces(self, text: Traced, within: tuple[str, ...]) -> Iterator[Traced]:
        done = 0
        for m in _NAME.finditer(text.text):
            if m.start() < done:
                continue
            name = m.group()[1:]
            macro = self.macros.find(name, text.stretch(m.start(), m.end())[0])
            if macro is None or not self.may_expand(macro, within):
                continue
            tokens = Tokens(text.text, m.end())
            arguments = self.arguments(macro, text, tokens, m)
            if arguments is None:
                continue
            end = tokens.position
            stop = m.start() + len(text.text[m.start() : end].rstrip())
            first, last = text.stretch(m.start(), stop)
            arguments = [
                self.inner(part.argument(i, first, last), within)
                for i, part in enumerate(arguments)
            ]
            if not self.may_expand(macro, within):  # its arguments were too much
                continue
            yield text[done : m.start()]
            done = end
            written = self.written(macro, text, arguments, m, stop)
            self.length += len(written)
            yield from self.pieces(written, (*within, name))
        yield text[done:]

    def may_expand(self, macro: Macro, within: tuple[str, ...]) -> bool:
        if macro.name in within:
            if macro.body.strip() != "\\" + macro.name:
                self.notes.append(f"the macro \\{macro.name} expands into itself")
            return False
        if len(within) >= MAX_DEPTH or self.length > MAX_LENGTH:
            self.notes.append(f"the macro \\{macro.name} expands into too much")
            return False
        return True

    def arguments(
        self, macro: Macro, text: Traced, tokens: Tokens, use: re.Match[str]
    ) -> list[Traced] | None:
        found: list[Traced] = []
        if macro is COMMON.get(macro.name) and macro.arguments:
            tokens.skip(_STAR)
            tokens.skip(_BLANKS)
            if not text.text.startswith("{", tokens.position):
                return None
        if macro.default is not None and macro.arguments:
            given = tokens.optional()
            standing = text.standing(macro.default, use.start(), use.end())
            found.append(standing if given is None else text[given])
        elif macro.arguments:
            tokens.skip(_STAR)
        while len(found) < macro.arguments:
            part = tokens.argument()
            if part is None:
                if macro is not COMMON.get(macro.name):
                    self.notes.append(
                        f"the macro \\{macro.name} takes {macro.arguments} arguments; "
                        "write each in braces"
                    )
                return None
            found.append(text[part])
        return found

    def inner(self, argument: Traced, within: tuple[str, ...]) -> Traced:
        r"""An argument without macros: in ``\tran{\tran{x}}`` the macro is not in its own body."""
        if "\\" not in argument.text or _NAME.fullmatch(argument.text.strip()):
            return argument
        if self.depth >= MAX_DEPTH:
            self.notes.append("macros stand in one another too deep")
            return argument
        self.depth += 1
        found = Traced.joined(self.pieces(argument, within))
        self.depth -= 1
        return found

    def written(
        self, macro: Macro, text: Traced, arguments: list[Traced], use: re.Match[str], stop: int
    ) -> Traced:
        """The body with its arguments: the body stands where the whole call does."""
        pieces: list[Traced] = []
        for i, part in enumerate(re.split(r"#(\d)", macro.body)):
            if i % 2 == 0:
                pieces.append(text.standing(part, use.start(), stop))
            elif 1 <= int(part) <= len(arguments):
                pieces.append(arguments[int(part) - 1])
        # `\Vh_t` and `\tp x`: a letter after the body must not become part of its last command
        after = text.text[use.end() : use.end() + 1]
        if re.search(r"\\[A-Za-z]+\Z", macro.body) and (after.isspace() or after.isalpha()):
            pieces.append(text.standing(" ", use.start(), stop))
        return Traced.joined(pieces)


def without_definitions(text: Traced) -> Traced:
    """A text with its macro definitions blanked."""
    if not _DEFINITION.search(text.text):
        return text
    words = text.text
    for _, start, stop in definitions(text):
        words = words[:start] + blank(words[start:stop]) + words[stop:]
    return replace(text, text=words)
