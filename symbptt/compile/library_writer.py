"""A schedule in the words of a library that has NumPy's names for most of what it does."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from symbptt.calculus import Derivation
from symbptt.compile.numpy_functions import Helper
from symbptt.compile.numpy_module import TAKEN, module_text
from symbptt.compile.numpy_writer import WIDTH, indented
from symbptt.compile.plan import plan
from symbptt.compile.scheduled_writer import ScheduledWriter


@dataclass
class LibraryWriter(ScheduledWriter):
    """Writes a schedule for a library that ``np`` stands for.

    ``library`` is what the module's template is told, ``module`` what the library is called there;
    ``own`` are the functions that it has, where NumPy's module defines them otherwise.
    """

    library: ClassVar[str]
    module: ClassVar[str]
    own: ClassVar[Mapping[str, Helper]] = {}

    def facts(self) -> dict[str, object]:
        keys = replace(self.program, model=self.public).gradient_keys
        return {
            "rows": True, "library": self.library, "np": self.module, "gradients": listed(keys),
        }  # fmt: skip

    def helper(self, name: str) -> Helper:
        return self.own.get(name) or super().helper(name)

    def helpers(self) -> Iterator[str]:
        yield from map(self.said, super().helpers())

    def body(self) -> Iterator[str]:
        yield from map(self.said, super().body())

    def said(self, text: str) -> str:
        """NumPy's functions, as the library has them."""
        return re.sub(r"\bnp\.", f"{self.module}.", text)


def listed(names: Iterable[str]) -> str:
    """Names as a tuple of texts, a line for several."""
    rows = textwrap.wrap(" ".join(f'"{name}",' for name in names), WIDTH - 4)
    return "\n".join(["(", *indented(rows), ")"])


def library_module(
    kind: type[LibraryWriter],
    taken: Iterable[str],
    derivation: Derivation,
    version: str,
    T: int | None,
) -> str:
    """The text of a module that computes the loss and its gradients with a library."""
    found, schedule = plan(derivation)
    writer = kind(
        schedule.program, (*TAKEN, *taken),
        schedule=schedule, public=derivation.model, packs=found.packs,
    )  # fmt: skip
    return module_text(f"compiled/{kind.library}.py.j2", writer, version, T)
