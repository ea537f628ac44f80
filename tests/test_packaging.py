"""What is installed is complete, and light to start."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLI = "import sys; from symbptt.cli import main; sys.exit(main())"
WITHOUT_MATHEMATICS = "import sys; sys.modules.update(sympy=None, numpy=None); "


def python(code: str, *arguments: str, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(target: str, source: Path, directory: Path) -> Path:
    python(
        "import sys; from hatchling.cli import hatchling; sys.exit(hatchling())",
        *("build", "--target", target, "--directory", str(directory)),
        cwd=source,
    )
    (built,) = directory.iterdir()
    return built


def files(*roots: Path) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    directory = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, directory / "built")) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
        archive.extractall(directory)
    (unpacked,) = directory.glob("symbptt-*")
    return unpacked


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from nothing but the source distribution, and unpacked."""
    directory = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build("wheel", sdist, directory / "built")) as archive:
        archive.extractall(directory / "site")
    return directory / "site"


def test_sdist_holds_the_sources(sdist: Path) -> None:
    sources = files(ROOT / "symbptt", ROOT / "templates", ROOT / "tests")
    missing = {name for name in sources if not (sdist / name).is_file()}
    assert not missing


def test_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    package = files(ROOT / "symbptt")
    templates = files(ROOT / "templates")
    assert {"symbptt/py.typed", "symbptt/formula/grammar.lark"} <= package
    assert any(name.startswith("symbptt/model/cells/") for name in package)
    assert templates
    shipped = package | {f"symbptt/{name}" for name in templates}
    missing = {name for name in shipped if not (wheel / name).is_file()}
    assert not missing


def test_wheel_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    assert python(CLI, "derive", "elman", cwd=tmp_path, PYTHONPATH=str(wheel))


@pytest.mark.parametrize("code", ["import symbptt", CLI])
def test_starts_without_mathematics(code: str) -> None:
    python(WITHOUT_MATHEMATICS + code, "--help")


def test_verifies_without_frameworks() -> None:
    absent = "import sys; sys.modules.update(torch=None, jax=None); "
    assert "verified" in python(absent + CLI, "verify", "elman", "-T", "2")


def cpu_seconds(code: str, *arguments: str) -> float:
    before = os.times()
    python(code, *arguments)
    after = os.times()
    used_by_user = after.children_user - before.children_user
    return used_by_user + after.children_system - before.children_system


def test_help_is_quick() -> None:
    # The least of three: whatever else the machine does only adds.
    costs = {code: min(cpu_seconds(code, "--help") for _ in range(3)) for code in (CLI, "pass")}
    assert costs[CLI] - costs["pass"] < 0.6
