"""Loops as one: only where no iteration needs what another changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from symbptt.compile.languages import Block, For, Line, Node, View
from symbptt.compile.loop_fusion import fused, side_by_side

Place = tuple[str, str]


def line(changed: Place, *read: Place) -> Line:
    text = f"{changed[0]}[{changed[1]}] = " + " + ".join(f"{a}[{i}]" for a, i in read)
    return Line(text, changed, frozenset({changed, *read}))


def loop(*lines: Line, stop: str = "n", by_rows: For | None = None) -> For:
    return For("i", "0", stop, lines, by_rows=by_rows)


def rows(*lines: Line, stop: str = "n") -> For:
    return For("r", "0", "B", (loop(*lines, stop=stop),))


def loops(nodes: tuple[Node, ...]) -> Iterator[For]:
    for node in nodes:
        if isinstance(node, For):
            yield node
        if isinstance(node, Block):
            yield from loops(node.body)


A = loop(line(("a", "i"), ("x", "i")))


@pytest.mark.parametrize(
    ("second", "number"),
    [
        (loop(line(("b", "i"), ("a", "i"))), 1),
        (loop(line(("b", "i"), ("x", "i + 1"))), 1),
        (loop(line(("b", "i"), ("a", "i + 1"))), 2),  # what is not there yet
        (loop(line(("b", "i"), ("a", "0"))), 2),
        (loop(line(("x", "i"), ("y", "i"))), 1),  # after it is read
        (loop(line(("x", "i + 1"), ("y", "i"))), 2),  # before it is read
        (loop(line(("s", "0"), ("a", "i"))), 2),  # one number for all iterations
        (loop(line(("b", "i"), ("a", "i")), stop="m"), 2),
        (loop(line(("a", "n + i"), ("x", "i"))), 2),
    ],
)
def test_two_loops_are_one_where_they_are_independent(second: For, number: int) -> None:
    assert len(fused([A, second])) == number


def test_a_sum_over_entries_is_whole_before_it_is_used() -> None:
    total = rows(line(("s", "r"), ("s", "r"), ("x", "r * n + i")))
    used = rows(line(("a", "r * n + i"), ("s", "r")))
    assert len(fused([total, used])) == 2


def test_parts_of_an_array_that_have_no_number_in_common_are_changed_together() -> None:
    first, second = (
        rows(line(("a", index), ("x", "r * n + i")))
        for index in ("r * 2 * n + i", "r * 2 * n + n + i")
    )
    assert len(fused([first, second])) == 2
    assert len(side_by_side([first, second], "a")) == 1
    reading = rows(line(("a", "r * 2 * n + n + i"), ("a", "r * 2 * n + i + 1")))
    assert len(side_by_side([first, reading], "a")) == 2


def test_loops_over_all_entries_join_those_row_by_row() -> None:
    by_rows = rows(line(("a", "r * n + i"), ("x", "r * n + i")))
    even = loop(line(("a", "i"), ("x", "i")), stop="B * n", by_rows=by_rows)
    (joined,) = fused([even, rows(line(("b", "r * n + i"), ("a", "r * n + i")))])
    assert isinstance(joined, For)
    assert joined.variable == "r"
    (both,) = fused([even, even])
    assert isinstance(both, For)
    assert both.stop == "B * n"


@pytest.mark.parametrize(
    ("part", "of", "number"),
    [("h + B * n", "h + B * n", 1), ("h", "h + B * n", 2), ("h", "h", 1)],
)
def test_views_of_other_parts_of_an_array_are_other_arrays(part: str, of: str, number: int) -> None:
    written = View("h_t", "h", True, "h")
    first = Block(("one",), (written, loop(line(("h_t", "i"), ("x", "i")))))
    before = View("h_before", of, False, part)
    second = Block(("two",), (before, loop(line(("b", "i"), ("h_before", "i")))))
    found = fused([first, second])
    assert len([*loops(found)]) == number
    if number == 1:
        (block,) = found
        assert isinstance(block, Block)
        assert block.comment == ("one", "two")


def test_a_name_for_two_places_keeps_blocks_apart() -> None:
    blocks = [
        Block((of,), (View("h_t", of, True, of), loop(line(("h_t", "i"), ("x", "i")))))
        for of in ("h", "h + n")
    ]
    assert len(fused(blocks)) == 2
