"""The output formats, one row each."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from symbptt.calculus import Derived, ForwardDerivation
from symbptt.errors import RequestError, did_you_mean
from symbptt.model.model import Model
from symbptt.model.terms import Named
from symbptt.render.breaking import boxed, broken, fitted, padded, text_block
from symbptt.render.dialect import LATEX, TEXT, Dialect
from symbptt.render.document import Document, document
from symbptt.render.drawing import drawn, shown_steps
from symbptt.render.forward_document import ForwardDocument, forward_document
from symbptt.render.notation import notation_for
from symbptt.render.page import displayed, inline_mathml
from symbptt.render.paper import pdf
from symbptt.templating import fill


def tex_escaped(text: str) -> str:
    """Plain words for LaTeX: its special characters made harmless.

    >>> tex_escaped("50% of W_hh & more")
    '50\\\\% of W\\\\_hh \\\\& more'
    """
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)


def markdown_escaped(text: str) -> str:
    """Plain words for Markdown.

    >>> markdown_escaped("W_hh *and* more")
    'W\\\\_hh \\\\*and\\\\* more'
    """
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


Filter = Callable[..., str]


@dataclass(frozen=True)
class Format:
    """A kind of output.

    ``template`` holds the words, ``forward`` those of forward mode, ``primitives`` how headings
    and formulas are set; ``m`` sets a formula within a sentence, ``words`` makes a user's words
    safe, ``emph`` and ``code`` mark words; ``whole`` is False for a part to include in a
    document of one's own.
    """

    dialect: Dialect
    extensions: tuple[str, ...]
    primitives: str = ""
    template: str = "derivation.j2"
    forward: str = "forward.j2"
    whole: bool = True
    filters: Mapping[str, Filter] = field(default_factory=dict)


_TEXT: dict[str, Filter] = {"m": str, "block": text_block, "padded": padded}
_TEX: dict[str, Filter] = {
    "m": "${}$".format,
    "words": tex_escaped,
    "emph": r"\emph{{{}}}".format,
    "code": lambda name: rf"\texttt{{{tex_escaped(name)}}}",
}
_MARKDOWN: dict[str, Filter] = {
    "m": "${}$".format,
    "words": markdown_escaped,
    "emph": "*{}*".format,
    "code": "`{}`".format,
}
_HTML: dict[str, Filter] = {
    "m": inline_mathml,
    "displayed": displayed,
    "words": html.escape,
    "emph": "<em>{}</em>".format,
    "code": lambda name: f"<code>{html.escape(name)}</code>",
}

FORMATS: dict[str, Format] = {
    "text": Format(
        TEXT, (".txt",), template="derivation.txt.j2", forward="forward.txt.j2", filters=_TEXT
    ),
    "latex": Format(LATEX, (".tex",), "latex.j2", filters=_TEX),
    "fragment": Format(LATEX, (), "latex.j2", whole=False, filters=_TEX),
    "markdown": Format(LATEX, (".md", ".markdown"), "markdown.j2", filters=_MARKDOWN),
    "html": Format(LATEX, (".html", ".htm"), "html.j2", filters=_HTML),
    "pdf": Format(LATEX, (".pdf",), "latex.j2", filters=_TEX),
    "json": Format(LATEX, (".json",)),
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
    d: Derived,
    format: str = "text",
    notation: str | None = None,
    layout: str | None = None,
    *,
    evidence: Any = None,
    figure: str | None = None,
) -> str | bytes:
    """A derivation in one of the formats: text, or bytes for PDF."""
    row = FORMATS[format_for(format, None)]
    style = notation_for(d.model, notation, layout)
    whole: Document | ForwardDocument
    if isinstance(d, ForwardDerivation):
        whole = forward_document(d, style, row.dialect, evidence=evidence)
        template, view, own = row.forward, whole.document, {"r": whole}
    else:
        view = whole = document(d, style, row.dialect, evidence=evidence, figure=figure)
        template, own = row.template, {}
    if format == "json":
        return json.dumps(whole.as_dict(), ensure_ascii=False, indent=2) + "\n"
    picture = partial(drawn, d.model, shown_steps(d.model, d.T))
    values = {
        "d": view,
        **own,
        "primitives": row.primitives,
        "whole": row.whole,
        "tikz": partial(picture, "tikz"),
        "svg": partial(picture, "svg"),
    }
    filters = {"boxed": boxed, "broken": broken, "fitted": fitted, **row.filters}
    text = _tidy(fill(template, values, lettered=partial(lettered, view.letters), **filters))
    if format == "markdown":
        text = text.replace(r"\operatorname{", r"\mathrm{")  # which GitHub doesn't allow
    return pdf(text, _names(d.model)) if format == "pdf" else text


def _names(model: Model) -> tuple[str, ...]:
    """Every name that a user gave: of symbols, functions and dimensions."""
    terms = (*(e.rhs for e in model.equations), *(part.term for part in model.loss))
    own = (term.function for whole in terms for term in whole.walk() if isinstance(term, Named))
    named = (*model.variables, *model.abstract, *own, *model.dimensions, model.loss_name)
    return tuple(dict.fromkeys(named))


def lettered(letters: Mapping[str, str], rule: str) -> str:
    """A rule's statement in letters that mean nothing else in the model.

    >>> lettered({"a": "u", "c": "v"}, "«c» = f(«a»)")
    'v = f(u)'
    """
    return re.sub("«(.)»", lambda found: letters[found[1]], rule)


def _tidy(text: str) -> str:
    """No trailing blanks, no more than one empty line in a row."""
    lines = [line.rstrip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
