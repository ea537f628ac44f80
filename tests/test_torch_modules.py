"""Modules of PyTorch as models: the same loss and the same gradients as torch autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symbptt
from symbptt.calculus import derive
from symbptt.compile import compile_gradient
from symbptt.errors import RequestError, SymbpttError
from symbptt.model import load

TOLERANCE = 1e-10
LOSS = r"L = \sum_{t=1}^{T} squared_error(h_t, d_t)"
CONFIGURATIONS = [(T, batch) for T in (1, 2, 5) for batch in (None, 3)]
n, m = 3, 2

MODULES: dict[str, tuple[str, dict[str, Any]]] = {
    "RNN tanh": ("RNN", {}),
    "RNN relu": ("RNN", {"nonlinearity": "relu"}),
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {}),
}


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch")


def built(torch: Any, kind: str, **options: Any) -> Any:
    """A module in float64, the same in every run."""
    torch.manual_seed(0)
    return getattr(torch.nn, kind)(m, n, **options).double()


def drawn(torch: Any, *shape: int) -> Any:
    return torch.randn(*shape, dtype=torch.float64)


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / (np.abs(expected).max() or 1))


def assert_same_gradients(
    torch: Any,
    module: Any,
    loss: str,
    loss_of: Callable[[Any, Any], Any],
    given: bool = True,
) -> None:
    """Loss and gradients, those by initial states too, against torch's; for each T and batch."""
    found = symbptt.from_torch(module, loss)
    f = compile_gradient(derive(found.model, inputs=True))
    for T, batch in CONFIGURATIONS:
        lead = () if batch is None else (batch,)
        x, d = drawn(torch, T, *lead, m).requires_grad_(), drawn(torch, T, *lead, n)
        ways = 2 if module.bidirectional else 1
        shape = (module.num_layers * ways, *lead, n)
        states = {name: drawn(torch, *shape).requires_grad_() for name in found.states}
        hx = tuple(states.values()) if len(states) > 1 else states["h_0"]
        module.zero_grad()
        expected = loss_of(module(x, hx if given else None)[0], d)
        expected.backward()

        inputs = {"x": x.detach().numpy(), "d": d.numpy()}
        for name, keys in found.states.items() if given else ():
            inputs |= zip(keys, states[name].detach().numpy(), strict=True)
        value, grads = f(found.params, inputs)
        assert value == pytest.approx(expected.item(), rel=1e-12)
        by_name = found.grads(grads)
        assert {*by_name} == {name for name, _ in module.named_parameters()}
        for name, p in module.named_parameters():
            assert by_name[name].shape == tuple(p.shape)
            assert p.grad.any() or (T, batch) != (5, 3)
            assert relative_error(by_name[name], p.grad.numpy()) < TOLERANCE, name
        assert relative_error(grads["x"], x.grad.numpy()) < TOLERANCE
        for name, keys in found.states.items() if given else ():
            stacked = np.stack([grads[key] for key in keys])
            assert relative_error(stacked, states[name].grad.numpy()) < TOLERANCE, name


def half_square(out: Any, d: Any) -> Any:
    return ((out - d) ** 2).sum() / 2


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", MODULES)
def test_gradients_are_those_of_autograd(torch: Any, name: str, layers: int, bias: bool) -> None:
    kind, options = MODULES[name]
    module = built(torch, kind, num_layers=layers, bias=bias, **options)
    assert_same_gradients(torch, module, LOSS, half_square)


@pytest.mark.parametrize("name", MODULES)
def test_so_are_they_of_three_layers_that_start_at_zero(torch: Any, name: str) -> None:
    kind, options = MODULES[name]
    module = built(torch, kind, num_layers=3, **options)
    assert_same_gradients(torch, module, LOSS, half_square, given=False)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", MODULES)
def test_so_are_they_in_both_directions(torch: Any, name: str, layers: int, bias: bool) -> None:
    kind, options = MODULES[name]
    module = built(torch, kind, num_layers=layers, bias=bias, bidirectional=True, **options)
    loss = r"L = \sum_{t=1}^{T} (squared_error(hf_t, d_t) + 2 squared_error(hb_t, d_t))"
    assert_same_gradients(
        torch,
        module,
        loss,
        lambda h, d: half_square(h[..., :n], d) + 2 * half_square(h[..., n:], d),
    )


@pytest.mark.parametrize(
    ("kind", "cell", "output"),
    [
        ("RNN", "elman", "o_t = W_hy h_t + b_y; y_t = softmax(o_t)"),
        ("LSTM", "lstm", "y_t = W_y h_t + b_y"),
        ("GRU", "gru", "y_t = W_y h_t + b_y"),
    ],
)
def test_one_layer_is_the_built_in_cell(torch: Any, kind: str, cell: str, output: str) -> None:
    cell = load(cell)
    model = symbptt.from_torch(built(torch, kind), cell.loss_text, output).model
    assert [replace(e, line=1) for e in model.equations] == [
        replace(e, line=1) for e in cell.equations
    ]
    assert model.loss == cell.loss
    assert model.variables == cell.variables


def test_a_layer_adds_its_number(torch: Any) -> None:
    text = symbptt.from_torch(built(torch, "RNN", num_layers=2), LOSS).model.text
    assert text.splitlines() == [
        r"z^{(1)}_t = W^{(1)}_hh h^{(1)}_{t-1} + W^{(1)}_xh x_t + b^{(1)}_h",
        r"h^{(1)}_t = tanh(z^{(1)}_t)",
        r"z^{(2)}_t = W^{(2)}_hh h_{t-1} + W^{(2)}_xh h^{(1)}_t + b^{(2)}_h",
        r"h_t = tanh(z^{(2)}_t)",
    ]


def test_a_direction_adds_its_letter_and_reads_both_outputs_below(torch: Any) -> None:
    module = built(torch, "RNN", num_layers=2, bidirectional=True)
    found = symbptt.from_torch(module, r"L = \sum_{t=1}^{T} (sum(hf_t) + sum(hb_t))")
    assert found.model.text.splitlines()[-4:] == [
        r"z^{(2,f)}_t = W^{(2,f)}_hh hf_{t-1} + W^{(2,f)}_xh hf^{(1)}_t + V^{(2,f)}_xh hb^{(1)}_t + b^{(2,f)}_h",
        r"hf_t = tanh(z^{(2,f)}_t)",
        r"z^{(2,b)}_t = W^{(2,b)}_hh hb_{t+1} + W^{(2,b)}_xh hf^{(1)}_t + V^{(2,b)}_xh hb^{(1)}_t + b^{(2,b)}_h",
        r"hb_t = tanh(z^{(2,b)}_t)",
    ]
    assert found.states == {"h_0": ("hf_1_0", "hb_1_T+1", "hf_0", "hb_T+1")}


def test_an_output_and_a_learned_initial_state(torch: Any) -> None:
    module = built(torch, "LSTM")
    found = symbptt.from_torch(
        module, r"L = softmax_cross_entropy(y_T, d_T)", "y_t = V h_t + b; h_0 = s"
    )
    T, B, k = 4, 3, 5
    V, b, s = (drawn(torch, *shape).requires_grad_() for shape in ((k, n), (k,), (n,)))
    x, d = drawn(torch, T, B, m), drawn(torch, T, B, k).softmax(-1)
    out, _ = module(x, (s.expand(1, B, n), torch.zeros(1, B, n, dtype=s.dtype)))
    expected = -(d[-1] * (out[-1] @ V.T + b).log_softmax(-1)).sum()
    expected.backward()
    own = {"V": V, "b": b, "s": s}
    params = {**found.params, **{name: p.detach().numpy() for name, p in own.items()}}
    value, grads = symbptt.compile(found.model)(params, {"x": x.numpy(), "d": d.numpy()})
    assert value == pytest.approx(expected.item(), rel=1e-12)
    for name, p in own.items():
        assert relative_error(grads[name], p.grad.numpy()) < TOLERANCE
    for name, gradient in found.grads(grads).items():
        assert relative_error(gradient, module.get_parameter(name).grad.numpy()) < TOLERANCE


def test_single_precision_stays_single_and_weights_are_copies(torch: Any) -> None:
    module = torch.nn.GRU(m, n)
    found = symbptt.from_torch(module, LOSS)
    before = {name: p.copy() for name, p in found.params.items()}
    with torch.no_grad():
        for p in module.parameters():
            p.add_(1)
    assert all(np.array_equal(found.params[name], p) for name, p in before.items())
    x, d = (np.ones((4, size), dtype=np.float32) for size in (m, n))
    _, grads = symbptt.compile(found.model)(found.params, {"x": x, "d": d})
    assert {g.dtype for g in found.grads(grads).values()} == {np.dtype(np.float32)}


REFUSED = {
    "a linear layer": (lambda nn: nn.Linear(m, n), "reads a torch.nn.RNN, LSTM or GRU, not a Linear"),
    "a single cell": (lambda nn: nn.LSTMCell(m, n), "not an LSTMCell"),
    "no module": (lambda nn: "lstm", "not a str"),
    "a class of one's own": (lambda nn: type("MyLSTM", (nn.LSTM,), {})(m, n), "not a MyLSTM"),
    "one of its name": (lambda nn: type("LSTM", (nn.LSTM,), {})(m, n), "not an LSTM"),
    "dropout": (lambda nn: nn.GRU(m, n, 2, dropout=0.5), r"dropout=0.5 is random; set it to 0"),
    "a projection": (lambda nn: nn.LSTM(m, n, proj_size=2), "proj_size=2 is not read"),
    "half precision": (lambda nn: nn.RNN(m, n).half(), "weights are float16; call module.double"),
    "no values": (lambda nn: nn.GRU(m, n, device="meta"), "has no values, on the device 'meta'"),
    "more weights": (lambda nn: with_another(nn, nn.RNN(m, n)), "other parameters than a torch.nn.RNN"),
}  # fmt: skip


#: Losses that use no output of a module.
LOSSES_OF_NOTHING = {
    "of another network": ({}, LOSS.replace("h_t", "z_t"), "loss:1:1: .* z_t and d_t are taken as given; the module's output is h_t"),
    "of both halves as one": ({"bidirectional": True}, LOSS, "loss:1:34: h_t is no quantity of this model; a bidirectional module's outputs are hf_t and hb_t"),
    "of the last step of both": ({"bidirectional": True}, "L = squared_error(h_T, d_T)", "h_t is no quantity of this model"),
    "that can't be read": ({}, "L = squared_error(h_T, d_T", r"loss:1:18: the bracket '\(' is never closed"),
    "of nothing": ({}, "", "no loss"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES_OF_NOTHING)
def test_a_loss_that_uses_no_output_is_refused_at_its_place(torch: Any, name: str) -> None:
    options, loss, words = LOSSES_OF_NOTHING[name]
    with pytest.raises(SymbpttError, match=words) as refused:
        symbptt.from_torch(built(torch, "LSTM", **options), loss)
    assert "\n" not in refused.value.headline


def test_equations_of_an_output_may_stand_with_the_loss(torch: Any) -> None:
    module = built(torch, "LSTM", bidirectional=True)
    halves = "h_t = V hf_t + W hb_t"
    apart = symbptt.from_torch(module, LOSS, halves).model
    assert str(apart) == str(symbptt.from_torch(module, f"{halves}\n{LOSS}").model)


def with_another(nn: Any, module: Any) -> Any:
    module.register_parameter("scale", nn.Parameter(module.weight_ih_l0.detach().clone()))
    return module


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_line(torch: Any, name: str) -> None:
    build, words = REFUSED[name]
    with pytest.raises(RequestError, match=words) as refused:
        symbptt.from_torch(build(torch.nn), LOSS)
    assert "\n" not in str(refused.value)


def test_states_are_the_initial_values_that_a_caller_gives(torch: Any) -> None:
    module = built(torch, "LSTM", num_layers=2)
    found = symbptt.from_torch(module, LOSS, equations="h_0 = s; c^{(1)}_0 = 0")
    assert found.states == {"h_0": ("h_1_0",), "c_0": ("c_2_0",)}
    assert "s" in {v.name for v in found.model.parameters}
    none = symbptt.from_torch(built(torch, "GRU"), LOSS, equations="h_0 = 0")
    assert none.states == {"h_0": ()}
