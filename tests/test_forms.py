"""One gradient in four forms: recursion, sum over t, double sum over Jacobians, written out."""

from dataclasses import replace

import pytest
import sympy as sp
from sympy import MatrixSymbol

import symbptt
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd
from symbptt.calculus.derivation import written_out
from symbptt.calculus.forms import double_sum
from symbptt.errors import DerivationError
from symbptt.model import builtin_names

n = sp.Symbol("n", integer=True, positive=True)


def places(report, place):
    return [c for c in report.checks if c.place == place]


#: The built-in models with one recurrence of lag 1, which the double sum is written for.
SEVERAL = ("elman-2layer", "elman-bidirectional")
ELMAN = [name for name in builtin_names() if name.startswith("elman") and name not in SEVERAL]
SINGLE = [*ELMAN, "indrnn", "ssm-diagonal"]


@pytest.mark.parametrize("name", SINGLE)
def test_the_double_sum_is_proved_for_every_built_in_model_that_has_one(name):
    checks = places(symbptt.verify(name, T=3), "line, double sum")
    recurrent = double_sum(symbptt.derive(name).condensed).gradients
    assert {c.what for c in checks} == {f"∂L/∂{p}" for p in recurrent}
    assert checks
    assert all(c.passed for c in checks)


def test_the_jacobian_of_elman():
    form = double_sum(symbptt.derive("elman").condensed)
    W, j = MatrixSymbol("W_hh", n, n), form.j
    slope = al.plus(al.ones((n, 1)), al.times(-1, al.raised(nd.At("h", j - 1, n, 1), 2)))
    assert form.carrier == "z"
    assert form.jacobian == al.times(W, sp.DiagMatrix(slope))


def test_a_jacobian_that_is_not_transposed_is_caught(monkeypatch):
    """The product of the Jacobians themselves, in place of their transposes, is wrong."""
    from symbptt.evidence import exact

    def wrong(parts, taken=frozenset()):
        form = double_sum(parts, taken)

        def change(e):
            if type(e) is nd.TimeProduct:
                return nd.TimeProduct(al.transpose(e.body), *e.args[1:])
            return al.rebuild(e, change)

        return replace(form, gradients={p: change(e) for p, e in form.gradients.items()})

    monkeypatch.setattr(exact, "double_sum", wrong)
    failed = places(symbptt.verify("elman-linear", T=3), "line, double sum")
    assert not any(c.passed for c in failed)


def test_two_carriers_or_a_longer_lag_have_no_such_form():
    text = "h_t = tanh(A h_{t-1} + B h_{t-2} + x_t)\n" r"L = \sum_t squared_error(h_t, d_t)"
    with pytest.raises(DerivationError, match="one recurrence of lag 1"):
        double_sum(symbptt.derive(text).condensed)


def test_written_out_for_two_steps():
    d = symbptt.derive("elman-linear", T=2)

    def delta(s):
        slope = al.plus(al.ones((n, 1)), al.times(-1, al.raised(nd.At("h", s, n, 1), 2)))
        return al.odot(nd.Adjoint("h", s, n, 1), slope)

    def earlier(s):
        return al.transpose(nd.At("h", s - 1, n, 1))

    assert d.gradients["W_hh"] == al.plus(
        al.times(delta(2), earlier(2)), al.times(delta(1), earlier(1))
    )
    assert [str(a) for a in d.unrolled] == ["δ^y_2", "δ^h_2", "δ^y_1", "δ^h_1"]


@pytest.mark.parametrize("T", [1, 2, 4])
def test_written_out_is_the_general_form_with_T_put_in(T):
    general = symbptt.derive("elman")
    given = symbptt.derive("elman", T=T)
    assert given.gradients == {name: written_out(e, T) for name, e in general.gradients.items()}
    assert len(given.unrolled) == 2 * T


@pytest.mark.parametrize("T", [0, -1, 2.0, True, "3"])
def test_T_is_a_positive_whole_number(T):
    with pytest.raises(DerivationError, match="whole number"):
        symbptt.derive("elman", T=T)


def test_inputs_on_request():
    without, wanted = symbptt.derive("elman"), symbptt.derive("elman", inputs=True)
    assert "x" not in without.gradients
    k, m = sp.symbols("k m", integer=True, positive=True)
    W = MatrixSymbol("W_xh", n, m)
    assert wanted.gradients["x"] == al.times(W.T, nd.Adjoint("z", nd.t, n, 1))
    assert wanted.gradients["target"].shape == (k, 1)
