"""The command line: what each command delivers, and the exit codes of a linter."""

import json
import os
import runpy
import subprocess
import sys

import numpy as np
import pytest

import symbptt
from symbptt import cli
from symbptt.calculus import rules
from symbptt.model import builtin_names

LAG_TWO = r"""
name = "two-states"
equations = '''
u_t = tanh(A u_{t-1} + B u_{t-2} + C x_t + b)
v_t = u_t ⊙ (D v_{t-1}) + c
y_t = E v_t
'''
loss = 'L = \sum_{t \in \{2, T\}} squared_error(y_t, d_t)'
"""


@pytest.fixture
def wrong_rule(monkeypatch):
    """A sign error in the derivative of tanh and its like."""

    def rule(node, g, value):
        for operand, share in rules.map_rule(node, g, value):
            yield operand, -share

    monkeypatch.setitem(rules.RULES, rules.Map, rule)


def test_models_lists_every_built_in_with_its_title(capsys):
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(builtin_names())
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("d.txt", "Elman network"),
        ("d.tex", "\\documentclass"),
        ("d.md", "# Backpropagation"),
        ("d.html", "<!DOCTYPE html>"),
        ("d.json", "{"),
    ],
)
def test_the_format_follows_the_extension(tmp_path, file, begins):
    assert cli.main(["derive", "elman", "-o", str(tmp_path / file)]) == 0
    assert (tmp_path / file).read_text(encoding="utf-8").startswith(begins)
    assert len(list(tmp_path.iterdir())) == 1


def test_derive_for_a_given_T_writes_everything_out(capsys):
    assert cli.main(["derive", "elman", "-T", "3"]) == 0
    out = capsys.readouterr().out
    assert "Written out for T = 3" in out
    assert "∂L/∂b_h = δ_3 + δ_2 + δ_1" in out


def test_derive_with_a_function_bound(capsys):
    assert cli.main(["derive", "elman-generic", "--let", "g=softmax"]) == 0
    out = capsys.readouterr().out
    assert "y_t = softmax(o_t)" in out
    assert "f'(z_t)" in out


def test_derive_with_the_gradients_by_inputs(capsys):
    assert cli.main(["derive", "elman", "--inputs"]) == 0
    assert "∂L/∂x_t = W_xh^T δ_t" in capsys.readouterr().out


def test_a_model_nobody_built_in_is_derived_exported_and_verified(tmp_path, capsys):
    model, module = tmp_path / "cell.toml", tmp_path / "grad.py"
    model.write_text(LAG_TWO, encoding="utf-8")
    assert cli.main(["derive", str(model)]) == 0
    assert cli.main(["verify", str(model)]) == 0
    assert cli.main(["export", str(model), "-o", str(module)]) == 0
    assert "verified" in capsys.readouterr().out
    gradients = runpy.run_path(str(module))["loss_and_gradients"]
    rng = np.random.default_rng(1)
    n, m, k, T = 3, 2, 4, 6
    shapes = {"A": (n, n), "B": (n, n), "C": (n, m), "b": n, "D": (n, n), "c": n, "E": (k, n)}
    params = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    inputs = {"x": rng.normal(size=(T, m)), "d": rng.normal(size=(T, k))}
    _, grads = gradients(params, inputs)
    step = 1e-6
    for name in params:
        way = rng.normal(size=shapes[name])
        up, _ = gradients({**params, name: params[name] + step * way}, inputs)
        down, _ = gradients({**params, name: params[name] - step * way}, inputs)
        assert np.isclose(np.sum(grads[name] * way), (up - down) / (2 * step), rtol=1e-5)


def test_verify_as_json(capsys):
    assert cli.main(["verify", "elman-uvw", "--format", "json", "-T", "2"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is True
    assert report["checks"] > 100
    assert 0 < report["error_bound"] < 1e-12
    assert report["largest_error"] < 1e-10


def test_a_failed_verification_exits_1_and_says_what_disagrees(wrong_rule, capsys):
    assert cli.main(["verify", "elman", "-T", "2"]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert "∂L/∂W_hh" in out


def test_nothing_is_exported_that_failed_its_verification(wrong_rule, tmp_path, capsys):
    assert cli.main(["export", "elman", "-o", str(tmp_path / "grad.py")]) == 2
    assert "verification failed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "d.md"
    path.write_text("before")
    assert cli.main(["derive", "elman", "-o", str(path), "--notation", "nonsense"]) == 2
    assert path.read_text() == "before"
    assert cli.main(["derive", "elman", "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == symbptt.render("elman", "markdown")


def test_a_mistake_of_ours_is_one_line_too(monkeypatch, capsys):
    monkeypatch.setattr("symbptt.model.builtin_names", lambda: 1 / 0)
    assert cli.main(["models"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_output_that_nobody_reads_is_no_error():
    command = f"{sys.executable} -m symbptt.cli derive elman -T 200 | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"symbptt {symbptt.__version__}\n"


def test_a_link_is_followed_and_a_mode_kept(tmp_path):
    target, link = tmp_path / "real.md", tmp_path / "link.md"
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to(target)
    assert cli.main(["derive", "elman", "-o", str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("# Backpropagation")
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("derive elman > /dev/full", "can't write: No space left"),
        ("derive elman >&-", "standard output is closed"),
        ("models > /dev/full", "can't write"),
    ],
)
def test_a_terminal_that_fails_is_one_line(shell, words):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m symbptt {shell}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_terminal_without_greek_gets_it_escaped():
    done = subprocess.run(
        [sys.executable, "-m", "symbptt", "derive", "elman"],
        capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0
    assert rb"\u03b4^o_t" in done.stdout


def test_what_steers_a_terminal_does_not_reach_it(tmp_path, capsys):
    path = tmp_path / "cell.toml"
    path.write_text(
        'title = "a\\u001b[31mred\\ntitle"\nequations = "h_t = tanh(W h_{t-1} + x_t)"\n'
        'loss = "L = sum(h_T)"\n[bindings]\n"x\\ny\\u001b" = "tanh"\n'
    )
    assert cli.main(["derive", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err
