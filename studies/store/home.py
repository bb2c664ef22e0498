"""Where things are kept: the data folder and the names in it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from bardtune.data.paths import user_path
from bardtune.studies.errors import StorageError
from bardtune.studies.plan import is_plain_name
from bardtune.studies.store.address import sqlite_url

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
        return sqlite_url(self.database)

    def checkpoints(self, study_id: str) -> Path:
        """The folder of a study's checkpoints."""
        return self.root / "checkpoints" / _plain(study_id)

    def checkpoint(self, study_id: str, run_id: str) -> Path:
        return self.checkpoints(study_id) / f"{_plain(run_id)}.pt"

    def weights_folder(self, study_id: str) -> Path:
        return self.root / "weights" / _plain(study_id)

    def weights(self, study_id: str, run_id: str) -> Path:
        """What a finished run has learned."""
        return self.weights_folder(study_id) / f"{_plain(run_id)}.safetensors"

    @property
    def logs(self) -> Path:
        """The folder of what the processes of all studies say on their standard error."""
        return self.root / "logs"

    def worker_log(self, study_name: str, worker: int) -> Path:
        return self.logs / f"{_plain(study_name)}-worker{worker}.log"

    def cluster_log(self, study_name: str) -> Path:
        """Of the process that speaks with a cluster."""
        return self.logs / f"{_plain(study_name)}-cluster.log"

    def logs_of(self, study_name: str) -> list[Path]:
        """All logs of a study, and none of one whose name only begins like its."""
        ours = re.compile(re.escape(_plain(study_name)) + r"-(worker\d+|cluster)\.log")
        return [file for file in self.logs.glob("*.log") if ours.fullmatch(file.name)]


def _plain(name: str) -> str:
    """Return ``name``, which comes out of a database that anybody may have written; it must stay in its folder."""
    if not is_plain_name(name):
        raise StorageError(
            f"{name[:100]!r} cannot name a file: the database was not written by bardtune; leave it alone."
        )
    return name


def data_home() -> Home:
    """The user's data folder, or the folder that BARDTUNE_HOME names.

    Raises:
        StorageError: nothing is known of a user's folder: a container may run as a user who is not in its list.
    """
    if given := os.environ.get(HOME_VARIABLE):
        return Home(user_path(given, HOME_VARIABLE))
    try:
        folder = platformdirs.user_data_path("bardtune", appauthor=False)
    except RuntimeError:
        folder = None
    if folder is None or not folder.is_absolute():  # versions of platformdirs differ in this
        raise StorageError(f"this user has no home folder; set {HOME_VARIABLE} to a folder for the studies.")
    return Home(folder)


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
