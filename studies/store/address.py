"""Where a SQLite database lies, as a URL and as a path: a path may hold what means something in a URL."""

import re
from pathlib import Path
from urllib.parse import unquote

from bardtune.data.paths import user_path

_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>[^?]*)")


def sqlite_url(path: Path) -> str:
    """The URL of a database's file; nothing in the path is taken for a part of the URL."""
    return "sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F")


def sqlite_path(url: str) -> Path | None:
    """The absolute path that a URL names; None where it names no file of SQLite's.

    Raises:
        UserError: there can be no such path.
    """
    found = _SQLITE.match(url)
    path = unquote(found["path"]) if found else ""
    return user_path(path, "the storage") if path and path != ":memory:" else None
