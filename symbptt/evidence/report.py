"""What a verification found: every check that ran, where, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from symbptt.errors import SymbpttError

Sizes = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Check:
    """One comparison of a claim with the truth.

    ``witness`` is ``exact``, ``induction``, ``complex step``, ``numeric BPTT``, or a framework,
    ``PyTorch`` or ``JAX``; ``what`` the thing compared (``∂L/∂W_hh``, ``δ^h_3``); ``place`` what
    was under test (``recursion``, ``condensed``, ``line``, ``numpy``).  ``error`` is None where
    the check passed and says what was found where not; ``deviation`` is the relative error of a
    floating-point check.
    """

    witness: str
    what: str
    place: str
    T: int
    sizes: Sizes
    passed: bool
    error: str | None = None
    deviation: float | None = None
    batch: int | None = None

    def __str__(self) -> str:
        sizes = ", ".join(f"{d}={n}" for d, n in self.sizes)
        found = "agrees" if self.passed else f"FAILED: {self.error}"
        return f"{self.witness}: {self.what} ({self.place}), T = {self.T}, {sizes}: {found}"


@dataclass(frozen=True)
class Report:
    """A verification of one model's derivation and of functions compiled from it.

    ``bound`` is the chance that the exact part passed by accident (Schwartz–Zippel, summed over
    all its checks); ``undecided`` says what could not be checked, with the reason;
    ``truncate`` is (k1, k2) where the backward pass is truncated.
    """

    model: str
    checks: tuple[Check, ...]
    seed: int
    bound: Fraction
    undecided: tuple[str, ...] = ()
    truncate: tuple[int, int] | None = None

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if not c.passed)

    @property
    def passed(self) -> bool:
        """Whether all checks agree.  A report that ran no check is an error, not a pass."""
        if not self.checks:
            raise SymbpttError(f"{self.model}: nothing was verified, for no check ran")
        return not self.failures

    @property
    def counts(self) -> dict[str, int]:
        """How many checks each witness ran."""
        found: dict[str, int] = {}
        for c in self.checks:
            found[c.witness] = found.get(c.witness, 0) + 1
        return found

    @property
    def T_values(self) -> tuple[int, ...]:
        return tuple(sorted({c.T for c in self.checks}))

    @property
    def sizes(self) -> tuple[Sizes, ...]:
        return tuple(dict.fromkeys(c.sizes for c in self.checks))

    @property
    def batches(self) -> tuple[int | None, ...]:
        """The batch sizes of floating-point checks; None is no batch."""
        return tuple(dict.fromkeys(c.batch for c in self.checks if c.deviation is not None))

    @property
    def backends(self) -> tuple[str, ...]:
        """The compiled functions that were compared."""
        return tuple(dict.fromkeys(c.place for c in self.checks if c.deviation is not None))

    @property
    def largest_error(self) -> float | None:
        """The largest relative error of a floating-point check, None if there was none."""
        return max((c.deviation for c in self.checks if c.deviation is not None), default=None)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON; single checks are listed only where they failed.

        An error that is no finite number is left out: JSON has none.
        """
        error = self.largest_error
        return {
            "model": self.model,
            **({"truncate": list(self.truncate)} if self.truncate is not None else {}),
            "passed": self.passed,
            "checks": len(self.checks),
            "checks_by_witness": self.counts,
            "T": list(self.T_values),
            "sizes": [dict(s) for s in self.sizes],
            "batches": list(self.batches),
            "backends": list(self.backends),
            "seed": self.seed,
            "largest_error": error if error is not None and isfinite(error) else None,
            "error_bound": float(self.bound),
            "undecided": list(self.undecided),
            "failures": [str(c) for c in self.failures],
        }

    def __str__(self) -> str:
        verdict = "verified" if self.passed else f"{len(self.failures)} checks FAILED"
        parts = ", ".join(f"{n} {w}" for w, n in self.counts.items())
        error = self.largest_error
        worst = "" if error is None else f"; largest floating error {error:.1e}"
        cut = "" if self.truncate is None else f", truncated to {self.truncate}"
        return (
            f"{self.model}{cut}: {verdict}; {len(self.checks)} checks ({parts}), seed {self.seed}, "
            f"error bound {float(self.bound):.1e}{worst}"
        )


def sizes_tuple(sizes: Mapping[str, int]) -> Sizes:
    """Sizes in a form that can be compared and hashed."""
    return tuple(sizes.items())
