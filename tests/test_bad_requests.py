"""A wrong request: one line on standard error, exit code 2, no traceback, no file left behind."""

import subprocess
import sys

import pytest

from symbptt import cli

GOOD = "h_t = tanh(W h_{t-1} + U x_t)\n"
LOSS = "loss = 'L = \\sum_{t=1}^{T} squared_error(h_t, d_t)'\n"


def cell(equations, loss=LOSS, more=""):
    return f"{more}equations = '''\n{equations}'''\n{loss}"


#: Model files, each with one thing wrong.
FILES = {
    "not-toml": "equations = ",
    "equations-alone": GOOD,
    "no-equations": LOSS,
    "unknown-key": cell(GOOD, more="colour = 'red'\n"),
    "undefined": cell("y_t = W h_{t-1}\n"),
    "twice": cell(GOOD + GOOD),
    "shape": cell("h_t = tanh(x_t h_{t-1} + b)\n"),
    "cycle": cell("h_t = W z_t\nz_t = U h_t\n"),
    "no-loss": cell(GOOD, loss=""),
    "loss-of-nothing": cell(GOOD, loss="loss = 'L = sum(x_T)'\n"),
    "initial": cell("h_t = tanh(W h_{t-1} + V h_{t-2} + x_t)\nh_0 = 0\n"),
    "reserved": cell("T_t = W x_t\n"),
    "unsafe": cell("__import___t = W x_t\n"),
    "syntax": cell("h_t = tanh(W h_{t-1} + )\n"),
    "unknown-function": cell("h_t = tahn(W x_t)\n"),
    "both-ways": cell("h_t = tanh(W h_{t+1} + U h_{t-1})\n"),
    "unbound": cell("h_t = f(W h_{t-1} + U x_t)\n"),
    "bad-binding": cell("h_t = f(W h_{t-1})\n") + "[bindings]\nf = 'sofmax'\n",
    "bad-shape": cell(GOOD) + "[shapes]\nW = 'n, m, k'\n",
    "deep": cell("h_t = " + "(" * 500 + "x_t" + ")" * 500 + "\n"),
}

#: Calls that are wrong whatever the model; {f} stands for a file to write.
CALLS = {
    "no command": [],
    "misspelled command": ["derve", "elman"],
    "no model": ["derive"],
    "unknown model": ["derive", "elmann"],
    "missing file": ["derive", "nowhere.toml"],
    "a folder": ["derive", "."],
    "T is zero": ["derive", "elman", "-T", "0"],
    "T is a word": ["derive", "elman", "-T", "many"],
    "unknown format": ["derive", "elman", "--format", "latx"],
    "unknown extension": ["derive", "elman", "-o", "{f}.xyz"],
    "unknown notation": ["derive", "elman", "--notation", "elmn"],
    "unknown layout": ["derive", "elman", "--layout", "sideways", "-o", "{f}.tex"],
    "no such folder": ["derive", "elman", "-o", "{f}/deep/er.tex"],
    "unknown backend": ["export", "elman", "--backend", "fortran", "-o", "{f}.py"],
    "binding nothing": ["export", "elman", "--let", "f", "-o", "{f}.py"],
    "binding no function": ["export", "elman", "--let", "f=tanh", "-o", "{f}.py"],
    "binding to nothing": ["export", "elman-generic", "--let", "f=tan", "-o", "{f}.py"],
    "unknown option": ["verify", "elman", "--fast"],
    "unknown witness": ["verify", "elman", "--with", "tensorflow"],
    "unknown report": ["verify", "elman", "--format", "xml"],
    "truncation is zero": ["derive", "elman", "--truncate", "0"],
    "truncation is a word": ["verify", "elman", "--truncate", "some"],
    "truncation is three numbers": ["derive", "elman", "--truncate", "1,2,3"],
    "truncation loses losses": ["export", "elman", "--truncate", "4,2", "-o", "{f}.py"],
    "truncation of forward mode": ["derive", "elman", "--mode", "forward", "--truncate", "2"],
    "layout of forward mode": ["derive", "elman", "--mode", "forward", "--layout", "denominator"],
    "unknown drawing": ["graph", "elman", "-T", "2", "--format", "gif"],
    "folder as output": ["derive", "elman", "--format", "latex", "-o", "."],
}


def run(folder, *arguments):
    """A command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "symbptt.cli", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def here(monkeypatch, capsys):
    """A command in this process, which takes a hundredth of the time; one of each kind of mistake
    is made in a process of its own too."""

    def run(folder, *arguments):
        monkeypatch.chdir(folder)
        try:
            code = cli.main(list(arguments))
        except SystemExit as left:
            code = left.code
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


def assert_one_line(done):
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("symbptt: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_there_are_at_least_thirty_of_them():
    assert len(FILES) + len(CALLS) >= 30


@pytest.mark.parametrize("name", ["deep", "undefined"])
def test_a_process_that_reads_a_wrong_model_file(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text(FILES[name])
    assert_one_line(run(tmp_path, "export", path.name, "-o", "out.py"))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["no command", "unknown model", "no such folder"])
def test_a_process_called_wrongly(tmp_path, name):
    assert_one_line(run(tmp_path, *(a.format(f=tmp_path / "out") for a in CALLS[name])))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_model_file(tmp_path, here, name):
    path = tmp_path / f"{name}.toml"
    path.write_text(FILES[name])
    command = ["export", path.name, "-o", "out.py"]
    done = here(tmp_path, *command)
    assert_one_line(done)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if name not in ("unbound",):
        assert f"{name}.toml" in done.stderr or "bind" in done.stderr or "[shapes]" in done.stderr


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call(tmp_path, here, name):
    folder = tmp_path / "work"
    folder.mkdir()
    done = here(folder, *(a.format(f=folder / "out") for a in CALLS[name]))
    assert_one_line(done)
    assert list(folder.iterdir()) == []
