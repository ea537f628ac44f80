"""Brackets: which closes which, which bar opens, and what a bracket is for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from lark import Token

from symbptt.formula.lexicon import BRACKETS, CLOSING
from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of, token

#: Brackets within brackets: more than a person writes, and few enough for recursive functions.
MAX_NESTING = 40

SCRIPTS = frozenset({"SUB", "SUP"})
#: Commands to the number of operands that they take.
TAKES = {"FRACTION": 2, "ACCENT": 1, "FONT": 1, "ROOT": 1, "UNDERBRACE": 1}

#: What an operand may end in.
ENDS_OPERAND = frozenset(
    {"NAME", "NUMBER", "TEXT", "TOP", "CLOSE", "RBRACE", "CLOSE_INDEX", "PRIME", "DOT_T", "NABLA"}
)
_INDEX = re.compile(r"\[\s*(?:[A-Za-z]\s*(?:[+−-]\s*[0-9]+)?|[−-]?\s*[0-9]+)\s*\]")
_PARTNER = {"LBRACE": "RBRACE", "OPEN_INDEX": "CLOSE_INDEX"}


@dataclass
class Opened:
    """A bracket that waits for its partner; ``index`` is its place among the tokens read."""

    kind: str
    index: int
    token: Token
    script: bool = False
    separated: bool = False


@dataclass
class Brackets:
    """The tokens read so far, and the brackets open among them."""

    text: str
    functions: Collection[str]
    out: list[Token] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    stack: list[Opened] = field(default_factory=list)

    def emit(self, kind: str, value: str, t: Token) -> None:
        self.out.append(token(kind, value, *span_of(t)))
        self.depths.append(len(self.stack))

    def drop(self) -> None:
        self.out.pop()
        self.depths.pop()

    def last(self, back: int = 1) -> str:
        return self.out[-back].type if len(self.out) >= back else ""

    # ---------------------------------------------------------------- open and close

    def bracket(self, t: Token, sized: str, following: Token | None, queue: list[Token]) -> None:
        """Read a bracket; ``sized`` is the side that a ``\\left`` or ``\\bigr`` before it says."""
        value = str(t)
        if value == "{":
            self.push("brace", "LBRACE", t, script=self.last() in SCRIPTS)
            return
        if value == "}":
            self.close("brace", t, following)
            return
        kind, side = BRACKETS[value]
        opens = not any(o.kind == kind for o in self.stack)
        if side == "either" or (value == "\\rvert" and opens):  # \rvert_t: evaluated at
            self.bar(kind, sized, t, following, queue)
        elif side == "close":
            self.close(kind, t)
        elif kind == "[" and self.is_index(t):
            self.push("[", "OPEN_INDEX", t)
        else:
            self.push(kind, "OPEN", t)

    def push(self, kind: str, token_kind: str, t: Token, script: bool = False) -> None:
        self.emit(token_kind, kind, t)
        self.nest(Opened(kind, len(self.out) - 1, t, script))

    def nest(self, opened: Opened) -> None:
        if len(self.stack) >= MAX_NESTING:
            raise UnreadableError(
                f"brackets are nested more than {MAX_NESTING} deep here; "
                "give a part of the formula a name",
                *span_of(opened.token),
            )
        self.stack.append(opened)

    def close(self, kind: str, t: Token, following: Token | None = None) -> None:
        while self.stack and self.stack[-1].kind != kind and self.lone_bar():
            pass
        if not self.stack:
            raise UnreadableError(
                f"the bracket '{t}' closes nothing; leave it out or open it", *span_of(t)
            )
        opened = self.stack[-1]
        if opened.kind != kind:
            self.mismatch(opened, t)
        self.stack.pop()
        empty = kind == "brace" and self.last() == "LBRACE"
        if empty and self.last(2) not in SCRIPTS | TAKES.keys():
            self.drop()  # an empty pair of braces, TeX's way to keep things apart
        elif kind == "brace" and opened.separated and not opened.script:
            # a set in plain text, {2, T}
            self.out[opened.index] = token("OPEN", "{", *span_of(opened.token))
            self.emit("CLOSE", "{", t)
        else:
            self.emit(_PARTNER.get(self.out[opened.index].type, "CLOSE"), kind, t)

    def unclosed(self, opened: Opened) -> UnreadableError:
        if opened.kind == "cases":
            message = "this \\begin{cases} is never closed; add \\end{cases}"
        elif opened.kind == "nothing":
            message = "this \\left. is never closed; add a \\right"
        else:
            message = f"the bracket '{opened.token}' is never closed; add '{CLOSING[opened.kind]}'"
        return UnreadableError(message, *span_of(opened.token))

    def mismatch(self, opened: Opened, t: Token) -> None:
        if opened.kind in {"nothing", "cases"}:
            raise UnreadableError(
                f"the bracket '{t}' closes nothing here; leave it out or open it", *span_of(t)
            )
        if opened.kind in {"|", "‖"}:
            raise self.unclosed(opened)
        raise UnreadableError(
            f"'{opened.token}' is closed by '{t}'; "
            f"write '{CLOSING[opened.kind]}' or open '{t}' first",
            *span_of(t),
        )

    # ---------------------------------------------------------------- bars, angles, indices

    def bar(
        self, kind: str, sized: str, t: Token, following: Token | None, queue: list[Token]
    ) -> None:
        top = self.stack[-1].kind if self.stack else ""
        after_operand = self.last() in ENDS_OPERAND
        if sized == "middle" and self.stack:
            self.stack[-1].separated = True
            self.emit("SEPARATOR", "|", t)
        elif str(t) == "||" and top == "|" and after_operand:
            # |x||y|: one closes, the other opens
            start, end = span_of(t)
            queue.append(token("BRACKET", "|", start + 1, end))
            self.close("|", token("BRACKET", "|", start, start + 1))
        elif top == kind and sized != "open" and after_operand:
            self.close(kind, t)
        elif following is not None and following.type == "SUB" and after_operand:
            # evaluated at: \frac{dC}{dy}\Big|_{y}; the subscript says it all
            if top == "nothing" and sized == "close":
                opened = self.stack.pop()  # what it encloses begins with the \left.
                first, (start, _) = self.out[opened.index], span_of(opened.token)
                self.out[opened.index] = token(first.type, str(first), start, span_of(first)[1])
        elif sized == "close":
            self.close(kind, t)
        else:
            self.push(kind, "OPEN", t)

    def lone_bar(self) -> bool:
        """Turn a bar without a partner into a separator: ``(x | h)``."""
        opened = self.stack[-1]
        if opened.kind != "|" or len(self.stack) < 2:
            return False
        if self.out[opened.index - 1].type not in ENDS_OPERAND:
            return False
        self.out[opened.index] = token("SEPARATOR", "|", *span_of(opened.token))
        self.stack.pop()
        return True

    def evaluated_at(self) -> None:
        """Read a bar with a word after it, at the formula's end, as a subscript: ``f(z)|now``."""
        opened = self.stack[-1] if len(self.stack) == 1 else None
        if opened is None or opened.kind != "|" or opened.index != len(self.out) - 2:
            return
        word = self.out[-1]
        if opened.index and self.out[opened.index - 1].type in ENDS_OPERAND and len(word) > 1:
            self.out[opened.index] = token("SUB", "|", *span_of(opened.token))
            self.depths[-1] = 0
            self.stack.pop()

    def angle(self, t: Token) -> bool:
        """``h^{<t>}``: angle brackets drawn with relation signs."""
        if str(t) == "<":
            braced = self.last() == "LBRACE" and self.last(2) == "SUP"
            if not (self.last() == "SUP" or braced):
                return False
            self.push("⟨", "OPEN", t)
            return True
        if self.stack and self.stack[-1].kind == "⟨" and str(self.stack[-1].token) == "<":
            self.close("⟨", t)
            return True
        return False

    def is_index(self, t: Token) -> bool:
        """``h[t]``: a bracket with a time in it, right after a name that is no function."""
        start, _ = span_of(t)
        below = self.last(2) == "SUB" and self.last() != "LBRACE"  # h_W[t], but not h_{[t]}
        named = self.last() in {"NAME", "RBRACE"} or below
        if not named or span_of(self.out[-1])[1] != start:
            return False
        if str(self.out[-1]).lstrip("\\") in self.functions:
            return False
        return _INDEX.match(self.text, start) is not None
