"""A file that a run can be continued from."""

import hashlib
import io
import logging
import pickle
from pathlib import Path
from typing import Any

import torch

from bardtune.data.files import replacing

logger = logging.getLogger(__name__)

STATE_VERSION = 4  # raise it when a run saves other things than before; older checkpoints are then left alone
_DIGEST_BYTES = hashlib.sha256().digest_size

# What torch.load raises for bytes that are no checkpoint: its own errors, and what the unpickler trips over.
UNREADABLE = (OSError, RuntimeError, EOFError, pickle.UnpicklingError, LookupError, ValueError)


class CheckpointFile:
    """State of one run on disk, written whole: a reader finds the old state or the new one, never a piece.

    The file begins with the SHA-256 of the rest. The one before the newest is kept beside it, and used when the newest
    has been damaged. ``fingerprint`` names the run (settings, corpus); a file of another run is not loaded. Loading
    executes no code that a file may hold.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint

    @property
    def previous(self) -> Path:
        return self.path.with_name(self.path.name + ".previous")

    def save(self, state: dict[str, Any]) -> None:
        """Raises OSError when the disk does not take it; the last state is still there then."""
        buffer = io.BytesIO()
        torch.save({"version": STATE_VERSION, "fingerprint": self.fingerprint, "state": state}, buffer)
        content = buffer.getbuffer()
        with replacing(self.path, durable=True, previous=self.previous) as draft, draft.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)

    def load(self) -> dict[str, Any] | None:
        """Return the newest good state; None if there is none, or it is older or of another run."""
        for path in (self.path, self.previous):
            if path.exists() and (state := self._read(path)) is not None:
                return state
        return None

    def delete(self) -> None:
        for path in (self.path, self.previous):
            path.unlink(missing_ok=True)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            content = path.read_bytes()
            if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
                raise ValueError("its checksum is wrong")
            saved = torch.load(io.BytesIO(content[_DIGEST_BYTES:]), weights_only=True)
        except UNREADABLE as problem:
            logger.warning("checkpoint %s is damaged (%s) and is not used", path, problem)
            return None
        if not isinstance(saved, dict) or saved.get("fingerprint") != self.fingerprint:
            logger.warning("checkpoint %s belongs to another run and is not used", path)
            return None
        if saved.get("version") != STATE_VERSION:
            logger.warning("checkpoint %s is of another version and is not used", path)
            return None
        state: dict[str, Any] = saved["state"]
        return state
