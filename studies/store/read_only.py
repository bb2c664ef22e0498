"""A database that is only looked at: beside a running study, by people who must not be able to disturb it."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy

from bardtune.studies.errors import StorageError
from bardtune.studies.store.retry import RetryingStorage
from bardtune.studies.store.storage import EXAMPLES, Storage

READ_TIMEOUT_S = 10  # SQLite in WAL mode lets readers in at any time, but for moments of recovery


class ReadOnlyStorage(Storage):
    """As Storage, but the database itself refuses every write through it, and a writer never waits for it.

    SQLite opens the file with ``mode=ro``; in the WAL mode that bardtune sets, readers and the writer do not block
    each other. PostgreSQL is told of each transaction that it is read-only, which poolers between pass on.

    Raises:
        StorageError: as Storage; also where nothing has been stored yet.
    """

    writes = False

    def __init__(self, url: str) -> None:
        super().__init__(url, create=False)

    def _open(self, *, create: bool) -> tuple[RetryingStorage, sqlalchemy.Engine]:
        assert not create
        options: dict[str, Any] = {"pool_pre_ping": True}
        if self.is_sqlite:
            options["creator"] = self._connect
        else:
            options |= {"pool_size": 1, "max_overflow": 4, "connect_args": self._server_arguments()}
            options["execution_options"] = {"postgresql_readonly": True}
        engine = sqlalchemy.create_engine(self._engine_url, **options)
        tables = sqlalchemy.inspect(engine).get_table_names()
        if "studies" not in tables:
            raise StorageError(f"{self.display_url} holds no studies: it is not a database of Optuna's; {EXAMPLES}.")
        with engine.connect() as connection:
            for table in ("version_info", "alembic_version"):  # Optuna fills them last, and would if they were empty
                if table not in tables or connection.execute(sqlalchemy.text(f"SELECT 1 FROM {table}")).first() is None:
                    raise StorageError(f"{self.display_url} is being set up by another process; try again in a moment.")
        return RetryingStorage(self._engine_url, engine_kwargs=options, skip_table_creation=True), engine

    def _connect(self) -> sqlite3.Connection:
        """One connection; SQLAlchemy's pool hands it from thread to thread, never to two at a time."""
        address = read_only_address(self.path)
        return sqlite3.connect(address, uri=True, timeout=READ_TIMEOUT_S, check_same_thread=False)


def read_only_address(path: Path) -> str:
    """The file's address for SQLite; what a URL gives a meaning is quoted.

    Beside a database in WAL mode, a reader too makes a file of shared memory. Where it cannot, as on a read-only disk,
    the database is read as one that does not change; if nobody can write there, nobody does.

    Raises:
        StorageError: that would leave out what is still in the log.
    """
    address = f"{path.as_uri()}?mode=ro"
    log, shared = (path.with_name(f"{path.name}-{ending}") for ending in ("wal", "shm"))
    if shared.exists() or os.access(path.parent, os.W_OK):
        return address
    if log.exists() and log.stat().st_size:
        raise StorageError(
            f"{path.parent} cannot be written, and {log.name} holds changes that can only be read where it can; copy "
            f"{path.name} and {log.name} to another folder and name that with --storage."
        )
    return f"{address}&immutable=1"
