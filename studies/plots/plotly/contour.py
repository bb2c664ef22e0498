"""The contour with plotly."""

import html
from typing import Any

import plotly.graph_objects as go

from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, axis_settings, empty_figure, hover
from bardtune.studies.plots.views.contour import Contour
from bardtune.studies.plots.words import shorten

_INK_EDGE = {"color": theme.INK, "width": 1.2}


def draw(view: Contour) -> Drawing:
    """The surface in the colours of the bpb, under the trials."""
    drawn = empty_figure(
        {**axis_settings(view.x), "showgrid": False, "tickangle": 0},
        {**axis_settings(view.y), "showgrid": False},
        x_title=html.escape(shorten(view.x.name, 40)),
        y_title=html.escape(shorten(view.y.name, 40)),
    )
    drawn.update_layout(margin={"r": 130})  # else the colour bar stands under plotly's own buttons
    drawn.add_contour(
        x=view.grid_x,
        y=view.grid_y,
        z=view.bpb,
        zmin=view.low,
        zmax=view.high,
        ncontours=12,
        colorscale=[[n / (len(theme.SCALE) - 1), colour] for n, colour in enumerate(theme.SCALE)],
        line={"width": 0.6, "color": theme.PAPER},
        colorbar={"title": {"text": "bpb"}, "thickness": 14, "outlinewidth": 0, "tickformat": ".3f"},
        hoverinfo="skip",
        connectgaps=False,
    )
    for look, name, face in (("pruned", "pruned", theme.PRUNED), ("finished", "finished", theme.PAPER)):
        indices = [n for n, dot in enumerate(view.dots) if dot.look == look and n != view.best]
        if indices:
            _add_contour_dots(
                drawn, view, indices, name, {"color": face, "size": 7 if look == "pruned" else 10, "line": _INK_EDGE}
            )
    if view.best is not None and view.best_mark is not None:
        star = {"color": theme.BEST, "size": 18, "symbol": "star", "line": {"color": theme.PAPER, "width": 1.2}}
        _add_contour_dots(drawn, view, [view.best], view.best_mark.text, star)
    return Drawing(figure=drawn)


def _add_contour_dots(drawn: go.Figure, view: Contour, indices: list[int], name: str, marker: dict[str, Any]) -> None:
    drawn.add_scatter(
        x=[view.x.positions[n] for n in indices],
        y=[view.y.positions[n] for n in indices],
        mode="markers",
        marker={**marker, "opacity": 1},
        name=name,
        text=[hover(view.dots[n].hover) for n in indices],
        hovertemplate="%{text}<extra></extra>",
    )
