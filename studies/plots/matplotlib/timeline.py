"""The timeline with matplotlib."""

from matplotlib.figure import Figure

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import LEGEND, framed_sheet
from bardtune.studies.plots.views.timeline import Timeline

MOST_IN_LEGEND = 8  # of more nodes than there are colours the rows tell


def draw(view: Timeline) -> Figure:
    """One row a run, the first at the top; or rows of the nodes of a cluster, in their colours."""
    sheet = framed_sheet(view.frame, height=max(3.6, 1.9 + 0.19 * len(view.rows)))
    axes = sheet.add_subplot()
    named: set[str] = set()
    for row, bar in enumerate(view.bars):
        start = bar.start_s
        node = "elsewhere" if bar.node is None else f"node {bar.node}"
        parts = (
            [(node, bar.end_s - start, theme.node_colour(bar.node or 0))]
            if view.nodes
            else [(phase, seconds, theme.PHASE_COLOURS[phase]) for phase, seconds in bar.phases]
        )
        for name, seconds, colour in parts:
            label = None if name in named else name
            named.add(name)
            left, width = start / view.unit_s, seconds / view.unit_s
            axes.barh(
                view.places[row],
                width,
                left=left,
                height=0.76,
                color=colour,
                label=label,
                zorder=2,
                edgecolor=theme.PAPER,
                linewidth=0.4 if view.nodes else 0.0,
            )
            start += seconds
    names = view.rows
    axes.set_yticks(range(len(names)), names, fontsize=theme.SMALL_SIZE - 1)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.02 * max(bar.end_s for bar in view.bars) / view.unit_s)
    axes.set_xlabel(f"time since the first run began ({view.unit})")
    axes.grid(axis="x")
    handles, labels = axes.get_legend_handles_labels()
    told_apart = view.phases if not view.nodes else sorted(labels, key=lambda name: (len(name), name))
    order = [labels.index(name) for name in told_apart]
    if len(order) <= MOST_IN_LEGEND:
        axes.legend([handles[n] for n in order], [labels[n] for n in order], ncols=5, **LEGEND)
    return sheet
