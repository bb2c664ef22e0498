"""Learning curves with plotly."""

import html
from typing import Any

import plotly.graph_objects as go

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, empty_figure
from bardtune.studies.plots.views.curves import Curve, Curves
from bardtune.studies.plots.words import BPB


def draw(view: Curves) -> Drawing:
    """A line a trial, the best on top."""
    drawn = empty_figure(
        {"range": [0, 101], "ticksuffix": " %", "showgrid": False},
        {"range": [view.low, view.high], "tickformat": "~g"},
        x_title=f"percent of the budget ({view.seconds:g} s)",
        y_title=BPB,
    )
    for look, name, line in (
        ("pruned", "pruned", {"color": theme.PRUNED, "width": 1.2}),
        ("lost", "diverged, crashed or cut off", {"color": theme.LOST, "width": 1.2}),
        ("open", "not yet over", {"color": theme.PRUNED, "width": 1.2, "dash": "dot"}),
        ("finished", "finished", {"color": theme.FINISHED, "width": 1.4}),
    ):
        group = [curve for curve in view.curves if curve.look == look]
        for index, curve in enumerate(group):
            _add_curve(drawn, curve, name, line, in_legend=index == 0)
    if view.baseline is not None:
        name = f"baseline {bpb_text(view.baseline.points[-1][1])}"
        _add_curve(drawn, view.baseline, name, {"color": theme.BASELINE, "width": 2, "dash": "dash"})
    if view.best is not None:
        _add_curve(drawn, view.best, view.best_name, {"color": theme.BEST, "width": 3})
    return Drawing(figure=drawn)


def _add_curve(drawn: go.Figure, curve: Curve, name: str, line: dict[str, Any], *, in_legend: bool = True) -> None:
    """One line; where a trial stopped early it ends with a mark."""
    stopped = curve.look in ("pruned", "lost")
    sizes = [0] * (len(curve.points) - 1) + [7 if stopped else 0]
    head, *rest = map(html.escape, curve.hover)
    drawn.add_scatter(
        x=[percent for percent, _ in curve.points],
        y=[bpb for _, bpb in curve.points],
        mode="lines+markers" if stopped or len(curve.points) == 1 else "lines",
        line=line,
        marker={
            "size": sizes if len(curve.points) > 1 else 7,
            "symbol": "x" if curve.look == "lost" else "circle",
        },
        opacity=0.75 if curve.look == "finished" and line["width"] < 2 else 1,
        name=name,
        legendgroup=name,
        showlegend=in_legend,
        hovertemplate="<br>".join([f"<b>{head}</b>, %{{x}}: %{{y:.4f}} bpb", *rest]) + "<extra></extra>",
    )
