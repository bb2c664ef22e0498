"""Panels with matplotlib."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import HEIGHT_IN, framed_sheet, label_best, scatter_dots, set_x, star
from bardtune.studies.plots.views.panels import LONGEST, Panel, Panels
from bardtune.studies.plots.words import BPB, shorten


def draw(view: Panels) -> Figure:
    """A grid of panels, the legend above the first."""
    sheet = framed_sheet(view.frame, height=max(HEIGHT_IN, 1.4 + 2.3 * view.rows))
    grid = sheet.subplots(view.rows, view.columns, sharey=True, squeeze=False)
    spots = [axes for row in grid for axes in row]
    for axes, panel in zip(spots, view.panels, strict=False):
        _draw_panel(axes, view, panel)
    for axes in spots[len(view.panels) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(BPB if view.rows == 1 else "bpb")
    _legend_above(sheet, spots[0])
    labelled = view.labelled
    if labelled is not None and labelled.best is not None and view.best_mark is not None:
        x, dot = labelled.axis.positions[labelled.best], labelled.dots[labelled.best]
        label_best(spots[0], x, dot.shown, view.best_mark, side=labelled.best_side)
    return sheet


def _legend_above(sheet: Figure, axes: Axes) -> None:
    """A legend between the subtitle and the panels, which make room for it."""
    height = sheet.get_figheight()
    engine = sheet.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    left, bottom, width, tall = engine.get()["rect"]
    engine.set(rect=(left, bottom, width, tall - 0.3 / height))
    handles, labels = axes.get_legend_handles_labels()
    legend = sheet.legend(handles, labels, ncols=6, loc="upper left", bbox_to_anchor=(0.05, bottom + tall))
    legend.set_in_layout(False)


def _draw_panel(axes: Axes, view: Panels, panel: Panel) -> None:
    set_x(axes, panel.axis, longest=LONGEST)
    if panel.is_tilted and len(view.panels) > 1:
        axes.tick_params(axis="x", labelrotation=-20)
    axes.set_ylim(view.low, view.high)
    axes.set_xlabel(shorten(panel.title, 44))
    axes.grid(axis="y")
    if view.baseline is not None:
        height, name = view.baseline.shown, view.baseline.name
        axes.axhline(height, color=theme.BASELINE, lw=1.2, ls=(0, (5, 4)), zorder=1, label=name)
        if panel.baseline is not None:
            axes.plot(*panel.baseline, "D", color=theme.BASELINE, ms=7, zorder=4)
    scatter_dots(axes, panel.axis.positions, panel.dots, size=52 if len(view.panels) == 1 else 34)
    if panel.best is not None and view.best_mark is not None:
        star(axes, panel.axis.positions[panel.best], panel.dots[panel.best].shown, view.best_mark.word)
