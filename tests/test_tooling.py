"""The tools hold what the tests can't: style, types, and the direction of imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["-m", "ruff", "check"], id="ruff check"),
        pytest.param(["-m", "ruff", "format", "--check"], id="ruff format"),
        pytest.param(["-m", "mypy"], id="mypy"),
        pytest.param(
            ["-c", "from importlinter.cli import lint_imports_command as main; main()"],
            id="lint-imports",
        ),
    ],
)
def test_tool_finds_nothing(command: list[str]) -> None:
    status, output = run(*command)
    assert status == 0, output


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_skip_fails_only_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    conftest = (ROOT / "tests/conftest.py").read_text()
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_it.py").write_text("import pytest\n\ndef test_it(): pytest.skip('why')\n")
    assert run("-m", "pytest", cwd=tmp_path, CI=ci)[0] == status
