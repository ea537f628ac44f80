"""Real-time recurrent learning: its lines, its certificate, what it refuses, what it costs."""

import json
from dataclasses import dataclass, fields, replace

import models
import numpy as np
import pytest
import sympy as sp
from sympy import MatrixSymbol
from sympy.matrices.expressions import DiagMatrix, KroneckerProduct
from test_rendering import compiled, needs_tex, too_wide

import symbptt
from symbptt import cli
from symbptt.calculus import ForwardDerivation, derive, forward
from symbptt.calculus import algebra as al
from symbptt.calculus import jacobian_nodes as jn
from symbptt.calculus import nodes as nd
from symbptt.calculus.cost import forward_cost, leading, reverse_cost
from symbptt.calculus.forms import linear_map
from symbptt.calculus.transition import transition
from symbptt.compile import compile_gradient
from symbptt.compile.loader import load_module
from symbptt.errors import DerivationError
from symbptt.evidence.claims import Claim, Setting, decide
from symbptt.evidence.complex_step import sample
from symbptt.evidence.directions import Directions, Sensitivities
from symbptt.evidence.passes import Passes
from symbptt.evidence.sensitivities import forward_witness
from symbptt.evidence.verify import assignments
from symbptt.model import builtin_names
from symbptt.render.dialect import TEXT
from symbptt.render.forward_document import polynomial
from symbptt.render.notation import NOTATIONS
from symbptt.render.printer import Printer

n, m, k = sp.symbols("n m k", integer=True, positive=True)
h, x = nd.At("h", nd.t, n, 1), nd.At("x", nd.t, m, 1)
W = MatrixSymbol("W_hh", n, n)
SLOPE = DiagMatrix(al.plus(al.ones((n, 1)), al.times(-1, al.raised(h, 2))))


def checks(d, Ts=(1, 2, 3, 4, 5)):
    parts = list(forward_witness(d, Ts, assignments(d.model), 0))
    assert not any(part.undecided for part in parts)
    return [c for part in parts for c in part.checks]


# -- the certificate --------------------------------------------------------------------------------


SHORT, ALL = (1, 3), (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("name", "Ts"),
    [
        *((n, ALL if n in models.CORE else SHORT) for n in builtin_names()),
        *((n, ALL) for n in models.TEXTS if n in models.CORE),
        *(
            pytest.param(n, ALL, marks=pytest.mark.slow)
            for n in models.NAMES
            if n not in models.CORE
        ),
    ],
)
def test_forward_mode_is_reverse_mode_exactly(name, Ts):
    d = models.forward_derivation(name)
    found = checks(d, Ts)
    assert not [str(c) for c in found if not c.passed]
    compared = {(c.what, c.T) for c in found if c.place == "forward = reverse"}
    assert compared == {(f"∂L/∂{key}", T) for key in d.places for T in Ts}
    assert {c.witness for c in found} == {"exact", "induction"}


def test_a_report_says_so():
    report = symbptt.verify("elman", mode="forward")
    assert report.passed
    assert report.backends == ("numpy",)
    assert report.bound < 1e-12


def altered(d, **changes):
    """A forward derivation with a part of it changed, and nothing cached."""
    return replace(d, **changes)


def caught(d):
    parts = forward_witness(d, (2, 1, 4), assignments(d.model), 0)
    return any(not c.passed for part in parts for c in part.checks)


@pytest.mark.parametrize("name", ["elman", "narx", "gated", "fast-weights", "elman-bidirectional"])
def test_a_wrong_line_is_caught(name):
    d = models.forward_derivation(name)
    for part in ("carried", "condensed"):
        for v, line in getattr(d, part).items():
            if line.sensitivities:
                wrong = replace(line, expression=al.times(2, line.expression))
                assert caught(altered(d, **{part: {**getattr(d, part), v: wrong}})), (part, v)


@pytest.mark.parametrize("name", ["elman", "narx", "gated", "transposed", "second pass"])
def test_a_wrong_immediate_derivative_is_caught(name):
    d = models.forward_derivation(name)
    for key, slope in d.immediate.items():
        wrong = {**d.immediate, key: al.times(-1, slope)}
        assert caught(altered(d, immediate=wrong)), key
        assert caught(altered(d, immediate={k: e for k, e in d.immediate.items() if k != key})), key


def test_a_wrong_share_of_the_loss_is_caught():
    d = models.forward_derivation("elman")
    r = d.within.inputs["h"]
    wrong = tuple(replace(c, expression=al.times(2, c.expression)) for c in r.contributions)
    inputs = {"h": replace(r, contributions=wrong)}
    assert caught(altered(d, within=replace(d.within, inputs=inputs)))


def test_a_missing_direct_share_is_caught():
    d = models.forward_derivation("tied")
    gradients = {p: replace(g, contributions=()) for p, g in d.within.gradients.items()}
    assert caught(altered(d, within=replace(d.within, gradients=gradients)))


# -- the lines --------------------------------------------------------------------------------------


def test_the_recursions_of_elman():
    d = symbptt.derive("elman", mode="forward")
    assert isinstance(d, ForwardDerivation)
    before = jn.Sensitivity(al.at(h, nd.t - 1), W)
    now = KroneckerProduct(al.transpose(al.at(h, nd.t - 1)), sp.Identity(n))
    assert d.sensitivity("h", "W_hh") == al.times(SLOPE, al.plus(now, al.times(W, before)))
    assert d.eliminated == {"z": "h"}
    assert d.depends["h"] == ("W_hh", "W_xh", "b_h", "h_0")
    assert [str(s) for s in d.steps][-1] == "∂L/∂b_y = Σ_{t=1}^T δ^o_t"


def test_outputs_are_not_carried():
    d = symbptt.derive("lstm", mode="forward")
    assert "y" not in d.carried
    assert set(d.outputs.recursions) == {"y"}
    assert d.gradients["W_y"] == al.vec(symbptt.derive("lstm").gradients["W_y"])
    with pytest.raises(DerivationError, match="no sensitivity ∂y/∂W_y is carried; there are: i, f"):
        d.sensitivity("y", "W_y")


def test_an_initial_value_is_carried_for_as_long_as_it_acts():
    d = models.forward_derivation("one-lag")
    assert d.depends == {"x": (), "u": ("A", "b")}
    assert d.carries("u") == ("A", "b", "u_0")
    assert d.gradients["x_0"] != al.zeros((m, 1))


def test_a_learned_initial_value_starts_from_the_identity():
    text = symbptt.render(forward(derive(models.model("learned-start"))))
    assert "∂h_0/∂s = I" in text
    assert "h_t depends on W, U, b and s; by any other θ its derivative is zero." in text


def test_vec_and_kronecker():
    A, B, X = (MatrixSymbol(*a) for a in (("A", k, n), ("B", m, k), ("X", n, m)))
    assert linear_map(al.times(A, X, B), X) == KroneckerProduct(al.transpose(B), A)
    assert linear_map(al.transpose(X), X) == jn.Commutation(n, m)
    assert linear_map(al.odot(X, al.ones((n, m))), X) == sp.Identity(n * m)
    Y = MatrixSymbol("Y", n, m)
    assert linear_map(al.total(al.odot(Y, X)), X) == al.transpose(al.vec(Y))
    assert al.vec(al.transpose(h)) == h


@pytest.mark.parametrize("name", ["elman", "gru", "indrnn", "late-output", "ssm-diagonal", "ctrnn"])
def test_the_product_of_jacobians_is_the_derivative_by_an_earlier_state(name):
    """``∂h_t/∂h_k``: with the sensitivity at k the identity, the recursion gives the product."""
    d = models.forward_derivation(name)
    found = transition(d)
    (state,) = found.states
    product = found.product()
    sizes = assignments(d.model)[0]

    def claims(A):
        on = Directions(d, sizes, A)
        p = Passes(on, 5)
        entries = on.entries(state)

        def from_two(v, step):
            if step == 2:
                return (
                    A.identity(entries) if v == state else A.constant(0, (on.entries(v), entries))
                )
            line = d.condensed[v].expression
            gone = {i: al.zeros(i.shape) for i in d.condensed[v].immediates}
            return scene.value(al.substitute(line, gone), step)

        scene = Sensitivities(on, from_two).scene(5, p.read, None)
        scene = replace(scene, sizes={**scene.sizes, "|θ|": entries})
        k = product.steps.stop
        for t in (3, 5):
            value = lambda t=t: scene.value(product.xreplace({k: sp.Integer(2)}), t)  # noqa: E731
            yield Claim(
                f"∂{state}_{t}/∂{state}_2", "product", value, lambda t=t: from_two(state, t)
            )

    found = decide(claims, Setting("exact", 5, sizes, 0))
    assert len(found.checks) == 2
    assert all(c.passed for c in found.checks)


def test_several_states_have_blocks_and_a_longer_lag_has_neither():
    blocks = transition(models.forward_derivation("lstm")).blocks
    f = nd.At("f", nd.t, n, 1)
    assert blocks["c", "c"] == DiagMatrix(f)
    assert set(blocks) == {("c", "c"), ("c", "h"), ("h", "c"), ("h", "h")}
    with pytest.raises(DerivationError, match="block of a product of block matrices"):
        transition(models.forward_derivation("lstm")).product()
    with pytest.raises(DerivationError, match="one step later"):
        transition(models.forward_derivation("narx"))


# -- several passes over time -------------------------------------------------------------------------


def test_each_recurrence_is_carried_in_its_own_direction():
    d = symbptt.derive("elman-bidirectional", mode="forward")
    (right,), (left,) = (d.condensed[name].sensitivities for name in ("h_right", "h_left"))
    assert (right.of.index, left.of.index) == (nd.t - 1, nd.t + 1)
    assert d.carries("h_left") == ("U_b", "W_b", "b_b", "h_left_T+1")
    assert set(d.outputs.recursions) == {"y"}
    assert d.kept_values == d.kept_sensitivities == {"h_right", "h_left"}
    assert not d.real_time


def test_what_a_later_pass_reads_is_kept_and_nothing_else():
    def kept(name):
        d = models.forward_derivation(name)
        return d.kept_values, d.kept_sensitivities, d.real_time

    assert kept("both ways") == ({"f", "b"}, {"f", "b"}, False)
    assert kept("second pass") == ({"h"}, {"h"}, False)
    assert kept("backwards") == (frozenset(), frozenset(), False)
    assert kept("next input") == kept("seq2seq") == (frozenset(), frozenset(), True)


def turned(line):
    """A recursion that looks at the other side of its step."""
    other = {
        s: jn.Sensitivity(al.at(s.of, 2 * nd.t - s.of.index), s.by) for s in line.sensitivities
    }
    return replace(line, expression=line.expression.xreplace(other))


def failing(d):
    """The witnesses that find a mistake, none of them asked further once both have."""
    failed = set()
    for part in forward_witness(d, (4, 2, 1), assignments(d.model)[:1], 0):
        failed |= {c.witness for c in part.checks if not c.passed}
        if len(failed) == 2:
            break
    return failed


@pytest.mark.parametrize("name", ["elman-bidirectional", "both ways", "second pass", "backwards"])
def test_a_wrong_direction_is_caught(name):
    d = models.forward_derivation(name)
    for part in ("carried", "condensed"):
        for v, line in getattr(d, part).items():
            if turned(line) != line:
                wrong = {**getattr(d, part), v: turned(line)}
                assert failing(altered(d, **{part: wrong})) == {"exact", "induction"}, (part, v)


@dataclass(frozen=True, repr=False)
class Misstarted(ForwardDerivation):
    """Every recurrence that starts from the last value of another starts from zero."""

    def start(self, name, step):
        found = super().start(name, step)
        return None if isinstance(found, nd.At) else found


@dataclass(frozen=True, repr=False)
class Swapped(ForwardDerivation):
    """Every recurrence that starts from the value of another at T starts from the one at 1."""

    def start(self, name, step):
        found = super().start(name, step)
        last = isinstance(found, nd.At)
        return nd.At(found.name, sp.Integer(1), *found.shape) if last else found


@pytest.mark.parametrize("wrong", [Misstarted, Swapped])
def test_a_wrong_start_is_caught(wrong):
    d = models.forward_derivation("both ways")
    mutant = wrong(**{f.name: getattr(d, f.name) for f in fields(d)})
    failed = {c.what for c in checks(mutant, (4, 2)) if c.place == "forward" and not c.passed}
    assert {"∂L/∂A", "∂L/∂B", "∂L/∂f_0"} <= failed


def test_a_contraction_at_another_step_is_caught():
    d = models.forward_derivation("elman-bidirectional")
    r = d.within.inputs["h_left"]
    for lag in (1, -1):
        wrong = tuple(replace(c, lag=lag) for c in r.contributions)
        inputs = {**d.within.inputs, "h_left": replace(r, contributions=wrong)}
        assert caught(altered(d, within=replace(d.within, inputs=inputs)))


# -- what it refuses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "backward"}, "no mode 'backward'"),
        ({"mode": "forward", "T": 3}, "leave T out"),
        ({"mode": "forward", "inputs": True}, "no gradients by inputs"),
        ({"mode": "forward", "truncate": 3}, r"leave out truncate \(--truncate\)"),
    ],
)
def test_a_wrong_request_is_one_clear_line(options, message):
    with pytest.raises(symbptt.errors.SymbpttError, match=message) as refused:
        symbptt.derive("elman", **options)
    assert "\n" not in refused.value.headline


def test_denominator_layout_is_refused():
    with pytest.raises(symbptt.errors.RequestError, match=r"leave out layout \(--layout\)"):
        symbptt.render(symbptt.derive("elman", mode="forward"), layout="denominator")


def test_a_constant_loss_is_refused_in_forward_mode_too():
    with pytest.raises(DerivationError, match="every gradient is zero"):
        symbptt.derive("h_t = W h_{t-1}\nL = 0 * sum(h_T)", mode="forward")


# -- cost -------------------------------------------------------------------------------------------


def test_the_cost_of_elman():
    d = models.forward_derivation("elman")
    assert reverse_cost(d).memory == sp.expand(nd.T * (2 * n + 2 * k))
    assert forward_cost(d).memory == sp.expand(n * (1 + n * n + n * m + n + n))
    assert leading(forward_cost(d).time) == sp.expand(nd.T * (n**4 + n**3 * m))
    assert leading(reverse_cost(d).time) == sp.expand(nd.T * (3 * n**2 + 2 * n * m + 3 * n * k))


STEP = nd.T * (3 * n**2 + 2 * m * n)


@pytest.mark.parametrize(
    ("loss", "time"),
    [
        (r"\sum_t squared_error(h_t, d_t)", STEP),
        (r"\sum_t squared_error(h_t, d_t) + \|W\|^2", STEP),
        (r"squared_error(V h_T, d_T)", STEP),
        (r"\sum_t squared_error(h_t, d_t) + sum(W W)", STEP + 3 * n**3),
    ],
)
def test_what_is_done_once_costs_once(loss, time):
    text = f"h_t = tanh(W h_{{t-1}} + U x_t)\nL = {loss}"
    d = symbptt.derive(text, mode="forward")
    found = leading(reverse_cost(d).time)
    assert sp.expand(found - time) == 0


def test_the_memory_of_several_passes_grows_with_the_steps():
    p = sp.Symbol("p", integer=True, positive=True)
    d = models.forward_derivation("elman-bidirectional")
    one, other = (a * (1 + a * a + a * m + a + a) for a in (n, p))
    assert forward_cost(d).memory == sp.expand(nd.T * (one + other))
    assert reverse_cost(d).memory == sp.expand(nd.T * (2 * n + 2 * p + k))
    assert not forward_cost(models.forward_derivation("backwards")).memory.has(nd.T)
    mixed = forward_cost(models.forward_derivation("both ways")).memory
    assert mixed.subs(nd.T, 0) not in (0, mixed)
    assert ") + " in polynomial(mixed, Printer(d.model, next(iter(NOTATIONS.values())), TEXT))


def test_an_entrywise_recurrence_costs_less():
    d = models.forward_derivation("ssm-diagonal")
    assert leading(forward_cost(d).time).has(n**3) is False
    assert forward_cost(d).memory == sp.expand(n * (1 + n + n * m + n))


@pytest.mark.parametrize("name", ["elman", "lstm", "jordan", "elman-bidirectional", "second pass"])
def test_the_memory_is_what_the_compiled_function_keeps(name):
    """The cost is counted from shapes; here the arrays themselves are counted."""
    d = models.forward_derivation(name)
    sizes = assignments(d.model)[0]
    cost = forward_cost(d).memory
    source = compile_gradient(d).source.replace(
        "    grads = {", "    KEPT.update(locals())\n    grads = {"
    )
    module = load_module(f"KEPT = {{}}\n{source}", "watched")
    at = sample(d.model, 6, None, sizes, 0)
    module.loss_and_gradients(at.params, at.inputs)
    kept = [module.KEPT.get(key, {}) for v in d.model.order for key in (v, f"S_{v}")]
    arrays = [a for values in kept for t, a in values.items() if 1 <= t <= 6]
    flat = [b for a in arrays for b in (a.values() if isinstance(a, dict) else [a])]
    values = {s: {**sizes, "T": 6}[str(s)] for s in cost.free_symbols}
    assert sum(map(np.size, flat)) == cost.subs(values)


# -- documents --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=models.some(builtin_names()))
def derived(request):
    return symbptt.derive(request.param, mode="forward")


@needs_tex
def test_the_latex_compiles_and_fits_the_page(tmp_path, derived):
    assert too_wide(compiled(tmp_path, symbptt.render(derived, "latex"))) == []


@pytest.mark.parametrize("format", ["text", "latex", "fragment", "markdown", "html", "json"])
def test_every_format_renders(derived, format):
    assert symbptt.render(derived, format)


def test_text_reads_as_a_lecturer_would_write():
    text = symbptt.render(symbptt.derive("elman", mode="forward"))
    for line in (
        "(3)  ∂h_t/∂θ = diag(1 - h_t²) (∂⁺z_t/∂θ + W_hh ∂h_{t-1}/∂θ)",
        "(4)  ∂⁺z_t/∂W_hh = h_{t-1}^T ⊗ I",
        "∂h_t/∂W_hh = diag(1 - h_t²) (h_{t-1}^T ⊗ I + W_hh ∂h_{t-1}/∂W_hh)",
        "(11) ∂L/∂θ = Σ_{t=1}^{T} (∂h_t/∂θ)^T W_hy^T δ^o_t",
        "∂h_t/∂h_s = (Π_{j=t}^{s+1} (diag(1 - h_j²) W_hh))",
        "n³ + n² m + 2 n² + n",
    ):
        assert line in text


def test_several_passes_are_not_called_real_time():
    d = symbptt.derive("elman-bidirectional", mode="forward")
    text = " ".join(symbptt.render(d).split())
    for line in (
        "for t = T, ..., 1 the derivatives of z⃖_t and h⃖_t.",
        "not real-time recurrent learning: it takes the whole sequence",
        "∂h⃖_t/∂θ = diag(1 - h⃖_t²) (∂⁺z⃖_t/∂θ + U_b ∂h⃖_{t+1}/∂θ)",
        "∂h⃖_{T+1}/∂h⃖_{T+1} = I",
        "the memory of forward mode grows with T here",
    ):
        assert line in text
    for format in ("latex", "markdown", "html"):
        page = symbptt.render(d, format)
        assert "Forward accumulation" in page
        assert "which grow with" in page
        assert "however long" not in page
    alone = symbptt.render(models.forward_derivation("backwards"), "markdown")
    assert "not real-time" in alone
    assert "however long" in alone
    assert "# Real-time" in symbptt.render(models.forward_derivation("next input"), "markdown")


def test_a_parameter_used_in_both_places_gets_both_terms():
    text = symbptt.render(models.forward_derivation("tied"))
    assert "vec(∂L/∂W) = Σ_{t=1}^{T} ((∂s_t/∂W)^T" in text
    assert "and what W adds within the step" in text


def test_json_holds_every_line():
    d = symbptt.derive("gru", mode="forward")
    data = json.loads(symbptt.render(d, "json"))
    assert data["mode"] == "forward"
    assert [s["number"] for s in data["steps"]] == list(range(1, len(d.steps) + 1))


@pytest.mark.parametrize("name", models.some(models.NAMES))
def test_every_model_renders(name):
    d = models.forward_derivation(name)
    assert "Gradients" in symbptt.render(d)
    assert symbptt.render(d, "latex")


def test_on_the_command_line(capsys):
    assert cli.main(["derive", "lstm", "--mode", "forward"]) == 0
    assert "∂⁺ī_t/∂U_i = h_{t-1}^T ⊗ I" in capsys.readouterr().out
    assert cli.main(["verify", "elman-linear", "--mode", "forward"]) == 0
    assert "elman-linear: verified" in capsys.readouterr().out
    assert cli.main(["export", "elman-linear", "--mode", "forward"]) == 0
    assert "real-time recurrent learning" in capsys.readouterr().out
    assert cli.main(["derive", "elman", "--mode", "sideways"]) == 2
    assert "no mode 'sideways'" in capsys.readouterr().err
