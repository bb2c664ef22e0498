"""Kinds and formats of pictures. Importing this loads no library: help and completion of ``plot`` come from here."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bardtune.studies.analysis.versus import Versus
    from bardtune.studies.plots.data import PlotData
    from bardtune.studies.plots.view import View

# A line a kind, in the order of the help and of the report: the name, which is that of its module in ``views``, and
# whether it is drawn where no kind is asked for. It stands here since the help tells it, and views load numpy.
_KINDS = {
    "importance": True,
    "parallel": True,
    "history": True,
    "curves": True,
    "slice": True,
    "contour": False,
    "timeline": True,
    "throughput": False,
}
KINDS = tuple(_KINDS)
DEFAULT_KINDS = tuple(kind for kind, by_default in _KINDS.items() if by_default)

# A line a format: the module whose ``content`` makes the file.
_WRITERS = {
    "html": "plotly.page",
    "png": "matplotlib.picture",
    "svg": "matplotlib.picture",
}
FORMATS = tuple(_WRITERS)

_ROOM = "bardtune.studies.plots"
Library = Literal["plotly", "matplotlib"]


def view_of(data: "PlotData", kind: str) -> "View":
    """What the picture of ``kind`` shows: what ``view`` says in the module of ``views`` that is named like it."""
    view: View = import_module(f"{_ROOM}.views.{kind}").view(data)
    return view


def best_so_far_of(found: "Versus") -> "View":
    """What the picture of several studies shows."""
    view: View = import_module(f"{_ROOM}.views.versus").best_so_far(found)
    return view


def drawn_by(library: Library, view: "View") -> Any:
    """A view drawn with a library: what ``draw`` makes of it in the module that is named like that of the view's class.

    Returns:
        A ``Drawing`` of plotly, or a ``Figure`` of matplotlib.
    """
    shape = type(view).__module__.rpartition(".")[2]
    return import_module(f"{_ROOM}.{library}.{shape}").draw(view)


def render(view: "View", format_: str) -> bytes:
    """The file's content. Only the library that the format needs is loaded."""
    content: bytes = import_module(f"{_ROOM}.{_WRITERS[format_]}").content(view, format_)
    return content
