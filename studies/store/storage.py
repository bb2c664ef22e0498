"""The database: a plain Optuna database with one table more."""

import contextlib
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import sqlalchemy
from optuna.exceptions import StorageInternalError
from sqlalchemy.engine import URL, make_url

from bardtune.studies.errors import StorageError
from bardtune.studies.store.address import sqlite_path, sqlite_url
from bardtune.studies.store.home import make_folder
from bardtune.studies.store.lock import metadata
from bardtune.studies.store.retry import RetryingStorage

BUSY_TIMEOUT_S = 60
# A server whose machine or network is gone is noticed in half a minute instead of a quarter of an hour.
SERVER_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 10,  # s, as the next three
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # ms
}
EXAMPLES = "write sqlite:////folder/studies.db or postgresql+psycopg://user@host/database"
SOME_FILE = "sqlite:///studies.db"  # connections are made by path
_SCHEMA_LOCK = 0x62617264  # any fixed number: PostgreSQL's advisory lock for making the schema


class _Connection(sqlite3.Connection):
    """With WAL, ``NORMAL`` keeps every commit when a process dies, and the file whole when the power fails.

    It saves a disk flush at each of the twenty small commits between two trials.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.execute("PRAGMA synchronous = NORMAL")


class Storage:
    """An open database; ``rdb`` is Optuna's view of it, ``engine`` the way to our own table.

    Raises:
        StorageError: a malformed URL, an unknown kind of database, a place that cannot be read or written.
    """

    writes = True

    def __init__(self, url: str, *, create: bool) -> None:
        self.url = _parse(url)
        if self.is_sqlite:
            self._prepare_file(create=create)
        try:
            self.rdb, self.engine = self._open(create=create)
            self._file_id = _file_id(self.url.database) if self.is_sqlite else None
        except filelock.Timeout as problem:
            raise StorageError(
                f"the storage {self.display_url} is being set up by another process for {BUSY_TIMEOUT_S} s already; "
                f"if there is none, delete {self.url.database}.lock."
            ) from problem
        except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, sqlite3.Error, ImportError) as problem:
            raise StorageError(
                f"cannot open the storage {self.display_url}: {_first_line(problem.__cause__ or problem)}; {EXAMPLES}."
            ) from problem
        except RuntimeError as problem:  # Optuna: the schema is of another version
            raise StorageError(
                f"the storage {self.display_url} has another Optuna's schema: {_first_line(problem)} "
                "Copy the file, then run: optuna storage upgrade --storage URL."
            ) from problem

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def display_url(self) -> str:
        """The URL without its password."""
        if self.is_sqlite:
            return sqlite_url(self.path)
        return without_password(self.url.render_as_string(hide_password=True))

    def check_there(self) -> None:
        """Raise StorageError if the file was deleted or replaced while it was open; what it held is saved beside it.

        A deleted file takes writes as long as it is open, and is gone with the process.
        """
        if not self.is_sqlite or self._file_id == _file_id(self.url.database):
            return
        path = self.path
        rescued = path.with_name(f"{path.stem}-rescued-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
        try:
            self._copy_to(rescued)
        except (OSError, sqlite3.Error, sqlalchemy.exc.SQLAlchemyError):
            raise StorageError(
                f"the database {path} was deleted or replaced while a study ran, and could not be saved elsewhere; put "
                "the file back and resume the study."
            ) from None
        raise StorageError(
            f"the database {path} was deleted or replaced while a study ran; all that it held is saved in {rescued}: "
            "move that file to its place and resume the study."
        )

    def _copy_to(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = self.engine.raw_connection()
        try:
            with contextlib.closing(sqlite3.connect(path)) as copy:
                assert isinstance(connection.driver_connection, sqlite3.Connection)
                connection.driver_connection.backup(copy)
        finally:
            connection.close()

    def _prepare_file(self, *, create: bool) -> None:
        path = self.path
        if not create and not path.exists():
            raise StorageError(f"no studies yet: {path} does not exist; create one with: bardtune start NAME.")
        if create:
            make_folder(path.parent)
        if self.writes:
            _check_writable(path)

    def _open(self, *, create: bool) -> tuple[RetryingStorage, sqlalchemy.Engine]:
        options: dict[str, Any] = {"pool_pre_ping": True}
        if self.is_sqlite:
            options["creator"] = self._connect
        else:  # one process talks to it, one question at a time
            options |= {"pool_size": 1, "max_overflow": 2, "connect_args": self._server_arguments()}
        engine = sqlalchemy.create_engine(self._engine_url, **options)
        if not create:
            if not sqlalchemy.inspect(engine).has_table("studies"):
                raise StorageError(
                    f"{self.display_url} holds no studies: it is not a database of Optuna's; {EXAMPLES}."
                )
            return RetryingStorage(self._engine_url, engine_kwargs=options), engine
        with self._schema_lock(engine):
            if self.is_sqlite:
                with engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            rdb = RetryingStorage(self._engine_url, engine_kwargs=options)
            metadata.create_all(engine)
        return rdb, engine

    @property
    def path(self) -> Path:
        """Of SQLite's file."""
        return Path(self.url.database or "")

    @property
    def _engine_url(self) -> str:
        """What SQLAlchemy and Optuna are given; the path of a file they never see, who would read more in it."""
        return SOME_FILE if self.is_sqlite else self.url.render_as_string(hide_password=False)

    def _connect(self) -> sqlite3.Connection:
        """One connection; SQLAlchemy's pool hands it from thread to thread, never to two at a time."""
        return sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, factory=_Connection, check_same_thread=False)

    def _server_arguments(self) -> dict[str, Any]:
        """How a server is connected to, where the URL does not say otherwise."""
        return {name: value for name, value in SERVER_ARGUMENTS.items() if name not in self.url.query}

    @contextlib.contextmanager
    def _schema_lock(self, engine: sqlalchemy.Engine) -> Iterator[None]:
        """One process at a time makes the schema; concurrent first opens of a new database fail otherwise."""
        if self.is_sqlite:
            with filelock.FileLock(f"{self.url.database}.lock", timeout=BUSY_TIMEOUT_S):
                yield
            return
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _SCHEMA_LOCK})
            try:
                yield
            finally:
                connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:key)"), {"key": _SCHEMA_LOCK})


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError) as problem:
        raise StorageError(f"{without_password(text)!r} is not a storage URL; {EXAMPLES}.") from problem
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(f"{url.get_backend_name()!r} storages are not supported; {EXAMPLES}.")
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(text)
        if path is None:
            raise StorageError(f"{text!r} names no file, and a study must outlive its process; {EXAMPLES}.")
        url = url.set(database=str(path))
    return url


def without_password(url: str) -> str:
    """The text of a storage URL, well formed or not, without what is secret in it."""
    before, at, after = url.rpartition("@")
    scheme, slashes, user = before.partition("//") if "//" in before else ("", "", before)
    if at:
        url = f"{scheme}{slashes}{user.split(':')[0]}{':***' if ':' in user else ''}@{after}"
    else:  # what stands where a port would, and is none
        url = re.sub(r"(//[^/:?]*):(?!\d*(?:[/?]|$))[^/?]*", r"\1:***", url)
    return re.sub(r"(password=)[^&]*", r"\1***", url)


def _file_id(path: str | None) -> tuple[int, int] | None:
    """What tells a file from a later one of the same name."""
    try:
        found = Path(path or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_writable(path: Path) -> None:
    """Write where the database will, since rights alone do not tell (root, read-only and virtual file systems)."""
    try:
        if path.exists():
            path.open("r+b").close()
        else:
            tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as problem:
        raise StorageError(
            f"the storage {path} cannot be written: {problem.strerror}; choose another with --storage or BARDTUNE_HOME."
        ) from problem


def _first_line(problem: BaseException) -> str:
    return str(getattr(problem, "orig", None) or problem).strip().split("\n")[0]
