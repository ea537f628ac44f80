"""Every doubt is what leaves some claim undecided."""

from __future__ import annotations

import pytest
from verdicts import of, verdicts

import symbptt
from symbptt.check import doubts
from symbptt.check.doubts import DOUBTS, Doubt

NETWORK = r"""
$$z_t = W h_{t-1} + U x_t + b$$
$$h_t = \tanh(z_t)$$
$$o_t = V h_t$$
"""
LOSS = r"$$L = \sum_t \frac{1}{2} (o_t - d_t)^T (o_t - d_t)$$" + "\n"
NETS = NETWORK + LOSS
UNREAD = NETWORK + r"$$L = \sum_t (o_t ; d_t)$$" + "\n"


ROWS = r"""
$$A_t = X_t U + H_{t-1} W + \mathbf{1} b$$
$$H_t = \tanh(A_t)$$
$$Y_t = H_t V$$
""" + LOSS.replace("o_t", "Y_t").replace("d_t", "D_t")
#: No equations, but the letters of a network that is known.
LETTERS = rf"$${of('h_t', 'h_{t-1}')} = W_{{hh}}^T diag(f'(W_{{hh}} h_{{t-1}} + W_{{xh}} x_t))$$"
#: Their loss is a letter in a script font, and so are the logits in none.
SCRIPT = r"\mathcal{L}"
LOGITS = r"""
$$h_t = \tanh(W h_{t-1} + U x_t), \quad z_t = V h_t, \quad L_t = M z_t$$
$$p_t = \mathrm{softmax}(L_t), \qquad \mathcal{L} = -\frac{1}{T} \sum_t \log p_{t,y_t}$$
"""
CLASSES = (
    NETWORK
    + r"""
$$p_t = \mathrm{softmax}(o_t)$$
$$L_t = -\log(p_{t, \text{target}}), \qquad L = \sum_t L_t$$
"""
)
#: A cell, and then another network by the same letters.
TWO = r"""
- $f_t=\sigma(W_f[h_{t-1},x_t])$
- $i_t=\sigma(W_i[h_{t-1},x_t])$
- $o_t=\sigma(W_o[h_{t-1},x_t])$
- $g_t=\tanh(W_g[h_{t-1},x_t])$
- $c_t=f_t \odot c_{t-1} + i_t \odot g_t$
- $h_t=o_t \tanh(c_t)$

$$h_t = tanh(W_I x_t + W_R h_{t-1})\\ y_t = W_O h_t$$
"""
JACOBIAN = "diag(1 - h_i^2) W"
#: For each doubt a document, with a last formula that it is about, or one for each kind of claims
#: that it is asked of.
EXAMPLES: dict[str, str | tuple[str, ...]] = {
    "loss that is not read": f"{UNREAD}$${of('L_t', 'V')} = {of('L_t', 'o_t')} h_t^T$$",
    "part of the loss": (
        NETWORK
        + rf"$$L = \sum_t \frac{{1}}{{2}} \|o_t - d_t\|^2 + R$$ $${of('L', 'V')} = \sum_t (o_t - d_t) h_t^T$$",
        NETWORK
        + rf"$$L = \sum_t \frac{{1}}{{2}} \|o_t - d_t\|^2 + R$$ $${of('L', 'V')} = \sum_t 2 (o_t - d_t) h_t^T$$",
    ),
    "path that is not read": NETS.replace(r"\tanh(z_t)", r"\tanh(z_t) + a_t")
    + rf"$$a_t = x_t \odot c_{{t-1}}$$ $${of('L', 'x_t')} = U^T {of('L', 'z_t')}$$",
    "letter in two fonts": (
        f"{LOGITS}$${of(SCRIPT, 'V')} = {of(SCRIPT, 'z_t')} h_t^T$$",
        f"{LOGITS}"
        rf"$${of(SCRIPT, 'W')} = \sum_t ({of(SCRIPT, 'h_t')} \odot (1 - h_t^2)) h_{{t-1}}^T$$",
    ),
    "product of nothing": f"{TWO}$${of('c_t', 'c_{t-1}')} = 5 {of('c_t', 'f_t')} {of('f_t', 'h_{t-1}')}"
    f"{of('h_{t-1}', 'c_{t-1}')} + {of('c_t', 'c_{t-1}')}$$",
    "sum over later steps": f"{NETS}$${of('h_t', 'W')} ="
    rf" \sum_{{k=t}}^T {of('h_t', 'h_k')} {of('h_k', 'W')}$$",
    "sum that begins after the loss": (
        NETS.replace(r"\sum_t", r"\sum_{t=0}^T")
        + rf"$${of('L', 'V')} = \sum_{{t=1}}^T (o_t - d_t) h_t^T$$"
    ),
    "ones without a transpose": rf"{ROWS}$${of('L', 'b')} = \sum_t 1 {of('L', 'A_t')}$$",
    "differentials that are named alike": f"{NETS}With differentials,"
    "\n$$dz_t = diag(1 - h_t^2) dh_t$$",
    "range that ends at a letter": NETS
    + f"$${of('L', 'W')} = \\sum_{{k=1}}^M {of('L', 'z_k')} h_{{k-1}}^T$$",
    "rounded numbers": rf"{NETS}$$-0.640 \times 0.435 = -0.278$$",
    "target that is computed": rf"{NETWORK}$$p_t = \mathrm{{softmax}}(o_t), \quad q_t = w d_t + u$$"
    rf"$$L = -\sum_t q_t^T \log p_t$$ $${of('L', 'o_t')} = p_t - q_t$$",
    "indicator of a class": rf"{CLASSES}$${of('L_t', 'o_t')} = p_t - \mathbb{{I}}(\text{{target}})$$",
    "one path of several": f"{NETS}$${of('L', 'h_t')} += V^T V (o_t - d_t)$$",
    "words before a relation sign": f"{NETS}$${of('L', 'z_t')} = {of('L', 'h_t')} {of('h_t', 'z_t')}$$"
    f"\n\nThe other one:\n\n$$= {of('L_t', 'o_t')} {of('o_t', 'h_t')} {of('h_t', 'z_t')}$$",
    "σ of any kind": rf"{NETS}With the Jacobian, σ being the activation function, of each step,"
    rf" $${of('h_t', 'h_{t-1}')} = diag(\sigma'(z_t)) W$$",
    "a value": rf"{NETS}$$h_3 - 1 = -\frac{{3}}{{4}}$$",
    "shapes": (
        rf"{NETS}$$(h \times 1) \cdot (1 \times h) = (h \times h)$$",
        rf"{NETS}$$(1 \times n) \cdot (n \times n) = (1 \times n)$$",
    ),
    "factor behind a comma": rf"{NETS}$${of('h_t', 'h_{t-1}')} = diag(1 - h_t^2), W$$",
    "t for a factor": r"$$i_t = \sigma(A h_{t-1} + B x_t), \quad g_t = \tanh(W h_{t-1} + U x_t)$$"
    r"$$c_t = c_{t-1} + i_t \odot g_t, \quad h_t = \tanh(c_t)$$"
    "\n$di = dct \\odot g_t$",
    "power of T": r"$$c_t = f_t \odot c_{t-1} + x_t, \quad f_t = \sigma(U x_t)$$"
    f"Then $${of('c_T', 'c_0')} = f^T$$",
    "something held": rf"{NETS}Treating $x_t$ as constant, $${of('h_t', 'h_{t-1}')} = W$$",
    "sizes": NETS.replace("d_t", "y_t") + "of size $d_h = d_z$",
    "a name for other equations": rf"{NETS}$$J_t = {of('h_t', 'h_{t-1}')}$$"
    "\n$$h_t = w h_{t-1} + x_t$$\n$$J_t = w (1 - h_t^2)$$",
    "function beside the network": NETS.replace("d_t", "y_t")
    + f"$$y = W x$$ $${of('y', 'x')} = U$$",
    "differentials of expressions": NETS.replace("d_t", "y_t") + "$$do_t = d(V h_t)$$",
    "two networks": rf"{NETS}$$g_t = \tanh(Q g_{{t-1}} + R u_t)$$"
    f"\n$${of('g_t', 'u_t')} = Q x_t$$",
    "equation that is not read": NETS.replace(r"\tanh(z_t)", r"\tanh(z_t) + a_t")
    + rf"$$a_t = x_t \odot c_{{t-1}}$$ $${of('L', 'x_t')} = U^T {of('L', 'h_t')}$$",
    "equation without a model": rf"{NETWORK}$$h_t = A h_{{t-1}} + q h_t$$"
    rf" $${of('h_t', 'h_{t-1}')} = diag(1 - h_{{t-1}}^2) W$$",
    "step that is left out": r"$$c_t = f \odot c_{t-1} + i \odot g, \quad h_t = o \odot \tanh(c_t)$$"
    f"\n$${of('c_t', 'c_{t-1}')} = diag(f_t)$$",
    "step that may be the last": f"{NETS}$$\\delta_t = {of('L', 'h_t')}$$"
    "\n$$\\delta_P = V^T (o_P - d_P)$$",
    "end of the sequence": f"{NETS}$${of('L', 'h_{t+1}')} = 0$$",
    "weights that are numbers": rf"{NETS}$$W = 0.5$$"
    f"\n$${of('h_t', 'h_{t-1}')} = W diag(1 - h_t^2)$$",
    "quantity of no use": rf"{NETS}$$q_t = W h_{{t-1}} + R x_t$$"
    f"\n$${of('L', 'q_t')} = V^T (o_t - d_t)$$",
    "names that differ in case": r"$$h_t = \tanh(W h_{t-1} + U x_t), \quad z_t = W h_{t-1} + u x_t$$"
    rf"$${of('L', 'W')} = \sum_t {of('L', 'z_t')} h_{{t-1}}^T$$",
    "another equation that is not read": rf"{NETS}$$h_{{t,i}} = \tanh(\sum_k W_{{ik}} h_{{t,k}} + g(x))$$"
    f"$${of('h_t', 'h_{t-1}')} = diag(3 h_t^2 - 1) W^T W$$",
    "another function": rf"{NETWORK}$$y_t = \sigma(R h_t)$$"
    r"$$\sigma(z) = \frac{e^z}{\sum_j e^{z_j}}$$",
    "logarithms of probabilities": NETWORK
    + r"$$q_t = \mathrm{softmax}(R h_t), \quad L = \sum_t \left(\frac{1}{2} \|o_t - d_t\|^2"
    r" - c_t^T \log q_t\right)$$" + f"\n$${of('L', 'h_t')} = 3 V^T (o_t - d_t) + R^T q_t$$",
    "loss of arguments": NETWORK
    + r"$$L(d, o_T) = \frac12 \|d - o_T\|^2$$ $$\sum_t L(d_t, o_t) = \frac12 \sum_t \|d_t - o_t\|^2$$",
    "function that is given": r"$$h_t = \phi(W h_{t-1} + U x_t)$$ with $\phi(z) = z$"
    f"\n$${of('h_t', 'h_{t-1}')} = W$$",
    "loss of what is not said": rf"{NETWORK}$$q_t = \tanh(R h_t)$$"
    f"\n$${of('L', 'W')} = \\sum_t {of('L', 'h_t')} h_{{t-1}}^T$$",
    "name for a derivative": f"{NETS}$${of('L_t', 'o_t')} = o_t - d_t$$\n$$\\delta h_t = {of('L_t', 'h_t')}$$"
    f"\n$$\\delta h_{{t-1}} = {of('L_t', 'h_{t-1}')}$$",
    "letter that may be summed over": rf"{NETS}$${of('o_{t,i}', 'h_{t,j}')} = V_{{ib}} \delta_{{bj}}$$",
    "gradient of two names": rf"{NETS}$$\epsilon^h_t = {of('L', 'h_t')}$$"
    "\n$$\\delta^h_t = 2 \\epsilon^h_t$$",
    "gradient of a loss that is not read": f"{UNREAD}$${of('L', 'V')}"
    f" = \\sum_t V {of('L', 'h_t')} h_t^T$$",
    "gradient of a loss that is not stated": f"{NETWORK}$${of('L', 'o_t')} = 3 V h_t$$",
    "step of learning": f"{NETS}$$\\Delta_t = {of('L', 'h_t')}$$"
    "\n$$\\Delta_t = V^T V (o_t - d_t)$$",
    "differentials": f"{NETS}$$dh_t = diag(1 - h_t^2) dz_t + W dh_{{t-1}}$$",
    "derivative without a path": f"{NETS}$${of('z_t', 'V')} = {of('o_t', 'h_t')} W$$",
    "assumed equations": f"{LETTERS}\n$${of('L', 'W_{xh}')} = \\sum_t {of('L', 'h_t')} h_t^T$$",
    "another kind of network": NETS.replace("U x_t", "U x_t \\odot h_{t-1}")
    + rf"In a vanilla RNN, ${of('h_t', 'h_{t-1}')} = W^T$.",
    "chain rule": f"{NETS}$${of('L', 'h_t')} = {of('L', 'o_t')} {of('o_t', 'h_t')}"
    f" {of('h_t', 'h_{t-1}')}$$",
    "letter of entries": r"$$i = \sigma(A x_t + B h_{t-1}), \quad g = \tanh(W x_t + U h_{t-1})$$"
    rf"$$c_t = c_{{t-1}} + i \odot g, \quad h_t = \tanh(c_t), \quad dc_t = {of('L', 'c_t')}$$"
    rf"$${of('L', 'g_k')} = dc_{{t,k}} \cdot i_k$$"
    "\n"
    rf"$${of('L', 'g')} = dc_t \odot i$$"
    "\n"
    rf"$${of('L', 'g_k')} = dc_{{t,k}} \cdot i_k$$",
    "entry or all of them": f"{NETS}$${of('L', 'o_t')} = o_t - d_t$$\n"
    r"$$\sum_j (o_{t,j} - d_{t,j}) V_{ji} = V^T (o_t - d_t)$$",
    "name with two letters": r"$$h^{(t)} = \tanh(U x^{(t)} + W h^{(t-1)}), \quad o^{(t)} = V h^{(t)}$$"
    "\n"
    r"$$L = \sum_t L^{(t)}, \quad L^{(t)} = \frac{1}{2} \|o^{(t)} - d^{(t)}\|^2$$"
    "\n"
    rf"Let $\delta^{{(t)}}_k = {of('L^{(t)}', 'h^{(k)}')}$. When $k = t$,"
    "\n"
    rf"$$\delta_{{k,i}}^{{(t)}} = {of('L^{(t)}', 'h_i^{(t)}')}$$"
    "\n"
    rf"$${of('L^{(t)}', 'h^{(k-1)}')} = {of('L^{(t)}', 'h^{(k)}')} {of('h^{(k)}', 'h^{(k-1)}')}"
    r" = W^\top (\delta_k^{(t)} \odot (1 - h^{(k)} \odot h^{(k)}))$$",
    "end of a sum or product": r"$z_t = W h_{t-1} + U x_t$, $h_t = \tanh(z_t)$, $y_t = V h_t$, "
    rf"$L = \sum_{{t=1}}^{{T}} L_t$, $J_t := {of('h_t', 'h_{t-1}')}$"
    "\n\n"
    rf"$${of('L_t', 'W^{(k)}')} = {of('L_t', 'h_t')} {of('h_t', 'h_{t-1}')} \cdots"
    rf" {of('h_{k+1}', 'h_k')} {of('h_k', 'W^{(k)}')}"
    rf" = {of('L_t', 'h_t')} \prod_{{j=k+1}}^t J_j \cdot {of('h_k', 'W^{(k)}')}$$",
    "product that begins nowhere": rf"{NETS}$${of('h_k', 'h_1')} = \prod_i^k {JACOBIAN}$$",
    "another forward equation": rf"{NETS}$$h_t = \tanh(W h_{{t-1}} - U x_t)$$",
    "first value of a sum": f"{NETS}$${of('L', 'W')} = 0$$",
    "initial value": rf"{NETS}$$\delta h_{{next}} \leftarrow \delta h_{{prev}}$$"
    f"\n$$\\delta h_t = V^T {of('L', 'o_t')} + \\delta h_{{next}}$$"
    "\n$$\\delta z_t = (1 - h_t^2) \\odot \\delta h_t$$"
    "\n$$\\delta h_{next} = dh$$",
    "first part of a gradient": f"{NETS}$$dh_{{t-1}} += W^T {of('L', 'z_t')}$$"
    "\n$$dh_t = V^T (o_t - d_t)$$",
    "data": rf"{NETS}$$\sum_k d_{{t,k}} = 1$$",
}


def test_jacobian_with_gates_held():
    gru = r"""
$$z_t = \sigma(W_z x_t + U_z h_{t-1}), \qquad r_t = \sigma(W_r x_t + U_r h_{t-1})$$
$$g_t = \tanh(W x_t + U (r_t \odot h_{t-1}))$$
$$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot g_t$$
"""
    jacobian = f"${of('h_t', 'h_{t-1}')} = (1 - z_t) + z_t {of('g_t', 'h_{t-1}')}$"
    assert verdicts(f"{gru}Then {jacobian}.") == ["inconclusive"]
    for slip in ("(z_t - 1)", "z_t"):
        assert verdicts(f"{gru}Then {jacobian.replace('(1 - z_t)', slip)}.") == ["wrong"]


@pytest.mark.parametrize("start", ["a_0 = W_x x_0 + b", "h_0 = \\tanh(W_x x_0 + b)"])
def test_states_that_begin_otherwise(start):
    network = r"$$a_t = W_x x_t + W_h h_{t-1} + b$$ $$h_t = \tanh(a_t)$$"
    first = rf"$${of('h_1', 'b')} = \text{{diag}}(1 - h_1^2)$$"
    assert verdicts(network, first) == ["right"]
    assert verdicts(f"$${start}$$", network, first) == ["inconclusive"]


def test_recursions_hold_however_states_begin():
    network = r"$$a_0 = b$$ $$a_t = W_x x_t + W_h h_{t-1} + b$$ $$h_t = \tanh(a_t)$$"
    carried = rf"$${of('h_t', 'b')} = \text{{diag}}(1 - h_t^2) (W_h {of('h_{t-1}', 'b')} + I)$$"
    assert verdicts(network, carried) == ["right"]
    assert verdicts(network, carried.replace("+ I", "- I")) == ["inconclusive"]
    own = carried.replace(f"W_h {of('h_{t-1}', 'b')} + ", "")
    assert verdicts(network, own) == ["inconclusive"]


def test_value_before_the_equations():
    jacobian = rf"$${of('h_t', 'h_{t-1}')} = diag(1 - h_t^2) W$$"
    assert verdicts(rf"so $h_t=0$ holds {NETS}", jacobian) == ["inconclusive", "right"]


@pytest.mark.parametrize("behind", [of("L", "h_T"), "V^T (o_T - d_T)", "V^T (y - d)"])
def test_factors_behind_a_product(behind):
    last = NETWORK + r"$$y = V h_T$$ $$L = \frac{1}{2} \|y - d\|^2$$"
    jacobians = r"\prod_{k=t+1}^T W^T diag(1 - h_k^2)"
    network = NETS if "o_T" in behind else last
    claim = rf"$${of('L', 'h_t')} = {jacobians} \, {behind}$$"
    assert verdicts(network, claim) == ["inconclusive"]


def test_guess_that_leaves_terms_empty():
    parts = " + ".join(f"{of('L', v)} {of(v, 'q_t')}" for v in ("z_t", "o_t"))
    assert verdicts(NETS, f"$${of('L', 'q_t')} = {parts}$$") == ["inconclusive"]


def test_link_behind_one_that_fails():
    slope, by = r"diag(1 - h_t^2)", of("L", "h_t")
    signal = rf"{NETS}$$\delta_t = {of('L', 'z_t')}$$"
    assert verdicts(signal, rf"$$\delta_t = {slope} {by}$$") == ["right"]
    assert verdicts(signal, rf"$$\delta_t = {by} = {slope} {by}$$") == ["wrong", "wrong"]


def test_gradient_below_an_equation():
    chain = f"{of('L_t', 'o_t')} {of('o_t', 'h_t')} {of('h_t', 'z_t')}"
    below = rf"{NETS}Once more $$z_t = W h_{{t-1}} + U x_t + b$$ $$= {chain}$$"
    slip = rf"{NETS}$${of('L_t', 'z_t')} = {chain}$$ $$= {of('L_t', 'o_t')} V$$"
    assert verdicts(slip) == ["right", "wrong"]
    assert verdicts(below) == ["inconclusive"]


def test_every_doubt_has_an_example():
    assert [d.name for d in DOUBTS] == list(EXAMPLES)
    assert [len(d.asked) for d in DOUBTS] == [len(examples(d)) for d in DOUBTS]


def examples(row: Doubt) -> tuple[str, ...]:
    found = EXAMPLES[row.name]
    return (found,) if isinstance(found, str) else found


@pytest.mark.parametrize(
    ("row", "example"),
    [pytest.param(row, x, id=row.name) for row in DOUBTS for x in examples(row)],
)
def test_a_doubt_leaves_its_example_undecided(row, example, monkeypatch):
    def verdict():
        return next(f.verdict for f in reversed(symbptt.check(example).findings) if f.verdict)

    found = verdict()
    assert found.verdict == "inconclusive"
    assert found.reason.startswith(row.says)
    monkeypatch.setattr(doubts, "DOUBTS", [d for d in DOUBTS if d is not row])
    assert verdict().verdict != "inconclusive"


@pytest.mark.parametrize(
    "claim",
    [
        r"\tanh(0.8 \cdot 0.4621 + 1.0) = \tanh(0.3697 + 1.0)",
        "d_x = d_h = 1",
        r"E[x_t] = 1",
        "d_o = 2 d_h",
    ],
)
def test_numbers_of_an_example_are_never_wrong(claim: str) -> None:
    report = symbptt.check(f"{NETS}$${claim}$$")
    assert {f.verdict.verdict for f in report.findings if f.verdict is not None} <= {"inconclusive"}


def test_a_derivative_has_a_value_where_quantities_have_one() -> None:
    claim = f"$${of('L', 'V')} = -0.75$$"
    assumed = f"\n\nLet $${of('L', 'h_3')} = 0.5$$\n\nThen "
    given_first = ("$$h_3 = 0.5$$", "inconclusive"), (assumed, "inconclusive")
    for given, expected in (*given_first, ("", "shape-error")):
        last = symbptt.check(f"{NETS}{given}\n{claim}").findings[-1]
        assert last.verdict is not None
        assert last.verdict.verdict == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Suppose the gradient from above is", "inconclusive"),
        ("Angenommen, es gilt", "inconclusive"),
        ("假设", "inconclusive"),
        ("We assume weights. Then", "shape-error"),
        ("It follows that", "shape-error"),
    ],
)
def test_an_assumed_value_is_no_claim(words, expected) -> None:
    for value in ("1.0", "-0.5 \\cdot 3"):
        last = symbptt.check(f"{NETS}\n\n{words} $${of('L', 'h_t')} = {value}$$").findings[-1]
        assert last.verdict is not None
        assert last.verdict.verdict == expected
    wrong = f"{NETS}\n\n{words} $${of('L', 'o_t')} = d_t - o_t$$"
    assert symbptt.check(wrong).findings[-1].verdict.verdict == "wrong"


@pytest.mark.parametrize("word", ["direct", "local"])
@pytest.mark.parametrize("right", ["0.0", "V^T (o_t - d_t)", "2 V^T (o_t - d_t)"])
def test_a_loss_of_a_part_is_not_the_loss(word, right) -> None:
    part = of(rf"L_{{\text{{{word}}}}}", "h_t")
    last = symbptt.check(f"{NETS}$${part} = {right}$$").findings[-1]
    assert last.verdict is not None
    assert last.verdict.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("[-0.8, 0.2, 0.6]", "inconclusive"),
        ("(-0.8, 0.2, 0.6)^T", "inconclusive"),
        (r"\begin{bmatrix} 1/2 \\ -1 \end{bmatrix}", "inconclusive"),
        ("[0, 0, 0]", "shape-error"),
    ],
)
def test_a_derivative_may_be_the_numbers_of_an_example(values, expected) -> None:
    last = symbptt.check(f"{NETS}$${of('L', 'o_t')} = {values}$$").findings[-1]
    assert last.verdict is not None
    assert last.verdict.verdict == expected


def test_a_derivative_that_is_no_number_is_wrong() -> None:
    report = symbptt.check(f"{NETS}$${of('h_t', 'h_{t-1}')} = 1$$")
    assert {f.verdict.verdict for f in report.findings if f.verdict is not None} == {"wrong"}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("For a **simple RNN**:", "inconclusive"),
        ("传统RNN：", "inconclusive"),
        ("## Standard recurrent networks\n\nHere", "inconclusive"),
        ("Unlike in a vanilla RNN, in an LSTM", "wrong"),
        ("## RNN\n\nHere", "wrong"),
        ("The LSTM RNN:", "wrong"),
    ],
)
def test_the_network_that_the_words_name_is_the_one_meant(before: str, expected: str) -> None:
    claim = f"{before} ${of('h_t', 'h_{t-1}')} = W^T$."
    for text, verdict in (
        (NETS.replace("U x_t", "U x_t \\odot h_{t-1}"), expected),
        (NETS, "wrong"),
    ):
        last = symbptt.check(f"{text}\n\n{claim}").findings[-1]
        assert last.verdict is not None
        assert last.verdict.verdict == verdict


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("The first half:", "inconclusive"),
        ("前半部分：", "inconclusive"),
        ("The first half:\n\n$$= {right}$$\n\n", "inconclusive"),
        ("", "wrong"),
        ("and hence", "wrong"),
        ("which, i.e. by inserting, is", "wrong"),
        ("于是可得：", "wrong"),
    ],
)
def test_words_may_say_that_a_formula_does_not_go_on_from_the_last(words, expected):
    right = f"{of('L', 'h_t')} {of('h_t', 'z_t')}"
    begins = f"{NETS}\n\n$${of('L', 'z_t')} = {of('L', 'z_t')}$$\n\n"
    for side, verdict in ((f"2 {right}", expected), (right, "right")):
        words = words.replace("{right}", right)
        last = symbptt.check(f"{begins}{words}\n\n$$= {side}$$").findings[-1]
        assert last.verdict is not None
        assert last.verdict.verdict == verdict


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (r"Because $h_t$ alone makes $o_t, \dots, o_T$,", "inconclusive"),
        (r"Because all of it comes from $h_t$,", "inconclusive"),
        (r"Hence, with $t$, we have", "inconclusive"),
        ("Hence", "wrong"),
    ],
)
def test_a_display_does_not_go_on_from_a_formula_in_the_words_before_it(words, expected):
    right = f"{of('L', 'h_t')} {of('h_t', 'z_t')}"
    begins = f"{NETS}\n\n$${of('L', 'z_t')} = {of('L', 'z_t')}$$\n\n{words}\n"
    for side, verdict in ((f"2 {right}", expected), (right, "right")):
        text = f"{begins}\\begin{{align}}\n& = {side}\n\\end{{align}}"
        last = symbptt.check(text).findings[-1]
        assert last.verdict is not None
        assert last.verdict.verdict == verdict


@pytest.mark.parametrize(
    ("claim", "words", "expected"),
    [
        (r"\delta h_T = 0", "", "inconclusive"),
        ("dh_T = 0", "", "inconclusive"),
        (r"\delta h_t = 0", "", "wrong"),
        (r"\delta o_T = 0", "", "wrong"),
        (rf"{of('L', 'h_T')} = 0", "", "wrong"),
        (r"\delta h_T = 0", rf"For every $v$ we write $\delta v = {of('L', 'v')}$.", "wrong"),
    ],
)
def test_what_is_carried_back_may_begin_at_zero(claim, words, expected):
    last = symbptt.check(f"{NETS}\n\n{words}\n\n$${claim}$$").findings[-1]
    assert last.verdict is not None
    assert last.verdict.verdict == expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"dh_t = (1 - h_t^2) \odot dz_t", "inconclusive"),
        (r"dh_t = (1 + h_t^2) \odot dz_t", "wrong"),
        (r"dh_t = (1 - z_t^2) \odot dz_t", "wrong"),
        ("dz_t = dW h_{t-1} + W dh_{t-1} + dU x_t + db", "inconclusive"),
        ("dz_t = W dh_{t-1} - dU x_t", "wrong"),
        (r"\mathrm{d} z_t = W \mathrm{d} h_{t-1}", "inconclusive"),
        (r"dz_t = (1 - h_t^2) \odot dh_t", "right"),
        (r"dz_t = (1 + h_t^2) \odot dh_t", "wrong"),
        ("dh_{t-1} = W dz_t", "wrong"),
        (r"dh_t = d(\tanh(z_t)) = (1 - h_t^2) \odot dz_t", "inconclusive"),
        (r"dh_t = d \tanh(z_t)", "inconclusive"),
        (
            rf"dz_t = {of('L', 'z_t')}$$ $$dh_t = d(\tanh(z_t))$$ $$dz_t = (1 - h_t^2) \odot dh_t$$"
            r" $$dz_t = h_t \odot dh_t",
            "wrong",
        ),
    ],
)
def test_what_holds_of_differentials_is_not_wrong(claim: str, expected: str) -> None:
    last = symbptt.check(f"{NETWORK}$${claim}$$").findings[-1]
    assert last.verdict is not None
    assert last.verdict.verdict == expected


@pytest.mark.parametrize(
    ("words", "slope", "expected"),
    [
        ("Here f is softmax or identity.", "V^T", "inconclusive"),
        ("", "V^T", "wrong"),
        ("Here f is softmax or identity.", "diag(f'(V h_t)) V", "right"),
    ],
)
def test_a_function_that_words_call_the_identity_is_in_doubt(
    words: str, slope: str, expected: str
) -> None:
    given = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$y_t = f(V h_t)$$" + f"\n\n{words}\n\n"
    last = symbptt.check(f"{given}$${of('y_t', 'h_t')} = {slope}$$").findings[-1]
    assert last.verdict is not None
    assert last.verdict.verdict == expected


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        (r"diag(\sigma'(z_t)) W", "inconclusive"),
        (r"W^T diag(\sigma'(z_t))", "inconclusive"),
        (r"diag(\tanh'(z_t)) W", "right"),
        (r"diag(\tanh'(z_{t-1})) W", "wrong"),
        (r"diag(z_t (1 - z_t)) W", "wrong"),
    ],
)
def test_the_slope_of_sigma_is_that_of_any_activation(slope: str, expected: str) -> None:
    claim = rf"$${of('h_t', 'h_{t-1}')} = {slope}$$"
    found = symbptt.check(f"{NETS}{claim}").findings[-1].verdict
    assert found is not None
    assert found.verdict == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [("For the RNN:", "inconclusive"), ("For the GRU RNN:", "wrong"), ("Here", "wrong")],
)
def test_an_rnn_is_another_network_where_one_was_given_before(before: str, expected: str) -> None:
    plain = r"$$h_t = \tanh(W_h h_{t-1} + W_x x_t)$$"
    gates = r"$$z_t = \sigma(U_z x_t + V_z h_{t-1})$$ $$g_t = \tanh(U_g x_t + V_g h_{t-1})$$"
    state = r"$$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot g_t$$"
    claim = rf"{before} ${of('h_t', 'h_{t-1}')} = diag(1 - z_t^2) V_g$."
    text = f"# RNN\n\n{plain}\n\n# GRU\n\n{gates} {state}\n\n# Gradients\n\n{claim}"
    last = symbptt.check(text).findings[-1]
    assert last.verdict is not None
    assert last.verdict.verdict == expected
