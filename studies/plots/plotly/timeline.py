"""The timeline with plotly."""

import html

from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, empty_figure, hover
from bardtune.studies.plots.views.timeline import Timeline


def draw(view: Timeline) -> Drawing:
    """One row a run, the first at the top."""
    rows = list(range(len(view.bars)))
    end = max(bar.end_s for bar in view.bars) / view.unit_s
    drawn = empty_figure(
        {"range": [0, 1.02 * end], "tickformat": "~g"},
        {
            "range": [len(rows) - 0.4, -0.6],
            "tickvals": rows,
            "ticktext": [html.escape(bar.name) for bar in view.bars],
            "tickfont": {"size": 11},
            "showgrid": False,
        },
        x_title=f"time since the first run began ({view.unit})",
    )
    drawn.update_layout(barmode="overlay", bargap=0.25)
    for phase in view.phases:
        spans = [(row, *span) for row, bar in enumerate(view.bars) for span in _spans(view, row, phase)]
        drawn.add_bar(
            orientation="h",
            y=[row for row, _, _ in spans],
            base=[start for _, start, _ in spans],
            x=[length for _, _, length in spans],
            name=phase,
            marker={"color": theme.PHASE_COLOURS[phase], "line": {"width": 0}},
            width=0.76,
            text=[hover(view.bars[row].hover) for row, _, _ in spans],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
        )
    return Drawing(figure=drawn, height=max(240, 110 + 17 * len(rows)))


def _spans(view: Timeline, row: int, phase: str) -> list[tuple[float, float]]:
    """Start and length of a run's phase on the time axis; none if it has no such phase."""
    start = view.bars[row].start_s
    for name, seconds in view.bars[row].phases:
        if name == phase:
            return [(start / view.unit_s, seconds / view.unit_s)]
        start += seconds
    return []
