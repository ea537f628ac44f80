r"""LSTM with coupled input and forget gates, f = 1 - i, without peepholes: softmax output,
    cross-entropy at every step.

The loss of this model and its gradients by backpropagation through time:

    \bar{i}_t = W_i x_t + U_i h_{t-1} + b_i
    i_t = σ(\bar{i}_t)
    \bar{g}_t = W_g x_t + U_g h_{t-1} + b_g
    g_t = tanh(\bar{g}_t)
    c_t = (1 - i_t) ⊙ c_{t-1} + i_t ⊙ g_t
    \bar{o}_t = W_o x_t + U_o h_{t-1} + b_o
    o_t = σ(\bar{o}_t)
    h_t = o_t ⊙ tanh(c_t)
    y_t = W_y h_t + b_y
    L = \sum_{t=1}^{T} softmax_cross_entropy(y_t, d_t)

Call ``loss, grads = loss_and_gradients(params, inputs)``. The arrays are all float32 or all
float64. The loss is the sum over steps and batch; each gradient has the shape of its array.

    params["W_i"]  (n, m)
    params["U_i"]  (n, n)
    params["b_i"]  (n,)
    params["W_g"]  (n, m)
    params["U_g"]  (n, n)
    params["b_g"]  (n,)
    params["W_o"]  (n, m)
    params["U_o"]  (n, n)
    params["b_o"]  (n,)
    params["W_y"]  (k, n)
    params["b_y"]  (k,)
    inputs["x"]    (T, B, m) or (T, m), input
    inputs["d"]    (T, B, k) or (T, k), target
    inputs["h_0"]  (B, n) or (n,), zero if left out
    inputs["c_0"]  (B, n) or (n,), zero if left out

Written by symbptt 0.1.0 from the model 'lstm-coupled'. It needs NumPy alone.
"""

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np


def loss_and_gradients(params, inputs):
    """Return the loss and its gradients, by symbol name.

    Raises ArrayError, a ValueError, that names the array that does not fit.
    """
    given = Arrays(params, inputs)
    T = given.T
    W_i = given["W_i"]
    U_i = given["U_i"]
    b_i = given["b_i"]
    W_g = given["W_g"]
    U_g = given["U_g"]
    b_g = given["b_g"]
    W_o = given["W_o"]
    U_o = given["U_o"]
    b_o = given["b_o"]
    W_y = given["W_y"]
    b_y = given["b_y"]
    x = given.steps("x")
    d = given.steps("d")
    i_bar = {}
    h = {0: given.initial("h_0")}
    i = {}
    g_bar = {}
    g = {}
    c = {0: given.initial("c_0")}
    o_bar = {}
    o = {}
    y = {}

    loss = 0.0
    for t in range(1, T + 1):
        # \bar{i}_t = W_i x_t + U_i h_{t-1} + b_i
        i_bar[t] = x[t] @ W_i.T + h[t - 1] @ U_i.T + b_i
        # i_t = σ(\bar{i}_t)
        i[t] = sigmoid(i_bar[t])
        # \bar{g}_t = W_g x_t + U_g h_{t-1} + b_g
        g_bar[t] = x[t] @ W_g.T + h[t - 1] @ U_g.T + b_g
        # g_t = tanh(\bar{g}_t)
        g[t] = np.tanh(g_bar[t])
        # c_t = (1 - i_t) ⊙ c_{t-1} + i_t ⊙ g_t
        c[t] = (1 - i[t]) * c[t - 1] + i[t] * g[t]
        # \bar{o}_t = W_o x_t + U_o h_{t-1} + b_o
        o_bar[t] = x[t] @ W_o.T + h[t - 1] @ U_o.T + b_o
        # o_t = σ(\bar{o}_t)
        o[t] = sigmoid(o_bar[t])
        # h_t = o_t ⊙ tanh(c_t)
        h[t] = o[t] * np.tanh(c[t])
        # y_t = W_y h_t + b_y
        y[t] = h[t] @ W_y.T + b_y
        # L = \sum_{t=1}^{T} softmax_cross_entropy(y_t, d_t)
        loss -= np.sum(d[t] * log_softmax(y[t]))

    grad_W_i = np.zeros_like(W_i)
    grad_U_i = np.zeros_like(U_i)
    grad_b_i = np.zeros_like(b_i)
    grad_W_g = np.zeros_like(W_g)
    grad_U_g = np.zeros_like(U_g)
    grad_b_g = np.zeros_like(b_g)
    grad_W_o = np.zeros_like(W_o)
    grad_U_o = np.zeros_like(U_o)
    grad_b_o = np.zeros_like(b_o)
    grad_W_y = np.zeros_like(W_y)
    grad_b_y = np.zeros_like(b_y)
    d_y = {}
    d_h = {}
    d_o_bar = {}
    d_c = {}
    d_g_bar = {}
    d_i_bar = {}
    # δ^v_t is the derivative of L by v_t.
    for t in range(T, 0, -1):
        # δ^y_t = sum(d_t) softmax(y_t) - d_t
        d_y[t] = np.sum(d[t], axis=1, keepdims=True) * softmax(y[t]) - d[t]
        # δ^h_t = W_yᵀ δ^y_t + U_iᵀ δ^i_bar_{t+1} + U_gᵀ δ^g_bar_{t+1} + U_oᵀ δ^o_bar_{t+1}
        d_h[t] = d_y[t] @ W_y
        if t < T:
            d_h[t] += d_i_bar[t + 1] @ U_i
            d_h[t] += d_g_bar[t + 1] @ U_g
            d_h[t] += d_o_bar[t + 1] @ U_o
        # δ^o_bar_t = δ^h_t ⊙ tanh(c_t) ⊙ o_t ⊙ (1 - o_t)
        d_o_bar[t] = d_h[t] * np.tanh(c[t]) * o[t] * (1 - o[t])
        # δ^c_t = δ^h_t ⊙ o_t ⊙ (1 - tanh(c_t)²) + δ^c_{t+1} ⊙ (1 - i_{t+1})
        d_c[t] = d_h[t] * o[t] * (1 - np.tanh(c[t]) ** 2)
        if t < T:
            d_c[t] += d_c[t + 1] * (1 - i[t + 1])
        # δ^g_bar_t = δ^c_t ⊙ i_t ⊙ (1 - g_t²)
        d_g_bar[t] = d_c[t] * i[t] * (1 - g[t] ** 2)
        # δ^i_bar_t = δ^c_t ⊙ (g_t - c_{t-1}) ⊙ i_t ⊙ (1 - i_t)
        d_i_bar[t] = d_c[t] * (g[t] - c[t - 1]) * i[t] * (1 - i[t])
        # ∂L/∂W_i = Σ_t δ^i_bar_t x_tᵀ
        grad_W_i += d_i_bar[t].T @ x[t]
        # ∂L/∂U_i = Σ_t δ^i_bar_t h_{t-1}ᵀ
        grad_U_i += d_i_bar[t].T @ h[t - 1]
        # ∂L/∂b_i = Σ_t δ^i_bar_t
        grad_b_i += np.sum(d_i_bar[t], axis=0)
        # ∂L/∂W_g = Σ_t δ^g_bar_t x_tᵀ
        grad_W_g += d_g_bar[t].T @ x[t]
        # ∂L/∂U_g = Σ_t δ^g_bar_t h_{t-1}ᵀ
        grad_U_g += d_g_bar[t].T @ h[t - 1]
        # ∂L/∂b_g = Σ_t δ^g_bar_t
        grad_b_g += np.sum(d_g_bar[t], axis=0)
        # ∂L/∂W_o = Σ_t δ^o_bar_t x_tᵀ
        grad_W_o += d_o_bar[t].T @ x[t]
        # ∂L/∂U_o = Σ_t δ^o_bar_t h_{t-1}ᵀ
        grad_U_o += d_o_bar[t].T @ h[t - 1]
        # ∂L/∂b_o = Σ_t δ^o_bar_t
        grad_b_o += np.sum(d_o_bar[t], axis=0)
        # ∂L/∂W_y = Σ_t δ^y_t h_tᵀ
        grad_W_y += d_y[t].T @ h[t]
        # ∂L/∂b_y = Σ_t δ^y_t
        grad_b_y += np.sum(d_y[t], axis=0)

    # ∂L/∂h_0 = U_iᵀ δ^i_bar_1 + U_gᵀ δ^g_bar_1 + U_oᵀ δ^o_bar_1
    grad_h_0 = d_i_bar[1] @ U_i + d_g_bar[1] @ U_g + d_o_bar[1] @ U_o
    # ∂L/∂c_0 = δ^c_1 ⊙ (1 - i_1)
    grad_c_0 = d_c[1] * (1 - i[1])

    grads = {
        "W_i": grad_W_i,
        "U_i": grad_U_i,
        "b_i": grad_b_i,
        "W_g": grad_W_g,
        "U_g": grad_U_g,
        "b_g": grad_b_g,
        "W_o": grad_W_o,
        "U_o": grad_U_o,
        "b_o": grad_b_o,
        "W_y": grad_W_y,
        "b_y": grad_b_y,
        "h_0": grad_h_0,
        "c_0": grad_c_0,
    }
    return given.result(loss, grads)


def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def log_softmax(z, axis=-1):
    """z - log(sum(exp(z))), without overflow."""
    z = z - np.max(z, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def softmax(z, axis=-1):
    """exp(z) / sum(exp(z)), without overflow."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


# What the arrays must be: the dimensions of each, by name. Inputs and targets have a time axis
# of size T in front, and after it a batch axis of size B if they come in batches; initial values
# may have the batch axis and are zero if left out. A number is a size that never varies.
PARAMETERS = {
    "W_i": ("n", "m"),
    "U_i": ("n", "n"),
    "b_i": ("n",),
    "W_g": ("n", "m"),
    "U_g": ("n", "n"),
    "b_g": ("n",),
    "W_o": ("n", "m"),
    "U_o": ("n", "n"),
    "b_o": ("n",),
    "W_y": ("k", "n"),
    "b_y": ("k",),
}
INPUTS = {
    "x": ("m",),
    "d": ("k",),
}
INITIAL = {
    "h_0": ("n",),
    "c_0": ("n",),
}


class ArrayError(ValueError):
    """An array that does not fit; the message is one line."""


class Arrays:
    """The arrays of one call, each checked against the shapes above.

    A dimension is bound by the first array that has it; ``origin`` remembers which that was.
    """

    def __init__(self, params, inputs):
        self.arrays, self.forms = {}, {}
        self.sizes, self.origin = {}, {}
        self.dtype, self.typed, self.batched = None, None, None
        check_names("params", params, PARAMETERS)
        check_names("inputs", inputs, INPUTS, INITIAL)
        for name, dims in INPUTS.items():
            forms = [("T", "B", *dims), ("T", *dims)]
            if self.batched is not None:
                forms = forms[:1] if self.batched else forms[1:]
            self.read(name, inputs[name], forms)
            self.batched = "B" in self.forms[name]
        for name, dims in PARAMETERS.items():
            self.read(name, params[name], [dims])
        for name, dims in INITIAL.items():
            if name in inputs:
                self.read(name, inputs[name], [("B", *dims), dims] if self.batched else [dims])
        self.sizes.setdefault("B", 1)
        self.T, self.B = self.sizes["T"], self.sizes["B"]

    def read(self, name, value, forms):
        """Keep an array under its name if it has one of the forms, tuples of dimensions."""
        try:
            array = np.asarray(value)
        except ValueError:
            raise ArrayError(f"{name} is no array: its rows differ in length") from None
        if array.dtype not in (np.float32, np.float64):
            raise ArrayError(
                f"{name} has dtype {array.dtype}; expected float32 or float64:"
                f" convert it, for example with np.asarray({name}, dtype=np.float64)"
            )
        if self.dtype is None:
            self.dtype, self.typed = array.dtype, name
        if array.dtype != self.dtype:
            raise ArrayError(
                f"{name} has dtype {array.dtype}; expected {self.dtype} as {self.typed} has:"
                " all arrays must have one dtype"
            )
        if 0 in array.shape:
            raise ArrayError(
                f"{name} has shape {array.shape}; expected {self.described(forms)},"
                " each size at least 1"
            )
        for dims in forms:
            if array.ndim == len(dims):
                self.fit(name, array, dims)
                self.arrays[name], self.forms[name] = array, dims
                return
        raise ArrayError(f"{name} has shape {array.shape}; expected {self.described(forms)}")

    def fit(self, name, array, dims):
        """Compare the dimensions that are bound, and bind those that are new."""
        new = {}
        for dim, size in zip(dims, array.shape):
            known = self.sizes.get(dim, dim)
            if size != (new.setdefault(dim, size) if isinstance(known, str) else known):
                raise ArrayError(
                    f"{name} has shape {array.shape}; expected {self.described([dims])}"
                )
        self.sizes.update(new)
        self.origin.update(dict.fromkeys(new, name))

    def described(self, forms):
        """``(n, m) = (3, 4), with n = 3 from W_hh, m = 4 from x``."""
        words = []
        for dims in forms:
            known = [self.sizes.get(dim, dim) for dim in dims]
            same = known == list(dims)
            words.append(in_brackets(dims) + ("" if same else f" = {in_brackets(known)}"))
        bound = dict.fromkeys(dim for dims in forms for dim in dims if dim in self.sizes)
        origins = [f"{dim} = {self.sizes[dim]} from {self.origin[dim]}" for dim in bound]
        return " or ".join(words) + (f", with {', '.join(origins)}" if origins else "")

    def __getitem__(self, name):
        return self.arrays[name]

    def steps(self, name):
        """An input by step, from 1 to T, each of shape (B, …)."""
        array = self.arrays[name] if self.batched else self.arrays[name][:, None]
        return dict(enumerate(array if INPUTS[name] else array[..., None], start=1))

    def initial(self, name):
        """An initial value of shape (B, …): zero if it was left out."""
        value = self.arrays.get(name, self.dtype.type(0))
        dims = INITIAL[name]
        if self.forms.get(name) == ("B",):
            value = value[:, None]
        return self.spread(value, *(self.sizes.get(dim, dim) for dim in dims or (1,)))

    def spread(self, value, *sizes):
        """A value of the given sizes for each sample of the batch."""
        return np.broadcast_to(np.asarray(value, self.dtype), (self.B, *sizes))

    def result(self, loss, grads):
        """The loss and the gradients in the dtype and the shapes of the arrays."""
        return self.dtype.type(loss), {name: self.shaped(name, g) for name, g in grads.items()}

    def shaped(self, name, gradient):
        """A gradient in the shape of its array."""
        if name in INITIAL:
            shape = tuple(self.sizes.get(d, d) for d in INITIAL[name])
            if not self.batched or self.forms.get(name) == INITIAL[name]:
                gradient = np.sum(gradient, axis=0)  # one value, shared by all samples
            else:
                shape = (self.B, *shape)
        else:
            shape = self.arrays[name].shape
        return np.array(gradient, dtype=self.dtype).reshape(shape)


def check_names(what, arrays, known, optional=()):
    """Refuse a dict that lacks an array, or has one that is not known."""
    if not isinstance(arrays, Mapping):
        raise ArrayError(
            f"{what} is of type {type(arrays).__name__}; expected a dict of arrays by symbol name"
        )
    for name in arrays:
        if name not in known and name not in optional:
            near = get_close_matches(str(name), [*known, *optional], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ArrayError(
                f"{what} has no place for {name!r}{hint} Known: {', '.join([*known, *optional])}"
            )
    missing = [name for name in known if name not in arrays]
    if missing:
        raise ArrayError(f"{what} lacks {', '.join(missing)}; expected {', '.join(known)}")


def in_brackets(items):
    """Dimensions or sizes as the shape of an array is written."""
    return f"({', '.join(map(str, items))}{',' if len(items) == 1 else ''})"
