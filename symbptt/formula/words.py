"""From raw tokens to words of the grammar, one token at a time: what needs no surroundings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token

from symbptt.formula.lexicon import (
    ACCENTS,
    BETWEEN,
    BIG_OPERATORS,
    BRACKETS,
    CASES,
    DISPLAYS,
    DOTS,
    FONTS,
    FRACTIONS,
    IGNORED,
    MATRICES,
    PRODUCTS,
    QUADS,
    RELATIONS,
    SIZES,
    STACKED,
    SUBSCRIPT_CHARACTERS,
    SUPERSCRIPT_CHARACTERS,
    TRANSPOSES,
    UNDERBRACES,
    UNSUPPORTED,
)
from symbptt.formula.unreadable import UnreadableError

#: LaTeX commands to the token that each is; the value is looked up in the canonical tables.
_COMMANDS: dict[str, tuple[str, str]] = {
    **{c: ("FONT", c) for c in FONTS},
    **{c: ("ACCENT", name) for c, name in ACCENTS.items()},
    **{c: ("UNDERBRACE", c) for c in UNDERBRACES},
    **{c: ("OPERATOR", sign) for c, sign in PRODUCTS.items()},
    **{c: ("RELATION", sign) for c, sign in RELATIONS.items()},
    **{c: ("BIG", kind) for c, kind in BIG_OPERATORS.items()},
    **{c: ("FRACTION", c) for c in FRACTIONS},
    **dict.fromkeys(DOTS, ("TEXT", "...")),
    **{c: ("TOP", c) for c in TRANSPOSES},
    **{c: ("BRACKET", c) for c in BRACKETS},
    **{c: ("SIZE", c) for c in SIZES},
    **{c: ("BETWEEN", c) for c in BETWEEN},
    **{c: ("QUAD", c) for c in QUADS},
    **{c: ("STACKED", script) for c, script in STACKED.items()},
    "\\substack": ("SUBSTACK", "\\substack"),
    "\\sqrt": ("ROOT", "sqrt"),
    "\\over": ("OVER", "\\over"),
    "\\prime": ("PRIME", "'"),
    "\\partial": ("PARTIAL", "∂"),
    "\\nabla": ("NABLA", "∇"),
    "\\mid": ("MID", "|"),
    "\\colon": ("COLON", ":"),
    "\\lbrace": ("BRACKET", "\\{"),
    "\\rbrace": ("BRACKET", "\\}"),
}

#: Raw tokens to grammar tokens where the token alone decides.
_CHARACTERS: dict[str, tuple[str, dict[str, str]]] = {
    "OPERATOR": ("OPERATOR", PRODUCTS),
    "RELATION": ("RELATION", RELATIONS),
    "BIG": ("BIG", BIG_OPERATORS),
}

_WORD = re.compile(r"[^\W\d_][\w-]*\Z")
_SPACED = re.compile(r"[a-z](?: [a-z]){2,}")
_CHARACTER_RUN = re.compile(r"[0-9]+|[a-zA-Z]+|.")


def token(kind: str, value: str, start: int, end: int) -> Token:
    """A token of our own making at a place in the text."""
    return Token(kind, value, start_pos=start, end_pos=end)


def span_of(t: Token) -> tuple[int, int]:
    """Where a token stands (lark declares the positions optional)."""
    start = t.start_pos or 0
    return start, start if t.end_pos is None else t.end_pos


def words(raw: Iterator[Token], shift: int) -> Iterator[Token]:
    """Grammar tokens and marks for the reader (``NEWLINE``, ``BRACKET``, ``SIZE`` ...).

    ``shift`` is added to every position: where the lexed text begins in the whole text.
    """
    for t in raw:
        start, end = (p + shift for p in span_of(t))
        value = str(t)
        match t.type:
            case "COMMENT" | "DROPPED" | "NAMESPACE" | "BROADCAST":
                pass
            case "OBJECT":
                yield token("WORDS", value, start, end)
            case "COMMAND":
                yield from _command(value, start, end)
            case "TEXT":
                yield from _text(value, start, end)
            case "BEGIN" | "END":
                yield _environment(t.type, value, start, end)
            case "SUBRUN" | "SUPRUN":
                inner = value.lstrip("\\_^*. \t\r\f\n\v\u00a0")
                at = end - len(inner)
                yield token(t.type[:3], value[: at - start], start, at)
                run = "WORDS" if value.startswith("\\_") else "RUN"  # d\_out is one word
                kind = "NUMBER" if inner[0].isdecimal() else run
                yield token(kind, inner, at, end)
            case "SUBCHARS":
                yield from _small("SUB", SUBSCRIPT_CHARACTERS, value, start)
            case "SUPCHARS":
                yield from _small("SUP", SUPERSCRIPT_CHARACTERS, value, start)
            case "ADDED":  # \mathrel{+}=, +&=
                sign = next(c for c in value if c in "+-*/")
                yield token("RELATION", RELATIONS[f"{sign}="], start, end)
            case "OPERATOR" | "RELATION" | "BIG":
                kind, table = _CHARACTERS[t.type]
                yield token(kind, table[value], start, end)
            case "DEFINED":
                yield token("RELATION", "≜", start, end)
            case "DOTS":
                yield token("TEXT", "...", start, end)
            case "SIGN":
                yield token("SIGN", "+" if value[-1] == "+" else "-", start, end)
            case "VULGAR":
                yield token("NUMBER", value, start, end)
            case "OTHER":
                raise UnreadableError(
                    f"the character {value!r} is not part of a formula; leave it out", start, end
                )
            case kind:
                yield token(kind, value, start, end)


def _command(value: str, start: int, end: int) -> Iterator[Token]:
    if value in IGNORED:
        return
    if value in UNSUPPORTED:
        raise UnreadableError(f"{value}: {UNSUPPORTED[value]}", start, end)
    kind, canonical = _COMMANDS.get(value, ("NAME", value))
    yield token(kind, canonical, start, end)


def _text(value: str, start: int, end: int) -> Iterator[Token]:
    inner = value[value.index("{") + 1 : -1]
    if value.count("{") > 1:  # \mathbf{n} \mathbf{e} \mathbf{t}
        inner = " ".join(re.findall(r"\{(\w)\}", value))
    content = re.sub(r"\\([_&%])", r"\1", inner)
    content = " ".join(re.sub(r"\\[ ,;-]", " ", content).replace("~", " ").split())
    if not value.startswith("\\text") and _SPACED.fullmatch(content):  # \mathbf{n e t}
        content = content.replace(" ", "")
    if content:
        yield token("WORDS" if _WORD.match(content) else "TEXT", content, start, end)


def _environment(kind: str, value: str, start: int, end: int) -> Token:
    name = value[value.index("{") + 1 : value.index("}")].strip().rstrip("*")
    if name in CASES:
        return token(f"{kind}_CASES", value, start, end)
    if name in MATRICES:
        return token(f"{kind}_MATRIX", value, start, end)
    if name in DISPLAYS:
        return token("EDGE", "open" if kind == "BEGIN" else "close", start, end)
    raise UnreadableError(
        f"the environment '{name}' is not read; write a matrix or an array as a name", start, end
    )


def _small(kind: str, table: dict[str, str], value: str, start: int) -> Iterator[Token]:
    """Subscript and superscript characters as a script in braces, each where it stands."""
    for i, character in enumerate(value, start):
        if table.get(character) is None:
            raise UnreadableError(
                f"the character {character!r} is not part of a formula; "
                f"write it with {'_' if kind == 'SUB' else '^'}",
                i,
                i + 1,
            )
    plain = "".join(table[c] for c in value)
    end = start + len(value)
    yield token(kind, value[0], start, start + 1)
    yield token("BRACKET", "{", start, start)
    for run in _CHARACTER_RUN.finditer(plain):
        text = run.group()
        if text.isdecimal():
            what = "NUMBER"
        elif text in "+-":
            what = "SIGN"
        elif text == "=":
            what = "RELATION"
        elif text in "()":
            what = "BRACKET"
        else:
            what = "WORD"
        yield token(what, text, start + run.start(), start + run.end())
    yield token("BRACKET", "}", end, end)
