"""The house: who may import whom, who may print, who may see the test part, and what importing does."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.imports import ROOMS, circle_in, import_graph, module_files, sub_room_graph
from support.paths import ROOT

BARRED_GUESTS = {
    "data": {"torch", "optuna", "typer", "plotly", "sqlalchemy", "rich"},
    "model": {"optuna", "sqlalchemy", "plotly", "typer", "rich"},
    "studies": {"torch", "typer", "rich"},
    "search": set(),
}
NEED_TORCH = {
    f"bardtune.studies.surrogate.{name}" for name in ("effects", "process", "surrogate")
}  # they compute; no reader does
PRINTERS = {"search", "benchmarks"}
# Split, so that this file is not a match itself.
REGISTRY_HOSTS = ["py" + "pi.org", "pythonhosted" + ".org", "npmjs" + ".org", "anaconda" + ".org"]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def nodes(file: Path) -> Iterator[ast.AST]:
    """All of a file, functions that are never called included."""
    return ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file)))


def called_name(node: ast.AST) -> str | None:
    """The last part of the name that is called: import_module for importlib.import_module(...)."""
    if not isinstance(node, ast.Call):
        return None
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def root_of(name: str) -> str:
    """The room of a module of ours, else its top-level package."""
    parts = name.split(".")
    return parts[1] if parts[0] == "bardtune" and len(parts) > 1 else parts[0]


def imported_roots(file: Path) -> set[str]:
    """Rooms and top-level packages that a file imports, functions that are never called included."""
    roots = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            roots |= {root_of(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            whole = node.module == "bardtune"
            roots |= {root_of(f"bardtune.{alias.name}" if whole else node.module) for alias in node.names}
        elif called_name(node) in ("import_module", "__import__"):
            roots |= {root_of(str(part.value)) for part in node.args if isinstance(part, ast.Constant)}
    return roots


def imported_by(code: str) -> str:
    """What a fresh process writes that runs ``code`` here."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout + done.stderr


def modules(room: str) -> list[str]:
    names = [".".join(("bardtune", *file.relative_to(ROOT).with_suffix("").parts)) for file in sources(room)]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_never_imports_the_room_above(room: str) -> None:
    barred = {*ROOMS[ROOMS.index(room) + 1 :], "tests", "benchmarks"}
    assert sources(room)
    for file in sources(room):
        assert not imported_roots(file) & barred, f"{file} reaches upstairs"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_never_lets_in_what_belongs_to_another(room: str) -> None:
    for file in sources(room):
        welcome = (
            {"torch"} if ".".join(("bardtune", *file.relative_to(ROOT).with_suffix("").parts)) in NEED_TORCH else set()
        )
        assert not imported_roots(file) & (BARRED_GUESTS[room] - welcome), f"{file} lets in a guest of another room"


def test_every_import_is_found_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "sly.py"
    file.write_text(
        "import a.b, c as d\n"
        "def later():\n"
        "    from e.f import g\n"
        "    from .h import i\n"
        "    importlib.import_module('j.k')\n"
        "    __import__('l')\n"
    )
    assert imported_roots(file) == {"a", "c", "e", "j", "l"}


@pytest.mark.parametrize("folder", sorted({*ROOMS, "tests"} - PRINTERS))
def test_only_the_seeker_and_the_benchmarks_print(folder: str) -> None:
    for file in sources(folder):
        lines = [node.lineno for node in nodes(file) if called_name(node) == "print"]
        assert not lines, f"{file} prints in lines {lines}"


def test_no_files_import_each_other_in_a_circle() -> None:
    """``python -m support.imports`` in tests/ prints what stands on what."""
    graph = import_graph(module_files())
    assert len(graph) > 150
    assert circle_in(graph) is None


def test_sub_rooms_import_one_way() -> None:
    files = module_files()
    assert circle_in(sub_room_graph(import_graph(files), files)) is None


def test_a_circle_is_found_between_files_and_between_their_folders(tmp_path: Path) -> None:
    sources = {
        "model/low/a.py": "from bardtune.model.high import b",
        "model/high/b.py": "def later():\n    import bardtune.model.low.c",
        "model/low/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import bardtune.model.low.a",
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    files = module_files(tmp_path)
    graph = import_graph(files)
    assert graph["bardtune.model.high.b"] == {"bardtune.model.low.c"}
    assert circle_in(graph) is None
    assert set(circle_in(sub_room_graph(graph, files)) or ()) == {"bardtune.model.low", "bardtune.model.high"}
    (tmp_path / "model/low/c.py").write_text("import bardtune.model.low.a")
    assert circle_in(import_graph(files)) is not None


@pytest.mark.parametrize("room", ROOMS)
def test_a_file_of_tests_is_named_like_the_module_or_folder_that_it_tests(room: str) -> None:
    """Or begins with that name, where one module has several; what spans rooms lies at the top of tests/."""
    names = {part for file in sources(room) for part in file.relative_to(ROOT / room).with_suffix("").parts}
    for file in sources(f"tests/{room}"):
        tested = file.stem.removeprefix("test_")
        known = any(tested == name or tested.startswith(f"{name}_") for name in names)
        assert known or not file.stem.startswith("test_"), f"{file} is named like nothing in {room}/"


def reads_attribute(node: ast.AST, name: str) -> bool:
    if called_name(node) in ("getattr", "attrgetter"):
        return any(isinstance(part, ast.Constant) and part.value == name for part in node.args)
    return isinstance(node, ast.Attribute) and node.attr == name


@pytest.mark.parametrize("room", ["model", "studies", "search"])
def test_no_search_ever_reads_the_test_part_of_a_corpus(room: str) -> None:
    for file in sources(room):
        if file == ROOT / "model" / "measure" / "final.py":  # scores what a study ends with
            continue
        lines = [node.lineno for node in nodes(file) if reads_attribute(node, "test")]
        assert not lines, f"{file} reads the test part in lines {lines}"


def test_settings_and_text_are_there_without_waiting_for_torch() -> None:
    light = [
        *modules("data"),
        "bardtune.model",
        "bardtune.model.settings",
        "bardtune.model.presets",
        "bardtune.model.training.clock",
        "bardtune.model.training.budget",
        "bardtune.model.training.schedules",
    ]
    assert imported_by(f"import {', '.join(light)}, sys; assert 'torch' not in sys.modules") == ""


def test_reading_a_study_does_not_wait_for_torch() -> None:
    names = ", ".join(name for name in modules("studies") if name not in NEED_TORCH)
    assert imported_by(f"import {names}, sys; assert 'torch' not in sys.modules") == ""


def test_importing_the_trainer_is_silent() -> None:
    assert imported_by(f"import {', '.join(modules('model'))}") == ""


def test_every_folder_of_a_room_is_shipped() -> None:
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    for room in ROOMS:
        for file in sources(room):
            package = ".".join(("bardtune", *file.parent.relative_to(ROOT).parts))
            assert package in shipped, f"pyproject.toml does not ship {package}"


def project_files() -> list[Path]:
    """What git has or would take; where there is no git, all that is not hidden."""
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        hidden = (".", "build")
        files = (file.relative_to(ROOT) for file in ROOT.rglob("*"))
        return [ROOT / file for file in files if not any(part.startswith(hidden) for part in file.parts)]
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of each machine."""
    files = [file for file in project_files() if file.is_file()]
    assert Path(__file__) in files
    for file in files:
        text = file.read_bytes().decode("utf-8", errors="ignore")
        named = [host for host in REGISTRY_HOSTS if host in text]
        assert not named, f"{file} names {named}"
