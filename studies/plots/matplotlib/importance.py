"""The importance with matplotlib."""

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import framed_sheet
from bardtune.studies.plots.views.importance import Bars
from bardtune.studies.plots.words import shorten


def draw(view: Bars) -> Figure:
    """A bar a parameter, the highest share at the top."""
    shares = view.importance.shares
    sheet = framed_sheet(view.frame, height=max(3.6, 2.2 + 0.42 * len(shares)))
    axes = sheet.add_subplot()
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
    return sheet
