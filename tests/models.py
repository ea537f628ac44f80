"""Models that no book has: each is here for a node, a rule or a pattern of time it exercises.

The texts are as a user would give them; the second item holds keys of a model file.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from symbptt.calculus import Derivation, ForwardDerivation, derive, forward
from symbptt.model import Model, builtin_names, load
from symbptt.model.functions import ACTIVATIONS
from symbptt.model.terms import Dim, size

TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    # Two states, a lag of 2, a product between them, a loss at steps 2 and T only.
    "two-states": (
        r"""
        a_t = tanh(W_a a_{t-1} + V_a a_{t-2} + U_a x_t)
        b_t = sigmoid(W_b b_{t-1} + U_b x_t) ⊙ a_t
        y_t = W_y b_t
        L = \sum_{t \in \{2, T\}} squared_error(y_t, d_t)
        """,
        {},
    ),
    # Row vectors, as in frameworks.
    "rows": (
        r"""
        h_t = tanh(x_t W_xh + h_{t-1} W_hh + b_h)
        y_t = h_t W_hy + b_y
        L = \sum_{t=1}^{T} squared_error(y_t, d_t)
        """,
        {"shapes": {"b_h": "1, n", "b_y": "1, k"}},
    ),
    # A transposed weight, used untransposed as well; a matrix of outer products as state.
    "transposed": (
        r"""
        h_t = tanh(W^T h_{t-1} + U^T x_t + W b)
        M_t = M_{t-1} + h_t x_t^T
        L = \sum_{t=1}^{T} squared_error(M_t^T h_t, d_t)
        """,
        {"shapes": {"M": "n, m"}},
    ),
    # A scalar that scales a vector; a total; quotients; powers.
    "scaled": (
        r"""
        h_t = W h_{t-1} + U x_t
        a_t = w^T h_t
        c_t = sigmoid(a_t) h_t
        n_t = c_t / (2 + h_t^2)
        q_t = n_t / sum(c_t^3)
        L = \sum_{t=1}^{T} (sum(q_t ⊙ d_t) + 1/2 a_t^2)
        """,
        {},
    ),
    "roots": (
        r"""
        h_t = (x_t + W h_{t-1})^{1/2}
        g_t = h_t ⊙ sqrt(x_t)
        L = \sum_{t=1}^{T} squared_error(g_t, d_t)
        """,
        {},
    ),
    # Powers of roots, which stay what they are.
    "roots-raised": (
        r"""
        h_t = (x_t + W h_{t-1})^{1/2}
        g_t = (h_t^{1/2})^2 ⊙ (1 + h_t)^{-3/2} / (1 + h_t)^{1/2} / (1 + h_t)^{1/2} + g_{t-1}^2
        L = \sum_{t=1}^{T} binary_cross_entropy(sigmoid(g_t), d_t)
        """,
        {},
    ),
    "log-softmax": (
        r"""
        h_t = softmax(W h_{t-1} + U x_t)
        o_t = V h_t
        p_t = log_softmax(o_t)
        L = -\sum_{t=1}^{T} d_t^T p_t
        """,
        {},
    ),
    "logits": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = \sum_{t=1}^{T} softmax_cross_entropy(V h_t, d_t)
        """,
        {},
    ),
    "binary": (
        r"""
        h_t = sigmoid(W h_{t-1} + U x_t)
        L = \sum_{t=1}^{T} (binary_cross_entropy(h_t, d_t) + 2 binary_cross_entropy_with_logits(V h_t, e_t))
        """,
        {},
    ),
    # Functions known by name alone, of several vectors.
    "abstract": (
        r"""
        h_t = f(x_t, h_{t-1}, w_h)
        o_t = g(h_t, w_o)
        L = \sum_{t=1}^{T} l(y_t, o_t)
        """,
        {"functions": ["f", "g", "l"], "shapes": {"h": "n", "x": "m", "w_h": "p", "o": "k", "y": "k", "w_o": "q"}},
    ),
    # The same with rows: one argument a row, one a column.
    "abstract-rows": (
        r"""
        h_t = f(x_t, h_{t-1}, w)
        y_t = h_t V
        L = \sum_{t=1}^{T} squared_error(y_t, d_t)
        """,
        {"functions": ["f"], "shapes": {"h": "1, n", "x": "m", "w": "1, p", "V": "n, k"}},
    ),
    # A gate, an update from the last step's input, a learned and a zero initial value.
    "gated": (
        r"""
        z_t = sigmoid(W_z x_t + U_z h_{t-1} + b_z)
        r_t = sigmoid(W_r x_{t-1} + U_r h_{t-1})
        n_t = tanh(W_n x_t + r_t ⊙ (U_n h_{t-1}))
        h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
        h_0 = h_init
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {},
    ),
    "gates-inline": (
        r"""
        i_t = sigmoid(W_i x_t + U_i h_{t-1} + b_i)
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
        c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
        h_t = o_t ⊙ tanh(c_t)
        y_t = softmax(V h_t)
        h_0 = 0
        L = \sum_{t=1}^{T} cross_entropy(y_t, d_t)
        """,
        {"functions": []},
    ),
    # The parameter is in the loss itself.
    "penalty": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = \sum_{t=1}^{T} (squared_error(h_t, d_t) + 1/10 sum(W ⊙ W)) + sum(h_T^2)
        """,
        {},
    ),
    # Penalties that no step bears, a hyperparameter in the recurrence and one in a penalty.
    "weight-decay": (
        r"""
        h_t = (1 - \alpha) h_{t-1} + \alpha tanh(W h_{t-1} + U x_t)
        L = \sum_{t=2}^{T} squared_error(h_t, d_t) + \frac{\lambda}{2} (\|W\|_F^2 + \mu \|U\|^2)
        """,
        {"hyperparameters": ["alpha", "lambda"]},
    ),
    # Steps named from both ends, which meet in short sequences; an input that cancels.
    "two-ends": (
        r"""
        h_t = tanh(W h_{t-1} + U (x_t + e_t - e_t))
        L = squared_error(h_4, d_4) + 3 squared_error(h_{T-3}, d_{T-3})
        """,
        {},
    ),
    # The first state is a parameter of its own.
    "learned-start": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t + b)
        h_0 = s
        L = \sum_t squared_error(h_t, d_t)
        """,
        {},
    ),
    # The factor of the loss cancels the one of the square.
    "half-square": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = \sum_t 1/2 (h_t - d_t)^T (h_t - d_t)
        """,
        {},
    ),
    # An output that looks back, and a loss at the end: most of its adjoints are zero.
    "late-output": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        y_t = C h_t + D h_{t-1}
        L = squared_error(y_T, d_T)
        """,
        {},
    ),
    "all-but-last": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = \sum_{t=1}^{T-1} squared_error(h_t, d_t)
        """,
        {},
    ),
    "third-step": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = \sum_{t \in \{3\}} squared_error(h_t, d_t)
        """,
        {},
    ),
    "last-but-one": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = squared_error(h_{T-1}, d_{T-1})
        """,
        {},
    ),
    # Probabilities without a name for what they are made of: the division cancels all the same.
    "unnamed-logits": (
        r"""
        h_t = h_{t-1} + A tanh(W h_{t-1} + U x_t)
        p_t = sigmoid(V h_t + c)
        L = \sum_t binary_cross_entropy(p_t, d_t)
        """,
        {},
    ),
    # A product of neighbours whose loss begins late: the adjoint is a number, but not at once.
    "neighbours": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        c_t = h_t^T h_{t-1}
        L = \sum_{t=2}^{T} c_t
        """,
        {},
    ),
    # The root of a square is the absolute value.
    "absolute": (
        r"""
        h_t = tanh(W h_{t-1} + (U x_t ⊙ U x_t)^{1/2})
        L = \sum_t squared_error(h_t, d_t)
        """,
        {},
    ),
    # A matrix state that enters entry by entry has no Jacobian in one matrix.
    "decaying-memory": (
        r"""
        M_t = M_{t-1} ⊙ G + (V x_t) (K x_t)^T
        y_t = M_t (Q x_t)
        L = squared_error(y_T, d_T)
        """,
        {"shapes": {"M": "n, m"}},
    ),
    # A state that reaches the loss through a delay only.
    "delayed": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        z_t = R h_{t-2} + S z_{t-1}
        L = squared_error(z_T, d_T)
        """,
        {},
    ),
    # Nothing is given but the initial state.
    "autonomous": (
        r"""
        a_t = tanh(W a_{t-1} + u)
        L = \sum_t (u^T a_t)^2
        """,
        {},
    ),
    # Weights before the sum: the number of steps, and a parameter.
    "mean-loss": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t) / T
        L = \frac{1}{T} \sum_t squared_error(h_t, d_t) + a \sum_t (u^T h_t)^2 - 0.5 squared_error(h_T, e_T)
        """,
        {},
    ),
    # Functions of the model's own, one with a parameter, one of two arguments.
    "own-functions": (
        r"""
        swish(z) = z * sigmoid(beta z) + gamma
        mix(a, b) = s * a + (1 - s) * b
        h_t = mix(swish(W h_{t-1} + U x_t), h_{t-1})
        L = \sum_t squared_error(h_t, d_t)
        """,
        {},
    ),
    # Layer normalisation: means over a vector, scalars added to vectors.
    "layer-norm": (
        r"""
        a_t = W h_{t-1} + U x_t
        m_t = mean(a_t)
        s_t = sqrt(mean((a_t - m_t)^2) + 0.00001)
        h_t = tanh(g ⊙ (a_t - m_t) / s_t + b)
        L = \sum_t mean((h_t - d_t)^2)
        """,
        {},
    ),
    # A state that reaches the loss at the next step only, beside a loss at numbered steps.
    "one-step-late": (
        r"""
        h_t = sigmoid(g_{t-1} ⊙ h_{t-1})
        g_t = sigmoid(W g_{t-1} - g_{t-1} ⊙ h_{t-1})
        L = \sum_{t=1}^{T} squared_error(g_t, d_t) - \sum_{t=2}^{3} squared_error(g_t, d_t)
        """,
        {},
    ),
    # A state that no other quantity needs, and whose size nothing that is given has.
    "unsized": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        M_t = cos(M_{t-1})
        M_0 = 0
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {"shapes": {"M": "p, q"}},
    ),
    # What one equation gives to u cancels, and so u never reaches the loss.
    "cancelled": (
        r"""
        u_t = tanh(b + u_{t-1})
        h_t = W h_{t-1} + u_t ⊙ x_t - x_t ⊙ u_t
        L = \sum_{t=1}^{T} squared_error(h_t, d_t) + \sum_t sum(u_t) - \sum_t sum(u_t)
        """,
        {},
    ),
    # A loss that cancels, but not within one sum.
    "cancelled-over-time": (
        r"""
        h_t = W x_t
        g_t = V x_t
        L = \sum_{t=1}^{T} sum(h_t) - \sum_{t=1}^{T-1} sum(h_t) - sum(h_T) + sum(g_T)
        """,
        {},
    ),
    # A state that reaches the loss of step 1 by its initial value only.
    "start-alone": (
        r"""
        h_t = tanh(W u_{t-1})
        u_t = V x_t
        u_0 = s
        L = squared_error(h_1, d_1)
        """,
        {},
    ),
    # A learned start that the equation of step 1 uses, where only steps 2 and T bear a loss.
    "start-before-loss": (
        r"""
        c_t = tanh(W c_{t-1})
        u_t = c_t ⊙ c_{t-2} ⊙ b
        c_0 = b
        c_{-1} = b
        L = \sum_{t \in \{2, T\}} squared_error(u_t, d_t)
        """,
        {},
    ),
    # Probabilities inside the loss: what its derivative divides by cancels.
    "probabilities-in-loss": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        L = \sum_t (binary_cross_entropy(sigmoid(V h_t), d_t) + cross_entropy(softmax(h_t), e_t))
        """,
        {},
    ),
    # A state that is a matrix, first used at the step after its own.
    "fast-weights": (
        r"""
        h_t = tanh(A_{t-1} x_t + W x_t)
        A_t = A_{t-1} + h_t x_t^T
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {"shapes": {"A": "n, m"}},
    ),
    # Vectors on top of one another, a number and a mean among them; equal parts, each used once,
    # twice or not at all.
    "stacked": (
        r"""
        s_t = [h_{t-1}; x_t; 1]
        z_t = W s_t + [b; c ⊙ part(z_{t-1}, 3, 3); V x_t]
        h_t = tanh(part(z_t, 2, 3)) ⊙ sigmoid(part(z_t, 1, 3)) - part(z_{t-1}, 1, 3)
        y_t = softmax([U h_t; mean([h_t; z_t]); part(z_t, 1, 3)])
        L = \sum_{t=1}^{T} cross_entropy(y_t, d_t)
        """,
        {"shapes": {"h": "n", "b": "n"}},
    ),
    # The same side by side, of rows; a part that the whole stands beside.
    "rows side by side": (
        r"""
        z_t = [h_{t-1}, x_t] W + b
        h_t = tanh(part(z_t, 1, 2) ⊙ part(z_t, 2, 2)) + z_t V
        L = \sum_{t=1}^{T} squared_error([h_t, a], d_t)
        """,
        {"shapes": {"h": "1, n", "x": "1, m", "a": "1, k"}},
    ),
    # Scalars on top of one another make a vector, whose parts are scalars.
    "scalars stacked": (
        r"""
        u_t = tanh(W [a_{t-1}; x_t] + part(p, 2, 2) ⊙ b)
        a_t = part(u_t, 1, 2) - part(u_t, 2, 2)
        L = \sum_{t=1}^{T} squared_error([a_t; part(p, 1, 2)], d_t)
        """,
        {"shapes": {"a": "1", "x": "1"}},
    ),
    # Functions of a whole vector inside the recurrence.
    "log-probabilities": (
        r"""
        h_t = log_softmax(W h_{t-1} + U x_t)
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {},
    ),
    # An initial value that reaches the loss, though the state doesn't carry it on.
    "one-lag": (
        r"""
        u_t = A x_t + b
        y_t = B u_{t-1} + C x_{t-1}
        L = \sum_{t=1}^{T} squared_error(y_t, d_t)
        """,
        {},
    ),
    # The sum of a matrix, whose derivative by it is a row of as many ones.
    "matrix-sum": (
        r"""
        h_t = tanh(W h_{t-1} + sum(B) + 2 mean(B ⊙ B) + x_t)
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {"shapes": {"B": "n, p"}},
    ),
    # A state that never reaches the loss.
    "dead-end": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        q_t = a ⊙ q_{t-1} + h_t
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {},
    ),
    # A weight in the recurrence and in the loss, a state that is transposed.
    "tied": (
        r"""
        h_t = tanh(W h_{t-1} + U x_t)
        s_t = (h_t^T W)^T + s_{t-1}
        L = \sum_{t=1}^{T} squared_error(W s_t, d_t)
        """,
        {},
    ),
    # Derivatives that are one number for all samples.
    "counter": (
        r"""
        h_t = h_{t-1} + b
        L = \sum_{t=1}^{T} a h_t
        """,
        {"shapes": {"h": "1", "b": "1"}},
    ),
    # A pass that starts from the last pre-activation of the one before, and that one from a
    # hyperparameter.
    "handed over": (
        r"""
        a_t = A u_{t-1} + B x_t
        u_t = tanh(a_t)
        h_t = tanh(W h_{t-1} + U w_t)
        u_0 = s
        h_0 = a_T
        L = \sum_t squared_error(h_t, d_t) + \sum_t squared_error(u_t, e_t)
        """,
        {"hyperparameters": ["s"]},
    ),
    # One recurrence each way, the second started from the last value of the first and read at two
    # steps by a third pass, whose own recurrence starts from the first value of the second; losses
    # in two passes, of which one reads the logits of another quantity.
    "both ways": (
        r"""
        f_t = tanh(A f_{t-1} + B x_t)
        b_t = tanh(C b_{t+1} + D x_{t-1} + f_t)
        g_t = sigmoid(E g_{t-1} + b_t + b_{t-1})
        p_t = softmax(f_t)
        b_{T+1} = f_T
        b_0 = 0
        g_0 = b_T
        L = \sum_t cross_entropy(p_t, e_t) + \sum_{t=2}^{T} squared_error(F g_t + b_t, d_t)
        """,
        {},
    ),
    # A second pass that reads the first at later steps than its own.
    "second pass": (
        r"""
        h_t = tanh(W h_{t-1} + U x_{t+1} + x_t)
        g_t = tanh(V g_{t-1} + h_{t+1})
        L = \sum_t squared_error(g_t, d_t)
        """,
        {},
    ),
    # From T to 1 alone, two steps at once; nothing is kept for another pass.
    "backwards": (
        r"""
        h_t = tanh(W h_{t+1} + V h_{t+2} + U x_t)
        L = \sum_{t=1}^{T} squared_error(R h_t, d_t)
        """,
        {},
    ),
    # An input used before its own step.
    "next input": (
        r"""
        h_t = tanh(W h_{t-1} + U x_{t+1} + V x_t)
        L = \sum_{t=1}^{T} squared_error(h_t, d_t)
        """,
        {},
    ),
    "scalars": (
        r"""
        h_t = w h_{t-1} + v h_{t-3} + x_t
        L = \sum_{t=1}^{T} h_t^2
        """,
        {"shapes": {"h": "1", "x": "1"}},
    ),
}  # fmt: skip


def some(names: Iterable[str]) -> list[Any]:
    """Names for a test that is as much the same for all: most of them are tried by slow runs."""
    core = CORE.__contains__
    return [n if core(n) else pytest.param(n, marks=pytest.mark.slow) for n in names]


#: Between them all forms: gates, lags, stacks, several passes, both directions, rows, scalars.
CORE = frozenset(
    ["elman", "gru", "narx", "lstm-stacked", "elman-bidirectional", "seq2seq", "elman-linear",
     "gated", "stacked", "rows side by side", "weight-decay", "both ways", "next input", "abstract"]
)  # fmt: skip

#: One model for each activation, which is used inside the recurrence.
for _name in ACTIVATIONS:
    TEXTS[f"with {_name}"] = (
        f"h_t = {_name}(W h_{{t-1}} + U x_t); L = \\sum_{{t=1}}^{{T}} squared_error(V h_t, d_t)",
        {},
    )

NAMES = (*builtin_names(), *TEXTS)


@cache
def model(name: str) -> Model:
    """A model of the suite."""
    if name in builtin_names():
        return load(name)
    text, options = TEXTS[name]
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    return load(lines, name=name, **options)


@cache
def derivation(name: str) -> Derivation:
    """Its derivation, with the gradients by its inputs."""
    return derive(model(name), inputs=True)


@cache
def forward_derivation(name: str) -> ForwardDerivation:
    """Its derivation in forward mode."""
    return forward(derive(model(name)))


def arrays(
    model: Model, T: int, batch: int | None, dtype: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Arrays for a model, each dimension of another size."""
    rng = np.random.default_rng(0)
    sizes = {name: 3 + 8 * i for i, name in enumerate(model.dimensions)}

    def array(*dims: Dim) -> np.ndarray:
        shape = [size(d, sizes) for d in dims if d != 1]
        return np.asarray(rng.normal(size=shape) / 2, dtype)

    lead: tuple[int, ...] = (T,) if batch is None else (T, batch)
    params = {v.name: array(*v.shape) for v in model.timeless}
    return params, {v.name: array(*lead, *v.shape) for v in model.given}
