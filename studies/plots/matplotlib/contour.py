"""The contour with matplotlib."""

import numpy as np
from matplotlib.figure import Figure

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import BPB_COLOURS, LEGEND, add_bpb_scale, framed_sheet, set_x, set_y, star
from bardtune.studies.plots.views.contour import Contour
from bardtune.studies.plots.words import shorten


def draw(view: Contour) -> Figure:
    """The surface in the colours of the bpb, under the trials."""
    sheet = framed_sheet(view.frame)
    axes = sheet.add_subplot()
    surface = np.ma.masked_invalid(np.array(view.bpb, dtype=float))
    levels = np.linspace(view.low, view.high, 13)
    filled = axes.contourf(view.grid_x, view.grid_y, surface, levels=levels, cmap=BPB_COLOURS, extend="both")
    set_x(axes, view.x)
    set_y(axes, view.y)
    axes.set(xlabel=shorten(view.x.name, 40), ylabel=shorten(view.y.name, 40))
    add_bpb_scale(sheet, axes, filled, fraction=0.03, pad=0.02)
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
    return sheet
