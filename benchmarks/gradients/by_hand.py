"""Backpropagation through time written by hand in NumPy, input projections before the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Params = Mapping[str, Any]
Found = tuple[float, dict[str, Any]]


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _output(W: Any, b: Any, h: Any, target: Any) -> tuple[float, Any, Any, Any]:
    """The loss, and its gradients by W, b and h."""
    o = h @ W.T + b
    o -= o.max(axis=1, keepdims=True)
    e = np.exp(o)
    total = e.sum(axis=1, keepdims=True)
    loss = -np.sum(target * (o - np.log(total)))
    d = e / total * target.sum(axis=1, keepdims=True) - target
    return float(loss), d.T @ h, d.sum(axis=0), d @ W


def elman(P: Params, x: Any, target: Any) -> Found:
    T, B, m = x.shape
    W, n = P["W_hh"], len(P["b_h"])
    z = (x.reshape(T * B, m) @ P["W_xh"].T + P["b_h"]).reshape(T, B, n)
    h = np.zeros((T + 1, B, n), x.dtype)
    for t in range(T):
        h[t + 1] = np.tanh(z[t] + h[t] @ W.T)
    H = h[1:].reshape(T * B, n)
    loss, dV, db, dh = _output(P["W_hy"], P["b_y"], H, target.reshape(T * B, -1))
    dz = dh.reshape(T, B, n)
    later = np.zeros((B, n), x.dtype)
    for t in range(T - 1, -1, -1):
        dz[t] = (dz[t] + later) * (1 - h[t + 1] ** 2)
        later = dz[t] @ W
    D = dz.reshape(T * B, n)
    return loss, {
        "W_hh": D.T @ h[:-1].reshape(T * B, n), "W_xh": D.T @ x.reshape(T * B, m),
        "b_h": D.sum(axis=0), "W_hy": dV, "b_y": db,
    }  # fmt: skip


def lstm(P: Params, x: Any, target: Any) -> Found:
    T, B, m = x.shape
    W, U, b = (np.concatenate([P[f"{a}_{g}"] for g in "ifog"]) for a in ("W", "U", "b"))
    n = len(b) // 4
    a = (x.reshape(T * B, m) @ W.T + b).reshape(T, B, 4 * n)
    h, c = np.zeros((T + 1, B, n), x.dtype), np.zeros((T + 1, B, n), x.dtype)
    for t in range(T):
        a[t] += h[t] @ U.T
        a[t, :, : 3 * n] = _sigmoid(a[t, :, : 3 * n])
        a[t, :, 3 * n :] = np.tanh(a[t, :, 3 * n :])
        i, f, o, g = np.split(a[t], 4, axis=1)
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
    H = h[1:].reshape(T * B, n)
    loss, dV, db, dH = _output(P["W_y"], P["b_y"], H, target.reshape(T * B, -1))
    dH = dH.reshape(T, B, n)
    dh, dc = np.zeros((B, n), x.dtype), np.zeros((B, n), x.dtype)
    da = np.empty_like(a)
    for t in range(T - 1, -1, -1):
        i, f, o, g = np.split(a[t], 4, axis=1)
        s = np.tanh(c[t + 1])
        dh = dH[t] + dh
        dc = dc + dh * o * (1 - s**2)
        da[t] = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * c[t] * f * (1 - f),
                dh * s * o * (1 - o),
                dc * i * (1 - g**2),
            ],
            axis=1,
        )
        dc = dc * f
        dh = da[t] @ U
    D = da.reshape(T * B, 4 * n)
    parts = {
        "W": D.T @ x.reshape(T * B, m),
        "U": D.T @ h[:-1].reshape(T * B, n),
        "b": D.sum(axis=0),
    }
    grads = {f"{k}_{g}": part for k, whole in parts.items()
             for g, part in zip("ifog", np.split(whole, 4), strict=True)}  # fmt: skip
    return loss, {**grads, "W_y": dV, "b_y": db}


def gru(P: Params, x: Any, target: Any) -> Found:
    T, B, m = x.shape
    W, U = (np.concatenate([P[f"{a}_{g}"] for g in "rzn"]) for a in ("W", "U"))
    b = np.concatenate([P[f"b_{g}"] for g in "rzn"])
    n = len(b) // 3
    a = (x.reshape(T * B, m) @ W.T + b).reshape(T, B, 3 * n)
    h, u = np.zeros((T + 1, B, n), x.dtype), np.empty((T, B, n), x.dtype)
    for t in range(T):
        p = h[t] @ U.T
        u[t] = p[:, 2 * n :] + P["c_n"]
        a[t, :, : 2 * n] = _sigmoid(a[t, :, : 2 * n] + p[:, : 2 * n])
        r, z = a[t, :, :n], a[t, :, n : 2 * n]
        a[t, :, 2 * n :] = np.tanh(a[t, :, 2 * n :] + r * u[t])
        h[t + 1] = (1 - z) * a[t, :, 2 * n :] + z * h[t]
    H = h[1:].reshape(T * B, n)
    loss, dV, db, dH = _output(P["W_y"], P["b_y"], H, target.reshape(T * B, -1))
    dH = dH.reshape(T, B, n)
    dh = np.zeros((B, n), x.dtype)
    da, dp = np.empty_like(a), np.empty_like(a)
    for t in range(T - 1, -1, -1):
        r, z, g = np.split(a[t], 3, axis=1)
        dh = dH[t] + dh
        dg = dh * (1 - z) * (1 - g**2)
        da[t] = np.concatenate([dg * u[t] * r * (1 - r), dh * (h[t] - g) * z * (1 - z), dg], axis=1)
        dp[t] = da[t]
        dp[t, :, 2 * n :] *= r
        dh = dh * z + dp[t] @ U
    D, Q = da.reshape(T * B, 3 * n), dp.reshape(T * B, 3 * n)
    parts = {
        "W": D.T @ x.reshape(T * B, m),
        "U": Q.T @ h[:-1].reshape(T * B, n),
        "b": D.sum(axis=0),
    }
    grads = {f"{k}_{g}": part for k, whole in parts.items()
             for g, part in zip("rzn", np.split(whole, 3), strict=True)}  # fmt: skip
    return loss, {**grads, "c_n": Q[:, 2 * n :].sum(axis=0), "W_y": dV, "b_y": db}


BY_HAND: dict[str, Callable[[Params, Any, Any], Found]] = {"elman": elman, "lstm": lstm, "gru": gru}
