"""Deleting a study: all of it, nothing else, and never one that is running."""

import io
import os
import shutil
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa

from bardtune.search.cli.app import main
from bardtune.search.launch.protocol import Ended
from bardtune.studies import keys
from bardtune.studies.errors import StorageError, StudyError
from bardtune.studies.store import deleting
from bardtune.studies.store.deleting import delete_study
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import CoordinatorLock, coordinators, lock_state
from bardtune.studies.store.reading import load, read_study
from bardtune.studies.store.storage import Storage
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    return Home(tmp_path)


@pytest.fixture
def storage(home: Home) -> Storage:
    return storage_at(home.root)


def finished_study(storage: Storage, home: Home, name: str) -> list[Path]:
    """A study of five runs; returns the files that belong to it."""
    make_study(storage, name, trials=5)
    run_study(storage, home.root, ScriptedLauncher(lambda order: falling_to(2.0)), name)
    study_id = load(storage, name).user_attrs[keys.STUDY_ID]
    files = [home.checkpoint(study_id, "search-0001"), home.weights(study_id, "search-0000"), home.worker_log(name, 0)]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    return files


def rows(storage: Storage) -> dict[str, int]:
    """How many rows each table has."""
    with storage.engine.connect() as connection:
        tables = sa.inspect(storage.engine).get_table_names()
        return {table: connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}


def test_a_deleted_study_leaves_nothing_and_its_name_can_be_used_again(
    storage: Storage, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = finished_study(storage, home, "s-worker1.log")
    before, shown = rows(storage), read_study(storage, "s-worker1.log")
    files = finished_study(storage, home, "s")
    assert main(["delete", "s", "--yes"]) == 0
    assert capsys.readouterr().out == "deleted the study s with its 5 runs.\n"
    assert rows(storage) == before
    assert not any(file.exists() for file in files)
    assert all(file.exists() for file in kept)
    assert read_study(storage, "s-worker1.log") == shown
    finished_study(storage, home, "s")
    assert read_study(storage, "s").counts()["total"] == 5


def test_what_stays_on_other_machines_is_said(storage: Storage, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    make_study(storage, trials=3)
    event = {"ending": "crashed", "reason": "no luck", "stats": {"host": "birnam"}}
    launcher = ScriptedLauncher(lambda order: [Ended(run_id=order.run_id, **event)])
    run_study(storage, home.root, launcher)
    study_id = load(storage, "s").user_attrs[keys.STUDY_ID]
    with storage.engine.begin() as connection:
        connection.execute(coordinators.update().values(host="dunsinane"))
    assert main(["delete", "s", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"it ran on birnam, dunsinane too, where its files stay: in the data folder there, checkpoints/{study_id}, "
        f"weights/{study_id} and logs/s-worker*.log."
    ]


def test_a_running_study_is_refused_with_its_owner(
    storage: Storage, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    files = finished_study(storage, home, "s")
    lock = CoordinatorLock(storage.engine, "s")
    lock.acquire()
    assert main(["delete", "s", "--yes"]) == 2
    assert f"is being run by process {os.getpid()}" in capsys.readouterr().err
    assert all(file.exists() for file in files)
    assert read_study(storage, "s").counts()["total"] == 5


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("\n", 1), ("n\n", 1), ("", 1)])
def test_on_a_terminal_it_asks(
    storage: Storage, answer: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(storage)
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main(["delete", "s"]) == code
    assert "with its 0 runs, checkpoints and weights? [y/N]" in capsys.readouterr().err
    assert bool(optuna.get_all_study_names(storage.rdb)) == bool(code)


def test_without_a_terminal_it_wants_to_be_told(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(storage)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["delete", "s"]) == 2
    assert capsys.readouterr().err.endswith("no terminal to ask on; say --yes.\n")
    assert read_study(storage, "s").name == "s"


class CutError(Exception):
    """The process dies here."""


@pytest.mark.parametrize("after", range(4))
def test_a_deletion_that_was_cut_off_can_be_begun_again(
    storage: Storage, home: Home, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_study(storage, home, "s")
    steps = [
        (deleting, "_delete_files"),
        (optuna, "delete_study"),
        (optuna, "delete_study"),
        (CoordinatorLock, "forget"),
    ]
    left = [after]

    def cut_off(place: object, name: str) -> None:
        known = getattr(place, name)

        def die_in_time(*args: object, **named: object) -> None:
            if left[0] == 0:
                raise CutError
            left[0] -= 1
            known(*args, **named)

        monkeypatch.setattr(place, name, die_in_time)

    for place, name in dict.fromkeys(steps):
        cut_off(place, name)
    with pytest.raises(CutError):
        delete_study(storage, home, "s")
    monkeypatch.undo()
    with storage.engine.begin() as connection:  # a dead process has let nothing go
        connection.execute(coordinators.update().values(token="dead", pid=2**22 + 1))
    delete_study(storage, home, "s")
    assert set(rows(storage).values()) <= {0, 1}
    assert optuna.get_all_study_names(storage.rdb) == []
    assert not lock_state(storage.engine, "s").held
    with pytest.raises(StudyError, match="no study 's'"):
        delete_study(storage, home, "s")


def test_a_study_whose_making_was_cut_off_can_be_deleted(storage: Storage, home: Home) -> None:
    optuna.create_study(study_name="s", storage=storage.rdb)
    optuna.create_study(study_name="s:runs", storage=storage.rdb)
    delete_study(storage, home, "s")
    assert optuna.get_all_study_names(storage.rdb) == []


def test_what_bardtune_did_not_make_is_left_alone(storage: Storage, home: Home) -> None:
    optuna.create_study(study_name="theirs", storage=storage.rdb).add_trial(optuna.create_trial(value=1.0))
    make_study(storage)
    for name in ("theirs", "nobody", "s:runs", "../s", "s' OR 1=1 --", "\N{SKULL}", "x" * 300):
        with pytest.raises(StudyError, match=r"did not make|no study"):
            delete_study(storage, home, name)
    assert sorted(optuna.get_all_study_names(storage.rdb)) == ["s", "s:runs", "theirs"]


@pytest.mark.parametrize("study_id", ["../../precious", "..", "", "/precious", "a/b", "x" * 300, "\0"])
def test_an_id_that_somebody_has_forged_reaches_no_other_folder(storage: Storage, home: Home, study_id: str) -> None:
    precious = home.root / "precious"
    precious.mkdir()
    make_study(storage)
    load(storage, "s").set_user_attr(keys.STUDY_ID, study_id)
    with pytest.raises(StorageError, match="cannot name a file"):
        delete_study(storage, home, "s")
    assert precious.is_dir()
    assert read_study(storage, "s").state == "interrupted"


def test_a_file_that_cannot_be_deleted_keeps_the_study(
    storage: Storage, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_study(storage, home, "s")

    def refuse(path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(StorageError, match="Read-only file system"):
        delete_study(storage, home, "s")
    assert read_study(storage, "s").counts()["total"] == 5
    assert not lock_state(storage.engine, "s").held


def test_deleting_a_copy_leaves_the_weights_of_the_original(storage: Storage, home: Home) -> None:
    files = finished_study(storage, home, "original")
    optuna.copy_study(
        from_study_name="original", to_study_name="copy", from_storage=storage.rdb, to_storage=storage.rdb
    )
    delete_study(storage, home, "copy")
    assert all(file.exists() for file in files)
    assert read_study(storage, "original").best is not None
    delete_study(storage, home, "original")
    assert not any(file.exists() for file in files)
