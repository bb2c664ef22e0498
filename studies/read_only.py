"""A database that is only looked at: beside a running study, by people who must not be able to disturb it."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy

from studies.errors import StorageError
from studies.patience import PatientStorage
from studies.storage import CONNECT_TIMEOUT_S, EXAMPLES, Storage

READ_TIMEOUT_S = 10  # SQLite in WAL mode lets readers in at any time, but for moments of recovery


class ReadOnlyStorage(Storage):
    """As Storage, but the database itself refuses every write through it, and a writer never waits for it.

    SQLite opens the file with ``mode=ro``; in the WAL mode that bardtune sets, readers and the writer do not block
    each other. PostgreSQL is told that the session's transactions are read-only.

    Raises:
        StorageError: as Storage; also where nothing has been stored yet.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, create=False)

    def _open(self, *, create: bool) -> tuple[PatientStorage, sqlalchemy.Engine]:
        assert not create
        options: dict[str, Any] = {"pool_pre_ping": True}
        if self.is_sqlite:
            options["creator"] = self._connect
        else:
            options |= {"pool_size": 1, "max_overflow": 4}
            options["connect_args"] = {
                "connect_timeout": CONNECT_TIMEOUT_S,
                "options": "-c default_transaction_read_only=on",
            }
        url = self.url.render_as_string(hide_password=False)
        engine = sqlalchemy.create_engine(self.url, **options)
        if not sqlalchemy.inspect(engine).has_table("studies"):
            raise StorageError(f"{self.display_url} holds no studies: it is not a database of Optuna's; {EXAMPLES}.")
        return PatientStorage(url, engine_kwargs=options, skip_table_creation=True), engine

    def _connect(self) -> sqlite3.Connection:
        """One connection; SQLAlchemy's pool hands it from thread to thread, never to two at a time."""
        address = Path(self.url.database or "").absolute().as_uri()  # quotes what a URL gives a meaning
        return sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=READ_TIMEOUT_S, check_same_thread=False)
