"""By how much a relation fails, by its sign."""

from __future__ import annotations

import numpy as np

#: By how much a bound must fail, of the larger side, and at all.
RELATIVE, ABSOLUTE = 1e-6, 1e-9

#: What is said of a bound that fails, by its sign.
FAILS = {
    "≤": "the left side can be the larger one", "<": "the left side can be the larger one",
    "≥": "the left side can be the smaller one", ">": "the left side can be the smaller one",
}  # fmt: skip


def beyond(sign: str, a: np.ndarray, b: np.ndarray) -> float | None:
    """By how much of the larger side ``a sign b`` fails; None where a side is no number."""
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    gap = {"≤": a - b, "<": a - b, "≥": b - a, ">": b - a}.get(sign, np.abs(a - b))
    larger = np.maximum(np.abs(a), np.abs(b))
    return float(np.max((gap - ABSOLUTE) / (larger + ABSOLUTE)))
