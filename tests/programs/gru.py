"""A GRU whose reset gate comes after the product; the loss is a mean over the steps."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru_grads(x, d, h0, W_r, U_r, b_r, W_z, U_z, b_z, W_n, U_n, b_n, c_n, W_y, b_y):
    T = x.shape[0]
    h, r, z, n, s, p = {0: h0}, {}, {}, {}, {}, {}
    loss = 0.0
    for t in range(1, T + 1):
        r[t] = sigmoid(W_r @ x[t - 1] + U_r @ h[t - 1] + b_r)
        z[t] = sigmoid(W_z @ x[t - 1] + U_z @ h[t - 1] + b_z)
        s[t] = U_n @ h[t - 1] + c_n
        n[t] = np.tanh(W_n @ x[t - 1] + b_n + r[t] * s[t])
        h[t] = (1 - z[t]) * n[t] + z[t] * h[t - 1]
        e = np.exp(W_y @ h[t] + b_y)
        p[t] = e / e.sum()
        loss -= d[t - 1] @ np.log(p[t]) / T
    dW_r, dU_r, db_r = np.zeros_like(W_r), np.zeros_like(U_r), np.zeros_like(b_r)
    dW_z, dU_z, db_z = np.zeros_like(W_z), np.zeros_like(U_z), np.zeros_like(b_z)
    dW_n, dU_n, db_n, dc_n = (np.zeros_like(a) for a in (W_n, U_n, b_n, c_n))
    dW_y, db_y = np.zeros_like(W_y), np.zeros_like(b_y)
    dh_next = np.zeros_like(h0)
    for t in range(T, 0, -1):
        dy = (p[t] - d[t - 1]) / T
        dW_y += np.outer(dy, h[t])
        db_y += dy
        dh = W_y.T @ dy + dh_next
        dn = dh * (1 - z[t]) * (1 - n[t] ** 2)
        dz = dh * (h[t - 1] - n[t]) * z[t] * (1 - z[t])
        dr = dn * s[t] * r[t] * (1 - r[t])
        ds = dn * r[t]
        dW_r += np.outer(dr, x[t - 1])
        dW_z += np.outer(dz, x[t - 1])
        dW_n += np.outer(dn, x[t - 1])
        dU_r += np.outer(dr, h[t - 1])
        dU_z += np.outer(dz, h[t - 1])
        dU_n += np.outer(ds, h[t - 1])
        db_r += dr
        db_z += dz
        db_n += dn
        dc_n += ds
        dh_next = dh * z[t] + U_r.T @ dr + U_z.T @ dz + U_n.T @ ds
    grads = (dW_r, dU_r, db_r, dW_z, dU_z, db_z, dW_n, dU_n, db_n, dc_n, dW_y, db_y, dh_next)
    return loss, grads
