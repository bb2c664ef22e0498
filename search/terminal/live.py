"""The picture on a terminal while a study runs; it fits terminals from 60 columns on."""

import sys
import time
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bardtune.search.terminal.lines import LineView, View, find_run, params_text
from bardtune.studies.analysis.phrases import counts_text, duration_text
from bardtune.studies.records import StudyRecord

NARROW, WIDE = 76, 104  # columns; below and from here less or more is said about a running trial
SECONDS_BETWEEN_PICTURES = 0.2


def screen() -> Console:
    """Standard error, as a terminal only if it is one: CI systems ask for colours (FORCE_COLOR) where there is none."""
    return Console(stderr=True, force_terminal=sys.stderr.isatty())


def make_view(console: Console) -> View:
    """The live view if ``console`` is a terminal, else plain lines."""
    return LiveView(console) if console.is_terminal else LineView(console)


@dataclass(slots=True)
class RunningRow:
    """What the live view knows of a run in progress."""

    label: str
    params: dict[str, Any]
    elapsed_s: float = 0.0
    step: int | None = None  # None: not known
    percent: int = 0
    val_bpb: float | None = None
    doing: str | None = None  # where that is not training
    node: int | None = None  # of a cluster


class RunningRows:
    """What a view that draws keeps of the runs in progress."""

    record: StudyRecord | None
    running: dict[str, RunningRow]

    def run_began(self, run_id: str, record: StudyRecord) -> None:
        self.record = record
        if (run := find_run(record, run_id)) is not None:
            self.running[run_id] = RunningRow(run.label, run.params, node=run.stats.node)

    def placed(self, run_id: str, node: int) -> None:
        self.running[run_id].node = node

    def heartbeat(self, run_id: str, elapsed_s: float, step: int | None, doing: str | None = None) -> None:
        row = self.running[run_id]
        row.elapsed_s, row.step, row.doing = elapsed_s, step, doing

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None:
        row = self.running[run_id]
        row.percent, row.val_bpb = percent, val_bpb


@dataclass(slots=True)
class LiveView(RunningRows):
    """A picture that is redrawn a few times a second, with ended trials scrolling above it.

    Args:
        console: a terminal.
        is_guest: another process runs the study: its clocks are estimates, and Ctrl-C does not stop it.
    """

    console: Console
    is_guest: bool = False
    record: StudyRecord | None = None
    running: dict[str, RunningRow] = field(default_factory=dict)
    seconds_used: float = 0.0
    live: Live | None = None
    drawn_at: float = 0.0

    def study_began(self, record: StudyRecord) -> None:
        LineView(self.console).study_began(record)
        self.record, self.seconds_used = record, record.seconds_used
        self.live = Live(self.picture(), console=self.console, auto_refresh=False, transient=True)
        self.live.start(refresh=True)

    def run_ended(self, run_id: str, record: StudyRecord) -> None:
        self.running.pop(run_id, None)
        self.record = record
        LineView(self.console).run_ended(run_id, record)

    def tick(self, seconds_used: float) -> None:
        self.seconds_used = seconds_used
        if self.live is not None and time.monotonic() - self.drawn_at > SECONDS_BETWEEN_PICTURES:
            self.drawn_at = time.monotonic()
            self.live.update(self.picture(), refresh=True)

    def said(self, text: str) -> None:
        LineView(self.console).said(text)

    def interrupting(self) -> None:
        LineView(self.console).interrupting()

    def close(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def picture(self) -> Group:
        """The running trials, the best so far, the counts and the time left; no line is wider than the terminal."""
        assert self.record is not None
        rows = Table.grid(padding=(0, 2))
        for _ in range(4):
            rows.add_column(no_wrap=True, overflow="ellipsis")
        for row in self.running.values():
            rows.add_row(*self._cells(row))
        params = [
            Padding(Text(params_text(row.params), style="dim"), (0, 0, 0, 2))
            for row in self.running.values()
            if row.params
        ]
        return Group(Text(""), rows, *params, *self._best_lines(), *self._status_lines())

    def _cells(self, row: RunningRow) -> list[RenderableType]:
        """Label, bar, clock and bpb of a running trial; a narrow terminal gets no bar, a wide one the steps too."""
        assert self.record is not None
        budget_s, width = self.record.plan.seconds, self.console.width
        bpb = f"{row.val_bpb:.4f} bpb at {row.percent} %" if row.val_bpb is not None else "no bpb yet"
        clock = f"{'about ' if self.is_guest else ''}{row.elapsed_s:.0f} of {budget_s:g} s"
        label = row.label if row.node is None else f"{row.label}, node {row.node}"
        cells: list[RenderableType] = [Text(label, style="bold")]
        if width >= NARROW:
            bar_width = min(40, 10 + max(0, width - NARROW) // 2)
            cells.append(ProgressBar(total=budget_s, completed=min(row.elapsed_s, budget_s), width=bar_width))
        if row.doing is not None:
            clock = row.doing
        elif width >= WIDE and row.step is not None:
            clock += f", step {row.step}"
        return [*cells, clock, Text(bpb, style="cyan")]

    def _best_lines(self) -> list[Text]:
        assert self.record is not None
        best, baseline = self.record.best, self.record.baseline
        parts = [f"best so far: {best.label}, {best.val_bpb:.4f} bpb" if best else "best so far: none yet"]
        if baseline is not None:
            parts.append(f"baseline {baseline.val_bpb:.4f}")
        return self._fitting(parts, "green")

    def _status_lines(self) -> list[Text]:
        assert self.record is not None
        plan, counts = self.record.plan, self.record.counts()
        begun = counts["total"] - counts["running"] - counts["interrupted"]
        hours_left_s = plan.hours * 3600 - self.seconds_used
        running_s = sum(row.elapsed_s for row in self.running.values())
        at_most_s = ((plan.trials - begun) * plan.seconds * 1.05 - running_s) / plan.workers
        left = f"at most {duration_text(min(hours_left_s, at_most_s))} left"
        keys = "Ctrl-C stops watching, not the study" if self.is_guest else "Ctrl-C saves and stops"
        return self._fitting([counts_text(self.record), left, keys], "dim")

    def _fitting(self, parts: list[str], style: str) -> list[Text]:
        """The parts on as few lines as they fit in, none of them torn if it can be helped."""
        lines = [parts[0]]
        for part in parts[1:]:
            if len(lines[-1]) + 3 + len(part) < self.console.width:
                lines[-1] += f"   {part}"
            else:
                lines.append(part)
        return [Text(line, style=style) for line in lines]
