"""What documents written in tests are found to say."""

from __future__ import annotations

import symbptt


def of(top: str, by: str) -> str:
    """A derivative."""
    return rf"\frac{{\partial {top}}}{{\partial {by}}}"


def verdicts(*texts: str) -> list[str]:
    """The verdicts on the formulas of a document, in order."""
    report = symbptt.check("\n\n".join(texts))
    return [f.verdict.verdict for f in report.findings if f.verdict is not None]


def verdict(*texts: str) -> str:
    """The verdict on the last formula of a document."""
    found = symbptt.check("\n\n".join(texts)).findings[-1].verdict
    assert found is not None
    return found.verdict
