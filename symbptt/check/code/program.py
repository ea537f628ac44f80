"""The code of a document: its lines with their places, and its functions.

Code is read here, by ``ast`` and ``symtable``; nothing of it is executed.
"""

from __future__ import annotations

import ast
import re
import symtable
import textwrap
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from symbptt.check.documents.document import FORMATS, format_of, read_document
from symbptt.check.documents.layout import INLINE
from symbptt.check.documents.notebook import cells
from symbptt.errors import RequestError, did_you_mean

#: The longest program that is read, in characters.
LONGEST = 1_000_000

#: What a block of code may be called that holds Python; one that is called nothing may, too.
PYTHON = frozenset({"", "python", "py", "python3", "ipython", "ipython3", "pycon", "code-cell"})

_MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w.]+\?{1,2}\s*)$", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\A\s*%%(?!time|capture|prun)")
_PROMPT = re.compile(r"^(?:>>>|\.\.\.)(?: |$)")

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Block:
    """Lines of code: where they begin in the file, and in which cell of a notebook."""

    text: str
    first_line: int
    cell: int | None = None


@dataclass(frozen=True)
class Program:
    """The blocks of code of a file, one after another."""

    blocks: tuple[Block, ...]
    file: str
    notes: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks)

    @cached_property
    def tree(self) -> ast.Module:
        return parsed(self.text, self.file)

    @cached_property
    def tables(self) -> tuple[symtable.SymbolTable, ...]:
        """The symbol tables of functions and classes, those within others too."""

        def below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
            for child in table.get_children():
                yield child
                yield from below(child)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return tuple(below(symtable.symtable(self.text, self.file, "exec")))
            except SyntaxError as e:
                raise RequestError(f"{self.place(e.lineno or 1)}: {e.msg}") from None
            except (ValueError, RecursionError, MemoryError) as e:
                raise RequestError(f"{self.file}: not Python that can be read: {e}") from None

    def place(self, line: int) -> str:
        """``file:line``, or ``file:cell C:line`` of a notebook, for a line of the text."""
        ends = list(accumulate(block.text.count("\n") for block in self.blocks))
        i = min(bisect_right(ends, line - 1), len(self.blocks) - 1)
        within = line - (ends[i - 1] if i else 0)
        cell = self.blocks[i].cell
        if cell is not None:
            return f"{self.file}:cell {cell}:{within}"
        return f"{self.file}:{self.blocks[i].first_line + within - 1}"

    @cached_property
    def functions(self) -> dict[str, Definition]:
        """The functions of the program, and ``Class.method``, by name: of several, the last."""
        found: dict[str, Definition] = {}
        for s in self.tree.body:
            if isinstance(s, Definition):
                found[s.name] = s
            elif isinstance(s, ast.ClassDef):
                found |= {f"{s.name}.{m.name}": m for m in s.body if isinstance(m, Definition)}
        return found

    def function(self, name: str) -> tuple[str, Definition]:
        """A function or method, by its full name; a :class:`RequestError` if there is none."""
        methods = [f for f in self.functions if f.endswith(f".{name}")]
        if name not in self.functions and len(methods) == 1:
            return methods[0], self.functions[methods[0]]
        if name not in self.functions:
            if not self.functions:
                raise RequestError(f"{self.file}: no function '{name}', nor any other, in its code")
            raise RequestError(f"{self.file}: no function '{name}'{self._near(name)}")
        return name, self.functions[name]

    def class_named(self, name: str) -> ast.ClassDef:
        """The class of a method ``Class.method``."""
        owner = name.partition(".")[0]
        return next(
            s for s in reversed(self.tree.body) if isinstance(s, ast.ClassDef) and s.name == owner
        )

    def _near(self, name: str) -> str:
        return did_you_mean(name, self.functions)


def parsed(text: str, file: str) -> ast.Module:
    """The syntax tree of a program; a :class:`RequestError` if it is none."""
    try:
        with warnings.catch_warnings():  # of an escape sequence, of a digit before a word
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as e:
        raise RequestError(f"{file}:{e.lineno}: not Python: {e.msg}") from None
    except (ValueError, RecursionError, MemoryError) as e:
        raise RequestError(f"{file}: not Python that can be read: {e}") from None


def read_program(path: str | Path) -> Program:
    """The code of a ``.py`` file, of a notebook's code cells, or of a document's code blocks.

    Cells and blocks that are not Python are left out, with a note.
    """
    file = str(path)
    document = read_document(path)
    if len(document.text) > LONGEST:
        raise RequestError(f"{file}: too long for a program, {len(document.text)} characters")
    if Path(path).suffix.lower() in (".py", ".pyw"):
        return Program((Block(_ended(document.text), 1),), file)
    kind = format_of(document.text, file)
    found = list(
        _cells(document.text, file) if kind == "notebook" else _fences(document.text, file)
    )
    usable = [block for block in found if _is_python(block.text)]
    if not usable:
        raise RequestError(f"{file}: no Python code in it")
    notes = tuple(
        f"the code at {Program((block,), file).place(1)} is not Python and was left out"
        for block in found
        if block not in usable
    )
    return Program(tuple(usable), file, notes)


def _cells(text: str, file: str) -> Iterator[Block]:
    for number, page in cells(text, file, "code"):
        if not _CELL_MAGIC.match(page.text) and page.text.strip():
            yield Block(_ended(_MAGIC.sub(r"\1pass", page.text)), 1, number)


def _fences(text: str, file: str) -> Iterator[Block]:
    kind = format_of(text, file)
    for layout in FORMATS[kind](text, file):
        for code in layout.code:
            if code.language == INLINE or (kind != "html" and code.language not in PYTHON):
                continue
            lines = layout.page.text[code.start : code.stop]
            if kind == "html":  # of which < is "< " by now: what is left are tags
                lines = _TAG.sub("", lines)
            start, stop = layout.page.stretch(code.start, code.stop)
            first = 1 + text.count("\n", 0, start)
            written = textwrap.dedent(text[start:stop])
            prompt = written.startswith(">>>")  # no quotation of a quotation, as Markdown has it
            yield Block(_ended(_prompted(written) if prompt else textwrap.dedent(lines)), first)


def _prompted(text: str) -> str:
    """A session at the prompt as its input alone."""
    return "\n".join(
        _PROMPT.sub("", line) if _PROMPT.match(line) else "" for line in text.split("\n")
    )


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _is_python(text: str) -> bool:
    try:
        parsed(text, "")
    except RequestError:
        return False
    return True
