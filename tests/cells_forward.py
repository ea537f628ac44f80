"""Forward passes of the built-in cells, written by hand from the papers: no code of symbptt's.

Each takes one sample, ``(T, n)``, with the parameters and initial values under their names, and
returns the loss.  They take complex numbers, so that a complex step differentiates them.
"""

from collections.abc import Callable, Iterator

import numpy as np

Arrays = dict[str, np.ndarray]
Forward = Callable[[Arrays], complex]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def cross_entropy(logits: np.ndarray, d: np.ndarray) -> complex:
    """``-Σ d log softmax(logits)``."""
    return -(d * (logits - np.log(np.exp(logits).sum()))).sum()


def squared_error(y: np.ndarray, d: np.ndarray) -> complex:
    return ((y - d) ** 2).sum() / 2


def steps(a: Arrays) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return zip(a["x"], a["d"], strict=True)


def affine(a: Arrays, gate: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """``W x + U h + b`` of a gate."""
    return a[f"W_{gate}"] @ x + a[f"U_{gate}"] @ h + a[f"b_{gate}"]


def lstm(a: Arrays) -> complex:
    h, c, L = a["h_0"], a["c_0"], 0
    for x, d in steps(a):
        i, f, o = (sigmoid(affine(a, gate, x, h)) for gate in "ifo")
        c = f * c + i * np.tanh(affine(a, "g", x, h))
        h = o * np.tanh(c)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def lstm_stacked(a: Arrays) -> complex:
    """All gates in one product, as Zaremba et al. have it, in PyTorch's order."""
    h, c, L = a["h_0"], a["c_0"], 0
    for x, d in steps(a):
        z = a["W"] @ np.concatenate([h, x]) + a["b"]
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def lstm_peephole(a: Arrays) -> complex:
    h, c, L = a["h_0"], a["c_0"], 0
    for x, d in steps(a):
        i, f = (sigmoid(affine(a, gate, x, h) + a[f"p_{gate}"] * c) for gate in "if")
        c = f * c + i * np.tanh(affine(a, "g", x, h))
        o = sigmoid(affine(a, "o", x, h) + a["p_o"] * c)
        h = o * np.tanh(c)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def lstm_coupled(a: Arrays) -> complex:
    h, c, L = a["h_0"], a["c_0"], 0
    for x, d in steps(a):
        i, o = (sigmoid(affine(a, gate, x, h)) for gate in "io")
        c = c + i * (np.tanh(affine(a, "g", x, h)) - c)
        h = o * np.tanh(c)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def gru(a: Arrays) -> complex:
    """As ``torch.nn.GRU``: the reset gate multiplies ``U h + c``."""
    h, L = a["h_0"], 0
    for x, d in steps(a):
        r, z = (sigmoid(affine(a, gate, x, h)) for gate in "rz")
        n = np.tanh(a["W_n"] @ x + a["b_n"] + r * (a["U_n"] @ h + a["c_n"]))
        h = n + z * (h - n)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def gru_v1(a: Arrays) -> complex:
    """The reset gate multiplies ``h`` before the product."""
    h, L = a["h_0"], 0
    for x, d in steps(a):
        r, z = (sigmoid(affine(a, gate, x, h)) for gate in "rz")
        n = np.tanh(affine(a, "n", x, r * h))
        h = n + z * (h - n)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def mgu(a: Arrays) -> complex:
    h, L = a["h_0"], 0
    for x, d in steps(a):
        f = sigmoid(affine(a, "f", x, h))
        h = h + f * (np.tanh(affine(a, "g", x, f * h)) - h)
        L += cross_entropy(a["W_y"] @ h + a["b_y"], d)
    return L


def ctrnn(a: Arrays) -> complex:
    """Euler's method for ``τ du/dt = -u + W tanh(u) + U x + b``."""
    u, L = a["u_0"], 0
    for x, d in steps(a):
        slope = (-u + a["W"] @ np.tanh(u) + a["U"] @ x + a["b"]) / a["tau"]
        u = u + a["dt"] * slope
        L += squared_error(a["V"] @ np.tanh(u) + a["c"], d)
    return L


def indrnn(a: Arrays) -> complex:
    h, L = a["h_0"], 0
    for x, d in steps(a):
        z = a["W"] @ x + a["u"] * h + a["b"]
        h = np.where(z.real > 0, z, 0)
        L += cross_entropy(a["V"] @ h + a["c"], d)
    return L


def jordan(a: Arrays) -> complex:
    y, L = a["y_0"], 0
    for x, d in steps(a):
        y = sigmoid(a["V"] @ sigmoid(a["W"] @ x + a["U"] @ y + a["b"]) + a["c"])
        L += squared_error(y, d)
    return L


def elman_2layer(a: Arrays) -> complex:
    h, L = [a["h_1_0"], a["h_2_0"]], 0
    for below, d in steps(a):
        for layer in (1, 2):
            U, W, b = (a[f"{name}_{layer}"] for name in "UWb")
            below = h[layer - 1] = np.tanh(U @ h[layer - 1] + W @ below + b)
        L += cross_entropy(a["V"] @ below + a["c"], d)
    return L


def narx(a: Arrays) -> complex:
    ys, xs, L = [a["y_-1"], a["y_0"]], [a["x_-1"], a["x_0"]], 0
    for x, d in steps(a):
        xs.append(x)
        z = sum(a[f"A_{lag}"] @ ys[-lag] for lag in (1, 2)) + a["b"]
        z = z + sum(a[f"B_{lag}"] @ xs[-1 - lag] for lag in (0, 1, 2))
        ys.append(a["C"] @ np.tanh(z) + a["c"])
        L += squared_error(ys[-1], d)
    return L


def ssm_diagonal(a: Arrays) -> complex:
    """The solution rather than the recursion: ``h_t = a^t h_0 + Σ_s a^{t-s} B x_s``."""
    L = 0
    for t, d in enumerate(a["d"], start=1):
        h = a["a"] ** t * a["h_0"]
        h = h + sum(a["a"] ** (t - s) * (a["B"] @ a["x"][s - 1]) for s in range(1, t + 1))
        L += squared_error(a["C"] @ h + a["D"] @ a["x"][t - 1], d)
    return L


def lstm_diagonal(a: Arrays) -> complex:
    """``gates = [input, hidden, input, hidden] * weight + bias``, as ADBench has it."""
    h, c = [a["h_1_0"], a["h_2_0"]], [a["c_1_0"], a["c_2_0"]]
    for x in a["x"]:
        below = a["u"] * x
        for n, layer in enumerate("12"):
            seen = {"f": below, "i": h[n], "o": below, "g": h[n]}
            gates = {
                gate: a[f"w_{gate}_{layer}"] * by + a[f"b_{gate}_{layer}"]
                for gate, by in seen.items()
            }
            c[n] = sigmoid(gates["f"]) * c[n] + sigmoid(gates["i"]) * np.tanh(gates["g"])
            below = h[n] = sigmoid(gates["o"]) * np.tanh(c[n])
    return cross_entropy(a["v"] * below + a["b_y"], a["d"][-1])


def fastgrnn(a: Arrays) -> complex:
    h, L = a["h_0"], 0
    zeta, nu = sigmoid(a["zeta"]), sigmoid(a["nu"])
    for x, d in steps(a):
        shared = a["W"] @ x + a["U"] @ h
        z = sigmoid(shared + a["b_z"])
        h = (zeta * (1 - z) + nu) * np.tanh(shared + a["b_g"]) + z * h
        L += cross_entropy(a["V"] @ h + a["c"], d)
    return L


def rnn_ln(a: Arrays) -> complex:
    h, L = a["h_0"], 0
    for x, d in steps(a):
        z = a["W"] @ x + a["U"] @ h
        z = z - z.mean()
        h = np.tanh(a["g"] * z / np.sqrt((z * z).mean() + 1e-5) + a["b"])
        L += squared_error(a["V"] @ h + a["c"], d)
    return L


def elman_bidirectional(a: Arrays) -> complex:
    """One pass from the first input to the last, one back; then the outputs."""
    f, b = a["h_right_0"], a["h_left_T+1"]
    forth, back = [], []
    for x in a["x"]:
        forth.append(f := np.tanh(a["W_f"] @ x + a["U_f"] @ f + a["b_f"]))
    for x in a["x"][::-1]:
        back.append(b := np.tanh(a["W_b"] @ x + a["U_b"] @ b + a["b_b"]))
    outputs = (a["V_f"] @ f + a["V_b"] @ b + a["c"] for f, b in zip(forth, back[::-1], strict=True))
    return sum(map(cross_entropy, outputs, a["d"]))


def seq2seq(a: Arrays) -> complex:
    e, L = a["e_0"], 0
    for x in a["x"]:
        e = np.tanh(a["A"] @ e + a["B"] @ x + a["a"])
    h = e
    for w, d in zip(a["w"], a["d"], strict=True):
        h = np.tanh(a["W"] @ h + a["U"] @ w + a["b"])
        L += cross_entropy(a["V"] @ h + a["c"], d)
    return L


FORWARD: dict[str, Forward] = {
    "ctrnn": ctrnn,
    "elman-2layer": elman_2layer,
    "elman-bidirectional": elman_bidirectional,
    "fastgrnn": fastgrnn,
    "gru": gru,
    "gru-v1": gru_v1,
    "indrnn": indrnn,
    "jordan": jordan,
    "lstm": lstm,
    "lstm-coupled": lstm_coupled,
    "lstm-diagonal": lstm_diagonal,
    "lstm-peephole": lstm_peephole,
    "lstm-stacked": lstm_stacked,
    "mgu": mgu,
    "narx": narx,
    "rnn-ln": rnn_ln,
    "seq2seq": seq2seq,
    "ssm-diagonal": ssm_diagonal,
}
