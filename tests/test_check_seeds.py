"""The formulas of five real documents, with the verdict that each deserves and why.

Their words are left out, but for those that say how a formula is meant.
"""

from dataclasses import dataclass
from functools import cache

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document

FAULT = frozenset({"wrong", "shape-error"})
HOLDS = frozenset({"right", "right-under"})


@dataclass(frozen=True)
class Claims:
    """A piece of a document and the verdicts that its claims deserve, in order."""

    text: str
    verdicts: tuple
    reading: str = ""
    correction: str = ""


def math(verdict, tex, **more):
    return Claims(f"$$\n{tex}\n$$", (verdict,), **more)


def line(text, *verdicts, **more):
    return Claims(text, verdicts, **more)


DOCUMENTS = {
    "000": [
        r"$$h_t = f\Big(W_{hh}\, h_{t-1} + W_{xh}\, x_t + b_h\Big)$$",
        r"$$y_t = g\Big(W_{hy}\, h_t + b_y\Big)$$",
        r"$$L = \sum_{t=1}^{T} L_t(y_t, \text{target}_t)$$",
        # The chain rule, and the sum over the uses of a shared weight.
        math("right", r"\frac{\partial L_t}{\partial W_{hy}} = \frac{\partial L_t}{\partial y_t}\cdot \frac{\partial y_t}{\partial W_{hy}}"),
        math("right", r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^T \frac{\partial L_t}{\partial W_{hy}}."),
        r"$$z_t = W_{hh}\, h_{t-1} + W_{xh}\, x_t + b_h,$$ so that $$h_t = f(z_t).$$",
        r"For now, denote: $$\delta^y_t = \frac{\partial L_t}{\partial y_t} \cdot g'\big(W_{hy}\, h_t + b_y\big).$$",
        r"Define: $$\delta_t \triangleq \frac{\partial L}{\partial h_t}.$$",
        r"Since $$h_{t+1} = f\Big(W_{hh}\, h_{t} + W_{xh}\, x_{t+1} + b_h\Big),$$ we have:",
        # n×n and n×1, entry by entry; it means diag(f') W, or its transpose W^T diag(f').
        math("shape-error", r"\frac{\partial h_{t+1}}{\partial h_t} = W_{hh}^T \odot f'\Big(W_{hh}\, h_{t} + W_{xh}\, x_{t+1} + b_h\Big),"),
        # δ is ∂L/∂h_t: the slope of what comes from t+1 is f'(z_{t+1}), inside the product with W^T.
        math("wrong", r"\delta_t = W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1} \odot f'(z_t)."),
        "Often, we combine the derivative of the activation into the definition of the local error:",
        # From here on δ is ∂L/∂z_t, as the words say: the recursion and its end are right.
        math("right-under", r"\delta_t = \Big(W_{hy}^T\, \delta^y_t + W_{hh}^T\, \delta_{t+1}\Big) \odot f'(z_t).", reading="∂L/∂z_t"),
        math("right", r"\delta_T = \Big(W_{hy}^T\, \delta^y_T\Big) \odot f'(z_T)."),
        math("right", r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \delta_t\, h_{t-1}^T."),
        # A derivative of a vector by a matrix has three indices; h_{t-1} is what δ is multiplied by.
        math("right-under", r"\frac{\partial z_t}{\partial W_{hh}} = h_{t-1}.", reading="factor of an outer product"),
        math("right", r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T} \delta_t\, x_t^T."),
        # The definition again, where the product of two columns is one entry by entry.
        math(HOLDS, r"\delta^y_t = \frac{\partial L_t}{\partial y_t}\, g'\big(W_{hy}\, h_t + b_y\big)."),
        line(
            "$$\n\\delta_t = \\begin{cases}\n"
            "\\Big(W_{hy}^T\\, \\delta^y_t\\Big) \\odot f'(z_t) & \\text{if } t = T, \\\\\n"
            "\\Big(W_{hy}^T\\, \\delta^y_t + W_{hh}^T\\, \\delta_{t+1}\\Big) \\odot f'(z_t) & \\text{if } t < T.\n"
            "\\end{cases}\n$$",
            "right", "right",
        ),
        math("right", r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^{T} \delta^y_t\, h_t^T,"),
        math("right", r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^{T} \delta_t\, h_{t-1}^T,"),
        math("right", r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^{T} \delta_t\, x_t^T."),
    ],
    "001": [
        r"$$h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h)$$",
        r"$$y_t = W_{hy} h_t + b_y$$",
        r"$$L = \sum_{t=1}^T L_t$$",
        # Gradients have the shape of what they are taken by.
        math("right", r"\frac{\partial L_t}{\partial h_t} = W_{hy}^T \frac{\partial L_t}{\partial y_t}"),
        # The chain rule, in the order of rows of derivatives.
        math(HOLDS, r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t} + \frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}"),
        # The transpose of what that order needs; `test_opposite_layouts_are_noted`.
        math("right-under", r"\frac{\partial h_{t+1}}{\partial h_t} = W_{hh}^T \cdot \text{diag}(1 - h_{t+1}^2)", reading="denominator layout"),
        math(HOLDS, r"\frac{d}{dz} \tanh(z) = 1 - \tanh^2(z)"),
        # n×n times n×1: the slope belongs beside ∂L/∂h_t, entry by entry, before the transpose.
        math("right-under", r"\frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial h_t} \cdot h_{t-1}^T \cdot (1 - h_t^2)", reading="'·' broadcasts"),
        math("right-under", r"\frac{\partial L}{\partial W_{xh}} = \sum_{t=1}^T \frac{\partial L}{\partial h_t} \cdot x_t^T \cdot (1 - h_t^2)", reading="'·' broadcasts"),
        math("right", r"\frac{\partial L}{\partial W_{hy}} = \sum_{t=1}^T \frac{\partial L_t}{\partial y_t} \cdot h_t^T"),
    ],
    "002": [
        "h1 = fh(matmul(Wxh, x1) + matmul(Whh, h0) + bh)",
        "h2 = fh(matmul(Wxh, x2) + matmul(Whh, h1) + bh)",
        "y  = fy(matmul(Why, h2) + by)",
        "loss function at time step T = 2: L = L(y, y_true)",
        # y is fy(Why h2 + by), so that its derivative by h2 has the factor fy'.
        line("dL/dh2 = dL/dy ⋅ dy/dh2 where dy/dh2 = Why", "right", "wrong"),
        line("Thus, dL/dh2 = dL/dy ⋅ Why", "wrong"),
        # What step 2 adds. `1 - squared(h2) ⋅ a` is meant as (1 - h2²) ⋅ a, and fh as tanh.
        line("dL/dWhh (t = 2) = dL/dh2 ⋅ dh2/dWhh where dh2/dWhh = 1 - squared(h2) ⋅ transpose(h1)", HOLDS, "right-under", reading="grouping of 1 - h²"),
        # The left side is the whole gradient here, and the right side what one step adds.
        line("Thus, dL/dWhh = dL/dh2 ⋅ 1 - squared(h2) ⋅ transpose(h1)", "wrong"),
        line("dL/dh1 = dL/dh2 ⋅ dh2/dh1 where dh2/dh1 = 1 - squared(h2) ⋅ Whh", "right", "right-under", reading="diag of a vector"),
        line("Thus, dL/dh1 = dL/dh2 ⋅ 1 - squared(h2) ⋅ Whh", "right-under", reading="numerator layout"),
        # h1/dWhh for dh1/dWhh.
        line("dL/dWhh (t = 1) = dL/dh1 ⋅ h1/dWhh where dh1/dWhh = 1 - squared(h1) ⋅ transpose(h0)", FAULT, "right-under"),
        line("Thus, dL/dWhh = dL/dh1 ⋅ 1 - squared(h1) ⋅ transpose(h0)", "wrong"),
        # The sum of both shares, with `1 - squared(h)` as one factor.
        line("dL/dWhh = (dL/dh1 ⋅ 1 - squared(h1) ⋅ transpose(h0)) + (dL/dh2 ⋅ 1 - squared(h2) ⋅ transpose(h1))", "right-under", reading="grouping of 1 - h²"),
        line("dL/dWhh = sum t from 1 to 2 dL/dht ⋅ dht/dWhh where dht/dWhh = 1 - squared(ht) ⋅ transpose(ht-1)", "right-under", "right-under", reading="factor of an outer product"),
        line("Thus, dL/dWhh = sum t from 1 to 2 dL/dht ⋅ 1 - squared(ht) ⋅ transpose(ht-1)", "right-under", reading="grouping of 1 - h²"),
    ],
    "002, the second": [
        "z1 = matmul(Wxh, x1) + matmul(Whh, h0) + bh\nh1 = act(z1)",
        "z2 = matmul(Wxh, x2) + matmul(Whh, h1) + bh\nh2 = act(z2)",
        "z3 = matmul(Wxh, x3) + matmul(Whh, h2) + bh\nh3 = act(z3)",
        "z4 = matmul(Wxh, x4) + matmul(Whh, h3) + bh\nh4 = act(z4)",
        "y  = matmul(Why, h4) + by",
        "Loss function at time step T = 4 is L = L(y, y_true)",
        # y is linear here, and dL/dy a row where it is multiplied from the left.
        line("dL/dh4 = dL/dy ⋅ dy/dh4 where dy/dh4 = Why", "right", "right"),
        line("Thus, dL/dh4 = dL/dy ⋅ Why", "right-under", reading="numerator layout"),
        # act(z4)' is act'(z4); with it dh4/dWhh is the factor of an outer product.
        line("dL/dWhh (t = 4) = dL/dh4 ⋅ dh4/dWhh where dh4/dWhh = act(z4)' ⋅ transpose(h3)", HOLDS, "right-under", reading="factor of an outer product"),
        line("Thus, dL/dWhh (t = 4) = dL/dh4 ⋅ act(z4)' ⋅ transpose(h3)", "right-under"),
        # act(z4)' stands for its diagonal matrix.
        line("dL/dh3 = dL/dh4 ⋅ dh4/dh3 where dh4/dh3 = act(z4)' ⋅ Whh", "right", "right-under", reading="diag of a vector"),
        line("Thus, dL/dh3 = dL/dh4 ⋅ 1 - squared(h4) ⋅ Whh", "right-under", reading="act is tanh"),
        line("dL/dWhh (t = 3) = dL/dh3 ⋅ dh3/dWhh where dh3/dWhh = act(z3)' ⋅ transpose(h2)", HOLDS, "right-under", reading="factor of an outer product"),
        line("Thus, dL/dWhh (t = 3) = dL/dh3 ⋅ act(z3)' ⋅ transpose(h2)", "right-under"),
        line("dL/dh1 = dL/dh2 ⋅ dh2/dh1 where dh2/dh1 = act(z2)' ⋅ Whh", "right", "right-under", reading="diag of a vector"),
        # No step is before the first, so that here immediate and total derivative are one.
        line("dL/dWhh (t = 1) = dL/dh1 ⋅ dh1/dWhh where dh1/dWhh = act(z1)' ⋅ transpose(h0)", HOLDS, "right-under"),
        line("Thus, dL/dWhh (t = 1) = dL/dh1 ⋅ act(z1)' ⋅ transpose(h0)", "right-under"),
        line("dL/dWhh = (dL/dh1 ⋅ act(z1)' ⋅ transpose(h0)) + (dL/dh2 ⋅ act(z2)' ⋅ transpose(h1)) + (dL/dh3 ⋅ act(z3)' ⋅ transpose(h2)) + (dL/dh4 ⋅ act(z4)' ⋅ transpose(h3))", "right-under"),
    ],
    "003": [
        r"$\[ s_t = \tanh(W s_{t-1} + U x_t) \]$",
        r"$\[ O_t = V s_t \]$",
        r"$\[ \hat{y}_t = \text{softmax}(O_t) \]$",
        r"The cross-entropy loss for a single time step: $\[ E_t = - y_t \log(\hat{y}_t) \]$",
        math("right", r"\frac{\partial E_t}{\partial V} = \frac{\partial E_t}{\partial \hat{y}_t} \cdot \frac{\partial \hat{y}_t}{\partial O_t} \cdot \frac{\partial O_t}{\partial V}"),
        # -y/ŷ is the derivative by the probabilities; ŷ - y is that by the logits.
        math("wrong", r"\frac{\partial E_t}{\partial \hat{y}_t} = \hat{y}_t - y_t", correction=r"\frac{\partial E_t}{\partial O_t} = \hat{y}_t - y_t"),
        math("right-under", r"\frac{\partial O_t}{\partial V} = s_t", reading="factor of an outer product"),
        # The outer product without its transpose; the mistake above has gone.
        math("right-under", r"\frac{\partial E_t}{\partial V} = (\hat{y}_t - y_t) s_t", reading="juxtaposition"),
        math("right", r"\frac{\partial E_t}{\partial W} = \frac{\partial E_t}{\partial s_t} \cdot \frac{\partial s_t}{\partial W}"),
        # The immediate derivative, as the factor of an outer product.
        math("right-under", r"\frac{\partial s_t}{\partial W} = (1 - s_t^2) s_{t-1}", reading="factor of an outer product"),
        # Immediate derivatives by W; nothing of s_0 depends on it.
        math("right-under", r"\frac{\partial E}{\partial W} = \sum_{t=0}^T \sum_{k=t}^T \frac{\partial E_k}{\partial s_k} \cdot \frac{\partial s_k}{\partial s_t} \cdot \frac{\partial s_t}{\partial W}", reading="immediate by parameters"),
        math("right-under", r"\frac{\partial s_3}{\partial W} = \sum_k \frac{\partial s_3}{\partial s_k} \frac{\partial s_k}{\partial W}", reading="immediate on the right"),
        math("right-under", r"\frac{\partial s_3}{\partial U} = \sum_k \frac{\partial s_3}{\partial s_k} \frac{\partial s_k}{\partial U}", reading="immediate on the right"),
        math("right", r"\frac{\partial E}{\partial V} = \sum_t \frac{\partial E_t}{\partial V}"),
        math("right-under", r"\frac{\partial E}{\partial W} = \sum_t \sum_k \frac{\partial E_t}{\partial \hat{y}_t} \cdot \frac{\partial \hat{y}_t}{\partial O_t} \cdot \frac{\partial O_t}{\partial s_t} \cdot \frac{\partial s_t}{\partial s_k} \cdot \frac{\partial s_k}{\partial W}", reading="immediate by parameters"),
        math("right-under", r"\frac{\partial E}{\partial U} = \sum_t \sum_k \frac{\partial E_t}{\partial \hat{y}_t} \cdot \frac{\partial \hat{y}_t}{\partial O_t} \cdot \frac{\partial O_t}{\partial s_t} \cdot \frac{\partial s_t}{\partial s_k} \cdot \frac{\partial s_k}{\partial U}", reading="immediate by parameters"),
    ],
    "004": [
        "We want the gradients by $W_o$, $W_F$ and $W_R$, where $\\hat{y_t}$ depends on $o_t$.",
        # What one step adds: the error of all steps is a sum over t.
        math("right-under", r"\large{\dfrac{\delta\\E}{\delta\\W_o}=\dfrac{\delta\\E}{\delta\hat{y_t}}\dfrac{\delta\hat{y_t}}{\delta\\W_o}}", reading="share of one step"),
        # o_t doesn't depend on W_o, so that the right side is zero; W_F is meant.
        math("wrong", r"\large{\dfrac{\delta\\E}{\delta\\W_o}=\dfrac{\delta\\E}{\delta\hat{y_t}}\dfrac{\delta\hat{y_t}}{\delta\\o_t}\dfrac{\delta\\o_t}{\delta\\W_o}}"),
    ],
    "004, with its equations": [
        r"$$o_t = f(W_F x_t + W_R o_{t-1})$$ and $$\hat{y}_t = g(W_o o_t)$$ and $$E = \sum_t E_t(\hat{y}_t, y_t)$$",
        math("right-under", r"\frac{\partial E}{\partial W_o} = \frac{\partial E}{\partial \hat{y}_t} \frac{\partial \hat{y}_t}{\partial W_o}", reading="share of one step"),
        # The right side is zero; it is that of another weight.
        math("wrong", r"\frac{\partial E}{\partial W_o} = \frac{\partial E}{\partial \hat{y}_t} \frac{\partial \hat{y}_t}{\partial o_t} \frac{\partial o_t}{\partial W_o}"),
        # E is stated as the sum of all steps: the sum over t is missing.
        math("wrong", r"\frac{\partial E}{\partial W_F} = \frac{\partial E}{\partial \hat{y}_t} \frac{\partial \hat{y}_t}{\partial o_t} \frac{\partial o_t}{\partial W_F}"),
    ],
}  # fmt: skip


@cache
def report(name):
    pieces = DOCUMENTS[name]
    text = "\n\n".join(p.text if isinstance(p, Claims) else p for p in pieces) + "\n"
    file = "seed.txt" if name.startswith("002") else "seed.md"
    return check_document(Document(text, file))


def found_in(name, number):
    """The findings about claims that stand in a piece of a document."""
    pieces = [p.text if isinstance(p, Claims) else p for p in DOCUMENTS[name]]
    first = sum(p.count("\n") + 2 for p in pieces[:number]) + 1
    lines = range(first, first + pieces[number].count("\n") + 1)
    return [f for f in report(name).findings if f.line in lines and f.verdict is not None]


CLAIMS = [
    pytest.param(
        name, number,
    )
    for name, pieces in DOCUMENTS.items()
    for number, piece in enumerate(pieces)
    if isinstance(piece, Claims)
]  # fmt: skip


@pytest.mark.parametrize(("name", "number"), CLAIMS)
def test_each_claim_gets_the_verdict_it_deserves(name, number):
    claims = DOCUMENTS[name][number]
    found = [f.verdict for f in found_in(name, number)]
    assert len(found) == len(claims.verdicts)
    for verdict, expected in zip(found, claims.verdicts, strict=True):
        allowed = expected if isinstance(expected, frozenset) else {expected}
        assert verdict.verdict in allowed, verdict.reason
    said = " ".join(f"{r.name} {r.says}" for v in found for r in v.readings)
    assert claims.reading in said
    if claims.correction:
        assert [v.correction.text for v in found] == [claims.correction]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_gives_names_is_no_claim(name):
    for number, piece in enumerate(DOCUMENTS[name]):
        if not isinstance(piece, Claims):
            assert not found_in(name, number)


def test_opposite_layouts_are_noted():
    (note,) = report("001").notes
    assert "opposite layouts" in note
