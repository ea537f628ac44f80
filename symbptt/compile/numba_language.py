"""Python for Numba: loops over single numbers, which it compiles."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from symbptt.compile.code import ATOM, Code
from symbptt.compile.languages import Block, For, If, Language, Line, Node, View
from symbptt.compile.scalar_functions import OWN, ScalarPrinter, formula

#: An entry of an array, or a part of it.
_ENTRY = re.compile(r"\w+\[(?:[^\[\]]|\[[^\[\]]*\])*\]")


class NumbaLanguage(Language):
    """Python.

    All arrays lie in one, ``memory``, and the name of each is where it begins there: slices take
    Numba long to compile.  An index is made unsigned, ``at(…)``, since Numba counts a negative one
    from the end, which is no loop of vectors.  A number is of the type ``real``, that of the
    arrays: one of another type would make float32 to float64.  Functions are not given numbers but
    multiples of the argument ``one``: Numba would compile them for each number anew.
    """

    fuses = True
    in_one_array = True

    def node(self, node: Node) -> Iterator[str]:
        match node:
            case str():
                yield node
            case Line(text):
                yield text
            case For(variable, start, stop, body, last, down):
                bounds = stop if start == "0" else f"{start}, {stop}"
                if last is not None:
                    bounds = f"{last}, {start} - 1, -1" if down else f"{start}, {last} + 1"
                bounds = bounds.replace("1 - 1", "0")
                yield from self._headed(f"for {variable} in range({bounds}):", body)
            case If(condition, body):
                yield from self._headed(f"if {condition}:", body)
            case View(name, of):
                yield f"{name} = {of}"
            case Block(comment, body):
                yield from (f"# {line}" for line in comment)
                yield from self.inside(body, 0)

    def _headed(self, head: str, body: tuple[Node, ...]) -> Iterator[str]:
        yield from (head, *self.inside(body))

    def wrapped(self, line: str) -> Iterator[str]:
        if len(line) <= self.room or line.lstrip().startswith("#"):
            yield line
            return
        inside = line.lstrip()
        margin = line[: len(line) - len(inside)]
        head, sign, rest = inside.partition("= ")
        if not sign:  # a call, whose brackets go on
            head, _, rest = inside.partition("(")
            head, sign, rest = head, "(", rest.removesuffix(")")
        else:
            sign += "("
        whole = _ENTRY.sub(lambda entry: entry[0].replace(" ", "\xa0"), rest)  # not torn
        rows = textwrap.wrap(
            whole, self.room - len(margin) - 4, break_long_words=False, break_on_hyphens=False
        )
        yield f"{margin}{head}{sign}"
        yield from (margin + self.indent + row.replace("\xa0", " ") for row in rows)
        yield f"{margin})"

    def entry(self, array: str, index: str) -> str:
        return f"memory[at({self.offset(array, index)})]"

    def done(self, what: str, *arguments: str) -> str:
        given = ("one" if a == "1" else f"{a} * one" if a.isdigit() else a for a in arguments)
        return super().done(what, "memory", *given)

    def call(self, function: str, *arguments: str) -> str:
        return super().call(function, "real", *arguments)

    def number(self, value: sp.Rational) -> Code:
        return Code(f"real({value.p if value.q == 1 else value})", ATOM, False)

    def count(self, text: str) -> str:
        return f"real({text})"


class NumbaPrinter(ScalarPrinter, PythonCodePrinter):
    """SymPy's Python, for numbers of the type ``real``."""

    def _print_Number(self, e: sp.Number) -> str:
        return f"real({e if e.is_Integer else float(e)!r})"

    _print_Integer = _print_Rational = _print_Float = _print_Half = _print_Number
    _print_Zero = _print_One = _print_NegativeOne = _print_Pi = _print_Number

    def choice(self, test: str, then: str, otherwise: str) -> str:
        return f"({then} if {test} else {otherwise})"

    def called(self, name: str, inside: str) -> str:
        if name in OWN:
            return f"{name}_(real, {inside})"
        return f"abs({inside})" if name == "Abs" else f"math.{name}({inside})"


def numba_source(name: str) -> str:
    """A function as Python for Numba.

    >>> print(numba_source("relu"))
    @njit(**FAST)
    def relu_(real, z):
        return (z if z > real(0) else real(0))
    """
    said = NumbaPrinter({"fully_qualified_modules": False}).doprint(formula(name))
    return f"@njit(**FAST)\ndef {name}_(real, z):\n    return {said}"
