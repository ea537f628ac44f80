"""What the README shows is run: every example, every command, every model file."""

import io
import re
import shlex
import textwrap
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import symbptt
from symbptt import cli

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language):
    return [text for kind, text in BLOCKS if kind == language]


def assert_shows(expected, output):
    """The lines stand in the output in this order; ``…`` stands for any text."""
    position = 0
    for line in expected.splitlines():
        for piece in filter(None, (part.strip() for part in line.split("…"))):
            found = output.find(piece, position)
            assert found >= 0, f"{piece!r} is not in the output after {output[:position][-80:]!r}"
            position = found + len(piece)


def run(code):
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    return out.getvalue()


def test_the_examples_print_what_they_are_said_to_print(tmp_path, monkeypatch):
    examples, outputs = blocks("python"), blocks("text")
    assert len(examples) == len(outputs) == 8
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for code, expected in zip(examples, outputs, strict=True):
        assert_shows(expected, run(code))


@pytest.mark.parametrize("session", blocks("console"))
def test_the_commands_print_what_they_are_said_to_print(session, capsys, tmp_path, monkeypatch):
    (document,) = blocks("markdown")
    (tmp_path / "notes.md").write_text(document, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    command, _, expected = session.partition("\n")
    arguments = shlex.split(command.removeprefix("$ symbptt "))
    assert cli.main(arguments) == (1 if arguments[0] == "check" else 0)  # the notes have a mistake
    assert_shows(expected, capsys.readouterr().out)


def test_the_c_is_that_of_the_program_that_trains():
    (excerpt,) = blocks("c")
    program = (Path(__file__).parent / "programs/train_lstm.c").read_text(encoding="utf-8")
    assert textwrap.indent(excerpt, "    ") in program


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_model_file_is_a_model(tmp_path, text):
    path = tmp_path / "model.toml"
    path.write_text(text, encoding="utf-8")
    assert symbptt.load(path).name == tomllib.loads(text)["name"]
    assert symbptt.verify(path).passed


def test_every_command_in_the_table_exists():
    listed = set(re.findall(r"^\| `symbptt (\w+)", README, re.MULTILINE))
    known = set(cli.parser()._subparsers._group_actions[0].choices)
    assert listed == known


def test_it_opens_with_a_sentence_a_picture_and_an_example():
    sentence = README.index("**Write a recurrent network")
    picture = README.index("](outputs/elman/unrolled.svg)")
    assert sentence < picture < README.index("```python")
    assert (Path(__file__).parent.parent / "outputs/elman/unrolled.svg").exists()


def test_the_corrections_that_check_prints_are_right(tmp_path):
    (document,) = blocks("markdown")
    (wrong,) = symbptt.check(document).faults()
    assert wrong.verdict.verdict == "wrong"
    mended = document.replace(wrong.source, wrong.verdict.correction.text)
    assert mended != document
    assert symbptt.check(mended).passed


def test_the_verdicts_are_those_of_the_table():
    from symbptt.check.findings import VERDICTS

    rows = re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE)
    assert sorted(rows) == sorted(VERDICTS)


def test_the_readings_are_listed():
    from symbptt.check.meaning.readings import READINGS

    page = (Path(__file__).parent.parent / "docs/check.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", page, re.MULTILINE)[1:]
    assert rows == [(r.name, r.says) for r in READINGS]


def test_the_hook_is_the_one_that_is_published():
    (hook,) = blocks("yaml")
    published = (Path(__file__).parent.parent / ".pre-commit-hooks.yaml").read_text(
        encoding="utf-8"
    )
    for key in ("id", "entry", "types_or"):
        (line,) = re.findall(rf"{key}: .*", published)
        assert line in hook
