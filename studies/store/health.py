"""Whether a study could be stored here: the data folder, the disk, the database, and locks of dead owners."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bardtune.studies.store.home import HOME_VARIABLE, Home
from bardtune.studies.store.lock import dead_owners
from bardtune.studies.store.read_only import ReadOnlyStorage, read_only_address
from bardtune.studies.store.reading import study_names

LITTLE_DISK_BYTES = 2 * 1024**3  # a study of 50 modern runs keeps 300 MB of weights until it is over
NO_DISK_BYTES = 200 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of a health check."""

    check: str
    level: Literal["ok", "warning", "problem"]
    found: str
    advice: str | None = None  # what to do about it


def check_folder(home: Home) -> Iterator[Finding]:
    """The data folder can be written and has room; it is not created."""
    folder = home.root
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        tempfile.TemporaryFile(dir=there).close()  # rights alone do not tell (root, read-only file systems)
    except OSError as problem:
        yield Finding(
            check="data folder",
            level="problem",
            found=f"{folder} cannot be written: {problem.strerror}",
            advice=f"mend its rights, or set {HOME_VARIABLE} to another folder",
        )
    else:
        yield Finding(check="data folder", level="ok", found=str(folder))
    yield Finding(check="logs", level="ok", found=f"of the processes that train: {home.logs}")
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free for {folder}"
    if free >= LITTLE_DISK_BYTES:
        yield Finding(check="disk", level="ok", found=found)
        return
    yield Finding(
        check="disk",
        level="problem" if free < NO_DISK_BYTES else "warning",
        found=found,
        advice=f"make room, delete old studies (bardtune delete NAME), or set {HOME_VARIABLE} to another disk",
    )


def check_storage(url: str, *, may_be_absent: bool) -> Iterator[Finding]:
    """The database answers, has our Optuna's schema and is whole; owners that died are named.

    Args:
        url: of the storage.
        may_be_absent: whether a file that is not there is no problem, since the first study makes it.

    Raises:
        StorageError: it cannot be opened.
    """
    if may_be_absent and not Path(url.removeprefix("sqlite:///")).exists():
        yield Finding(check="storage", level="ok", found="no studies yet; the first one makes the database")
        return
    storage = ReadOnlyStorage(url)
    if storage.is_sqlite:
        yield from _check_file(Path(storage.url.database or ""))
    storage.rdb.get_all_studies()  # asks every table that a list of studies needs
    names = study_names(storage)
    version = f"schema {storage.rdb.get_current_version()}"
    yield Finding(check="storage", level="ok", found=f"{storage.display_url}: {version}, studies: {len(names)}")
    dead = dead_owners(storage.engine)
    for name, owner in dead.items():
        way_out = "go on with: bardtune resume" if name in names else "remove what is left with: bardtune delete"
        yield Finding(
            check="locks",
            level="warning",
            found=f"{name!r} was left by process {owner.pid} on {owner.host}, which is no more",
            advice=f"{way_out} {name}",
        )
    if not dead:
        yield Finding(check="locks", level="ok", found="no study is held by a dead process")


def _check_file(path: Path) -> Iterator[Finding]:
    """SQLite's own check of the whole file; says nothing if all is well."""
    with closing(sqlite3.connect(read_only_address(path.absolute()), uri=True)) as connection:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        yield Finding(
            check="database",
            level="problem",
            found=f"{path} is damaged: {' '.join(answer.split())[:200]}",
            advice=f"copy it, then save what can be read: sqlite3 {path} .recover | sqlite3 mended.db",
        )
    try:
        path.open("r+b").close()
    except OSError as problem:
        yield Finding(
            check="database",
            level="warning",
            found=f"{path} can only be read: {problem.strerror}",
            advice="its studies can be looked at; to run one, put that right",
        )
