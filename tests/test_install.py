"""An installed bardtune is one package with all that the checkout has, and an editable one works from anywhere."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.paths import ROOT

ROOMS = ["data", "model", "studies", "search"]
BUILT_FROM = ["pyproject.toml", "README.md", "LICENSE", "bardtune", *ROOMS]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a copy of the checkout has been installed: building leaves files beside what it builds."""
    if find_spec("pip") is None or find_spec("setuptools") is None:
        pytest.skip("needs pip and setuptools in this environment")
    copy, target = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("installed")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(ROOT / name, copy / name)
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--no-compile", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(target), str(copy)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def files_below(folder: Path) -> set[str]:
    files = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if "__pycache__" not in file.parts}


def run(folder: Path, *args: str, python_path: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": python_path}
    environment.pop("PYTHONSAFEPATH", None)  # the current folder is on the path, as it usually is
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, timeout=60, cwd=folder, env=environment
    )


def test_installing_adds_one_name(target: Path) -> None:
    names = {path.name for path in target.iterdir()} - {"bin"}
    assert {name for name in names if not name.endswith(".dist-info")} == {"bardtune"}
    assert len(names) == 2
    assert {path.name for path in (target / "bin").iterdir()} == {"bardtune"}


def test_every_file_of_the_checkout_is_installed(target: Path) -> None:
    rooms = {f"{room}/{name}" for room in ROOMS for name in files_below(ROOT / room)}
    assert files_below(target / "bardtune") == files_below(ROOT / "bardtune") | rooms
    endings = {Path(name).suffix for name in rooms}
    assert {".py", ".toml", ".js", ".css", ".html"} <= endings


def test_the_installed_package_says_that_it_is_typed(target: Path) -> None:
    assert (target / "bardtune" / "py.typed").exists()


@pytest.mark.parametrize("args", [["-m", "bardtune", "--help"], ["bin/bardtune", "--help"]])
def test_it_runs_from_where_it_was_installed(args: list[str], target: Path) -> None:
    done = run(target, *args, python_path=str(target))
    assert (done.returncode, done.stderr) == (0, "")
    assert "start" in done.stdout
    imported = "import bardtune, bardtune.search.cli.app as app; print(bardtune.__file__, app.__file__)"
    where = run(target.parent, "-c", imported, python_path=str(target)).stdout.split()
    assert [Path(path).is_relative_to(target) for path in where] == [True, True]


@pytest.mark.parametrize("folder", [ROOT, ROOT / "docs", ROOT / "search", ROOT / "model", ROOT.parent])
def test_an_editable_install_works_from_any_folder(folder: Path) -> None:
    done = run(folder, "-m", "bardtune", "list", "--storage", "sqlite:///nowhere.db", python_path=".")
    assert done.returncode == 2
    assert done.stderr.startswith("bardtune: ")
    assert "Traceback" not in done.stderr


def test_a_checkout_works_where_nothing_is_installed() -> None:
    code = (
        "import sys; sys.meta_path = [each for each in sys.meta_path if 'editable' not in repr(each).lower()]; "
        "import bardtune.search.cli.app as app; print(app.__file__)"
    )
    done = run(ROOT, "-c", code, python_path="")
    assert done.stdout.strip() == str(ROOT / "search" / "cli" / "app.py"), done.stderr
