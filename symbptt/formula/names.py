r"""Names: what ``\mathbf{h}``, ``ŷ`` and ``\varphi`` are called, and how a name is spelled."""

from __future__ import annotations

import re
import unicodedata

from symbptt.formula.lexicon import ACCENTS, GREEK, LETTERS
from symbptt.formula.tree import (
    Group,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Text,
    Transpose,
)

_LETTER_COMMANDS = frozenset(GREEK.values()) | {"ell", "imath", "jmath", "hbar", "top"}


def is_letter(command: str) -> bool:
    r"""Whether a command is a letter, ``\delta``, so that braces after it are no argument.

    >>> is_letter("\\delta"), is_letter("\\foo")
    (True, False)
    """
    return command.lstrip("\\") in _LETTER_COMMANDS or command in LETTERS or command[0] != "\\"


def bare(written: str) -> tuple[str, tuple[str, ...]]:
    r"""The base of a name and its accents.

    >>> bare("\\varphi"), bare("σ"), bare("Whh"), bare("ŷ")
    (('phi', ()), ('sigma', ()), ('Whh', ()), ('y', ('hat',)))
    """
    if written in LETTERS:
        return LETTERS[written], ()
    if written.startswith("\\"):
        return written[1:], ()
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", written))
    marks = [c for c in decomposed if c in ACCENTS]
    rest = "".join(c for c in decomposed if c not in ACCENTS)
    # Only a single letter carries an accent that is mathematics; in a word it is spelling.
    if not marks or not re.fullmatch(r"[^\W\d_][0-9]*", rest):
        rest, marks = unicodedata.normalize("NFC", decomposed), []
    letter, digits = rest[:1], rest[1:]
    if letter in GREEK and (not digits or digits.isdecimal()):
        rest = GREEK[letter] + digits
    return rest, tuple(ACCENTS[m] for m in marks)


def spelling(symbol: Symbol) -> str:
    r"""A name as one word: base, accents, subscripts, superscripts and indices, no primes.

    >>> spelling(Symbol("W", subscripts=(Symbol("hh"),)))
    'W_hh'
    >>> spelling(Symbol("y", accents=("hat",), subscripts=(Symbol("t"),)))
    'y_hat_t'
    >>> spelling(Symbol("h", superscripts=(Symbol("l"),)))
    'h^l'
    """
    parts = [symbol.base]
    parts += [f"_{accent}" for accent in symbol.accents]
    parts += [f"_{written(node)}" for node in symbol.subscripts]
    parts += [f"^{written(node)}" for node in symbol.superscripts]
    parts += [f"[{written(node)}]" for node in symbol.indices]
    return "".join(parts)


def written(node: Node) -> str:
    """A short plain text of what stands in a script: ``t-1``, ``hh``, ``(l)``."""
    match node:
        case Symbol():
            return spelling(node) + "'" * node.primes
        case Number(value=value):
            return str(value)
        case Text(words=words):
            return words
        case Sum(terms=terms, signs=signs):
            pieces = [
                ("+" if s > 0 else "-") + written(t) for t, s in zip(terms, signs, strict=True)
            ]
            return "".join(pieces).removeprefix("+")
        case Product(factors=factors, operators=operators):
            return written(factors[0]) + "".join(
                op + written(f) for f, op in zip(factors[1:], operators, strict=True)
            )
        case Group(opening=opening, items=items):
            close = {"(": ")", "[": "]", "{": "}", "⟨": "⟩"}.get(opening, opening)
            return opening + ",".join(map(written, items)) + close
        case Quotient(numerator=a, denominator=b):
            return f"{written(a)}/{written(b)}"
        case Power(base=a, exponent=b):
            return f"{written(a)}^{written(b)}"
        case Transpose(operand=a):
            return f"{written(a)}^T"
        case Relation(sides=sides, operators=operators):
            return written(sides[0]) + "".join(
                op + written(s) for s, op in zip(sides[1:], operators, strict=True)
            )
    return type(node).__name__.lower() + "(" + ",".join(map(written, node.children())) + ")"
