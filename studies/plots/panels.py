"""bpb against one thing at a time: each parameter (slice), and training speed (throughput)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bardtune.studies.plots.axes import Axis, parameter_axis
from bardtune.studies.plots.marks import (
    BaselineLine,
    BestMark,
    Dot,
    baseline_line_of,
    best_mark_of,
    dot_of,
    dots_note,
    look_of,
    range_of,
)
from bardtune.studies.plots.words import Frame, frame_of
from bardtune.studies.records import Parameter, StudyRecord, TrialRecord

COLUMNS = 3
LONGEST = 12  # letters of one tick label
MOST_LETTERS = 26  # of tick labels side by side; more of them are tilted


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Dots along one axis."""

    axis: Axis  # has one position for each dot
    title: str  # with the unit, if there is one
    dots: tuple[Dot, ...]
    best: int | None = None  # index into dots
    baseline: tuple[float, float] | None = None  # (position, where its line is)

    @property
    def is_tilted(self) -> bool:
        """Whether its tick labels need more room than there is side by side."""
        return sum(min(len(text), LONGEST) for _, text in self.axis.ticks) > MOST_LETTERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Panels:
    """Panels that share the bpb axis."""

    frame: Frame
    panels: tuple[Panel, ...] = ()
    best_mark: BestMark | None = None
    baseline: BaselineLine | None = None
    low: float = 0.0  # of the bpb axis
    high: float = 1.0

    @property
    def columns(self) -> int:
        return min(COLUMNS, len(self.panels))

    @property
    def rows(self) -> int:
        return math.ceil(len(self.panels) / COLUMNS)


def slices(record: StudyRecord) -> Panels:
    """View of bpb against each parameter."""
    trials = _with_dots(record)
    if not trials:
        return Panels(frame=frame_of(record, "slice", sentence="No trial has reported a bpb yet."))
    if not record.parameters:
        return Panels(frame=frame_of(record, "slice", sentence="This study searched no parameter."))
    panels = [_slice(record, parameter, trials) for parameter in record.parameters]
    return _panels(record, "slice", panels)


def throughput(record: StudyRecord) -> Panels:
    """View of bpb against bytes trained on per second."""
    trials = [trial for trial in _with_dots(record) if _speed(trial) > 0]
    if not trials:
        sentence = "No trial with a bpb has said how many bytes per second it trained on."
        return Panels(frame=frame_of(record, "throughput", sentence=sentence))
    runs = [*trials, *([record.baseline] if record.baseline and _speed(record.baseline) > 0 else [])]
    drawn = [{"speed": _speed(run)} for run in runs]
    speeds = [values["speed"] for values in drawn]
    log = max(speeds) > 8 * min(speeds)
    step = 2 * 10.0 ** (math.floor(math.log10(max(speeds))) - 1)
    end = None if log else step * math.ceil(max(speeds) / step)
    parameter = Parameter(name="speed", log=log, low=None if log else 0.0, high=end)
    axis = _thinner(parameter_axis(parameter, drawn), gap=0.09)
    axis = replace(axis, positions=axis.positions[: len(trials)], texts=axis.texts[: len(trials)])
    scale, best_mark = range_of(record), best_mark_of(record)
    dots = tuple(dot_of(trial, scale) for trial in trials)
    line, mark = baseline_line_of(record, scale), None
    if len(runs) > len(trials) and line is not None:
        mark = (math.log10(speeds[-1]) if parameter.log else speeds[-1], line.shown)
    title = "training speed (thousand bytes per second)"
    panel = Panel(axis=axis, title=title, dots=dots, best=_index(trials, best_mark), baseline=mark)
    return _panels(record, "throughput", [panel])


def _with_dots(record: StudyRecord) -> list[TrialRecord]:
    return [
        trial for trial in record.search_runs if look_of(trial) in ("finished", "pruned") and trial.last_bpb is not None
    ]


def _speed(run: TrialRecord) -> float:
    """Thousand bytes per second; 0 if unknown."""
    return (run.stats.bytes_per_s or 0) / 1000


def _index(trials: Sequence[TrialRecord], best_mark: BestMark | None) -> int | None:
    numbers = [trial.number for trial in trials]
    return numbers.index(best_mark.trial.number) if best_mark and best_mark.trial.number in numbers else None


def _slice(record: StudyRecord, parameter: Parameter, trials: Sequence[TrialRecord]) -> Panel:
    scale = range_of(record)
    axis = parameter_axis(parameter, [trial.params for trial in trials])
    return Panel(
        axis=_thinner(axis, gap=0.19, keep=parameter.choices is not None),
        title=parameter.name,
        dots=tuple(dot_of(trial, scale) for trial in trials),
        best=_index(trials, best_mark_of(record)),
    )


def _thinner(axis: Axis, *, gap: float, keep: bool = False) -> Axis:
    """The axis lying down: with room beyond its ends for dots, and ticks that are not too close side by side.

    Args:
        gap: least distance between ticks, as a part of the axis; both ends are kept.
        keep: all ticks.
    """
    least = gap * (axis.high - axis.low)
    kept = list(axis.ticks[:1])
    for tick in axis.ticks[1:-1]:
        if keep or (tick[0] - kept[-1][0] >= least and axis.ticks[-1][0] - tick[0] >= least):
            kept.append(tick)
    kept += axis.ticks[-1:] if len(axis.ticks) > 1 else []
    room = 0.06 * (axis.high - axis.low)
    return replace(axis, ticks=tuple(kept), low=axis.low - room, high=axis.high + room)


def _panels(record: StudyRecord, kind: str, panels: Sequence[Panel]) -> Panels:
    scale, best_mark = range_of(record), best_mark_of(record)
    line, (low, high) = baseline_line_of(record, scale), scale.axis
    notes = [best_mark.note if best_mark else "No trial has finished yet.", *dots_note(panels[0].dots, scale, line)]
    if kind == "slice":
        notes.append("Dots of one column differ in all other parameters too.")
    return Panels(
        frame=frame_of(record, kind, note=" ".join(notes)),
        panels=tuple(panels),
        best_mark=best_mark,
        baseline=line,
        low=low,
        high=high,
    )
