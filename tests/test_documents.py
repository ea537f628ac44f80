"""Documents to fragments: what is mathematics, what isn't, and where it stands."""

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbptt.check.documents.document import FORMATS, Document, format_of, read_document
from symbptt.errors import RequestError


def sources(text: str, file: str = "notes.md") -> list[str]:
    return [f.source for f in Document(text, file).fragments]


#: A piece of Markdown and the mathematics in it.
MARKDOWN = [
    ("Let $h_t$ be", ["h_t"]),
    ("Let $ h_t $ be", ["h_t"]),
    ("$$\na = b\n$$", ["a = b"]),
    ("where $$x$$ is", ["x"]),
    (r"\[ a = b \] and \( c \)", ["a = b", "c"]),
    (r"\\[ a = b \\] and \\( c \\)", ["a = b", "c"]),
    (r"time step $\[ t \]$:", ["t"]),
    ("```math\na = b\n```", ["a = b"]),
    ("the $`h_t`$ of GitHub", ["h_t"]),
    ("MyST has {math}`h_t`.", ["h_t"]),
    ("!bt\na_t = W h_t\n!et", ["a_t = W h_t"]),
    ("!bt\n\\begin{align*}\na &= b\n\\end{align*}\n!et", ["\\begin{align*}\na &= b\n\\end{align*}"]),
    ("> $$\n> a = b\n> $$", ["a = b"]),
    ("Then\n[\na_t = \\frac{b}{c}\n]\nwhere", ["a_t = \\frac{b}{c}"]),
    ("Then\n[\nno formula\n]\nwhere", []),
    ("It costs $5, or $10 a month.", []),
    ("Set $HOME and $PATH first.", []),
    ("formatted using dollar signs ($).", []),
    ("I paid $5 for $x_t$.", ["x_t"]),
    (r"\$a = b\$", []),
    ("`$x$` shows code", []),
    ("```python\nx = '$a$'\n```", []),
    ("<!-- $a = b$ -->", []),
    ("$$a$$\n\nSome words\n\n$$b$$", ["a", "b"]),
    (r"$\text{if $x$}$", [r"\text{if $x$}"]),
    ("\\begin{eqnarray}a &=& b\\end{eqnarray}", ["\\begin{eqnarray}a &=& b\\end{eqnarray}"]),
    ("<script type=\"math/tex; mode=display\">a = b</script>", ["a = b"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MARKDOWN, ids=[t[:30] for t, _ in MARKDOWN])
def test_markdown(text, expected):
    assert sources(text) == expected


#: Lines of plain text, and the formulas in each.
LINES = [
    ("dL/dWhh = dL/dh2 ⋅ (1 - squared(h2)) ⋅ transpose(h1)", ["dL/dWhh = dL/dh2 ⋅ (1 - squared(h2)) ⋅ transpose(h1)"]),
    ("Thus, dL/dh2 = dL/dy ⋅ Why", ["dL/dh2 = dL/dy ⋅ Why"]),
    ("dL/dh2 = dL/dy ⋅ dy/dh2 where dy/dh2 = Why", ["dL/dh2 = dL/dy ⋅ dy/dh2", "dy/dh2 = Why"]),
    ("T = 2", ["T = 2"]),
    ("loss function at time step T = 2: L = L(y, y_true)", ["T = 2", "L = L(y, y_true)"]),
    ("loss at time step = 1, and future time step", []),
    ("dL/dWhh (t = 2) + dL/dWhh (t = 1)", ["dL/dWhh (t = 2) + dL/dWhh (t = 1)"]),
    ("The equation is dL/dh1 + dL/dh2 ⋅ dh2/dh1 since h1 matters", ["dL/dh1 + dL/dh2 ⋅ dh2/dh1"]),
    ("dL/dWhh = sum t from 1 to 2 dL/dht ⋅ dht/dWhh where it is", ["dL/dWhh = sum t from 1 to 2 dL/dht ⋅ dht/dWhh"]),
    ("∂L/∂hₜ = ∂L/∂yₜ @ W_hy.T + ∂L/∂hₜ₊₁  ← Gradient from future", ["∂L/∂hₜ = ∂L/∂yₜ @ W_hy.T + ∂L/∂hₜ₊₁"]),
    ("- 梯度 ∂L/∂w = (∂L/∂h) · (∂h/∂w)|直接项", ["∂L/∂w = (∂L/∂h) · (∂h/∂w)"]),
    ("  = ∂L/∂h_T · Π_{t=1}^{T} ∂h_t/∂h_{t-1}", ["= ∂L/∂h_T · Π_{t=1}^{T} ∂h_t/∂h_{t-1}"]),
    ("y  = fy(matmul(Why, h2) + by)", ["y  = fy(matmul(Why, h2) + by)"]),
    ("This is a sentence about and/or input/output.", []),
    ("see https://example.org/?a=b&c=d for more", []),
    ("----------------", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LINES, ids=[t[:30] for t, _ in LINES])
def test_lines_of_text(text, expected):
    found = Document(text, "notes.txt").fragments
    assert [f.source for f in found] == expected
    assert all(f.form == "text" for f in found)


def test_code_says_its_language():
    text = (
        "```python\nimport numpy as np\ndWy = h.T @ dy  # dL/dWy = h^T dL/dy\nprint('a = b')\n```\n"
    )
    found = Document(text, "notes.md").fragments
    assert [(f.source, f.line, f.language) for f in found] == [
        ("dWy = h.T @ dy", 3, "python"),
        ("dL/dWy = h^T dL/dy", 3, "python"),
    ]


def test_words_and_heading_round_a_formula():
    text = "# One\n\nFirst. Define the error as\n$$\n\\delta_t = x\n$$\nwhere $x$ is small. More.\n"
    display, inline = Document(text, "a.md").fragments
    assert (display.form, display.line, display.column) == ("display", 5, 1)
    assert display.before == "Define the error as"
    assert display.after == "where $x$ is small."
    assert display.heading == "One"
    assert (inline.form, inline.line, inline.column) == ("inline", 7, 8)


def test_comments_are_counted():
    document = Document("<!-- $a = b$ and $c$ -->\n$d$\n", "a.md")
    assert [f.source for f in document.hidden] == ["a = b", "c"]
    assert [f.source for f in document.fragments] == ["d"]


def test_latex():
    text = r"""\documentclass{article}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}
\begin{document}
\section{Gradients} % $hidden$
\begin{align}
  \pd{L}{W} &= x \label{a}
\end{align}
\begin{verbatim}
dW = h.T @ dy
\end{verbatim}
Let \(t\) be 5\% of $T$.
\end{document} $nothing$
"""
    document = Document(text, "a.tex")
    assert [(f.form, f.line, f.column) for f in document.fragments] == [
        ("environment", 6, 3),
        ("text", 9, 1),
        ("inline", 11, 7),
        ("inline", 11, 22),
    ]
    assert r"\frac{\partial L}{\partial W}" in document.fragments[0].text
    assert document.fragments[0].heading == "Gradients"
    assert [f.source for f in document.hidden] == ["hidden"]


def test_notebook_keeps_the_lines_of_the_file():
    cells = [
        {"cell_type": "code", "source": ["x = '$no$'\n"]},
        {"cell_type": "markdown", "source": ["Let\n", '$\\delta_t = "x"$ be\n']},
    ]
    text = json.dumps({"cells": cells, "nbformat": 4}, indent=1)
    (fragment,) = Document(text, "a.ipynb").fragments
    assert fragment.text == r'\delta_t = "x"'
    assert fragment.cell == 2
    line = text.splitlines()[fragment.line - 1]
    assert line[fragment.column - 1 :].startswith(r"\\delta_t = \"x\"")
    with pytest.raises(RequestError, match="is not a notebook"):
        _ = Document("{", "a.ipynb").fragments


def test_restructured_text():
    text = "Title\n=====\n\nA :math:`h_t` and\n\n.. math::\n   :label: one\n\n   a = b\n\n   c = d\n\nCode::\n\n   $x$\n"
    document = Document(text, "a.rst")
    assert [(f.source, f.form, f.line, f.column) for f in document.fragments] == [
        ("h_t", "inline", 4, 10),
        ("a = b", "display", 9, 4),
        ("c = d", "display", 11, 4),
    ]
    assert document.fragments[1].heading == "Title"


def test_html():
    text = "<html><h1>A &amp; B</h1><p>Let $t &lt; T$.</p>\n<pre>x = $y$</pre><p>\\[a\n= b\\]</p></html>"
    document = Document(text, "a.html")
    assert [" ".join(f.text.split()) for f in document.fragments] == ["t < T", "a = b"]
    assert document.fragments[0].source == "t &lt; T"
    assert document.fragments[1].heading == "A & B"


def test_formats():
    assert format_of("", "a.tex") == "latex"
    assert format_of("plain words", "a.txt") == "text"
    assert format_of("\\documentclass{article}", "a.txt") == "latex"
    with pytest.raises(RequestError, match="no document format"):
        Document("", None, "word")


def test_read_document(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes("\ufeff$a$\r\n$b$\r\n".encode())
    assert [(f.source, f.line) for f in read_document(path).fragments] == [("a", 1), ("b", 2)]
    with pytest.raises(RequestError, match="can't read"):
        read_document(tmp_path / "none.md")


PIECES = [
    *re.findall(r"\S+", r"$ $$ \[ \] \( \) \\[ \\] \begin{align} \end{align} \newcommand{\a}[1]{#1} \a{x} ` ``` <!-- --> % & &lt; <b> | = h_t ∂L/∂h W.T > # - * ( ) { } [ ] ' \" 5 and 梯 !bt !et .. math:: :math:` T"),
    "\n", "\n\n", " ", "    ", "x = 3", "dL/dh = dL/dy ⋅ Why", "the words of a sentence",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60),
    st.sampled_from([f for f in FORMATS if f != "notebook"]),
)
def test_any_text_scans_and_places_map_back(text, format):
    document = Document(text, None, format)
    lines = text.split("\n")
    for f in (*document.fragments, *document.hidden):
        assert f.source in text
        assert lines[f.line - 1][f.column - 1 : f.column] != ""
        for i in range(len(f.text)):
            line, column = f.position(i)
            assert 1 <= line <= len(lines)
            assert 1 <= column <= len(lines[line - 1]) + 1


@pytest.mark.parametrize(
    "text",
    [
        "Words on $h_t$:\n$$\n\\frac{\\partial L}{\\partial W} = \\sum_t \\delta_t h_{t-1}^T\n$$\n" * 1000,
        "the quick brown fox is = not here. " * 3000,
        *(piece * (20_000 // len(piece)) for piece in ("\\[", "$$", "${", "<!--", "\\newcommand{\\a}{", "`", "\\begin{align}")),
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_time_is_linear(text):
    start = time.process_time()
    assert len(Document(text, "a.md").fragments) in range(20_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("mark", ["# ", "// ", " * ", "-- "])
def test_marks_of_comments_are_not_read(mark):
    lines = ["Let", "$$", r"\frac{\partial L}{\partial h_t}", "= a_t * b_t", "$$", "so"]
    (found,) = Document("\n".join(mark + line for line in lines), "cell.py").fragments
    assert found.text.split() == [r"\frac{\partial", r"L}{\partial", "h_t}", "=", "a_t", "*", "b_t"]
    assert found.line == 3
    product = "Let $$\na\n* b\n$$ be"
    assert [f.text for f in Document(product, "a.md").fragments] == ["a\n* b"]
