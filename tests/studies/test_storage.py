"""The database: opened by anybody, made by one, refused in a sentence."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from bardtune.studies.errors import StorageError, StudyError
from bardtune.studies.store.reading import read_study, study_names
from bardtune.studies.store.storage import SERVER_ARGUMENTS, Storage, without_password
from bardtune.studies.store.writer import StudyWriter
from support.studies_at_hand import make_study, storage_at


@pytest.mark.parametrize(
    "url",
    [
        "studies.db",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u@h/d",
        "://",
        "",
        "postgresql+nodriver://h/d",
    ],
)
def test_a_storage_url_that_cannot_work_is_refused_with_one_that_does(url: str) -> None:
    with pytest.raises(StorageError, match=r"sqlite:////folder/studies\.db"):
        Storage(url, create=True)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for url in (
        f"sqlite:///{tmp_path}/file/studies.db",
        "sqlite:////proc/studies.db",
        f"sqlite:///{tmp_path}",
    ):
        with pytest.raises(StorageError, match="--storage"):
            Storage(url, create=True)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear reader, " * 100)
    with pytest.raises(StorageError, match="not a database"):
        Storage(f"sqlite:///{path}", create=False)
    assert path.read_text().startswith("Dear reader")


def test_reading_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="bardtune start"):
        Storage(f"sqlite:///{tmp_path / 'none.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


def test_writers_wait_for_each_other_and_readers_for_nobody(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_processes_that_open_a_new_database_at_once_all_succeed(tmp_path: Path) -> None:
    code = f"from bardtune.studies.store.storage import Storage; Storage('sqlite:///{tmp_path}/new.db', create=True)"
    opening = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    for process in opening:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()


def test_only_our_studies_are_listed_and_others_are_left_alone(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    optuna.create_study(study_name="foreign", storage=storage.rdb)
    make_study(storage, "ours")
    assert study_names(storage) == ["ours"]
    with pytest.raises(StudyError, match="no study 'foreign'"):
        read_study(storage, "foreign")
    optuna.load_study(study_name="foreign", storage=storage.rdb).ask()
    with pytest.raises(StudyError, match="bardtune did not make"):
        make_study(storage, "foreign")


def test_a_study_whose_making_was_cut_off_can_be_made_again(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    optuna.create_study(study_name="half", storage=storage.rdb, direction="minimize")
    make_study(storage, "half")
    assert read_study(storage, "half").counts()["total"] == 0


def test_a_study_is_still_read_when_its_sibling_or_the_lock_table_is_gone(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, "s")
    optuna.delete_study(study_name="s:runs", storage=storage.rdb)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bardtune_coordinators")
    assert read_study(storage, "s").state == "interrupted"


def test_another_programs_database_is_refused_and_not_written_to(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "app.db") as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(StorageError, match="holds no studies"):
        Storage(f"sqlite:///{tmp_path}/app.db", create=False)
    with sqlite3.connect(tmp_path / "app.db") as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_an_unknown_study_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, "hamlet")
    with pytest.raises(StudyError, match="did you mean 'hamlet'"):
        read_study(storage, "hamlte")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, "hamlet")
    with pytest.raises(StudyError, match="bardtune resume hamlet"):
        make_study(storage, "hamlet")


def test_a_trial_that_was_queued_and_never_begun_is_no_training_run(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage)
    with StudyWriter(storage, "s") as writer:
        writer.enqueue({"d_model": 64, "learning_rate": 1e-3})
        assert writer.num_runs() == 0
        assert writer.record().counts()["total"] == 0


def test_a_password_is_never_shown() -> None:
    from sqlalchemy.engine import make_url

    storage = Storage.__new__(Storage)
    storage.url = make_url("postgresql://will:secret@host/db")
    assert "secret" not in storage.display_url


def test_what_a_url_says_of_its_connection_is_kept() -> None:
    from sqlalchemy.engine import make_url

    storage = Storage.__new__(Storage)
    storage.url = make_url("postgresql://host/db?connect_timeout=3")
    assert {*SERVER_ARGUMENTS} - {*storage._server_arguments()} == {"connect_timeout"}


def test_the_lock_table_is_the_only_one_that_is_not_optunas(tmp_path: Path) -> None:
    storage_at(tmp_path)
    stock = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/stock.db")
    stock.remove_session()

    def tables(name: str) -> set[str]:
        with sqlite3.connect(tmp_path / name) as connection:
            return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    assert tables("studies.db") - tables("stock.db") == {"bardtune_coordinators"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://will:dagger@host/studies", "postgresql+psycopg://will:***@host/studies"),
        ("postgresql://will:d@gger@host/studies", "postgresql://will:***@host/studies"),
        ("postgresql://will:dagger@[half", "postgresql://will:***@[half"),
        ("postgresql://host/s?user=will&password=dagger&x=1", "postgresql://host/s?user=will&password=***&x=1"),
        ("postgresql://will@host/studies", "postgresql://will@host/studies"),
        ("sqlite:////folder/studies.db", "sqlite:////folder/studies.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://will:dagger@[half", "mysql://will:dagger@host/studies", "will:dagger@host"]
)
def test_a_refused_url_keeps_its_password(url: str) -> None:
    with pytest.raises(StorageError) as refused:
        Storage(url, create=False)
    assert "dagger" not in str(refused.value)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_deleted_under_a_study_is_saved_beside(tmp_path: Path, replaced: bool) -> None:
    storage = storage_at(tmp_path)
    make_study(storage)
    with StudyWriter(storage, "s") as writer:
        writer.renew()
        for file in tmp_path.glob("studies.db*"):
            file.unlink()
        if replaced:
            (tmp_path / "studies.db").write_bytes(b"")
        with pytest.raises(StorageError, match="saved in"):
            writer.renew()
    (rescued,) = tmp_path.glob("studies-rescued-*.db")
    assert study_names(Storage(f"sqlite:///{rescued}", create=False)) == ["s"]


def test_where_nothing_can_be_saved_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    storage = storage_at(folder)
    (folder / "studies.db").unlink()
    monkeypatch.setattr(Storage, "_copy_to", lambda *_: (folder / "none" / "x").touch())
    with pytest.raises(StorageError, match="could not be saved elsewhere"):
        storage.check_there()


def test_a_schema_of_a_newer_optuna_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    storage = Storage(url, create=True)
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    for create in (True, False):
        with pytest.raises(StorageError, match="another Optuna's schema"):
            Storage(url, create=create)
    with storage.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "v99.0.0.a"
