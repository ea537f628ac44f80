"""The derivation of the Elman network, line by line, as the textbooks should have it."""

import pytest
import sympy as sp
from sympy import MatrixSymbol

import symbptt
from symbptt.calculus import algebra as al
from symbptt.calculus import nodes as nd

n, m, k = sp.symbols("n m k", integer=True, positive=True)
W_hh, W_hy = MatrixSymbol("W_hh", n, n), MatrixSymbol("W_hy", k, n)


def at(name, index, rows):
    return nd.At(name, index, rows, 1)


def delta(name, index, rows):
    return nd.Adjoint(name, index, rows, 1)


@pytest.fixture(scope="module")
def elman():
    return symbptt.derive("elman")


def test_the_recursion_of_the_pre_activation(elman):
    z = elman.condensed.recursions["z"]
    slope = al.plus(al.ones((n, 1)), al.times(-1, al.raised(at("h", nd.t, n), 2)))
    now = al.times(W_hy.T, delta("o", nd.t, k))
    later = al.times(W_hh.T, delta("z", nd.t + 1, n))
    assert z.interior == al.odot(al.plus(now, later), slope)
    assert z.final == al.odot(now, slope)


def test_the_gradients_are_sums_over_time(elman):
    def total(body):
        return nd.TimeSum(body, nd.t, sp.Range(1, nd.T + 1))

    z, o = delta("z", nd.t, n), delta("o", nd.t, k)
    assert elman.gradients == {
        "W_hh": total(al.times(z, at("h", nd.t - 1, n).T)),
        "W_xh": total(al.times(z, at("x", nd.t, m).T)),
        "b_h": total(z),
        "W_hy": total(al.times(o, at("h", nd.t, n).T)),
        "b_y": total(o),
        "h_0": al.times(W_hh.T, delta("z", sp.Integer(1), n)),
    }


def test_softmax_meets_cross_entropy(elman):
    y, d = at("y", nd.t, k), at("target", nd.t, k)
    o = elman.condensed.recursions["o"].interior
    assert o == al.plus(al.scale(nd.Total(d), y), al.times(-1, d))


def test_the_text_reads_as_in_a_book():
    text = symbptt.render("elman")
    assert "(W_hy^T δ^o_t + W_hh^T δ_{t+1}) ⊙ (1 - h_t²)   if t < T" in text
    assert "δ_t = (W_hy^T δ^o_t) ⊙ (1 - h_t²)                    if t = T" in text
    assert "∂L/∂W_hh = Σ_{t=1}^{T} δ_t h_{t-1}^T" in text
    assert "∂L/∂b_h = Σ_{t=1}^{T} δ_t\n" in text
    assert "∂L/∂b_y = Σ_{t=1}^{T} δ^o_t\n" in text
    assert "δ^o_t = y_t - target_t\n" in text


def test_the_latex_reads_as_in_a_book():
    latex = symbptt.render("elman", "latex")
    assert (
        r"\delta_t = \begin{cases} (W_{hy}^T\,\delta^o_t) \odot (1 - h_t^2) & \text{if } t = T, \\[3pt] "
        r"(W_{hy}^T\,\delta^o_t + W_{hh}^T\,\delta_{t+1}) \odot (1 - h_t^2) & \text{if } t < T."
    ) in latex


def test_every_line_has_a_reason(elman):
    assert [str(step.reason.kind) for step in elman.steps] == (
        ["uses", "uses", "substituted", "distribution", "uses", "uses", "substituted"]
        + ["shared"] * 5
        + ["initial"]
    )
    h = next(s for s in elman.steps if s.of is None and s.left.name == "h")
    assert [(use.user, use.lag) for use in h.reason.uses] == [("o", 0), ("z", 1)]


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        ("elman-generic", ["δ_t = (W_hy^T δ^y_t) ⊙ f'(z_t)", "δ^y_t = ∂L_t/∂y_t ⊙ g'(o_t)"]),
        (
            "elman-linear",
            [
                "W_hy^T ∂L/∂y_t + W_hh^T (∂L/∂h_{t+1} ⊙ (1 - h_{t+1}²))   if t < T",
                "∂L/∂W_hh = Σ_{t=1}^{T} (∂L/∂h_t ⊙ (1 - h_t²)) h_{t-1}^T",
            ],
        ),
        (
            "elman-many-to-one",
            [
                "dL/dh_1 = W_hh^T (dL/dh_2 ⊙ act'(z_2))",
                "dL/dW_hh = (dL/dh_2 ⊙ act'(z_2)) h_1^T + (dL/dh_1 ⊙ act'(z_1)) h_0^T",
                "dL/dh_3 = W_hh^T (dL/dh_4 ⊙ act'(z_4))",
                "dL/dW_hy = dL/dy_T h_T^T",
            ],
        ),
        ("elman-uvw", ["∂E/∂O_t = ŷ_t - y_t", "∂E/∂V = Σ_{t=1}^{T} ∂E/∂O_t s_t^T"]),
        (
            "elman-wfr",
            [
                "W_o^T ∂E/∂a_t + W_R^T (∂E/∂o_{t+1} ⊙ f'(z_{t+1}))   if t < T",
                "∂E/∂W_F = Σ_{t=1}^{T} (∂E/∂o_t ⊙ f'(z_t)) x_t^T",
            ],
        ),
    ],
)
def test_each_text_that_the_project_began_from_in_its_own_notation(model, lines):
    text = symbptt.render(model)
    for line in lines:
        assert line in text
