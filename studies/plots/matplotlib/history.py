"""The history with matplotlib."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import LEGEND, framed_sheet, label_best, scatter_dots, star
from bardtune.studies.plots.ticks import round_steps
from bardtune.studies.plots.views.history import History
from bardtune.studies.plots.words import BPB


def draw(view: History) -> Figure:
    """Dots of the trials over the lowest so far."""
    sheet = framed_sheet(view.frame)
    axes = sheet.add_subplot()
    first, last = view.dots[0].number, view.dots[-1].number
    axes.set(xlabel="trial", ylabel=BPB, ylim=(view.low, view.high))
    axes.set_xlim(first - 0.8, last + 0.8)
    axes.set_xticks(round_steps(first, last, most=12, whole=True))
    axes.grid(axis="y")
    if view.noise is not None:
        axes.axhspan(*view.noise, color=theme.BEST, alpha=0.13, lw=0, zorder=1)
    if view.best_so_far:
        steps = [*view.best_so_far, (last, view.best_so_far[-1][1])]
        numbers, bpbs = zip(*steps, strict=True)
        axes.step(numbers, bpbs, where="post", color=theme.FINISHED, lw=1.8, label="lowest so far", zorder=2)
    scatter_dots(axes, [dot.number for dot in view.dots], view.dots)
    _mark_history(axes, view)
    axes.legend(ncols=4 if len(axes.get_legend_handles_labels()[0]) > 6 else 6, columnspacing=1.4, **LEGEND)
    return sheet


def _mark_history(axes: Axes, view: History) -> None:
    """Draw the baseline's line; label the best trial below its star; diamonds at the means of fresh runs."""
    if view.baseline is not None:
        height, name = view.baseline.shown, view.baseline.name
        axes.axhline(height, color=theme.BASELINE, lw=1.3, ls=(0, (5, 4)), zorder=1, label=name)
    for place, (number, mean, sd) in enumerate(view.confirmed):
        label = "mean of fresh runs ± sd" if place == 0 else None
        look = {"fmt": "D", "ms": 7, "mfc": "none", "mec": theme.BEST, "mew": 1.6, "ecolor": theme.BEST, "capsize": 3.5}
        axes.errorbar([number], [mean], yerr=[sd or 0.0], label=label, zorder=4, **look)  # type: ignore[arg-type]
    if view.best is not None and view.best_mark is not None:
        star(axes, view.best.number, view.best.shown, view.best_mark.word)
        lowest = min(view.best.shown, view.noise[0] if view.noise else view.best.shown)
        label_best(axes, view.best.number, lowest, view.best_mark, side=view.best_side)
