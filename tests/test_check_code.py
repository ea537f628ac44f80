"""Programs that compute gradients, run and compared with the derivation."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from symbptt.calculus import derive
from symbptt.check.code import CodeReport, Limits, check_code
from symbptt.check.code.answers import Answer
from symbptt.check.code.compare import Outcome, compared
from symbptt.check.code.mistakes import FACTORS, SLOPES, agrees, mistakes
from symbptt.check.code.names import names_of
from symbptt.check.code.points import point, sizes_of
from symbptt.check.code.program import read_program
from symbptt.check.code.readings import FORMS, Reading, Style
from symbptt.compile import compile_gradient
from symbptt.errors import RequestError
from symbptt.model import load

PROGRAMS = Path(__file__).parent / "programs"
#: Time enough on a busy machine for what ends, and memory for little.
LIMITS = Limits(seconds=20, cpu=10, memory=1 << 30)
FUNCTIONS = {
    "char_rnn": ("loss_fun", "elman"),
    "uvw": ("bptt", "elman-uvw"),
    "rows": ("loss_and_grads", "elman-linear"),
    "lstm": ("lstm_bptt", "lstm"),
    "gru": ("gru_grads", "gru"),
}


def checked(name: str, folder: Path, *changes: tuple[str, str]) -> CodeReport:
    """The report on a program with some of its text replaced."""
    text = (PROGRAMS / f"{name}.py").read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{old} is there {text.count(old)} times"
        text = text.replace(old, new)
    path = folder / f"{name}.py"
    path.write_text(text)
    return check_code(path, *FUNCTIONS[name], limits=LIMITS)


def found(report: CodeReport) -> dict[str, str]:
    """What is not plainly right, by parameter."""
    return {
        c.by or "loss": f"{c.verdict}: {c.says}" for c in report.comparisons if c.verdict != "right"
    }


@pytest.mark.parametrize("name", ["char_rnn", "uvw", "rows", "lstm"])
def test_right(name: str, tmp_path: Path) -> None:
    report = checked(name, tmp_path)
    assert report.passed, str(report)
    assert not found(report)
    assert report.lengths == (1, 2, 5)
    assert ": right" in str(report)
    assert report.as_dict()["summary"]["right"] == len(report.comparisons)


def test_readings_are_said(tmp_path: Path) -> None:
    assert checked("char_rnn", tmp_path).readings == (
        "x as integers, the places of the 1",
        "target as integers, the places of the 1",
        "vectors as columns, (n, 1)",
    )
    rows = checked("rows", tmp_path)
    assert rows.batch == 3
    assert "matrices transposed, for row vectors x W" in rows.readings


def test_a_loss_that_is_a_mean_is_a_convention(tmp_path: Path) -> None:
    report = checked("gru", tmp_path)
    assert report.passed, str(report)
    verdicts = set(found(report).values())
    assert verdicts == {
        "right-under: averaged over the steps: 1/T times the model's",
        "right-under: averaged over the steps: 1/T times the derived one, as the loss is",
    }
    assert "h_0" in {c.by for c in report.comparisons}


MUTANTS = [
    (
        "char_rnn",
        ("dhraw = (1 - hs[t] * hs[t]) * dh", "dhraw = dh"),
        {"W_hh W_xh b_h": "wrong: the derivative of tanh, 1 - tanh², is left out"},
    ),
    (
        "char_rnn",
        ("(1 - hs[t] * hs[t]) * dh", "(1 - np.tanh(hs[t]) ** 2) * dh"),
        {"W_hh W_xh b_h": "wrong: the derivative of tanh is taken at its value"},
    ),
    (
        "char_rnn",
        ("dWhh += np.dot(dhraw, hs[t - 1].T)", "dWhh += np.dot(dhraw, hs[t].T)"),
        {"W_hh": "wrong: off by one: h_t where h_{t-1} belongs"},
    ),
    (
        "char_rnn",
        ("dh = np.dot(Why.T, dy) + dhnext", "dh = np.dot(Why.T, dy)"),
        {"W_hh W_xh b_h": "wrong: what comes to h_{t-1} through z_t is left out; nothing comes back"},
    ),
    (
        "char_rnn",
        ("return loss, dWxh, dWhh,", "return loss, dWxh, dWhh.T,"),
        {"W_hh": "wrong: transposed"},
    ),
    (
        "char_rnn",
        ("return loss, dWxh, dWhh,", "return loss, dWxh / len(inputs), dWhh,"),
        {"W_xh": "wrong: averaged over the steps: 1/T times the derived one"},
    ),
    ("char_rnn", ("return loss, dWxh,", "return loss, -dWxh,"), {"W_xh": "wrong: of the opposite sign"}),
    ("char_rnn", ("dbh, dby, hs[", "dby, hs["), {"b_h": "missing: not returned"}),
    (
        "char_rnn",
        ("np.clip(dparam, -5, 5, out=dparam)", "np.clip(dparam, -0.01, 0.01, out=dparam)"),
        {"W_hh W_xh b_h W_hy b_y": "wrong: clipped to [-0.01, 0.01]"},
    ),
    (
        "char_rnn",
        ("dhnext = np.dot(Whh.T, dhraw)", "dhnext = np.dot(Whh, dhraw)"),
        {"W_hh W_xh b_h": "wrong: "},
    ),
    (
        "char_rnn",
        ("for t in reversed(range(len(inputs))):", "for t in reversed(range(1, len(inputs))):"),
        {"W_hh W_xh b_h W_hy b_y": "wrong: the term of t = 1 is missing from the sum"},
    ),
    (
        "uvw",
        ("bptt_truncate=1000", "bptt_truncate=1"),
        {"W U": "wrong: the gradient of truncated BPTT with K = 2"},
    ),
    (
        "rows",
        ('grads["bh"] + dz.sum(axis=0)', 'grads["bh"] + dz'),
        {"b_h": "wrong: not summed over the batch"},
    ),
    (
        "rows",
        ('return loss, grads', 'return loss, {k: g / B for k, g in grads.items()}'),
        {"W_hh W_xh b_h W_hy b_y": "wrong: averaged over the batch: 1/B times the derived one"},
    ),
    (
        "lstm",
        ("dc = dc_next + dh * o", "dc = dh * o"),
        {
            "W_i U_i b_i W_f U_f b_f W_g U_g b_g W_o U_o b_o":
            "wrong: what comes to c_{t-1} through c_t is left out; nothing comes back"
        },
    ),
    (
        "lstm",
        ("dc * g * i * (1 - i)", "dc * g * i"),
        {
            "W_i U_i b_i W_f U_f b_f W_g U_g b_g W_o U_o b_o":
            "wrong: in i_t, the derivative of σ is σ(1 - σ), not σ"
        },
    ),
    (
        "char_rnn",
        ("return loss, dWxh, dWhh,", "return loss, dWxh, 3 * dWhh,"),
        {"W_hh": "wrong: 3 times the derived one"},
    ),
    (
        "char_rnn",
        ("return loss, dWxh, dWhh,", "return loss, dWxh, Whh - 0.1 * dWhh,"),
        {"W_hh": "wrong: W_hh itself, changed by -0.1 times its gradient"},
    ),
    (
        "char_rnn",
        ("dbh, dby, hs[", "dbh.ravel(), dby, hs["),
        {"b_h": "shape: its shape is (4,) where the parameter's is (4, 1)"},
    ),
    ("gru", ("loss -= d[t - 1] @ np.log(p[t]) / T", "loss -= d[t - 1] @ np.log(p[t])"), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "expected"), MUTANTS)
def test_mutants(
    name: str, change: tuple[str, str], expected: dict[str, str] | None, tmp_path: Path
) -> None:
    report = checked(name, tmp_path, change)
    assert not report.passed
    if expected is None:
        assert all(v.startswith("wrong: averaged over the steps") for v in found(report).values())
        return
    ((names, says),) = expected.items()
    assert set(found(report)) == set(names.split()), str(report)
    for v in found(report).values():
        assert v.startswith(says), str(report)
    assert f"{says.partition(':')[0]}: " in str(report)


def test_a_difference_is_shown(tmp_path: Path) -> None:
    report = checked("char_rnn", tmp_path, ("dbh += dhraw", "dbh += dhraw**2"))
    (wrong,) = (c for c in report.comparisons if c.verdict == "wrong")
    assert wrong.name == "dbh"
    assert wrong.difference is not None
    assert wrong.difference.returned != wrong.difference.derived
    line = (tmp_path / "char_rnn.py").read_text().split("\n").index("        dbh += dhraw**2") + 1
    assert wrong.place == f"{tmp_path / 'char_rnn.py'}:{line}"


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("elman", {"Whh": "W_hh", "W": "W_hh", "U": "W_xh", "b": "b_h", "c": "b_y", "y": "target",
                   "xs": "x", "hprev": "h_0", "h": "h_0", "T": "", "seq_length": "", "lr": None}),
        ("elman-uvw", {"U": "U", "s0": "s_0", "inputs": "x", "vocab_size": "vocabulary"}),
        ("lstm", {"Wi": "W_i", "Wxi": "W_i", "Whi": "U_i", "b_c": "b_g", "Wy": "W_y", "c0": "c_0",
                  "c_prev": "c_0", "targets": "d", "params": ""}),
        ("gru", {"W_xz": "W_z", "W_hz": "U_z", "Wxh": "W_n", "h0": "h_0"}),
    ],
)  # fmt: skip
def test_names(model: str, meant: dict[str, str | None]) -> None:
    names = names_of(load(model))
    found = {name: names.meaning(name) for name in meant}
    assert {name: m and m.name for name, m in found.items()} == meant


# -- where the code is --------------------------------------------------------------------------

SMALL = """import numpy as np

def bptt(x, target, h0, W_hh, W_xh, b_h, W_hy, b_y):
    hs, ps = [h0], []
    for x_t in x:
        hs.append(np.tanh(W_hh @ hs[-1] + W_xh @ x_t + b_h))
        e = np.exp(W_hy @ hs[-1] + b_y)
        ps.append(e / e.sum())
    grads = {k: 0 for k in ("dW_hh", "dW_xh", "db_h", "dW_hy", "db_y")}
    dh = np.zeros_like(h0)
    for t in range(len(x) - 1, -1, -1):
        do = ps[t] - target[t]
        dz = (W_hy.T @ do + dh) * (1 - hs[t + 1] ** 2)
        terms = (np.outer(dz, hs[t]), np.outer(dz, x[t]), dz, np.outer(do, hs[t + 1]), do)
        grads = {k: g + term for (k, g), term in zip(grads.items(), terms)}
        dh = W_hh.T @ dz
    return grads
"""


def small(folder: Path, old: str = "", new: str = "", *, limits: Limits = LIMITS) -> CodeReport:
    path = folder / "small.py"
    path.write_text(SMALL.replace(old, new) if old else SMALL)
    return check_code(path, "bptt", "elman", limits=limits)


def test_in_markdown(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(
        f"# Notes\n\nThe gradient:\n\n```python\n{SMALL}```\n\n```python\nx = = 1\n```\n"
    )
    report = check_code(path, "bptt", "elman", limits=LIMITS)
    assert report.passed
    assert report.place == f"{path}:8"
    assert "not Python" in report.notes[0]


def test_in_a_notebook(tmp_path: Path) -> None:
    imports, function = SMALL.split("\n\n", 1)
    cells = [
        {"cell_type": "markdown", "source": ["# Notes"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", imports]},
        {"cell_type": "code", "source": "!pip install numpy\n" + function},
    ]
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    report = check_code(path, "bptt", "elman", limits=LIMITS)
    assert report.passed
    assert report.place == f"{path}:cell 3:2"


LAYOUTS = [
    (
        [("for x_t in x:", "for t in range(1, len(x) + 1):\n        x_t = x[t]"),
         ("np.outer(dz, x[t])", "np.outer(dz, x[t + 1])"), ("target[t]", "target[t + 1]"),
         ("x, target", "x: dict, target: dict")],
        "x as a dict by t = 1…T",
    ),
    (
        [("x, target, h0", "X, Y, h0"),
         ("    hs, ps", "    x, target = X.T, Y.T\n    assert X.shape[0] == 6\n    hs, ps")],
        "x as a matrix (n, T), a column for each step",
    ),
    (
        [("(x, target, h0, W_hh, W_xh, b_h, W_hy, b_y)", "(inputs, h, y, params)"),
         ("    hs, ps = [h0], []", "    W_hh, W_xh, W_hy, b_h, b_y = params\n"
          "    x, target, h0 = inputs, y, h\n    hs, ps = [h0], []")],
        "",
    ),
    (
        [("return grads", "return tuple(grads.values())")],
        "gradients in the order of the parameters",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "reading"), LAYOUTS)
def test_layouts(changes: list[tuple[str, str]], reading: str, tmp_path: Path) -> None:
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "layout.py"
    path.write_text(text)
    report = check_code(path, "bptt", "elman", limits=LIMITS)
    assert report.passed, str(report)
    assert not reading or reading in report.readings


def test_the_last_step_alone(tmp_path: Path) -> None:
    text = """
import numpy as np

def backprop(inputs, d_last, Wxh, Whh, Why, bh, by):
    h = np.zeros((len(Whh), 1))
    last_hs = {0: h}
    for i, x in enumerate(inputs):
        h = np.tanh(Wxh @ x + Whh @ h + bh)
        last_hs[i + 1] = h
    d_y = Why @ h + by - d_last
    d_Why = d_y @ h.T
    d_Whh, d_Wxh, d_bh = np.zeros(Whh.shape), np.zeros(Wxh.shape), np.zeros(bh.shape)
    d_h = Why.T @ d_y
    for t in reversed(range(len(inputs))):
        temp = (1 - last_hs[t + 1] ** 2) * d_h
        d_bh += temp
        d_Whh += temp @ last_hs[t].T
        d_Wxh += temp @ inputs[t].T
        d_h = Whh @ temp
    return d_Wxh, d_Whh, d_Why, d_bh, d_y
"""
    path = tmp_path / "last.py"
    names = {"d_last": "d", "d_y": "b_y"}
    path.write_text(text)
    report = check_code(path, "backprop", "elman-many-to-one", names, limits=LIMITS)
    assert set(found(report)) == {"W_xh", "W_hh", "b_h"}
    path.write_text(text.replace("d_h = Whh @ temp", "d_h = Whh.T @ temp"))
    report = check_code(path, "backprop", "elman-many-to-one", names, limits=LIMITS)
    assert report.passed, str(report)
    assert "the last step of d alone, as a column" in report.readings


def test_lengths_that_fail_are_named(tmp_path: Path) -> None:
    report = small(tmp_path, FIRST, "    assert len(x) > 1, 'too short'\n" + FIRST)
    assert report.passed
    assert report.lengths == (2, 5)
    (note,) = report.notes
    assert note.startswith("not compared at T = 1: ")
    assert "AssertionError: too short" in note


CLASS = """
import numpy as np

class RNN:
    def __init__(self, word_dim, hidden_dim=100, bptt_truncate=4):
        self.word_dim = word_dim
        self.hidden_dim = hidden_dim
        self.bptt_truncate = bptt_truncate
        self.U = np.random.uniform(-1, 1, (hidden_dim, word_dim))
        self.V = np.random.uniform(-1, 1, (word_dim, hidden_dim))
        self.W = np.random.uniform(-1, 1, (hidden_dim, hidden_dim))

    def forward_propagation(self, x):
        s = np.zeros((len(x) + 1, self.hidden_dim))
        o = np.zeros((len(x), self.word_dim))
        for t in range(len(x)):
            s[t] = np.tanh(self.U[:, x[t]] + self.W.dot(s[t - 1]))
            e = np.exp(self.V.dot(s[t]))
            o[t] = e / e.sum()
        return [o, s]

    def bptt(self, x, y):
        o, s = self.forward_propagation(x)
        dLdU, dLdV, dLdW = (np.zeros(a.shape) for a in (self.U, self.V, self.W))
        o[np.arange(len(y)), y] -= 1.0
        for t in range(len(y))[::-1]:
            dLdV += np.outer(o[t], s[t].T)
            delta_t = self.V.T.dot(o[t]) * (1 - s[t] ** 2)
            for step in range(max(0, t - self.bptt_truncate), t + 1)[::-1]:
                dLdW += np.outer(delta_t, s[step - 1])
                dLdU[:, x[step]] += delta_t
                delta_t = self.W.T.dot(delta_t) * (1 - s[step - 1] ** 2)
        return [dLdU, dLdV, dLdW]
"""


def test_a_method(tmp_path: Path) -> None:
    path = tmp_path / "rnn.py"
    path.write_text(CLASS)
    report = check_code(path, "bptt", "elman-uvw", limits=LIMITS)
    assert report.passed, str(report)
    assert report.function == "RNN.bptt"
    path.write_text(CLASS.replace("bptt_truncate=4", "bptt_truncate=0"))
    report = check_code(path, "RNN.bptt", "elman-uvw", limits=LIMITS)
    assert set(found(report)) == {"U", "W"}
    assert "nothing comes back from step t+1" in str(report)


def test_names_are_given(tmp_path: Path) -> None:
    path = tmp_path / "named.py"
    path.write_text(SMALL.replace("W_xh", "weights_in"))
    with pytest.raises(RequestError, match="'weights_in' of bptt is nothing of elman"):
        check_code(path, "bptt", "elman", limits=LIMITS)
    report = check_code(path, "bptt", "elman", {"weights_in": "W_xh"}, limits=LIMITS)
    assert report.passed
    with pytest.raises(RequestError, match="no such symbol"):
        check_code(path, "bptt", "elman", {"weights_in": "W_xx"}, limits=LIMITS)


def test_bad_requests(tmp_path: Path) -> None:
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    with pytest.raises(RequestError, match="did you mean 'bptt'"):
        check_code(path, "btpt", "elman")
    path.write_text("def f(:\n")
    with pytest.raises(RequestError, match=":1: not Python"):
        check_code(path, "f", "elman")
    path.write_text("def f(x, target):\n    return 1\n")
    with pytest.raises(RequestError, match="W_hh of elman is neither a parameter nor a global"):
        check_code(path, "f", "elman")


def test_documents_of_all_kinds(tmp_path: Path) -> None:
    indented = "".join(f"    {line}\n" if line else "\n" for line in SMALL.split("\n"))
    escaped = SMALL.replace("<", "&lt;").replace(">", "&gt;")
    texts = {
        "notes.rst": f"Notes\n=====\n\n.. code-block:: python\n\n{indented}\nThe end.\n",
        "page.html": f"<html><body><pre><code>{escaped}</code></pre></body></html>",
        "quoted.md": "> ```python\n"
        + "".join(f"> {line}\n" for line in SMALL.split("\n"))
        + "> ```\n",
        "session.md": "```\n>>> "
        + SMALL.rstrip("\n").replace("\n\ndef", "\n>>> def").replace("\n    ", "\n...     ")
        + "\n```\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        assert read_program(tmp_path / name).function("bptt")[0] == "bptt", name


# -- the tables ---------------------------------------------------------------------------------

RELU = r"h_t = relu(W_hh h_{t-1} + W_xh x_t + b_h); y_t = W_hy h_t + b_y; L = \sum_{t=1}^{T} squared_error(y_t, d_t)"
SOFTMAX = RELU.replace("relu(", "tanh(").replace(
    "y_t = W_hy h_t + b_y", "y_t = softmax(W_hy h_t + b_y)"
)
GATED = RELU.replace("relu(", "sigmoid(")
LINEAR = SMALL.replace("e = np.exp(W_hy @ hs[-1] + b_y)", "o = W_hy @ hs[-1] + b_y").replace(
    "e / e.sum()", "o"
)
SIGMOID = LINEAR.replace("np.tanh(", "(lambda z: 1 / (1 + np.exp(-z)))(")
SLOPE = "(1 - hs[t + 1] ** 2)"
Z = "(W_hh @ hs[t] + W_xh @ x[t] + b_h)"
BY_HAND = [
    ("elman", SMALL, "1"),
    ("elman", SMALL, "(1 - hs[t + 1])"),
    ("elman", SMALL, "(1 + hs[t + 1] ** 2)"),
    ("elman", SMALL, "(1 - np.tanh(hs[t + 1]) ** 2)"),
    ("elman", SMALL, f"(1 - {Z} ** 2)"),
    (GATED, SIGMOID, "1"),
    (GATED, SIGMOID, "(1 - hs[t + 1] ** 2)"),
    (GATED, SIGMOID, "hs[t + 1]"),
    (GATED, SIGMOID, "(1 - hs[t + 1])"),
    (GATED, SIGMOID, "1 / (1 + np.exp(-hs[t + 1])) * (1 - 1 / (1 + np.exp(-hs[t + 1])))"),
    (RELU, LINEAR.replace("np.tanh(", "np.maximum(0, "), "1"),
    (SOFTMAX, SMALL, "(1 - hs[t + 1] ** 2)"),
]


def test_every_slope_is_what_a_program_with_it_computes() -> None:
    assert len(BY_HAND) == len(SLOPES)
    for (source, text, slope), row in zip(BY_HAND, SLOPES, strict=True):
        model = load(source)
        f = compile_gradient(derive(model))
        at = point(f, 3, sizes_of(model), batched=False, one_hot=False, initial=frozenset({"h_0"}))
        assert at is not None
        space: dict[str, Any] = {}
        exec(text.replace(SLOPE, slope), space)
        inputs = {
            "target" if n == "d" else n.replace("_0", "0"): a for n, a in at.at.inputs.items()
        }
        made = space["bptt"](**inputs, **at.at.params)
        (mistake,) = (m for m in mistakes(model) if m.says == row.says)
        wrong = mistake.gradients(at)
        assert wrong is not None
        assert not agrees(wrong["W_hh"], at.truth[1]["W_hh"]), row.says
        for name in at.at.params:
            assert agrees(made[f"d{name}"], wrong[name]), f"{row.says}: {name}"


def test_every_factor_is_told_from_the_others() -> None:
    model = load("elman")
    f = compile_gradient(derive(model))
    sizes = sizes_of(model)
    points = [
        point(f, T, sizes, batched=True, one_hot=False, initial=frozenset()) for T in (1, 2, 5)
    ]
    for factor in FACTORS:
        outcomes = []
        for at in filter(None, points):
            made = {n: factor.at(at) * g for n, g in at.truth[1].items()}
            outcomes.append(Outcome(at, Reading(Style(), FORMS[0], FORMS[0], False), Answer(made)))
        names = [v.name for v in model.parameters]
        for c in compared(outcomes, names, lambda label: "here"):
            assert (c.verdict, c.says) == ("wrong", f"{factor.says} the derived one")


# -- hostile code -------------------------------------------------------------------------------

QUICK = Limits(seconds=2, cpu=1, memory=1 << 30)

HOSTILE = [
    ("    while True:\n        pass\n", "did not end within|processor time"),
    ("    import time\n    time.sleep(60)\n", "did not end within"),
    ("    a = bytearray(8 << 30)\n", ":4: MemoryError"),
    ("    raise SystemExit(3)\n", ":4: SystemExit: 3"),
    ("    import os\n    os._exit(7)\n", "ended the process itself, with exit code 7"),
    ("    return 1 / 0\n", ":4: ZeroDivisionError: division by zero"),
    ("    return 'nothing'\n", "nothing that is a gradient"),
    ("    return bptt(x, target, h0, W_hh, W_xh, b_h, W_hy, b_y)\n", ":4: RecursionError"),
    ("    open('out.txt', 'w').write('x' * 10**6)\n", ":4: OSError: .*File too large"),
    ("    import os, signal\n    os.kill(os.getpid(), signal.SIGTERM)\n", "ended by SIGTERM"),
    ("    open('nowhere.txt')\n", ":4: FileNotFoundError"),
]  # fmt: skip
FIRST = "    hs, ps = [h0], []\n"


@pytest.mark.parametrize(("line", "why"), HOSTILE)
def test_hostile(line: str, why: str, tmp_path: Path) -> None:
    started = time.monotonic()
    endless = "end within" in why
    report = small(tmp_path, FIRST, line + FIRST, limits=QUICK if endless else LIMITS)
    assert time.monotonic() - started < 10
    assert not report.passed
    assert report.undecided
    assert re.search(why, str(report)), str(report)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.py"]


def test_what_it_prints_goes_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = small(tmp_path, FIRST, "    print('x' * 10**5)\n" + FIRST, limits=LIMITS)
    assert report.passed
    assert capfd.readouterr() == ("", "")


def test_numbers_that_are_none(tmp_path: Path) -> None:
    report = small(tmp_path, "return grads", "return {k: g * np.nan for k, g in grads.items()}")
    assert {c.verdict for c in report.comparisons} == {"wrong"}
    assert "not a number" in str(report)
    json.dumps(report.as_dict(), allow_nan=False)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_children_do_not_outlive_it(tmp_path: Path) -> None:
    marker = f"{tmp_path.name}-sleeper"
    fork = f"""    import os
    if not os.path.exists('{tmp_path}/forked'):
        try:
            open('{tmp_path}/forked', 'w').close()
            if os.fork() == 0:
                os.execvp('sleep', ['{marker}', '60'])
        except OSError:
            pass
"""
    small(tmp_path, FIRST, fork + FIRST, limits=QUICK)
    assert (tmp_path / "forked").exists()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert f"{marker} 60" not in running


def test_nothing_runs_without_need(tmp_path: Path) -> None:
    """Neither training, nor the main program, nor what the parent holds in its environment."""
    report = small(
        tmp_path,
        "import numpy as np\n",
        "import numpy as np\nimport nonexistent_module\n\nwhile True:\n    pass\n"
        "if __name__ == '__main__':\n    raise SystemExit\nprint(undefined)\n",
    )
    assert report.passed
