"""The pictures as plotly figures, without the words around them."""

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from studies.plots import theme
from studies.plots.interactive_parallel import parallel_figure
from studies.plots.parallel import Parallel
from studies.plots.ticks import round_steps
from studies.plots.view import Bars, Curve, Curves, Dot, History
from studies.plots.words import bpb_text, shorten


def figure(seen: Bars | Curves | History | Parallel) -> go.Figure:
    """The figure of a view that has something to draw."""
    match seen:
        case Bars():
            return _bars(seen)
        case Curves():
            return _curves(seen)
        case History():
            return _history(seen)
        case Parallel():
            return parallel_figure(seen)


def _figure(x: dict[str, Any], y: dict[str, Any], *, x_title: str = "", y_title: str = "") -> go.Figure:
    """An empty figure in the house's looks, with these settings of its axes."""
    axis = {"gridcolor": theme.GRID, "linecolor": theme.EDGE, "zeroline": False, "automargin": True}
    title = {"font": {"size": 13}, "standoff": 12}
    layout = go.Layout(
        template="none",
        paper_bgcolor=theme.PAPER,
        plot_bgcolor=theme.PAPER,
        font={"family": theme.FONTS, "size": 13, "color": theme.INK},
        margin={"l": 70, "r": 40, "t": 40, "b": 55},
        hoverlabel={"align": "left", "bgcolor": theme.PAPER, "font": {"color": theme.INK}},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={**axis, "showline": True, "title": {**title, "text": x_title}, **x},
        yaxis={**axis, "title": {**title, "text": y_title}, **y},
    )
    return go.Figure(layout=layout)


def _hover(lines: Sequence[str]) -> str:
    return "<br>".join([f"<b>{html.escape(lines[0])}</b>", *map(html.escape, lines[1:])])


# history


def _history(seen: History) -> go.Figure:
    numbers = [dot.number for dot in seen.dots]
    first, last = min(numbers), max(numbers)
    ticks = round_steps(first, last, most=12, whole=True)
    drawn = _figure(
        {"range": [first - 0.8, last + 0.8], "tickvals": ticks, "showgrid": False},
        {"range": [seen.low, seen.high], "tickformat": "~g"},
        x_title="trial",
        y_title="validation bits per byte",
    )
    if seen.best_so_far:
        steps = [*seen.best_so_far, (last, seen.best_so_far[-1][1])]
        drawn.add_scatter(
            x=[number for number, _ in steps],
            y=[bpb for _, bpb in steps],
            mode="lines",
            line={"color": theme.FINISHED, "width": 2, "shape": "hv"},
            name="best so far",
            hoverinfo="skip",
        )
    for name, dots, marker in _dot_groups(seen):
        _add_dots(drawn, name, dots, marker)
    _mark_history(drawn, seen)
    return drawn


def _dot_groups(seen: History) -> list[tuple[str, list[Dot], dict[str, Any]]]:
    """Name, dots and marker of each group that has any."""
    hollow = {"color": theme.PAPER, "size": 9, "symbol": "circle", "line": _edge(theme.PRUNED)}
    full = {"color": theme.FINISHED, "size": 9, "symbol": "circle", "line": _edge(theme.FINISHED)}
    cross = {"color": theme.LOST, "size": 10, "symbol": "x"}
    star = {"color": theme.BEST, "size": 15, "symbol": "star"}
    finished = [dot for dot in seen.dots if dot.look == "finished"]
    pruned = [dot for dot in seen.dots if dot.look == "pruned"]
    lost = [dot for dot in seen.dots if dot.look == "lost"]
    best = [seen.best] if seen.best else []
    markers: list[tuple[str, list[Dot], dict[str, Any]]] = [
        ("pruned, last value", pruned, hollow),
        ("finished", finished, full),
        ("diverged or crashed", lost, cross),
        ("best", best, star),
    ]
    return [group for group in markers if group[1]]


def _edge(colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 1.8}


def _add_dots(drawn: go.Figure, name: str, dots: Sequence[Dot], marker: dict[str, Any]) -> None:
    symbols = ["triangle-up" if dot.is_clipped else marker["symbol"] for dot in dots]
    faces = [theme.PAPER if dot.is_clipped else marker["color"] for dot in dots]
    drawn.add_scatter(
        x=[dot.number for dot in dots],
        y=[dot.shown for dot in dots],
        mode="markers",
        name=name,
        marker={**marker, "symbol": symbols, "color": faces, "opacity": 1},
        text=[_hover(dot.hover) for dot in dots],
        hovertemplate="%{text}<extra></extra>",
    )


def _mark_history(drawn: go.Figure, seen: History) -> None:
    """Label the baseline's line, and the best trial below its star."""
    if seen.baseline is not None:
        below = seen.best is not None and seen.best.shown > seen.baseline
        drawn.add_hline(
            y=seen.baseline,
            line={"color": theme.BASELINE, "width": 1.5, "dash": "dash"},
            annotation={
                "text": f"baseline {bpb_text(seen.baseline)}",
                "font": {"color": theme.BASELINE},
                "yanchor": "top" if below else "bottom",
            },
            annotation_position="right",
        )
        drawn.layout.annotations[-1].update(x=1, xanchor="right")
    if seen.best is not None:
        drawn.add_annotation(
            x=seen.best.number,
            y=seen.best.shown,
            text=f"<b>best: trial {seen.best.number}, {bpb_text(seen.best.shown)}</b>",
            font={"color": theme.BEST},
            showarrow=False,
            xanchor=seen.best_at,
            yshift=-18,
        )


# curves


def _curves(seen: Curves) -> go.Figure:
    drawn = _figure(
        {"range": [0, 101], "ticksuffix": " %", "showgrid": False},
        {"range": [seen.low, seen.high], "tickformat": "~g"},
        x_title=f"percent of the budget ({seen.seconds:g} s)",
        y_title="validation bits per byte",
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
        name = f"best: {seen.best.label}, {bpb_text(seen.best.points[-1][1])}"
        _add_curve(drawn, seen.best, name, {"color": theme.BEST, "width": 3})
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
    drawn = _figure(
        {"ticksuffix": " %", "range": [0, 112 * max(max(share.mean, share.high) for share in shares)]},
        {"showgrid": False},
        x_title="share of the importance",
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
