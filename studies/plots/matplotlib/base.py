"""What all matplotlib pictures share: the sheet, dots by how trials ended, the label of the best, axes, scales."""

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from bardtune.studies.plots import theme
from bardtune.studies.plots.axes import Axis
from bardtune.studies.plots.marks import BestMark, Dot
from bardtune.studies.plots.view import Frame
from bardtune.studies.plots.words import shorten

DPI = 150
WIDTH_IN, HEIGHT_IN = 11.0, 6.2
HALO = [withStroke(linewidth=3, foreground=theme.PAPER)]  # around labels that lie on lines
BPB_COLOURS = LinearSegmentedColormap.from_list("bpb", theme.SCALE)
LEGEND: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.3, "handletextpad": 0.4}


def framed_sheet(frame: Frame, *, width: float = WIDTH_IN, height: float = HEIGHT_IN) -> Figure:
    """A white sheet with title, subtitle and note; what is between them is free.

    Args:
        width, height: inches.
    """
    sheet = Figure(figsize=(width, height), dpi=DPI, facecolor=theme.PAPER)
    title = shorten(frame.title, int(width * 7))
    sheet.text(0.2 / width, 1 - 0.18 / height, title, fontsize=theme.TITLE_SIZE, weight="bold", va="top")
    below = 1 - 0.52 / height
    sheet.text(0.2 / width, below, frame.subtitle, fontsize=theme.SMALL_SIZE, color=theme.MUTED, va="top")
    note = textwrap.wrap(frame.note, int(width * 13))
    sheet.text(0.2 / width, 0.12 / height, "\n".join(note), fontsize=theme.SMALL_SIZE, color=theme.MUTED, va="bottom")
    bottom = (0.22 + 0.18 * len(note)) / height
    sheet.set_layout_engine("constrained", rect=(0.1 / width, bottom, 1 - 0.2 / width, below - 0.2 / height - bottom))
    return sheet


def scatter_dots(axes: Axes, xs: Sequence[float], dots: Sequence[Dot], *, size: float = 52) -> None:
    """Dots by how their trials ended; those beyond the top edge as triangles on it, squares around starved ones."""
    styles = {
        "pruned": ("pruned, last value", theme.PAPER, theme.PRUNED, "o"),
        "finished": ("finished", theme.FINISHED, theme.FINISHED, "o"),
        "lost": ("diverged, crashed or cut off", theme.LOST, theme.PAPER, "X"),
    }
    for look, (label, face, edge, marker) in styles.items():
        named = False
        for is_clipped, shape in ((False, marker), (True, "^")):
            group = [n for n, dot in enumerate(dots) if dot.look == look and dot.is_clipped == is_clipped]
            if group:
                axes.scatter(
                    [xs[n] for n in group],
                    [dots[n].shown for n in group],
                    s=size,
                    marker=shape,
                    facecolor=theme.PAPER if is_clipped else face,
                    edgecolor=edge,
                    linewidth=1.5 if look != "lost" else 0.5,
                    label=None if named else label,
                    zorder=3,
                    clip_on=False,
                )
                named = True
    starved = [n for n, dot in enumerate(dots) if dot.is_starved]
    if starved:
        axes.scatter(
            [xs[n] for n in starved],
            [dots[n].shown for n in starved],
            s=2.6 * size,
            marker="s",
            facecolor="none",
            edgecolor=theme.INK,
            linewidth=1,
            label="starved: machine busy",
            zorder=4,
            clip_on=False,
        )


def star(axes: Axes, x: float, y: float, label: str, *, size: float = 190) -> None:
    axes.scatter([x], [y], s=size, marker="*", color=theme.BEST, label=label, zorder=5, clip_on=False)


def label_best(axes: Axes, x: float, y: float, best_mark: BestMark, *, side: str) -> None:
    """Who is best, and how good, below its star."""
    axes.annotate(
        best_mark.text,
        (x, y),
        xytext=(0, -10),
        textcoords="offset points",
        ha=side,
        va="top",
        color=theme.BEST,
        weight="bold",
        path_effects=HALO,
        zorder=6,
    )


def set_x(axes: Axes, axis: Axis, *, longest: int = 12) -> None:
    axes.set_xlim(axis.low, axis.high)
    axes.set_xticks([place for place, _ in axis.ticks], [shorten(text, longest) for _, text in axis.ticks])


def set_y(axes: Axes, axis: Axis, *, longest: int = 16) -> None:
    axes.set_ylim(axis.low, axis.high)
    axes.set_yticks([place for place, _ in axis.ticks], [shorten(text, longest) for _, text in axis.ticks])


def add_bpb_scale(sheet: Figure, axes: Axes, colours: ScalarMappable, **place: Any) -> None:
    """The scale of the colours, beside the picture; ``place`` says how, in matplotlib's words."""
    bar = sheet.colorbar(colours, ax=axes, **place)
    bar.outline.set_visible(False)
    bar.formatter = FuncFormatter(lambda bpb, _: f"{bpb:.3f}")
    bar.update_ticks()
    bar.ax.set_title("bpb", fontsize=theme.SMALL_SIZE, loc="left")
    bar.ax.tick_params(labelsize=theme.SMALL_SIZE, length=0)
