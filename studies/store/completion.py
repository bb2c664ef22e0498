"""Names of studies, fast enough for the Tab key: no Optuna, SQLAlchemy only for a server, and no complaint."""

import sqlite3
import threading
from contextlib import closing

from bardtune.data.errors import UserError
from bardtune.studies import keys
from bardtune.studies.store.address import sqlite_path
from bardtune.studies.store.home import data_home

RETRY_FOR_S = 0.2
SERVER_PATIENCE_S = 1.5  # importing SQLAlchemy is half a second of it on a slow machine
_QUERY = (
    "SELECT study_name FROM studies JOIN study_user_attributes USING (study_id) WHERE key = {} ORDER BY study_id DESC"
)


def quick_names(storage: str | None = None) -> list[str]:
    """Names of the studies in a database, the newest first; empty on any trouble, and when it takes too long.

    Args:
        storage: a storage URL; the default database if None.
    """
    if storage is not None and not storage.startswith("sqlite:"):
        return _names_on_server(storage)
    try:
        path = data_home().database if storage is None else sqlite_path(storage)
        if path is None:
            return []
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=RETRY_FOR_S)) as connection:
            return [str(name) for (name,) in connection.execute(_QUERY.format("?"), (keys.PLAN,))]
    except (sqlite3.Error, OSError, ValueError, UserError):
        return []


def _names_on_server(url: str) -> list[str]:
    """Ask in a thread that is left behind when it takes too long: a process for one Tab ends with its answer."""
    found: list[str] = []

    def ask() -> None:
        try:
            import sqlalchemy

            query = sqlalchemy.text(_QUERY.format(":key"))
            with sqlalchemy.create_engine(url).connect() as connection:
                found.extend(str(name) for name in connection.execute(query, {"key": keys.PLAN}).scalars())
        except Exception:  # whatever it is, a Tab is no moment to hear of it
            return

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SERVER_PATIENCE_S)
    return list(found)
