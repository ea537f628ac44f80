"""Formulas of any of some names: ``δW_⋆``."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document
from symbptt.check.notation.wildcards import instances
from symbptt.formula import parse

CELL = r"""
$$\bar z_t = W_z x_t + R_z y_{t-1}, \qquad z_t = \tanh(\bar z_t)$$
$$\bar f_t = W_f x_t + R_f y_{t-1}, \qquad f_t = \sigma(\bar f_t)$$
$$c_t = z_t + f_t \odot c_{t-1}, \qquad y_t = \tanh(c_t)$$
"""


def verdicts(claim: str) -> list[str]:
    found = check_document(Document(f"{CELL}\n$${claim}$$\n", "a.md")).findings
    return [f.verdict.verdict for f in found if f.verdict is not None]


@pytest.mark.parametrize("star", [r"\star", "*"])
@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (r"\delta W_STAR = \sum_{t=1}^T \langle \delta\bar{STAR}_t, x_t \rangle", "right-under"),
        (r"\delta R_STAR = \sum_{t=1}^{T-1} \langle \delta\bar{STAR}_{t+1}, y_t \rangle", "wrong"),
        (r"\delta R_STAR = \sum_{t=0}^{T-1} \langle \delta\bar{STAR}_{t+1}, y_t \rangle", "right-under"),
        (r"\delta R_STAR = \sum_{t=1}^{T} \langle \delta\bar{STAR}_t, y_t \rangle", "wrong"),
    ],
)  # fmt: skip
def test_a_star_stands_for_every_name(claim, star, expected):
    assert verdicts(claim.replace("STAR", star)) == [expected, expected]


def test_it_stands_for_the_letters_that_others_write():
    others = [parse("W_a x + W_b y"), parse("V_b z")]
    assert instances(parse(r"W_\star"), others) == [parse("W_a"), parse("W_b")]
    assert instances(parse(r"W_\star + V_\star"), others) == [parse("W_b + V_b")]
    assert instances(parse(r"U_\star"), others) == [parse(r"U_\star")]
