"""Files for the user."""

from pathlib import Path

from bardtune.data import files
from bardtune.studies.errors import StudyError


def write_whole(path: Path, content: bytes, *, way_out: str) -> None:
    """Write a file, its folder too; a reader finds the old file or the new one, never a piece.

    Raises:
        StudyError: it cannot be written; ``way_out`` says what to do then.
    """
    try:
        files.write_whole(path, content)
    except OSError as problem:
        raise StudyError(f"cannot write {path}: {problem.strerror}; {way_out}.") from problem
