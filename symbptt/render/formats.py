"""The output formats, one row each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbptt.calculus.derivation import Derivation
from symbptt.errors import RequestError, did_you_mean
from symbptt.render.dialect import LATEX, TEXT, Dialect
from symbptt.render.document import Formula, document
from symbptt.render.notation import notation_for
from symbptt.templating import fill


def _tex_escaped(text: str) -> str:
    """Plain words for LaTeX: its special characters made harmless.

    >>> _tex_escaped("50% of W_hh & more")
    '50\\\\% of W\\\\_hh \\\\& more'
    """
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)


def _markdown_escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


def _inline_tex(formula: str) -> str:
    return f"${formula}$"


@dataclass(frozen=True)
class Format:
    """A kind of output: its template, the dialect of its formulas, its file extensions.

    ``inline`` sets a formula within a sentence, ``escape`` makes words safe.
    """

    template: str
    dialect: Dialect
    extensions: tuple[str, ...]
    inline: Callable[[str], str]
    escape: Callable[[str], str]


FORMATS: dict[str, Format] = {
    "text": Format("derivation.txt.j2", TEXT, (".txt",), str, str),
    "latex": Format("derivation.tex.j2", LATEX, (".tex",), _inline_tex, _tex_escaped),
    "fragment": Format("fragment.tex.j2", LATEX, (), _inline_tex, _tex_escaped),
    "markdown": Format("derivation.md.j2", LATEX, (".md",), _inline_tex, _markdown_escaped),
    "json": Format("", LATEX, (".json",), str, str),
}


def format_for(name: str | None, output: Path | None) -> str:
    """The format asked for, else that of the output file's extension, else text."""
    if name is not None:
        if name not in FORMATS:
            raise RequestError(f"no format '{name}'{did_you_mean(name, FORMATS)}")
        return name
    if output is None:
        return "text"
    for known, row in FORMATS.items():
        if output.suffix in row.extensions:
            return known
    raise RequestError(
        f"can't tell a format from '{output.name}'; say --format with one of {', '.join(FORMATS)}"
    )


def render_derivation(
    d: Derivation,
    format: str = "text",
    notation: str | None = None,
    layout: str | None = None,
    *,
    evidence: Any = None,
    figure: str | None = None,
) -> str:
    """A derivation in one of the formats."""
    row = FORMATS[format_for(format, None)]
    chosen = notation_for(d.model, notation, layout)
    view = document(d, chosen, row.dialect, evidence=evidence, figure=figure)
    if format == "json":
        return _as_json(view) + "\n"
    values = {"d": view, "drawing": _drawing(d) if row.dialect is LATEX else ""}
    text = fill(row.template, values, m=row.inline, words=row.escape, broken=broken)
    return _tidy(text)


#: How wide a line of LaTeX mathematics may be, in characters of its source.
LINE = 110


def broken(formula: Formula, width: int = LINE) -> str:
    """A long sum in LaTeX broken into lines, aligned behind the relation sign."""
    right = formula.right
    if len(right) <= width:
        return right
    terms = top_level_terms(right)
    lines = [terms[0]]
    for term in terms[1:]:
        if len(lines[-1]) + len(term) > width:
            lines.append(r"\quad " + term)
        else:
            lines[-1] += " " + term
    return (r" \\ " + "\n  &").join(lines)


def top_level_terms(sum_text: str) -> list[str]:
    """The terms of a sum as set, each with its sign, brackets left whole.

    >>> top_level_terms("a + (b - c) - d")
    ['a', '+ (b - c)', '- d']
    """
    depth, start, terms = 0, 0, []
    for i, c in enumerate(sum_text):
        depth += (c in "({") - (c in ")}")
        if depth == 0 and sum_text[i : i + 3] in (" + ", " - "):
            terms.append(sum_text[start:i])
            start = i + 1
    return [*terms, sum_text[start:]]


def _drawing(d: Derivation) -> str:
    from symbptt.render.drawing import drawn

    return drawn(d.model, 3 if d.T is None else min(d.T, 4), "tikz")


def _tidy(text: str) -> str:
    """No trailing blanks, no more than one empty line in a row."""
    lines = [line.rstrip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _as_json(view: Any) -> str:
    def formula(f: Any) -> dict[str, Any]:
        cases = [{"formula": right, "condition": when} for right, when in f.rights]
        return {"left": f.left, "cases": cases}

    data = {
        "schema": "symbptt-derivation/1",
        "model": view.model.name,
        "title": view.title,
        "T": view.T,
        "notation": view.notation.name,
        "equations": [formula(e) for e in view.equations],
        "loss": formula(view.loss),
        "symbols": [
            {"name": s.name, "latex": s.symbol, "role": s.role, "shape": s.shape}
            for s in view.symbols
        ],
        "steps": [
            {**formula(line.formula), "number": line.formula.number, "reason": line.kind}
            for line in (*view.backward, *view.gradients)
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2)
