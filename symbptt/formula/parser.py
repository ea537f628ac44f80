r"""Reading mathematics, LaTeX or plain text, into the syntax tree of ``tree.py``."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken, VisitError

from symbptt.errors import FormulaError, Place
from symbptt.formula import reader
from symbptt.formula.build import Builder
from symbptt.formula.loops import unsummed
from symbptt.formula.messages import explain
from symbptt.formula.tree import Node
from symbptt.formula.unreadable import UnreadableError
from symbptt.formula.words import span_of

#: How long a text may be, and how deep a tree: far beyond what people write, and within what
#: functions that call themselves can walk.
MAX_LENGTH = 200_000
MAX_DEPTH = 100
#: The same for the tree of grammar rules, which is five or six rules deep for each bracket.
MAX_RULES = 260


def parse(
    text: str,
    *,
    functions: Collection[str] = (),
    file: str | None = None,
    first_line: int = 1,
    start: int = 0,
    end: int | None = None,
    letters: bool = False,
) -> Node:
    r"""The tree of one formula; a ``Relation`` if it has relation signs.

    ``functions`` names functions beyond the known ones (``f``, ``act``): before a bracket
    they are calls.  ``start`` and ``end`` pick the formula out of a longer text; spans and
    error places count in the whole text, whose first line is ``first_line`` of ``file``.
    With ``letters``, each letter is a name of its own, as TeX prints it: ``Ux_t`` is ``U x_t``
    and ``W_ix^t`` is ``W_i x^t``; without, ``Ux`` is one name and ``W_xh`` has one subscript.

    >>> parse("h_t = tanh(z_t)") == parse(r"$\mathbf{h}_t = \tanh\left( z_{t} \right)$")
    True
    >>> parse("W_hh^T δ_t").factors[0].operand.subscripts[0].base
    'hh'
    """
    return _Reading(text, functions, file, first_line, letters).one(start, end)


def parse_equations(
    text: str,
    *,
    functions: Collection[str] = (),
    file: str | None = None,
    first_line: int = 1,
    start: int = 0,
    end: int | None = None,
    letters: bool = False,
    lines: bool = True,
) -> list[Node]:
    r"""The trees of several formulas, one on each line or between ``\\``.

    A line that begins with an operator or a relation sign goes on from the one before, as
    does a line inside a bracket or after an operator.  Inside ``$$ .. $$``, ``\[ .. \]`` and
    environments a line break is a space, and only ``\\`` ends a formula; without ``lines``
    this holds everywhere.  ``#`` and ``%`` begin comments.

    >>> [type(node).__name__ for node in parse_equations("z = W h\n  + b\nh = f(z), # done\n")]
    ['Relation', 'Relation']
    """
    reading = _Reading(text, functions, file, first_line, letters)
    return reading.all(start, end, lines=lines)


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    options = {"parser": "lalr", "lexer": "basic", "propagate_positions": True}
    return Lark(grammar, **options, cache=_cache_file())


def _cache_file() -> str | bool:
    """Where lark keeps the tables of the grammar between runs: a tenth of the start-up time.

    In the user's own cache, since lark unpickles it: never in a folder that others write to.
    """
    try:
        asked = Path(os.environ.get("XDG_CACHE_HOME") or "")
        folder = (asked if asked.is_absolute() else Path.home() / ".cache") / "symbptt"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            return False
    except (OSError, RuntimeError):  # no home, or none that we may write to
        return False
    return str(folder / f"grammar-{sys.version_info.major}.{sys.version_info.minor}.lark")


class _Reading:
    """One text on its way to trees; turns every failure into a ``FormulaError`` with its place."""

    def __init__(
        self,
        text: str,
        functions: Collection[str],
        file: str | None,
        first_line: int,
        letters: bool,
    ) -> None:
        self.text = text
        self.functions = frozenset(functions)
        self.file = file
        self.first_line = first_line
        self.letters = letters

    def one(self, start: int, end: int | None) -> Node:
        rows = self._rows(start, end, lines=False)
        if not rows:
            raise self._error(UnreadableError("there is no formula here; write one", start, start))
        if len(rows) > 1:
            at = rows[1][0]
            raise self._error(
                UnreadableError("a second formula begins here; write one at a time", *span_of(at))
            )
        return self._tree(rows[0])

    def all(self, start: int, end: int | None, *, lines: bool) -> list[Node]:
        return [self._tree(row) for row in self._rows(start, end, lines=lines)]

    def _rows(self, start: int, end: int | None, *, lines: bool) -> list[list[Token]]:
        stop = len(self.text) if end is None else end
        try:
            if stop - start > MAX_LENGTH:
                raise UnreadableError(
                    f"more than {MAX_LENGTH} characters of formulas; split the text", start, start
                )
            return reader.formulas(
                self.text, start, stop, self.functions, lines=lines, letters=self.letters
            )
        except UnreadableError as e:
            raise self._error(e) from None

    def _tree(self, row: list[Token]) -> Node:
        try:
            rules = _rules(row, self.text)
            _check_depth(rules, row)
            node: Node = Builder(self.functions).transform(rules)
            _check_depth(node, row)
            loop = unsummed(node) if any(t.type == "FOR" for t in row) else None
            if loop is not None:
                message = "a 'for' is read only inside 'sum( .. )' or 'prod( .. )'"
                raise UnreadableError(message, loop.span.start, loop.span.end)
            return node
        except UnreadableError as e:
            raise self._error(e) from None
        except VisitError as e:
            if isinstance(e.orig_exc, UnreadableError):
                raise self._error(e.orig_exc) from None
            raise e.orig_exc from None

    def _error(self, e: UnreadableError) -> FormulaError:
        return FormulaError(e.message, Place(self.text, e.start, e.end, self.file, self.first_line))


def _rules(row: list[Token], text: str) -> Tree[Token]:
    parser = _parser().parse_interactive()
    before: Token | None = None
    for t in row:
        try:
            parser.feed_token(t)
        except UnexpectedToken as e:
            raise explain(t, before, e.accepts or e.expected, text) from None
        before = t
    try:
        tree: Tree[Token] = parser.feed_token(Token("$END", ""))
        return tree
    except UnexpectedToken as e:
        raise explain(None, before, e.accepts or e.expected, text) from None


def _check_depth(root: Tree[Token] | Node, row: list[Token]) -> None:
    """Refuse a tree too deep to walk; counts level by level, so that it never recurses itself."""
    level: list[object] = [root]
    for _ in range(MAX_RULES if isinstance(root, Tree) else MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.children if isinstance(node, Tree) else _children(node))
        ]
        if not level:
            return
    start, end = span_of(row[0])[0], span_of(row[-1])[1]
    raise UnreadableError("the formula is nested too deeply; give a part of it a name", start, end)


def _children(node: object) -> list[Node]:
    return list(node.children()) if isinstance(node, Node) else []
