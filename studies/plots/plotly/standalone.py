"""A picture as one plotly figure with its title in it, for notebooks: there is no page around it."""

import html

import plotly.graph_objects as go

from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, empty_figure
from bardtune.studies.plots.plotly.page import drawing_of
from bardtune.studies.plots.view import View

HEAD = 90  # pixels of title and subtitle, and of a legend that takes a second line
USUAL_WIDTH = 700  # pixels that a notebook has in any case


def standalone_figure(view: View) -> go.Figure:
    """The figure of a view; where there is nothing to draw, one that says so in a sentence."""
    frame = view.frame
    drawing = drawing_of(view) if frame.sentence is None else Drawing(figure=_saying(frame.sentence))
    drawn = drawing.figure
    drawn.update_layout(
        title={
            "text": html.escape(frame.title),
            "subtitle": {"text": html.escape(frame.subtitle), "font": {"size": 12, "color": theme.MUTED}},
            "font": {"size": 18},
            "x": 0,
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 20, "t": 16},
        },
        margin_t=drawn.layout.margin.t + HEAD,
        height=drawing.height + HEAD,
    )
    if drawing.width > USUAL_WIDTH:
        drawn.update_layout(width=drawing.width)
    return drawn


def _saying(sentence: str) -> go.Figure:
    drawn = empty_figure({"visible": False}, {"visible": False})
    drawn.add_annotation(
        text=html.escape(sentence), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15}
    )
    return drawn
