"""Comments that ask for a finding not to be reported: which they hold for, and which they don't."""

import json

import pytest
from check_reports import judged
from hypothesis import given
from hypothesis import strategies as st

from symbptt.check.reports import written


def ignored(text, file="notes.md"):
    """The formulas that are suppressed, and what is said about comments."""
    report = judged(text, file, notes=())
    return [f.source for f in report.findings if f.suppressed is not None], report.notes


ASK = "<!-- symbptt: ignore=quoted -->"
#: A document and the formulas that its comment holds for.
HOLDS = [
    # on the line of the formula
    (f"$$wrong_a = b$$ {ASK}\n\n$$wrong_c = d$$", ["wrong_a = b"]),
    (f"$wrong_a = b$ and $wrong_c = d$ {ASK}\n$wrong_e = f$", ["wrong_a = b", "wrong_c = d"]),
    (f"{ASK} $wrong_a = b$\n$wrong_c = d$", ["wrong_a = b"]),
    (f"$$\nwrong_a = b\n$$ {ASK}\n$$wrong_c = d$$", ["wrong_a = b"]),
    (f"$$wrong_a = b$$\n\n{ASK} $$\nwrong_c = d\n$$", ["wrong_c = d"]),
    # alone on its lines: what stands next below
    (f"$$wrong_a = b$$\n{ASK}\n$$wrong_c = d$$\n$$wrong_e = f$$", ["wrong_c = d"]),
    (f"{ASK}\n\nSome words.\n\n$$\nwrong_c = d\n$$\n", ["wrong_c = d"]),
    (f"{ASK}\n$x$ and $wrong_c = d$ here\n$wrong_e = f$", ["wrong_c = d"]),
    (f"- {ASK}\n- $wrong_c = d$\n", ["wrong_c = d"]),
    (f"> {ASK}\n> $$wrong_c = d$$\n", ["wrong_c = d"]),
    ("<!--\n  symbptt: ignore=quoted\n-->\n$$wrong_c = d$$", ["wrong_c = d"]),
    (
        f"{ASK}\n\\begin{{align}}\nwrong_a &= b \\\\\nwrong_c &= d\n\\end{{align}}\n$wrong_e = f$",
        ["wrong_a &= b", "wrong_c &= d"],
    ),
    # what can't be read can be suppressed too
    (f"$a = \\frac{{$ {ASK}", ["a = \\frac{"]),
]

LATEX = [
    ("\\[ wrong_a = b \\] % symbptt: ignore=quoted\n\\[ wrong_c = d \\]", ["wrong_a = b"]),
    ("% symbptt: ignore=quoted\n\\[ wrong_a = b \\]\n\\[ wrong_c = d \\]", ["wrong_a = b"]),
    (
        "\\begin{align}\nwrong_a &= b \\\\ % symbptt: ignore=quoted\nwrong_c &= d\n\\end{align}",
        ["wrong_a &= b"],
    ),
    (
        "\\begin{align}\nwrong_a &= b \\\\\n% symbptt: ignore=quoted\nwrong_c &= d\\\\wrong_e &= f\n\\end{align}",
        ["wrong_c &= d", "wrong_e &= f"],
    ),
    (
        "\\begin{align} % symbptt: ignore=quoted\nwrong_a &= b \\\\\nwrong_c &= d\n\\end{align}",
        ["wrong_a &= b", "wrong_c &= d"],
    ),
    (
        "\\begin{align}\nwrong_a &= b \\\\\nwrong_c &= d\n\\end{align} % symbptt: ignore=quoted\n\\[wrong_e = f\\]",
        ["wrong_a &= b", "wrong_c &= d"],
    ),
]

RST = [
    (
        ".. symbptt: ignore=quoted\n\n.. math::\n\n   wrong_a = b\n\nand :math:`wrong_c = d`\n",
        ["wrong_a = b"],
    ),
    (
        ":math:`wrong_c = d`\n\n.. symbptt: ignore=quoted\n\n:math:`wrong_e = f` it is\n",
        ["wrong_e = f"],
    ),
]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [("notes.md", *row) for row in HOLDS]
    + [("notes.tex", *row) for row in LATEX]
    + [("notes.rst", *row) for row in RST]
    + [("page.html", f"<html><p>\\(wrong_a = b\\)</p> {ASK}\n\\(wrong_c = d\\)", ["wrong_a = b"])],
)
def test_what_a_comment_holds_for(file, text, expected):
    assert ignored(text, file) == (expected, ())


def test_in_a_notebook_lines_are_those_of_the_cell():
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": source}
        for source in (f"$$wrong_a = b$$\n{ASK}\n$$wrong_c = d$$", f"{ASK}\n", "$$wrong_e = f$$")
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    sources, notes = ignored(text, "book.ipynb")
    assert sources == ["wrong_c = d"]
    assert len(notes) == 1
    assert "suppresses nothing" in notes[0]


#: A comment that is not heeded, and what is said of it.
COMPLAINTS = [
    ("<!-- symbptt: ignore -->", "gives no reason"),
    ("<!-- symbptt: ignore= -->", "gives no reason"),
    ("<!-- symbptt: ignore because -->", "gives no reason"),
    ("<!-- symbptt: ingore=why -->", "is not understood"),
    ("<!-- symbptt ignore=why -->", "is not understood"),
    ("<!-- symbtt: ignore=why -->", "is not understood"),
    ("<!-- Symbptt: ignore=why -->", "is not understood"),
    ("<!-- symbptt: please ignore this -->", "is not understood"),
    ("<!-- symbptt: off -->", "is not understood"),
]


@pytest.mark.parametrize(("comment", "said"), COMPLAINTS)
def test_a_comment_that_is_not_heeded_is_named(comment, said):
    sources, notes = ignored(f"\n$$wrong_a = b$$ {comment}\n")
    assert sources == []
    assert len(notes) == 1
    assert notes[0].startswith("line 2: ")
    assert said in notes[0]


@pytest.mark.parametrize(
    "text",
    [
        f"$$right_a = b$$ {ASK}\n\n$$wrong_c = d$$",  # nothing wrong on its line
        f"$$a = b$$\n{ASK}\n",  # nothing below
        f"$$wrong_c = d$$\n\nWords. {ASK}\n\n$$wrong_e = f$$",  # not alone, not beside
    ],
)
def test_a_comment_that_suppresses_nothing_is_named(text):
    sources, notes = ignored(text)
    assert sources == []
    assert [n.split("'")[2].strip() for n in notes] == [
        "suppresses nothing: there is nothing to report on its line, or below it; remove it"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "$wrong_a = b$ <!-- TODO: ignore=this -->",
        "$wrong_a = b$ <!-- symbptt is a tool -->",
        "$wrong_a = b$ `<!-- symbptt: ignore=why -->`",
        "$wrong_a = b$\n```html\n<!-- symbptt: ignore=why -->\n```",
        "$wrong_a = b$ % symbptt: ignore=why",
    ],
)
def test_other_comments_say_nothing_to_us(text):
    assert ignored(text) == ([], ())


def test_the_first_reason_stays_and_reports_count():
    report = judged(f"{ASK}\n$$wrong_a = b$$ <!-- symbptt: ignore=other -->\n", notes=())
    assert [f.suppressed for f in report.findings] == ["quoted"]
    assert report.passed
    assert report.summary["suppressed"] == 1
    assert "wrong_a" not in written([report])
    assert "1 of these suppressed" in written([report])


@given(
    st.text(st.sampled_from("$ab=_ \n<!->%symbpt:ignore`.\\{}")),
    st.sampled_from(["a.md", "a.tex", "a.rst", "a.html"]),
)
def test_without_a_comment_nothing_is_suppressed(text, file):
    if "symbptt" not in text:
        assert ignored(text, file)[0] == []
