"""Pictures as self-contained pages with plotly inside: no network, no other file."""

import html

import plotly.graph_objects as go

from bardtune.studies.plots import theme
from bardtune.studies.plots.plotly.base import Drawing
from bardtune.studies.plots.registry import drawn_by
from bardtune.studies.plots.view import View

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


def drawing_of(view: View) -> Drawing:
    """The figure of a view that has something to draw, and what its page must give it."""
    drawing: Drawing = drawn_by("plotly", view)
    return drawing


def content(view: View, format_: str) -> bytes:
    """Of the file; ``format_`` can only be html."""
    assert format_ == "html"
    return page(view).encode()


def page(view: View) -> str:
    """The whole HTML document; where there is nothing to draw, with a sentence."""
    if view.frame.sentence is not None:
        picture = f'<p class="sentence">{html.escape(view.frame.sentence)}</p>'
        return _filled(view, picture, Drawing(figure=go.Figure()))
    drawing = drawing_of(view)
    picture = drawing.figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        config=CONFIG,
        div_id="picture",
        default_height="100%",
        post_script=drawing.script or None,
    )
    return _filled(view, picture, drawing)


def _filled(view: View, picture: str, drawing: Drawing) -> str:
    return _PAGE.format(
        title=html.escape(view.frame.title),
        subtitle=html.escape(view.frame.subtitle),
        note=html.escape(note_of(view, drawing)),
        picture=picture,
        below=drawing.below,
        styles=drawing.styles,
        ink=theme.INK,
        muted=theme.MUTED,
        paper=theme.PAPER,
        fonts=theme.FONTS,
        height=drawing.height,
        width=drawing.width,
    )


def note_of(view: View, drawing: Drawing) -> str:
    """How to use the picture, and how to read it."""
    return f"{drawing.usage} {view.frame.note}" if drawing.usage else view.frame.note
