"""What ``…`` stands for between the parts beside it."""

from __future__ import annotations

import pytest

from symbptt.check.documents.document import Document
from symbptt.check.judging import check_document
from symbptt.check.notation.ellipsis import between, is_dots, pattern, short_run
from symbptt.check.notation.quantities import MissingError
from symbptt.formula import parse
from symbptt.formula.tree import Node, Product, Sum


def parts(text: str) -> tuple[Node, ...]:
    node = parse(text)
    assert isinstance(node, Product | Sum)
    return node.factors if isinstance(node, Product) else node.terms


def left_out(text: str, **steps: int) -> list[Node]:
    found = parts(text)
    (at,) = (i for i, part in enumerate(found) if is_dots(part))
    abbreviated = pattern(found, at)
    assert abbreviated is not None
    return list(between(abbreviated, steps))


@pytest.mark.parametrize(
    ("text", "steps", "meant"),
    [
        (r"J_T J_{T-1} \cdots J_1", {"T": 5}, ["J_3", "J_2"]),
        (r"J_T J_{T-1} \cdots J_1", {"T": 3}, []),
        (r"J_t \cdots J_{k+1}", {"t": 4, "k": 1}, ["J_3"]),
        (r"a_1 + a_2 + \dots + a_T", {"T": 5}, ["a_3", "a_4"]),
        (r"a_1 + \dots + a_T", {"T": 2}, []),
        (
            r"\frac{\partial h_t}{\partial h_{t-1}} \cdots \frac{\partial h_2}{\partial h_1}",
            {"t": 4},
            [r"\frac{\partial h_3}{\partial h_2}"],
        ),
        (r"W^T D_{t+1} \cdots W^T D_T", {"t": 1, "T": 4}, None),
        (r"(W^T D_1) \cdots (W^T D_T)", {"T": 3}, ["(W^T D_2)"]),
    ],
)
def test_the_steps_between_are_filled_in(
    text: str, steps: dict[str, int], meant: list[str] | None
) -> None:
    if meant is None:  # D_{t+1} and W^T stand beside the dots, and are no pair
        found = parts(text)
        assert all(pattern(found, i) is None for i, p in enumerate(found) if is_dots(p))
    else:
        assert left_out(text, **steps) == [parse(m) for m in meant]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (r"J_t \cdots J_{k+1}", {"t": 1, "k": 2}),
        (r"J_t \cdots J_{k+1}", {"t": 2, "k": 1}),  # one and the same factor
        (r"a_1 + \dots + a_T", {"T": 1}),
    ],
)
def test_a_range_that_runs_the_other_way_is_missing(text: str, steps: dict[str, int]) -> None:
    with pytest.raises(MissingError, match="the other way"):
        left_out(text, **steps)


@pytest.mark.parametrize("text", [r"a_t + \dots + b_1", r"a_1 + \dots + a_1", r"\dots + a_1"])
def test_parts_that_differ_otherwise_are_no_pattern(text: str) -> None:
    found = parts(text)
    (at,) = (i for i, part in enumerate(found) if is_dots(part))
    assert pattern(found, at) is None


def test_steps_of_two_kinds_of_gap_are_no_pattern_to_follow() -> None:
    assert left_out(r"a_{1} b_{1} + \dots + a_{3} b_{4}") == []


@pytest.mark.parametrize(
    ("text", "steps", "meant"),
    [
        (r"J_t J_{t-1} \cdots J_{s+1}", {"t": 4, "s": 3}, ["J_4"]),
        (r"J_t J_{t-1} \cdots J_{s+1}", {"t": 5, "s": 3}, ["J_5", "J_4"]),
        (r"J_{s+1} \cdots J_t", {"t": 4, "s": 3}, ["J_4"]),
        (r"J_t J_{t-1} \cdots J_{s+1}", {"t": 6, "s": 3}, None),
        (r"J_t J_{t-1} \cdots J_{s+1}", {"t": 2, "s": 3}, None),
    ],
)
def test_a_run_may_be_shorter_than_it_is_written(
    text: str, steps: dict[str, int], meant: list[str] | None
) -> None:
    found = parts(text)
    (at,) = (i for i, part in enumerate(found) if is_dots(part))
    assert short_run(found, at, steps) == (None if meant is None else (0, [*map(parse, meant)]))


def test_a_sum_of_products_has_its_short_ones():
    text = r"""
$$h_t = \tanh(U h_{t-1} + W x_t), \qquad o_t = V h_t, \qquad L = \sum_{t=1}^T \ell_t(o_t, y_t)$$
$$J_t = \frac{\partial h_t}{\partial h_{t-1}}$$
$$\frac{\partial L}{\partial h_s} = \sum_{t=s}^{T} \left(J_t J_{t-1} \cdots J_{s+1}\right)^\top
V^\top \frac{\partial \ell_t}{\partial o_t}$$
$$\frac{\partial L}{\partial h_s} = \sum_{t=s}^{T} \left(J_t J_{t-1} \cdots J_{s}\right)^\top
V^\top \frac{\partial \ell_t}{\partial o_t}$$
"""
    found = check_document(Document(text, "a.md")).findings
    assert [f.verdict.verdict for f in found if f.verdict is not None] == ["right", "wrong"]


SECOND = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$ $$J_k = \frac{\partial h_k}{\partial h_{k-1}} = diag(1 - h_k^2) W$$"


@pytest.mark.parametrize(
    "product",
    [
        r"J_s J_{s-1} \cdots J_{t+1}",  # s > t, although t comes after s
        r"J_i J_{i-1} J_{i-2} \cdots J_{j+1}",
        r"J_k \cdots J_{t+1}",
    ],
)
def test_a_product_runs_as_it_is_written(product: str) -> None:
    above, below = product[2], product[-4]
    left = rf"\frac{{\partial h_{above}}}{{\partial h_{below}}}"
    report = check_document(
        Document(f"{SECOND} For ${above} > {below}$, ${left} = {product}$", "a.md")
    )
    verdict = report.findings[-1].verdict
    assert verdict is not None
    assert verdict.verdict == "right"


def test_an_empty_product_in_a_sum_is_the_identity() -> None:
    sums = (
        r"$$o_t = V h_t$$ $$L = \sum_t L_t$$ $$\frac{\partial L}{\partial U} = \sum_{s=1}^T \sum_{t=1}^s"
        r" [(1 - h_t^2) \odot (J_{t+1}^T \cdots J_s^T V^T \frac{\partial L_s}{\partial o_s})] x_t^T$$"
    )
    report = check_document(Document(f"{SECOND} {sums}", "a.md"))
    verdict = report.findings[-1].verdict
    assert verdict is not None
    assert verdict.verdict == "right"
