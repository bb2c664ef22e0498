"""Parallel coordinates with plotly: axes to drag, to reorder and to select along."""

import html
from typing import Any

import plotly.graph_objects as go

from studies.plots import theme
from studies.plots.parallel import Axis, Parallel
from studies.plots.ticks import round_steps
from studies.plots.words import bpb_text, shorten

# Places on the colour axis. The finished trials have 0 (faint) to 1 (strong); plotly draws high places on top.
_PRUNED, _BASELINE, _BEST = -0.1, 1.1, 1.2
_FROM, _TO = _PRUNED - 0.05, _BEST + 0.05
_FAINT = "#ccd3da"
_TOPS = (10, 5)  # of the filters


def parallel_figure(seen: Parallel) -> go.Figure:
    """Lines through the axes of the view, after one of trial numbers, since these lines have no hover text."""
    drawn = go.Figure(
        layout=go.Layout(
            template="none",
            paper_bgcolor=theme.PAPER,
            font={"family": theme.FONTS, "size": 13, "color": theme.INK},
            margin={"l": 60, "r": 30, "t": 140, "b": 30},
        )
    )
    everything = list(range(len(seen.lines)))
    drawn.add_parcoords(
        dimensions=_dimensions(seen, everything),
        line=_lines(seen),
        labelangle=-25,  # nine axes on 800 pixels leave no room for names side by side
        labelfont={"size": 13, "color": theme.INK},
        tickfont={"size": 11, "color": theme.INK},
        rangefont={"size": 1, "color": theme.PAPER},  # the ticks already name both ends
        unselected={"line": {"color": theme.GRID, "opacity": 0.25}},
    )
    buttons = [_button(seen, name, indices) for name, indices in _filters(seen)]
    if len(buttons) > 1:
        drawn.update_layout(updatemenus=[_menu(buttons)])
    return drawn


def _filters(seen: Parallel) -> list[tuple[str, list[int]]]:
    """Name and lines of each choice of what to show; those that would leave nothing out are not offered."""
    finished = seen.lowest(len(seen.lines))
    choices = [("all trials", list(range(len(seen.lines)))), ("finished only", finished)]
    choices += [(f"best {count}", seen.lowest(count)) for count in _TOPS]
    kept = choices[:1]
    for name, indices in choices[1:]:
        if 0 < len(indices) < len(kept[-1][1]):
            kept.append((name, indices))
    return kept


def _button(seen: Parallel, name: str, indices: list[int]) -> dict[str, Any]:
    """Puts all axes back in their order, without selections, and only these lines on them.

    Plotly numbers axes anew when one is dragged, so a button that changed some of them would hit others.
    """
    places = _places(seen)
    changes = {"dimensions": [_dimensions(seen, indices)], "line.color": [[places[index] for index in indices]]}
    return {"label": name, "method": "restyle", "args": [changes, [0]]}


def _menu(buttons: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 92},
        "bgcolor": theme.PAPER,
        "bordercolor": theme.EDGE,
        "font": {"size": 12},
        "showactive": True,
    }


def _places(seen: Parallel) -> list[float]:
    """Where each line stands on the colour axis."""
    places = [_PRUNED if line.is_pruned else 1 - seen.colour_place(line) for line in seen.lines]
    if seen.baseline is not None:
        places[seen.baseline] = _BASELINE
    if seen.best is not None:
        places[seen.best] = _BEST
    return places


def _lines(seen: Parallel) -> dict[str, Any]:
    """Colours of the lines, and the scale that explains them."""
    spots = {_PRUNED: "pruned", 0.0: f"≥ {bpb_text(seen.colour_high)}", 1.0: bpb_text(seen.colour_low)}
    if seen.baseline is not None:
        spots[_BASELINE] = "baseline"
    if seen.crown is not None:
        spots[_BEST] = seen.crown.word
    return {
        "color": _places(seen),
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
    """Grey for the pruned ones, the theme's scale from its faint end, then the colours of the baseline and the best."""
    steps = len(theme.SCALE) - 1
    below, above, top = _PRUNED / 2, (1 + _BASELINE) / 2, (_BASELINE + _BEST) / 2
    stops = [(_FROM, _FAINT), (below, _FAINT), (below, theme.SCALE[-1])]
    stops += [(index / steps, colour) for index, colour in enumerate(reversed(theme.SCALE))]
    stops += [(above, theme.SCALE[0]), (above, theme.BASELINE), (top, theme.BASELINE)]
    stops += [(top, theme.BEST), (_TO, theme.BEST)]
    return [[min(1.0, max(0.0, (place - _FROM) / (_TO - _FROM))), colour] for place, colour in stops]


def _dimensions(seen: Parallel, indices: list[int]) -> list[dict[str, Any]]:
    return [_trial_dimension(seen, indices), *(_dimension(axis, indices) for axis in seen.axes)]


def _dimension(axis: Axis, indices: list[int]) -> dict[str, Any]:
    return {
        "label": html.escape(shorten(axis.name, 16)),
        "values": [axis.positions[index] for index in indices],
        "range": [axis.low, axis.high],
        "tickvals": [position for position, _ in axis.ticks],
        "ticktext": [html.escape(shorten(text, 12)) for _, text in axis.ticks],
    }


def _trial_dimension(seen: Parallel, indices: list[int]) -> dict[str, Any]:
    """Trial numbers; the baseline, which has none of these, below them."""
    numbers = [line.number for line in seen.lines if not line.is_baseline]
    first, last = min(numbers), max(numbers)
    below = first - max(1.0, 0.08 * (last - first))
    ticks = [(float(tick), f"{tick:g}") for tick in round_steps(first, last, most=10, whole=True)]
    low = first - 0.5
    if seen.baseline is not None:
        ticks, low = [(below, "baseline"), *ticks], below - 0.2
    return {
        "label": "trial",
        "values": [below if seen.lines[index].is_baseline else seen.lines[index].number for index in indices],
        "range": [low, last + 0.5],
        "tickvals": [place for place, _ in ticks],
        "ticktext": [text for _, text in ticks],
    }
