"""What ``bardtune watch`` shows: a study that another process runs, as the database tells it. Reads only."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bardtune.search.commands.shared import print_summary, quiet_libraries, storage_url
from bardtune.search.engine.session import exit_code
from bardtune.search.terminal.lines import LineView, View
from bardtune.search.terminal.live import LiveView, screen
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study

READ_EVERY_S = 2.0  # a reading costs 30 ms of a core, and the cores are busy
DRAW_EVERY_S = 0.5


def watch_command(name: str, storage: str | None) -> int:
    """Tell what happens in a study until it ends; the exit code is the one that its own process gives, or 130."""
    quiet_libraries()
    opened = ReadOnlyStorage(storage_url(storage))
    console = screen()
    view = LiveView(console, is_guest=True) if console.is_terminal else LineView(console)
    try:
        record = Watcher(lambda: read_study(opened, name), view).follow()
    except KeyboardInterrupt:
        print(f"bardtune: no longer watching; the study {name} goes on", file=sys.stderr)
        return 130
    if record.state == "interrupted":
        print(f"bardtune: nobody is running the study {name}", file=sys.stderr)
    print_summary(record, storage)
    return exit_code(record)


@dataclass(slots=True)
class Seen:
    """How far a running trial was when it was last heard of."""

    num_points: int
    elapsed_s: float  # of the budget
    at: float  # on the watcher's clock


class Watcher:
    """Finds out what has happened between two readings and tells a view.

    The database knows where on the budget a trial has reported, not where it is now: between reports its clock is
    estimated, and how many steps it has made is not known.

    Args:
        read: reads the study.
        view: is told.
        now: seconds on some steady clock.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        read: Callable[[], StudyRecord],
        view: View,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.read, self.view, self.now, self.sleep = read, view, now, sleep
        self.reported: set[str] = set()  # runs whose end needs no more telling
        self.open: dict[str, Seen] = {}

    def follow(self) -> StudyRecord:
        """Watch until nobody runs the study any more; return how it stands then."""
        record = self.read()
        if record.state != "running":
            return record
        self.reported = {run.run_id for run in record.runs if run.state != "running"}
        self.view.study_began(record)
        try:
            while record.state == "running":
                self._tell(record)
                self._wait(record)
                record = self.read()
            self._tell(record)
        finally:
            self.view.close()
        return record

    def _tell(self, record: StudyRecord) -> None:
        for run in sorted(record.runs, key=_when):
            if run.state == "running":
                self.reported.discard(run.run_id)
                self._go_on(run, record)
            elif run.run_id not in self.reported:
                if run.run_id not in self.open:
                    self.view.run_began(run.run_id, record)
                self.open.pop(run.run_id, None)
                self.reported.add(run.run_id)
                self.view.run_ended(run.run_id, record)

    def _go_on(self, run: TrialRecord, record: StudyRecord) -> None:
        """A running trial: its beginning, and what it has reported since."""
        seen = self.open.get(run.run_id)
        if seen is None:
            self.view.run_began(run.run_id, record)
            seen = self.open[run.run_id] = Seen(0, self._since_start(run, record), self.now())
        if run.stats.node is not None:
            self.view.placed(run.run_id, run.stats.node)
        if len(run.curve) > seen.num_points:
            percent, bpb = run.curve[-1]
            self.view.measured(run.run_id, percent, bpb)
            self.open[run.run_id] = Seen(len(run.curve), record.plan.seconds * percent / 100, self.now())

    def _since_start(self, run: TrialRecord, record: StudyRecord) -> float:
        """Seconds since the trial began, at most its budget; building the model is in it, which is not charged."""
        if run.started is None:
            return 0.0
        since_s = (datetime.now(run.started.tzinfo) - run.started).total_seconds()
        return min(max(0.0, since_s), record.plan.seconds)

    def _wait(self, record: StudyRecord) -> None:
        """Until the next reading, let the estimated clocks go on."""
        began = self.now()
        while (waited := self.now() - began) < READ_EVERY_S:
            for run_id, seen in self.open.items():
                elapsed_s = min(seen.elapsed_s + self.now() - seen.at, record.plan.seconds)
                self.view.heartbeat(run_id, elapsed_s, None)
            self.view.tick(record.seconds_used + waited)
            self.sleep(DRAW_EVERY_S)


def _when(run: TrialRecord) -> str:
    """Sorts runs by when they ended, those that have not last."""
    return "~" if run.ended is None else run.ended.isoformat()
