"""An LSTM with its parameters in a dict."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(x, h, c, params):
    i = sigmoid(params["W_i"] @ x + params["U_i"] @ h + params["b_i"])
    f = sigmoid(params["W_f"] @ x + params["U_f"] @ h + params["b_f"])
    g = np.tanh(params["W_g"] @ x + params["U_g"] @ h + params["b_g"])
    o = sigmoid(params["W_o"] @ x + params["U_o"] @ h + params["b_o"])
    c_new = f * c + i * g
    return i, f, g, o, c_new, o * np.tanh(c_new)


def lstm_bptt(xs, targets, params):
    T = len(xs)
    n = params["U_i"].shape[0]
    hs, cs, gates, ps = {-1: np.zeros(n)}, {-1: np.zeros(n)}, {}, {}
    loss = 0.0
    for t in range(T):
        *gates[t], cs[t], hs[t] = lstm_step(xs[t], hs[t - 1], cs[t - 1], params)
        logits = params["W_y"] @ hs[t] + params["b_y"]
        e = np.exp(logits - logits.max())
        ps[t] = e / e.sum()
        loss -= np.log(ps[t][targets[t]])
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dh_next, dc_next = np.zeros(n), np.zeros(n)
    for t in reversed(range(T)):
        i, f, g, o = gates[t]
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        grads["W_y"] += np.outer(dy, hs[t])
        grads["b_y"] += dy
        dh = params["W_y"].T @ dy + dh_next
        tanh_c = np.tanh(cs[t])
        dc = dc_next + dh * o * (1 - tanh_c**2)
        raw = {
            "o": dh * tanh_c * o * (1 - o),
            "i": dc * g * i * (1 - i),
            "f": dc * cs[t - 1] * f * (1 - f),
            "g": dc * i * (1 - g**2),
        }
        dh_next = np.zeros(n)
        for k, d in raw.items():
            grads["W_" + k] += np.outer(d, xs[t])
            grads["U_" + k] += np.outer(d, hs[t - 1])
            grads["b_" + k] += d
            dh_next += params["U_" + k].T @ d
        dc_next = dc * f
    return loss, grads
