"""Studies made quickly, for the tests of studies/ and search/."""

from pathlib import Path
from typing import Any

from bardtune.search.engine.coordinator import Coordinator
from bardtune.search.sampling.space import SearchSpace, space_from
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import Home
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.fakes import ScriptedLauncher, SilentView

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
    """A new study; unless ``plan`` says otherwise, with a sampler and a pruner that cost nothing."""
    said = {"seconds": 1.0, "threads": 1, "confirm": "0", "sampler": "random", "pruner": "none", **plan}
    with StudyWriter(storage, name, new=NewStudy(plan=StudyPlan(**said), space=SPACE, corpus=CORPUS, fingerprint={})):
        pass


def run_study(storage: Storage, folder: Path, launcher: ScriptedLauncher, name: str = "s", **named: Any) -> StudyRecord:
    """Run a study to its end, or until ``interrupted`` says so."""
    with StudyWriter(storage, name) as writer:
        Coordinator(writer, space(), launcher, SilentView(), home=Home(folder), **named).run()
    return read_study(storage, name)
