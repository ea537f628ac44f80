"""Bounds are searched for a counterexample; what none is found of is at best not refuted."""

from __future__ import annotations

import numpy as np
import pytest

import symbptt
from symbptt.check.bounds.reals import RealWorld, floats
from symbptt.check.findings import Finding
from symbptt.check.meaning.norms import NORMS
from symbptt.check.notation.quantities import Place
from symbptt.evidence.complex_step import FUNCTIONS
from symbptt.model import load
from symbptt.model.functions import ACTIVATIONS

STEP = r"\frac{\partial h_{t+1}}{\partial h_t}"
FAR = r"\frac{\partial h_t}{\partial h_k}"
LINK = r"\frac{\partial h_j}{\partial h_{j-1}}"


def network(f: str) -> str:
    return rf"$$h_t = {f}(W h_{{t-1}} + U x_t + b)$$" "\n\n$$y_t = V h_t$$\n\n"


TANH, SIGMOID, RELU, OPEN = map(network, (r"\tanh", r"\sigma", r"\mathrm{relu}", "f"))
HIDDEN = TANH.replace("W", "W_{hh}")


def checked(*formulas: str, model: str = TANH) -> list[Finding]:
    """What is found of formulas, each a display or, with words, a paragraph."""
    text = model + "\n\n".join(f if " $" in f or "\n" in f else f"$${f}$$" for f in formulas)
    found = symbptt.check(text).findings
    return [f for f in found if f.line > model.count("\n")]


def verdict(*formulas: str, model: str = TANH) -> tuple[str, str]:
    """The verdict on the last of some formulas, and why."""
    found = checked(*formulas, model=model)[-1].verdict
    assert found is not None
    return found.verdict, found.reason


def is_open(*formulas: str, model: str = TANH) -> bool:
    found, reason = verdict(*formulas, model=model)
    return found == "inconclusive" and reason.startswith("not refuted: ")


def is_wrong(*formulas: str, model: str = TANH) -> bool:
    return verdict(*formulas, model=model)[0] == "wrong"


def test_a_bound_that_only_holds_for_the_sigmoid():
    bound = rf"\left\| {STEP} \right\| \le \frac{{1}}{{4}} \| W \|"
    (found,) = checked(bound)
    assert found.verdict is not None
    assert (found.verdict.verdict, found.verdict.reason) == (
        "wrong",
        "the left side can be the larger one",
    )
    c = found.verdict.counterexample
    assert c is not None
    assert set(c.sizes.values()) == {1}  # the smallest network
    assert {"∂h_2/∂h_1", "W"} <= set(c.given)
    assert c.left[0][0] > c.right[0][0] > 0
    assert abs(4 * c.right[0][0] - abs(c.given["W"][0][0])) < 1e-3
    assert verdict(bound, model=SIGMOID)[1].startswith("not refuted: ")
    assert "T up to 5" in verdict(bound, model=SIGMOID)[1]


@pytest.mark.parametrize(
    ("bound", "model"),
    [
        (rf"\| {STEP} \| \leq \| W \|", TANH),
        (rf"\lVert {STEP} \rVert_2 \leq \lVert W \rVert_2", RELU),
        (rf"\| {FAR} \| \le \| W \|^{{t-k}}", TANH),
        (rf"\| W \|^{{t-k}} \ge \| {FAR} \|", TANH),
        (rf"\| {FAR} \| \le \sigma_{{\max}}(W)^{{t-k}}", TANH),
        (rf"\| {FAR} \|_F \le \prod_{{j=k+1}}^t \| {LINK} \|_F", TANH),
        (rf"|| {FAR} ||_\infty \le \| W \|_\infty^{{t-k}}", TANH),
        (rf"\| {FAR} \| \le (\max_j \| {LINK} \|)^{{t-k}}", TANH),
        (r"\| diag(1 - h_t^2) \| \le 1", TANH),
        (rf"\| {STEP} \| \le \| W \|", OPEN),
        (rf"\| {STEP} \| \le \frac14 \| W \|", OPEN),  # f may be the sigmoid
    ],
)
def test_bounds_that_hold_are_not_refuted(bound, model):
    assert is_open(bound, model=model)


@pytest.mark.parametrize(
    ("bound", "model"),
    [
        (rf"\| {STEP} \| \leq \frac15 \| W \|", SIGMOID),
        (rf"\| {STEP} \| \leq \frac18 \| W \|", OPEN),
        (rf"\| {FAR} \| \ge \| W \|^{{t-k}}", TANH),
        (rf"\| {FAR} \| \le \| W \|^{{t-k+1}}", TANH),
        (rf"\| {FAR} \| \le \rho(W)^{{t-k}}", TANH),
        (rf"\prod_{{j=k+1}}^t \| {LINK} \| \le \| {FAR} \|", TANH),
        (r"\| diag(1 - h_t^2) \|_F \le 1", TANH),
        (rf"\| {FAR} \| \le \max_j \| h_j \|", TANH),
    ],
)
def test_bounds_that_fail_are_refuted(bound, model):
    assert is_wrong(bound, model=model)


def test_a_norm_that_nothing_names_may_be_any():
    """The Frobenius norm of a product is at least none of these, the spectral norm is."""
    bound = r"\| W \|{0}^2 \le \| W W^T \|{0} + 0 \| {1} \|"
    assert is_open(bound.format("", STEP).replace("{1}", STEP))
    assert is_wrong(bound.replace("{0}", "_F").replace("{1}", STEP))


def test_a_chain_makes_several_claims():
    product = rf"\prod_{{j=k+1}}^t {LINK}"
    chain = rf"\left\| {FAR} \right\| = \left\| {product} \right\| \le \| W \|^{{t-k}} \le \| W \|"
    verdicts = [f.verdict.verdict for f in checked(chain) if f.verdict is not None]
    assert verdicts[:2] == ["right", "inconclusive"]


# -- what a document assumes --------------------------------------------------------------------


def test_bounds_on_what_is_given_are_assumptions():
    small = r"\| W \| < 1"
    assert checked(small)[0].kind == "prose"
    bound = rf"\| {FAR} \| \le 1"
    assert is_wrong(bound)
    assert is_open(small, bound)
    assert is_wrong(r"\| W \| > 1", bound)


def test_a_sentence_with_a_condition_refutes_nothing():
    bound = rf"\| {FAR} \| \le 1"
    assert verdict(f"If the weights are tiny, $${bound}$$\n")[0] == "inconclusive"
    assert verdict(f"For small enough weights, $${bound}$$\n")[0] == "inconclusive"
    assert verdict(f"The gradient stays small: $${bound}$$\n")[0] == "wrong"
    assert verdict(rf"\| {STEP} \| < 1")[0] == "inconclusive"


def test_constants_that_bounds_define():
    powers = rf"\| {FAR} \| \le (\gamma_W \gamma_h)^{{t-k}}"
    given = (r"\| W \| \le \gamma_W", r"\| diag(1 - h_t^2) \| \le \gamma_h")
    assert verdict(powers) == ("inconclusive", "gamma_W is not defined")
    assert is_open(*given, powers)
    assert is_wrong(*given, powers.replace("t-k", "t-k+1"))
    both = r"\| W \| \| diag(1 - h_t^2) \| \le \gamma_W \gamma_h"
    assert is_open(both, powers)


def test_constants_with_two_values_may_have_either():
    powers = rf"\| {STEP} \| \le \gamma \| W \|"
    assert is_wrong(r"\gamma = \frac14", powers)
    assert is_open(r"\gamma = 1", r"\gamma = \frac14", powers)


# -- equations of norms -------------------------------------------------------------------------


def test_norms_of_equal_matrices_are_equal():
    assert verdict(rf"\| {STEP} \| = \| diag(1 - h_{{t+1}}^2) W \|")[0] == "right"
    assert is_wrong(rf"\| {STEP} \| = \| W \|")
    assert is_wrong(rf"\| {FAR} \| = \prod_{{j=k+1}}^t \| {LINK} \|")
    assert is_open(r"\| 2 " + STEP + r" \| = 2 \| " + STEP + r" \|")


def test_the_square_of_a_euclidean_norm():
    assert verdict(r"\| \frac{\partial L}{\partial h_t} \|^2 = "
                   r"(\frac{\partial L}{\partial h_t})^T \frac{\partial L}{\partial h_t}"
                   )[0] == "right"  # fmt: skip


# -- other comparisons --------------------------------------------------------------------------


def test_approximations_that_are_exact_are_right():
    assert verdict(rf"{STEP} \approx diag(1 - h_{{t+1}}^2) W")[0] == "right"
    assert verdict(rf"{STEP} \approx W") == (
        "inconclusive",
        "an approximation; it is not exact",
    )


def test_what_is_proportional_by_one_number_is_right():
    assert verdict(rf"{STEP} \propto 3 diag(1 - h_{{t+1}}^2) W")[0] == "right"
    found, reason = verdict(rf"{STEP} \propto h_t^T h_t {STEP}")
    assert found == "inconclusive"
    assert reason.startswith("not refuted")
    found, reason = verdict(rf"{STEP} \propto W")
    assert (found, reason) == ("inconclusive", "neither side is a number times the other")


# -- the world of floats ------------------------------------------------------------------------


@pytest.mark.parametrize("f", ACTIVATIONS)
def test_derivatives_in_floats_are_differences(f):
    inner = "exp(W h_{t-1} + u_t)" if f in ("log", "sqrt") else "W h_{t-1} + u_t"
    model = load(f"h_t = {f}({inner})\nL = \\sum_{{t=1}}^{{T}} h_t^T h_t")
    world = RealWorld(model, 2, {"n": 2}, 3)
    slope = floats(world.total(Place("h", 2), Place("h", 1)))[:, 0, :, 0]
    h, W = floats(world.value(Place("h", 1)).array), floats(world.value(Place("W")).array)
    u = floats(world.value(Place("u", 2)).array)

    def step(h):
        return FUNCTIONS[f](np.exp(W @ h + u) if "exp" in inner else W @ h + u)

    e = 1e-6
    for i in range(2):
        d = h * 0
        d[i] = e
        difference = (step(h + d) - step(h - d))[:, 0] / (2 * e)
        assert difference == pytest.approx(slope[:, i], abs=1e-6)


def test_every_norm_is_a_number_of_a_matrix():
    A = np.array([[3.0, 0.0], [0.0, -4.0]])
    got = {name: norm(A) for name, norm in NORMS.items() if name != "absolute value"}
    assert got == {
        "spectral norm": 4, "Frobenius norm": 5, "1-norm": 4, "∞-norm": 4, "spectral radius": 4,
        "smallest singular value": 3, "largest": 3, "smallest": -4,
    }  # fmt: skip
    assert NORMS["absolute value"](A[1:, 1:]) == 4


def test_floats_are_shown_with_a_point():
    bound = rf"$$\left\| {STEP} \right\| \le \frac{{1}}{{4}} \| W \|$$"
    assert " = 0." in str(symbptt.check(TANH + bound))


def test_steps_that_are_the_same_are_not_meant():
    bound = rf"\| {FAR} \| \le \frac12 \| W \|^{{t-k}}"
    assert is_open(bound, model=SIGMOID)  # but not at t = k
    assert is_open(bound.replace("h_t", "h_T").replace("t-k", "T-k"), model=SIGMOID)
    assert is_open(bound.replace("h_k", "h_1").replace("t-k", "t-1"), model=SIGMOID)


def test_a_bound_that_gives_a_name_is_no_claim():
    assert checked(r"\| h_t \| \le B")[0].kind == "prose"
    assert checked(r"\| h_t \| \le 2")[0].kind == "claim"


def test_what_goes_to_zero_is_prose():
    assert [f.kind for f in checked(rf"\| {FAR} \| \to 0")] == ["prose"]


def test_a_condition_that_is_not_read_leaves_bounds_open():
    """Pascanu, Mikolov, Bengio: On the difficulty of training recurrent networks (2013), § 2.1."""
    model = r"$$x_t = W \sigma(x_{t-1}) + U u_t + b$$" "\n\n"
    slope = r"\left\| diag(\sigma'(x_k)) \right\|"
    step = r"\left\| \frac{\partial x_{k+1}}{\partial x_k} \right\|"
    chain = rf"{step} \le \| W \| {slope} < \frac{{1}}{{\gamma}} \gamma < 1"
    given = rf"{slope} \le \gamma", r"\lambda_1 < \frac{1}{\gamma}"
    found = [f for f in checked(*given, chain, model=model) if "x_{k+1}" in f.formula.source]
    first, second = (f.verdict for f in found if f.verdict is not None)
    assert first.reason.startswith("not refuted")
    assert second.verdict == "inconclusive"
    assert is_wrong(rf"\| W \| {slope} < 2", model=model)


def test_a_bound_on_a_constant_is_an_assumption_too():
    bound = rf"\| {STEP} \| \le 1"
    assert is_wrong(r"\| W \| \le \gamma", bound)
    powers = rf"\| {FAR} \| \le \gamma^{{t-k}}"
    rising = powers.replace("t-k", "t-k+1")
    assert is_wrong(r"\| W_{hh} \| \le \gamma", rising.replace("W", "W_{hh}"), model=HIDDEN)
    assert is_wrong(r"\| W_{hh} \| \le \gamma", r"\gamma < 1", rising, model=HIDDEN)
    assert is_open(r"\| W_{hh} \| \le \gamma", r"\gamma > 2", r"\| \frac{\partial h_t}{\partial "
                   r"h_{t-1}} \| \le \gamma^2", model=HIDDEN)  # fmt: skip


def test_powers_of_constants():
    """``γ^{t-k}`` is a power of a constant, and shown by its base."""
    given = r"\| W_{hh} \|_F \le \gamma"
    (found,) = checked(given, rf"\| {FAR} \| \le \gamma^{{t-k+1}}", model=HIDDEN)[1:]
    assert found.verdict is not None
    c = found.verdict.counterexample
    assert c is not None
    k = c.steps["t"] - c.steps["k"] + 1
    assert float(c.given["gamma"][0][0]) ** k == pytest.approx(float(c.right[0][0]), rel=1e-3)
    assert is_wrong(r"\alpha = 2", r"\frac{\partial h_t}{\partial h_{t-1}} = \alpha^{t-k}")


def test_the_largest_over_entries():
    """It is taken over as many as there are, however short the sequence."""
    assert is_open(r"\| diag(1 - h_t^2) \| \le \max_i |1 - h_{t,i}^2|")
    assert is_wrong(r"\| diag(1 - h_t^2) \| \le \min_i |1 - h_{t,i}^2|")


def test_the_norm_of_a_derivative_by_a_matrix():
    """``∂h_t/∂W`` is a matrix by the entries of W: its norm is that of ``h_{t-1}`` here."""
    bound = r"\| \frac{\partial^+ h_t}{\partial W} \| \le \| h_{t-1} \|"
    assert is_open(bound)
    assert is_wrong(bound.replace("h_{t-1}", "x_t"))


def test_a_loss_that_is_not_read_has_no_part_in_some_bounds():
    model = TANH + r"$$L = -\sum_t y^*_t \log y_t$$" "\n\n"
    assert is_wrong(rf"\| {STEP} \| \le \frac14 \| W \|", model=model)
    assert is_wrong(r"\sigma'(z) \le 0.2", model=model)


def test_ranges_that_run_back_are_not_meant():
    """Socher, Mundra: CS 224D lecture notes 4, equations 8 and 9."""
    model = r"$$h_t = W f(h_{t-1}) + U x_t$$" "\n\n"
    one = r"\| \frac{\partial h_j}{\partial h_{j-1}} \|"
    steps = rf"{one} \le \| W^T \| \| diag[f'(h_{{j-1}})] \| \le \beta_W \beta_h"
    links = rf"\prod_{{j=k+1}}^t {LINK}"
    chain = rf"\| {FAR} \| = \| {links} \| \le (\beta_W \beta_h)^{{t-k}}"
    assert is_open(steps, chain, model=model)
    assert is_open(rf"{one} \le \eta", rf"\| {links} \| \le \eta^{{t-k}}", model=model)
    assert is_wrong(steps, chain.replace("{t-k}", "{t-k+1}"), model=model)


def test_a_constant_that_bounds_in_both_directions_may_be_either():
    upper, lower = rf"\| {LINK} \| \le \eta", rf"\| {LINK} \| \ge \eta"
    bound = rf"\| {STEP} \| \ge \eta"
    assert is_wrong(upper, bound)
    assert is_open(upper, lower, bound)
    power = rf"\| {LINK} \| \ge \eta^k"
    assert verdict(power, bound) == ("inconclusive", "eta is not defined")
