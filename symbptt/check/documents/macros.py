"""Macros that a document defines: found anywhere in it, expanded with positions kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from symbptt.check.documents.definers import (
    BLANKS,
    MAX_DEPTH,
    MAX_LENGTH,
    NAME,
    STAR,
    Macro,
    definitions,
)
from symbptt.check.documents.tex import Tokens
from symbptt.check.documents.traced import Traced


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
        for m in NAME.finditer(text.text):
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
            tokens.skip(STAR)
            tokens.skip(BLANKS)
            if not text.text.startswith("{", tokens.position):
                return None
        if macro.default is not None and macro.arguments:
            given = tokens.optional()
            standing = text.standing(macro.default, use.start(), use.end())
            found.append(standing if given is None else text[given])
        elif macro.arguments:
            tokens.skip(STAR)
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
        if "\\" not in argument.text or NAME.fullmatch(argument.text.strip()):
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
