"""The timeline with plotly."""

import html
from collections.abc import Iterator

from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, empty_figure, hover
from bardtune.studies.plots.views.timeline import Timeline


def draw(view: Timeline) -> Drawing:
    """One row a run, the first at the top; or rows of the nodes of a cluster, in their colours."""
    rows = list(range(len(view.rows)))
    end = max(bar.end_s for bar in view.bars) / view.unit_s
    drawn = empty_figure(
        {"range": [0, 1.02 * end], "tickformat": "~g"},
        {
            "range": [len(rows) - 0.4, -0.6],
            "tickvals": rows,
            "ticktext": [html.escape(name) for name in view.rows],
            "tickfont": {"size": 11},
            "showgrid": False,
        },
        x_title=f"time since the first run began ({view.unit})",
    )
    drawn.update_layout(barmode="overlay", bargap=0.25)
    for name, colour, spans in _groups(view):
        drawn.add_bar(
            orientation="h",
            y=[view.places[number] for number, _, _ in spans],
            base=[start for _, start, _ in spans],
            x=[length for _, _, length in spans],
            name=name,
            marker={"color": colour, "line": {"width": 1 if view.nodes else 0, "color": theme.PAPER}},
            width=0.76,
            text=[hover(view.bars[number].hover) for number, _, _ in spans],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
        )
    return Drawing(figure=drawn, height=max(240, 110 + 17 * len(rows)))


def _groups(view: Timeline) -> Iterator[tuple[str, str, list[tuple[int, float, float]]]]:
    """Name, colour and (bar, start, length) of what the legend tells apart: nodes, or phases."""
    if view.nodes:
        for node in sorted({bar.node or 0 for bar in view.bars}):
            bars = [(number, bar) for number, bar in enumerate(view.bars) if (bar.node or 0) == node]
            spans = [(n, bar.start_s / view.unit_s, (bar.end_s - bar.start_s) / view.unit_s) for n, bar in bars]
            yield f"node {node}" if node else "elsewhere", theme.node_colour(node), spans
        return
    for phase in view.phases:
        spans = [(row, *span) for row in range(len(view.bars)) for span in _spans(view, row, phase)]
        yield phase, theme.PHASE_COLOURS[phase], spans


def _spans(view: Timeline, row: int, phase: str) -> list[tuple[float, float]]:
    """Start and length of a run's phase on the time axis; none if it has no such phase."""
    start = view.bars[row].start_s
    for name, seconds in view.bars[row].phases:
        if name == phase:
            return [(start / view.unit_s, seconds / view.unit_s)]
        start += seconds
    return []
