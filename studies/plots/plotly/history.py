"""The history with plotly."""

import plotly.graph_objects as go

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing, add_dots, empty_figure
from bardtune.studies.plots.ticks import round_steps
from bardtune.studies.plots.views.history import History
from bardtune.studies.plots.words import BPB


def draw(view: History) -> Drawing:
    """Dots of the trials over the lowest so far."""
    first, last = view.dots[0].number, view.dots[-1].number
    ticks = round_steps(first, last, most=12, whole=True)
    drawn = empty_figure(
        {"range": [first - 0.8, last + 0.8], "tickvals": ticks, "showgrid": False},
        {"range": [view.low, view.high], "tickformat": "~g"},
        x_title="trial",
        y_title=BPB,
    )
    if view.noise is not None:
        drawn.add_hrect(*view.noise, fillcolor=theme.BEST, opacity=0.13, line_width=0, layer="below")
    if view.best_so_far:
        steps = [*view.best_so_far, (last, view.best_so_far[-1][1])]
        drawn.add_scatter(
            x=[number for number, _ in steps],
            y=[bpb for _, bpb in steps],
            mode="lines",
            line={"color": theme.FINISHED, "width": 2, "shape": "hv"},
            name="lowest so far",
            hoverinfo="skip",
        )
    if view.baseline is not None:
        drawn.add_scatter(
            x=[first - 0.8, last + 0.8],
            y=[view.baseline.shown] * 2,
            mode="lines",
            line={"color": theme.BASELINE, "width": 1.5, "dash": "dash"},
            name=view.baseline.name,
            hoverinfo="skip",
        )
    best = view.dots.index(view.best) if view.best is not None else None
    add_dots(drawn, [dot.number for dot in view.dots], view.dots, view.best_mark, best=best)
    _add_confirmed(drawn, view)
    _mark_history(drawn, view)
    return Drawing(figure=drawn)


def _add_confirmed(drawn: go.Figure, view: History) -> None:
    """Diamonds at the means of fresh runs, above the single values that they put right."""
    if not view.confirmed:
        return
    numbers, means, sds = zip(*view.confirmed, strict=True)
    texts = [f"<b>trial {number}</b>, fresh runs: {_mean_text(mean, sd)} bpb" for number, mean, sd in view.confirmed]
    drawn.add_scatter(
        x=numbers,
        y=means,
        mode="markers",
        name="mean of fresh runs ± sd",
        marker={"symbol": "diamond-open", "size": 11, "color": theme.BEST, "line": {"width": 2, "color": theme.BEST}},
        error_y={"type": "data", "array": [sd or 0.0 for sd in sds], "color": theme.BEST, "thickness": 1.5, "width": 5},
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )


def _mean_text(mean: float, sd: float | None) -> str:
    return bpb_text(mean) + (f" ± {bpb_text(sd)}" if sd is not None else "")


def _mark_history(drawn: go.Figure, view: History) -> None:
    """Label the best trial below its star."""
    if view.best is not None and view.best_mark is not None:
        drawn.add_annotation(
            x=view.best.number,
            y=min(view.best.shown, view.noise[0] if view.noise else view.best.shown),
            text=f"<b>{view.best_mark.text}</b>",
            font={"color": theme.BEST},
            showarrow=False,
            xanchor=view.best_side,
            yshift=-18,
        )
