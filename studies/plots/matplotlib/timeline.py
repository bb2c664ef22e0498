"""The timeline with matplotlib."""

from matplotlib.figure import Figure

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import LEGEND, framed_sheet
from bardtune.studies.plots.views.timeline import Timeline


def draw(view: Timeline) -> Figure:
    """One row a run, the first at the top."""
    sheet = framed_sheet(view.frame, height=max(3.6, 1.9 + 0.19 * len(view.bars)))
    axes = sheet.add_subplot()
    named: set[str] = set()
    for row, bar in enumerate(view.bars):
        start = bar.start_s
        for phase, seconds in bar.phases:
            label = None if phase in named else phase
            named.add(phase)
            left, width = start / view.unit_s, seconds / view.unit_s
            axes.barh(row, width, left=left, height=0.76, color=theme.PHASE_COLOURS[phase], label=label, zorder=2)
            start += seconds
    names = [bar.name for bar in view.bars]
    axes.set_yticks(range(len(names)), names, fontsize=theme.SMALL_SIZE - 1)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.02 * max(bar.end_s for bar in view.bars) / view.unit_s)
    axes.set_xlabel(f"time since the first run began ({view.unit})")
    axes.grid(axis="x")
    handles, labels = axes.get_legend_handles_labels()
    order = [labels.index(phase) for phase in view.phases]
    axes.legend([handles[n] for n in order], [labels[n] for n in order], ncols=5, **LEGEND)
    return sheet
