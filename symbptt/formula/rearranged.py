r"""Labels that stand where a script would: ``\underset{k}{\sum}``, ``{}_T w``, ``\substack``."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from symbptt.formula.brackets import TAKES
from symbptt.formula.lexicon import ACCENT_MARKS
from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of, token

_SCRIPTS = frozenset({"SUB", "SUP"})
_NAMES = frozenset({"WORD", "GREEK", "NAME", "WORDS", "RUN"})
_OPERANDS = _NAMES | {"NUMBER", "TEXT", "TOP"}
_BRACKETS = frozenset("(){}[]")


def rearranged(tokens: list[Token]) -> list[Token]:
    """The tokens with every label where a script would stand."""
    if not any(_begins(tokens, i) for i in range(len(tokens))):
        return tokens
    out: list[Token] = []
    i = 0
    while i < len(tokens):
        t = tokens[i]
        if t.type == "STACKED":
            i = _stacked(tokens, i, out)
        elif t.type == "SUBSTACK":
            i = _substack(tokens, i, out)
        elif _is_left(tokens, i):
            i = _left(tokens, i, out)
        else:
            out.append(t)
            i += 1
    return out


def _begins(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].type in {"STACKED", "SUBSTACK"} or _is_left(tokens, i)


def _is_left(tokens: Sequence[Token], i: int) -> bool:
    """``{}_``: an empty pair of braces with a script."""
    return (
        str(tokens[i]) == "{"
        and i + 2 < len(tokens)
        and str(tokens[i + 1]) == "}"
        and tokens[i + 2].type in _SCRIPTS
        and (not i or tokens[i - 1].type not in _SCRIPTS | TAKES.keys())
    )


def _end(tokens: Sequence[Token], i: int) -> int:
    """Where the operand ends that begins at ``i``."""
    if i >= len(tokens):
        return i
    if str(tokens[i]) == "{":
        depth = 0
        for j in range(i, len(tokens)):
            depth += (str(tokens[j]) == "{") - (str(tokens[j]) == "}")
            if not depth:
                return j + 1
        return len(tokens)
    end = i + 1
    for _ in range(TAKES.get(tokens[i].type, 0)):
        end = _end(tokens, end) if end < len(tokens) and str(tokens[end]) == "{" else end + 1
    return min(end, len(tokens))


def _bare(operand: Sequence[Token]) -> list[Token]:
    """An operand without the braces round it."""
    return [*(operand[1:-1] if len(operand) > 1 and str(operand[0]) == "{" else operand)]


def _braced(script: Token, operand: Sequence[Token]) -> list[Token]:
    start, end = span_of(script)[1], span_of(operand[-1])[1]
    inner = _bare(operand)
    return [
        script,
        token("BRACKET", "{", start, start),
        *inner,
        token("BRACKET", "}", end, end),
    ]


def _stacked(tokens: list[Token], i: int, out: list[Token]) -> int:
    r"""``\underset{k}{\sum}`` is ``\sum_{k}``, ``\stackrel{\sim}{C}`` is ``\tilde{C}``; a label
    at a relation sign says nothing."""
    middle = _end(tokens, i + 1)
    stop = _end(tokens, middle)
    label, base = tokens[i + 1 : middle], tokens[middle:stop]
    core = [t for t in base if t.type != "SIZE" and str(t) not in _BRACKETS]
    if label and len(core) == 1 and core[0].type == "RELATION":
        out += core
        return stop
    mark = _bare(label)
    accent = ACCENT_MARKS.get(str(mark[0])) if len(mark) == 1 and tokens[i] == "SUP" else None
    if accent is not None and core:
        out += [token("ACCENT", accent, *span_of(tokens[i])), *base]
        return stop
    named = len(core) == 1 and core[0].type in _NAMES and tokens[i] == "SUB"
    if not label or not (named or (len(core) == 1 and core[0].type == "BIG")):
        message = "this construction is not read; write it out"
        raise UnreadableError(message, *span_of(tokens[i]))
    out += core
    out += _braced(token(str(tokens[i]), str(tokens[i]), *span_of(tokens[i])), label)
    return stop


def _substack(tokens: list[Token], i: int, out: list[Token]) -> int:
    r"""``_{\substack{i < T \\ j > 1}}`` is ``_{i < T, j > 1}``."""
    stop = _end(tokens, i + 1)
    rows = _bare(tokens[i + 1 : stop])
    inner = [token("SEPARATOR", ",", *span_of(t)) if t.type == "ROW" else t for t in rows]
    if inner and out and out[-1].type in _SCRIPTS:
        out += _braced(out.pop(), inner)
    else:
        out += inner
    return stop


def _left(tokens: list[Token], i: int, out: list[Token]) -> int:
    r"""``{}_T w^l`` is ``w_T^l``; ``h^i{}_j`` is ``h^i_j``."""
    script = tokens[i + 2]
    start = i + 3
    stop = _end(tokens, start)
    if stop == start:
        out.append(script)
        return stop
    argument = tokens[start:stop]
    rest: list[Token] = []
    if argument[0].type == "RUN" and len(argument[0]) > 1:  # _Tw: TeX takes one letter
        argument, rest = _cut(argument[0])
    following = [*rest, *tokens[stop : stop + 1]]
    hangs = bool(out) and (out[-1].type in _OPERANDS or str(out[-1]) in {")", "]", "}"})
    named = bool(following) and _begins_name(following[0])
    touches = named and span_of(following[0])[0] == span_of(argument[-1])[1]
    if hangs and not touches:
        out += [script, *argument, *rest]
        return stop
    if not named:
        message = "a subscript to the left of a name needs the name; write it to the right"
        raise UnreadableError(message, *span_of(script))
    if not rest:
        end = _end(tokens, stop)
        name, stop = tokens[stop:end], end
    else:
        name = rest
    if name[0].type in {"WORD", "RUN"} and len(name[0]) > 1:
        name, rest = _cut(name[0])
    else:
        rest = []
    out += [*name, *_braced(script, argument), *rest]
    return stop


def _begins_name(t: Token) -> bool:
    return t.type in _NAMES | {"FONT", "ACCENT"} or str(t) == "{"


def _cut(t: Token) -> tuple[list[Token], list[Token]]:
    """The first letter of a word and the rest of it."""
    start, end = span_of(t)
    first = token("WORD", str(t)[0], start, start + 1)
    return [first], [token("WORD", str(t)[1:], start + 1, end)]
