"""The run that a study sends home, and what it has left."""

from dataclasses import dataclass
from pathlib import Path

from bardtune.studies import keys
from bardtune.studies.analysis.verdict import Verdict, verdict_of
from bardtune.studies.errors import StudyError
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.store.home import Home
from bardtune.studies.store.reading import load, read_study
from bardtune.studies.store.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class Winner:
    """A study with the run whose weights are kept."""

    record: StudyRecord
    verdict: Verdict
    run: TrialRecord
    weights: Path


def find_winner(storage: Storage, name: str, home: Home) -> Winner:
    """Return the run to take home and where its weights are.

    Raises:
        StudyError: no such study, no finished trial in it, or its weights are gone.
    """
    record = read_study(storage, name)
    verdict = verdict_of(record)
    run = verdict.take_home
    if run is None:
        raise StudyError(f"the study {name!r} has no finished trial to take home yet; see: bardtune show {name}")
    weights = weights_of(storage, record, run, home)
    if not weights.exists():
        raise StudyError(
            f"the weights of {run.label} of the study {name!r} are gone: no file {weights}; put it back, set "
            "BARDTUNE_HOME to the folder that the study was run with, or run the study again."
        )
    return Winner(record=record, verdict=verdict, run=run, weights=weights)


def weights_of(storage: Storage, record: StudyRecord, run: TrialRecord, home: Home) -> Path:
    """Where a run's weights are if they have been kept."""
    study_id = str(load(storage, record.name).user_attrs[keys.STUDY_ID])
    return home.weights(study_id, run.run_id)
