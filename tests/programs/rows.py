"""A batch of sequences as rows: (B, T, n)."""

import numpy as np


def loss_and_grads(X, Y, h0, Wx, Wh, bh, Wy, by):
    B, T, _ = X.shape
    hs = [h0]
    ys = []
    loss = 0.0
    for t in range(T):
        hs.append(np.tanh(X[:, t] @ Wx + hs[-1] @ Wh + bh))
        ys.append(hs[-1] @ Wy + by)
        loss += 0.5 * np.sum((ys[-1] - Y[:, t]) ** 2)
    grads = {k: 0.0 for k in ("Wx", "Wh", "bh", "Wy", "by")}
    dh_next = np.zeros_like(h0)
    for t in reversed(range(T)):
        dy = ys[t] - Y[:, t]
        grads["Wy"] = grads["Wy"] + hs[t + 1].T @ dy
        grads["by"] = grads["by"] + dy.sum(axis=0)
        dh = dy @ Wy.T + dh_next
        dz = dh * (1 - hs[t + 1] ** 2)
        grads["Wx"] = grads["Wx"] + X[:, t].T @ dz
        grads["Wh"] = grads["Wh"] + hs[t].T @ dz
        grads["bh"] = grads["bh"] + dz.sum(axis=0)
        dh_next = dz @ Wh.T
    return loss, grads
