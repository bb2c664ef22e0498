"""Commands that only look: no connection of theirs can write, and they work where nobody can."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from bardtune.search.cli.app import main
from bardtune.studies.store.read_only import ReadOnlyStorage
from support.disks import small_disk_at
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at

LOOKING = [
    ["list", "--json"],
    ["show", "s"],
    ["trials", "s", "--csv"],
    ["plot", "s", "--kind", "history", "--out", "plots"],
    ["report", "s", "--out", "s.html"],
    ["watch", "s"],
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one finished study."""
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    storage = storage_at(tmp_path)
    make_study(storage, trials=3, sampler="random", pruner="none")
    run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.0)))
    return tmp_path


@pytest.mark.parametrize("command", LOOKING, ids=lambda command: command[0])
def test_a_command_that_looks_opens_the_file_for_reading_only(
    command: list[str], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def spy(*args: Any, **named: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **named))
        return opened[-1]

    for module in (sqlite3, sqlite3.dbapi2):  # SQLAlchemy's is the second
        monkeypatch.setattr(module, "connect", spy)
    assert main(command) == 0, capsys.readouterr().err
    assert opened
    for connection in opened:
        with contextlib.suppress(sqlite3.ProgrammingError):  # it has been closed
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute("CREATE TABLE mine (x)")
            connection.close()


def copy_of(database: Path, folder: Path) -> str:
    """The storage URL of a whole copy, as a backup or an archive holds it: in WAL mode, and alone."""
    folder.mkdir(exist_ok=True)
    with (
        contextlib.closing(sqlite3.connect(database)) as original,
        contextlib.closing(sqlite3.connect(folder / "studies.db")) as copy,
    ):
        original.backup(copy)
    assert (folder / "studies.db").read_bytes()[18:20] == b"\2\2"  # WAL
    assert os.listdir(folder) == ["studies.db"]
    return f"sqlite:///{folder}/studies.db"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that ``seal`` makes unwritable."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0:
        yield folder
        folder.chmod(0o755)
        return
    # For root nothing but the disk itself is unwritable.
    with small_disk_at(folder):
        yield folder


def seal(folder: Path) -> None:
    if os.getuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        return
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)


def test_a_read_only_file_in_a_read_only_folder_is_shown_and_not_run(
    home: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = copy_of(home / "studies.db", disk)
    seal(disk)
    assert main(["show", "s", "--storage", url]) == 0
    assert "study s: finished (all trials made), 3 of 3 trials" in capsys.readouterr().out
    assert os.listdir(disk) == ["studies.db"]
    with (
        pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"),
        ReadOnlyStorage(url).engine.begin() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM studies")
    assert main(["delete", "s", "--yes", "--storage", url]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_what_can_only_be_read_by_writing_is_said_and_not_left_out(
    home: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = copy_of(home / "studies.db", disk)
    (disk / "studies.db-wal").write_bytes(b"what the last session had not yet moved over")
    seal(disk)
    assert main(["show", "s", "--storage", url]) == 2
    assert "copy studies.db and studies.db-wal to another folder" in capsys.readouterr().err


@pytest.mark.parametrize("still_to_come", ["DELETE FROM version_info", "DROP TABLE alembic_version"])
def test_a_database_that_is_being_set_up_is_looked_at_a_moment_later(
    home: Path, still_to_come: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(sqlite3.connect(home / "studies.db")) as connection, connection:
        connection.execute(still_to_come)
    assert main(["list"]) == 2
    assert "is being set up by another process; try again" in capsys.readouterr().err
