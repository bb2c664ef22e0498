"""The doctor: a line for each thing that may be wrong, and no traceback whatever is."""

import json
import sqlite3
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from bardtune.data import corpus as corpus_module
from bardtune.search.cli.app import main
from bardtune.search.commands import doctor
from bardtune.studies.store.health import Finding
from bardtune.studies.store.lock import coordinators
from support.studies_at_hand import make_study, storage_at


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BARDTUNE_HOME", str(folder))
    return folder


@pytest.fixture
def examined(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the doctor; returns the exit code and the findings by what was checked."""

    def examine(*args: str) -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", "--json", *args])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        answer = json.loads(said.out)
        assert (code == 1) == (answer["problems"] > 0)
        return code, {finding["check"]: finding for finding in answer["checks"]}

    return examine


def test_a_sound_machine_has_no_problem_and_nothing_is_created(home: Path, examined: Any) -> None:
    code, found = examined()
    assert code == 0, found
    wanted = {
        "python",
        "torch",
        "optuna",
        "cores",
        "load",
        "memory",
        "bf16",
        "corpus",
        "data folder",
        "disk",
        "storage",
    }
    assert wanted <= set(found)
    assert "5,318,858 bytes" in found["corpus"]["found"]
    assert list(home.iterdir()) == []


def test_for_people_each_line_says_how_it_is_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--storage", "sqlite:////nowhere/s.db"]) == 1
    said = capsys.readouterr().out
    assert "ok       corpus" in said
    assert "problem  storage      no studies yet: /nowhere/s.db does not exist" in said


def break_header(path: Path) -> None:
    path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])


def break_middle(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])


def make_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
        connection.execute("UPDATE version_info SET schema_version = 99")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (break_header, "cannot open the storage|not a database"),
        (break_middle, "damaged|malformed"),
        (make_newer, "another Optuna's schema"),
        (lambda path: path.write_text("Dear diary"), "not a database"),
        (lambda path: path.write_bytes(b""), "holds no studies"),
    ],
)
def test_a_broken_database_is_a_problem_with_words(home: Path, examined: Any, harm: Any, said: str) -> None:
    storage = storage_at(home)
    make_study(storage)
    storage.engine.dispose()
    storage.rdb.engine.dispose()
    harm(home / "studies.db")
    code, found = examined()
    assert code == 1
    problems = " ".join(finding["found"] for finding in found.values() if finding["level"] == "problem")
    assert any(each in problems for each in said.split("|")), problems


def test_an_unreachable_server_and_a_bad_url_are_problems_without_their_passwords(examined: Any) -> None:
    for url in ("postgresql+psycopg://will:dagger@127.0.0.1:1/x", "mysql://will:dagger@x/y", "will:dagger@what?"):
        code, found = examined("--storage", url)
        assert (code, found["storage"]["level"]) == (1, "problem")
        assert "dagger" not in json.dumps(found)


def test_a_lock_of_a_dead_process_is_a_warning_with_the_command_to_go_on(home: Path, examined: Any) -> None:
    storage = storage_at(home)
    make_study(storage)
    assert examined()[1]["locks"]["level"] == "ok"
    with storage.engine.begin() as connection:
        connection.execute(coordinators.update().values(token="dead", pid=2**22 + 1))
    code, found = examined()
    assert (code, found["locks"]["level"]) == (0, "warning")
    assert found["locks"]["advice"] == "go on with: bardtune resume s"


def test_a_missing_corpus_package_is_a_problem(examined: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(corpus_module, "files", missing)
    code, found = examined()
    assert (code, found["corpus"]["level"]) == (1, "problem")
    assert "pip install" in found["corpus"]["found"]


def test_a_folder_where_a_file_stands_in_the_way_is_a_problem(home: Path, examined: Any) -> None:
    home.rmdir()
    home.write_text("a file")
    code, found = examined()
    assert (code, found["data folder"]["level"]) == (1, "problem")


def test_a_check_that_fails_is_a_problem_and_what_it_found_before_is_kept() -> None:
    def check() -> Iterator[Finding]:
        yield Finding(check="a", level="ok", found="well")
        raise ZeroDivisionError("by\nzero")

    kept, failed = doctor.examine("a", check)
    assert kept.found == "well"
    assert (failed.level, failed.found) == ("problem", "could not be checked: ZeroDivisionError: by zero")
