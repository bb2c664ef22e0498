"""Panels with plotly."""

import html

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots import theme
from bardtune.studies.plots.marks import BestMark
from bardtune.studies.plots.plotly.base import AXIS, LAYOUT, TITLE, Drawing, add_dots, axis_settings
from bardtune.studies.plots.views.panels import LONGEST, Panel, Panels
from bardtune.studies.plots.words import BPB, shorten


def draw(view: Panels) -> Drawing:
    """A grid of panels; a single one has a label at its best trial."""
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
    if view.labelled is not None and view.labelled.best is not None and view.best_mark is not None:
        _label_best(drawn, view.labelled, view.labelled.best, view.best_mark)
    return Drawing(figure=drawn, height=max(380, 70 + 215 * view.rows))


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


def _label_best(drawn: go.Figure, panel: Panel, best: int, best_mark: BestMark) -> None:
    drawn.add_annotation(
        x=panel.axis.positions[best],
        y=panel.dots[best].shown,
        text=f"<b>{best_mark.text}</b>",
        font={"color": theme.BEST},
        showarrow=False,
        xanchor=panel.best_side,
        yshift=-18,
    )
