"""Macros of a document: found anywhere in it, expanded with positions kept."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, formulas
from symbptt.check.documents.traced import Traced
from symbptt.formula import parse_equations
from symbptt.formula.tree import Node, Relation, Span

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


@pytest.mark.parametrize(
    "formula",
    [
        r"\twice{" * 40 + "x" + "}" * 40,
        r"\again{\twice{" * 20 + "x" + "}}" * 20,
        r"\red{" * 500 + "x" + "}" * 500,
        r"\red{\blue{\bs{" * 150 + "x" + "}}}" * 150,
    ],
    ids=["twice", "again", "one", "three"],
)
def test_calls_in_calls_have_an_end(formula):
    definitions = r"\newcommand{\twice}[1]{#1 #1}\newcommand{\again}[1]{\twice{#1} \twice{#1}}"
    start = time.process_time()
    document = Document(f"{definitions}\n$$a = {formula}$$\n", "a.md")
    assert len(formulas(document)) == 1
    assert document.scan.notes
    assert len(document.fragments[0].text) < 500_000
    assert time.process_time() - start < 5


ELMAN = Path(__file__).parent.parent / "benchmarks/formulas/documents/macros-elman.tex"
SHORT = r"""\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}
\newcommand{\tran}[1]{#1^{\top}}\newcommand{\same}[1]{#1}\newcommand{\two}[2]{#1 #2}
\newcommand{\grad}[2][L]{\pd{#1}{#2}}\newcommand{\vh}{\mathbf{h}}
"""
#: Formulas that begin, end or break within a macro's call.
CALLS = [
    r"\pd{L}{b} = \pd{L}{a}",
    r"\tran{\left( \pd{L}{\vh_t} \right)} = \tran{A} \vh",
    r"\same{x} = y \same{b}",
    r"\same{x + y} = \two{a}{b}",
    r"\grad{b} = \grad[M]{\vh}",
    r"\pd L b = \tran a",
    r"\tran{\tran{\pd{L}{\vh_t}}} = \two{\same{a}}{\same{\tran{b}}}",
    r"a = \tran{b} = \pd{L}{\two{a}{c}} = \same{d} e",
]


def tree(document: Document, source: str) -> list[Node]:
    """The formulas of a source, with the document's macros."""
    written = document.macros.expanded(Traced.whole(source))[0].text
    return parse_equations(written, lines=False, letters=True)


def links(f: Formula) -> list[tuple[Span, list[Node]]]:
    """The stretches of a chain, each with the two sides that it holds."""
    if not isinstance(f.tree, Relation):
        return []
    pairs = zip(f.tree.sides, f.tree.operators, f.tree.sides[1:], strict=False)
    return [(Span(a.span.start, b.span.end), [Relation((a, b), (s,))]) for a, s, b in pairs]


@pytest.mark.parametrize("text", [*(f"{SHORT}${c}$\n" for c in CALLS), ELMAN.read_text("utf-8")])
def test_a_source_holds_whole_calls(text):
    document = Document(text, "a.tex")
    found = formulas(document)
    assert found
    for f in found:
        assert isinstance(f, Formula)
        assert tree(document, f.source) == [f.tree]
        for span, sides in links(f):
            place = f.place(span)
            assert tree(document, place.text[place.start : place.end]) == sides


@pytest.mark.parametrize("call", CALLS)
def test_a_source_is_the_formula(call):
    (f,) = formulas(Document(f"{SHORT}${call}$\n", "a.tex"))
    assert f.source == call


def test_a_part_within_an_argument_is_that_part():
    (f,) = formulas(Document(f"{SHORT}$a = \\tran{{b c}}$\n", "a.tex"))
    assert isinstance(f, Formula)
    at = f.text.index("c")
    place = f.place(Span(at, at + 1))
    assert place.text[place.start : place.end] == "c"


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", r"\vh_t", "W x", "1"]),
        lambda inner: st.one_of(
            inner.map(r"\tran{{{}}}".format),
            inner.map(r"\same{{{}}}".format),
            inner.map(r"\left( {} \right)".format),
            st.tuples(inner, inner).map(lambda p: r"\pd{{{}}}{{{}}}".format(*p)),
            st.tuples(inner, inner).map(lambda p: r"\two{{{}}}{{{}}}".format(*p)),
            st.tuples(inner, inner).map(lambda p: "{} + {}".format(*p)),
        ),
        max_leaves=6,
    ).flatmap(lambda a: st.sampled_from([f"{a} = x", f"x = {a}", f"x = {a} = y"]))
)
def test_braces_balance_in_every_part(formula):
    document = Document(f"{SHORT}${formula}$\n", "a.tex")
    for f in formulas(document):
        if isinstance(f, Formula):
            for node in f.tree.walk():
                place = f.place(node.span)
                part = place.text[place.start : place.end]
                assert part.count("{") == part.count("}")
