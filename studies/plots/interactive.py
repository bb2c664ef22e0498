"""The pictures as plotly figures, without the words around them."""

import html
from typing import Any

import plotly.graph_objects as go

from studies.plots import theme
from studies.plots.interactive_base import BPB, add_dots, empty_figure
from studies.plots.interactive_fields import contour_figure, panels_figure, timeline_figure
from studies.plots.interactive_parallel import parallel_figure
from studies.plots.kinds import View
from studies.plots.panels import Panels
from studies.plots.parallel import Parallel
from studies.plots.surface import Contour
from studies.plots.ticks import round_steps
from studies.plots.timeline import Timeline
from studies.plots.view import Bars, Curve, Curves, History
from studies.plots.words import bpb_text, shorten


def figure(seen: View) -> go.Figure:
    """The figure of a view that has something to draw."""
    match seen:
        case Bars():
            return _bars(seen)
        case Contour():
            return contour_figure(seen)
        case Curves():
            return _curves(seen)
        case History():
            return _history(seen)
        case Panels():
            return panels_figure(seen)
        case Parallel():
            return parallel_figure(seen)
        case Timeline():
            return timeline_figure(seen)


# history


def _history(seen: History) -> go.Figure:
    first, last = seen.dots[0].number, seen.dots[-1].number
    ticks = round_steps(first, last, most=12, whole=True)
    drawn = empty_figure(
        {"range": [first - 0.8, last + 0.8], "tickvals": ticks, "showgrid": False},
        {"range": [seen.low, seen.high], "tickformat": "~g"},
        x_title="trial",
        y_title=BPB,
    )
    if seen.noise is not None:
        drawn.add_hrect(*seen.noise, fillcolor=theme.BEST, opacity=0.13, line_width=0, layer="below")
    if seen.best_so_far:
        steps = [*seen.best_so_far, (last, seen.best_so_far[-1][1])]
        drawn.add_scatter(
            x=[number for number, _ in steps],
            y=[bpb for _, bpb in steps],
            mode="lines",
            line={"color": theme.FINISHED, "width": 2, "shape": "hv"},
            name="lowest so far",
            hoverinfo="skip",
        )
    if seen.baseline is not None:
        drawn.add_scatter(
            x=[first - 0.8, last + 0.8],
            y=[seen.baseline.shown] * 2,
            mode="lines",
            line={"color": theme.BASELINE, "width": 1.5, "dash": "dash"},
            name=seen.baseline.name,
            hoverinfo="skip",
        )
    best = seen.dots.index(seen.best) if seen.best is not None else None
    add_dots(drawn, [dot.number for dot in seen.dots], seen.dots, seen.crown, best=best)
    _add_confirmed(drawn, seen)
    _mark_history(drawn, seen)
    return drawn


def _add_confirmed(drawn: go.Figure, seen: History) -> None:
    """Diamonds at the means of fresh runs, above the single values that they put right."""
    if not seen.confirmed:
        return
    numbers, means, sds = zip(*seen.confirmed, strict=True)
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


def _mark_history(drawn: go.Figure, seen: History) -> None:
    """Label the best trial below its star."""
    if seen.best is not None and seen.crown is not None:
        drawn.add_annotation(
            x=seen.best.number,
            y=min(seen.best.shown, seen.noise[0] if seen.noise else seen.best.shown),
            text=f"<b>{seen.crown.text}</b>",
            font={"color": theme.BEST},
            showarrow=False,
            xanchor=seen.best_at,
            yshift=-18,
        )


# curves


def _curves(seen: Curves) -> go.Figure:
    drawn = empty_figure(
        {"range": [0, 101], "ticksuffix": " %", "showgrid": False},
        {"range": [seen.low, seen.high], "tickformat": "~g"},
        x_title=f"percent of the budget ({seen.seconds:g} s)",
        y_title=BPB,
    )
    for look, name, line in (
        ("pruned", "pruned", {"color": theme.PRUNED, "width": 1.2}),
        ("lost", "diverged or crashed", {"color": theme.LOST, "width": 1.2}),
        ("open", "not yet over", {"color": theme.PRUNED, "width": 1.2, "dash": "dot"}),
        ("finished", "finished", {"color": theme.FINISHED, "width": 1.4}),
    ):
        group = [curve for curve in seen.curves if curve.look == look]
        for index, curve in enumerate(group):
            _add_curve(drawn, curve, name, line, in_legend=index == 0)
    if seen.baseline is not None:
        name = f"baseline {bpb_text(seen.baseline.points[-1][1])}"
        _add_curve(drawn, seen.baseline, name, {"color": theme.BASELINE, "width": 2, "dash": "dash"})
    if seen.best is not None:
        _add_curve(drawn, seen.best, seen.best_name, {"color": theme.BEST, "width": 3})
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


def _bars(seen: Bars) -> go.Figure:
    shares = seen.importance.shares[::-1]  # plotly counts from the bottom
    drawn = empty_figure(
        {"ticksuffix": " %", "range": [0, 112 * max(max(share.mean, share.high) for share in shares)]},
        {"showgrid": False},
        x_title=f"share of the importance<br>{seen.importance.summary}",
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
