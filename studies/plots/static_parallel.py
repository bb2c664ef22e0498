"""Parallel coordinates with matplotlib: every axis drawn by hand, from 0 to 1, with labels in real units."""

from bardtune.studies.plots import theme
from bardtune.studies.plots.parallel import Axis, Line, Parallel
from bardtune.studies.plots.static_base import HALO
from bardtune.studies.plots.words import bpb_text, shorten
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.ticker import FuncFormatter


def draw_parallel(axes: Axes, view: Parallel) -> None:
    """Fill ``axes``: faint trials beneath, good ones above, the best on top with its values."""
    axes.set(xlim=(-0.3, len(view.axes) - 0.6), ylim=(-0.04, 1.1))
    axes.set_axis_off()
    colours = ScalarMappable(
        Normalize(view.colour_low, view.colour_high), LinearSegmentedColormap.from_list("bpb", theme.SCALE)
    )
    order = sorted(range(len(view.lines)), key=lambda index: _depth(view.lines[index]))
    for depth, index in enumerate(order):
        if index not in (view.best, view.baseline):
            _draw_line(axes, view, index, colours, zorder=1 + depth / 100)
    for place, axis in enumerate(view.axes):
        _draw_axis(axes, axis, place)
    if view.baseline is not None:
        bpbs = _heights(view, view.baseline)
        axes.plot(range(len(bpbs)), bpbs, color=theme.BASELINE, lw=2, ls=(0, (5, 3)), zorder=4.5)
        axes.text(len(view.axes) - 1, -0.04, "baseline", ha="right", va="top", color=theme.BASELINE, weight="bold")
    if view.best is not None:
        _draw_best(axes, view, view.best)
    if not all(line.is_pruned for line in view.lines):
        _draw_scale(axes, colours)


def _draw_scale(axes: Axes, colours: ScalarMappable) -> None:
    assert axes.figure is not None
    bar = axes.figure.colorbar(colours, ax=axes, fraction=0.02, pad=0.025, aspect=36, extend="max")
    bar.outline.set_visible(False)
    bar.formatter = FuncFormatter(lambda bpb, _: f"{bpb:.3f}")
    bar.update_ticks()
    bar.ax.set_title("bpb", fontsize=theme.SMALL_SIZE, loc="left")
    bar.ax.tick_params(labelsize=theme.SMALL_SIZE, length=0)


def _depth(line: Line) -> tuple[bool, float]:
    """Pruned trials first, then from the highest bpb to the lowest."""
    return (not line.is_pruned, -line.bpb)


def _heights(view: Parallel, index: int) -> list[float]:
    return [axis.height(axis.positions[index]) for axis in view.axes]


def _draw_line(axes: Axes, view: Parallel, index: int, colours: ScalarMappable, *, zorder: float) -> None:
    line, bpbs = view.lines[index], _heights(view, index)
    if line.is_pruned:
        axes.plot(range(len(bpbs)), bpbs, color=theme.PRUNED, lw=0.8, alpha=0.65, zorder=zorder)
    else:
        axes.plot(
            range(len(bpbs)),
            bpbs,
            color=colours.cmap(view.colour_place(line)),
            lw=1.5,
            alpha=0.9,
            zorder=zorder,
        )


def _draw_axis(axes: Axes, axis: Axis, place: int) -> None:
    axes.plot([place, place], [0, 1], color=theme.INK, lw=1, zorder=4)
    axes.text(
        place,
        1.06,
        shorten(axis.name, 16),
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
    bpbs = _heights(view, best)
    axes.plot(range(len(bpbs)), bpbs, color=theme.BEST, lw=3, marker="o", ms=6, zorder=5)
    for place, (axis, height) in enumerate(zip(view.axes, bpbs, strict=True)):
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
