"""What a check finds: each formula with its kind, its verdict and the evidence; a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Formula, Unparsed

#: What a formula is; None stands for mathematics that only talks about symbols.
KINDS = ("definition", "claim", "prose", "unparsed")
#: What may be found of a claim, the gravest first.
VERDICTS = ("wrong", "shape-error", "inconclusive", "right-under", "right")
#: The verdicts that are findings of a linter; with ``strict``, ``right-under`` is one too.
FAULTS = frozenset({"wrong", "shape-error"})

#: A matrix of small numbers, row by row.
Numbers = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Evidence:
    """Where both sides were compared: how many points, at which lengths T and sizes.

    ``error_bound``: how likely it is at most that sides which differ were equal at all points, if
    they are of degree 200 at most in what is drawn.
    """

    points: int
    lengths: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    error_bound: float = 0.0


@dataclass(frozen=True)
class Counterexample:
    """Small numbers for which the two sides differ.

    ``steps``: the values of the formula's letters, ``{"t": 1, "T": 2}``; ``given``: the value of
    each quantity that the sides depend on, by its name with the step (``h_0``, ``W``); ``left``
    and ``right``: both sides; ``differ``: rows and columns, from 1, of entries that differ.
    """

    sizes: Mapping[str, int]
    steps: Mapping[str, int]
    given: Mapping[str, Numbers]
    left: Numbers
    right: Numbers
    differ: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Reading:
    """How something that a formula leaves open has to be taken: a name and a sentence."""

    name: str
    says: str


@dataclass(frozen=True)
class Correction:
    """A formula that is right, in the document's notation.

    ``origin`` is ``repair``, one edit of the author's formula, or ``engine``, the derivation's;
    ``mistake`` says what the edit mends: ``transpose missing``; ``readings``: those that it is
    right under.
    """

    text: str
    origin: str
    mistake: str = ""
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What was found of a claim: one of ``VERDICTS``, why, and on what evidence."""

    verdict: str
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    correction: Correction | None = None
    counterexample: Counterexample | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Finding:
    """A formula of a document: its kind and, for a claim, the verdict.

    ``part``: the claim's own text where the formula makes several, such as a chain ``a = b = c``.
    ``suppressed`` is the reason that a comment of the document gives for not reporting it.
    """

    formula: Formula | Unparsed = field(repr=False)
    kind: str
    verdict: Verdict | None = None
    part: str = ""
    line: int = 0
    column: int = 0
    suppressed: str | None = None

    def __str__(self) -> str:
        """``line 4: wrong: δ_t = … — a transpose is missing``."""
        found = self.kind if self.verdict is None else self.verdict.verdict
        why = f" — {self.verdict.reason}" if self.verdict and self.verdict.reason else ""
        return f"line {self.line}: {found}: {' '.join(self.source.split())}{why}"

    @property
    def source(self) -> str:
        """The text of the document that this is about."""
        return self.part or self.formula.source

    def is_fault(self, *, strict: bool = False) -> bool:
        """Whether a linter reports it as a problem."""
        if self.verdict is None or self.suppressed is not None:
            return False
        found = self.verdict.verdict
        return found in FAULTS or (strict and found == "right-under")


@dataclass(frozen=True)
class ForwardEquation:
    """An equation of the model that the document's formulas are judged by, and its line there."""

    text: str
    line: int | None = None


@dataclass(frozen=True)
class Report:
    """What was found in a document.

    ``model``: the equations that its claims were judged by, in order; ``model_name``: the
    built-in model or the file that was given instead, if one was.  ``notes`` are about the whole
    document: no forward equations, opposite readings.
    """

    document: Document
    findings: tuple[Finding, ...]
    model: tuple[ForwardEquation, ...] = ()
    model_name: str | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The report as text, with the claims that are right."""
        from symbptt.check.reports import Options, written

        return written([self], "text", Options(verbose=True)).rstrip("\n")

    @property
    def summary(self) -> dict[str, int]:
        """How many formulas there are of each kind, and claims of each verdict."""
        kinds = Counter(f.kind for f in self.findings)
        verdicts = Counter(f.verdict.verdict for f in self.findings if f.verdict is not None)
        counts = {kind: kinds[kind] for kind in KINDS} | {v: verdicts[v] for v in VERDICTS}
        return {"formulas": len(self.findings), **counts,
                "suppressed": sum(f.suppressed is not None for f in self.findings)}  # fmt: skip

    def faults(self, *, strict: bool = False) -> list[Finding]:
        """The findings that a linter reports as problems."""
        return [f for f in self.findings if f.is_fault(strict=strict)]

    @property
    def passed(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.faults()
