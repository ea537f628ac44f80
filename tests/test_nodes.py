"""Expression nodes obey SymPy's laws, keep the order they were given, and stand in every table."""

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sympy import MatrixSymbol
from sympy.matrices.expressions import (
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    Identity,
    MatAdd,
    MatMul,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)

import symbptt
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.rules import RULES, VECTOR_RULES
from symbptt.compile.numpy_code import _WRITERS
from symbptt.evidence.expressions import MEANING
from symbptt.model.functions import VECTOR_FUNCTIONS
from symbptt.render.dialect import LATEX, TEXT
from symbptt.render.notation import STANDARD
from symbptt.render.printer import _PRINT, Printer

n, m = sp.symbols("n m", integer=True, positive=True)
h, x = nd.At("h", nd.t, n, 1), nd.At("x", nd.t - 1, m, 1)
W, U = MatrixSymbol("W", n, n), MatrixSymbol("U", n, m)
dot = nd.Abstract("l", 1, 1, h, x)

SAMPLES = {
    nd.At: h,
    nd.Adjoint: nd.Adjoint("h", nd.t + 1, n, 1),
    nd.WindowAdjoint: nd.WindowAdjoint("h", nd.t + 1, n, 1, nd.T),
    nd.Map: nd.Map("tanh", 1, h),
    nd.VectorMap: nd.VectorMap("softmax", h),
    nd.Total: nd.Total(h),
    nd.Count: nd.Count(nd.T),
    nd.Scale: nd.Scale(nd.Total(h), x),
    nd.Abstract: dot,
    nd.Partial: nd.Partial(dot, 1),
    nd.TimeSum: nd.TimeSum(h, nd.t, sp.Range(1, nd.T + 1)),
    nd.TimeProduct: nd.TimeProduct(W, nd.t, sp.Range(1, nd.T + 1)),
}

KINDS = {
    c
    for c in vars(nd).values()
    if isinstance(c, type) and issubclass(c, nd.Node) and c is not nd.Node
}

#: SymPy's own nodes that derivations are made of.
OWN = {
    MatAdd, MatMul, HadamardProduct, HadamardPower, Transpose, OneMatrix, ZeroMatrix, MatrixSymbol
}  # fmt: skip
JACOBIAN = {DiagMatrix, Identity, nd.TimeProduct}  # what only forms of a derivation hold
GENERAL = {nd.TimeSum, nd.WindowAdjoint}  # what code has loops for


def test_every_kind_has_a_sample():
    assert set(SAMPLES) == KINDS


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda k: k.__name__)
def test_a_node_is_rebuilt_from_its_arguments(kind):
    node = SAMPLES[kind]
    assert node.func(*node.args) == node
    assert hash(node.func(*node.args)) == hash(node)


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda k: k.__name__)
def test_a_node_survives_replacement(kind):
    node = SAMPLES[kind]
    there = node.xreplace({n: sp.Integer(7)})
    assert there.xreplace({sp.Integer(7): n}) == node or kind is nd.TimeProduct
    assert str(node)
    assert node.shape == SAMPLES[kind].shape


def test_the_index_of_a_sum_is_bound():
    total = SAMPLES[nd.TimeSum]
    assert total.xreplace({nd.t: sp.Integer(3)}) == total
    assert al.at(
        nd.TimeSum(nd.At("h", sp.Symbol("k"), n, 1), sp.Symbol("k"), sp.Range(1, nd.t)), 3
    ).steps == sp.Range(1, 3)


def test_every_kind_stands_in_every_table():
    computed = KINDS - JACOBIAN - GENERAL
    leaves = {nd.At, nd.Adjoint, nd.WindowAdjoint, nd.Count, MatrixSymbol, OneMatrix, ZeroMatrix}
    derived = {nd.Partial, nd.TimeSum, nd.TimeProduct}  # they appear in derivatives only
    assert set(RULES) == (KINDS | OWN) - leaves - derived - {nd.VectorMap}
    assert set(VECTOR_RULES) == set(VECTOR_FUNCTIONS)
    assert set(_PRINT) == KINDS | OWN | JACOBIAN
    assert set(MEANING) >= KINDS | OWN | JACOBIAN
    constants = {OneMatrix, ZeroMatrix}  # code writes them as numbers
    assert set(_WRITERS) >= (computed | OWN) - {nd.Abstract, nd.Partial} - constants


@pytest.mark.parametrize("dialect", [TEXT, LATEX], ids=lambda d: d.name)
def test_every_kind_prints(dialect):
    printer = Printer(symbptt.load("elman"), STANDARD, dialect)
    assert all(printer(node) for node in SAMPLES.values())


def test_sums_and_products_keep_their_order():
    b, a = MatrixSymbol("b", n, 1), MatrixSymbol("a", n, 1)
    assert al.plus(b, a).args == (b, a)
    assert al.odot(b, a).args == (b, a)
    assert MatAdd(b, a).doit().args == (a, b)  # what SymPy would make of it


vectors = st.sampled_from([h, MatrixSymbol("a", n, 1), MatrixSymbol("b", n, 1), al.ones((n, 1))])
numbers = st.sampled_from([sp.Integer(-1), sp.Rational(1, 2), sp.Integer(0), sp.Integer(3)])
expressions = st.recursive(
    vectors,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda xs: al.plus(*xs)),
        st.lists(inner, min_size=1, max_size=3).map(lambda xs: al.odot(*xs)),
        st.tuples(numbers, inner).map(lambda p: al.times(*p)),
        inner.map(lambda e: al.times(W, e)),
        inner.map(lambda e: al.scale(al.inner(h, e), e)),
    ),
    max_leaves=8,
)


@given(expressions)
def test_what_is_put_together_is_already_simple(e):
    assert al.rebuild(e, lambda part: part) == e
    assert al.plus(e, al.times(-1, e)) == al.zeros((n, 1))
    assert al.transpose(al.transpose(e)) == e
    assert al.plus(al.zeros((n, 1)), e) == e
    assert al.odot(al.ones((n, 1)), e) == e
    assert e.shape == (n, 1)
