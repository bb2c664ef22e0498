"""Panels, contour and timeline with plotly."""

import html
from typing import Any

import plotly.graph_objects as go
from bardtune.studies.plots import theme
from bardtune.studies.plots.interactive_base import (
    AXIS,
    BPB,
    LAYOUT,
    TITLE,
    add_dots,
    axis_settings,
    empty_figure,
    hover,
)
from bardtune.studies.plots.panels import LONGEST, Panel, Panels
from bardtune.studies.plots.surface import Contour
from bardtune.studies.plots.timeline import Timeline
from bardtune.studies.plots.words import bpb_text, shorten
from plotly.subplots import make_subplots

# panels


def panels_figure(view: Panels) -> go.Figure:
    """One panel a parameter, or the one of the training speed."""
    drawn = make_subplots(
        rows=view.rows,
        cols=view.columns,
        shared_yaxes=True,
        horizontal_spacing=0.035,
        vertical_spacing=0.42 / max(1.4, view.rows),
    )
    drawn.update_layout(**LAYOUT)
    drawn.update_yaxes(**AXIS, range=[view.low, view.high], tickformat="~g", nticks=6)
    for place, panel in enumerate(view.panels):
        row, column = divmod(place, view.columns)
        _add_panel(drawn, view, panel, {"row": row + 1, "col": column + 1}, in_legend=place == 0)
    for row in range(view.rows):
        drawn.update_yaxes(title={**TITLE, "text": BPB if view.rows == 1 else "bpb"}, row=row + 1, col=1)
    if view.best_mark is not None and len(view.panels) == 1 and view.panels[0].best is not None:
        _label_best(drawn, view, view.panels[0], view.panels[0].best)
    return drawn


def _add_panel(drawn: go.Figure, view: Panels, panel: Panel, spot: dict[str, int], *, in_legend: bool) -> None:
    title = {"font": {"size": 12}, "standoff": 6, "text": html.escape(shorten(panel.title, 44))}
    settings = axis_settings(panel.axis, longest=LONGEST)
    tilt = 30 if panel.is_tilted and len(view.panels) > 1 else 0
    drawn.update_xaxes(**AXIS, tickangle=tilt, showline=True, title=title, **settings, **spot)
    if view.baseline is not None:
        line = {"color": theme.BASELINE, "width": 1.3, "dash": "dash"}
        drawn.add_hline(y=view.baseline.shown, line=line, exclude_empty_subplots=False, **spot)
        if in_legend:  # a line that is drawn as a shape has no name in the legend
            drawn.add_scatter(
                x=[panel.baseline[0]] if panel.baseline else [None],
                y=[view.baseline.shown],
                mode="lines+markers" if panel.baseline else "lines",
                line=line,
                marker={"symbol": "diamond", "size": 10, "color": theme.BASELINE},
                name=view.baseline.name,
                hovertemplate=f"<b>baseline</b>, {bpb_text(view.baseline.bpb)} bpb<extra></extra>",
                **spot,
            )
    add_dots(drawn, panel.axis.positions, panel.dots, view.best_mark, best=panel.best, showlegend=in_legend, **spot)


def _label_best(drawn: go.Figure, view: Panels, panel: Panel, best: int) -> None:
    assert view.best_mark is not None
    height = panel.axis.height(panel.axis.positions[best])
    drawn.add_annotation(
        x=panel.axis.positions[best],
        y=panel.dots[best].shown,
        text=f"<b>{view.best_mark.text}</b>",
        font={"color": theme.BEST},
        showarrow=False,
        xanchor="left" if height < 0.3 else "right" if height > 0.7 else "center",
        yshift=-18,
    )


# contour


def contour_figure(view: Contour) -> go.Figure:
    """The surface in the colours of the bpb, under the trials."""
    assert view.x is not None
    assert view.y is not None
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
    return drawn


_INK_EDGE = {"color": theme.INK, "width": 1.2}


def _add_contour_dots(drawn: go.Figure, view: Contour, indices: list[int], name: str, marker: dict[str, Any]) -> None:
    assert view.x is not None
    assert view.y is not None
    drawn.add_scatter(
        x=[view.x.positions[n] for n in indices],
        y=[view.y.positions[n] for n in indices],
        mode="markers",
        marker={**marker, "opacity": 1},
        name=name,
        text=[hover(view.dots[n].hover) for n in indices],
        hovertemplate="%{text}<extra></extra>",
    )


# timeline


def timeline_figure(view: Timeline) -> go.Figure:
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
            marker={"color": theme.PHASES[phase], "line": {"width": 0}},
            width=0.76,
            text=[hover(view.bars[row].hover) for row, _, _ in spans],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
        )
    return drawn


def _spans(view: Timeline, row: int, phase: str) -> list[tuple[float, float]]:
    """Start and length of a run's phase on the time axis; none if it has no such phase."""
    start = view.bars[row].start_s
    for name, seconds in view.bars[row].phases:
        if name == phase:
            return [(start / view.unit_s, seconds / view.unit_s)]
        start += seconds
    return []
