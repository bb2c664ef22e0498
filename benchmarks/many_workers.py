"""Does the coordinator keep up with many workers at once?

    python -m benchmarks.many_workers --workers 50

One study of 50 runs of 180 s on a virtual clock, all at a time, in a real database: every run says twice a second that
it lives, as a worker does, and measures at each twentieth of its budget. Printed are the events that were handled for
each second of the processor, and the part of a core that the coordinator would have used.
"""

import argparse
import tempfile
import time
from pathlib import Path

import optuna

from bardtune.search.launch.protocol import Ended, Heartbeat, LauncherEvent, Measured, RunOrder, ScoreOrder
from bardtune.search.sampling.space_file import load_space
from bardtune.search.terminal.lines import View
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import Home
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from benchmarks.search.simulator import BUDGET_S, CORPUS, OVERHEAD_S, SilentView, SimulatedCoordinator, VirtualClock

HEARTBEATS_PER_S = 2
REPORTS = 20


class ManyRuns:
    """A ``Launcher`` of runs that take virtual time alone, and speak as often as real ones."""

    def __init__(self, clock: VirtualClock, capacity: int) -> None:
        self.clock, self.capacity = clock, capacity
        self.began: dict[str, float] = {}
        self.told: dict[str, int] = {}  # reports of each run
        self.ready: list[LauncherEvent] = []
        self.num_events = 0

    def start(self, order: RunOrder | ScoreOrder) -> None:
        if isinstance(order, ScoreOrder):
            bpb = bpb_of(order.run_id)
            self.ready.append(Ended(run_id=order.run_id, ending="finished", val_bpb=bpb, test_bpb=bpb))
            return
        self.began[order.run_id], self.told[order.run_id] = self.clock.now, 0

    def events(self, timeout_s: float) -> list[LauncherEvent]:
        found, self.ready = self.ready, []
        if not found:
            self.clock.now += 1 / HEARTBEATS_PER_S
            for run_id in list(self.began):
                found += self._of(run_id)
        self.num_events += len(found)
        return found

    def _of(self, run_id: str) -> list[LauncherEvent]:
        spent_s = self.clock.now - self.began[run_id]
        found: list[LauncherEvent] = [Heartbeat(run_id=run_id, step=int(10 * spent_s), elapsed_s=spent_s)]
        if spent_s >= BUDGET_S * (self.told[run_id] + 1) / REPORTS and self.told[run_id] < REPORTS:
            self.told[run_id] += 1
            percent = 100 * self.told[run_id] // REPORTS
            bpb = bpb_of(run_id) + 0.01 * (100 - percent)
            found.append(
                Measured(
                    run_id=run_id,
                    percent=percent,
                    step=percent,
                    elapsed_s=spent_s,
                    val_bpb=bpb,
                    final=percent == 100,
                )
            )
        if spent_s >= BUDGET_S + OVERHEAD_S:
            del self.began[run_id]
            stats = {"seconds": {"train": BUDGET_S}, "steps": 1}
            found.append(Ended(run_id=run_id, ending="finished", val_bpb=bpb_of(run_id), stats=stats))
        return found

    def stop(self, run_id: str, ending: str) -> None:
        if self.began.pop(run_id, None) is not None:
            self.ready.append(Ended(run_id=run_id, ending=ending, stats={}))  # type: ignore[arg-type]

    def close(self) -> None:
        self.began.clear()


def bpb_of(run_id: str) -> float:
    """Different for each run, and always the same."""
    return 2.0 + (sum(map(ord, run_id)) * 7_919 % 1_000) / 5_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=50, help="[default: 50]")
    parser.add_argument("--trials", type=int, default=50, help="[default: 50]")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    clock, space = VirtualClock(), load_space("seven")
    plan = StudyPlan(trials=args.trials, workers=args.workers)
    new = NewStudy(plan=plan, space=space.source, corpus=CORPUS, fingerprint={})
    launcher = ManyRuns(clock, args.workers)
    view: View = SilentView()  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(f"sqlite:///{folder}/studies.db", create=True)
        with StudyWriter(storage, "many", new=new, clock=clock) as writer:
            began = time.process_time()
            SimulatedCoordinator(writer, space, launcher, view, home=Home(Path(folder)), virtual=clock).run()
            cpu_s = time.process_time() - began
            num_runs = writer.num_runs()
    print(
        f"{num_runs} runs, {args.workers} at a time: {launcher.num_events:,} events in {clock.now:.0f} virtual seconds "
        f"({launcher.num_events / clock.now:.0f} a second), {cpu_s:.1f} s of a core for all of them and the draws: "
        f"{launcher.num_events / cpu_s:,.0f} events for each, {cpu_s / clock.now:.1%} of a core"
    )


if __name__ == "__main__":
    main()
