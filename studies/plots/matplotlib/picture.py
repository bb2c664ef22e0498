"""Pictures as PNG and SVG with matplotlib's object interface: no window, no browser, no global figure."""

import io
import textwrap

import matplotlib
import matplotlib.style
from matplotlib.figure import Figure

from bardtune.studies.plots import theme
from bardtune.studies.plots.matplotlib.base import DPI, framed_sheet
from bardtune.studies.plots.registry import drawn_by
from bardtune.studies.plots.view import View

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


def content(view: View, format_: str) -> bytes:
    """Of the file; ``format_`` is png or svg."""
    file = io.BytesIO()
    with matplotlib.style.context(["default", _STYLE]):
        metadata = {"Title": view.frame.title, **({"Date": None} if format_ == "svg" else {})}
        figure(view).savefig(file, format=format_, dpi=DPI, metadata=metadata)
    return file.getvalue()


def figure(view: View) -> Figure:
    """The picture with the words around it; where there is nothing to draw, with a sentence."""
    if view.frame.sentence is None:
        drawn: Figure = drawn_by("matplotlib", view)
        return drawn
    sheet = framed_sheet(view.frame)
    sentence = textwrap.fill(view.frame.sentence, 70)
    sheet.text(0.5, 0.5, sentence, ha="center", va="center", fontsize=theme.TITLE_SIZE - 2)
    return sheet
