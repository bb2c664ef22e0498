"""Files for the user: written whole, or not at all."""

import os
from pathlib import Path

from bardtune.studies.errors import StudyError


def write_whole(path: Path, content: bytes, *, way_out: str) -> None:
    """Write a file, its folder too; a reader finds the old file or the new one, never a piece.

    Raises:
        StudyError: it cannot be written; ``way_out`` says what to do then.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as problem:
        raise StudyError(f"cannot write {path}: {problem.strerror}; {way_out}.") from problem
