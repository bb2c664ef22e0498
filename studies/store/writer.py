"""A study in the hands of its coordinator: the only place that writes to it."""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from bardtune.data.awake import awake_s
from bardtune.studies import keys
from bardtune.studies.errors import StudyError
from bardtune.studies.extensions import Extension, confirmation_of, extended, extensions_from
from bardtune.studies.plan import Confirmation, StudyPlan, plan_from
from bardtune.studies.records import FINISHING_REASONS, Role, StopReason, StudyRecord
from bardtune.studies.store.creating import NewStudy, create_study
from bardtune.studies.store.lock import CoordinatorLock, fenced
from bardtune.studies.store.open_run import OpenRun, open_run
from bardtune.studies.store.reading import is_run, load, record_of
from bardtune.studies.store.storage import Storage

DIVERGED_BPB = 16.0  # the value of a diverged run: twice a blind guess, bad but finite, so that the sampler learns


class StudyWriter:
    """A study under its lock: nothing is written to it unless it is still ours.

    Use as a context manager: entering takes the lock, creates the study if it is ``new``, and requeues runs that a
    dead coordinator has left; leaving lets go.

    Args:
        storage: the database.
        name: of the study.
        new: what to create it from; None for one that is there.
        began: what the clock said when active time began to count. [default: entering]
        clock: of the study's active time, in seconds.
    """

    search: optuna.Study
    others: optuna.Study
    plan: StudyPlan
    extensions: tuple[Extension, ...]

    def __init__(
        self,
        storage: Storage,
        name: str,
        *,
        new: NewStudy | None = None,
        began: float | None = None,
        clock: Callable[[], float] = awake_s,
    ) -> None:
        self.storage, self.name, self.new, self.began, self.clock = storage, name, new, began, clock
        self.lock = CoordinatorLock(storage.engine, name, clock=clock)
        self._fence = contextlib.ExitStack()

    def __enter__(self) -> "StudyWriter":
        self.lock.acquire()
        try:
            self._fence.enter_context(fenced(self.storage.rdb.engine, self.lock))
            self._open()
        except BaseException as problem:
            self.__exit__(type(problem))
            raise
        return self

    def __exit__(self, problem: type[BaseException] | None = None, *_: object) -> None:
        self._fence.close()
        try:
            self.lock.release()
        except SQLAlchemyError:  # a lock that is not let go falls with its process
            if problem is None:
                raise

    def _open(self) -> None:
        if self.new is not None:
            create_study(self.storage, self.name, self.new)
            self.lock.forget_time()
        self.search = load(self.storage, self.name)
        self.others = optuna.create_study(
            study_name=keys.runs_name(self.name), storage=self.storage.rdb, direction="minimize", load_if_exists=True
        )
        self._read_plan()
        self.lock.count_from(self.clock() if self.began is None else self.began)
        self.requeue_orphans()

    def _read_plan(self) -> None:
        attrs = self.search.user_attrs
        self.extensions = extensions_from(self.name, attrs.get(keys.EXTENSIONS, ()))
        self.plan = extended(plan_from(self.name, attrs[keys.PLAN]), self.extensions)

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
        """As ``read_study`` would read it; what has ended is not read from the database again."""
        return record_of(self.storage, self.search, self.others)

    def num_runs(self) -> int:
        """Training runs of every kind and in any state: what the cap counts."""
        return sum(is_run(trial) for study in (self.search, self.others) for trial in study.get_trials(deepcopy=False))

    def next_search_number(self) -> int:
        """The number that the next new search trial gets: a queued one's, or the first free one."""
        trials = self.search.get_trials(deepcopy=False)
        queued = [trial.number for trial in trials if trial.state == TrialState.WAITING and not is_run(trial)]
        return min(queued, default=len(trials))

    def roles(self) -> Counter[str | None]:
        """How many runs there are of each role but the search."""
        return Counter(trial.user_attrs.get(keys.ROLE) for trial in self._other_runs())

    def _other_runs(self) -> list[FrozenTrial]:
        """Without what was asked for and never begun: its role is whatever it will be asked for next."""
        return [trial for trial in self.others.get_trials(deepcopy=False) if is_run(trial)]

    @property
    def candidates(self) -> list[int] | None:
        """Search trials that were chosen to be confirmed; None while the search goes on."""
        stored: list[int] | None = self.search.user_attrs.get(self._of_now(keys.CANDIDATES))
        return stored

    def note_candidates(self, numbers: list[int]) -> None:
        """End the search: these are its leaders."""
        self.lock.verify()
        self.search.set_user_attr(self._of_now(keys.CANDIDATES), numbers)

    @property
    def settled(self) -> str | None:
        """Why the search was ended before its time: what it had still promised; None if it was not."""
        said: str | None = self.search.user_attrs.get(self._of_now(keys.SETTLED))
        return said

    def note_settled(self, text: str) -> None:
        self.lock.verify()
        self.search.set_user_attr(self._of_now(keys.SETTLED), text)

    @property
    def reached(self) -> int | None:
        """The search trial that reached the target, for which the search was ended; None if it was not."""
        number: int | None = self.search.user_attrs.get(self._of_now(keys.REACHED))
        return number

    def note_reached(self, number: int) -> None:
        self.lock.verify()
        self.search.set_user_attr(self._of_now(keys.REACHED), number)

    def _of_now(self, key: str) -> str:
        return keys.of_extension(key, len(self.extensions))

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the study was last ended or stopped, as it is stored; None while it goes on."""
        reason: StopReason | None = self.search.user_attrs.get(self._of_now(keys.STOP_REASON))
        return reason

    @property
    def confirmation(self) -> Confirmation:
        """The runs that are kept for making sure of the winner."""
        return confirmation_of(self.plan, self.extensions)

    def extend(self, *, trials: int, hours: float) -> None:
        """Give the study more: its search goes on, and what leads then is confirmed."""
        stop_reason, roles = self.stop_reason, self.roles()
        extension = Extension(
            trials=trials,
            hours=hours,
            stop_when_settled=self.plan.stop_when_settled and stop_reason != "settled",
            target=0.0 if stop_reason == "target" else self.plan.target,
            was_over=stop_reason in FINISHING_REASONS,
            at_runs=self.num_runs(),
            confirmations=roles["confirmation"],
            baselines=roles["baseline"],
            seconds_used=self.lock.seconds_used(),
        )
        stored = [each.as_dict() for each in (*self.extensions, extension)]
        self.lock.verify()
        self.search.set_user_attr(keys.EXTENSIONS, stored)
        self._read_plan()

    def confirmed(self) -> Counter[int | None]:
        """How many confirmation runs each candidate has, in any state."""
        candidates = (trial.user_attrs.get(keys.CANDIDATE) for trial in self._other_runs())
        return Counter(candidate for candidate in candidates if candidate is not None)

    def settings_of(self, number: int) -> dict[str, Any]:
        """What a search trial trained with."""
        settings: dict[str, Any] = self.search.get_trials(deepcopy=False)[number].user_attrs[keys.SETTINGS]
        return settings

    def interrupted(self) -> FrozenTrial | None:
        """A run that has begun and waits to be continued, other roles first; None if none does."""
        for study in (self.others, self.search):
            for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                if is_run(trial):
                    return trial
        return None

    def resume_run(self, frozen: FrozenTrial) -> OpenRun:
        """Continue an interrupted run under its own number; the cap has counted it already."""
        self.lock.verify()
        study = self.others if keys.ROLE in frozen.user_attrs else self.search
        self.storage.rdb.set_trial_state_values(frozen._trial_id, TrialState.RUNNING)
        role: Role = frozen.user_attrs.get(keys.ROLE, "search")
        return open_run(Trial(study, frozen._trial_id), role)

    def ask_search(self, sampler: BaseSampler) -> OpenRun:
        """Ask for a new search trial, a queued one first; the caller has checked the cap and what is interrupted."""
        self.lock.verify()
        self.search.sampler = sampler
        return open_run(self.search.ask(), "search")

    def ask_other(self, role: Role, *, candidate: int | None = None) -> OpenRun:
        """Ask for a new run that is not drawn from the search space; ``candidate`` is the trial that it confirms."""
        self.lock.verify()
        optuna_trial = self.others.ask()
        optuna_trial.set_user_attr(keys.ROLE, role)
        if candidate is not None or keys.CANDIDATE in optuna_trial.user_attrs:  # of what it was asked for before
            optuna_trial.set_user_attr(keys.CANDIDATE, candidate)
        return open_run(optuna_trial, role)

    def enqueue(self, params: dict[str, Any]) -> None:
        """Let the next search trial have these parameters."""
        self.lock.verify()
        if not self.search.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self.search.enqueue_trial(params)

    def begin(self, run: OpenRun, settings: dict[str, Any]) -> None:
        """Note what the run is about to train with."""
        run.optuna_trial.set_user_attr(keys.SETTINGS, settings)

    def note_place(self, run: OpenRun, node: int) -> None:
        """Note on which node of a cluster a run trains now."""
        run.optuna_trial.set_user_attr(keys.STATS, {**self._seconds_of(run), "node": node})

    def tell_finished(self, run: OpenRun, val_bpb: float, stats: dict[str, Any], *, note: str | None = None) -> None:
        """``note`` is stored as the reason: what else there is to say of the bpb."""
        self._tell(run, "finished", stats, reason=note, value=val_bpb)

    def tell_diverged(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        self._tell(run, "diverged", stats, reason=reason, value=DIVERGED_BPB)

    def tell_pruned(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        self._tell(run, "pruned", stats, reason=reason, state=TrialState.PRUNED)

    def tell_interrupted(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        """End a run that was interrupted and will not be continued: of a script, or when the hours are over."""
        self._tell(run, "interrupted", stats, reason=reason, state=TrialState.FAIL)

    def ask_script(self) -> OpenRun:
        """Ask for a run of a user's script: always a new trial, since ``ask`` would take an interrupted run's."""
        self.lock.verify()
        optuna_trial = Trial(self.others, self.storage.rdb.create_new_trial(self.others._study_id))
        optuna_trial.set_user_attr(keys.ROLE, "service")
        optuna_trial.set_user_attr(keys.SETTINGS, {})
        return open_run(optuna_trial, "service")

    def note_script(self, run: OpenRun, script: dict[str, Any]) -> None:
        """Keep what a training-service run consists of; may be noted again until the run has ended."""
        self.lock.verify()
        run.optuna_trial.set_user_attr(keys.SCRIPT, script)

    def last_script(self) -> dict[str, Any] | None:
        """What the training service ran last; None if it has run nothing yet."""
        scripts = (trial.user_attrs.get(keys.SCRIPT) for trial in reversed(self.others.get_trials(deepcopy=False)))
        return next((script for script in scripts if script is not None), None)

    def tell_crashed(self, run: OpenRun, reason: str, stats: dict[str, Any]) -> None:
        self._tell(run, "crashed", stats, reason=reason, state=TrialState.FAIL)

    def requeue(self, run: OpenRun, stats: dict[str, Any]) -> None:
        """Put an interrupted run back in the queue: the same number goes on with the next resume."""
        self._requeue(run, {**self._seconds_of(run), **stats})

    def _requeue(self, run: OpenRun, stats: dict[str, Any]) -> None:
        self.lock.verify()
        run.optuna_trial.set_user_attr(keys.ENDING, "interrupted")
        run.optuna_trial.set_user_attr(keys.STATS, stats)
        self.storage.rdb.set_trial_state_values(run.trial_id, TrialState.WAITING)

    def _seconds_of(self, run: OpenRun) -> dict[str, Any]:
        """What is stored of the time that the run has spent so far: where it was spent is for its next end to tell."""
        stored: dict[str, Any] = self.storage.rdb.get_trial(run.trial_id).user_attrs.get(keys.STATS, {})
        return {name: value for name, value in stored.items() if name == "seconds"}

    def repeat(self, run: OpenRun, stats: dict[str, Any]) -> None:
        """Put a finished run back in the queue, to be trained again from the beginning under its number."""
        self.lock.verify()
        run.optuna_trial.set_user_attr(keys.REPEATS, run.repeats + 1)
        self._requeue(run, {key: value for key, value in stats.items() if key not in ("seconds", "starved")})

    def note_final(self, run_id: str, score: dict[str, Any]) -> None:
        """Store what came of scoring a run on the test part; once there is a bpb, there is no second time.

        Args:
            run_id: of a finalist.
            score: its ``test_bpb``, or the ``reason`` for none.

        Raises:
            StudyError: it has a bpb.
        """
        self.lock.verify()
        final: dict[str, dict[str, Any]] = dict(self.search.user_attrs.get(keys.FINAL, {}))
        if "test_bpb" in final.get(run_id, {}):
            raise StudyError(f"{run_id} of {self.name!r} has been scored on the test part already; that is done once.")
        self.search.set_user_attr(keys.FINAL, {**final, run_id: score})

    def note_stop(self, reason: StopReason | None) -> None:
        self.lock.verify()
        self.search.set_user_attr(self._of_now(keys.STOP_REASON), reason)

    def change_corpus(self, place: str) -> None:
        """Note where the study's text lies now; the caller has seen that it is the same."""
        self.lock.verify()
        self.search.set_user_attr(keys.CORPUS, {**self.corpus, "name": place})
        self.search.set_user_attr(keys.PLAN, {**self.search.user_attrs[keys.PLAN], "corpus": place})
        self._read_plan()

    def change_place(self, *, launcher: str, workers: int) -> None:
        """Let the runs that follow train elsewhere, or another number of them at a time."""
        if (launcher, workers) == (self.plan.launcher, self.plan.workers):
            return
        self.lock.verify()
        self.search.set_user_attr(
            keys.PLAN, {**self.search.user_attrs[keys.PLAN], "launcher": launcher, "workers": workers}
        )
        self.search.set_user_attr(keys.IS_MOVED, True)
        self._read_plan()

    def note_address(self, address: str | None) -> None:
        """Note the cluster that a study uses, for the next session."""
        if address != self.search.user_attrs.get(keys.ADDRESS):
            self.lock.verify()
            self.search.set_user_attr(keys.ADDRESS, address)

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

    def requeue_orphans(self, *, exclude: Collection[int] = ()) -> None:
        """Put every run back in the queue that nobody follows; ``exclude`` holds the ids of those that we do.

        A script has no checkpoint of ours: a training-service run without an owner has failed.
        """
        for study in (self.search, self.others):
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial.user_attrs.get(keys.ROLE) == "service" and trial._trial_id not in exclude:
                    lost = "bardtune itself was killed while the script ran"
                    self.tell_crashed(open_run(Trial(study, trial._trial_id), "service"), lost, {})
                elif trial._trial_id not in exclude:
                    self.storage.rdb.set_trial_state_values(trial._trial_id, TrialState.WAITING)
