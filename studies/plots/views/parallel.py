"""Parallel coordinates: one axis a parameter, then how the trial ended, then its bpb."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bardtune.studies.analysis.comparing import has_bpb
from bardtune.studies.plots.axes import Axis, bpb_axis, parameter_axis
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import BestMark, Look, look_of
from bardtune.studies.plots.view import View
from bardtune.studies.plots.words import hover_lines
from bardtune.studies.records import StudyRecord, TrialRecord

HEADING = "parallel coordinates"
ENDINGS = ("complete", "pruned", "diverged")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One trial, or the baseline."""

    number: int
    run_id: str
    bpb: float
    look: Look
    hover: tuple[str, ...]
    is_baseline: bool = False

    @property
    def is_pruned(self) -> bool:
        """Or diverged: drawn faint, since its bpb is that of a shorter training."""
        return self.look != "finished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallel(View):
    """Lines through axes; every axis has one position for each line."""

    axes: tuple[Axis, ...]  # the parameters in the order of the space, "ended", "bpb"
    lines: tuple[Line, ...]  # by number; at least one; the baseline last
    best: int | None  # index into lines
    best_mark: BestMark | None
    colour_low: float  # bpb of the strongest colour
    colour_high: float  # and of the faintest

    @property
    def baseline(self) -> int | None:
        """Index into lines."""
        return len(self.lines) - 1 if self.lines[-1].is_baseline else None

    def colour_place(self, line: Line) -> float:
        """0 for the strongest colour to 1 for the faintest."""
        place = (line.bpb - self.colour_low) / (self.colour_high - self.colour_low)
        return min(1.0, max(0.0, place))

    def lowest(self, count: int) -> list[int]:
        """Indices of the finished trials with the lowest bpb, and of the best and the baseline."""
        finished = [index for index, line in enumerate(self.lines) if not line.is_pruned and not line.is_baseline]
        top = sorted(finished, key=lambda index: (self.lines[index].bpb, index))[:count]
        marked = [index for index in (self.best, self.baseline) if index is not None]
        return sorted({*top, *marked})


def view(data: PlotData) -> View:
    """View of all search trials that have a bpb, and of the baseline where it can be placed."""
    record = data.record
    trials = [trial for trial in record.search_runs if has_bpb(trial)]
    if not trials:
        return data.nothing(HEADING, "No trial has reported a bpb yet.")
    finished = [trial.val_bpb for trial in trials if trial.val_bpb is not None]
    bpbs = [float(trial.last_bpb or 0.0) for trial in trials]
    colour_low, colour_high = np.quantile(finished or bpbs, [0.05, 0.9]).tolist()
    runs = [*trials, *_placed_baseline(record)]
    drawn = [run.params for run in runs]
    return Parallel(
        frame=data.frame(HEADING, _notes(data, trials)),
        axes=(
            *(parameter_axis(parameter, drawn) for parameter in record.parameters),
            _ended_axis(runs),
            bpb_axis([float(run.last_bpb or 0.0) for run in runs], finished),
        ),
        lines=tuple(map(_line, runs)),
        best=data.place_of_best(trials),
        best_mark=data.best_mark,
        colour_low=colour_low,
        colour_high=max(colour_high, colour_low + 0.005),
    )


def _placed_baseline(record: StudyRecord) -> list[TrialRecord]:
    """The baseline with the searched settings as its parameters; nothing if it lacks one of them."""
    if record.baseline is None:
        return []
    settings = record.baseline.settings
    names = [parameter.name for parameter in record.parameters]
    if not names or any(name not in settings for name in names):
        return []
    return [replace(record.baseline, params={name: settings[name] for name in names})]


def _notes(data: PlotData, trials: Sequence[TrialRecord]) -> list[str]:
    notes = [data.best_note]
    if any(trial.val_bpb is None for trial in trials):
        notes.append("Faint lines: pruned or diverged, at their last bpb.")
    if _placed_baseline(data.record):
        notes.append("Purple: the baseline's settings.")
    if left_out := len(data.record.search_runs) - len(trials):
        notes.append(f"{left_out} without a bpb left out.")
    return notes


def _line(run: TrialRecord) -> Line:
    return Line(
        number=run.number,
        run_id=run.run_id,
        bpb=float(run.last_bpb or 0.0),
        look=look_of(run),
        hover=hover_lines(run),
        is_baseline=run.role == "baseline",
    )


def _ended_axis(runs: Sequence[TrialRecord]) -> Axis:
    how = ["diverged" if run.ending == "diverged" else run.state for run in runs]
    present = [ending for ending in ENDINGS if ending in how]
    places = tuple(float(present.index(ending)) for ending in how)
    ticks = tuple((float(index), ending) for index, ending in enumerate(present))
    return Axis(name="ended", positions=places, texts=tuple(how), ticks=ticks, low=-0.5, high=len(present) - 0.5)
