"""Formulas in plain text: where each ends, in a sentence and on lines of its own."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, formulas


def sources(text: str, file: str = "notes.txt") -> list[str]:
    return [f.source for f in Document(text, file).fragments]


#: Lines that are all mathematics.
WHOLE = [
    "dh2/dh1 = diag(1 - h2^2) Whh",
    "∂L/∂h_T = (y_T − d_T) Vᵀ",
    "∂L/∂hₜ = Wᵀ δₜ Uᵀ",
    "∂h_t/∂h_{t-1} = diag(1 − h_t²) W_hh",
    "dL/dh1 = A B C",
    "dL/dh1 = W' dy",
    "dL/dh1 = Wy' dy",
    "dL/dWhh = dL/dh2 Whh dh1",
    "dL/dh = W.T dz Uh",
    "dL/dh2 = dL/dy Why",
    "h2 = tanh(Wxh x2 + Whh h1 + bh)",
    "Whh h1 = Wxh x2",
    "z = Wx x + Wh h + b",
    "dL/dbh = dz",
    "dL/dx = dh Wx",
    "∂L/∂W = Σ_{t=1}^{T} δ_t hᵀ",
    "dL/dWhh = sum t from 1 to 2 diag(1 - h_t^2) dL/dh_t h_{t-1}^T",
    "dL/dh0 = dL/dh1 dh1/dh0",
    "dhT = Why^T dy",
    "∂L/∂W = δₜ xₜ′",
]
#: Sentences, and the formulas in them.
SENTENCES = [
    ("h_t = tanh(a_t)        h_0 = 0", ["h_t = tanh(a_t)", "h_0 = 0"]),
    ("L = −y log p\ty ∈ {0,1}", ["L = −y log p"]),
    ("dL/dW   =   a   =   b_t", ["dL/dW   =   a   =   b_t"]),
    ("a_t = W h_t    + b = c_t", ["a_t = W h_t    + b = c_t"]),
    ("a_t = W (h_t    b_t = c)", ["a_t = W (h_t    b_t = c)"]),
    ("dL/dy where y = Why h2 + by", ["y = Why h2 + by"]),
    ("h_t = tanh(z_t) is the state", ["h_t = tanh(z_t)"]),
    ("z_t = W h as before", ["z_t = W h"]),
    ("h_t = f(z_t) for all t", ["h_t = f(z_t)"]),
    ("The hidden state is h_t = tanh(Wx x_t + Wh h_{t-1} + b) as usual.", ["h_t = tanh(Wx x_t + Wh h_{t-1} + b)"]),
    ("We get dL/dWhh = dL/dh2 dh2/dWhh for the second step.", ["dL/dWhh = dL/dh2 dh2/dWhh"]),
    ("so dL/dh1 = Whh^T dz, which is what we want", ["dL/dh1 = Whh^T dz"]),
    ("dL/dy = y - d is easy", ["dL/dy = y - d"]),
    ("dL/dy = y - d by the chain rule", ["dL/dy = y - d"]),
    ("∂L/∂h_t = Wᵀ δ_t by (3)", ["∂L/∂h_t = Wᵀ δ_t"]),
    ("h_t = W x_t (see above)", ["h_t = W x_t"]),
    ("dL/dh = Whh^T dz (Whh is square)", ["dL/dh = Whh^T dz"]),
    ("y = W h so we are done", ["y = W h"]),
    ("y = W h Now take the derivative", ["y = W h"]),
    ("y = W h. Why is that so?", ["y = W h"]),
    ("Here dy/dh2 = Why and dL/dy = y - d hold", ["dy/dh2 = Why", "dL/dy = y - d"]),
    ("dy/dh2 = Why because y is linear", ["dy/dh2 = Why"]),
    ("∂L/∂h_T = Vᵀ ∂L/∂y_T the nᵗʰ time", ["∂L/∂h_T = Vᵀ ∂L/∂y_T"]),
    ("dz = dh * (1 - h * h) hadamard product", ["dz = dh * (1 - h * h)"]),
    ("∂L/∂b = Σ_t δ_t since b is added", ["∂L/∂b = Σ_t δ_t"]),
    ("with the matrix Whh we have dL/dz = dh Whh, as above", ["dL/dz = dh Whh"]),
    ("L = sum of squares", []),
    ("We want dL/dWhh dL/dbh and dL/dWxh", []),
    ("T = 3 in our example", ["T = 3"]),
]  # fmt: skip


@pytest.mark.parametrize("line", WHOLE)
@pytest.mark.parametrize("lead", ["", "    ", "- "])
def test_a_line_of_mathematics_is_read_whole(line, lead):
    assert sources(f"{lead}{line}\n") == [line]
    (found,) = formulas(Document(f"{lead}{line}\n", "a.txt"))
    assert isinstance(found, Formula)
    assert found.source == line


@pytest.mark.parametrize(("line", "expected"), SENTENCES, ids=[s[:30] for s, _ in SENTENCES])
def test_a_sentence_is_left_out(line, expected):
    assert sources(line) == expected


def test_the_document_says_what_is_a_symbol():
    text = "    loss = y' dx\n\n    dL/dWin = dx x^T\n\nThus dL/dz = f Win dx for each loss.\n"
    assert sources(text)[-1] == "dL/dz = f Win dx"
    assert sources("Thus dL/dz = f Win dx for each loss.\n") == ["dL/dz = f"]


def test_words_that_are_symbols_elsewhere_stay_words():
    text = f"    y = Why h + by\n\n    dL/dby = dy\n\n{'{}'}\n"
    for line in ("dL/dh = W dy by the chain rule", "z = W x Why we do this", "z = W x by hand"):
        assert sources(text.format(line))[-1] in ("dL/dh = W dy", "z = W x")


@pytest.mark.parametrize(
    "line",
    ["(2)  {}", "(2) {}", "(2.1) {}", "1. {}", "{}   (3)", "{}\t(3.1)", "{}    (outer product)"],
)
def test_the_number_of_an_equation_is_no_factor(line):
    formula = "dL/dWxh = dz x^T"
    assert sources(line.format(formula)) == [formula]


FORMULAS = [
    "dL/dh1 = (y - d)",
    "h_t = tanh(z_t)",
    "∂L/∂h_t = W_hyᵀ δ_t",
    "dL/dWhh = diag(1 - h2^2) dL/dh2",
    "z_t = W_hh h_{t-1}",
]
FACTORS = ["Whh", "Wx", "bh", "dz", "hT", "Vᵀ", "W.T", "x_t", "δₜ", "Uh'", "Why", "W", "dWhh"]
TAILS = [
    "is what we want", "as before", "where the rest is known", "for all t", "holds, too",
    "by the chain rule", "and we are done", "because of the loss", "in the last step",
    "does not depend on time", "so the gradient vanishes", "at the end", "(see the text)",
    "which is easy to see", "with a sum over time", "the product of both", "but only then",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FORMULAS),
    st.lists(st.sampled_from(FACTORS), max_size=3),
    st.sampled_from(["", "    ", "> "]),
)
def test_no_factor_is_dropped_at_the_end_of_a_line(formula, factors, lead):
    line = " ".join([formula, *factors])
    assert sources(f"{lead}{line}\n", "a.md") == [line]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FORMULAS),
    st.lists(st.sampled_from([f for f in FACTORS if f != "Why"]), max_size=2),
    st.sampled_from(TAILS),
    st.sampled_from(["", ",", "."]),
    st.booleans(),
)
def test_no_sentence_is_swallowed(formula, factors, tail, stop, known):
    line = " ".join([formula, *factors])
    above = "loss = y the\n\n    time = W by\n\n    end = as\n\n" if known else ""
    assert sources(f"{above}So {line}{stop} {tail}\n")[-1] == line


#: Formulas that are broken into lines, and what is one formula of each text.
BROKEN = [
    ("dL/dWhh = (a b)\n         + (c d)\n", ["dL/dWhh = (a b)\n         + (c d)"]),
    ("dL/dWhh = (a b) +\n    (c d)\n", ["dL/dWhh = (a b) +\n    (c d)"]),
    ("dL/dh =\n   Whh^T dz\n", ["dL/dh =\n   Whh^T dz"]),
    ("∂L/∂h_t = Wᵀ (δ_t\n   + δ_{t+1})\n", ["∂L/∂h_t = Wᵀ (δ_t\n   + δ_{t+1})"]),
    ("∂L/∂h_t = Wᵀ δ_t\n   − Uᵀ δ_{t+1}\n   + Vᵀ e_t\n", ["∂L/∂h_t = Wᵀ δ_t\n   − Uᵀ δ_{t+1}\n   + Vᵀ e_t"]),
    ("We have dL/dh = a b\n  + c d\nand so on", ["dL/dh = a b\n  + c d"]),
    ("```python\ndWhh = np.dot(a,\n    b) + c\ndb = x\n```\n", ["dWhh = np.dot(a,\n    b) + c", "db = x"]),
    ("```\ndL/dWhh = f(a,\n     c)\ndL/db = 1\n```\n", ["dL/dWhh = f(a,\n     c)", "dL/db = 1"]),
    ("h_t = x\n---------\nnext", ["h_t = x"]),
    ("- dL/dh = a\n- b c\n", ["dL/dh = a"]),
    ("- dL/dh = a\n  - b c\n", ["dL/dh = a"]),
    ("dL/dh = a b\n  + the rest of it\n", ["dL/dh = a b"]),
    ("| dL/dh = a |\n| + b |\n", ["dL/dh = a"]),
    ("dL/dh = a b,\n   dL/dx = c\n", ["dL/dh = a b", "dL/dx = c"]),
    ("dL/dh = a b\n\n   + c\n", ["dL/dh = a b"]),
    ("dL/dh = f(a\nThis is prose (really)\n", ["dL/dh = f(a"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BROKEN, ids=[t[:30] for t, _ in BROKEN])
def test_a_formula_in_several_lines(text, expected):
    assert sources(text, "a.md") == expected


def test_a_broken_formula_is_one_tree():
    (broken,) = formulas(Document("dL/dWhh = (a b)\n         + (c d)\n", "a.md"))
    (whole,) = formulas(Document("dL/dWhh = (a b) + (c d)\n", "a.md"))
    assert isinstance(broken, Formula)
    assert isinstance(whole, Formula)
    assert broken.tree == whole.tree
    assert (broken.line, broken.column) == (1, 1)


def test_a_notebook_is_read_in_its_markdown_only():
    listing = "```python\ndWhh = np.outer(dz, h)\n```\n"
    cells = [
        {"cell_type": "code", "source": "dWxh = np.outer(dz, x)\n# dL/dW = dz x^T\n"},
        {"cell_type": "markdown", "source": listing},
        {"cell_type": "raw", "source": "dL/db = dz\n"},
    ]
    found = Document(json.dumps({"cells": cells, "nbformat": 4}), "a.ipynb").fragments
    assert [(f.text, f.cell, f.language) for f in found] == [
        ("dWhh = np.outer(dz, h)", 2, "python")
    ]
    assert sources(listing, "a.md") == ["dWhh = np.outer(dz, h)"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("||∂h_t/∂h_k|| ≤ ||W_hh||^k", ["||∂h_t/∂h_k|| ≤ ||W_hh||^k"]),
        ("- |λ_1| = |W_hh|", ["|λ_1| = |W_hh|"]),
        ("| ∂L/∂h_t = W^T δ_t |", ["∂L/∂h_t = W^T δ_t"]),  # a cell of a table
    ],
)
def test_a_norm_keeps_the_bars_that_it_begins_with(line, expected):
    assert sources(line + "\n", "a.md") == expected


LISTING = "dW = np.outer(dh, x)\n∂L/∂W_hh += ∂L/∂h_t @ h_{t-1}^T\n"


@pytest.mark.parametrize(
    ("language", "listing", "number"),
    [
        ("python", LISTING, 2),  # no Python
        ("", LISTING, 2),
        ("python", LISTING.replace("∂L", "# ∂L", 1), 2),
        ("python", LISTING.replace("∂L/∂W_hh += ∂L/∂h_t @ h_{t-1}^T", "s = '∂L'"), 1),
        ("julia", "∂W = ∂h * h\n", 0),
        ("mermaid", "A[∂L/∂W = δ x^T] --> B\n", 0),
    ],
)
def test_a_listing_with_derivatives_is_no_program(language, listing, number):
    assert len(sources(f"```{language}\n{listing}```\n", "a.md")) == number
