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
    KroneckerProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)

import symbptt
from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.rules import RULES, VECTOR_RULES
from symbptt.calculus.tangent import PUSHFORWARDS, VECTOR_PUSHFORWARDS
from symbptt.compile.numpy_code import _WRITERS
from symbptt.compile.sensitivity_code import _MATRICES
from symbptt.evidence.expressions import MEANING
from symbptt.model.functions import VECTOR_FUNCTIONS
from symbptt.render.dialect import LATEX, TEXT
from symbptt.render.notation import STANDARD
from symbptt.render.printer import _PRINT, Printer

n, m = sp.symbols("n m", integer=True, positive=True)
h, x = nd.At("h", nd.t, n, 1), nd.At("x", nd.t - 1, m, 1)
W, U = MatrixSymbol("W", n, n), MatrixSymbol("U", n, m)
C = MatrixSymbol("C", 2 * n, n)
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
    nd.Stack: nd.Stack(n + m, 1, h, x),
    nd.Block: nd.Block(h, m, n - m),
    nd.Abstract: dot,
    nd.Partial: nd.Partial(dot, 1),
    nd.TimeSum: nd.TimeSum(h, nd.t, sp.Range(1, nd.T + 1)),
    nd.TimeProduct: nd.TimeProduct(W, nd.t, sp.Range(1, nd.T + 1)),
    jn.Vec: jn.Vec(U),
    jn.Commutation: jn.Commutation(n, m),
    jn.Placing: jn.Placing(n + m, n, m),
    jn.Sensitivity: jn.Sensitivity(x, U),
    jn.Immediate: jn.Immediate(h, W),
}

#: The nodes that Jacobians by matrices need.
BY_MATRICES = {jn.Vec, jn.Commutation, jn.Placing, jn.Sensitivity, jn.Immediate}

KINDS = {
    c
    for c in (*vars(nd).values(), *vars(jn).values())
    if isinstance(c, type) and issubclass(c, nd.Node) and c is not nd.Node
}

#: SymPy's own nodes that derivations are made of.
OWN = {
    MatAdd, MatMul, HadamardProduct, HadamardPower, Transpose, OneMatrix, ZeroMatrix, MatrixSymbol
}  # fmt: skip
#: What only Jacobians hold.
JACOBIAN = {DiagMatrix, Identity, KroneckerProduct, nd.TimeProduct, *BY_MATRICES}
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


def test_stacks_are_put_together_and_taken_apart():
    a, b, c = (MatrixSymbol(name, n, 1) for name in "abc")
    zero = al.zeros((n, 1))
    abc = al.stack(3 * n, 1, a, b, c)
    assert al.stack(3 * n, 1, al.stack(2 * n, 1, a, b), c) == abc
    assert al.stack(3 * n, 1, zero, zero, zero) == al.zeros((3 * n, 1))
    assert al.stack(3 * n, 1, a, zero, zero) == nd.Stack(3 * n, 1, a, al.zeros((2 * n, 1)))
    assert al.stack(n, 1, al.zeros((0, 1)), a) == a
    assert [al.block(abc, i * n, n) for i in range(3)] == [a, b, c]
    assert al.block(abc, n, 2 * n) == al.stack(2 * n, 1, b, c)
    assert al.block(abc, 0, 3 * n) == abc
    part = al.block(abc, 0, m)
    assert part == nd.Block(abc, 0, m)
    assert al.block(al.times(-2, h), 0, m) == al.times(-2, nd.Block(h, 0, m))
    assert al.block(al.block(h, m, n - m), 1, 2) == nd.Block(h, m + 1, 2)
    assert al.block(al.ones((1, n)), 1, m) == al.ones((1, m))


def test_stacks_add_up_block_by_block():
    a, b, c = (MatrixSymbol(name, n, 1) for name in "abc")
    x, v = MatrixSymbol("x", m, 1), MatrixSymbol("v", 3 * n, 1)

    def stack(*parts):
        return al.stack(3 * n, 1, *parts)

    two, one = al.zeros((2 * n, 1)), al.zeros((n, 1))
    parts = stack(a, two), stack(one, b, one), stack(two, c)
    assert al.plus(*parts) == stack(a, b, c)
    assert al.plus(*reversed(parts)) == stack(a, b, c)
    assert al.plus(stack(a, two), stack(b, c, one)) == stack(al.plus(a, b), c, one)
    assert al.plus(stack(a, b, c), al.times(-1, stack(a, b, two))) == stack(two, c)
    assert al.plus(stack(a, b, c), v, stack(one, b, one)).args == (stack(a, al.times(2, b), c), v)
    uneven = al.stack(n + m, 1, a, x), al.stack(n + m, 1, x, a)
    assert al.plus(*uneven).args == uneven  # which of n and m is larger is not known
    rows = al.stack(1, 2 * n, a.T, al.zeros((1, n))), al.stack(1, 2 * n, al.zeros((1, n)), b.T)
    assert al.plus(*rows) == al.stack(1, 2 * n, a.T, b.T)


def test_the_index_of_a_sum_is_bound():
    total = SAMPLES[nd.TimeSum]
    assert total.xreplace({nd.t: sp.Integer(3)}) == total
    assert al.at(
        nd.TimeSum(nd.At("h", sp.Symbol("k"), n, 1), sp.Symbol("k"), sp.Range(1, nd.t)), 3
    ).steps == sp.Range(1, 3)


def test_every_kind_stands_in_every_table():
    computed = KINDS - JACOBIAN - GENERAL
    leaves = {nd.At, nd.Adjoint, nd.WindowAdjoint, nd.Count, MatrixSymbol, OneMatrix, ZeroMatrix}
    derived = {nd.Partial, nd.TimeSum, nd.TimeProduct, *BY_MATRICES}  # in derivatives only
    assert set(RULES) == (KINDS | OWN) - leaves - derived - {nd.VectorMap}
    assert set(VECTOR_RULES) == set(VECTOR_FUNCTIONS)
    assert set(PUSHFORWARDS) == set(RULES)
    assert set(VECTOR_PUSHFORWARDS) == set(VECTOR_RULES)
    assert set(_PRINT) == KINDS | OWN | JACOBIAN
    assert set(MEANING) >= KINDS | OWN | JACOBIAN
    constants = {OneMatrix, ZeroMatrix}  # code writes them as numbers
    assert set(_WRITERS) >= (computed | OWN) - {nd.Abstract, nd.Partial} - constants
    # A sensitivity is written as its model says, an immediate derivative is put in.
    jacobians = JACOBIAN - {nd.TimeProduct, jn.Sensitivity, jn.Immediate}
    assert set(_MATRICES) == jacobians | {MatAdd, MatMul, nd.Scale, Transpose}


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
        st.lists(inner, min_size=2, max_size=3).map(
            lambda xs: al.block(al.stack(len(xs) * n, 1, *xs), n, n)
        ),
        inner.map(lambda e: al.block(al.times(C, e), 0, n)),
        inner.map(lambda e: al.block(al.stack(n + m, 1, e, x), m, n)),
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
