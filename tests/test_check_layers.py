"""Documents about several layers, and errors with two numbers: each claim has a verdict."""

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document

NUMBERED = r"""
$$h^{(1)}_t = \tanh(W^{(1)} h^{(1)}_{t-1} + U^{(1)} x_t)$$
$$h^{(2)}_t = \tanh(W^{(2)} h^{(2)}_{t-1} + U^{(2)} h^{(1)}_t)$$
$$y_t = V h^{(2)}_t$$
$$L = \frac{1}{2}\sum_{t=1}^{T} \|y_t - d_t\|^2$$
Let $\delta^{(2)}_t = \frac{\partial L}{\partial h^{(2)}_t}$ and
$\delta^{(1)}_t = \frac{\partial L}{\partial h^{(1)}_t}$.
"""
GENERAL = r"""
$$a_t^{l} = W^{l} h_t^{l-1} + U^{l} h_{t-1}^{l} + b^{l}$$
$$h_t^{l} = \sigma(a_t^{l})$$
$$y_t = V h_t^{L} + c$$
$$E = \frac12 \sum_t \|y_t - d_t\|^2$$
Let $\delta_t^{l} = \frac{\partial E}{\partial a_t^{l}}$.
"""
BELOW = r"""
$$h_t^{(l)} = \tanh(W^{(l)} h_t^{(l-1)} + U^{(l)} h_{t-1}^{(l)}), \quad l = 1, \dots, L$$
with $h_t^{(0)} = x_t$ and
$$y_t = V h_t^{(L)}$$
$$E = \frac12 \sum_t \|y_t - d_t\|^2$$
Let $\delta_t^{(l)} = \frac{\partial E}{\partial h_t^{(l)}}$.
"""
NETWORK = r"""
$$z_t = U x_t + W s_{t-1}$$
$$s_t = \tanh(z_t)$$
$$\hat y_t = \mathrm{softmax}(V s_t)$$
$$E_t = -y_t \log \hat y_t$$
$$E = \sum_t E_t$$
"""
TWO_NUMBERS = NETWORK + r"$$\delta_2^{(3)} = \frac{\partial E_3}{\partial z_2}$$" "\n" \
    r"$$\delta_3^{(3)} = \frac{\partial E_3}{\partial z_3}$$"  # fmt: skip
TWO_STEPS = NETWORK + r"Let $\delta_k^{(t)} = \frac{\partial E_t}{\partial z_k}$."

CLAIMS = [
    (NUMBERED, r"\delta^{(2)}_t = V^T (y_t - d_t) + W^{(2)T} ( (1 - (h^{(2)}_{t+1})^2) \odot \delta^{(2)}_{t+1} )", True),
    (NUMBERED, r"\delta^{(2)}_t = V^T (y_t - d_t) + W^{(2)T} ( (1 - (h^{(2)}_{t})^2) \odot \delta^{(2)}_{t+1} )", False),
    (NUMBERED, r"\delta^{(1)}_t = U^{(2)T} ( (1 - (h^{(2)}_t)^2) \odot \delta^{(2)}_t )"
               r" + W^{(1)T} ( (1 - (h^{(1)}_{t+1})^2) \odot \delta^{(1)}_{t+1} )", True),
    (NUMBERED, r"\delta^{(1)}_t = W^{(1)T} ( (1 - (h^{(1)}_{t+1})^2) \odot \delta^{(1)}_{t+1} )", False),
    (GENERAL, r"\delta_t^{L} = (V^\top (y_t - d_t) + (U^{L})^\top \delta_{t+1}^{L}) \odot \sigma'(a_t^{L})", True),
    (GENERAL, r"\delta_t^{l} = ((W^{l+1})^\top \delta_t^{l+1} + (U^{l})^\top \delta_{t+1}^{l}) \odot \sigma'(a_t^{l})", True),
    (GENERAL, r"\delta_t^{l} = ((W^{l})^\top \delta_t^{l+1} + (U^{l})^\top \delta_{t+1}^{l}) \odot \sigma'(a_t^{l})", False),
    (GENERAL, r"\delta_t^{l} = ((W^{l+1})^\top \delta_t^{l+1} + (U^{l})^\top \delta_{t}^{l}) \odot \sigma'(a_t^{l})", False),
    (GENERAL, r"\delta_t^{l} = (W^{l+1})^\top \delta_t^{l+1} + (U^{l})^\top \delta_{t+1}^{l}", False),
    (GENERAL, r"\frac{\partial E}{\partial U^{l}} = \sum_t \delta_t^{l} (h_{t-1}^{l})^\top", True),
    (GENERAL, r"\frac{\partial E}{\partial U^{l}} = \sum_t \delta_t^{l} (h_{t}^{l})^\top", False),
    (GENERAL, r"\frac{\partial E}{\partial b^{l}} = \sum_t \delta_t^{l+1}", False),
    (BELOW, r"\delta_t^{(l)} = (W^{(l+1)})^T \mathrm{diag}(1 - (h_t^{(l+1)})^2) \delta_t^{(l+1)}"
            r" + (U^{(l)})^T \mathrm{diag}(1 - (h_{t+1}^{(l)})^2) \delta_{t+1}^{(l)}", True),
    (BELOW, r"\frac{\partial E}{\partial W^{(l)}} = \sum_t \mathrm{diag}(1 - (h_t^{(l)})^2) \delta_t^{(l)} (h_t^{(l-1)})^T", True),
    (BELOW, r"\frac{\partial E}{\partial W^{(l)}} = \sum_t \mathrm{diag}(1 - (h_t^{(l)})^2) \delta_t^{(l)} (h_{t-1}^{(l)})^T", False),
    (TWO_NUMBERS, r"\delta_2^{(3)} = (1-s_2^2) \odot W^T \delta_3^{(3)}", True),
    (TWO_NUMBERS, r"\delta_2^{(3)} = (1-s_3^2) \odot W^T \delta_3^{(3)}", False),
    (TWO_STEPS, r"\delta_k^{(t)} = (1-s_k^2) \odot W^T \delta_{k+1}^{(t)}", True),
    (TWO_STEPS, r"\delta_k^{(t)} = (1-s_{k+1}^2) \odot W^T \delta_{k+1}^{(t)}", False),
    (TWO_STEPS, r"\frac{\partial E_t}{\partial W} = \sum_{k=1}^{t} \delta_k^{(t)} s_{k-1}^T", True),
    (TWO_STEPS, r"\frac{\partial E_t}{\partial W} = \sum_{k=1}^{t} \delta_k^{(t)} s_{k}^T", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "holds"), CLAIMS)
def test_claims_about_layers(text, claim, holds):
    report = check_document(Document(f"{text}\n$${claim}$$\n"))
    found = report.findings[-1].verdict
    assert found.verdict in ({"right", "right-under"} if holds else {"wrong", "shape-error"})


@pytest.mark.parametrize(("said", "layers"), [("", 3), ("$L = 2$", 2)])
def test_as_many_layers_as_the_document_says(said, layers):
    claim = r"\delta_t^{(2)} = \frac{\partial E}{\partial h_t^{(2)}}"
    top = r"\frac{\partial y_t}{\partial h_t^{(2)}} = V"
    report = check_document(Document(f"{said}\n{BELOW}\n$${claim}$$\n$${top}$$\n"))
    (last,) = (f.verdict.verdict for f in report.findings if f.verdict)
    assert (last == "right") is (layers == 2)
