"""bpb of the trials, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import BaselineLine, BestMark, Dot, Side, dots_notes, look_of, side_of
from bardtune.studies.plots.view import View
from bardtune.studies.records import StudyRecord, TrialRecord

HEADING = "bpb, trial by trial"


@dataclass(frozen=True, kw_only=True, slots=True)
class History(View):
    """bpb of the trials in the order of their numbers."""

    dots: tuple[Dot, ...]  # at least one
    best_so_far: tuple[tuple[int, float], ...]  # (trial number, lowest bpb of the finished ones up to it)
    best: Dot | None  # the winner, or the lowest single value while nothing is confirmed
    best_mark: BestMark | None
    confirmed: tuple[tuple[int, float, float | None], ...]  # (trial number, mean of its fresh runs, their sd)
    baseline: BaselineLine | None
    low: float  # of the bpb axis
    high: float

    @property
    def noise(self) -> tuple[float, float] | None:
        """Two standard deviations between seeds around the winner's mean."""
        return self.best_mark.noise if self.best_mark is not None else None

    @property
    def best_side(self) -> Side:
        """Where along the axis the best trial stands."""
        first, last = self.dots[0].number, self.dots[-1].number
        if self.best is None or last == first:
            return "center"
        return side_of((self.best.number - first) / (last - first), edge=0.2)


def view(data: PlotData) -> View:
    """View of the trials one after the other; what lies far above the others is drawn at the top edge."""
    record, best_mark = data.record, data.best_mark
    ended = [trial for trial in record.search_runs if look_of(trial) != "open"]
    if not ended:
        return data.nothing(HEADING, "No trial has ended yet.")
    dots = data.dots(ended)
    low, high = data.bpb_range.axis
    return History(
        frame=data.frame(HEADING, _notes(data, dots)),
        dots=dots,
        best_so_far=_best_so_far(record.search_runs),
        best=next((dot for dot in dots if best_mark is not None and dot.number == best_mark.trial.number), None),
        best_mark=best_mark,
        confirmed=_confirmed(record),
        baseline=data.baseline_line,
        low=low,
        high=high,
    )


def _notes(data: PlotData, dots: Sequence[Dot]) -> list[str]:
    notes, best = [data.best_note], data.best_mark
    if best is not None and best.noise is not None and best.seed_sd is not None:
        notes.append(f"Pale band: two standard deviations between seeds ({bpb_text(best.seed_sd)} bpb) around it.")
    return notes + dots_notes(dots, data.bpb_range, data.baseline_line)


def _confirmed(record: StudyRecord) -> tuple[tuple[int, float, float | None], ...]:
    return tuple(
        (group.runs[0].candidate, group.mean, group.sd)
        for group in verdict_of(record).candidates
        if group.runs[0].candidate is not None
    )


def _best_so_far(trials: Sequence[TrialRecord]) -> tuple[tuple[int, float], ...]:
    steps: list[tuple[int, float]] = []
    for trial in trials:
        if trial.val_bpb is not None:
            steps.append((trial.number, min([trial.val_bpb, *(bpb for _, bpb in steps[-1:])])))
    return tuple(steps)
