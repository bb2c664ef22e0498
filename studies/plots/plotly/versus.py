"""Several studies with plotly."""

import html

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots.plotly.base import Drawing, empty_figure, hover
from bardtune.studies.plots.ticks import round_steps
from bardtune.studies.plots.views.versus import LONGEST_NAME, BestSoFar
from bardtune.studies.plots.words import BPB, shorten


def draw(view: BestSoFar) -> Drawing:
    """A line of steps for each study, and a diamond at the mean of its winner's fresh runs."""
    drawn = empty_figure(
        {"range": [0, view.last + 1], "tickvals": round_steps(1, view.last, most=12, whole=True), "showgrid": False},
        {"range": [view.low, view.high], "tickformat": "~g"},
        x_title="search trials",
        y_title=BPB,
    )
    for line in view.lines:
        name = html.escape(shorten(line.name, LONGEST_NAME))
        steps = [*line.steps, (line.steps[-1][0] + 0.5, line.steps[-1][1])]  # or else the last step has no length
        drawn.add_scatter(
            x=[place for place, _ in steps],
            y=[bpb for _, bpb in steps],
            mode="lines",
            line={"color": line.colour, "width": 2, "shape": "hv"},
            name=name,
            legendgroup=line.name,
            text=[hover([line.name, f"{bpb_text(bpb)} bpb after {int(place)} trials"]) for place, bpb in steps],
            hovertemplate="%{text}<extra></extra>",
        )
        if line.mean is not None:
            spread = f" ± {bpb_text(line.sd)}" if line.sd is not None else ""
            drawn.add_scatter(
                x=[line.steps[-1][0] + 0.5],
                y=[line.mean],
                mode="markers",
                marker={"symbol": "diamond-open", "size": 11, "color": line.colour, "line": {"width": 2}},
                error_y={"type": "data", "array": [line.sd or 0.0], "color": line.colour, "thickness": 1.5},
                name=name,
                legendgroup=line.name,
                showlegend=False,
                text=[hover([line.name, f"fresh runs of its winner: {bpb_text(line.mean)}{spread} bpb"])],
                hovertemplate="%{text}<extra></extra>",
            )
    return Drawing(figure=drawn)
