"""Where things are kept: the data folder and the names in it."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from data.paths import user_path
from studies.errors import StorageError

HOME_VARIABLE = "BARDTUNE_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """Every file name of the data folder, spelled once."""

    root: Path

    @property
    def database(self) -> Path:
        """The default database's file."""
        return self.root / "studies.db"

    @property
    def storage_url(self) -> str:
        return f"sqlite:///{self.database}"

    def checkpoint(self, study_id: str, run_id: str) -> Path:
        return self.root / "checkpoints" / study_id / f"{run_id}.pt"

    def weights(self, study_id: str, run_id: str) -> Path:
        """What a finished run has learned."""
        return self.root / "weights" / study_id / f"{run_id}.safetensors"

    def worker_log(self, study_name: str, worker: int) -> Path:
        """What the worker's process says on its standard error."""
        return self.root / "logs" / f"{study_name}-worker{worker}.log"


def data_home() -> Home:
    """The user's data folder, or the folder that BARDTUNE_HOME names."""
    said = os.environ.get(HOME_VARIABLE)
    return Home(user_path(said, HOME_VARIABLE) if said else platformdirs.user_data_path("bardtune", appauthor=False))


def make_folder(folder: Path) -> Path:
    """Create ``folder``; a place where it cannot be is the user's to change."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(
            f"cannot create the folder {folder}: {problem.strerror}; set {HOME_VARIABLE} or --storage to a place "
            "that can be written."
        ) from problem
    return folder
