"""Parallel coordinates with plotly: axes to drag, to reorder and to select along."""

import html
import math
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots import theme
from bardtune.studies.plots.axes import Axis
from bardtune.studies.plots.plotly.base import Drawing
from bardtune.studies.plots.ticks import Tick, round_steps
from bardtune.studies.plots.views.parallel import Parallel
from bardtune.studies.plots.words import shorten

# Places on the colour axis. The finished trials have 0 (faint) to 1 (strong); plotly draws high places on top.
_PRUNED = -0.1
_STEP = 0.1  # between the places above 1: the baseline, the best, and the line that has been picked
_FAINT = "#ccd3da"
_TOPS = (10, 5)  # of the filters
_STOPS = 200  # of a selection along an axis of numbers
_MOST_WHOLE = 60  # whole numbers that are each a stop
_USAGE = (
    "Drag along an axis to select, click it to clear; drag an axis's name to move it; click a line to pick it; the "
    "buttons put all axes back. Dark is low bpb, orange the best trial."
)
_LISTS = 'listBelow(document.getElementById("picture"), document.getElementById("left"));'


def draw(view: Parallel) -> Drawing:
    """Lines through the axes of the view, after one of trial numbers.

    Plotly shows no text at these lines; ``parallel.js`` does, out of what stands here in ``customdata`` and ``meta``.
    """
    drawn = go.Figure(
        layout=go.Layout(
            template="none",
            paper_bgcolor=theme.PAPER,
            font={"family": theme.FONTS, "size": 13, "color": theme.INK},
            margin={"l": 60, "r": 30, "t": 90, "b": 30},
        )
    )
    everything = list(range(len(view.lines)))
    drawn.add_parcoords(
        **_data(view, everything),
        meta={"picked": _marks(view)["picked"], "faint": _PRUNED},
        line=_lines(view),
        labelangle=-25,  # nine axes on 800 pixels leave no room for names side by side
        labelfont={"size": 13, "color": theme.INK},
        tickfont={"size": 11, "color": theme.INK},
        rangefont={"size": 1, "color": theme.PAPER},  # the ticks already name both ends
        unselected={"line": {"color": theme.GRID, "opacity": 0.25}},
    )
    buttons = [_button(view, name, indices) for name, indices in _filters(view)]
    if len(buttons) > 1:
        drawn.update_layout(updatemenus=[_menu(buttons)], margin={"t": 140})
    return Drawing(
        figure=drawn,
        width=74 * (len(view.axes) + 1),
        usage=_USAGE,
        below='<p id="left" aria-live="polite"></p>',
        script=brushing_script() + _LISTS,
        styles=brushing_styles(),
    )


def brushing_script() -> str:
    """What makes parallel coordinates tell what is selected: ``useParallel`` and ``listBelow`` in JavaScript."""
    return _file("parallel.js")


def brushing_styles() -> str:
    """And its looks."""
    return _file("parallel.css")


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _filters(view: Parallel) -> list[tuple[str, list[int]]]:
    """Name and lines of each choice of what to show; those that would leave nothing out are not offered."""
    finished = view.lowest(len(view.lines))
    choices = [("all trials", list(range(len(view.lines)))), ("finished only", finished)]
    choices += [(f"best {count}", view.lowest(count)) for count in _TOPS]
    kept = choices[:1]
    for name, indices in choices[1:]:
        if 0 < len(indices) < len(kept[-1][1]):
            kept.append((name, indices))
    return kept


def _button(view: Parallel, name: str, indices: list[int]) -> dict[str, Any]:
    """Puts all axes back in their order, without selections, and only these lines on them.

    Plotly numbers axes anew when one is dragged, so a button that changed some of them would hit others.
    """
    places = _places(view)
    changes = {**_data(view, indices), "line.color": [places[index] for index in indices]}
    return {"label": name, "method": "restyle", "args": [{key: [value] for key, value in changes.items()}, [0]]}


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


def _places(view: Parallel) -> list[float]:
    """Where each line stands on the colour axis."""
    places = [_PRUNED if line.is_pruned else 1 - view.colour_place(line) for line in view.lines]
    if view.baseline is not None:
        places[view.baseline] = _marks(view)["baseline"]
    if view.best is not None:
        places[view.best] = _marks(view)["best"]
    return places


def _marks(view: Parallel) -> dict[str, float]:
    """Places of single lines that have a colour of their own."""
    there = {"baseline": view.baseline is not None, "best": view.best is not None, "picked": True}
    names = [name for name in there if there[name]]
    return {name: 1 + _STEP * count for count, name in enumerate(names, start=1)}


def _lines(view: Parallel) -> dict[str, Any]:
    """Colours of the lines, and the scale that explains them."""
    spots = {"pruned": _PRUNED, f"≥ {bpb_text(view.colour_high)}": 0.0, bpb_text(view.colour_low): 1.0}
    marks = _marks(view)
    spots |= {
        view.best_mark.word if name == "best" and view.best_mark else name: place for name, place in marks.items()
    }
    return {
        "color": _places(view),
        "cmin": _PRUNED - _STEP / 2,
        "cmax": marks["picked"] + _STEP / 2,
        "colorscale": _colour_scale(marks),
        "showscale": view.best is not None,
        "colorbar": {
            "title": {"text": "bpb"},
            "tickvals": list(spots.values()),
            "ticktext": list(spots),
            "thickness": 14,
            "outlinewidth": 0,
        },
    }


def _colour_scale(marks: dict[str, float]) -> list[list[Any]]:
    """Grey for the pruned ones, the theme's scale from its faint end, then one colour for each mark."""
    colours = {"baseline": theme.BASELINE, "best": theme.BEST, "picked": theme.PICKED}
    half, steps = _STEP / 2, len(theme.SCALE) - 1
    stops = [(_PRUNED - half, _FAINT), (_PRUNED + half, _FAINT), (_PRUNED + half, theme.SCALE[-1])]
    stops += [(index / steps, colour) for index, colour in enumerate(reversed(theme.SCALE))]
    stops.append((1 + half, theme.SCALE[0]))
    for name, place in marks.items():
        stops += [(place - half, colours[name]), (place + half, colours[name])]
    first, last = stops[0][0], stops[-1][0]
    # Rounded, so that two stops at one place are not the wrong way round: the browser then drops the whole scale.
    return [[round(min(1.0, max(0.0, (place - first) / (last - first))), 9), colour] for place, colour in stops]


def _data(view: Parallel, indices: list[int]) -> dict[str, Any]:
    """Lines and who they are."""
    lines = [view.lines[index] for index in indices]
    return {
        "ids": [line.run_id for line in lines],
        "customdata": [[line.hover[0], bpb_text(line.bpb), "\n".join(line.hover)] for line in lines],
        "dimensions": [_trial_dimension(view, indices), *(_dimension(axis, indices) for axis in view.axes)],
    }


def _dimension(axis: Axis, indices: list[int]) -> dict[str, Any]:
    ticks = [(position, html.escape(shorten(text, 12))) for position, text in axis.ticks]
    return {
        "label": html.escape(shorten(axis.name, 16)),
        "values": [axis.positions[index] for index in indices],
        "range": [axis.low, axis.high],
        **_with_stops(ticks, _stops(axis)),
    }


def _stops(axis: Axis) -> list[float]:
    """Where a selection along the axis may end: at each of a few whole numbers, else nearly anywhere."""
    span = axis.high - axis.low
    if span <= _MOST_WHOLE and all(position.is_integer() for position in axis.positions):
        return [float(number) for number in range(math.ceil(axis.low), math.floor(axis.high) + 1)]
    return [axis.low + span * index / _STOPS for index in range(_STOPS + 1)]


def _with_stops(ticks: Sequence[Tick], stops: Sequence[float]) -> dict[str, Any]:
    """Ticks for plotly, which lets selections end only at ticks: the stops are ticks too, with blank labels.

    It also takes ticks with equal labels for one, so the blanks differ: digits are written as spaces of ten widths.
    """
    near = min((later - former for former, later in pairwise(sorted(stops))), default=1.0) / 2
    free = [stop for stop in stops if all(abs(stop - position) >= near for position, _ in ticks)]
    blanks = [(stop, "".join(chr(0x2000 + int(digit)) for digit in str(index))) for index, stop in enumerate(free)]
    both = sorted([*ticks, *blanks])
    return {"tickvals": [position for position, _ in both], "ticktext": [text for _, text in both]}


def _trial_dimension(view: Parallel, indices: list[int]) -> dict[str, Any]:
    """Trial numbers; the baseline, which has none of these, below them."""
    numbers = [line.number for line in view.lines if not line.is_baseline]
    first, last = min(numbers), max(numbers)
    below = first - max(1.0, 0.08 * (last - first))
    ticks = [(float(tick), f"{tick:g}") for tick in round_steps(first, last, most=10, whole=True)]
    low = first - 0.5
    if view.baseline is not None:
        ticks, low = [(below, "baseline"), *ticks], below - 0.2
    return {
        "label": "trial",
        "values": [below if view.lines[index].is_baseline else view.lines[index].number for index in indices],
        "range": [low, last + 0.5],
        **_with_stops(ticks, [float(number) for number in range(first, last + 1)]),
    }
