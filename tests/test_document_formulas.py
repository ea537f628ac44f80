"""Fragments to formulas: rows, chains that go on, repairs, and what can't be read."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, Unparsed, formulas
from symbptt.check.networks.parts import Mention, parts
from symbptt.check.notation.conditions import is_condition
from symbptt.formula import parse
from symbptt.formula.tree import Group, Relation, Symbol, Text


def read(text: str, file: str = "a.md") -> list[Formula | Unparsed]:
    return formulas(Document(text, file))


def trees(text: str, file: str = "a.md") -> list[object]:
    return [f.tree if isinstance(f, Formula) else f.reason for f in read(text, file)]


#: A document, and its formulas.
DOCUMENTS = [
    ("$h_t$", ["h_t"]),
    (r"$$a = b, \quad c = d$$", ["a = b", "c = d"]),
    ("$$a = b$$\n$$= c + d$$", ["a = b", "a = c + d"]),
    (r"\begin{align} a &= b \\ &= c \\ d &= e \end{align}", ["a = b = c", "d = e"]),
    (r"$$\begin{aligned} \delta &= b \\\\ &= c \end{aligned}\tag{8}$$", [r"\delta = b = c"]),
    ("$$\\frac{a}{b}$$\nis\n$$= c$$", [r"\frac{a}{b}", r"\frac{a}{b} = c"]),
    ("∂L/∂h = ∂L/∂y · A\n  = ∂L/∂y · B\n", ["∂L/∂h = ∂L/∂y · A", "∂L/∂h = ∂L/∂y · B"]),
    (r"$$\displaylines{a = b \\ c = \frac{d}{e}}$$", ["a = b", r"c = \frac{d}{e}"]),
    (r"$s = \tanh(Ux_t + Ws_{t-1})$", [r"s = \tanh(U x_t + W s_{t-1})"]),
    (r"$W_hh h + W_xh x$", ["W_{hh} h + W_{xh} x"]),
    (r"$\partial{loss}$", [r"\partial{loss}"]),
    (r"$L = diag(f'(a)W$", ["L = diag(f'(a))W"]),
    (r"$\|a\| \leq \left\Vert diag(f(b) \right\Vert$", [r"\|a\| \leq \left\Vert diag(f(b)) \right\Vert"]),
    (r"$a = b) + c$", ["a = b + c"]),
    (r"$\pdv{L}{W} = x$", [r"\frac{\partial L}{\partial W} = x"]),
    (r"$\bullet a = b$", ["a = b"]),
    (r"$\Dot{\psi} = a$", [r"\dot{\psi} = a"]),
    (r"$$a = b$$ and $Eq. 1.1$ with $Eq. \space xx$", ["a = b"]),
    (r">$\quad$For each $a$, see $\eqref{1}$", ["a"]),
    (r"$$\begin{array}{c} a = b = \\ = c = \\ d \end{array}$$", ["a = b", "a = c = d"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS, ids=[t[:30] for t, _ in DOCUMENTS])
def test_formulas(text, expected):
    assert trees(text) == [parse(e) for e in expected]


def test_a_chain_that_goes_on_has_its_own_place():
    first, second = read("$$a = b$$\n\n$$= c$$\n")
    assert isinstance(first, Formula)
    assert isinstance(second, Formula)
    assert (second.line, second.column, second.source, second.carried) == (3, 3, "= c", True)
    assert isinstance(second.tree, Relation)
    assert second.place(second.tree.sides[0].span).line == 1
    assert second.place(second.tree.sides[1].span).label == "a.md:3:5"


def test_nothing_goes_on_from_what_is_not_read():
    _, lost, last = read("$$a = b$$\n\n$$) ( = c$$\n\n$$= d$$\n")
    assert isinstance(lost, Unparsed)
    assert isinstance(last, Unparsed)


def test_mathematics_with_its_own_delimiters_in_a_directive():
    first = ".. math::\n  :nowrap:\n\n  \\[\n    % A comment.\n    \\newcommand{\\x}{a}\n  \\]\n\n"
    second = ".. math::\n  :nowrap:\n\n  \\[\n    \\x\n    = b\n  \\]\n"
    assert trees(first + second, "a.rst") == [parse("a = b")]


def test_a_chain_goes_on_within_its_section():
    _, second = read("$$a = b$$\n\n# New\n\n$$= c$$\n")
    assert isinstance(second, Unparsed)
    assert second.reason == "nothing stands before '='; write the side that is missing"


@pytest.mark.parametrize(
    "formula",
    ["a = b + c = {}d + e", r"\frac{{\partial L}}{{\partial h}} = b + {}c", "a = b {}d = e"],
)
def test_three_backslashes_at_the_end_of_a_line_are_two(formula):
    two, three = (
        read("\\\\[" + formula.format(mark + "\n") + "\\\\]\n") for mark in (r"\\", r"\\" + "\\")
    )
    assert [type(f) for f in three] == [type(f) for f in two]
    assert "Formula" in {type(f).__name__ for f in three}


def test_a_row_that_fails_leaves_the_others():
    first, second, third = read(
        "\\begin{align}\na &= b \\\\\nc &= \\int x \\\\\nd &= e\n\\end{align}"
    )
    assert isinstance(first, Formula)
    assert isinstance(second, Unparsed)
    assert second.place.label == "a.md:3:6"
    assert isinstance(third, Formula)
    assert (third.line, third.source) == (4, "d &= e")


def test_lists_are_one_formula():
    (steps,) = trees(r"$t = 1, 2, \dots, T$")
    assert steps == Relation((Symbol("t"), Group("", (parse("1"), parse("2"), Text("..."), Symbol("T")), (",",) * 3)), ("=",))  # fmt: skip
    assert trees(r"$x_1, \dots, x_T$") == [Group("", (parse("x_1"), Text("..."), parse("x_T")), (",", ","))]  # fmt: skip


def test_sizes_behind_a_colon():
    page = Document(r"""
\begin{align}
    z_t, s_t&: D\times 1\\
    U&: D\times M
\end{align}
""", "notes.md")  # fmt: skip
    found = formulas(page)
    assert [f.source for f in found] == ["z_t", r"s_t&: D\times 1", r"U&: D\times M"]
    assert not any(isinstance(f, Unparsed) for f in found)


def test_a_sign_alone_is_words():
    assert trees(r"the $\odot$ denotes") == [Text("⊙")]


def test_repairs_are_noted():
    (formula,) = read(r"$L = diag(f'(a)W$")
    assert isinstance(formula, Formula)
    assert formula.notes == ("a ')' is missing; read with one after 'diag(f'(a)'",)


#: What stands behind a formula, and the formulas that it makes besides ``a = b``.
BEHIND = [
    (r"\tag{3}", []),
    (r"\tag*{[3]}", []),
    (r"\label{eq:one}", []),
    (r"\eqno{(3)}", []),
    (r"\qquad (3)", []),
    (",", []),
    (r"\,.", []),
    (r"\quad \text{otherwise.}", []),
    (r"\text{if } t < T", ["t < T"]),
    (r", \text{ if } t < T.", ["t < T"]),
    (r"\quad \text{if $t < T$, and so on}", ["t < T"]),
    (r"\quad (t < T)", ["t < T"]),
    (r"\quad \text{for } 1 \le t < T", [r"1 \le t < T"]),
    (r"\quad \text{for all } t", ["t"]),
    (r"\qquad \forall t", ["t"]),
    (r"\mbox{ at } t = T", ["t = T"]),
    (r"\text{, for } t<T", ["t<T"]),
    (r"\quad \text{where } c = d", ["c = d"]),
    (r"\text{ and } c = d", ["c = d"]),
    (r"\quad \text{with } h_0 = 0", ["h_0 = 0"]),
]


@pytest.mark.parametrize(("behind", "expected"), BEHIND, ids=[b for b, _ in BEHIND])
@pytest.mark.parametrize("file", ["a.md", "a.tex"])
def test_what_stands_behind_a_formula(behind, expected, file):
    assert trees(f"$$a = b {behind}$$\n", file) == [parse(e) for e in ("a = b", *expected)]
    assert trees(f"\\begin{{equation}}\na = b {behind}\n\\end{{equation}}\n", file)[0] == parse(
        "a = b"
    )
    first = read(f"$$a = b {behind}$$\n", file)[0]
    assert first.source == "a = b"


def test_steps_that_run_down_are_one_condition():
    formula = r"$$\delta_t = a_t \quad \text{for } t = T-1, \dots, 1$$"
    first, steps = trees(formula)
    assert first == parse(r"\delta_t = a_t")
    assert isinstance(steps, Relation)
    assert is_condition(steps)
    (links, mention) = parts(read(formula))
    assert isinstance(links, list)
    assert [p.conditions for p in links] == [(steps,)]
    assert isinstance(mention, Mention)


@pytest.mark.parametrize(
    "behind",
    [r"\text{if } t < T", r"\quad (t < T)", r", \quad t < T", r"\quad \text{for } 1 \le t < T"],
)
def test_a_condition_goes_with_its_formula(behind):
    links, _ = parts(read(rf"$$\delta_t = a_t {behind}$$"))
    assert isinstance(links, list)
    assert len(links[0].conditions) == 1


def test_conditions_on_rows_leave_the_chain():
    text = r"\begin{align} a &= b && \text{for } t < T \\ &= c && \text{at } t = T \end{align}"
    assert trees(text) == [parse(e) for e in ("a = b", "t < T", "a = c", "t = T")]
    assert trees("$$a = b \\text{ for } t < T$$\n$$= c$$")[-1] == parse("a = c")


@pytest.mark.parametrize(
    "text",
    [
        r"a = \begin{cases} b & \text{if } t < T \\ c & \text{otherwise} \end{cases}",
        r"h_{\text{in}} = W_\text{in} x",
        r"\frac{a}{b_{\text{for}}} = d",
        r"\text{loss} = a (t = 2)",
        r"a = W_{\text{at}} (c + d)",
    ],
)
def test_words_within_a_formula_stay(text):
    assert trees(f"$${text}$$") == [parse(text)]


#: What the grammar reads for the sake of documents.
READ = [
    ("self.dh = np.dot(self.dz, self.W.T)", "dh = dot(dz, W.T)"),
    ("dz = d .* f.(u)", "dz = d ⊙ f (u)"),
    ("db .+= a", "db += a"),
    ("s = sum(a[t] for t in range(1, T+1))", r"s = \sum_{t=1}^{T} a[t]"),
    ("s = sum(a[t] for t in reversed(range(T)))", r"s = \sum_{t=0}^{T-1} a[t]"),
    (r"\underset{k}{\left( \sum \right)} a_k", r"\sum_{k} a_k"),
    (r"\sum_{\substack{i < T \\ j}} a", r"\sum_{i < T, j} a"),
    (r"d{}_Tw^2", "d w_T^2"),
    (r"{}_SW^l\mathbf{h}", "W_S^l h"),
    (r"{}_{T}w x", "w_T x"),
    (r"h^i{}_j x", "h^i_j x"),
    (r"a \overset{(1)}{\approx} b", r"a \approx b"),
    ("(a)|now", "(a)_{now}"),
]


@pytest.mark.parametrize(("written", "meant"), READ, ids=[w for w, _ in READ])
def test_the_grammar_reads(written, meant):
    assert parse(written) == parse(meant)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*re.findall(r"\S+", r"$ $$ \[ \] \\ & = + a h_t ( ) { } \frac \begin{align} \end{align} {}_T \underset \substack \left( \right) | ,"), " ", "\n", "\n\n"]
        ),
        max_size=30,
    ).map("".join)
)  # fmt: skip
def test_every_fragment_leads_to_a_formula_or_a_reason(text):
    document = Document(text, "a.md")
    found = formulas(document)
    marked = {f for f in document.fragments if f.text.strip(" &\n")}  # not alignment alone
    assert marked <= {f.fragment for f in found} <= set(document.fragments)
    for f in found:
        assert 1 <= f.line <= text.count("\n") + 1
        assert f.column >= 1
        if isinstance(f, Unparsed):
            assert "\n" not in f.reason


def test_a_formula_goes_on_from_one_that_is_not_read():
    page = Document("$$q = r$$\n$$a = b + )$$\n$$= d$$\n")
    found = formulas(page)
    assert [isinstance(f, Unparsed) for f in found] == [False, True, False]
    assert found[2].text.split() == ["a", "=", "d"]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (r"a = \sideset{}{_l}\sum{W_{l} x_l}", r"a = \sum_l{W_{l} x_l}"),
        (r"a = \underbrace{x_t}_{Equals \space 1.} y_t", r"a = \underbrace{x_t}_{b} y_t"),
    ],
)
def test_ways_of_setting_that_say_nothing(written: str, plain: str) -> None:
    one, two = (formulas(Document(f"$${x}$$", "notes.md"))[0] for x in (written, plain))
    assert isinstance(one, Formula)
    assert isinstance(two, Formula)
    assert one.tree == two.tree


@pytest.mark.parametrize(
    "mapping", [r"f:\mathbb R^n \rightarrow \mathbb R^m", r"g\colon \mathbb{R}^{m} \to\mathbb{R}"]
)
def test_where_a_function_goes_is_no_formula(mapping: str) -> None:
    (found,) = formulas(Document(f"Let ${mapping}$ be one.", "notes.md"))
    assert isinstance(found, Formula)
    assert isinstance(found.tree, Text)
