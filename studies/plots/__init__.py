"""Pictures of a study.

``kinds`` names them and makes their views: what to show, as plain data. ``interactive`` (inside a ``page``) and
``static`` draw a view; ``write`` makes the files.
"""

from bardtune.studies.plots.registry import DEFAULT_KINDS, KINDS, view_of
from bardtune.studies.plots.write import FORMATS, write_plots

__all__ = ["DEFAULT_KINDS", "FORMATS", "KINDS", "view_of", "write_plots"]
