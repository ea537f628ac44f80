"""What the checker tells while it works, and that trees are asked for their parts once."""

from symbptt import check
from symbptt.formula import parse
from symbptt.formula.tree import Symbol

MODEL = "$$h_t = \\tanh(W h_{t-1})$$\n\n$$L = \\sum_t \\|h_t - d_t\\|^2$$\n\n"


def test_progress_counts_formulas():
    told = []
    check(MODEL + "Let $a$ be.\n", progress=told.append)
    assert told == ["formula 1 of 3", "formula 2 of 3", "formula 3 of 3"]


def test_a_tree_keeps_its_parts_and_its_hash():
    tree = parse(r"\delta_t = W^T \delta_{t+1} \odot (1 - h_t^2)", letters=True)
    again = parse(r"\delta_t = W^T \delta_{t+1} \odot (1 - h_t^2)", letters=True)
    assert tree == again
    assert hash(tree) == hash(again)
    assert [*tree.walk()] == [*again.walk()]
    assert tree.rebuilt(lambda n: n) is tree
    changed = tree.rebuilt(lambda n: Symbol("a"))
    assert changed != tree
    assert [*changed.children()] == [Symbol("a"), Symbol("a")]


def test_a_bare_name_has_nothing_on_it():
    assert Symbol("h").is_bare
    for more in ({"subscripts": (Symbol("t"),)}, {"accents": ("hat",)}, {"primes": 1}):
        assert not Symbol("h", **more).is_bare
