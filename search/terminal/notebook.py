"""What a study shows in a notebook: a line for each run that has ended, and above them bars that move."""

import html
import sys
import time
from typing import Any

from rich.console import Console

from bardtune.search.terminal.lines import LineView, params_text
from bardtune.search.terminal.live import RunningRow, RunningRows
from bardtune.studies.analysis.phrases import bpb_text, duration_text
from bardtune.studies.records import StudyRecord

SECONDS_BETWEEN_PICTURES = 1.0
_ROW = "display:flex;gap:1em;align-items:center;font-family:monospace;white-space:nowrap"


class NotebookView(RunningRows, LineView):
    """Plain lines that are not red, as standard error is there, and one output of bars that is drawn again and again.

    Args:
        display: IPython's ``display``, which gives a handle to what it shows.
    """

    def __init__(self, display: Any) -> None:
        super().__init__(Console(file=sys.stdout, force_jupyter=False, force_terminal=False, no_color=True))
        self.display, self.handle = display, None
        self.record: StudyRecord | None = None
        self.running: dict[str, RunningRow] = {}
        self.seconds_used, self.drawn_at = 0.0, 0.0

    def study_began(self, record: StudyRecord) -> None:
        super().study_began(record)
        self.record, self.seconds_used = record, record.seconds_used
        self.handle = self.display(_Html(self.picture()), display_id=True)

    def run_ended(self, run_id: str, record: StudyRecord) -> None:
        self.running.pop(run_id, None)
        self.record = record
        super().run_ended(run_id, record)

    def tick(self, seconds_used: float) -> None:
        self.seconds_used = seconds_used
        if time.monotonic() - self.drawn_at > SECONDS_BETWEEN_PICTURES:
            self._draw()

    def close(self) -> None:
        self.running.clear()
        self._draw()

    def picture(self) -> str:
        """The study's bar, and one for each run in progress."""
        assert self.record is not None
        counts, plan = self.record.counts(), self.record.plan
        ended = counts["total"] - counts["running"] - counts["interrupted"]
        best = self.record.best
        known = f"best so far {bpb_text(best.val_bpb)} bpb, {best.label}" if best else "no trial has finished yet"
        used = f"{duration_text(self.seconds_used)} used, {known}"
        rows = [_row(f"{ended} of {plan.trials} runs", ended, plan.trials, used)]
        for row in self.running.values():
            label = row.label if row.node is None else f"{row.label}, node {row.node}"
            clock = row.doing or f"{row.elapsed_s:.0f} of {plan.seconds:g} s"
            bpb = f", {bpb_text(row.val_bpb)} bpb at {row.percent} %" if row.val_bpb is not None else ""
            params = f", {params_text(row.params)}" if row.params else ""
            rows.append(_row(label, min(row.elapsed_s, plan.seconds), plan.seconds, f"{clock}{bpb}{params}"))
        return "".join(rows)

    def _draw(self) -> None:
        self.drawn_at = time.monotonic()
        if self.handle is not None and self.record is not None:
            self.handle.update(_Html(self.picture()))


class _Html:
    """What a notebook shows as HTML, and a program that reads it as text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return "the progress of a study"


def _row(label: str, value: float, most: float, text: str) -> str:
    bar = f'<progress value="{value:g}" max="{most:g}" style="width:16em"></progress>'
    return f'<div style="{_ROW}"><b>{html.escape(label)}</b>{bar}<span>{html.escape(text)}</span></div>'
