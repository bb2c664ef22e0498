"""What a person reads while a study runs: the words, and a plain line a trial where there is no terminal."""

import contextlib
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from rich.console import Console

from bardtune.data.paths import shown
from bardtune.studies.analysis.phrases import counts_text
from bardtune.studies.records import StudyRecord, TrialRecord


class View(Protocol):
    """Shows a person what happens in a study; a method is called for each thing that does."""

    def study_began(self, record: StudyRecord) -> None: ...

    def run_began(self, run_id: str, record: StudyRecord) -> None: ...

    def placed(self, run_id: str, node: int) -> None: ...

    def heartbeat(self, run_id: str, elapsed_s: float, step: int | None, doing: str | None = None) -> None: ...

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None: ...

    def run_ended(self, run_id: str, record: StudyRecord) -> None: ...

    def tick(self, seconds_used: float) -> None: ...

    def said(self, text: str) -> None: ...

    def interrupting(self) -> None: ...

    def close(self) -> None: ...


class SafeView:
    """Passes every call on to a view, whose failures to write cost a line and not the study."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __getattr__(self, name: str) -> Callable[..., None]:
        method = getattr(self.view, name)

        def call(*arguments: Any) -> None:
            with contextlib.suppress(OSError):
                method(*arguments)

        return call


def safe_view(view: View) -> View:
    """The view for a study that is to go on when its terminal is gone or the disk of its log is full."""
    return cast(View, SafeView(view))


def value_text(value: Any) -> str:
    """A setting as people write it: 64, 0.0043, rope."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def params_text(params: dict[str, Any]) -> str:
    return " ".join(f"{name}={value_text(value)}" for name, value in params.items())


def run_line(run: TrialRecord) -> str:
    """One line about a run that has ended."""
    if run.script is not None:
        return script_line(run)
    bpb = f"{run.last_bpb:.4f} bpb" if run.last_bpb is not None else "no bpb"
    where = f" at {run.curve[-1][0]} %" if run.ending == "pruned" and run.curve else ""
    starved = "  (starved: the machine was busy)" if run.stats.starved else ""
    node = f"  node {run.stats.node}" if run.stats.node else ""
    why = f"  {run.reason}" if run.reason and run.ending in ("crashed", "diverged") else ""
    head = f"{run.label:<14} {(run.ending or run.state) + where:<14} {bpb:<11} {run.seconds('train'):6.1f} s"
    what = f"trial {run.candidate} again" if run.candidate is not None else params_text(run.params)
    return f"{head}  {what}{why}{starved}{node}".rstrip()


def script_line(run: TrialRecord) -> str:
    """One line about a user's script: its bpb with how far it can be trusted, or why there is none."""
    assert run.script is not None
    what = f"{run.label}: {run.ending or run.state}"
    if run.val_bpb is not None:
        note = f"; {run.reason}" if run.reason else ""
        what += f", {run.val_bpb:.6f} bpb ({run.trust}{note})"
    elif run.reason:
        what += f": {run.reason}"
    if (steps := run.stats.steps) is not None:
        what += f", {steps:,} steps"
    if run.stats.over_budget:
        what += ", over budget"
    return f"{what}; {run.seconds('train'):.1f} s of training  {Path(run.script['path']).name}"


def new_best_line(record: StudyRecord, run: TrialRecord) -> str | None:
    """What to say when a search trial that has just ended is the best so far; None if it is not."""
    if record.best is None or run.role != "search" or record.best.number != run.number or run.val_bpb is None:
        return None
    others = [trial for trial in record.search_runs if trial.val_bpb is not None and trial.number != run.number]
    if not others:
        return f"first result: {run.label}, {run.val_bpb:.4f} bpb"
    before = min(others, key=lambda trial: (trial.val_bpb, trial.number))
    assert before.val_bpb is not None
    lower = before.val_bpb - run.val_bpb
    return f"new best: {run.label}, {run.val_bpb:.4f} bpb, {lower:.4f} lower than {before.label} (one run each)"


def find_run(record: StudyRecord, run_id: str) -> TrialRecord | None:
    return next((run for run in record.runs if run.run_id == run_id), None)


def corpus_text(record: StudyRecord) -> str:
    """What is trained on; of a text of the user's own also how much was read."""
    corpus = record.corpus
    if not record.has_own_text:
        return str(corpus["name"])
    num_files = corpus.get("files", 1)
    files = f"{num_files} files, " if num_files > 1 else ""
    return f"{corpus['name']} ({files}{corpus['bytes']:,} bytes)"


class LineView:
    """One line a trial, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def say(self, text: str, *, style: str | None = None) -> None:
        """A line; on a terminal that is narrower, its rest indented below it."""
        text = shown(text)
        if self.console.is_terminal:
            text = textwrap.fill(text, max(20, self.console.width - 1), subsequent_indent="    ")
        self.console.print(text, highlight=False, markup=False, soft_wrap=True, style=style)

    def study_began(self, record: StudyRecord) -> None:
        plan = record.plan
        self.say(
            f"study {record.name}: {plan.trials} trials of {plan.seconds:g} s on {corpus_text(record)}, "
            f"{plan.sampler} sampler, {plan.pruner} pruner, {plan.threads} threads, at most {plan.hours:g} h"
        )
        if record.runs:
            best = f", best so far {record.best.val_bpb:.4f} bpb, {record.best.label}" if record.best else ""
            self.say(f"so far: {counts_text(record)}{best}")

    def run_began(self, run_id: str, record: StudyRecord) -> None:
        return

    def placed(self, run_id: str, node: int) -> None:
        return

    def heartbeat(self, run_id: str, elapsed_s: float, step: int | None, doing: str | None = None) -> None:
        return

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None:
        return

    def run_ended(self, run_id: str, record: StudyRecord) -> None:
        run = find_run(record, run_id)
        if run is not None:
            self.say(run_line(run))
            if (line := new_best_line(record, run)) is not None:
                self.say(line, style="green")

    def tick(self, seconds_used: float) -> None:
        return

    def said(self, text: str) -> None:
        self.say(text)

    def interrupting(self) -> None:
        self.say("stopping: the running trial saves its state ...")

    def close(self) -> None:
        return
