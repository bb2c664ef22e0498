"""Storing a new study."""

import uuid
import warnings
from dataclasses import dataclass
from typing import Any

import optuna

from bardtune.studies import keys
from bardtune.studies.earlier import EarlierStudy
from bardtune.studies.errors import StudyError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.reading import is_ours
from bardtune.studies.store.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class NewStudy:
    """All that is stored of a study before its first run, and that a resume will be held to."""

    plan: StudyPlan
    space: dict[str, Any]
    corpus: dict[str, Any]
    fingerprint: dict[str, Any]
    earlier: tuple[EarlierStudy, ...] = ()  # that it comes after


def create_study(storage: Storage, name: str, new: NewStudy) -> None:
    """Store a new study; the caller holds its lock.

    Raises:
        StudyError: the name is taken.
    """
    existing = {study.study_name: study for study in optuna.get_all_study_summaries(storage.rdb)}
    if name in existing:
        _refuse_taken(name, existing[name])
    elif keys.runs_name(name) in existing:  # of a study that was deleted
        optuna.delete_study(study_name=keys.runs_name(name), storage=storage.rdb)
    study = optuna.create_study(
        study_name=name, storage=storage.rdb, direction="minimize", load_if_exists=name in existing
    )
    optuna.create_study(study_name=keys.runs_name(name), storage=storage.rdb, direction="minimize", load_if_exists=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["val_bpb"])
    # The plan goes in last: a study without one is not listed, and can be begun again.
    for key, value in (
        (keys.STUDY_ID, uuid.uuid4().hex[:12]),
        (keys.SPACE, new.space),
        (keys.CORPUS, new.corpus),
        (keys.FINGERPRINT, new.fingerprint),
        (keys.EARLIER, [each.as_dict() for each in new.earlier]),
        (keys.PLAN, new.plan.as_dict()),
    ):
        study.set_user_attr(key, value)


def _refuse_taken(name: str, existing: optuna.study.StudySummary) -> None:
    """Raise StudyError unless ``existing`` is only the empty beginning of a study."""
    if is_ours(existing.user_attrs):
        raise StudyError(
            f"the study {name!r} exists; continue it with: bardtune resume {name}, or choose another name."
        )
    if existing.n_trials:
        raise StudyError(f"the name {name!r} is taken by a study that bardtune did not make; choose another name.")
