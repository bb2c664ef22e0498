"""Studies of the product's own loop whose runs are answered by a world's surrogate, on a virtual clock."""

import heapq
import itertools
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import sqlalchemy
from optuna.storages import InMemoryStorage

from bardtune.search.engine.coordinator import Coordinator
from bardtune.search.launch.protocol import Ended, Launcher, Measured, RunEvent, RunOrder, ScoreOrder, StopEnding
from bardtune.search.sampling.after import space_after, studies_before
from bardtune.search.sampling.curvegp.candidates import KNOWN_SD
from bardtune.search.sampling.seeds import derive_seed
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.unit_cube import params_at, sides_of
from bardtune.search.terminal.lines import View
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import metadata
from bardtune.studies.store.open_run import OpenRun
from bardtune.studies.store.writer import StudyWriter
from benchmarks.search.arms import Arm
from benchmarks.search.truth import Truth

OVERHEAD_S = 2.0  # of a run, beyond its budget
BUDGET_S = 180.0  # of a run, whatever its world was recorded with
STEPS_PER_PERCENT = 10
CORPUS = {"name": "a simulated world", "bytes": 1_000_000, "sha256": "0" * 64}
NAME = "simulated"


class VirtualClock:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Real seconds that are spent here pass here too."""
        began = time.perf_counter()
        yield
        self.now += time.perf_counter() - began


class SimulatedLauncher:
    """A ``Launcher`` whose runs take virtual time alone."""

    def __init__(self, truth: Truth, parameters: frozenset[str], clock: VirtualClock, *, workers: int) -> None:
        self.truth, self.parameters, self.clock, self.capacity = truth, parameters, clock, workers
        self.waiting: list[tuple[float, int, RunEvent]] = []
        self.order = itertools.count()
        self.began: dict[str, float] = {}  # of runs in progress
        self.finals: dict[str, float] = {}

    def start(self, order: RunOrder | ScoreOrder) -> None:
        self.began[order.run_id] = self.clock.now
        if isinstance(order, ScoreOrder):
            bpb = self.finals[order.run_id]
            self._at(0.0, Ended(run_id=order.run_id, ending="finished", val_bpb=bpb, test_bpb=bpb))
            return
        if order.run_id.startswith("baseline"):
            self._finish(order.run_id, self.truth.baseline_bpb)
            return
        params = {name: value for name, value in order.settings.items() if name in self.parameters}
        shown = self.truth.run(params, seed=order.settings["seed"])
        if shown.val_bpb is None:
            self._at(BUDGET_S / 2, Ended(run_id=order.run_id, ending="diverged", reason="as in its world"))
            return
        for percent, bpb in shown.curve:
            self._measured(order.run_id, percent, bpb, final=False)
        self._finish(order.run_id, shown.val_bpb)

    def events(self, timeout_s: float) -> list[RunEvent]:
        if not self.waiting:
            self.clock.now += timeout_s
            return []
        when, _, event = heapq.heappop(self.waiting)
        self.clock.now = max(self.clock.now, when)
        if event.run_id not in self.began:  # it has ended
            return []
        if isinstance(event, Ended):
            del self.began[event.run_id]
        return [event]

    def stop(self, run_id: str, ending: StopEnding) -> None:
        began = self.began.pop(run_id, None)
        if began is not None:
            ended = Ended(run_id=run_id, ending=ending, stats=_stats(self.clock.now - began))
            self.began[run_id] = began
            heapq.heappush(self.waiting, (self.clock.now, -1, ended))

    def close(self) -> None:
        self.waiting.clear()

    def _measured(self, run_id: str, percent: int, bpb: float, *, final: bool) -> None:
        spent_s = BUDGET_S * percent / 100
        step = STEPS_PER_PERCENT * percent
        self._at(
            spent_s,
            Measured(run_id=run_id, percent=percent, step=step, elapsed_s=spent_s, val_bpb=bpb, final=final),
        )

    def _finish(self, run_id: str, bpb: float) -> None:
        self.finals[run_id] = bpb
        self._measured(run_id, 100, bpb, final=True)
        self._at(BUDGET_S + OVERHEAD_S, Ended(run_id=run_id, ending="finished", val_bpb=bpb, stats=_stats(BUDGET_S)))

    def _at(self, after_s: float, event: RunEvent) -> None:
        heapq.heappush(self.waiting, (self.clock.now + after_s, next(self.order), event))


def _stats(train_s: float) -> dict[str, Any]:
    return {"seconds": {"train": train_s}, "steps": 1}


class SimulatedCoordinator(Coordinator):
    """The product's loop. Settings of a world need not be ours, and the time to draw them is counted."""

    def __init__(self, *args: Any, virtual: VirtualClock, **named: Any) -> None:
        super().__init__(*args, **named)
        self.virtual = virtual

    def new_settings(self, run: OpenRun) -> dict[str, Any]:
        seed = derive_seed(self.plan.seed, run.role, run.number)
        if run.role == "baseline":
            return {"seed": seed}
        if run.candidate is not None:
            return {**self.writer.settings_of(run.candidate), "seed": seed}
        with self.virtual.counting():
            return {**self.space.suggest(run.optuna_trial), "seed": seed}

    def _ask_search(self) -> OpenRun:
        with self.virtual.counting():
            return super()._ask_search()


class MemoryStorage:
    """Stands for a ``Storage``, in memory: a study of 50 runs asks its database some 2,000 times."""

    display_url = "memory"

    def __init__(self) -> None:
        self.engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
        metadata.create_all(self.engine)
        self.rdb = InMemoryStorage()
        self.rdb.engine = self.engine  # type: ignore[attr-defined]

    def check_there(self) -> None:
        return


class UnknowingWriter(StudyWriter):
    """Has no trial queued: the sampler draws the first one too."""

    def enqueue(self, params: dict[str, Any]) -> None:
        return


class SilentView:
    """A ``View`` that shows nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one simulated study. Values in bpb."""

    true_bpb: float  # of the recommended settings
    drawn_bpb: float  # true, of the best settings that were drawn: what choosing well would have recommended
    said_bpb: float  # what the study says that they reach
    minutes: float  # virtual
    num_pruned: int
    num_pruned_good: int  # of these, settings whose true value is among the best twentieth of the study's own
    minutes_saved: float  # by pruning
    cpu_s: float


def simulate(truth: Truth, arm: Arm, *, trials: int, seed: int, **how: Any) -> Outcome:
    """What comes of one study that is run to its end; the arguments are those of ``simulated``."""
    began = time.process_time()
    record = simulated(truth, arm, trials=trials, seed=seed, **how)
    return outcome_of(truth, record, time.process_time() - began)


def simulated(
    truth: Truth,
    arm: Arm,
    *,
    trials: int,
    seed: int,
    workers: int = 1,
    known: bool = True,
    displaced: float = 0.0,
    after: Sequence[StudyRecord] = (),
) -> StudyRecord:
    """Run one study to its end.

    Args:
        known: whether its first trial is the best known point; otherwise the sampler draws it.
        displaced: how far, in standard deviations of the prior in every coordinate, the point that is thought to be the
            best known lies from the one that is.
        after: studies that it comes after.
    """
    plan = StudyPlan(trials=trials, seconds=BUDGET_S, seed=seed, workers=workers, **arm.plan)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), arm.changes():
        warnings.simplefilter("ignore")
        space = displace(truth.world.space, displaced, seed=seed) if displaced else truth.world.space
        return _study(truth, space, plan, Path(folder), known=known, after=after)


def displace(space: SearchSpace, distance: float, *, seed: int) -> SearchSpace:
    """The space with another best known point: each coordinate up or down, as the seed says, folded back into it."""
    signs = np.random.default_rng([seed, 40_961]).choice((-1.0, 1.0), size=len(space.dimensions))
    moved = params_at(space, sides_of(space, space.best_known) + distance * KNOWN_SD * signs)
    return replace(space, source={**space.source, "best_known": moved})


def _study(
    truth: Truth, space: SearchSpace, plan: StudyPlan, folder: Path, *, known: bool, after: Sequence[StudyRecord]
) -> StudyRecord:
    clock = VirtualClock()
    storage: Any = MemoryStorage()
    fingerprint = {"corpus_sha256": truth.world.name}
    earlier = studies_before(after, space, plan, fingerprint)
    space = space_after(space, earlier)
    new = NewStudy(plan=plan, space=space.source, corpus=CORPUS, fingerprint=fingerprint, earlier=earlier)
    names = frozenset(dimension.name for dimension in space.dimensions)
    launcher: Launcher = SimulatedLauncher(truth, names, clock, workers=plan.workers)
    view: View = SilentView()  # type: ignore[assignment]
    kind = StudyWriter if known else UnknowingWriter
    with kind(storage, NAME, new=new, clock=clock) as writer:
        SimulatedCoordinator(writer, space, launcher, view, home=Home(folder), virtual=clock).run()
        record = writer.record()
    return record


def outcome_of(truth: Truth, record: StudyRecord, cpu_s: float = 0.0) -> Outcome:
    """What a study that is over has found, judged by the truth."""
    verdict = verdict_of(record, over=True)
    assert verdict.winner is not None and verdict.bpb is not None
    values = dict(zip(*_true_values(truth, record.search_runs), strict=True))
    pruned = [run for run in record.search_runs if run.ending == "pruned"]
    good = sorted(values.values())[: max(1, round(0.05 * len(values)))][-1]
    return Outcome(
        true_bpb=values[verdict.winner.number],
        drawn_bpb=min(values.values()),
        said_bpb=verdict.bpb,
        minutes=record.seconds_used / 60,
        num_pruned=len(pruned),
        num_pruned_good=sum(values[run.number] <= good for run in pruned),
        minutes_saved=sum(BUDGET_S - run.seconds("train") for run in pruned) / 60,
        cpu_s=cpu_s,
    )


def _true_values(truth: Truth, runs: tuple[TrialRecord, ...]) -> tuple[list[int], list[float]]:
    return [run.number for run in runs], truth.value([run.params for run in runs]).tolist()
