"""Macros of a document: found anywhere in it, expanded with positions kept."""

import pytest

from symbptt.check.documents import Document

#: A definition, a use of it, and what the use expands to.
MACROS = [
    (r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}", r"\pd{L}{W}", r"\frac{\partial L}{\partial W}"),
    (r"\newcommand\Vh{\mathbf{h}}", r"\Vh_t", r"\mathbf{h}_t"),
    (r"\renewcommand{\x}[2][L]{#1/#2}", r"\x{a} \x[M]{b}", "L/a M/b"),
    (r"\providecommand{\net}{z}", r"\net x", "z x"),
    (r"\def\dd#1#2{#1 over #2}", r"\dd{a}{b}", "a over b"),
    (r"\DeclareMathOperator{\dg}{diag}", r"\dg(x)", r"\operatorname{diag}(x)"),
    (r"\DeclareMathOperator*{\am}{arg\,min}", r"\am x", r"\operatorname{arg\,min} x"),
    (r"\newcommand{\bs}{\boldsymbol}", r"\bs h", r"\boldsymbol  h"),
    (r"\let\eps\epsilon", r"\eps_t", r"\epsilon_t"),
    (r"\newcommand{\a}{\b c}\newcommand{\b}{d}", r"\a", "d c"),
    (r"\newcommand{\be}{\begin{equation}}", r"x", "x"),
    ("", r"\norm{x}", r"\left\| x \right\|"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "use", "expanded"), MACROS, ids=[m[1] for m in MACROS])
def test_expansion(definition, use, expanded):
    (fragment,) = Document(f"$${definition}$$\n${use}$\n", "a.md").fragments
    assert fragment.text == expanded
    assert fragment.source == use
    assert (fragment.line, fragment.column) == (2, 2)
    assert fragment.notes == ()


def test_arguments_keep_their_places():
    text = "\\newcommand{\\pd}[2]{\\frac{#1}{#2}}\n$a + \\pd{L}{W} + b$\n"
    (fragment,) = Document(text, "a.md").fragments
    for part, column in (("L", 10), ("W", 13), ("+ b", 16), ("\\frac", 6)):
        assert fragment.position(fragment.text.index(part)) == (2, column)


def test_the_last_definition_above_holds():
    text = "$\\x$ \\def\\x{1}\n$\\x$ \\def\\x{2}\n$\\x$"
    assert [f.text for f in Document(text, "a.md").fragments] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("definition", "note"),
    [
        (r"\def\a{\b}\def\b{\a + 1}", r"the macro \a expands into itself"),
        (r"\def\a{x\a}", r"the macro \a expands into itself"),
        (r"\def\b{c}\newcommand{\a}[2]{#1}", r"the macro \a takes 2 arguments; write each in braces"),
        ("".join(rf"\def\{x}{{\{y}\{y}\{y}\{y}\{y}}}" for x, y in zip("abcdefghij", "bcdefghijk", strict=True)), "expands into too much"),
    ],
    ids=["two", "one", "arguments", "doubling"],
)  # fmt: skip
def test_what_has_no_end_is_noted(definition, note):
    document = Document(f"{definition}\n\n$\\a$\n", "a.md")
    assert any(note in n.message for n in document.scan.notes)
    assert all(n.place.line == 3 for n in document.scan.notes)
