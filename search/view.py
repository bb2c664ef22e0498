"""What a person sees while a study runs: a live picture on a terminal, a plain line a trial elsewhere."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from studies.records import StudyRecord, TrialRecord


class View(Protocol):
    """Who is told what happens in a study."""

    def study_began(self, record: StudyRecord) -> None: ...

    def run_began(self, run_id: str, record: StudyRecord) -> None: ...

    def beat(self, run_id: str, elapsed_s: float, step: int) -> None: ...

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None: ...

    def run_ended(self, run_id: str, record: StudyRecord) -> None: ...

    def tick(self, seconds_used: float) -> None: ...

    def interrupting(self) -> None: ...

    def close(self) -> None: ...


def make_view(console: Console) -> View:
    """The live view if ``console`` is a terminal, else plain lines."""
    return LiveView(console) if console.is_terminal else LineView(console)


def value_text(value: Any) -> str:
    """A setting as people write it: 64, 0.0043, rope."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def params_text(params: dict[str, Any]) -> str:
    return " ".join(f"{name}={value_text(value)}" for name, value in params.items())


def duration_text(seconds: float) -> str:
    """Seconds as 41 s, 6 min 41 s or 2 h 05 min."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def run_line(run: TrialRecord) -> str:
    """One line about a run that has ended."""
    if run.script is not None:
        return script_line(run)
    bpb = f"{run.last_bpb:.4f} bpb" if run.last_bpb is not None else "no bpb"
    where = f" at {run.curve[-1][0]} %" if run.ending == "pruned" and run.curve else ""
    starved = "  (starved: the machine was busy)" if run.stats.get("starved") else ""
    why = f"  {run.reason}" if run.reason and run.ending in ("crashed", "diverged") else ""
    head = f"{run.label:<14} {(run.ending or run.state) + where:<14} {bpb:<11} {run.seconds('train'):6.1f} s"
    what = f"trial {run.candidate} again" if run.candidate is not None else params_text(run.params)
    return f"{head}  {what}{why}{starved}".rstrip()


def script_line(run: TrialRecord) -> str:
    """One line about a user's script: its bpb with how far it can be trusted, or why there is none."""
    assert run.script is not None
    what = f"{run.label}: {run.ending or run.state}"
    if run.val_bpb is not None:
        what += f", {run.val_bpb:.6f} bpb ({run.script['trust']})"
    elif run.reason:
        what += f": {run.reason}"
    if (steps := run.stats.get("steps")) is not None:
        what += f", {steps:,} steps"
    if run.stats.get("over_budget"):
        what += ", over budget"
    return f"{what}; {run.seconds('train'):.1f} s of training  {Path(run.script['path']).name}"


def counts_text(record: StudyRecord) -> str:
    """How many runs there are and how they ended."""
    counts = record.counts()
    kinds = ("complete", "pruned", "failed", "diverged", "running", "interrupted")
    endings = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind] or kind in kinds[:3])
    return f"{counts['total']} of {counts['planned']} trials ({endings})"


def find_run(record: StudyRecord, run_id: str) -> TrialRecord | None:
    return next((run for run in record.all_runs if run.run_id == run_id), None)


class LineView:
    """One line a trial, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def study_began(self, record: StudyRecord) -> None:
        plan = record.plan
        self.say(
            f"study {record.name}: {plan.trials} trials of {plan.seconds:g} s on {record.corpus['name']}, "
            f"{plan.sampler} sampler, {plan.pruner} pruner, {plan.threads} threads, at most {plan.hours:g} h"
        )

    def run_began(self, run_id: str, record: StudyRecord) -> None:
        return

    def beat(self, run_id: str, elapsed_s: float, step: int) -> None:
        return

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None:
        return

    def run_ended(self, run_id: str, record: StudyRecord) -> None:
        run = find_run(record, run_id)
        if run is not None:
            self.say(run_line(run))

    def tick(self, seconds_used: float) -> None:
        return

    def interrupting(self) -> None:
        self.say("stopping: the running trial saves its state ...")

    def close(self) -> None:
        return


@dataclass(slots=True)
class RunningRow:
    """What the live view knows of a run in progress."""

    label: str
    params: dict[str, Any]
    elapsed_s: float = 0.0
    step: int = 0
    percent: int = 0
    val_bpb: float | None = None


@dataclass(slots=True)
class LiveView:
    """A picture that is redrawn a few times a second, with ended trials scrolling above it."""

    console: Console
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

    def run_began(self, run_id: str, record: StudyRecord) -> None:
        self.record = record
        if (run := find_run(record, run_id)) is not None:
            self.running[run_id] = RunningRow(run.label, run.params)

    def beat(self, run_id: str, elapsed_s: float, step: int) -> None:
        row = self.running[run_id]
        row.elapsed_s, row.step = elapsed_s, step

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None:
        row = self.running[run_id]
        row.percent, row.val_bpb = percent, val_bpb

    def run_ended(self, run_id: str, record: StudyRecord) -> None:
        self.running.pop(run_id, None)
        self.record = record
        LineView(self.console).run_ended(run_id, record)

    def tick(self, seconds_used: float) -> None:
        self.seconds_used = seconds_used
        if self.live is not None and time.monotonic() - self.drawn_at > 0.2:
            self.drawn_at = time.monotonic()
            self.live.update(self.picture(), refresh=True)

    def interrupting(self) -> None:
        LineView(self.console).interrupting()

    def close(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def picture(self) -> Group:
        """The running trials, the best so far, the counts and the time left."""
        assert self.record is not None
        plan = self.record.plan
        rows = Table.grid(padding=(0, 2))
        for row in self.running.values():
            bpb = f"{row.val_bpb:.4f} bpb at {row.percent} %" if row.val_bpb is not None else "no bpb yet"
            clock = f"{row.elapsed_s:.0f} of {plan.seconds:g} s"
            bar = ProgressBar(total=plan.seconds, completed=min(row.elapsed_s, plan.seconds), width=24)
            rows.add_row(Text(row.label, style="bold"), bar, clock, Text(bpb, style="cyan"), f"step {row.step}")
        params = [Text(f"  {params_text(row.params)}", style="dim") for row in self.running.values() if row.params]
        return Group(Text(""), rows, *params, self._best_line(), self._status_line())

    def _best_line(self) -> Text:
        assert self.record is not None
        best, baseline = self.record.best, self.record.baseline
        text = f"best so far: {best.label}, {best.val_bpb:.4f} bpb" if best else "best so far: none yet"
        return Text(text + (f"   baseline {baseline.val_bpb:.4f}" if baseline else ""), style="green")

    def _status_line(self) -> Text:
        assert self.record is not None
        plan, counts = self.record.plan, self.record.counts()
        begun = counts["total"] - counts["running"] - counts["interrupted"]
        hours_left_s = plan.hours * 3600 - self.seconds_used
        running_s = sum(row.elapsed_s for row in self.running.values())
        at_most_s = ((plan.trials - begun) * plan.seconds * 1.05 - running_s) / plan.workers
        left = duration_text(min(hours_left_s, at_most_s))
        return Text(f"{counts_text(self.record)}   at most {left} left   Ctrl-C saves and stops", style="dim")
