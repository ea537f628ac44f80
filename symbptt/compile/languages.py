"""How a language of loops over single numbers says what it does: C, and Python as Numba has it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from symbptt.compile.code import ATOM, PRODUCT, Code, number

#: A number of an array: the array's name, and the index.
Place = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """A change of one number by others; ``touched`` are all that it reads or writes, ``changed``
    first."""

    text: str
    changed: Place
    touched: frozenset[Place]


@dataclass(frozen=True)
class For:
    """A loop of ``variable`` from ``start`` on, below ``stop`` or, if there is one, to ``last``;
    ``down``, the other way.  One over all entries of all rows may have the same ``by_rows``."""

    variable: str
    start: str
    stop: str
    body: tuple[Node, ...]
    last: str | None = None
    down: bool = False
    by_rows: For | None = None


@dataclass(frozen=True)
class If:
    """What is done under a condition, which is source with ``and`` and ``or``."""

    condition: str
    body: tuple[Node, ...]


@dataclass(frozen=True)
class View:
    """A name for the numbers of an array from one on, for what follows in a block; views of another
    ``part`` of it have none of them."""

    name: str
    of: str
    written: bool
    part: str


@dataclass(frozen=True)
class Block:
    """What belongs together, under a comment; its names end with it."""

    comment: tuple[str, ...]
    body: tuple[Node, ...]


#: What is done: a text is a line.
Node = str | Line | For | If | View | Block


class Language:
    """C99.  One that ``fuses`` has loops over the same entries as one: a C compiler makes better
    code of many small ones.  In one ``in_one_array`` all arrays lie, one after another."""

    indent = "    "
    room = 92
    fuses = False
    in_one_array = False

    def lines(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Source for nodes, line by line, none of them too long."""
        for line in self.inside(nodes, 0):
            yield from self.wrapped(line)

    def inside(self, nodes: Iterable[Node], level: int = 1) -> Iterator[str]:
        """Source for nodes within others."""
        for node in nodes:
            for line in self.node(node):
                yield self.indent * level + line if line else ""

    def wrapped(self, line: str) -> Iterator[str]:
        """A line in several, if it is too long."""
        if len(line) <= self.room or "/*" in line:
            yield line
            return
        inside = line.lstrip()
        margin = line[: len(line) - len(inside)]
        yield from textwrap.wrap(
            inside, self.room, initial_indent=margin, subsequent_indent=margin + self.indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    def node(self, node: Node) -> Iterator[str]:
        match node:
            case str():
                yield f"{node};"
            case Line(text):
                yield f"{text};"
            case For(variable, start, stop, body, last, down):
                head = f"for (long {variable} = {start}; {variable} < {stop}; {variable}++)"
                if last is not None:
                    up = f"{variable} = {start}; {variable} <= {last}; {variable}++"
                    back = f"{variable} = {last}; {variable} >= {start}; {variable}--"
                    head = f"for (long {back if down else up})"
                yield from self._headed(head, body)
            case If(condition, body):
                yield from self._headed(f"if ({self.condition(condition)})", body)
            case View(name, of, written):
                yield f"{'' if written else 'const '}real *restrict {name} = {of};"
            case Block(comment, body):
                first, *rest = map(within_comment, comment or ("",))
                if first:
                    yield "/* " + first + ("" if rest else " */")
                for line in rest[:-1]:
                    yield f"   {line}"
                if rest:
                    yield f"   {rest[-1]} */"
                if any(isinstance(part, View) for part in body):
                    yield from ("{", *self.inside(body), "}")
                else:
                    yield from self.inside(body, 0)

    def _headed(self, head: str, body: tuple[Node, ...]) -> Iterator[str]:
        inside = list(self.inside(body))
        if len(inside) == 1 or (len(body) == 1 and isinstance(body[0], For)):
            yield from (head, *inside)
        else:
            yield from (f"{head} {{", *inside, "}")

    def condition(self, text: str) -> str:
        return text.replace(" and ", " && ").replace(" or ", " || ")

    def offset(self, array: str, offset: str) -> str:
        """An array from a number on."""
        return array if offset == "0" else f"{array} + {offset}"

    def entry(self, array: str, index: str) -> str:
        """A number of an array."""
        return f"{array}[{index}]"

    def call(self, function: str, *arguments: str) -> str:
        """A function of numbers."""
        return f"{function}_({', '.join(arguments)})"

    def done(self, what: str, *arguments: str) -> str:
        """What a function does with arrays."""
        return f"{what}({', '.join(arguments)})"

    def number(self, value: sp.Rational) -> Code:
        """A number, exact where it can be."""
        text = number(value)
        if value.q == 1:
            return Code(text, ATOM if value >= 0 else PRODUCT, False)
        if "/" in text:
            return Code(f"(real){value.p} / {value.q}", PRODUCT, False)
        return Code(f"(real){text}" if value >= 0 else f"-(real){text[1:]}", PRODUCT, False)

    def count(self, text: str) -> str:
        """A whole number as one to compute with."""
        return f"(real)({text})" if " " in text else f"(real){text}"


def within_comment(text: str) -> str:
    """A text that can't end a comment, nor begin one, nor be a trigraph.

    >>> within_comment("y_t = W^*/2 h_t")
    'y_t = W^* /2 h_t'
    """
    return text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
