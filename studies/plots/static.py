"""Pictures as PNG and SVG with matplotlib's object interface: no window, no browser, no global figure."""

import io
import textwrap

import matplotlib
import matplotlib.style
from bardtune.studies.plots import theme
from bardtune.studies.plots.panels import Panels
from bardtune.studies.plots.parallel import Parallel
from bardtune.studies.plots.registry import View
from bardtune.studies.plots.static_base import BPB, LEGEND, label_best, scatter_dots, star
from bardtune.studies.plots.static_fields import draw_contour, draw_panels, draw_timeline
from bardtune.studies.plots.static_parallel import draw_parallel
from bardtune.studies.plots.surface import Contour
from bardtune.studies.plots.ticks import round_steps
from bardtune.studies.plots.timeline import Timeline
from bardtune.studies.plots.view import Bars, Curve, Curves, History
from bardtune.studies.plots.words import bpb_text, shorten
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

DPI = 150
WIDTH_IN, HEIGHT_IN = 11.0, 6.2
_STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture everywhere
    "font.size": theme.TEXT_SIZE,
    "text.color": theme.INK,
    "text.parse_math": False,  # a name with two dollars is a name
    "axes.edgecolor": theme.EDGE,
    "axes.labelcolor": theme.INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": theme.GRID,
    "xtick.color": theme.EDGE,
    "ytick.color": theme.EDGE,
    "xtick.labelcolor": theme.INK,
    "ytick.labelcolor": theme.INK,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": theme.PAPER,
    "legend.fancybox": False,
    "legend.fontsize": theme.SMALL_SIZE,
    "svg.hashsalt": "bardtune",  # equal study, equal file
}


def picture(view: View, format_: str) -> bytes:
    """The file's content; ``format_`` is png or svg."""
    content = io.BytesIO()
    with matplotlib.style.context(["default", _STYLE]):
        metadata = {"Title": view.frame.title, **({"Date": None} if format_ == "svg" else {})}
        figure(view).savefig(content, format=format_, dpi=DPI, metadata=metadata)
    return content.getvalue()


def figure(view: View) -> Figure:
    """The picture with the words around it."""
    drawn = _framed(view)
    if view.frame.sentence is not None:
        sentence = textwrap.fill(view.frame.sentence, 70)
        drawn.text(0.5, 0.5, sentence, ha="center", va="center", fontsize=theme.TITLE_SIZE - 2)
        return drawn
    if isinstance(view, Panels):
        draw_panels(drawn, view)
        return drawn
    axes = drawn.add_subplot()
    match view:
        case Bars():
            _draw_bars(axes, view)
        case Contour():
            draw_contour(axes, view)
        case Timeline():
            draw_timeline(axes, view)
        case Curves():
            _draw_curves(axes, view)
        case History():
            _draw_history(axes, view)
        case Parallel():
            draw_parallel(axes, view)
    return drawn


def _framed(view: View) -> Figure:
    """A white sheet with title, subtitle and note; what is between them is free."""
    frame = view.frame
    width, height = _size_in(view)
    drawn = Figure(figsize=(width, height), dpi=DPI, facecolor=theme.PAPER)
    title = shorten(frame.title, int(width * 7))
    drawn.text(0.2 / width, 1 - 0.18 / height, title, fontsize=theme.TITLE_SIZE, weight="bold", va="top")
    below = 1 - 0.52 / height
    drawn.text(0.2 / width, below, frame.subtitle, fontsize=theme.SMALL_SIZE, color=theme.MUTED, va="top")
    note = textwrap.wrap(frame.note, int(width * 13))
    drawn.text(0.2 / width, 0.12 / height, "\n".join(note), fontsize=theme.SMALL_SIZE, color=theme.MUTED, va="bottom")
    bottom = (0.22 + 0.18 * len(note)) / height
    drawn.set_layout_engine("constrained", rect=(0.1 / width, bottom, 1 - 0.2 / width, below - 0.2 / height - bottom))
    return drawn


def _size_in(view: View) -> tuple[float, float]:
    """Width and height of the sheet, in inches."""
    match view:
        case Bars(importance=found) if found.shares:
            return WIDTH_IN, max(3.6, 2.2 + 0.42 * len(found.shares))
        case Panels() if view.panels:
            return WIDTH_IN, max(HEIGHT_IN, 1.4 + 2.3 * view.rows)
        case Timeline() if view.bars:
            return WIDTH_IN, max(3.6, 1.9 + 0.19 * len(view.bars))
        case Parallel():
            width = max(WIDTH_IN, 1.25 * len(view.axes) + 1)
            return width, max(HEIGHT_IN, 0.36 * width)
        case _:
            return WIDTH_IN, HEIGHT_IN


# history


def _draw_history(axes: Axes, view: History) -> None:
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
        label_best(axes, view.best.number, lowest, view.best_mark, side=view.best_at)


# curves


def _draw_curves(axes: Axes, view: Curves) -> None:
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


_CURVE_STYLES = {
    "pruned": ("pruned", theme.PRUNED, "-", "o"),
    "lost": ("diverged or crashed", theme.LOST, "-", "X"),
    "open": ("not yet over", theme.PRUNED, ":", ""),
    "finished": ("finished", theme.FINISHED, "-", ""),
}


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """One line; where a trial stopped early it ends with a mark."""
    _, colour, dashes, mark = _CURVE_STYLES[curve.look]
    percents, bpbs = _xy(curve)
    above = 3 if curve.look == "finished" else 2
    axes.plot(percents, bpbs, color=colour, lw=1.2, ls=dashes, alpha=0.7 if above == 3 else 1, zorder=above)
    mark = mark or ("o" if len(percents) == 1 else "")
    if mark:
        axes.plot(percents[-1:], bpbs[-1:], mark, color=colour, ms=5.5, mec=theme.PAPER, mew=0.5, zorder=above)


def _curve_handles(view: Curves) -> list[Line2D]:
    looks = [look for look in _CURVE_STYLES if any(curve.look == look for curve in view.curves)]
    return [
        Line2D([], [], color=colour, lw=1.4, ls=dashes, marker=mark or "None", ms=5, label=label)
        for label, colour, dashes, mark in (_CURVE_STYLES[look] for look in reversed(looks))
    ]


def _xy(curve: Curve) -> tuple[list[int], list[float]]:
    return [percent for percent, _ in curve.points], [bpb for _, bpb in curve.points]


# importance


def _draw_bars(axes: Axes, view: Bars) -> None:
    shares = view.importance.shares
    means = [share.mean for share in shares]
    places = range(len(shares))
    whiskers = [
        [max(0.0, share.mean - share.low) for share in shares],
        [max(0.0, share.high - share.mean) for share in shares],
    ]
    axes.barh(places, means, height=0.62, color=theme.FINISHED, zorder=2)
    axes.errorbar(means, places, xerr=whiskers, fmt="none", ecolor=theme.INK, elinewidth=1.2, capsize=3.5, zorder=3)
    for place, share in zip(places, shares, strict=True):
        text = f"{share.mean:.0%}".replace("%", " %")
        axes.annotate(
            text, (max(share.mean, share.high), place), xytext=(7, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(places, [shorten(share.name, 30) for share in shares])
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel=f"share of the importance   ({view.importance.summary})", ylim=(len(shares) - 0.4, -0.6))
    axes.set_xlim(0, 1.12 * max(max(share.mean, share.high) for share in shares))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.grid(axis="x")
