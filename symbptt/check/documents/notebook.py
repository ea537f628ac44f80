"""Jupyter notebooks: the text of their cells, each character with its place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from symbptt.check.documents.traced import Traced
from symbptt.errors import RequestError

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]\w{2}\\u[dD][c-fC-F]\w{2}|u\w{4}|.)", re.DOTALL)
#: Half of a pair of surrogates.
_LONE = re.compile(r"[\ud800-\udfff]")


@dataclass
class _Level:
    """An object or a list that is being read: the key or the index of what comes next."""

    key: str | int
    is_object: bool
    expects_key: bool = True


@dataclass
class _Cell:
    kind: str = ""
    source: list[Traced] = field(default_factory=list)


def markdown_cells(text: str, name: str | None) -> Iterator[tuple[int, Traced]]:
    r"""The Markdown cells of a notebook: their numbers, from 1, and their texts.

    >>> book = '{"cells": [{"cell_type": "markdown", "source": ["a\\n", "$b$"]}]}'
    >>> [(number, page.text) for number, page in markdown_cells(book, None)]
    [(1, 'a\n$b$')]
    """
    return cells(text, name, "markdown")


def cells(text: str, name: str | None, kind: str) -> Iterator[tuple[int, Traced]]:
    """The cells of a kind, ``markdown`` or ``code``: their numbers, from 1, and their texts."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise RequestError(f"{name or 'the text'} is not a notebook: {e}") from None
    if not isinstance(data, dict) or not any(
        isinstance(data.get(key), list) for key in ("cells", "worksheets")
    ):
        raise RequestError(f"{name or 'the text'} is not a notebook: it has no cells")
    found: dict[int, _Cell] = {}
    for path, start, stop in _strings(text):
        match path:
            case ("cells", int(i), "cell_type") | ("worksheets", _, "cells", int(i), "cell_type"):
                found.setdefault(i, _Cell()).kind = text[start + 1 : stop - 1]
            case (
                ("cells", int(i), "source")
                | ("cells", int(i), "source", _)
                | ("worksheets", _, "cells", int(i), "source")
                | ("worksheets", _, "cells", int(i), "source", _)
            ):
                found.setdefault(i, _Cell()).source.append(_string(text, start, stop))
    for i in sorted(found):
        if found[i].kind == kind:
            yield i + 1, Traced.joined(found[i].source)


def _strings(text: str) -> Iterator[tuple[tuple[str | int, ...], int, int]]:
    """The strings of a JSON text that are values: the path to each, and where it stands."""
    levels: list[_Level] = []
    for m in _TOKEN.finditer(text):
        token = m.group()
        top = levels[-1] if levels else None
        if token in "{[":
            levels.append(_Level("" if token == "{" else 0, token == "{"))
        elif token in "}]":
            if levels:
                levels.pop()
        elif token == "," and top is not None:
            if isinstance(top.key, int):
                top.key += 1
            top.expects_key = True
        elif token == ":" and top is not None:
            top.expects_key = False
        elif token[0] == '"':
            if top is not None and top.is_object and top.expects_key:
                top.key = token[1:-1]
            elif len(levels) <= 6:
                yield tuple(level.key for level in levels), m.start(), m.end()


def _string(text: str, start: int, stop: int) -> Traced:
    raw = Traced(text[start + 1 : stop - 1], range(start + 1, stop - 1), range(start + 2, stop))
    return raw.replaced(_ESCAPE, lambda m: unescaped(m.group()))


def unescaped(written: str) -> str:
    """What the inside of a JSON string says; half a pair is no character."""
    return _LONE.sub("\ufffd", json.loads(f'"{written}"', strict=False))
