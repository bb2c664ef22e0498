"""The one loop of a study: ask -> launch -> follow -> tell."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from bardtune.model.presets import preset
from bardtune.model.settings import SettingsError, settings_from
from bardtune.model.training.stats import stats_from
from bardtune.search.engine.final_scoring import TICK_S, FinalScoring
from bardtune.search.engine.limits import remaining_s, run_limit_s
from bardtune.search.engine.scheduler import NextRun, Scheduler
from bardtune.search.engine.time_left import TimeLeft
from bardtune.search.launch.protocol import (
    Ended,
    Heartbeat,
    Launcher,
    LauncherEvent,
    Measured,
    Notice,
    Placed,
    RunOrder,
)
from bardtune.search.sampling.after import first_points
from bardtune.search.sampling.pruners.registry import make_pruner
from bardtune.search.sampling.samplers.registry import SAMPLERS, make_sampler
from bardtune.search.sampling.seeds import derive_seed
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.terminal.lines import View
from bardtune.studies import keys
from bardtune.studies.errors import StorageError
from bardtune.studies.records import FINISHING_REASONS, StopReason
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import OwnershipLostError
from bardtune.studies.store.open_run import OpenRun
from bardtune.studies.store.retry import shutting_down
from bardtune.studies.store.writer import StudyWriter
from bardtune.studies.surrogate.maker import SurrogateMaker

_AWAY = (SQLAlchemyError, StorageInternalError, StorageError)  # what a database raises that cannot be written to


@dataclass(slots=True)
class Following:
    """A run in progress."""

    run: OpenRun
    began_s: float  # active seconds of the study
    prune_reason: str | None = None


class Coordinator:
    """Runs a study to its end, or until somebody interrupts it.

    Args:
        writer: the study, locked.
        space: what to search.
        launcher: where runs train.
        view: shows what happens.
        home: where checkpoints are kept.
        interrupted: asked at every tick; True ends the session with everything saved.
    """

    def __init__(
        self,
        writer: StudyWriter,
        space: SearchSpace,
        launcher: Launcher,
        view: View,
        *,
        home: Home,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.writer, self.space, self.launcher, self.view = writer, space, launcher, view
        self.plan, self.home, self.interrupted = writer.plan, home, interrupted
        self.so_far = StudySoFar(
            space=space,
            record=writer.record,
            surrogates=SurrogateMaker(space.parameters),
            is_pressed=self._is_pressed,
        )
        self.time_left = TimeLeft(writer)
        self.scheduler = Scheduler(writer, self.so_far)
        self.pruner = make_pruner(self.plan.pruner, self.so_far)
        self.final_scoring = FinalScoring(writer, launcher, view, home=home, interrupted=interrupted)
        self.first_points = first_points(space, writer.record().earlier)
        self.following: dict[str, Following] = {}
        self.has_settled = False
        self.waits = False  # what comes next depends on runs in progress, and none has ended since that was asked
        self.crashes_in_a_row = 0

    def run(self) -> StopReason:
        """Run until the plan is fulfilled; returns why it stopped, which is stored too."""
        self.writer.note_stop(None)
        self.view.study_began(self.writer.record())
        if (warning := self.time_left.warning(self.plan.trials - self.writer.num_runs())) is not None:
            self.view.said(warning)
        try:
            reason = self._loop()
            if reason in FINISHING_REASONS and not self.final_scoring.score():
                reason = "user"
        except KeyboardInterrupt:  # asked to stop twice: at once, and without saving
            with contextlib.suppress(*_AWAY):
                self.writer.note_stop("user")
            raise
        except _AWAY:  # nothing can be told, but runs can be saved
            shutting_down.set()  # the database has been waited for, and is not once more for each run
            self._save_all()
            raise
        finally:
            self._let_go()
        self.writer.note_stop(reason)
        if reason in FINISHING_REASONS:
            self.final_scoring.tidy_weights()
        return reason

    def _loop(self) -> StopReason:
        reason: StopReason | None = None
        while reason is None or self.following:
            while reason is None and not self.waits and len(self.following) < self.launcher.capacity:
                outcome = self._start_next()
                if outcome == "wait":
                    self.waits = True
                    break
                reason = outcome
            if reason is None and not self.following and not self.launcher.capacity:
                reason = self._ending()
            for event in self.launcher.events(TICK_S):
                self._handle(event)
            self.writer.renew()
            self.view.tick(self.writer.lock.seconds_used())
            if self.interrupted() and (reason is None or self.following):
                self._interrupt_all()
                return "user"
        return reason

    def _start_next(self) -> StopReason | Literal["wait"] | None:
        """Begin one more run, or say why there is none; "wait" if that depends on the runs in progress."""
        self.writer.requeue_orphans(exclude={following.run.trial_id for following in self.following.values()})
        ending, interrupted = self._ending(), self.writer.interrupted()
        if ending is not None:
            return ending
        if interrupted is not None:
            self._begin(self.writer.resume_run(interrupted))
            return None
        left_s, run_s = self.time_left.seconds, self.time_left.run_s
        next_run = self.scheduler.next(num_running=len(self.following), remaining_s=left_s, run_s=run_s)
        if next_run == "wait":
            return "wait"
        if next_run == "nothing":
            if self.writer.reached is not None:
                return "target"
            return "settled" if self.writer.settled is not None else "hours"
        self._begin(self._ask(next_run))
        return None

    def _ending(self) -> StopReason | None:
        """Why no run can begin any more, whoever has room for it; runs that wait have failed where it is the hours."""
        if self.crashes_in_a_row >= self.plan.max_crashes:
            return "error"
        interrupted = self.writer.interrupted()
        if interrupted is None and self.writer.num_runs() >= self.plan.trials:
            return "trials"
        spent_s = spent_before_s(interrupted) if interrupted else 0.0
        if self.time_left.seconds < self.time_left.run_s - spent_s:
            self._give_up_interrupted()
            return "hours"
        return None

    def _ask(self, next_run: NextRun) -> OpenRun:
        if next_run.role == "search":
            return self._ask_search()
        return self.writer.ask_other(next_run.role, candidate=next_run.candidate)

    def _ask_search(self) -> OpenRun:
        number = self.writer.next_search_number()
        if number < len(self.first_points):
            self.writer.enqueue(self.first_points[number])
        sampler = make_sampler(self.plan.sampler, seed=self.plan.seed, number=number, so_far=self.so_far)
        return self.writer.ask_search(sampler)

    def _begin(self, run: OpenRun) -> None:
        try:
            settings = run.settings or self.new_settings(run)
        except SettingsError as problem:
            self._tell(run, Ended(run_id=run.run_id, ending="crashed", reason=f"no such model: {problem}"))
            return
        self.writer.begin(run, settings)
        if run.role == "search":
            self.pruner.begin(run)
        order = RunOrder(
            run_id=run.run_id,
            settings=settings,
            corpus=self.plan.corpus,
            corpus_sha256=self.writer.corpus["sha256"],
            checkpoint=self.home.checkpoint(self.writer.study_id, run.run_id),
            weights=self.home.weights(self.writer.study_id, run.run_id),
            limit_s=run_limit_s(self.writer),
            most_s=remaining_s(self.writer),
        )
        self.following[run.run_id] = Following(run, self.writer.lock.seconds_used())
        self.launcher.start(order)
        self.view.run_began(run.run_id, self.writer.record())

    def new_settings(self, run: OpenRun) -> dict[str, Any]:
        """What a run that has never begun is to train with.

        Raises:
            SettingsError: no model is made so.
        """
        seed = derive_seed(self.plan.seed, run.role, run.number)
        if run.role == "baseline":
            return preset("reference", budget_s=self.plan.seconds, seed=seed).as_dict()
        if run.candidate is not None:
            return settings_from({**self.writer.settings_of(run.candidate), "seed": seed}).as_dict()
        return self.space.suggest_settings(run.optuna_trial, budget_s=self.plan.seconds, seed=seed).as_dict()

    def _is_pressed(self) -> bool:
        """Whether the hours are too few for the runs that are planned."""
        num_left = self.plan.trials - self.writer.num_runs() + len(self.following)
        workers = max(1, min(self.plan.workers, self.launcher.capacity))  # as far as there is room for them now
        return self.time_left.is_pressed(num_left, workers)

    def _handle(self, event: LauncherEvent) -> None:
        if isinstance(event, Notice):
            self.view.said(event.text)
            return
        following = self.following.get(event.run_id)
        if following is None:
            return
        if isinstance(event, Placed):
            self.writer.note_place(following.run, event.node)
            self.view.placed(event.run_id, event.node)
        elif isinstance(event, Heartbeat):
            self.view.heartbeat(event.run_id, event.elapsed_s, event.step, event.doing)
        elif isinstance(event, Measured):
            self._measured(following, event)
        else:
            del self.following[event.run_id]
            self.waits = False
            self.time_left.learn(event, took_s=self.writer.lock.seconds_used() - following.began_s)
            self._tell(following.run, event, prune_reason=following.prune_reason)

    def _measured(self, following: Following, event: Measured) -> None:
        if not math.isfinite(event.val_bpb):
            return
        run = following.run
        run.report(event.percent, event.val_bpb)
        self.view.measured(event.run_id, event.percent, event.val_bpb)
        if run.role != "search" or event.final or run.number < len(self.first_points):  # these are never pruned
            return
        reason = self.pruner.reason_to_stop(run, event)
        if reason is not None and following.prune_reason is None:
            following.prune_reason = reason
            self.launcher.stop(event.run_id, "pruned")

    def _tell(self, run: OpenRun, ended: Ended, *, prune_reason: str | None = None) -> None:
        stats = ended.stats
        self.crashes_in_a_row = self.crashes_in_a_row + 1 if ended.ending == "crashed" else 0
        if ended.ending == "interrupted":
            self.writer.requeue(run, stats)
        elif ended.ending == "finished" and ended.val_bpb is not None:
            if stats_from(stats).starved and run.repeats < self.plan.repeat_starved:
                self.writer.repeat(run, stats)
            else:
                self.writer.tell_finished(run, ended.val_bpb, stats)
        elif ended.ending == "diverged":
            self.writer.tell_diverged(run, ended.reason or "diverged", stats)
        elif ended.ending == "pruned":
            self.writer.tell_pruned(run, prune_reason or ended.reason or "pruned", stats)
        else:
            self.writer.tell_crashed(run, ended.reason or "unknown", stats)
        if ended.ending != "interrupted":
            self._delete_checkpoint(run)
        self.view.run_ended(run.run_id, self.writer.record())
        if run.role == "search" and SAMPLERS.kind(self.plan.sampler).has_surrogate:
            self._say_outlook()

    def _say_outlook(self) -> None:
        """Tell once that nothing more is to be gained."""
        if self.has_settled:
            return
        found = self.scheduler.outlook()
        if found is not None and found.is_settled:
            self.view.said(found.text)
            self.has_settled = True

    def _delete_checkpoint(self, run: OpenRun) -> None:
        """Also what a save that was cut off has left, and the folder with the last one."""
        path = self.home.checkpoint(self.writer.study_id, run.run_id)
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def _give_up_interrupted(self) -> None:
        """The hours are over: runs that still wait to be continued end as they are. Their settings are not to blame."""
        while (interrupted := self.writer.interrupted()) is not None:
            run = self.writer.resume_run(interrupted)
            self.writer.tell_interrupted(run, "the study's hours were over before it could go on", {})
            self._delete_checkpoint(run)

    def _interrupt_all(self) -> None:
        """Ask all runs to save their state and wait until they have."""
        self.view.interrupting()
        for run_id in self.following:
            self.launcher.stop(run_id, "interrupted")
        while self.following:
            for event in self.launcher.events(TICK_S):
                self._handle(event)
            self.writer.renew()

    def _save_all(self) -> None:
        """Let all runs save their state although it cannot be told: the next resume finds it."""
        for run_id in self.following:
            self.launcher.stop(run_id, "interrupted")
        left = set(self.following)
        while left:
            left -= {event.run_id for event in self.launcher.events(TICK_S) if isinstance(event, Ended)}

    def _let_go(self) -> None:
        """Whatever happened: no process goes on, and no run stays without an owner."""
        self.launcher.close()
        for following in self.following.values():
            # Where this fails, the next resume finds the run without an owner and requeues it.
            with contextlib.suppress(*_AWAY, OwnershipLostError):
                self.writer.requeue(following.run, {})
        self.following.clear()


def spent_before_s(interrupted: FrozenTrial) -> float:
    """Seconds of its budget that an interrupted run has in its checkpoint; 0 if it could not say."""
    seconds = interrupted.user_attrs.get(keys.STATS, {}).get("seconds", {})
    return float(seconds.get("train", 0.0))
