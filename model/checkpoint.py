"""A file that a run can be continued from."""

import logging
import os
import pickle
from pathlib import Path
from typing import Any

import torch

logger = logging.getLogger(__name__)

STATE_VERSION = 3  # raise it when a run saves other things than before; older checkpoints are then left alone

# What torch.load raises for bytes that are no checkpoint: its own errors, and what the unpickler trips over.
UNREADABLE = (OSError, RuntimeError, EOFError, pickle.UnpicklingError, LookupError, ValueError)


class CheckpointFile:
    """State of one run on disk, written whole: a reader finds the old state or the new one, never a piece.

    ``fingerprint`` names the run (settings, corpus); a file of another run is not loaded.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint

    def save(self, state: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".draft")
        with draft.open("wb") as file:
            torch.save({"version": STATE_VERSION, "fingerprint": self.fingerprint, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self.path)

    def load(self) -> dict[str, Any] | None:
        """Return the saved state; None if there is none, or it is unreadable, older or of another run."""
        try:
            saved = torch.load(self.path, weights_only=True)
        except FileNotFoundError:
            return None
        except UNREADABLE as problem:
            logger.warning("checkpoint %s is unreadable (%s); the run starts over", self.path, problem)
            return None
        if not isinstance(saved, dict) or saved.get("fingerprint") != self.fingerprint:
            logger.warning("checkpoint %s belongs to another run; the run starts over", self.path)
            return None
        if saved.get("version") != STATE_VERSION:
            logger.warning("checkpoint %s is of another version; the run starts over", self.path)
            return None
        state: dict[str, Any] = saved["state"]
        return state

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
