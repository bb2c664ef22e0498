"""What all plotly figures share: the house's looks, dots by how trials ended, labels of the best and the baseline."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from bardtune.studies.plots import theme
from bardtune.studies.plots.axes import Axis
from bardtune.studies.plots.marks import BestMark, Dot
from bardtune.studies.plots.words import shorten

AXIS: dict[str, Any] = {"gridcolor": theme.GRID, "linecolor": theme.EDGE, "zeroline": False, "automargin": True}
TITLE: dict[str, Any] = {"font": {"size": 13}, "standoff": 12}
LAYOUT: dict[str, Any] = {
    "template": "none",
    "paper_bgcolor": theme.PAPER,
    "plot_bgcolor": theme.PAPER,
    "font": {"family": theme.FONTS, "size": 13, "color": theme.INK},
    "margin": {"l": 70, "r": 46, "t": 40, "b": 55},
    "hoverlabel": {"align": "left", "bgcolor": theme.PAPER, "font": {"color": theme.INK}},
    "hovermode": "closest",
    "modebar": {"orientation": "v"},  # beside the picture: along the top it would cover the legend
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A figure without the words around it, and what its page must give it."""

    figure: go.Figure
    height: int = 420  # pixels below which the picture's labels would run into each other
    width: int = 0  # pixels below which the picture scrolls; 0 if it fits any window
    usage: str = ""  # how to use it, said before the view's own note
    below: str = ""  # HTML under the note
    script: str = ""  # JavaScript, run when the picture is drawn
    styles: str = ""  # CSS


def empty_figure(x: dict[str, Any], y: dict[str, Any], *, x_title: str = "", y_title: str = "") -> go.Figure:
    """A figure with nothing in it, with these settings of its axes."""
    layout = go.Layout(
        **LAYOUT,
        xaxis={**AXIS, "showline": True, "title": {**TITLE, "text": x_title}, **x},
        yaxis={**AXIS, "title": {**TITLE, "text": y_title}, **y},
    )
    return go.Figure(layout=layout)


def hover(lines: Sequence[str]) -> str:
    return "<br>".join([f"<b>{html.escape(lines[0])}</b>", *map(html.escape, lines[1:])])


def axis_settings(axis: Axis, *, longest: int = 12) -> dict[str, Any]:
    """A plotly axis in axis units with ticks in real ones."""
    return {
        "range": [axis.low, axis.high],
        "tickvals": [position for position, _ in axis.ticks],
        "ticktext": [html.escape(shorten(text, longest)) for _, text in axis.ticks],
    }


def dot_groups(dots: Sequence[Dot], best: int | None) -> list[tuple[str, list[int], dict[str, Any]]]:
    """Name, indices and marker of each group that has any; the best is drawn last, by a star."""
    markers: list[tuple[str, str, dict[str, Any]]] = [
        (
            "pruned",
            "pruned, last value",
            {"color": theme.PAPER, "size": 9, "symbol": "circle", "line": _edge(theme.PRUNED)},
        ),
        (
            "finished",
            "finished",
            {"color": theme.FINISHED, "size": 9, "symbol": "circle", "line": _edge(theme.FINISHED)},
        ),
        ("lost", "diverged, crashed or cut off", {"color": theme.LOST, "size": 10, "symbol": "x"}),
    ]
    groups = [(name, [n for n, dot in enumerate(dots) if dot.look == look], marker) for look, name, marker in markers]
    starved = [n for n, dot in enumerate(dots) if dot.is_starved]
    square = {"color": theme.INK, "size": 15, "symbol": "square-open", "line": {"width": 1.2, "color": theme.INK}}
    groups.append(("starved: machine busy", starved, square))
    if best is not None:
        groups.append(("best", [best], {"color": theme.BEST, "size": 15, "symbol": "star"}))
    return [group for group in groups if group[1]]


def add_dots(
    drawn: go.Figure,
    xs: Sequence[float],
    dots: Sequence[Dot],
    best_mark: BestMark | None,
    *,
    best: int | None,
    **more: Any,
) -> None:
    """All dots in groups that the legend names; ``more`` goes to every trace."""
    for name, indices, marker in dot_groups(dots, best):
        word = best_mark.word if name == "best" and best_mark else name
        inside = [n for n in indices if not dots[n].is_clipped or marker["symbol"] != "circle"]
        _add_group(drawn, xs, dots, inside, {**more, "name": word, "marker": {**marker, "opacity": 1}})
        if len(inside) < len(indices):  # a trace of their own, since the legend shows a trace's first marker
            above = {**marker, "symbol": "triangle-up", "color": theme.PAPER, "opacity": 1}
            named = more.get("showlegend", True) and not inside
            clipped = [n for n in indices if n not in inside]
            _add_group(drawn, xs, dots, clipped, {**more, "name": word, "marker": above, "showlegend": named})


def _add_group(
    drawn: go.Figure, xs: Sequence[float], dots: Sequence[Dot], indices: Sequence[int], looks: dict[str, Any]
) -> None:
    if indices:
        drawn.add_scatter(
            x=[xs[n] for n in indices],
            y=[dots[n].shown for n in indices],
            mode="markers",
            legendgroup=looks["name"],
            cliponaxis=False,
            text=[hover(dots[n].hover) for n in indices],
            hovertemplate="%{text}<extra></extra>",
            **looks,
        )


def _edge(colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 1.8}
