"""Parallel coordinates with matplotlib: every axis drawn by hand, from 0 to 1, with labels in real units."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots import theme
from bardtune.studies.plots.axes import Axis
from bardtune.studies.plots.matplotlib.base import BPB_COLOURS, HALO, HEIGHT_IN, WIDTH_IN, add_bpb_scale, framed_sheet
from bardtune.studies.plots.views.parallel import Line, Parallel
from bardtune.studies.plots.words import shorten

CHARACTER_IN = 0.095  # of an axis's name


def draw(view: Parallel) -> Figure:
    """Faint trials beneath, good ones above, the best on top with its values."""
    names = [_name(axis) for axis in view.axes]
    longest = max((len(one + other) / 2 for one, other in pairwise(names)), default=0.0)  # of neighbours
    width = max(WIDTH_IN, max(1.25, CHARACTER_IN * (longest + 1)) * len(view.axes) + 1)
    sheet = framed_sheet(view.frame, width=width, height=max(HEIGHT_IN, 0.36 * width))
    axes = sheet.add_subplot()
    axes.set(xlim=(-0.3, len(view.axes) - 0.6), ylim=(-0.04, 1.1))
    axes.set_axis_off()
    colours = ScalarMappable(Normalize(view.colour_low, view.colour_high), BPB_COLOURS)
    order = sorted(range(len(view.lines)), key=lambda index: _depth(view.lines[index]))
    for depth, index in enumerate(order):
        if index not in (view.best, view.baseline):
            _draw_line(axes, view, index, colours, zorder=1 + depth / 100)
    for place, axis in enumerate(view.axes):
        _draw_axis(axes, axis, place)
    if view.baseline is not None:
        _draw_baseline(axes, view, view.baseline)
    if view.best is not None:
        _draw_best(axes, view, view.best)
    if not all(line.is_pruned for line in view.lines):
        add_bpb_scale(sheet, axes, colours, fraction=0.02, pad=0.025, aspect=36, extend="max")
    return sheet


def _draw_baseline(axes: Axes, view: Parallel, baseline: int) -> None:
    heights = _heights(view, baseline)
    axes.plot(range(len(heights)), heights, color=theme.BASELINE, lw=2, ls=(0, (5, 3)), zorder=4.5)
    axes.text(len(view.axes) - 1, -0.04, "baseline", ha="right", va="top", color=theme.BASELINE, weight="bold")


def _depth(line: Line) -> tuple[bool, float]:
    """Pruned trials first, then from the highest bpb to the lowest."""
    return (not line.is_pruned, -line.bpb)


def _heights(view: Parallel, index: int) -> list[float]:
    return [axis.height(axis.positions[index]) for axis in view.axes]


def _draw_line(axes: Axes, view: Parallel, index: int, colours: ScalarMappable, *, zorder: float) -> None:
    line, heights = view.lines[index], _heights(view, index)
    if line.is_pruned:
        axes.plot(range(len(heights)), heights, color=theme.PRUNED, lw=0.8, alpha=0.65, zorder=zorder)
    else:
        axes.plot(
            range(len(heights)),
            heights,
            color=colours.cmap(view.colour_place(line)),
            lw=1.5,
            alpha=0.9,
            zorder=zorder,
        )


def _name(axis: Axis) -> str:
    return shorten(axis.name, 16)


def _draw_axis(axes: Axes, axis: Axis, place: int) -> None:
    axes.plot([place, place], [0, 1], color=theme.INK, lw=1, zorder=4)
    axes.text(
        place,
        1.06,
        _name(axis),
        ha="center",
        va="bottom",
        fontsize=theme.SMALL_SIZE,
        weight="bold",
    )
    for position, text in axis.ticks:
        height = axis.height(position)
        axes.plot([place - 0.02, place], [height, height], color=theme.INK, lw=1, zorder=4)
        axes.text(
            place - 0.04,
            height,
            shorten(text, 11),
            ha="right",
            va="center",
            fontsize=theme.SMALL_SIZE - 1,
            path_effects=HALO,
            zorder=6,
        )


def _draw_best(axes: Axes, view: Parallel, best: int) -> None:
    heights = _heights(view, best)
    axes.plot(range(len(heights)), heights, color=theme.BEST, lw=3, marker="o", ms=6, zorder=5)
    for place, (axis, height) in enumerate(zip(view.axes, heights, strict=True)):
        if axis.name == "ended":
            continue
        text = bpb_text(view.lines[best].bpb) if axis.name == "bpb" else axis.texts[best]
        axes.text(
            place + 0.06,
            height,
            shorten(text, 12),
            ha="left",
            va="center",
            fontsize=theme.SMALL_SIZE,
            weight="bold",
            color=theme.BEST,
            path_effects=HALO,
            zorder=7,
        )
    axes.text(
        0,
        -0.04,
        view.best_mark.text if view.best_mark else "",
        ha="left",
        va="top",
        color=theme.BEST,
        weight="bold",
    )
