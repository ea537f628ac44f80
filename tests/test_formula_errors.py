"""What is no formula: the message says what is wrong and what to do, the caret says where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbptt.errors import FormulaError
from symbptt.formula import parse, parse_equations
from symbptt.formula.tree import Node

#: A text with carets below what the error points at, and a part of the message.
MALFORMED = [
    ("h_t = tanh(z_t))", "               ^", "')' closes nothing; leave it out or open it"),
    ("h_t = tanh(z_t", "          ^", "'(' is never closed; add ')'"),
    (r"h_t = f\Big(W h", "       ^^^^^", r"'(' is never closed"),
    ("(a + (b c)", "^", "'(' is never closed"),
    ("(a + b]", "      ^", "'(' is closed by ']'; write ')' or open ']' first"),
    ("x_{t", "  ^", "'{' is never closed; add '}'"),
    ("x^{(t}", "     ^", "'(' is closed by '}'"),
    ("x + b}", "     ^", "'}' closes nothing"),
    (r"\|x + y", "^^", r"'\|' is never closed; add '\|'"),
    (r"\begin{cases} a & b", "^^^^^^^^^^^^^", r"add \end{cases}"),
    (r"a \end{cases}", "  ^^^^^^^^^^^", "closes nothing"),
    (r"\left. a", "^^^^^", r"add a \right"),
    ("", "^", "there is no formula here; write one"),
    ("# only a comment", "^", "there is no formula here"),
    ("= a", "^", "nothing stands before '='; write the side that is missing"),
    ("a = ", "  ^", "ends after '='; write the other side"),
    ("a = = b", "    ^", "nothing stands before '='"),
    ("a +", "  ^", "ends after '+'; write a name, a number or a bracket"),
    ("f(a + )", "      ^", "'+' is followed by ')'"),
    ("a * / b", "    ^", "'/' has no factor before it; write one or leave '/' out"),
    ("[a, , b]", "    ^", "nothing stands before ','"),
    ("[a, ]", "    ^", "something is missing before ']'"),
    ("a = b, c = d", "       ^", "a second formula begins here; write one at a time"),
    ("_t", "^", "the subscript '_' hangs on nothing; write a name before it"),
    ("a + ^2", "    ^", "the superscript '^' hangs on nothing"),
    ("'", "^", "the prime hangs on nothing"),
    ("h_", " ^", "ends after '_'; write the script"),
    (r"\frac{a}", "       ^", "a fraction has no denominator; write it in braces"),
    (r"\frac{a} + b", "         ^", "a fraction has no denominator"),
    (r"\frac", "^^^^^", "write a numerator and a denominator"),
    (r"\frac{}{a}", "      ^", "something is missing before '}'"),
    (r"\hat{a + b}", "^^^^^^^^^^^", "over something that is no name; put it over a name"),
    (r"\sqrt[3]{x}", "^^^^^", "write it as a power"),
    (r"L = \sum_{t=1}^T", "    ^^^^^^^^^^^^", "this sum has nothing to run over"),
    (r"\prod_k + a", "^^^^^^^", "this product has nothing to run over"),
    ("sum t from 1", "           ^", "the formula ends after '1'"),
    (r"\partial^k x", "         ^", "only a number or '+' can stand over '∂'"),
    ("h = W x where W = 1", "        ^^^^^", "'where' belongs to a sentence"),
    (r"a = b \text{if } t", "      ^^^^^^^^^^", "'if' belongs to a sentence"),
    ("a ? b", "  ^", "the character '?' is not part of a formula"),
    ("a.b", " ^", "a full stop inside a formula"),
    ("f(a.b)", "   ^", "a full stop can't stand inside a formula"),
    ("a : b", "  ^", "for a definition write ':='"),
    (r"\foo{x}", "^^^^", r"the command \foo is not known; write what it stands for"),
    (r"\int x", "^^^^", "integrals are not read"),
    (r"a \pm b", "  ^^^", "write one formula for each"),
    (r"\begin{vmatrix} a \end{vmatrix}", "^^^^^^^^^^^^^^^", "the environment 'vmatrix' is not read"),
    (r"W \begin{bmatrix} a \\ b", "  ^^^^^^^^^^^^^^^", "is never closed; add '\\end{bmatrix}'"),
    (r"W \begin{bmatrix} a \\ b)", "                        ^", "is closed by ')'"),
    (r"W \begin{bmatrix} a & & b \end{bmatrix}", "                      ^", "nothing stands before '&'"),
    (r"{}_T + w", "  ^", "a subscript to the left of a name needs the name"),
    (r"\begin{cases} & x \end{cases}", "              ^", "a case has no value"),
    ("(" * 50, " " * 40 + "^", "nested more than 40 deep"),
    ("9" * 70, "^" * 70, "this number is too long; give it a name"),
    ("x" + "'" * 20, "^" * 21, "too many scripts"),
    (r"\sqrt" * 500 + " x", "^" * 2502, "nested too deeply; give a part of it a name"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "carets", "fragment"), MALFORMED, ids=[text[:40] for text, *_ in MALFORMED]
)
def test_error(text, carets, fragment):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    error = caught.value
    assert fragment in error.message
    assert "\n" not in error.message
    assert error.place is not None
    assert error.place.drawn() == f"{text}\n{carets}"


def test_no_message_names_a_token_of_the_grammar():
    for text, *_ in MALFORMED:
        with pytest.raises(FormulaError) as caught:
            parse(text)
        for name in ("SIGN", "OPEN", "CLOSE", "LBRACE", "NAME", "SUB", "$END", "Token"):
            assert name not in caught.value.message


def test_place_in_a_file():
    with pytest.raises(FormulaError) as caught:
        parse_equations("a = b\n\nc = (d\n", file="cell.txt", first_line=7)
    assert str(caught.value) == (
        "cell.txt:9:5: the bracket '(' is never closed; add ')'\nc = (d\n    ^"
    )


def test_place_in_a_longer_text():
    text = "We have $a = (b$ here."
    with pytest.raises(FormulaError) as caught:
        parse(text, start=9, end=15)
    assert caught.value.place is not None
    assert caught.value.place.column == 14


LATEX = r"""
\frac { } ( ) [ ] _ ^ \partial \sum \cdot \tanh \\ & \left \right \begin{cases} \end{cases}
\begin{align} \end{align} \begin{bmatrix} \end{bmatrix} & $ $$ \[ \] \text{if} \mathbf \hat \nabla \in \langle \rangle \sqrt
\underbrace \over \mid \Big \middle \prime \top \delta {} \{ \} \| \foo \quad \Rightarrow \dot=
"""
PLAIN = "h t W T d = + - * / log ' . , 2 0.5 σ ∂ Σ ₜ ₋ ² ᵀ ∇ < > sum from to in : | || # % dL ... f(x) where ½ ″ ŷ"
PIECES = [*LATEX.split(), *PLAIN.split(" "), "\n", " "]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=20))
def test_only_formula_errors_escape(text):
    for read in (parse, lambda text: parse_equations(text, letters=True)):
        error = failure(read, text)
        if error is not None:
            assert error.place is not None
            assert 0 <= error.place.start <= error.place.end <= len(text)


def failure(read, text):
    try:
        read(text)
    except FormulaError as error:
        return error
    return None


def read_and_walk(text):
    for tree in parse_equations(text):
        assert all(isinstance(node, Node) for node in tree.walk())
        hash(tree)


@pytest.mark.parametrize(
    "piece",
    [r"\hat", r"\log ", r"\sum_t ", r"\partial ", "a/", "x^", "x_{", "(", "{", "|", r"\left.a", "-",
     "a^2", "'", r"\frac{", r"\begin{cases}", "a=", r"a\quad ", r"\text{", r"\overset{", "$", "1", "ₜ"],
)  # fmt: skip
def test_repetition_is_refused_or_read(piece):
    for text in (piece * 2000, piece * 2000 + "x", piece * 30 + "x"):
        error = failure(read_and_walk, text)
        assert error is None or len(error.message) < 200
