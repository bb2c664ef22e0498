"""Pictures of a study.

``view`` and ``parallel`` say what to show, as plain data; ``interactive`` (inside a ``page``) and ``static``
draw it; ``write`` makes the files.
"""

from studies.plots.view import KINDS
from studies.plots.write import FORMATS, write_plots

__all__ = ["FORMATS", "KINDS", "write_plots"]
