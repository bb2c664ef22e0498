"""The pictures as plotly figures, without the words around them."""

import html
from typing import Any

import plotly.graph_objects as go
from bardtune.studies.plots import theme
from bardtune.studies.plots.interactive_base import BPB, add_dots, empty_figure
from bardtune.studies.plots.interactive_fields import contour_figure, panels_figure, timeline_figure
from bardtune.studies.plots.interactive_parallel import parallel_figure
from bardtune.studies.plots.panels import Panels
from bardtune.studies.plots.parallel import Parallel
from bardtune.studies.plots.registry import View
from bardtune.studies.plots.surface import Contour
from bardtune.studies.plots.ticks import round_steps
from bardtune.studies.plots.timeline import Timeline
from bardtune.studies.plots.view import Bars, Curve, Curves, History
from bardtune.studies.plots.words import bpb_text, shorten


def figure(view: View) -> go.Figure:
    """The figure of a view that has something to draw."""
    match view:
        case Bars():
            return _bars(view)
        case Contour():
            return contour_figure(view)
        case Curves():
            return _curves(view)
        case History():
            return _history(view)
        case Panels():
            return panels_figure(view)
        case Parallel():
            return parallel_figure(view)
        case Timeline():
            return timeline_figure(view)


# history


def _history(view: History) -> go.Figure:
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
    return drawn


def _add_confirmed(drawn: go.Figure, view: History) -> None:
    """Diamonds at the means of fresh runs, above the single values that they put right."""
    if not view.confirmed:
        return
    numbers, means, sds = zip(*view.confirmed, strict=True)
    spread = [f" ± {sd:.4f}" if sd is not None else "" for sd in sds]
    drawn.add_scatter(
        x=numbers,
        y=means,
        mode="markers",
        name="mean of fresh runs ± sd",
        marker={"symbol": "diamond-open", "size": 11, "color": theme.BEST, "line": {"width": 2, "color": theme.BEST}},
        error_y={"type": "data", "array": [sd or 0.0 for sd in sds], "color": theme.BEST, "thickness": 1.5, "width": 5},
        text=[f"<b>trial {n}</b>, fresh runs: {m:.4f}{s} bpb" for n, m, s in zip(numbers, means, spread, strict=True)],
        hovertemplate="%{text}<extra></extra>",
    )


def _mark_history(drawn: go.Figure, view: History) -> None:
    """Label the best trial below its star."""
    if view.best is not None and view.best_mark is not None:
        drawn.add_annotation(
            x=view.best.number,
            y=min(view.best.shown, view.noise[0] if view.noise else view.best.shown),
            text=f"<b>{view.best_mark.text}</b>",
            font={"color": theme.BEST},
            showarrow=False,
            xanchor=view.best_at,
            yshift=-18,
        )


# curves


def _curves(view: Curves) -> go.Figure:
    drawn = empty_figure(
        {"range": [0, 101], "ticksuffix": " %", "showgrid": False},
        {"range": [view.low, view.high], "tickformat": "~g"},
        x_title=f"percent of the budget ({view.seconds:g} s)",
        y_title=BPB,
    )
    for look, name, line in (
        ("pruned", "pruned", {"color": theme.PRUNED, "width": 1.2}),
        ("lost", "diverged or crashed", {"color": theme.LOST, "width": 1.2}),
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
    return drawn


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


# importance


def _bars(view: Bars) -> go.Figure:
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
    return drawn
