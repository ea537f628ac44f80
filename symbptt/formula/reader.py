"""From a text to the tokens of its formulas: what depends on the surroundings of a token.

Here a word turns out to be a name, a big operator or a piece of prose; a line break turns
out to end a formula or not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lark import Lark, Token

from symbptt.formula.brackets import SCRIPTS, TAKES, Brackets, Opened
from symbptt.formula.lexicon import CONDITION_WORDS, FUNCTIONS, PROSE
from symbptt.formula.lines import split
from symbptt.formula.names import is_letter
from symbptt.formula.rearranged import rearranged
from symbptt.formula.stops import is_product, thousands
from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of, token, words


def formulas(
    text: str,
    start: int,
    end: int,
    functions: Collection[str],
    *,
    lines: bool,
    letters: bool,
) -> list[list[Token]]:
    """The tokens of every formula in ``text[start:end]``, positions counted in ``text``."""
    reader = _Reader(text, FUNCTIONS | frozenset(functions), lines=lines, letters=letters)
    reader.read(rearranged(list(words(_lexer().lex(text[start:end]), start))))
    return list(split(reader.out, reader.depths))


@cache
def _lexer() -> Lark:
    grammar = Path(__file__).with_name("tokens.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser=None, lexer="basic")


@dataclass
class _Reader(Brackets):
    """Reads one token after another; what is still to come stands in a queue, last first."""

    lines: bool = True
    letters: bool = False
    displays: int = 0
    #: how many operands the command before still takes: unbraced, each is one character
    single: int = 0
    #: how many of the words ``from`` and ``to`` are due
    counting: int = 0
    #: after the ``for`` of ``sum(a for t in range(T))``
    looping: bool = False
    #: in the condition of a case
    condition: bool = False
    #: the side of the next bracket, where ``\left`` or ``\bigr`` says it
    side: str = ""

    def read(self, tokens: list[Token]) -> None:
        queue = tokens[::-1]
        while queue:
            t = queue.pop()
            self.one(t, queue[-1] if queue else None, queue)
        self.evaluated_at()
        if self.stack:
            raise self.unclosed(self.stack[-1])

    @property
    def in_cases(self) -> bool:
        return bool(self.stack) and self.stack[-1].kind == "cases"

    def one(self, t: Token, following: Token | None, queue: list[Token]) -> None:
        value = str(t)
        side, self.side = self.side, ""
        single, self.single = self.single, 0
        match t.type:
            case "SIZE":
                self.size(t, following, queue)
                self.single = single
            case "BRACKET":
                self.bracket(t, side, following, queue)
            case "WORD" | "GREEK" | "WORDS" | "RUN":
                self.word(t, single, following, queue)
            case "NUMBER" if not self.stack and (more := thousands(t, queue)) is not None:
                self.emit("NUMBER", str(more), more)
            case "NUMBER" if single and len(value) > 1 and value.isdecimal():
                self.cut(t, 1, queue)
                self.single = single - 1
            case "NAME":
                self.command(t, following)
                self.single = max(single - 1, 0)
            case "FRACTION" | "ACCENT" | "FONT" | "ROOT" | "UNDERBRACE":
                if t.type == "ROOT" and following is not None and str(following) == "[":
                    raise UnreadableError(
                        "a root of another order is not read; write it as a power", *span_of(t)
                    )
                self.emit(t.type, value, t)
                self.single = max(single, TAKES[t.type])
            case "RELATION" if value in "<>" and self.angle(t):
                pass
            case "OPERATOR" if self.is_wildcard(value):
                self.emit("NAME", "star", t)
            case "OPERATOR" if self.is_placeholder(following):
                self.emit("TEXT", value, t)
            case "TEXT" if self.condition and self.in_cases and _is_condition_word(value):
                pass
            case "SEPARATOR" | "MID" if self.stack:
                self.stack[-1].separated = True
                self.emit("SEPARATOR", value, t)
            case "COLON" if self.stack:
                self.emit("TEXT", ":", t)  # a slice or a range: W[:, 1:n]
            case "NEWLINE" | "ROW" | "AMPERSAND" | "BEGIN_CASES" | "END_CASES":
                self.arrangement(t)
            case "BEGIN_MATRIX":
                self.emit("OPEN", "[", t)
                self.nest(Opened("matrix", len(self.out) - 1, t))
            case "END_MATRIX":
                self.end_cell()
                self.close("matrix", t)
            case "STOP" if self.letters and is_product(t, self, queue):
                self.emit("OPERATOR", "·", t)
            case "SEPARATOR" | "BETWEEN" | "QUAD" | "STOP" if not self.stack:
                self.emit("BREAK", t.type.lower(), t)
            case "BETWEEN" | "QUAD":
                pass
            case "EDGE":
                self.edge(t, opening=value == "open")
            case "DELIMITER":
                dollar = value[0] == "$" and not self.displays
                self.edge(t, opening=dollar or value in ("\\[", "\\("))
            case kind:
                self.emit(kind, value, t)
                self.single = max(single - 1, 0)

    # ---------------------------------------------------------------- words

    def command(self, t: Token, following: Token | None) -> None:
        """A command that is in no table is a name (``\\Loss``), unless it takes an argument."""
        value = str(t)
        known = value[1:] in self.functions or is_letter(value)
        if following is not None and str(following) == "{" and not known:
            raise UnreadableError(
                f"the command {value} is not known; write what it stands for", *span_of(t)
            )
        self.emit("NAME", value, t)

    def word(self, t: Token, single: int, following: Token | None, queue: list[Token]) -> None:
        value = str(t)
        big = self.big(t, following, queue)
        in_braces = any(o.kind == "brace" for o in self.stack)
        if big:
            self.emit(big, "prod" if value in {"prod", "Π"} else "sum", t)
        elif single and len(value) > 1 and t.type != "WORDS":
            self.cut(t, 1, queue)
            self.single = single - 1
        elif self.letters and self.is_row_of_letters(t) and not _is_called(value, following):
            digits = 0 if t.type == "RUN" else len(value[1:]) - len(value[1:].lstrip("0123456789"))
            self.cut(t, 1 + digits, queue)
        elif self.counting and value in {"from", "to"}:
            self.counting -= 1
            self.emit(value.upper(), value, t)
        elif value == "in" and (in_braces or self.looping) and self.last() == "NAME":
            self.looping = False
            self.emit("RELATION", "∈", t)  # sum_{t in {2, T}}
        elif value == "for" and t.type == "WORD" and self.stack and self.stack[-1].kind == "(":
            self.looping = True
            self.emit("FOR", value, t)
        elif self.condition and self.in_cases and _is_condition_word(value):
            pass
        elif t.type != "RUN" and value.lower() in PROSE and not in_braces:
            raise UnreadableError(
                f"'{value}' belongs to a sentence, not to a formula; "
                "leave it out or put the formula on a line of its own",
                *span_of(t),
            )
        else:
            self.emit("NAME", value, t)
            self.single = max(single - 1, 0)

    def cut(self, t: Token, at: int, queue: list[Token]) -> None:
        """Emit the first ``at`` characters of a token and put the rest back."""
        start, end = span_of(t)
        kind = "NUMBER" if t.type == "NUMBER" else "NAME"
        self.emit(kind, str(t)[:at], token(kind, "", start, start + at))
        if at < len(t):
            rest = str(t)[at:]
            kind = "NUMBER" if rest.isdecimal() else "WORD"
            queue.append(token(kind, rest, start + at, end))

    def is_row_of_letters(self, t: Token) -> bool:
        """Whether a word is a row of one-letter names, as TeX prints it; long ones are words."""
        if t.type not in {"RUN", "WORD"} or str(t) in self.functions:
            return False
        if t.type == "WORD" and len(t) > 3 and t[1:].islower():
            return False  # a word, as in `\partial{loss}`
        return len(t) > 1 and not any(o.script for o in self.stack)

    def big(self, t: Token, following: Token | None, queue: list[Token]) -> str:
        r"""``BIG`` for the word or letter ``Σ`` with bounds, ``COUNTED`` for ``sum t from``."""
        value = str(t)
        if value not in {"sum", "prod", "Σ", "Π"} or following is None or t.type == "RUN":
            return ""
        after = queue[-2] if len(queue) > 1 else None
        if following.type in SCRIPTS and after is not None:
            # sum_t and sum_{t=1}, but not the name sum_exp
            return "BIG" if value in {"Σ", "Π"} or len(after) == 1 else ""
        if following.type == "WORD" and after is not None and str(after) == "from":
            self.counting = 2
            return "COUNTED"
        return ""

    def is_wildcard(self, value: str) -> bool:
        r"""``\bar\star``: a star under an accent stands for any of some names."""
        accented = self.last() == "ACCENT" or (self.last(), self.last(2)) == ("LBRACE", "ACCENT")
        return value in {"*", "\\star", "\\ast"} and accented

    def is_placeholder(self, following: Token | None) -> bool:
        r"""``f(\cdot)``: an operator that holds the place of an argument."""
        if self.last() not in {"OPEN", "SEPARATOR"} or following is None:
            return False
        return following.type == "SEPARATOR" or str(following) in {")", "]"}

    # ---------------------------------------------------------------- sizes, arrangement

    def size(self, t: Token, following: Token | None, queue: list[Token]) -> None:
        value = str(t)
        if following is not None and following.type == "STOP":
            queue.pop()
            if value == "\\left":
                self.nest(Opened("nothing", len(self.out), t))
            elif self.stack and self.stack[-1].kind == "nothing":
                self.stack.pop()
            return
        if following is not None and following.type == "BRACKET":
            # the size is part of the bracket
            queue[-1] = token("BRACKET", str(following), span_of(t)[0], span_of(following)[1])
        if value == "\\left" or value.endswith("l"):
            self.side = "open"
        elif value == "\\right" or value.endswith("r"):
            self.side = "close"
        elif value == "\\middle" or value.endswith("m"):
            self.side = "middle"

    def arrangement(self, t: Token) -> None:
        """What sets formulas on a page, and ``cases``, where it sets values and conditions."""
        match t.type:
            case "NEWLINE":
                if self.lines and not self.displays and not self.stack:
                    self.emit("BREAK", "newline", t)
            case "BEGIN_CASES":
                self.push("cases", "BEGIN_CASES", t)
                self.condition = False
            case "END_CASES" if not self.in_cases:
                if self.stack:
                    raise self.unclosed(self.stack[-1])
                raise UnreadableError("this \\end{cases} closes nothing; leave it out", *span_of(t))
            case "END_CASES":
                self.end_cell()
                self.stack.pop()
                self.emit("END_CASES", str(t), t)
                self.condition = False
            case "ROW" | "AMPERSAND" if self.in_cases:
                self.end_cell()
                self.emit(t.type, str(t), t)
                self.condition = t.type == "AMPERSAND"
            case "ROW" | "AMPERSAND" if self.stack and self.stack[-1].kind == "matrix":
                self.emit("SEPARATOR", ";" if t.type == "ROW" else "&", t)
            case "ROW" if not self.stack:
                self.emit("BREAK", "row", t)

    def end_cell(self) -> None:
        """Drop the comma or full stop at the end of a value or condition."""
        if self.last() in {"SEPARATOR", "STOP"}:
            self.drop()

    def edge(self, t: Token, *, opening: bool) -> None:
        """The edge of a display: inside, a newline is a space."""
        self.displays = max(0, self.displays + (1 if opening else -1))
        if not self.stack:
            self.emit("BREAK", "edge", t)


def _is_condition_word(text: str) -> bool:
    return text.strip(" ,.:;").lower() in CONDITION_WORDS


def _is_called(word: str, following: Token | None) -> bool:
    """Whether capitals are a loss that is called, ``CE(y, p)``, and no row of letters."""
    return word in {"BCE", "CE", "MSE", "NLL"} and following is not None and str(following) == "("
