"""What spellings of symbols mean, for a network and what a document calls its quantities."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document
from symbptt.check.notation.meant import Definition, Meant
from symbptt.check.notation.namings import namings
from symbptt.check.notation.prefixes import with_prefixes
from symbptt.check.notation.scripts import entry_letters, is_step, step_value
from symbptt.check.notation.symbols import Scope
from symbptt.formula import parse
from symbptt.formula.tree import Node, Number, Product, Symbol, Transpose
from symbptt.model import load

MODEL = load(r"""
z_t = W_hh h_{t-1} + W_xh x_t + b
h_t = tanh(z_t)
o_t = V h_t
L = \sum_{t=1}^{T} 1/2 (o_t - d_t)^T (o_t - d_t)
""")
SCOPE = Scope(
    MODEL,
    definitions={"D": Definition(parse("h_t"), "t"), "q": Definition(parse("h_i"), "t", ("i",))},
    losses=frozenset({"E"}),
    aliases={"s": "h"},
)
STEPS = {"t": 3, "T": 5, "k": 2, "i": 1, "j": 2, "p": 2}


def symbol(text: str) -> Symbol:
    node = parse(text)
    assert isinstance(node, Symbol)
    return node


def shown(meant: Meant | None) -> str | None:
    """``quantity h at 3 entry 1``: what a symbol means, in words."""
    if meant is None:
        return None
    words = [meant.kind, meant.name]
    for what, nodes in (("at", (meant.step,)), ("entry", meant.entry), ("power", (meant.power,))):
        given = [n for n in nodes if n is not None]
        if given:
            words += [what, *(str(step_value(n, STEPS)) for n in given)]
    return " ".join(words)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # states
        ("h_t", "quantity h at 3"),
        ("h_{t-1}", "quantity h at 2"),
        ("h^{(t)}", "quantity h at 3"),
        (r"h^{\langle t-1 \rangle}", "quantity h at 2"),
        ("h[t]", "quantity h at 3"),
        ("h_2", "quantity h at 2"),
        ("h", "quantity h"),
        ("s_t", "quantity h at 3"),
        ("h_{t,i}", "quantity h at 3 entry 1"),
        ("h_i^{(t)}", "quantity h at 3 entry 1"),
        ("h_{t,i,j}", None),  # a column has no such entry
        # parameters
        ("W_{hh}", "quantity W_hh"),
        ("Whh", "quantity W_hh"),
        ("W_{hh}^{(t)}", "quantity W_hh at 3"),
        ("V_{ij}", "quantity V entry 1 2"),
        ("V_{i,j}", "quantity V entry 1 2"),
        ("b_p", "quantity b entry 2"),
        # the loss
        ("L", "loss L"),
        ("L_t", "loss L at 3"),
        ("E_2", "loss L at 2"),
        ("J", "loss L"),
        # gradients by their names
        ("dh_t", "gradient h at 3"),
        ("dWhh", "gradient W_hh"),
        ("grad_b", "gradient b"),
        (r"\delta^h_t", "gradient h at 3"),
        (r"\delta_{h_t}", "gradient h at 3"),
        (r"\delta_{h t}", "gradient h at 3"),
        (r"\delta^o_{t-1}", "gradient o at 2"),
        (r"\Delta W_{hh}", None),  # two symbols
        # what the document defines
        ("D_t", "defined D at 3"),
        ("q_t", "defined q at 3"),
        ("q_{i,t}", "defined q at 3 entry 1"),
        # nothing
        (r"\delta_t", None),
        ("g_t", None),
        (r"\eta", None),
    ],
)
def test_spellings(text: str, meant: str | None) -> None:
    node = parse(text)
    if isinstance(node, Symbol):
        assert shown(SCOPE.meant(node)) == meant
    else:
        assert meant is None


@pytest.mark.parametrize(("exponent", "power"), [("t-k", 1), ("k", 2), ("(t)", None)])
def test_a_parameter_is_raised_to_what_is_no_copy(exponent: str, power: int | None) -> None:
    meant = SCOPE.meant(symbol(f"V^{{{exponent}}}"))
    assert meant is not None
    found = None if meant.power is None else step_value(meant.power, STEPS)
    assert found == power


def test_names_are_taken_apart_the_plainest_way_first() -> None:
    found = [(n.name, n.step, n.entry) for n in namings(symbol("a_{t,i}"))]
    t, i = Symbol("t"), Symbol("i")
    assert found == [
        ("a_t_i", None, ()),
        ("a_i", t, ()),
        ("a_t", i, ()),
        ("a", t, (i,)),
        ("a_t", None, (i,)),
    ]


def test_delta_beside_a_quantity_is_one_symbol() -> None:
    node = parse(r"V^T \delta h_t")
    assert isinstance(node, Product)
    factors, signs = with_prefixes(node.factors, node.operators, SCOPE)
    assert len(factors) == 2
    assert signs == [""]
    assert isinstance(factors[1], Symbol)
    assert shown(SCOPE.meant(factors[1])) == "gradient h at 3"


def test_delta_beside_a_transpose_is_one_symbol_too() -> None:
    node = parse(r"x_t \delta h_t^T")
    assert isinstance(node, Product)
    factors, signs = with_prefixes(node.factors, node.operators, SCOPE)
    assert signs == [""]
    assert isinstance(factors[1], Transpose)
    assert isinstance(factors[1].operand, Symbol)
    assert shown(SCOPE.meant(factors[1].operand)) == "gradient h at 3"


def test_a_wider_scope_leaves_the_first_as_it_was() -> None:
    g = symbol("g_t")
    assert SCOPE.meant(g) is None
    assert shown(SCOPE.with_alias("g", "o").meant(g)) == "quantity o at 3"
    assert shown(SCOPE.with_definition("g", Definition(parse("h_t"))).meant(g)) == "defined g at 3"
    assert SCOPE.meant(g) is None
    assert SCOPE.unknown(g) == "g"


@pytest.mark.parametrize(
    ("text", "value"),
    [("t", 3), ("t-1", 2), ("T-k+1", 4), ("2 k", 4), ("(t+1)/2", 2), ("t/2", None), ("n", None)],
)
def test_steps_have_values(text: str, value: int | None) -> None:
    assert step_value(parse(text), STEPS) == value


def test_what_counts() -> None:
    assert all(is_step(parse(x)) for x in ("t", "3", "t-1", "tau", "2 k"))
    assert not any(is_step(parse(x)) for x in ("hh", "x_t", "t/2", "k t"))
    half: Node = Number(Fraction(1, 2))
    assert not is_step(half)
    assert [len(entry_letters(parse(x))) for x in ("ij", "i", "t", "i j", "hh", "1")] == [
        2, 1, 0, 2, 0, 1,
    ]  # fmt: skip


def test_a_name_at_a_step_is_no_name_without_an_underscore():
    text = r"""
$$u_t = u_{t-1} + \frac{dt}{\tau} (W u_{t-1} + U x_t - u_{t-1})$$
$$L = \sum_t \frac{1}{2} \|u_t - d_t\|^2$$
$$\frac{\partial L_t}{\partial u_t} = u_t - d_t$$
"""
    (*_, last) = check_document(Document(text, "a.md")).findings
    assert last.verdict is not None
    assert last.verdict.verdict == "right"


def test_a_value_of_a_parameter_leaves_its_formulas_general():
    text = r"""
$$h_t = \tanh(U h_{t-1} + W x_t + b)$$

Set $w = \frac12$. In a scalar linear recurrence $h_t = w h_{t-1} + x_t$,

$$\frac{\partial h_T}{\partial h_s} = w^{T-s}$$
"""
    found = check_document(Document(text, "a.md")).findings
    assert [f.verdict.verdict for f in found if f.verdict is not None] == ["right"]
