"""Files and folders that are whole or not there."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = False, previous: Path | None = None) -> Iterator[Path]:
    """A path to write a file or folder to, which takes the place of ``path`` when the block has ended well.

    A reader finds what was there or what is new, never a piece; if the block raises, what was there stays. The folder
    of ``path`` is made.

    Args:
        path: a file that may be there, or a folder that is not or is empty.
        durable: have the disk take a file before its name does, so that it outlives a power failure.
        previous: where to keep the file that was there.

    Raises:
        OSError: the disk does not take it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        yield draft
        if durable:
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(draft, path)
    finally:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; a reader finds the old one or the new one.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as draft:
        draft.write_bytes(content)


def shorten(log: Path, most_bytes: int) -> None:
    """Keep the last half of ``most_bytes`` of a log that is longer; whoever appends to it goes on behind that."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > most_bytes:
            with log.open("rb+") as file:
                file.seek(-most_bytes // 2, os.SEEK_END)
                end = file.read()
                file.seek(0)
                file.write(b"(what stood before was left out)\n" + end)
                file.truncate()
