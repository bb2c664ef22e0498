"""A study in the hands of its coordinator: the only place that writes to it."""

import contextlib
import time
import uuid
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from studies import keys
from studies.errors import StudyError
from studies.lock import CoordinatorLock, fenced
from studies.plan import StudyPlan
from studies.reading import is_ours, is_run, load, read_study
from studies.records import Role, StopReason, StudyRecord, make_label, make_run_id
from studies.storage import Storage

DIVERGED_BPB = 16.0  # what a diverged run is told as: twice a blind guess, bad but finite, so that the sampler learns


@dataclass(slots=True)
class OpenRun:
    """A run that has been asked for and not yet told."""

    optuna_trial: Trial
    role: Role
    reported: set[int]  # percents of the budget that have a bpb

    @property
    def number(self) -> int:
        return self.optuna_trial.number

    @property
    def trial_id(self) -> int:
        """Optuna's own, unique in the database."""
        return self.optuna_trial._trial_id

    @property
    def run_id(self) -> str:
        return make_run_id(self.role, self.number)

    @property
    def label(self) -> str:
        return make_label(self.role, self.number)

    @property
    def settings(self) -> dict[str, Any] | None:
        """As stored when the run first began; None if it has not."""
        stored: dict[str, Any] | None = self.optuna_trial.user_attrs.get(keys.SETTINGS)
        return stored

    def report(self, percent: int, val_bpb: float) -> None:
        """Note a bpb on the way, once for each percent: a continued run may pass one again."""
        if percent not in self.reported:
            self.optuna_trial.report(val_bpb, step=percent)
            self.reported.add(percent)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewStudy:
    """All that is stored of a study before its first run, and that a resume will be held to."""

    plan: StudyPlan
    space: dict[str, Any]
    corpus: dict[str, Any]
    fingerprint: dict[str, Any]


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


class OwnedStudy:
    """A study under its lock: nothing is written to it unless it is still ours.

    Use as a context manager: entering takes the lock, creates the study if it is ``new``, and parks runs that a dead
    coordinator left behind; leaving lets go.

    Args:
        storage: the database.
        name: of the study.
        new: what to create it from; None for one that is there.
        began: ``time.monotonic()`` from which active time counts. [default: entering]
    """

    search: optuna.Study
    others: optuna.Study
    plan: StudyPlan

    def __init__(self, storage: Storage, name: str, *, new: NewStudy | None = None, began: float | None = None) -> None:
        self.storage, self.name, self.new, self.began = storage, name, new, began
        self.lock = CoordinatorLock(storage.engine, name)
        self._fence = contextlib.ExitStack()

    def __enter__(self) -> "OwnedStudy":
        self.lock.acquire()
        try:
            self._fence.enter_context(fenced(self.storage.rdb.engine, self.lock))
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._fence.close()
        self.lock.release()

    def _open(self) -> None:
        if self.new is not None:
            create_study(self.storage, self.name, self.new)
            self.lock.forget_time()
        self.search = load(self.storage, self.name)
        self.others = optuna.create_study(
            study_name=keys.runs_name(self.name), storage=self.storage.rdb, direction="minimize", load_if_exists=True
        )
        self.plan = StudyPlan(**self.search.user_attrs[keys.PLAN])
        self.lock.count_from(time.monotonic() if self.began is None else self.began)
        self.park_orphans()

    def renew(self) -> None:
        """Keep the study; to be called often.

        Raises:
            OwnershipLostError: somebody else has it.
            StorageError: its database was deleted.
        """
        self.storage.check_there()
        self.lock.renew()

    @property
    def study_id(self) -> str:
        return str(self.search.user_attrs[keys.STUDY_ID])

    @property
    def corpus(self) -> dict[str, Any]:
        return dict(self.search.user_attrs[keys.CORPUS])

    @property
    def space(self) -> dict[str, Any]:
        return dict(self.search.user_attrs[keys.SPACE])

    def record(self) -> StudyRecord:
        return read_study(self.storage, self.name)

    def num_runs(self) -> int:
        """Training runs of every kind and in any state: what the cap counts."""
        return sum(is_run(trial) for study in (self.search, self.others) for trial in study.get_trials(deepcopy=False))

    def next_search_number(self) -> int:
        """The number that the next new search trial gets: a queued one's, or the first free one."""
        trials = self.search.get_trials(deepcopy=False)
        queued = [trial.number for trial in trials if trial.state == TrialState.WAITING and not is_run(trial)]
        return min(queued, default=len(trials))

    def has_run(self, role: Role) -> bool:
        trials = self.others.get_trials(deepcopy=False)
        return any(trial.user_attrs.get(keys.ROLE) == role for trial in trials)

    def interrupted(self) -> FrozenTrial | None:
        """A run that has begun and waits to be continued, other roles first; None if none does."""
        for study in (self.others, self.search):
            for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                if is_run(trial):
                    return trial
        return None

    def take_up(self, frozen: FrozenTrial) -> OpenRun:
        """Continue an interrupted run under its own number; the cap has counted it already."""
        self.lock.verify()
        study = self.others if keys.ROLE in frozen.user_attrs else self.search
        self.storage.rdb.set_trial_state_values(frozen._trial_id, TrialState.RUNNING)
        role: Role = frozen.user_attrs.get(keys.ROLE, "search")
        return _open(Trial(study, frozen._trial_id), role)

    def ask_search(self, sampler: BaseSampler, pruner: BasePruner) -> OpenRun:
        """Ask for a new search trial, a queued one first; the caller has checked the cap and what is interrupted."""
        self.lock.verify()
        self.search.sampler, self.search.pruner = sampler, pruner
        return _open(self.search.ask(), "search")

    def ask_other(self, role: Role) -> OpenRun:
        """Ask for a new run that is not drawn from the search space."""
        self.lock.verify()
        optuna_trial = self.others.ask()
        optuna_trial.set_user_attr(keys.ROLE, role)
        return _open(optuna_trial, role)

    def enqueue(self, params: dict[str, Any]) -> None:
        """Let the next search trial have these parameters."""
        self.lock.verify()
        if not self.search.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self.search.enqueue_trial(params)

    def begin(self, run: OpenRun, settings: dict[str, Any]) -> None:
        """Note what the run is about to train with."""
        run.optuna_trial.set_user_attr(keys.SETTINGS, settings)

    def tell_finished(self, run: OpenRun, val_bpb: float, stats: dict[str, Any]) -> None:
        self._tell(run, "finished", stats, value=val_bpb)

    def tell_diverged(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        self._tell(run, "diverged", stats, reason=reason, value=DIVERGED_BPB)

    def tell_pruned(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        self._tell(run, "pruned", stats, reason=reason, state=TrialState.PRUNED)

    def tell_crashed(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        self._tell(run, "crashed", stats, reason=reason, state=TrialState.FAIL)

    def park(self, run: OpenRun, stats: dict[str, Any]) -> None:
        """Put an interrupted run back in the queue: the same number goes on with the next resume."""
        self.lock.verify()
        run.optuna_trial.set_user_attr(keys.ENDING, "interrupted")
        run.optuna_trial.set_user_attr(keys.STATS, stats)
        self.storage.rdb.set_trial_state_values(run.trial_id, TrialState.WAITING)

    def note_stop(self, reason: StopReason | None) -> None:
        self.lock.verify()
        self.search.set_user_attr(keys.STOP_REASON, reason)

    def change_fingerprint(self, fingerprint: dict[str, Any]) -> None:
        """Hold later resumes to this fingerprint instead."""
        self.lock.verify()
        self.search.set_user_attr(keys.FINGERPRINT, fingerprint)

    def _tell(
        self,
        run: OpenRun,
        ending: str,
        stats: dict[str, Any],
        *,
        reason: str | None = None,
        value: float | None = None,
        state: TrialState = TrialState.COMPLETE,
    ) -> None:
        """Attributes first: a finished trial takes no more."""
        self.lock.verify()
        for key, fact in ((keys.ENDING, ending), (keys.REASON, reason), (keys.STATS, stats)):
            run.optuna_trial.set_user_attr(key, fact)
        study = self.search if run.role == "search" else self.others
        study.tell(run.optuna_trial, values=value, state=state)

    def park_orphans(self, *, but: Collection[int] = ()) -> None:
        """Put every run back in the queue that nobody follows; ``but`` holds the ids of those that we do."""
        for study in (self.search, self.others):
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial._trial_id not in but:
                    self.storage.rdb.set_trial_state_values(trial._trial_id, TrialState.WAITING)


def _open(optuna_trial: Trial, role: Role) -> OpenRun:
    frozen = optuna_trial.study.get_trials(deepcopy=False)[optuna_trial.number]
    return OpenRun(optuna_trial, role, set(frozen.intermediate_values))
