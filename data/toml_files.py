"""TOML files that a user has written."""

import tomllib
from pathlib import Path
from typing import Any

from bardtune.data.errors import UserError

MOST_BYTES = 1 << 20


def read_toml(path: Path, what: str, *, way_out: str) -> dict[str, Any]:
    """Read a TOML file, with or without a byte order mark.

    Args:
        path: of the file.
        what: names it in the complaint, such as "the space".
        way_out: ends the complaint, such as "give a TOML file".

    Raises:
        UserError: it is not there, no file, too long, not UTF-8 or not TOML.
    """
    try:
        if path.exists() and not path.is_file():
            why = "it is a folder" if path.is_dir() else "it is no file"
            raise UserError(f"cannot read {what} {path}: {why}; {way_out}.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UserError(f"cannot read {what} {path}: it is longer than {MOST_BYTES:,} bytes; {way_out}.")
        return parse_toml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        raise UserError(f"cannot read {what} {path}: it is not UTF-8 text; {way_out}.") from problem
    except ValueError as problem:
        raise UserError(f"{what} {path} is not TOML: {problem}; {way_out}.") from problem
    except OSError as problem:
        raise UserError(f"cannot read {what} {path}: {problem.strerror}; {way_out}.") from problem


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; raises ValueError for whatever is none."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
