"""Panels, contour and timeline with plotly."""

import html
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from studies.plots import theme
from studies.plots.interactive_base import AXIS, BPB, LAYOUT, TITLE, add_dots, axis_settings, empty_figure, hover
from studies.plots.panels import LONGEST, Panel, Panels
from studies.plots.surface import Contour
from studies.plots.timeline import Timeline
from studies.plots.words import bpb_text, shorten

# panels


def panels_figure(seen: Panels) -> go.Figure:
    """One panel a parameter, or the one of the training speed."""
    drawn = make_subplots(
        rows=seen.rows,
        cols=seen.columns,
        shared_yaxes=True,
        horizontal_spacing=0.035,
        vertical_spacing=0.42 / max(1.4, seen.rows),
    )
    drawn.update_layout(**LAYOUT)
    drawn.update_yaxes(**AXIS, range=[seen.low, seen.high], tickformat="~g", nticks=6)
    for place, panel in enumerate(seen.panels):
        row, column = divmod(place, seen.columns)
        _add_panel(drawn, seen, panel, {"row": row + 1, "col": column + 1}, in_legend=place == 0)
    for row in range(seen.rows):
        drawn.update_yaxes(title={**TITLE, "text": BPB if seen.rows == 1 else "bpb"}, row=row + 1, col=1)
    if seen.crown is not None and len(seen.panels) == 1 and seen.panels[0].best is not None:
        _label_best(drawn, seen, seen.panels[0], seen.panels[0].best)
    return drawn


def _add_panel(drawn: go.Figure, seen: Panels, panel: Panel, spot: dict[str, int], *, in_legend: bool) -> None:
    title = {"font": {"size": 12}, "standoff": 6, "text": html.escape(shorten(panel.title, 44))}
    settings = axis_settings(panel.axis, longest=LONGEST)
    tilt = 30 if panel.is_tilted and len(seen.panels) > 1 else 0
    drawn.update_xaxes(**AXIS, tickangle=tilt, showline=True, title=title, **settings, **spot)
    if seen.baseline is not None:
        line = {"color": theme.BASELINE, "width": 1.3, "dash": "dash"}
        drawn.add_hline(y=seen.baseline.shown, line=line, exclude_empty_subplots=False, **spot)
        if in_legend:  # a line that is drawn as a shape has no name in the legend
            drawn.add_scatter(
                x=[panel.baseline[0]] if panel.baseline else [None],
                y=[seen.baseline.shown],
                mode="lines+markers" if panel.baseline else "lines",
                line=line,
                marker={"symbol": "diamond", "size": 10, "color": theme.BASELINE},
                name=seen.baseline.name,
                hovertemplate=f"<b>baseline</b>, {bpb_text(seen.baseline.bpb)} bpb<extra></extra>",
                **spot,
            )
    add_dots(drawn, panel.axis.positions, panel.dots, seen.crown, best=panel.best, showlegend=in_legend, **spot)


def _label_best(drawn: go.Figure, seen: Panels, panel: Panel, best: int) -> None:
    assert seen.crown is not None
    height = panel.axis.height(panel.axis.positions[best])
    drawn.add_annotation(
        x=panel.axis.positions[best],
        y=panel.dots[best].shown,
        text=f"<b>{seen.crown.text}</b>",
        font={"color": theme.BEST},
        showarrow=False,
        xanchor="left" if height < 0.3 else "right" if height > 0.7 else "center",
        yshift=-18,
    )


# contour


def contour_figure(seen: Contour) -> go.Figure:
    """The surface in the colours of the bpb, under the trials."""
    assert seen.x is not None
    assert seen.y is not None
    drawn = empty_figure(
        {**axis_settings(seen.x), "showgrid": False, "tickangle": 0},
        {**axis_settings(seen.y), "showgrid": False},
        x_title=html.escape(shorten(seen.x.name, 40)),
        y_title=html.escape(shorten(seen.y.name, 40)),
    )
    drawn.update_layout(margin={"r": 130})  # else the colour bar stands under plotly's own buttons
    drawn.add_contour(
        x=seen.grid_x,
        y=seen.grid_y,
        z=seen.bpb,
        zmin=seen.low,
        zmax=seen.high,
        ncontours=12,
        colorscale=[[n / (len(theme.SCALE) - 1), colour] for n, colour in enumerate(theme.SCALE)],
        line={"width": 0.6, "color": theme.PAPER},
        colorbar={"title": {"text": "bpb"}, "thickness": 14, "outlinewidth": 0, "tickformat": ".3f"},
        hoverinfo="skip",
        connectgaps=False,
    )
    for look, name, face in (("pruned", "pruned", theme.PRUNED), ("finished", "finished", theme.PAPER)):
        indices = [n for n, dot in enumerate(seen.dots) if dot.look == look and n != seen.best]
        if indices:
            _add_contour_dots(
                drawn, seen, indices, name, {"color": face, "size": 7 if look == "pruned" else 10, "line": _INK_EDGE}
            )
    if seen.best is not None and seen.crown is not None:
        star = {"color": theme.BEST, "size": 18, "symbol": "star", "line": {"color": theme.PAPER, "width": 1.2}}
        _add_contour_dots(drawn, seen, [seen.best], seen.crown.text, star)
    return drawn


_INK_EDGE = {"color": theme.INK, "width": 1.2}


def _add_contour_dots(drawn: go.Figure, seen: Contour, indices: list[int], name: str, marker: dict[str, Any]) -> None:
    assert seen.x is not None
    assert seen.y is not None
    drawn.add_scatter(
        x=[seen.x.positions[n] for n in indices],
        y=[seen.y.positions[n] for n in indices],
        mode="markers",
        marker={**marker, "opacity": 1},
        name=name,
        text=[hover(seen.dots[n].hover) for n in indices],
        hovertemplate="%{text}<extra></extra>",
    )


# timeline


def timeline_figure(seen: Timeline) -> go.Figure:
    """One row a run, the first at the top."""
    rows = list(range(len(seen.bars)))
    end = max(bar.end_s for bar in seen.bars) / seen.unit_s
    drawn = empty_figure(
        {"range": [0, 1.02 * end], "tickformat": "~g"},
        {
            "range": [len(rows) - 0.4, -0.6],
            "tickvals": rows,
            "ticktext": [html.escape(bar.name) for bar in seen.bars],
            "tickfont": {"size": 11},
            "showgrid": False,
        },
        x_title=f"time since the first run began ({seen.unit})",
    )
    drawn.update_layout(barmode="overlay", bargap=0.25)
    for phase in seen.phases:
        spans = [(row, *span) for row, bar in enumerate(seen.bars) for span in _spans(seen, row, phase)]
        drawn.add_bar(
            orientation="h",
            y=[row for row, _, _ in spans],
            base=[start for _, start, _ in spans],
            x=[length for _, _, length in spans],
            name=phase,
            marker={"color": theme.PHASES[phase], "line": {"width": 0}},
            width=0.76,
            text=[hover(seen.bars[row].hover) for row, _, _ in spans],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
        )
    return drawn


def _spans(seen: Timeline, row: int, phase: str) -> list[tuple[float, float]]:
    """Start and length of a run's phase on the time axis; none if it has no such phase."""
    start = seen.bars[row].start_s
    for name, seconds in seen.bars[row].phases:
        if name == phase:
            return [(start / seen.unit_s, seconds / seen.unit_s)]
        start += seconds
    return []
