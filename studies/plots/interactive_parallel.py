"""Parallel coordinates with plotly: axes to drag, to reorder and to select along."""

import html
from typing import Any

import plotly.graph_objects as go

from studies.plots import theme
from studies.plots.parallel import Axis, Parallel
from studies.plots.ticks import round_steps
from studies.plots.words import bpb_text, shorten

# Places on the colour axis. The finished trials have 0 (faint) to 1 (strong); plotly draws high places on top.
_PRUNED, _BEST = -0.1, 1.1
_FROM, _TO = _PRUNED - 0.05, _BEST + 0.05
_FAINT = "#ccd3da"


def parallel_figure(seen: Parallel) -> go.Figure:
    """Lines through the axes of the view, after one of trial numbers, since these lines have no hover text."""
    drawn = go.Figure(
        layout=go.Layout(
            template="none",
            paper_bgcolor=theme.PAPER,
            font={"family": theme.FONTS, "size": 13, "color": theme.INK},
            margin={"l": 60, "r": 30, "t": 80, "b": 30},
        )
    )
    drawn.add_parcoords(
        dimensions=[_trial_dimension(seen), *map(_dimension, seen.axes)],
        line=_lines(seen),
        labelfont={"size": 13, "color": theme.INK},
        tickfont={"size": 11, "color": theme.INK},
        rangefont={"size": 1, "color": theme.PAPER},  # the ticks already name both ends
        unselected={"line": {"color": theme.GRID, "opacity": 0.25}},
    )
    return drawn


def _lines(seen: Parallel) -> dict[str, Any]:
    """Colours of the lines, and the scale that explains them."""
    places = [_PRUNED if line.is_pruned else 1 - seen.colour_place(line) for line in seen.lines]
    spots = {_PRUNED: "pruned", 0.0: f"≥ {bpb_text(seen.colour_high)}", 1.0: bpb_text(seen.colour_low)}
    if seen.best is not None:
        places[seen.best] = _BEST
        spots[_BEST] = "best"
    return {
        "color": places,
        "cmin": _FROM,
        "cmax": _TO,
        "colorscale": _colour_scale(),
        "showscale": seen.best is not None,
        "colorbar": {
            "title": {"text": "bpb"},
            "tickvals": list(spots),
            "ticktext": list(spots.values()),
            "thickness": 14,
            "outlinewidth": 0,
        },
    }


def _colour_scale() -> list[list[Any]]:
    """Grey for the pruned ones, the theme's scale from its faint end, then the colour of the best."""
    steps = len(theme.SCALE) - 1
    below, above = _PRUNED / 2, (1 + _BEST) / 2
    stops = [(_FROM, _FAINT), (below, _FAINT), (below, theme.SCALE[-1])]
    stops += [(index / steps, colour) for index, colour in enumerate(reversed(theme.SCALE))]
    stops += [(above, theme.SCALE[0]), (above, theme.BEST), (_TO, theme.BEST)]
    return [[min(1.0, max(0.0, (place - _FROM) / (_TO - _FROM))), colour] for place, colour in stops]


def _dimension(axis: Axis) -> dict[str, Any]:
    return {
        "label": html.escape(shorten(axis.name, 16)),
        "values": list(axis.positions),
        "range": [axis.low, axis.high],
        "tickvals": [position for position, _ in axis.ticks],
        "ticktext": [html.escape(shorten(text, 12)) for _, text in axis.ticks],
    }


def _trial_dimension(seen: Parallel) -> dict[str, Any]:
    numbers = [line.number for line in seen.lines]
    low, high = min(numbers), max(numbers)
    ticks = round_steps(low, high, most=10, whole=True)
    return {
        "label": "trial",
        "values": numbers,
        "range": [low - 0.5, high + 0.5],
        "tickvals": ticks,
        "ticktext": [f"{tick:g}" for tick in ticks],
    }
