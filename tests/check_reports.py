"""Reports as an engine would make them, by hand: each class of findings, with all its parts."""

from fractions import Fraction

from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import Unparsed, formulas
from symbptt.check.findings import (
    Correction,
    Counterexample,
    Evidence,
    Finding,
    ForwardEquation,
    Reading,
    Report,
    Verdict,
)
from symbptt.check.suppression import suppressed


def matrix(*rows):
    return tuple(tuple(Fraction(x) for x in row) for row in rows)


RIGHT = r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \delta_t h_{t-1}^{\top}"
EXAMPLE = Counterexample(
    sizes={"n": 2},
    steps={"T": 2, "t": 1},
    given={"h_0": matrix([0], [1]), "W": matrix([1, -2], ["1/2", 3]), "c": matrix([7])},
    left=matrix([0, 1], [2, 3]),
    right=matrix([0, 1], [2, "5/2"]),
    differ=((2, 2),),
)
EVIDENCE = Evidence(12, (1, 2, 3), {"n": 3, "m": 2}, 1e-17)
READING = Reading("delta", "δ_t is the gradient by z_t")

#: What a formula that holds one of these words is found to be.
VERDICTS = {
    "wrong": Verdict(
        "wrong", (), "the state is that of step t", Correction(RIGHT, "repair", "index off by one"),
        EXAMPLE, EVIDENCE,
    ),
    "shape": Verdict("shape-error", (), "W is n×n", Correction("a = b", "engine")),
    "open": Verdict("inconclusive", (), "q is not defined"),
    "under": Verdict("right-under", (READING,), "", None, None, EVIDENCE),
    "right": Verdict("right", (), "", None, None, EVIDENCE),
}  # fmt: skip

#: One formula of each class; `WORD_t` says which.
DOCUMENT = """# Notes

Let $h_t = f(z_t)$, where $x_t$ is the input.
$$
g_{wrong} = a_t + b_t
$$
and \\(g_{shape} = a_t\\), then $g_{open} = q$; $g_{under} = c$.

$$g_{right} = d$$ and $e = \\frac{$

<!-- symbptt: ignore=quoted -->
$$g_{wrong} = e_t$$
"""


def judged(text, file="notes.md", **more):
    """The stand-in for an engine: each formula's verdict is in its name."""
    document = text if isinstance(text, Document) else Document(text, file)
    found = []
    for formula in formulas(document, letters=False):
        if isinstance(formula, Unparsed):
            found.append(Finding(formula, "unparsed"))
            continue
        word = next((w for w in VERDICTS if w in formula.source), None)
        if word is not None:
            found.append(Finding(formula, "claim", VERDICTS[word]))
        else:
            found.append(Finding(formula, "definition" if "=" in formula.source else "prose"))
    more.setdefault("model", (ForwardEquation("h_t = f(z_t)", 3),))
    more.setdefault("notes", ("the loss is not stated",))
    return suppressed(Report(document, tuple(found), **more))


def check_document(document, model=None, names=None, model_name=None):
    """``symbptt.check.judging.check_document``, by hand."""
    return judged(document, model_name=model_name)
