"""Panels, contour and timeline with matplotlib."""

import numpy as np
from bardtune.studies.plots import theme
from bardtune.studies.plots.panels import LONGEST, Panel, Panels
from bardtune.studies.plots.static_base import BPB, LEGEND, label_best, scatter_dots, set_x, set_y, star
from bardtune.studies.plots.surface import Contour
from bardtune.studies.plots.timeline import Timeline
from bardtune.studies.plots.words import shorten
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter


def draw_panels(drawn: Figure, view: Panels) -> None:
    """Fill the figure with a grid of panels, the legend above the first."""
    grid = drawn.subplots(view.rows, view.columns, sharey=True, squeeze=False)
    spots = [axes for row in grid for axes in row]
    for axes, panel in zip(spots, view.panels, strict=False):
        _draw_panel(axes, view, panel)
    for axes in spots[len(view.panels) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(BPB if view.rows == 1 else "bpb")
    _legend_above(drawn, spots[0])
    panel = view.panels[0]
    if len(view.panels) == 1 and panel.best is not None and view.best_mark is not None:
        place = panel.axis.positions[panel.best]
        height = panel.axis.height(place)
        side = "left" if height < 0.3 else "right" if height > 0.7 else "center"
        label_best(spots[0], place, panel.dots[panel.best].shown, view.best_mark, side=side)


def _legend_above(drawn: Figure, axes: Axes) -> None:
    """A legend between the subtitle and the panels, which make room for it."""
    height = drawn.get_figheight()
    engine = drawn.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    left, bottom, width, tall = engine.get()["rect"]
    engine.set(rect=(left, bottom, width, tall - 0.3 / height))
    handles, labels = axes.get_legend_handles_labels()
    legend = drawn.legend(handles, labels, ncols=6, loc="upper left", bbox_to_anchor=(0.05, bottom + tall))
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


def draw_contour(axes: Axes, view: Contour) -> None:
    """The surface in the colours of the bpb, under the trials."""
    assert view.x is not None
    assert view.y is not None
    assert axes.figure is not None
    surface = np.ma.masked_invalid(np.array(view.bpb, dtype=float))
    levels = np.linspace(view.low, view.high, 13)
    colours = LinearSegmentedColormap.from_list("bpb", theme.SCALE)
    filled = axes.contourf(view.grid_x, view.grid_y, surface, levels=levels, cmap=colours, extend="both")
    set_x(axes, view.x)
    set_y(axes, view.y)
    axes.set(xlabel=shorten(view.x.name, 40), ylabel=shorten(view.y.name, 40))
    bar = axes.figure.colorbar(filled, ax=axes, fraction=0.03, pad=0.02)
    bar.outline.set_visible(False)
    bar.formatter = FuncFormatter(lambda bpb, _: f"{bpb:.3f}")
    bar.update_ticks()
    bar.ax.set_title("bpb", fontsize=theme.SMALL_SIZE, loc="left")
    bar.ax.tick_params(labelsize=theme.SMALL_SIZE, length=0)
    for look, face in (("pruned", theme.PRUNED), ("finished", theme.PAPER)):
        group = [n for n, dot in enumerate(view.dots) if dot.look == look and n != view.best]
        if group:
            xs, ys = ([axis.positions[n] for n in group] for axis in (view.x, view.y))
            axes.scatter(
                xs,
                ys,
                s=26 if look == "pruned" else 52,
                facecolor=face,
                edgecolor=theme.INK,
                linewidth=1.1,
                label=look,
                zorder=3,
            )
    if view.best is not None and view.best_mark is not None:
        star(axes, view.x.positions[view.best], view.y.positions[view.best], view.best_mark.text, size=260)
    axes.legend(ncols=4, **LEGEND)


def draw_timeline(axes: Axes, view: Timeline) -> None:
    """One row a run, the first at the top."""
    named: set[str] = set()
    for row, bar in enumerate(view.bars):
        start = bar.start_s
        for phase, seconds in bar.phases:
            label = None if phase in named else phase
            named.add(phase)
            left, width = start / view.unit_s, seconds / view.unit_s
            axes.barh(row, width, left=left, height=0.76, color=theme.PHASES[phase], label=label, zorder=2)
            start += seconds
    names = [bar.name for bar in view.bars]
    axes.set_yticks(range(len(names)), names, fontsize=theme.SMALL_SIZE - 1)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.02 * max(bar.end_s for bar in view.bars) / view.unit_s)
    axes.set_xlabel(f"time since the first run began ({view.unit})")
    axes.grid(axis="x")
    handles, labels = axes.get_legend_handles_labels()
    order = [labels.index(phase) for phase in view.phases]
    axes.legend([handles[n] for n in order], [labels[n] for n in order], ncols=5, **LEGEND)
