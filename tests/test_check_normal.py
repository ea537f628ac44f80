"""Every way of writing that is brought to the ordinary one has an example that needs it."""

from __future__ import annotations

import pytest

from symbptt.check.notation import normal as module
from symbptt.check.notation.normal import Notation, normal
from symbptt.check.notation.rewritings import REWRITINGS, Rewriting
from symbptt.formula import parse
from symbptt.formula.tree import Node


def rewritten(row: Rewriting) -> Node:
    tree = parse(row.written)
    every = [*map(parse, row.beside), tree]
    return normal(tree, Notation.of(every, every))


def test_names_tell_rows_apart():
    assert len({row.name for row in REWRITINGS}) == len(REWRITINGS)


@pytest.mark.parametrize("row", REWRITINGS, ids=lambda row: row.name)
def test_an_example_needs_its_row(row, monkeypatch):
    found = rewritten(row)
    assert found != parse(row.written)
    if row.means:
        assert found == parse(row.means)
    monkeypatch.setattr(module, "REWRITINGS", tuple(r for r in REWRITINGS if r is not row))
    assert rewritten(row) != found


@pytest.mark.parametrize("row", [r for r in REWRITINGS if r.beside], ids=lambda row: row.name)
def test_without_the_rest_of_the_document_it_stays(row):
    tree = parse(row.written)
    assert normal(tree, Notation()) == tree
