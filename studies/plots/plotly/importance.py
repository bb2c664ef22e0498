"""The importance with plotly."""

import html

from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, empty_figure
from bardtune.studies.plots.views.importance import Bars
from bardtune.studies.plots.words import shorten


def draw(view: Bars) -> Drawing:
    """A bar a parameter, the highest share at the top."""
    shares = view.importance.shares[::-1]  # plotly counts from the bottom
    drawn = empty_figure(
        {"ticksuffix": " %", "range": [0, 112 * max(max(share.mean, share.high) for share in shares)]},
        {"showgrid": False},
        x_title=f"share of the importance<br>{view.importance.summary}",
    )
    names = [html.escape(shorten(share.name, 30)) for share in shares]
    drawn.add_bar(
        orientation="h",
        x=[100 * share.mean for share in shares],
        y=names,
        marker={"color": theme.FINISHED},
        width=0.62,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [100 * max(0.0, share.high - share.mean) for share in shares],
            "arrayminus": [100 * max(0.0, share.mean - share.low) for share in shares],
            "color": theme.INK,
            "thickness": 1.4,
            "width": 5,
        },
        customdata=[[100 * share.low, 100 * share.high] for share in shares],
        hovertemplate="mean %{x:.0f} %, %{customdata[0]:.0f} to %{customdata[1]:.0f} %<extra></extra>",
    )
    for name, share in zip(names, shares, strict=True):
        text, end = f"{100 * share.mean:.0f} %", 100 * max(share.mean, share.high)
        drawn.add_annotation(x=end, y=name, text=text, showarrow=False, xanchor="left", xshift=8)
    return Drawing(figure=drawn, height=110 + 34 * len(shares))
