"""A shape for several kinds: bpb against one thing at a time, in panels that share the bpb axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bardtune.studies.plots.axes import Axis
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import BaselineLine, BestMark, Dot, dots_notes
from bardtune.studies.plots.view import View

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
class Panels(View):
    """Panels that share the bpb axis."""

    panels: tuple[Panel, ...]  # at least one
    best_mark: BestMark | None
    baseline: BaselineLine | None
    low: float  # of the bpb axis
    high: float

    @property
    def columns(self) -> int:
        return min(COLUMNS, len(self.panels))

    @property
    def rows(self) -> int:
        return math.ceil(len(self.panels) / COLUMNS)


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
