"""What things cost: linear in T, free of it for a general T, and no SymPy before it is needed."""

import statistics
import subprocess
import sys
import time

import pytest

import symbptt


def seconds(action, repeat):
    """The least time that an action took: what a busy machine adds is no part of its cost."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def unrolled_and_derived(T):
    model = symbptt.load("elman")
    model.unroll(T)
    d = symbptt.derive(model, T)
    assert len(d.gradients) == 6
    assert len(d.unrolled) == 2 * T


def test_unrolling_and_deriving_is_linear_in_T():
    unrolled_and_derived(10)  # imports and caches
    hundred = seconds(lambda: unrolled_and_derived(100), 5)
    thousand = seconds(lambda: unrolled_and_derived(1000), 2)
    assert thousand < 12 * hundred
    assert thousand < 10


def nodes(expression):
    return 1 + sum(map(nodes, expression.args))


def test_the_general_derivation_is_free_of_T():
    d = symbptt.derive("elman")
    assert sum(nodes(e) for e in d.gradients.values()) < 200


def test_each_node_of_the_unrolled_network_is_small():
    for T in (2, 30):
        graph = symbptt.load("elman").unroll(T)
        assert max(nodes(rhs) for rhs in graph.nodes.values()) < 40


def cpu(*arguments):
    """CPU seconds of a fresh Python process."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
def test_deriving_costs_at_most_two_and_a_half_times_the_import_of_sympy():
    derive = statistics.median(cpu("-m", "symbptt.cli", "derive", "elman") for _ in range(5))
    sympy = statistics.median(cpu("-c", "import sympy") for _ in range(5))
    assert derive < 2.5 * sympy
