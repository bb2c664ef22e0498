"""A shape for several kinds: bpb against one thing at a time, in panels that share the bpb axis."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bardtune.studies.plots.axes import Axis, parameter_axis
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import BaselineLine, BestMark, Dot, Side, dots_notes, side_of
from bardtune.studies.plots.view import View
from bardtune.studies.records import Parameter, TrialRecord

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
    def best_side(self) -> Side:
        """Where along the axis the best trial stands."""
        return "center" if self.best is None else side_of(self.axis.height(self.axis.positions[self.best]), edge=0.3)

    @property
    def is_tilted(self) -> bool:
        """Whether its tick labels need more room than there is side by side."""
        return sum(min(len(text), LONGEST) for _, text in self.axis.ticks) > MOST_LETTERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Panels(View):
    """Panels that share the bpb axis."""

    panels: tuple[Panel, ...]  # at least one
    best_mark: BestMark | None
    baseline: BaselineLine | None
    low: float  # of the bpb axis
    high: float

    @property
    def labelled(self) -> Panel | None:
        """The panel with room for a label at its best trial: the only one."""
        return self.panels[0] if len(self.panels) == 1 and self.panels[0].best is not None else None

    @property
    def columns(self) -> int:
        return min(COLUMNS, len(self.panels))

    @property
    def rows(self) -> int:
        return math.ceil(len(self.panels) / COLUMNS)


def panel_against(data: PlotData, title: str, number: Callable[[TrialRecord], float]) -> Panel | None:
    """bpb against a number of each run; None where no trial that has a bpb has the number.

    Args:
        title: of the panel, with the unit of the number.
        number: of a run; at least 0, which stands for unknown.
    """
    trials = [trial for trial in data.scored_trials if number(trial) > 0]
    if not trials:
        return None
    baseline, baseline_line = data.record.baseline, data.baseline_line
    baselines = [baseline] if baseline is not None and number(baseline) > 0 else []
    axis = _number_axis([number(run) for run in [*trials, *baselines]])
    count = len(trials)
    return Panel(
        axis=replace(axis, positions=axis.positions[:count], texts=axis.texts[:count]),
        title=title,
        dots=data.dots(trials),
        best=data.place_of_best(trials),
        baseline=(axis.positions[count], baseline_line.shown) if baselines and baseline_line else None,
    )


def _number_axis(numbers: Sequence[float]) -> Axis:
    """From 0, or logarithmic where they are far apart."""
    log = max(numbers) > 8 * min(numbers)
    step = 2 * 10.0 ** (math.floor(math.log10(max(numbers))) - 1)
    end = None if log else step * math.ceil(max(numbers) / step)
    parameter = Parameter(name="number", log=log, low=None if log else 0.0, high=end)
    return lying(parameter_axis(parameter, [{"number": number} for number in numbers]), gap=0.09)


def panels_view(data: PlotData, heading: str, panels: Sequence[Panel], *notes: str) -> Panels:
    """View of panels that have the same trials; ``notes`` stand after what their dots do not say themselves."""
    low, high = data.bpb_range.axis
    dots = dots_notes(panels[0].dots, data.bpb_range, data.baseline_line)
    return Panels(
        frame=data.frame(heading, [data.best_note, *dots, *notes]),
        panels=tuple(panels),
        best_mark=data.best_mark,
        baseline=data.baseline_line,
        low=low,
        high=high,
    )


def lying(axis: Axis, *, gap: float, keep: bool = False) -> Axis:
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
