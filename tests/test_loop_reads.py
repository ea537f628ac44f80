"""Numbers that a loop needs twice are read once: what it computes stays as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import symbptt
from symbptt.compile.languages import Block, For, If, Language, Line, Node
from symbptt.compile.loop_reads import Reads
from symbptt.compile.loop_writer import LoopWriter
from symbptt.compile.numba_language import NumbaLanguage
from symbptt.compile.numba_module import numba_module
from symbptt.compile.plan import plan
from symbptt.model import builtin_names

A, B, C = ("a", "i"), ("b", "i"), ("c", "i")


def line(text: str, *touched: tuple[str, str]) -> Line:
    return Line(text, touched[0], frozenset(touched))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line("b[i] = a[i]", B, A)], ["b[i] = a[i]"]),
        ([line("b[i] = a[i] * a[i]", B, A)], ["a_i = a[i]", "b[i] = a_i * a_i"]),
        (
            [line("b[i] = a[i]", B, A), line("c[i] = a[i]", C, A)],
            ["a_i = a[i]", "b[i] = a_i", "c[i] = a_i"],
        ),
        (  # what has been computed is at hand
            [line("b[i] = a[i]", B, A), line("c[i] = b[i]", C, B)],
            ["b_i = a[i]", "b[i] = b_i", "c[i] = b_i"],
        ),
        (  # what has been added to is not
            [line("b[i] += a[i]", B, A), line("c[i] = b[i]", C, B)],
            ["b[i] += a[i]", "c[i] = b[i]"],
        ),
        (
            [line("c[i] = b[i] + b[i]", C, B), line("b[i] += a[i]", B, A),
             line("a[i] = b[i] - b[i]", A, B)],
            ["b_i = b[i]", "c[i] = b_i + b_i", "b[i] += a[i]", "b_i = b[i]", "a[i] = b_i - b_i"],
        ),
        (  # two numbers of one array have two names
            [line("b[i] = a[i] * a[n + i] / a[i] / a[n + i]", B, A, ("a", "n + i"))],
            ["a_i = a[i]", "a_i2 = a[n + i]", "b[i] = a_i * a_i2 / a_i / a_i2"],
        ),
        (  # nor two others after a change of the first
            [line("c[i] = a[i] * a[n + i] / a[i] / a[n + i]", C, A, ("a", "n + i")),
             line("a[i] += b[i]", A, B), line("b[i] = a[i] * a[i] / a[n + i]", B, A, ("a", "n + i"))],
            ["a_i = a[i]", "a_i2 = a[n + i]", "c[i] = a_i * a_i2 / a_i / a_i2", "a[i] += b[i]",
             "a_i = a[i]", "b[i] = a_i * a_i / a_i2"],
        ),
    ],
)  # fmt: skip
def test_what_is_read_twice_has_a_name(lines: list[Line], expected: list[str]) -> None:
    (loop,) = Reads(Language(), str).once([For("i", "0", "n", tuple(lines))])
    assert isinstance(loop, For)
    assert [*loop.body] == expected


def test_loops_within_blocks_and_conditions_are_found_and_others_left_alone() -> None:
    twice = For("i", "0", "n", (line("b[i] = a[i] * a[i]", B, A),))
    calls = For("r", "0", "B", ("softmax(a)",))
    (block,) = Reads(Language(), str).once([Block((), (If("t < T", (twice,)), calls))])
    assert isinstance(block, Block)
    condition, other = block.body
    assert isinstance(condition, If)
    assert isinstance(condition.body[0], For)
    assert condition.body[0].body[0] == "a_i = a[i]"
    assert other == calls


def turns(nodes: tuple[Node, ...]) -> Iterator[list[str]]:
    """What is done in a turn of each innermost loop."""
    for node in nodes:
        if isinstance(node, For | If | Block):
            if isinstance(node, For) and all(isinstance(x, str) for x in node.body):
                yield [x for x in node.body if isinstance(x, str)]
            yield from turns(node.body)


@pytest.mark.parametrize("name", builtin_names())
def test_no_turn_of_a_loop_reads_a_number_twice(name: str) -> None:
    derivation = symbptt.derive(name)
    found, schedule = plan(derivation)
    writer = LoopWriter(schedule, derivation.model, found.packs, NumbaLanguage(), ())
    for lines in turns(tuple(writer.body())):
        read = [part.partition(")]")[0] for x in lines if " = " in x
                for part in x.partition(" = ")[2].split("memory[at(")[1:]]  # fmt: skip
        assert len(read) == len({*read}), lines


@pytest.mark.parametrize(
    ("name", "copies"),
    [("elman", False), ("lstm", False), ("gru", False), ("lstm-stacked", True)],
)
def test_parameters_lie_as_they_are_multiplied(name: str, copies: bool) -> None:
    """But for the columns of one, ``W [h_{t-1}; x_t]``."""
    functions = numba_module(symbptt.derive(name)).split("\n\n\n")
    (computed,) = (f for f in functions if "def computed(" in f)
    assert ("copy(" in computed) is copies
    assert any("def copy(" in f for f in functions) is copies
