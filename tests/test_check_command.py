"""`symbptt check` and `symbptt.check`: what they are given, what they deliver, how they end."""

import io
import json
import os
import subprocess
import sys
import types

import pytest
from check_reports import DOCUMENT, check_document

import symbptt
from symbptt import cli
from symbptt.check.documents.given import document_of
from symbptt.errors import RequestError


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """An engine whose verdicts are in the names; it keeps what it was asked."""
    asked = []

    def judge(document, model=None, names=None, model_name=None, *, progress=None):
        asked.append(
            types.SimpleNamespace(document=document, model=model, names=names, name=model_name)
        )
        return check_document(document, model, names, model_name)

    module = types.ModuleType("symbptt.check.judging")
    module.check_document = judge
    monkeypatch.setitem(sys.modules, "symbptt.check.judging", module)
    return asked


@pytest.fixture
def notes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "good.md").write_text("$right_a = b$\n", encoding="utf-8")
    (tmp_path / "under.md").write_text("$under_a = b$\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.md"], 0),
        (["under.md"], 0),
        (["under.md", "--strict"], 1),
        (["notes.md"], 1),
        (["good.md", "notes.md"], 1),
        (["notes.md", "--select", "right"], 1),
        (["notes.md", "--format", "json"], 1),
    ],
)
def test_exit_codes(notes, capsys, arguments, code):
    assert cli.main(["check", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out
    assert captured.err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.md", "notes.md"], "can't read absent.md: no such file or directory"),
        (["notes.md", "."], "'.' is a folder; name the documents in it"),
        (["notes.md", "--format", "jsn"], "no format 'jsn'; did you mean 'json'?"),
        (["notes.md", "-o", "out.xyz"], "can't tell a format from 'out.xyz'"),
        (["notes.md", "--select", "rigth"], "no class 'rigth'; did you mean 'right'?"),
        (["notes.md", "--model", "elmann"], "no model 'elmann'; did you mean 'elman'?"),
        (["notes.md", "--names", "absent.toml"], "can't read 'absent.toml'"),
        (["notes.md", "-o", "./notes.md", "--format", "text"], "is a document to check"),
        (["-", "-"], "standard input can be read once"),
        (["binary.md"], "it is no text in UTF-8"),
        (["broken.ipynb"], "broken.ipynb is not a notebook"),
        (["empty.ipynb"], "empty.ipynb is not a notebook: it has no cells"),
        (["five.ipynb"], "five.ipynb is not a notebook: it has no cells"),
        (["notes.md", "--model", ""], "not nothing"),
        ([], "DOCUMENT"),
    ],
)
def test_a_wrong_request_is_one_line_and_no_report(notes, capsys, arguments, said):
    (notes / "binary.md").write_bytes(b"\xff\xfe\x00")
    (notes / "broken.ipynb").write_text("{")
    (notes / "empty.ipynb").write_text("[]")
    (notes / "five.ipynb").write_text('{"cells": 5}')
    try:
        code = cli.main(["check", *arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert (notes / "notes.md").read_text(encoding="utf-8") == DOCUMENT


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("r.json", "{"),
        ("r.sarif", '{\n  "$schema"'),
        ("r.html", "<!DOCTYPE html>"),
        ("r.txt", "notes.md:"),
    ],
)
def test_the_format_follows_the_extension(notes, capsys, file, begins):
    assert cli.main(["check", "notes.md", "-o", file]) == 1
    assert (notes / file).read_text(encoding="utf-8").startswith(begins)
    assert capsys.readouterr().out == ""


def test_standard_input(notes, capsys, monkeypatch):
    text = "\ufeffThe gradient is $wrong_a = b$.\r\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert cli.main(["check", "-"]) == 1
    assert capsys.readouterr().out.startswith("<stdin>:1:18: wrong: wrong_a = b — ")


def test_standard_input_that_is_a_notebook(notes, capsys, monkeypatch):
    cell = {"cell_type": "markdown", "metadata": {}, "source": ["$wrong_a = b$"]}
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert cli.main(["check", "-", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["formulas"][0]["cell"] == 1


def test_a_terminal_sees_the_line_with_carets(notes, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert cli.main(["check", "notes.md"]) == 1
    out = capsys.readouterr().out
    assert "    g_{wrong} = a_t + b_t\n    ^^^^^^^^^^^^^^^^^^^^^\n" in out
    assert "\x1b" not in out


# -- the sidecar --------------------------------------------------------------------------------


def test_a_sidecar_is_picked_up(notes, engine):
    (notes / "notes.symbptt.toml").write_text('model = "elman"\n[names]\n"s" = "h"\n"U" = "W_xh"\n')
    cli.main(["check", "notes.md"])
    symbptt.check("notes.md")
    for asked in engine:
        assert asked.model.name == "elman"
        assert asked.name == "elman"
        assert asked.names == {"s": "h", "U": "W_xh"}


def test_what_is_asked_for_goes_before_the_sidecar(notes, engine):
    (notes / "notes.symbptt.toml").write_text('model = "elman"\n[names]\n"s" = "h"\n"U" = "W_xh"\n')
    (notes / "mine.toml").write_text('model = "gru"\n[names]\n"s" = "c"\n')
    cli.main(["check", "notes.md", "--names", "mine.toml"])
    cli.main(["check", "notes.md", "--names", "mine.toml", "--model", "lstm"])
    assert [a.name for a in engine] == ["gru", "lstm"]
    assert engine[0].names == {"s": "c", "U": "W_xh"}


def test_a_sidecars_model_file_is_beside_it(notes, engine, monkeypatch):
    (notes / "cell.toml").write_text(
        "equations = 'h_t = tanh(W h_{t-1} + U x_t)'\nloss = 'L = \\sum_{t=1}^{T} squared_error(h_t, d_t)'"
    )
    (notes / "notes.symbptt.toml").write_text('model = "cell.toml"')
    (notes / "elsewhere").mkdir()
    monkeypatch.chdir(notes / "elsewhere")
    symbptt.check("../notes.md")
    assert engine[0].model.name == "cell"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle = 'elman'", "no key 'modle'; did you mean 'model'?"),
        ("model = 3", "'model' must be the name or the path of a model, as text"),
        ("names = 'h'", "'names' must be a table, [names]"),
        ("[names]\ns = 3", "[names] 's': write"),
        ("[names]\ns = ''", "[names] 's' = '' has an empty side"),
        ("[names", "not a TOML file"),
    ],
)
def test_a_sidecar_that_is_wrong_is_one_line(notes, capsys, text, said):
    (notes / "notes.symbptt.toml").write_text(text)
    assert cli.main(["check", "notes.md"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "notes.symbptt.toml" in err
    assert said in err


# -- the function -------------------------------------------------------------------------------


def test_check_is_the_function_whatever_was_imported():
    import symbptt.check.reports

    assert symbptt.check is symbptt.api.check
    assert "check" in dir(symbptt)
    assert "check" in symbptt.__all__


def test_check_a_formula(engine):
    report = symbptt.check(
        r"\frac{\partial wrong}{\partial W_{hh}} = \delta_t h_{t-1}^{\top}", model="elman"
    )
    assert engine[0].document.format == "formula"
    assert engine[0].name == "elman"
    (finding,) = report.findings
    assert finding.formula.fragment.form == "display"
    assert not report.passed
    assert str(report).splitlines()[2].startswith(r"line 1, column 1: wrong: \frac{\partial wrong}")


@pytest.mark.parametrize(
    ("text", "format", "sources"),
    [
        (r"\delta_t = W^{\top} \delta_{t+1}", "formula", [r"\delta_t = W^{\top} \delta_{t+1}"]),
        ("dL/dW_hh = δ_t h_{t-1}^T", "formula", ["dL/dW_hh = δ_t h_{t-1}^T"]),
        ("dL/dWhh = dL/dh2 ⋅ transpose(h1)", "formula", ["dL/dWhh = dL/dh2 ⋅ transpose(h1)"]),
        ("a \\\n= b", "formula", ["a \\\n= b"]),
        ("Let $a = b$ be.", "markdown", ["a = b"]),
        ("Thus, dL/dh2 = dL/dy ⋅ Why", "formula", None),
        ("And so we have that dL/dh2 = dL/dy ⋅ Why", "text", ["dL/dh2 = dL/dy ⋅ Why"]),
        ("h_t = tanh(z_t)\nz_t = W h_{t-1}", "text", ["h_t = tanh(z_t)", "z_t = W h_{t-1}"]),
        ("\\begin{align}a &= b\\end{align}", "text", None),
    ],
)
def test_a_text_is_a_formula_or_a_document(text, format, sources):
    document = document_of(text)
    assert document.format == format
    if sources is not None:
        assert [f.source for f in document.fragments] == sources


def test_a_path_is_a_path(notes, engine):
    symbptt.check("notes.md")
    symbptt.check(notes / "notes.md")
    assert [a.document.text for a in engine] == [DOCUMENT] * 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("absent.md", "can't read absent.md"),
        ("a/b/absent.tex", "can't read a/b/absent.tex"),
        ("", "nothing to check"),
        (3, "not an int"),
        (".", "is a folder"),
    ],
)
def test_what_can_not_be_checked(notes, given, said):
    with pytest.raises(RequestError, match=said):
        symbptt.check(given)


def test_names_are_text():
    with pytest.raises(RequestError, match=r"check\(\): \[names\]"):
        symbptt.check("$a = b$", names={"s": 3})


def test_what_is_right_needs_no_derivation(tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text(
        r"$h_t = \tanh(W h_{t-1} + U x_t)$, so"
        r" $\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W$.",
        encoding="utf-8",
    )
    code = (
        "import sys; sys.modules.update(sympy=None); from symbptt.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "-v", str(notes)],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0
    assert ": right: " in done.stdout


def test_help_needs_no_mathematics():
    code = "import sys; sys.modules.update(sympy=None, numpy=None); from symbptt.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "--help"],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0
    assert "--strict" in done.stdout


def test_the_hook_runs_the_command():
    from pathlib import Path

    text = (Path(__file__).parents[1] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert "id: symbptt-check" in text
    assert "entry: symbptt check" in text


# -- code that is run ---------------------------------------------------------------------------

PROGRAM = """import numpy as np


def grads(params, x, target):
    W, U = params["W"], params["U"]
    T, h = len(x), [np.zeros(len(W))]
    for t in range(T):
        h.append(np.tanh(W @ h[-1] + U @ x[t]))
    dW, dU, later = np.zeros_like(W), np.zeros_like(U), np.zeros(len(W))
    for t in range(T, 0, -1):
        dh = h[t] - target[t - 1] + later
        dz = dh * (1 - h[t] ** 2)
        dW += np.outer(dz, h[t - 1])
        dU += np.outer(dz, x[t - 1])
        later = W.T @ dz
    return {"W": dW, "U": dU}
"""
MODEL = r"""equations = 'h_t = tanh(W h_{t-1} + U x_t)'
loss = 'L = \sum_{t=1}^{T} squared_error(h_t, target_t)'
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(PROGRAM)
    (tmp_path / "bad.py").write_text(PROGRAM.replace("W.T @ dz", "W @ dz"))
    (tmp_path / "cell.toml").write_text(MODEL)
    return tmp_path


def test_code_is_run_and_compared(program, capsys):
    assert cli.main(["check", "net.py", "--run-code", "grads", "--model", "cell.toml"]) == 0
    out = capsys.readouterr().out
    assert "net.py:4: grads, the gradients of cell: right" in out
    assert "net.py:4: right: U" in out


def test_code_that_is_wrong_is_found(program, capsys):
    asked = ["check", "bad.py", "--run-code", "grads", "--model", "cell.toml", "-o", "r.json"]
    assert cli.main(asked) == 1
    assert capsys.readouterr().out == ""
    report = json.loads((program / "r.json").read_text(encoding="utf-8"))
    assert not report["passed"]
    assert report["summary"]["wrong"] == 2


def test_several_files_and_the_sidecars_model(program, capsys):
    (program / "net.symbptt.toml").write_text('model = "cell.toml"')
    (program / "bad.symbptt.toml").write_text('model = "cell.toml"')
    asked = ["check", "net.py", "bad.py", "--run-code", "grads", "--format", "json"]
    assert cli.main(asked) == 1
    reports = json.loads(capsys.readouterr().out)["reports"]
    assert [r["passed"] for r in reports] == [True, False]
    assert [r["model"] for r in reports] == ["cell", "cell"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--run-code compares with a model; name it with --model"),
        (["--model", "cell.toml", "--format", "html"], "text or json, not html"),
        (["--model", "cell.toml", "--select", "wrong"], "leave out --select"),
        (["--model", "cell.toml", "-o", "net.py"], "can't tell a format from 'net.py'"),
        (["--model", "cell.toml", "-o", "net.py", "--format", "text"], "is a document to check"),
        (["--model", "elmann"], "did you mean 'elman'?"),
    ],
)
def test_a_wrong_request_runs_nothing(program, capsys, arguments, said):
    assert cli.main(["check", "net.py", "--run-code", "grads", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert (program / "net.py").read_text() == PROGRAM


def test_standard_input_is_not_run(program, capsys):
    assert cli.main(["check", "-", "--run-code", "grads", "--model", "cell.toml"]) == 2
    assert "needs a file, not standard input" in capsys.readouterr().err


def test_how_far_a_long_document_is(notes, monkeypatch, capsys):
    told = []

    class Progress:
        def __enter__(self):
            return told.append

        def __exit__(self, *exc):
            pass

    def judge(document, model, names, model_name, *, progress):
        progress("formula 2 of 3")
        return check_document(document)

    sys.modules["symbptt.check.judging"].check_document = judge
    monkeypatch.setattr("symbptt.commands.check.Progress", Progress)
    assert cli.main(["check", "good.md"]) == 0
    assert told == ["checking good.md", "checking good.md: formula 2 of 3"]


def test_a_name_that_the_model_does_not_have_is_refused(tmp_path, capsys):
    (tmp_path / "notes.md").write_text("$\\delta_t = W^T \\delta_{t+1}$\n")
    (tmp_path / "notes.symbptt.toml").write_text('model = "elman"\n[names]\n"W" = "W_hx"\n')
    assert cli.main(["check", str(tmp_path / "notes.md")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "symbptt: [names] 'W' = 'W_hx': the model has no 'W_hx'; did you mean"
    )
    assert said.err.count("\n") == 1
