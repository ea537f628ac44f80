"""What defines macros in a document: each command a row of ``DEFINERS``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

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


NAME = re.compile(r"\\(?:[A-Za-z@]+|[^A-Za-z@\s])")
BLANKS = re.compile(r"\s*")
STAR = re.compile(r"\s*\*")
_PARAMETERS = re.compile(r"(?:#\d\s*)*")
_EQUALS = re.compile(r"\s*=?\s*")


def _defined_name(tokens: Tokens) -> str | None:
    named = tokens.argument()
    if named is None:
        return None
    m = NAME.fullmatch(tokens.text[named].strip())
    return m and m.group()[1:]


def _new(tokens: Tokens) -> Macro | None:
    tokens.skip(STAR)
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
    tokens.skip(BLANKS)
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
    tokens.skip(STAR)
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


def without_definitions(text: Traced) -> Traced:
    """A text with its macro definitions blanked."""
    if not _DEFINITION.search(text.text):
        return text
    words = text.text
    for _, start, stop in definitions(text):
        words = words[:start] + blank(words[start:stop]) + words[stop:]
    return replace(text, text=words)
