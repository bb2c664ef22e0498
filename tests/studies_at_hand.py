"""Studies made quickly, for the tests of studies/ and search/."""

from pathlib import Path
from typing import Any

from fakes import ScriptedLauncher, SilentView

from search.coordinator import Coordinator
from search.space import SearchSpace, space_from
from studies.creating import NewStudy
from studies.home import Home
from studies.owned import OwnedStudy
from studies.plan import StudyPlan
from studies.reading import read_study
from studies.records import StudyRecord
from studies.storage import Storage

SPACE: dict[str, Any] = {
    "preset": "reference",
    "parameters": {
        "d_model": {"type": "int", "low": 16, "high": 128, "step": 16},
        "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True},
    },
}
CORPUS = {"name": "shakespeare", "bytes": 5_318_858, "sha256": "3" * 64}


def storage_at(folder: Path) -> Storage:
    return Storage(f"sqlite:///{folder / 'studies.db'}", create=True)


def space() -> SearchSpace:
    return space_from(SPACE)


def make_study(storage: Storage, name: str = "s", **plan: Any) -> None:
    said = {"seconds": 1.0, "threads": 1, "confirm": "0", **plan}
    with OwnedStudy(storage, name, new=NewStudy(plan=StudyPlan(**said), space=SPACE, corpus=CORPUS, fingerprint={})):
        pass


def run_study(storage: Storage, folder: Path, launcher: ScriptedLauncher, name: str = "s", **named: Any) -> StudyRecord:
    """Run a study to its end, or until ``interrupted`` says so."""
    with OwnedStudy(storage, name) as owned:
        Coordinator(owned, space(), launcher, SilentView(), home=Home(folder), **named).run()
    return read_study(storage, name)
