"""What was found of a program: a verdict for the loss and for each gradient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from symbptt.templating import fill

#: What may be found of a gradient, the gravest first.
VERDICTS = ("wrong", "shape", "missing", "inconclusive", "right-under", "right")
GOOD = frozenset({"right", "right-under"})


@dataclass(frozen=True)
class Difference:
    """The entry, counted from 1, at which two gradients differ most, and its values."""

    T: int
    entry: tuple[int, ...]
    returned: float
    derived: float


@dataclass(frozen=True)
class CodeComparison:
    """What was found of the gradient by ``by``, or of the loss if that is None.

    ``name`` is that in the program, ``place`` where it is computed there; ``says`` is the mistake
    or the convention, if it has a name; ``error`` the largest relative error.
    """

    by: str | None
    name: str
    verdict: str
    place: str
    says: str = ""
    error: float | None = None
    difference: Difference | None = None


@dataclass(frozen=True)
class CodeReport:
    """The gradients that a function returns, compared with the derived ones.

    ``readings`` say how the function had to be called and its answer to be taken; ``lengths`` are
    the lengths T that were compared, ``sizes`` those of the dimensions, ``batch`` the number of
    samples, None without a batch.
    """

    function: str
    place: str
    model: str
    comparisons: tuple[CodeComparison, ...]
    readings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    sizes: Mapping[str, int] | None = None
    batch: int | None = None

    @property
    def passed(self) -> bool:
        """Whether gradients were compared, and all that were are right."""
        found = [c.verdict for c in self.comparisons]
        return bool(found) and GOOD.issuperset(found)

    @property
    def summary(self) -> dict[str, int]:
        """How many comparisons there are of each verdict."""
        counts = Counter(c.verdict for c in self.comparisons)
        return {verdict: counts[verdict] for verdict in VERDICTS}

    @property
    def undecided(self) -> bool:
        """Whether nothing could be compared."""
        return all(c.verdict == "inconclusive" for c in self.comparisons)

    @property
    def faults(self) -> tuple[str, ...]:
        """How many comparisons there are of each verdict that is not good: ``2 wrong``."""
        return tuple(f"{n} {v}" for v, n in self.summary.items() if n and v not in GOOD)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON, which has only finite numbers: None for others."""
        return {
            "function": self.function,
            "place": self.place,
            "model": self.model,
            "passed": self.passed,
            "summary": self.summary,
            "comparisons": [_finite(asdict(c)) for c in self.comparisons],
            "readings": list(self.readings),
            "notes": list(self.notes),
            "T": list(self.lengths),
            "sizes": dict(self.sizes or {}),
            "batch": self.batch,
        }

    def __str__(self) -> str:
        return fill("check/code.txt.j2", {"r": self})


def _finite(value: Any) -> Any:
    """Plain data with None for what is no finite number."""
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
