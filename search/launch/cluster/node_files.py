"""The files of a worker on a node: the texts, which all workers of the machine share, and those of the present run."""

import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from filelock import FileLock, Timeout

from bardtune.data.errors import UserError

CORES_WITHIN_S = 3.0  # otherwise a worker goes where there is room
KEPT_S = 7 * 24 * 3600.0  # texts that nobody has used for so long are deleted


class NodeFiles:
    """A folder of this process on the node; the folders of dead processes are deleted.

    Args:
        root: holds the folders. [default: one of this user's in the folder for temporary files]

    Raises:
        UserError: the root belongs to somebody else.
        OSError: it cannot be made.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = _private(Path(tempfile.gettempdir()) / f"bardtune-{os.getuid()}" if root is None else root)
        self.texts, workers = self.root / "texts", self.root / "workers"
        self.folder = workers / f"{_PLACE}-{os.getpid()}"
        self._tidy(workers)
        shutil.rmtree(self.folder, ignore_errors=True)  # of an earlier process with our number
        self.locks: list[FileLock] = []
        self.texts.mkdir(exist_ok=True)
        self.folder.mkdir(parents=True)

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def weights(self) -> Path:
        return self.folder / "weights.safetensors"

    @property
    def log(self) -> Path:
        return self.folder / "worker.log"

    def text(self, sha256: str) -> Path:
        return self.texts / sha256

    def has_text(self, sha256: str) -> bool:
        """Whether the text is here, whole; it is kept for another week then."""
        if not self.text(sha256).exists():
            return False
        with suppress(OSError):  # a file of its own: who reads the text sees by its time that nobody has changed it
            self._used(sha256).touch()
        return True

    def _used(self, sha256: str) -> Path:
        return self.texts / f"{sha256}.used"

    def take_cores(self, cores: Sequence[int], threads: int) -> list[int]:
        """So many of these cores, for this process alone among ours on this machine; none if too few are free."""
        end = time.monotonic() + CORES_WITHIN_S
        while True:
            with FileLock(self.root / f"cores-{_PLACE}.lock"):  # one chooses at a time
                taken = self._free_cores(cores, threads)
            if taken or time.monotonic() > end:
                return taken
            time.sleep(0.1)  # a process that was killed may still have some

    def _free_cores(self, cores: Sequence[int], threads: int) -> list[int]:
        taken: list[int] = []
        for core in cores:
            lock = FileLock(self.root / f"core{core}-{_PLACE}.lock")
            with suppress(Timeout):
                lock.acquire(timeout=0)
                self.locks.append(lock)  # let go when this process ends
                taken.append(core)
            if len(taken) == threads:
                return taken
        for lock in self.locks:
            lock.release()
        self.locks.clear()
        return []

    def add_text(self, sha256: str, offset: int, part: np.ndarray, *, is_last: bool) -> None:
        """Write a part of the text; with the last one it is whole.

        Args:
            sha256: of the whole text.
            offset: where the part begins.
            part: (n,) uint8.
            is_last: whether it ends the text.

        Raises:
            UserError: the whole has another checksum.
        """
        draft = self.folder / "text"
        with draft.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(part.tobytes())
        if not is_last:
            return
        with draft.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            draft.unlink()
            raise UserError(f"the text arrived with SHA-256 {found[:12]}... and not {sha256[:12]}...")
        os.replace(draft, self.text(sha256))
        self._used(sha256).touch()

    def clear_run(self) -> None:
        """Delete what the last run has left."""
        for path in self.folder.glob("*"):
            if path != self.log:
                path.unlink(missing_ok=True)

    def _tidy(self, workers: Path) -> None:
        for folder in workers.glob(f"{_PLACE}-*"):
            pid = folder.name.removeprefix(f"{_PLACE}-")
            if not (pid.isdigit() and psutil.pid_exists(int(pid))):
                shutil.rmtree(folder, ignore_errors=True)
        for used in self.texts.glob("*.used"):
            with suppress(OSError):  # another process tidies too
                if time.time() - used.stat().st_mtime > KEPT_S:
                    used.with_suffix("").unlink(missing_ok=True)
                    used.unlink(missing_ok=True)


def _place() -> str:
    """Names this machine, and the container in it: folders for temporary files may be shared by several."""
    with suppress(OSError):
        return f"{socket.gethostname()}-{os.stat('/proc/self/ns/pid').st_ino}"
    return socket.gethostname()


_PLACE = _place()


def _private(root: Path) -> Path:
    """The folder, made if it is not there; nobody else may write there."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UserError(f"the folder {root} belongs to somebody else or is open to others; delete it on that node.")
    return root
