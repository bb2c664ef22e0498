"""Learning curves with matplotlib."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import LEGEND, framed_sheet
from bardtune.studies.plots.views.curves import Curve, Curves
from bardtune.studies.plots.words import BPB

_STYLES = {
    "pruned": ("pruned", theme.PRUNED, "-", "o"),
    "lost": ("diverged, crashed or cut off", theme.LOST, "-", "X"),
    "open": ("not yet over", theme.PRUNED, ":", ""),
    "finished": ("finished", theme.FINISHED, "-", ""),
}


def draw(view: Curves) -> Figure:
    """A line a trial, the best on top."""
    sheet = framed_sheet(view.frame)
    axes = sheet.add_subplot()
    axes.set(xlabel=f"percent of the budget ({view.seconds:g} s)", ylabel=BPB)
    axes.set(xlim=(0, 100.8), ylim=(view.low, view.high))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda percent, _: f"{percent:g} %"))
    axes.grid(axis="y")
    for curve in view.curves:
        _draw_curve(axes, curve)
    handles = _curve_handles(view)
    if view.baseline is not None:
        name = f"baseline {bpb_text(view.baseline.points[-1][1])}"
        handles += axes.plot(*_xy(view.baseline), color=theme.BASELINE, lw=2, ls=(0, (5, 3)), label=name, zorder=4)
    if view.best is not None:
        marker = "o" if len(view.best.points) == 1 else None
        handles += axes.plot(*_xy(view.best), color=theme.BEST, lw=3, label=view.best_name, marker=marker, zorder=5)
    axes.legend(handles=handles, ncols=5, **LEGEND)
    return sheet


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """One line; where a trial stopped early it ends with a mark."""
    _, colour, dashes, mark = _STYLES[curve.look]
    percents, bpbs = _xy(curve)
    above = 3 if curve.look == "finished" else 2
    axes.plot(percents, bpbs, color=colour, lw=1.2, ls=dashes, alpha=0.7 if above == 3 else 1, zorder=above)
    mark = mark or ("o" if len(percents) == 1 else "")
    if mark:
        axes.plot(percents[-1:], bpbs[-1:], mark, color=colour, ms=5.5, mec=theme.PAPER, mew=0.5, zorder=above)


def _curve_handles(view: Curves) -> list[Line2D]:
    looks = [look for look in _STYLES if any(curve.look == look for curve in view.curves)]
    return [
        Line2D([], [], color=colour, lw=1.4, ls=dashes, marker=mark or "None", ms=5, label=label)
        for label, colour, dashes, mark in (_STYLES[look] for look in reversed(looks))
    ]


def _xy(curve: Curve) -> tuple[list[int], list[float]]:
    return [percent for percent, _ in curve.points], [bpb for _, bpb in curve.points]
