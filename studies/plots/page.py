"""Pictures as self-contained pages with plotly inside: no network, no other file."""

import html
from importlib.resources import files

from bardtune.studies.plots import theme
from bardtune.studies.plots.interactive import figure
from bardtune.studies.plots.panels import Panels
from bardtune.studies.plots.parallel import Parallel
from bardtune.studies.plots.registry import View
from bardtune.studies.plots.timeline import Timeline
from bardtune.studies.plots.view import Bars

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; padding: 20px 28px; background: {paper}; color: {ink}; font: 14px {fonts};
  box-sizing: border-box; height: 100vh; display: flex; flex-direction: column; }}
h1 {{ font-size: 20px; margin: 0 0 4px; overflow-wrap: anywhere; }}
p {{ margin: 0; color: {muted}; overflow-wrap: anywhere; }}
main {{ flex: 1; min-height: {height}px; margin: 8px 0; position: relative; }}
main > div {{ position: absolute; inset: 0; }}
.sentence {{ color: {ink}; font-size: 17px; text-align: center; padding-top: 20vh; }}
.note {{ order: 1; }}
#left {{ color: {ink}; min-height: 1.5em; order: 1; }}
.wide {{ min-width: {width}px; }}
{styles}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{subtitle}</p>
<p class="note">{note}</p>
{below}
<main class="wide">{picture}</main>
</body>
</html>
"""
CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
    "plotGlPixelRatio": 1,  # its lines are one pixel of this grid wide; at 2 they are hard to see
    "showSendToCloud": False,  # plotly 7 offers by default to upload the picture
}
_BRUSHING = (
    "Drag along an axis to select, click it to clear; drag an axis's name to move it; click a line to pick it; the "
    "buttons put all axes back. Dark is low bpb, orange the best trial."
)
_LEFT = '<p id="left" aria-live="polite"></p>'
_LISTS = 'listBelow(document.getElementById("picture"), document.getElementById("left"));'


def page(view: View) -> str:
    """The whole HTML document."""
    frame = view.frame
    brushed = isinstance(view, Parallel) and frame.sentence is None
    if frame.sentence is not None:
        picture = f'<p class="sentence">{html.escape(frame.sentence)}</p>'
    else:
        picture = figure(view).to_html(
            full_html=False,
            include_plotlyjs=True,
            config=CONFIG,
            div_id="picture",
            default_height="100%",
            post_script=brushing_script() + _LISTS if brushed else None,
        )
    return _PAGE.format(
        title=html.escape(frame.title),
        subtitle=html.escape(frame.subtitle),
        note=html.escape(note_of(view)),
        picture=picture,
        below=_LEFT if brushed else "",
        styles=brushing_styles() if brushed else "",
        ink=theme.INK,
        muted=theme.MUTED,
        paper=theme.PAPER,
        fonts=theme.FONTS,
        height=least_height(view),
        width=least_width(view),
    )


def brushing_script() -> str:
    """What makes parallel coordinates tell what is selected: ``useParallel`` and ``listBelow`` in JavaScript."""
    return files("bardtune.studies.plots").joinpath("parallel.js").read_text(encoding="utf-8")


def brushing_styles() -> str:
    """And its looks."""
    return files("bardtune.studies.plots").joinpath("parallel.css").read_text(encoding="utf-8")


def note_of(view: View) -> str:
    """How to read the picture, and how to use it."""
    frame = view.frame
    return f"{_BRUSHING} {frame.note}" if isinstance(view, Parallel) and not frame.sentence else frame.note


def least_width(view: View) -> int:
    """Pixels below which the picture scrolls; 0 if it fits any window."""
    return 74 * (len(view.axes) + 1) if isinstance(view, Parallel) and not view.frame.sentence else 0


def least_height(view: View) -> int:
    """Pixels below which the picture's labels would run into each other."""
    match view:
        case Bars():
            return 110 + 34 * len(view.importance.shares)
        case Panels():
            return max(380, 70 + 215 * view.rows)
        case Timeline():
            return max(240, 110 + 17 * len(view.bars))
        case _:
            return 420
